#include "population/moment.h"

#include <math.h>
#include <string.h>

enum { CHOICE, OPINION };

bool moment_has(const uint64_t *bits, int64_t place)
{
    return (bits[place / 64] >> place % 64 & 1) != 0;
}

static double parameter(const struct drift_injection *injection)
{
    return injection->bound ? injection->parameter : injection->size;
}

static double share_of(const struct population *population, const struct drift_injection *injection,
                       enum moment_world world, int64_t nominal_ns, int32_t person)
{
    if (world == MOMENT_REST || !drift_of_people(injection->kind) ||
        (injection->members != NULL && !moment_has(injection->members, person))) {
        return 0;
    }
    if (world == MOMENT_FULL) {
        return 1;
    }
    double place = 0;
    if (injection->shape == DRIFT_GRADUAL) {
        struct rng rng =
            rng_stream(population->config.seed, (uint64_t)person, POPULATION_CHANGE_OVER);
        place = rng_uniform(&rng);
    }
    return drift_intensity_at(injection, nominal_ns, place);
}

/* ---- tastes ---- */

static const float *at_rest(const struct population *population, int which, int32_t person)
{
    return (which == CHOICE ? population->taste : population->opinion) +
           (int64_t)person * TASTE_DIMS;
}

/* Where a rotation leads, as a direction, made in `room` if need be; false if nowhere. */
static bool find_goal(const struct moment *moment, const struct drift_injection *injection,
                      int which, float room[TASTE_DIMS])
{
    const struct population *population = moment->population;
    const float *own = injection->goal != NULL ? injection->goal + which * 2 * TASTE_DIMS : NULL;
    switch (injection->towards) {
    case DRIFT_ANOTHER_PERSON:
        memcpy(room, at_rest(population, which, population->partner[moment->person]),
               TASTE_DIMS * sizeof *room);
        break;
    case DRIFT_COMMON_DIRECTION:
        memcpy(room, which == CHOICE ? population->common : population->common_opinion,
               TASTE_DIMS * sizeof *room);
        break;
    case DRIFT_GENRE:
        if (own == NULL) {
            return false;
        }
        memcpy(room, own, TASTE_DIMS * sizeof *room);
        break;
    case DRIFT_SWAP_GROUPS:
        if (own == NULL) {
            return false;
        }
        const float *rest = at_rest(population, which, moment->person);
        int group = moment_has(injection->group, moment->person);
        for (int d = 0; d < TASTE_DIMS; d++) {
            room[d] = rest[d] - own[group * TASTE_DIMS + d] + own[(1 - group) * TASTE_DIMS + d];
        }
        break;
    }
    /* Choice tastes of people have length 1 as they are, and a rounding would move them. */
    bool unit = which == CHOICE && injection->towards <= DRIFT_COMMON_DIRECTION;
    return unit || taste_normalise(room) > 0;
}

static void turn(const struct moment *moment, const struct drift_injection *injection, int which,
                 double degrees, float *taste)
{
    float goal[TASTE_DIMS];
    if (degrees <= 0 || !find_goal(moment, injection, which, goal)) {
        return;
    }
    if (which == CHOICE) {
        taste_turn(taste, goal, degrees);
        return;
    }
    float length = taste_normalise(taste);
    if (length > 0) {
        taste_turn(taste, goal, degrees);
        for (int d = 0; d < TASTE_DIMS; d++) {
            taste[d] *= length;
        }
    }
}

static void turn_choice(struct moment *moment, const struct drift_injection *injection,
                        double share)
{
    double by = parameter(injection);
    float *turned = moment->turned[CHOICE];
    bool rests = moment->taste == at_rest(moment->population, CHOICE, moment->person);
    if (rests && share == 1 && injection->turned != NULL && injection->turned_by == by) {
        moment->taste = injection->turned + (int64_t)moment->person * TASTE_DIMS;
        return;
    }
    if (moment->taste != turned) {
        memcpy(turned, moment->taste, sizeof moment->turned[CHOICE]);
        moment->taste = turned;
    }
    turn(moment, injection, CHOICE, by * share, turned);
}

static void turn_opinion(struct moment *moment, const struct drift_injection *injection,
                         double share)
{
    float *turned = moment->turned[OPINION];
    if (moment->opinion != turned) {
        memcpy(turned, moment->opinion, sizeof moment->turned[OPINION]);
        moment->opinion = turned;
    }
    turn(moment, injection, OPINION, parameter(injection) * share, turned);
}

/* All but the opinion. */
static void apply(struct moment *moment, const struct drift_injection *injection, double share)
{
    double by = parameter(injection);
    switch (injection->kind) {
    case DRIFT_CHOICE_ROTATION:
    case DRIFT_TASTE_ROTATION:
        turn_choice(moment, injection, share);
        break;
    case DRIFT_CUT_POINTS:
        *(injection->bound ? &moment->shift : &moment->stars) += by * share;
        break;
    case DRIFT_CUT_SPREAD:
        moment->spread *= 1 + (by - 1) * share;
        break;
    case DRIFT_POPULARITY_WAVE:
        moment->fame *= 1 + (by - 1) * share;
        break;
    case DRIFT_POSITION_HABIT:
        moment->power += by * share;
        break;
    default: /* films are asked for one by one, and traffic is not of the people */
        break;
    }
}

void moment_choice(const struct population *population, const struct drift *drift,
                   enum moment_world world, int64_t nominal_ns, int32_t person, struct moment *out)
{
    out->population = population;
    out->drift = drift;
    out->person = person;
    out->films = out->fashion = false;
    out->fame = out->spread = 1;
    out->power = out->shift = out->stars = 0;
    out->taste = at_rest(population, CHOICE, person);
    out->opinion = at_rest(population, OPINION, person);
    for (int i = 0; drift != NULL && i < drift->count; i++) {
        const struct drift_injection *injection = &drift->injection[i];
        double share = share_of(population, injection, world, nominal_ns, person);
        out->share[i] = share;
        /* New films are not there as long as they have not come out: also at rest. */
        out->films |= injection->films != NULL && (share > 0 || injection->kind == DRIFT_NEW_FILMS);
        out->fashion |= injection->kind == DRIFT_GENRE_FASHION && share > 0;
        if (share > 0) {
            apply(out, injection, share);
        }
    }
}

void moment_opinion(struct moment *moment)
{
    for (int i = 0; moment->drift != NULL && i < moment->drift->count; i++) {
        const struct drift_injection *injection = &moment->drift->injection[i];
        bool turns =
            injection->kind == DRIFT_OPINION_ROTATION || injection->kind == DRIFT_TASTE_ROTATION;
        if (turns && moment->share[i] > 0) {
            turn_opinion(moment, injection, moment->share[i]);
        }
    }
}

void moment_make(const struct population *population, const struct drift *drift,
                 enum moment_world world, int64_t nominal_ns, int32_t person, struct moment *out)
{
    moment_choice(population, drift, world, nominal_ns, person, out);
    moment_opinion(out);
}

/* ---- films ---- */

/* Has the change reached this film, of those concerned? */
static bool reached(const struct moment *moment, double share, int32_t film)
{
    if (share <= 0 || share >= 1) {
        return share > 0;
    }
    struct rng rng =
        rng_stream(moment->population->config.seed, (uint64_t)film, POPULATION_FILM_CHANGE);
    return rng_uniform(&rng) < share;
}

double moment_film(const struct moment *moment, int32_t film)
{
    double added = 0;
    for (int i = 0; moment->films && i < moment->drift->count; i++) {
        const struct drift_injection *injection = &moment->drift->injection[i];
        if (injection->films == NULL || !moment_has(injection->films, film)) {
            continue;
        }
        double share = moment->share[i];
        if (injection->kind == DRIFT_GENRE_FASHION) {
            added += parameter(injection) * share;
        } else if (reached(moment, share, film) != (injection->kind == DRIFT_NEW_FILMS)) {
            return -INFINITY;
        }
    }
    return added;
}

double moment_attraction(const struct moment *moment, int32_t film)
{
    const struct population *population = moment->population;
    float affinity = taste_dot(moment->taste, population->film_taste + (int64_t)film * TASTE_DIMS);
    affinity = affinity > POPULATION_AFFINITY_CLIP    ? POPULATION_AFFINITY_CLIP
               : affinity < -POPULATION_AFFINITY_CLIP ? -POPULATION_AFFINITY_CLIP
                                                      : affinity;
    double attraction = population->config.choice_sharpness * (double)affinity +
                        moment->fame * (double)population->film_fame[film];
    return moment->films ? attraction + moment_film(moment, film) : attraction;
}

/* ---- ratings ---- */

double moment_judgement(const struct moment *moment, int32_t film)
{
    const struct population *population = moment->population;
    return population->mean_stars + (double)population->user_bias[moment->person] +
           (double)population->film_bias[film] +
           (double)taste_dot(moment->opinion,
                             population->film_opinion + (int64_t)film * TASTE_DIMS);
}

double moment_latent(const struct moment *moment, const struct rating_model *model, double middle,
                     double latent)
{
    double spread = moment->spread == 1 ? latent : middle + moment->spread * (latent - middle);
    return spread + (moment->shift + rating_shift(model, moment->stars));
}
