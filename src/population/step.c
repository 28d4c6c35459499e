/*
 * One step: which of the films shown somebody takes, and how they rate it.
 *
 * Among the films looked at (scene.c) and not yet seen, each has the utility
 * tau * clip(affinity, +-3) + fame + Gumbel noise - c; the best one is taken if it beats the
 * utility of taking none, which is Gumbel noise around 0. (The maximum of attraction + Gumbel is a
 * multinomial logit choice without normaliser.) In a cascade the first one that does is taken.
 * Affinity is clipped because nobody is a hundred times more likely to want a film than the average
 * person.
 *
 * Common random numbers: every draw is keyed by (seed, person, step) and by what it is about, looks
 * by rank and Gumbels and rating noise by film. The same film gets the same draw wherever it stands
 * in the list and whether or not a drift is on, so two runs of one seed differ by the drift alone.
 */
#include "numeric/sampling.h"
#include "population/scene.h"

#include <assert.h>
#include <math.h>

/* The 0-based place of the film taken, -1 for none. */
static int32_t choose(const struct moment *moment, uint32_t step, const struct scene *scene)
{
    const struct population *population = moment->population;
    struct rng gumbel = scene_stream(population, moment->person, POPULATION_STEP_CHOICE, step);
    bool cascade = population->config.examination == POPULATION_CASCADE;
    int32_t taken = -1;
    /* No film has the last number, so its draw is that of "none of them". */
    double best = (double)sampling_gumbel(&gumbel, INT32_MAX) + population->no_choice_cost;
    for (int k = 0; k < scene->offers; k++) {
        best = fmax(best,
                    scene->offer_attraction[k] + (double)sampling_gumbel(&gumbel, scene->offer[k]));
    }
    for (int32_t place = 0; place < scene->list->count; place++) {
        if (!scene->looked[place] || scene->attraction[place] == -INFINITY) {
            continue;
        }
        double utility =
            scene->attraction[place] + (double)sampling_gumbel(&gumbel, scene->list->item[place]);
        if (utility > best) {
            best = utility;
            taken = place;
            if (cascade) {
                break;
            }
        }
    }
    return taken;
}

static bool rates(const struct moment *moment, uint32_t step)
{
    const struct population *population = moment->population;
    if (population->config.rating_share >= 1) {
        return true;
    }
    struct rng rng = scene_stream(population, moment->person, POPULATION_STEP_RATES, step);
    return rng_uniform(&rng) < population->config.rating_share;
}

struct step_outcome population_step(const struct population *population, const struct drift *drift,
                                    int64_t nominal_ns, int32_t person, uint32_t step,
                                    const struct step_list *list, const int32_t *seen,
                                    int32_t seen_count)
{
    assert(person >= 0 && person < population->users);
    assert(list->count >= 0 && list->count <= POPULATION_LIST_MAX);
    const struct scene_films films = {.list = list, .seen = seen, .seen_count = seen_count};
    struct moment moment;
    struct scene scene;
    moment_choice(population, drift, MOMENT_NOW, nominal_ns, person, &moment);
    scene_make(&moment, step, &films, NULL, &scene);
    struct step_outcome outcome = {.item = -1};
    int32_t taken = scene.abandoned ? -1 : choose(&moment, step, &scene);
    if (taken < 0) {
        return outcome;
    }
    outcome.watched = true;
    outcome.rank = taken + 1;
    outcome.item = list->item[taken];
    if (!rates(&moment, step)) {
        return outcome;
    }
    struct rng noise = scene_stream(population, person, POPULATION_STEP_NOISE, step);
    double middle = population->mean_stars + (double)population->user_bias[person];
    moment_opinion(&moment);
    double latent = moment_judgement(&moment, outcome.item) + population_noise(noise, outcome.item);
    outcome.half_stars = rating_cut(&population->rating, population->whole_stars[person],
                                    moment_latent(&moment, &population->rating, middle, latent));
    return outcome;
}
