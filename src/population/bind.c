/*
 * Binding: from what a scenario says about an injection to the people, films and directions it is
 * about.
 *
 * Cohorts are ranks of people, so that a larger share holds all of a smaller one: by a draw, by the
 * cosine of choice taste and a genre, by the number of ratings in the past (equals in drawn order).
 *
 * New films are the newest by year, then by MovieLens id, until they hold the wanted share of the
 * ratings; removed ones are drawn. Both orders are fixed, so a larger size concerns all films of a
 * smaller one and does at least the same harm.
 *
 * The choice tastes that a rotation of a known angle ends at are computed here once for all people.
 * Every step under a drift that is sudden, or gradual, or over, would else turn the same taste
 * again, which adds a third to a step.
 *
 * Groups that swap are the two halves of the members along the direction in which their choice
 * tastes differ most (the first principal component, by power iteration). Each member's goal is
 * their own taste less the mean of their group plus that of the other: groups trade what they have
 * in common, and people stay different.
 */
#include "population/bind.h"

#include "base/mem.h"
#include "base/text.h"
#include "numeric/sampling.h"
#include "population/moment.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define POWER_ROUNDS 100
#define BAR_PEOPLE 512

struct binding {
    const struct population *population;
    struct drift_injection *injection;
    int number; /* from 1, for messages */
    struct error *error;
};

static uint64_t *new_bits(int32_t count)
{
    return mem_zalloc((size_t)count / 64 + 1, sizeof(uint64_t));
}

static void set_bit(uint64_t *bits, int32_t place)
{
    bits[place / 64] |= UINT64_C(1) << place % 64;
}

/* ---- order by a key ---- */

struct keyed {
    double key;
    double tie; /* among equal keys */
    int32_t index;
};

static int by_rising_key(const void *a, const void *b)
{
    const struct keyed *one = a, *other = b;
    if (one->key != other->key) {
        return one->key < other->key ? -1 : 1;
    }
    if (one->tie != other->tie) {
        return one->tie < other->tie ? -1 : 1;
    }
    return (one->index > other->index) - (one->index < other->index);
}

static double drawn(const struct population *population, int32_t owner, uint32_t purpose)
{
    struct rng rng = rng_stream(population->config.seed, (uint64_t)owner, purpose);
    return rng_uniform(&rng);
}

/* ---- genres ---- */

static int genre_index(const struct catalogue *catalogue, const char *name)
{
    for (int g = 0; g < catalogue->genre_count; g++) {
        if (strcmp(catalogue->genre_name[g], name) == 0) {
            return g;
        }
    }
    return -1;
}

static enum err find_genre(const struct binding *binding, const char *name, int *genre)
{
    const struct catalogue *catalogue = population_catalogue(binding->population);
    *genre = genre_index(catalogue, name);
    if (*genre >= 0) {
        return ERR_OK;
    }
    char known[360] = "";
    for (int g = 0; g < catalogue->genre_count; g++) {
        size_t used = strlen(known);
        (void)text_copy(known + used, sizeof known - used, g > 0 ? ", " : "");
        used = strlen(known);
        (void)text_copy(known + used, sizeof known - used, catalogue->genre_name[g]);
    }
    return error_set(binding->error, ERR_INPUT, NULL, 0,
                     "injection %d (%s): no film has the genre \"%s\"; there are %s",
                     binding->number, drift_kind_name(binding->injection->kind), name, known);
}

/* Sum over the genre's films of their ratings times the vector; its direction is what counts. */
static void genre_mean(const struct population *population, int genre, const float *by_film,
                       float out[TASTE_DIMS])
{
    const uint32_t *genres = population_catalogue(population)->genres;
    double sum[TASTE_DIMS] = {0};
    for (int32_t i = 0; i < population->films; i++) {
        for (int d = 0; d < TASTE_DIMS && (genres[i] >> genre & 1) != 0; d++) {
            sum[d] += population->film_count[i] * (double)by_film[(int64_t)i * TASTE_DIMS + d];
        }
    }
    for (int d = 0; d < TASTE_DIMS; d++) {
        out[d] = (float)sum[d];
    }
    taste_normalise(out);
}

/* ---- cohorts ---- */

/* Members are those at ranks [from, to) of the people in rising order of their keys. */
static uint64_t *take_ranks(struct keyed *people, int32_t count, double from, double to,
                            int32_t all)
{
    uint64_t *members = new_bits(all);
    int32_t first = (int32_t)floor(from * count + .5), end = (int32_t)floor(to * count + .5);
    qsort(people, (size_t)count, sizeof *people, by_rising_key);
    for (int32_t k = first; k < end; k++) {
        set_bit(members, people[k].index);
    }
    return members;
}

static uint64_t *lovers(const struct population *population, int genre, double share)
{
    struct keyed *people = mem_array((size_t)population->users, sizeof *people);
    float mean[TASTE_DIMS];
    genre_mean(population, genre, population->film_taste, mean);
    for (int32_t p = 0; p < population->users; p++) {
        float nearness = taste_dot(population->taste + (int64_t)p * TASTE_DIMS, mean);
        people[p] = (struct keyed){.key = -(double)nearness, .index = p};
    }
    uint64_t *members = take_ranks(people, population->users, 0, share, population->users);
    mem_free(people);
    return members;
}

/* Of people with a past. */
static uint64_t *activity_band(const struct population *population, double from, double to)
{
    int32_t settled = population->users - population->config.newcomers;
    struct keyed *people = mem_array((size_t)settled, sizeof *people);
    for (int32_t p = 0; p < settled; p++) {
        people[p] = (struct keyed){.key = population_activity(population, p),
                                   .tie = drawn(population, p, POPULATION_COHORT),
                                   .index = p};
    }
    uint64_t *members = take_ranks(people, settled, from, to, population->users);
    mem_free(people);
    return members;
}

static uint64_t *drawn_share(const struct population *population, double share)
{
    uint64_t *members = new_bits(population->users);
    for (int32_t p = 0; p < population->users; p++) {
        if (drawn(population, p, POPULATION_COHORT) < share) {
            set_bit(members, p);
        }
    }
    return members;
}

static uint64_t *all_newcomers(const struct population *population)
{
    uint64_t *members = new_bits(population->users);
    for (int32_t p = population->users - population->config.newcomers; p < population->users; p++) {
        set_bit(members, p);
    }
    return members;
}

static bool any_bit(const uint64_t *bits, int32_t count)
{
    for (int32_t word = 0; word < count / 64 + 1; word++) {
        if (bits[word] != 0) {
            return true;
        }
    }
    return false;
}

static enum err bind_cohort(const struct binding *binding)
{
    const struct population *population = binding->population;
    struct drift_injection *injection = binding->injection;
    enum err code = ERR_OK;
    int genre = -1;
    switch (injection->cohort.kind) {
    case DRIFT_EVERYBODY:
        return ERR_OK;
    case DRIFT_SHARE:
        injection->members = drawn_share(population, injection->cohort.share);
        break;
    case DRIFT_GENRE_LOVERS:
        code = find_genre(binding, injection->cohort.genre, &genre);
        if (code == ERR_OK) {
            injection->members = lovers(population, genre, injection->cohort.share);
        }
        break;
    case DRIFT_ACTIVITY_BAND:
        injection->members =
            activity_band(population, injection->cohort.from, injection->cohort.to);
        break;
    case DRIFT_NEWCOMERS:
        injection->members = all_newcomers(population);
        break;
    }
    if (code == ERR_OK && !any_bit(injection->members, population->users)) {
        code = error_set(binding->error, ERR_INPUT, NULL, 0,
                         "injection %d (%s): nobody of %d people is in its cohort", binding->number,
                         drift_kind_name(injection->kind), population->users);
    }
    return code;
}

static bool is_member(const struct drift_injection *injection, int32_t person)
{
    return injection->members == NULL || moment_has(injection->members, person);
}

/* ---- films ---- */

static uint64_t *genre_films(const struct population *population, int genre)
{
    uint64_t *films = new_bits(population->films);
    for (int32_t i = 0; i < population->films; i++) {
        if ((population_catalogue(population)->genres[i] >> genre & 1) != 0) {
            set_bit(films, i);
        }
    }
    return films;
}

/* Films in rising order of their keys until they hold the share of ratings. */
static uint64_t *films_of_share(const struct population *population, struct keyed *film,
                                double share)
{
    uint64_t *films = new_bits(population->films);
    double wanted = share * (double)population->data->ratings.count, held = 0;
    qsort(film, (size_t)population->films, sizeof *film, by_rising_key);
    for (int32_t k = 0; k < population->films && held < wanted; k++) {
        set_bit(films, film[k].index);
        held += population->film_count[film[k].index];
    }
    return films;
}

/* Mean over some people of the attraction of the last of their favourites, of all films. */
static double favourite_bar(const struct population *population)
{
    float *score = mem_array((size_t)population->films, sizeof *score);
    int32_t step = population->users / BAR_PEOPLE + 1, count = 0, best[BIND_FAVOURITES];
    double sum = 0;
    for (int32_t p = 0; p < population->users; p += step) {
        const float *taste = population->taste + (int64_t)p * TASTE_DIMS;
        for (int32_t i = 0; i < population->films; i++) {
            score[i] = population->film_count[i] >= BIND_OFFER_RATINGS
                           ? (float)population_attraction(population, taste, i)
                           : -INFINITY;
        }
        int32_t found = sampling_top_n(score, population->films, BIND_FAVOURITES, best);
        float last = INFINITY;
        for (int32_t k = 0; k < found; k++) {
            last = fminf(last, score[best[k]]);
        }
        sum += (double)last;
        count++;
    }
    mem_free(score);
    return sum / count;
}

/* The best known of the new films, and their tastes by dimension. */
static void bind_offers(const struct population *population, struct drift_injection *injection)
{
    struct keyed *film = mem_array((size_t)population->films, sizeof *film);
    int32_t count = 0;
    for (int32_t i = 0; i < population->films; i++) {
        if (moment_has(injection->films, i) && population->film_count[i] >= BIND_OFFER_RATINGS) {
            film[count++] = (struct keyed){.key = -population->film_count[i], .index = i};
        }
    }
    qsort(film, (size_t)count, sizeof *film, by_rising_key);
    count = count < BIND_OFFERS ? count : BIND_OFFERS;
    for (int32_t k = 0; k < count; k++) {
        film[k].key = film[k].index;
    }
    qsort(film, (size_t)count, sizeof *film, by_rising_key);
    int32_t *offer = mem_array((size_t)count + 1, sizeof *offer);
    float *taste = mem_array((size_t)(count + 1) * TASTE_DIMS, sizeof *taste);
    for (int32_t k = 0; k < count; k++) {
        offer[k] = film[k].index;
        for (int d = 0; d < TASTE_DIMS; d++) {
            taste[(int64_t)d * count + k] =
                population->film_taste[(int64_t)offer[k] * TASTE_DIMS + d];
        }
    }
    injection->offers = count;
    injection->offer = offer;
    injection->offer_by_dim = taste;
    mem_free(film);
}

static enum err bind_films(const struct binding *binding)
{
    const struct population *population = binding->population;
    struct drift_injection *injection = binding->injection;
    if (injection->kind == DRIFT_GENRE_FASHION) {
        int genre;
        enum err code = find_genre(binding, injection->genre, &genre);
        if (code == ERR_OK) {
            injection->films = genre_films(population, genre);
        }
        return code;
    }
    if (injection->kind != DRIFT_NEW_FILMS && injection->kind != DRIFT_REMOVED_FILMS) {
        return ERR_OK;
    }
    struct keyed *film = mem_array((size_t)population->films, sizeof *film);
    bool newest = injection->kind == DRIFT_NEW_FILMS;
    for (int32_t i = 0; i < population->films; i++) {
        film[i] = (struct keyed){.key = newest ? -population_catalogue(population)->year[i]
                                               : drawn(population, i, POPULATION_FILM_REMOVED),
                                 .tie = -i,
                                 .index = i};
    }
    injection->films = films_of_share(population, film, injection->parameter);
    mem_free(film);
    if (newest) {
        bind_offers(population, injection);
        injection->offer_bar = favourite_bar(population);
    }
    return ERR_OK;
}

/* ---- goals ---- */

/* The direction in which the members' choice tastes differ most. */
static void leading_taste(const struct population *population,
                          const struct drift_injection *injection, double out[TASTE_DIMS])
{
    double mean[TASTE_DIMS] = {0}, moment[TASTE_DIMS][TASTE_DIMS] = {{0}}, count = 0;
    for (int32_t p = 0; p < population->users; p++) {
        const float *taste = population->taste + (int64_t)p * TASTE_DIMS;
        for (int a = 0; a < TASTE_DIMS && is_member(injection, p); a++) {
            mean[a] += (double)taste[a];
            count += a == 0;
            for (int b = 0; b < TASTE_DIMS; b++) {
                moment[a][b] += (double)taste[a] * (double)taste[b];
            }
        }
    }
    for (int d = 0; d < TASTE_DIMS; d++) {
        out[d] = 1. / (d + 1); /* at right angles to no axis */
    }
    for (int round = 0; round < POWER_ROUNDS; round++) {
        double next[TASTE_DIMS] = {0}, square = 0;
        for (int a = 0; a < TASTE_DIMS; a++) {
            for (int b = 0; b < TASTE_DIMS; b++) {
                next[a] += (moment[a][b] - mean[a] * mean[b] / count) * out[b];
            }
            square += next[a] * next[a];
        }
        for (int d = 0; d < TASTE_DIMS && square > 0; d++) {
            out[d] = next[d] / sqrt(square);
        }
    }
}

static void split_groups(const struct population *population, struct drift_injection *injection)
{
    double axis[TASTE_DIMS];
    struct keyed *people = mem_array((size_t)population->users, sizeof *people);
    uint64_t *group = new_bits(population->users);
    int32_t count = 0;
    leading_taste(population, injection, axis);
    for (int32_t p = 0; p < population->users; p++) {
        if (is_member(injection, p)) {
            double along = 0;
            for (int d = 0; d < TASTE_DIMS; d++) {
                along += axis[d] * (double)population->taste[(int64_t)p * TASTE_DIMS + d];
            }
            people[count++] = (struct keyed){.key = along, .index = p};
        }
    }
    qsort(people, (size_t)count, sizeof *people, by_rising_key);
    for (int32_t k = count / 2; k < count; k++) {
        set_bit(group, people[k].index);
    }
    injection->group = group;
    mem_free(people);
}

static void group_means(const struct population *population,
                        const struct drift_injection *injection, const float *tastes,
                        float out[2 * TASTE_DIMS])
{
    double sum[2][TASTE_DIMS] = {{0}}, count[2] = {0};
    for (int32_t p = 0; p < population->users; p++) {
        if (is_member(injection, p)) {
            int group = moment_has(injection->group, p);
            count[group] += 1;
            for (int d = 0; d < TASTE_DIMS; d++) {
                sum[group][d] += (double)tastes[(int64_t)p * TASTE_DIMS + d];
            }
        }
    }
    for (int k = 0; k < 2 * TASTE_DIMS; k++) {
        out[k] = (float)(sum[k / TASTE_DIMS][k % TASTE_DIMS] / fmax(count[k / TASTE_DIMS], 1));
    }
}

static bool turns(enum drift_kind kind)
{
    return kind == DRIFT_CHOICE_ROTATION || kind == DRIFT_OPINION_ROTATION ||
           kind == DRIFT_TASTE_ROTATION;
}

static enum err bind_goal(const struct binding *binding)
{
    const struct population *population = binding->population;
    struct drift_injection *injection = binding->injection;
    if (!turns(injection->kind) || injection->towards < DRIFT_GENRE) {
        return ERR_OK;
    }
    int genre = -1;
    if (injection->towards == DRIFT_GENRE) {
        enum err code = find_genre(binding, injection->genre, &genre);
        if (code != ERR_OK) {
            return code;
        }
    }
    float *goal = mem_zalloc((size_t)4 * TASTE_DIMS, sizeof *goal);
    injection->goal = goal;
    if (genre >= 0) {
        genre_mean(population, genre, population->film_taste, goal);
        genre_mean(population, genre, population->film_opinion, goal + 2 * TASTE_DIMS);
    } else {
        split_groups(population, injection);
        group_means(population, injection, population->taste, goal);
        group_means(population, injection, population->opinion, goal + 2 * TASTE_DIMS);
    }
    return ERR_OK;
}

/* ---- tastes that have turned all the way ---- */

struct turning {
    const struct population *population;
    struct drift drift; /* the one injection */
    float *turned;      /* [users x TASTE_DIMS] */
};

static void turn_people(void *context, int64_t first, int64_t end, unsigned lane)
{
    (void)lane;
    const struct turning *turning = context;
    for (int64_t p = first; p < end; p++) {
        struct moment moment;
        moment_choice(turning->population, &turning->drift, MOMENT_FULL, 0, (int32_t)p, &moment);
        memcpy(turning->turned + p * TASTE_DIMS, moment.taste,
               TASTE_DIMS * sizeof *turning->turned);
    }
}

static void bind_turned(const struct population *population, struct drift_injection *injection,
                        const struct parallel *parallel)
{
    bool chooses =
        injection->kind == DRIFT_CHOICE_ROTATION || injection->kind == DRIFT_TASTE_ROTATION;
    if (!chooses || injection->unit != DRIFT_BY_KIND) {
        return; /* the solver, which comes later, finds the angle */
    }
    struct turning turning = {.population = population,
                              .drift = {.count = 1, .injection = {*injection}}};
    turning.turned = mem_array((size_t)population->users * TASTE_DIMS, sizeof *turning.turned);
    parallel_for(parallel, population->users, 0, turn_people, &turning);
    injection->turned = turning.turned;
    injection->turned_by = injection->parameter;
}

/* ---- sizes ---- */

/* Until effect_solve says what a size in effect units comes to, it comes to no drift. */
static enum err bind_size(const struct binding *binding)
{
    struct drift_injection *injection = binding->injection;
    struct drift_bounds bounds = drift_bounds(injection->kind);
    bool possible = injection->size >= bounds.least && injection->size <= bounds.most;
    injection->parameter = bounds.neutral;
    if (injection->unit == DRIFT_STARS && injection->kind == DRIFT_CUT_POINTS) {
        injection->parameter = rating_shift(&binding->population->rating, injection->size);
    }
    if (injection->unit != DRIFT_BY_KIND) {
        return ERR_OK;
    }
    if (!possible && injection->size != bounds.neutral) {
        return error_set(binding->error, ERR_INPUT, NULL, 0,
                         "injection %d (%s): its size is %s from %g to %g, not %g", binding->number,
                         drift_kind_name(injection->kind), bounds.of, bounds.least, bounds.most,
                         injection->size);
    }
    injection->parameter = injection->size;
    return ERR_OK;
}

enum err population_bind_drift(const struct population *population, struct drift *drift,
                               const struct parallel *parallel, struct error *error)
{
    enum err code = ERR_OK;
    drift_deinit(drift);
    for (int i = 0; code == ERR_OK && i < drift->count; i++) {
        struct binding binding = {.population = population,
                                  .injection = &drift->injection[i],
                                  .number = i + 1,
                                  .error = error};
        code = bind_size(&binding);
        code = code == ERR_OK ? bind_cohort(&binding) : code;
        code = code == ERR_OK ? bind_films(&binding) : code;
        code = code == ERR_OK ? bind_goal(&binding) : code;
        drift->injection[i].bound = code == ERR_OK;
        if (code == ERR_OK) {
            bind_turned(population, &drift->injection[i], parallel);
        }
    }
    if (code != ERR_OK) {
        drift_deinit(drift);
    }
    return code;
}

bool population_withheld(const struct drift *drift, int32_t film)
{
    for (int i = 0; drift != NULL && i < drift->count; i++) {
        const struct drift_injection *injection = &drift->injection[i];
        if (injection->kind == DRIFT_NEW_FILMS && injection->films != NULL &&
            moment_has(injection->films, film)) {
            return true;
        }
    }
    return false;
}

bool population_withholds(const struct drift *drift)
{
    for (int i = 0; drift != NULL && i < drift->count; i++) {
        if (drift->injection[i].kind == DRIFT_NEW_FILMS && drift->injection[i].films != NULL) {
            return true;
        }
    }
    return false;
}
