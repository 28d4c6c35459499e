/*
 * The maximum of attraction + Gumbel noise is a multinomial logit choice, so expectations need no
 * draws. Among the places looked at, with w = exp(attraction), and w0 = exp(no-choice cost) + sum
 * of w over the films considered elsewhere, place k is taken with probability w_k / (w0 + sum w).
 * In a cascade it is the first to beat the best of what is not in the list: place k is taken if
 * that best beats all above but not k, hence w0 / (w0 + W) - w0 / (w0 + W + w_k), W being the sum
 * of w above k.
 *
 * A rating falls between two cut-points with the probability that a normal value does; only noise
 * is averaged over, for the judgement and what the drift makes of it are known.
 */
#include "population/truth.h"

#include <math.h>

static double normal_below(double x)
{
    return .5 * erfc(-x * M_SQRT1_2);
}

void truth_stars(const struct moment *moment, int32_t film, double pmf[10])
{
    const struct population *population = moment->population;
    const struct rating_model *model = &population->rating;
    bool whole = population->whole_stars[moment->person];
    double middle = population->mean_stars + (double)population->user_bias[moment->person];
    double mean = moment_latent(moment, model, middle, moment_judgement(moment, film));
    double sd = moment->spread * POPULATION_RATING_NOISE, below = 0;
    int steps = whole ? 5 : 10;
    for (int h = 0; h < 10; h++) {
        pmf[h] = 0;
    }
    for (int step = 0; step < steps; step++) {
        const double *cut = whole ? model->whole_cut : model->half_cut;
        double above = step < steps - 1 ? normal_below((cut[step] - mean) / sd) : 1;
        pmf[whole ? 2 * step + 1 : step] = above - below;
        below = above;
    }
}

double truth_choice(const struct moment *moment, const struct scene *scene, const bool *looked,
                    double *taken)
{
    bool cascade = moment->population->config.examination == POPULATION_CASCADE;
    int32_t places = scene->list->count;
    double none = exp(moment->population->no_choice_cost), all = 0;
    for (int k = 0; k < scene->offers; k++) {
        none += exp(scene->offer_attraction[k]);
    }
    for (int32_t place = 0; place < places; place++) {
        double weight = looked[place] ? exp(scene->attraction[place]) : 0;
        taken[place] = cascade ? none / (none + all) - none / (none + all + weight) : weight;
        all += weight;
    }
    for (int32_t place = 0; !cascade && place < places; place++) {
        taken[place] /= none + all;
    }
    return all / (none + all);
}

static void expect(const struct moment *moment, const struct scene *scene, struct step_world *out)
{
    double taken[POPULATION_LIST_MAX];
    double rates = moment->population->config.rating_share;
    truth_choice(moment, scene, scene->looked, taken);
    for (int32_t place = 0; place < scene->list->count; place++) {
        if (taken[place] <= 0) {
            continue;
        }
        double pmf[10], rated = rates * taken[place];
        truth_stars(moment, scene->list->item[place], pmf);
        out->rated += rated;
        out->reciprocal_rank += rated / (place + 1);
        for (int h = 0; h < 10; h++) {
            out->half_stars[h] += rated * pmf[h];
            out->stars += rated * pmf[h] * (h + 1) / 2.;
            out->converted += h >= 5 ? rated * pmf[h] : 0;
        }
    }
}

static double likelihood(const struct moment *moment, const struct scene *scene, const bool *looked,
                         const struct step_outcome *outcome)
{
    double taken[POPULATION_LIST_MAX], pmf[10];
    double rates = moment->population->config.rating_share;
    double any = truth_choice(moment, scene, looked, taken);
    if (outcome->rank == 0) {
        return 1 - any;
    }
    double film = taken[outcome->rank - 1];
    if (outcome->half_stars == 0) {
        return film * (1 - rates);
    }
    truth_stars(moment, outcome->item, pmf);
    return film * rates * pmf[outcome->half_stars - 1];
}

/* A step whose world is asked for, in each of the worlds. */
struct asked {
    uint32_t step;
    const struct scene_films *films;
    bool looked[POPULATION_LIST_MAX];
    bool looks; /* is what was looked at likelier in one world than in another? */
    const struct step_outcome *outcome;
};

static void describe(const struct moment *moment, const struct asked *asked, struct step_world *out)
{
    struct scene scene;
    *out = (struct step_world){.likelihood = 1};
    scene_make(moment, asked->step, asked->films, asked->looked, &scene);
    if (scene.abandoned) {
        return;
    }
    expect(moment, &scene, out);
    out->likelihood = likelihood(moment, &scene, asked->looked, asked->outcome);
    if (asked->looks) {
        out->likelihood *= scene_look_probability(moment, asked->looked, asked->films->list->count);
    }
}

/* Is every injection of the people in `now` as it is in the other world? */
static bool same_shares(const struct moment *now, const struct moment *other)
{
    for (int i = 0; now->drift != NULL && i < now->drift->count; i++) {
        if (now->share[i] != other->share[i]) {
            return false;
        }
    }
    return true;
}

void population_step_truth(const struct population *population, const struct drift *drift,
                           int64_t nominal_ns, int32_t person, uint32_t step,
                           const struct step_list *list, const int32_t *seen, int32_t seen_count,
                           const struct step_outcome *outcome, struct step_truth *out)
{
    const struct scene_films films = {.list = list, .seen = seen, .seen_count = seen_count};
    struct asked asked = {.step = step, .films = &films, .outcome = outcome};
    struct moment rest, now, full;
    moment_make(population, drift, MOMENT_REST, 0, person, &rest);
    moment_make(population, drift, MOMENT_NOW, nominal_ns, person, &now);
    moment_make(population, drift, MOMENT_FULL, 0, person, &full);
    asked.looks = now.power != 0 || full.power != 0;
    scene_look(&now, scene_stream(population, person, POPULATION_STEP_LOOK, step), list->count,
               asked.looked);
    describe(&rest, &asked, &out->rest);
    if (same_shares(&rest, &full)) {
        out->full = out->rest;
    } else {
        describe(&full, &asked, &out->full);
    }
    if (same_shares(&now, &rest)) {
        out->now = out->rest;
    } else if (same_shares(&now, &full)) {
        out->now = out->full;
    } else {
        describe(&now, &asked, &out->now);
    }
}
