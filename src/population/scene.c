/*
 * Looking. Rank k is looked at with probability k^-power, each rank for itself; or, in a cascade,
 * a person goes on from rank k to k + 1 with probability 1 - cascade_stop. An injection of the
 * position habit adds to the power; in a cascade it multiplies the probability of going on by
 * (k / (k + 1))^added, so that in both the chance of reaching rank k changes by k^-added. One draw
 * a rank in both, and the same ones whatever the drift.
 *
 * New films. People hear of them elsewhere; a target that has never learned of them cannot list
 * them. If no new film stands in the list, a person also considers those of them that would be
 * among their favourites of all films, at most SCENE_OFFERS. One that beats all the list has to
 * offer is watched elsewhere, and nothing is taken from the list. Whoever finds something new in
 * the list does not look elsewhere: that is how a target that has learned of the new films cures
 * it. (Without the bar of favourites, the ten best of however few new films would compete with any
 * list; if only the very films listed were left out, the rest of them would for ever.)
 */
#include "population/scene.h"

#include "population/bind.h"

#include <assert.h>
#include <math.h>

struct rng scene_stream(const struct population *population, int32_t person, uint32_t purpose,
                        uint32_t step)
{
    struct rng stream = rng_stream(population->config.seed, (uint64_t)person, purpose);
    stream.key = rng_mix(stream.key, step);
    stream.counter = 0;
    return stream;
}

/* Halves what is left without a branch that depends on the films: nobody could predict it. */
bool scene_contains(const int32_t *rising, int32_t count, int32_t film)
{
    const int32_t *from = rising;
    int32_t left = count;
    while (left > 1) {
        int32_t half = left / 2;
        from += from[half - 1] < film ? half : 0;
        left -= half;
    }
    return left == 1 && *from == film;
}

/* One search is a chain of loads, each waiting for the one before; side by side they overlap. */
void scene_contains_each(const int32_t *rising, int32_t count, const struct step_list *list,
                         bool *found)
{
    int32_t from[POPULATION_LIST_MAX] = {0};
    for (int32_t left = count; left > 1;) {
        int32_t half = left / 2;
        for (int32_t k = 0; k < list->count; k++) {
            from[k] += rising[from[k] + half - 1] < list->item[k] ? half : 0;
        }
        left -= half;
    }
    for (int32_t k = 0; k < list->count; k++) {
        found[k] = count > 0 && rising[from[k]] == list->item[k];
    }
}

/* ---- looking ---- */

/* Probability that a place is looked at, in a cascade that it is gone on to after the last. */
static double look_at(const struct population *population, double power, int32_t place)
{
    const struct population_config *config = &population->config;
    if (config->examination == POPULATION_CASCADE) {
        double on = place == 0 ? 1 : 1 - config->cascade_stop;
        return power == 0 || place == 0 ? on : fmin(1, on * pow(place / (place + 1.), power));
    }
    return power == 0 ? population->look[place]
                      : fmin(1, population->look[place] * pow(place + 1., -power));
}

void scene_look(const struct moment *moment, struct rng draws, int32_t places, bool *looked)
{
    bool cascade = moment->population->config.examination == POPULATION_CASCADE, on = true;
    for (int32_t place = 0; place < places; place++) {
        looked[place] =
            rng_uniform(&draws) < look_at(moment->population, moment->power, place) && on;
        on = !cascade || looked[place];
    }
}

double scene_look_probability(const struct moment *moment, const bool *looked, int32_t places)
{
    bool cascade = moment->population->config.examination == POPULATION_CASCADE;
    double probability = 1;
    for (int32_t place = 0; place < places; place++) {
        double at = look_at(moment->population, moment->power, place);
        probability *= looked[place] ? at : 1 - at;
        if (cascade && !looked[place]) {
            break; /* those below are not looked at for sure */
        }
    }
    return probability;
}

/* ---- new films ---- */

/* Does the list name a film that this injection has brought out? */
static bool lists_new(const struct moment *moment, int number, const struct step_list *list)
{
    const uint64_t *films = moment->drift->injection[number].films;
    for (int32_t place = 0; place < list->count; place++) {
        int32_t film = list->item[place];
        if (film >= 0 && moment_has(films, film) && moment_film(moment, film) > -INFINITY) {
            return true;
        }
    }
    return false;
}

/* Enters a film among the best, which are kept in falling order. */
static void enter(struct scene *scene, int32_t film, double attraction)
{
    int place = scene->offers < SCENE_OFFERS ? scene->offers++ : SCENE_OFFERS - 1;
    while (place > 0 && scene->offer_attraction[place - 1] < attraction) {
        scene->offer[place] = scene->offer[place - 1];
        scene->offer_attraction[place] = scene->offer_attraction[place - 1];
        place--;
    }
    scene->offer[place] = film;
    scene->offer_attraction[place] = attraction;
}

/* Two injections may withhold the same film; it is then offered by the first. */
static bool offered_before(const struct drift *drift, int injection, int32_t film)
{
    for (int i = 0; i < injection; i++) {
        const struct drift_injection *other = &drift->injection[i];
        if (scene_contains(other->offer, other->offers, film)) {
            return true;
        }
    }
    return false;
}

static void add_offers(const struct moment *moment, int number, const struct scene_films *films,
                       struct scene *scene)
{
    static const float nothing[BIND_OFFERS] = {0};
    const struct population *population = moment->population;
    const struct drift_injection *injection = &moment->drift->injection[number];
    float affinity[BIND_OFFERS];
    assert(injection->offers <= BIND_OFFERS);
    taste_scores(moment->taste, 1, injection->offer_by_dim, nothing, injection->offers, affinity);
    for (int32_t k = 0; k < injection->offers; k++) {
        int32_t film = injection->offer[k];
        float clipped =
            fminf(fmaxf(affinity[k], -POPULATION_AFFINITY_CLIP), POPULATION_AFFINITY_CLIP);
        double attraction = population->config.choice_sharpness * (double)clipped +
                            moment->fame * (double)population->film_fame[film];
        /* Most films fall out here, before the dearer questions; a fashion may yet lift others. */
        if (attraction < injection->offer_bar && !moment->fashion) {
            continue;
        }
        attraction += moment_film(moment, film);
        bool better =
            scene->offers < SCENE_OFFERS || attraction > scene->offer_attraction[SCENE_OFFERS - 1];
        if (better && attraction >= injection->offer_bar &&
            !scene_contains(films->seen, films->seen_count, film) &&
            !offered_before(moment->drift, number, film)) {
            enter(scene, film, attraction);
        }
    }
}

/* ---- the scene ---- */

static bool abandons(const struct moment *moment, uint32_t step)
{
    const struct population *population = moment->population;
    if (population->config.abandon_share <= 0) {
        return false;
    }
    struct rng rng = scene_stream(population, moment->person, POPULATION_STEP_ABANDON, step);
    return rng_uniform(&rng) < population->config.abandon_share;
}

void scene_make(const struct moment *moment, uint32_t step, const struct scene_films *films,
                const bool *also, struct scene *out)
{
    const struct step_list *list = films->list;
    out->list = list;
    out->offers = 0;
    out->abandoned = abandons(moment, step);
    if (out->abandoned) {
        return;
    }
    bool seen[POPULATION_LIST_MAX];
    scene_contains_each(films->seen, films->seen_count, list, seen);
    scene_look(moment, scene_stream(moment->population, moment->person, POPULATION_STEP_LOOK, step),
               list->count, out->looked);
    for (int32_t place = 0; place < list->count; place++) {
        int32_t film = list->item[place];
        bool asked = out->looked[place] || (also != NULL && also[place]);
        bool possible = asked && film >= 0 && !seen[place];
        out->attraction[place] = possible ? moment_attraction(moment, film) : -INFINITY;
    }
    for (int i = 0; moment->films && i < moment->drift->count; i++) {
        if (moment->drift->injection[i].offers > 0 && moment->share[i] > 0 &&
            !lists_new(moment, i, list)) {
            add_offers(moment, i, films, out);
        }
    }
}
