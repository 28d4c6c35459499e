/*
 * The pasts. Real users have their own history with new dates. For everybody else, and for the
 * later past of all, a person takes the n films with the largest
 * `past_sharpness * affinity + appeal + Gumbel noise`: n draws without replacement, each in
 * proportion to exp(sharpness * affinity + appeal) of what is left (Gumbel-top-n). Films that a
 * single person of the data knows are dealt instead (singles.h). How a past is ordered and rated
 * is told in past_rating.c.
 *
 * Everything is keyed by person and film or place; the drill's time only moves the dates.
 */
#include "base/mem.h"
#include "base/rng.h"
#include "numeric/sampling.h"
#include "population/moment.h"
#include "population/past_rating.h"
#include "population/population_int.h"
#include "population/redate.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum past_kind { EARLY, LATER };

/* Counted from the midnight before the drill, so that all stay in the half year. */
#define PAST_BEGIN_S (-179 * REDATE_DAY_S)
#define PAST_END_S (-90 * REDATE_DAY_S)
#define LATER_BEGIN_S (-30 * REDATE_DAY_S)

/* A film taken and its score, packed so that integers compare: the higher score is larger, and of
 * equal scores the lower film. */
static uint64_t pack(float score, int32_t film)
{
    uint32_t bits;
    memcpy(&bits, &score, sizeof bits);
    bits = (bits & 0x80000000U) != 0 ? ~bits : bits | 0x80000000U;
    return (uint64_t)bits << 32 | (uint32_t)~film;
}

static int falling(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x < y) - (x > y);
}

int32_t past_choose(const struct population *population, const float *taste, const float *appeal,
                    struct rng stream, const int32_t *seen, int32_t seen_count, int32_t count,
                    float *score, int32_t *out)
{
    int32_t films = population->films;
    taste_scores(taste, (float)population->config.past_sharpness, population->film_by_dim, appeal,
                 films, score);
    for (int32_t k = 0; k < seen_count; k++) {
        score[seen[k]] = -INFINITY;
    }
    sampling_gumbel_keys(&stream, score, films, score);
    int32_t found = sampling_top_n(score, films, count, out);
    uint64_t *order = mem_array((size_t)found + 1, sizeof *order);
    for (int32_t k = 0; k < found; k++) {
        order[k] = pack(score[out[k]], out[k]);
    }
    qsort(order, (size_t)found, sizeof *order, falling);
    for (int32_t k = 0; k < found; k++) {
        out[k] = (int32_t) ~(uint32_t)order[k];
    }
    mem_free(order);
    return found;
}

void past_deinit(struct past *past)
{
    mem_free(past->item);
    mem_free(past->half_stars);
    mem_free(past->time_s);
    memset(past, 0, sizeof *past);
}

void past_withhold(struct past *past, const struct drift *drift)
{
    if (!population_withholds(drift)) {
        return;
    }
    int32_t kept = 0;
    for (int32_t k = 0; k < past->count; k++) {
        if (!population_withheld(drift, past->item[k])) {
            past->item[kept] = past->item[k];
            past->half_stars[kept] = past->half_stars[k];
            past->time_s[kept++] = past->time_s[k];
        }
    }
    past->count = kept;
}

static void reserve(struct past *past, int32_t count)
{
    if (past->capacity < count) {
        int32_t capacity = count > 2 * past->capacity ? count : 2 * past->capacity;
        past->item = mem_resize(past->item, (size_t)capacity, sizeof *past->item);
        past->half_stars = mem_resize(past->half_stars, (size_t)capacity, sizeof *past->half_stars);
        past->time_s = mem_resize(past->time_s, (size_t)capacity, sizeof *past->time_s);
        past->capacity = capacity;
    }
    past->count = count;
}

static void copy_history(const struct population *population, int32_t person, struct past *out)
{
    const struct ratings *ratings = &population->data->ratings;
    int64_t first = ratings->start[person];
    memcpy(out->item, ratings->item + first, (size_t)out->count * sizeof *out->item);
    memcpy(out->half_stars, ratings->half_stars + first,
           (size_t)out->count * sizeof *out->half_stars);
}

/* Rates the films of a past in their order; time_s says where sessions begin. */
static void rate_all(const struct moment *moment, enum past_kind kind, const int64_t *time_s,
                     struct past *past)
{
    const struct population *population = moment->population;
    int32_t person = moment->person;
    double *latent = mem_array((size_t)past->count + 1, sizeof *latent);
    bool *whole = mem_array((size_t)past->count + 1, sizeof *whole);
    past_rating_judge(population, person, moment->opinion,
                      kind == EARLY ? POPULATION_PAST_MOOD : POPULATION_LATER_MOOD, past->item,
                      time_s, past->count, latent);
    past_rating_grid(population, person,
                     kind == EARLY ? POPULATION_PAST_GRID : POPULATION_LATER_GRID, past->count,
                     whole);
    const struct rating_model *model = &population->past_rating;
    double middle = past_rating_middle(population, person);
    for (int32_t k = 0; k < past->count; k++) {
        past->half_stars[k] =
            rating_cut(model, whole[k], moment_latent(moment, model, middle, latent[k]));
    }
    mem_free(latent);
    mem_free(whole);
}

int32_t past_films(const struct population *population, int32_t person, float *score, int32_t *out)
{
    struct rng choice =
        rng_stream(population->config.seed, (uint64_t)person, POPULATION_PAST_CHOICE);
    int32_t dealt =
        singles_deal(&population->singles, population->config.seed,
                     (uint32_t)(person / population->real_users), population->base[person], out);
    return dealt + past_choose(population, population->taste + (int64_t)person * TASTE_DIMS,
                               population->film_appeal, choice, NULL, 0,
                               population_activity(population, person) - dealt, score, out + dealt);
}

static void generate_history(const struct population *population, int32_t person,
                             const int64_t *time_s, struct past *out)
{
    size_t films = (size_t)population->films;
    float *score = mem_array(films, sizeof *score);
    out->count = past_films(population, person, score, out->item);
    mem_free(score);
    past_rating_order(population, person, out->item, out->count);
    struct moment rest;
    moment_make(population, NULL, MOMENT_REST, 0, person, &rest);
    rate_all(&rest, EARLY, time_s, out);
}

void population_past(const struct population *population, int32_t person, int64_t drill_s,
                     struct past *out)
{
    assert(person >= 0 && person < population->users);
    const struct ratings *ratings = &population->data->ratings;
    const int64_t *time_s = ratings->time_s + ratings->start[population->base[person]];
    if (population_is_newcomer(population, person)) {
        out->count = 0;
        return;
    }
    reserve(out, population_activity(population, person));
    if (person < population->real_users) {
        copy_history(population, person, out);
    } else {
        generate_history(population, person, time_s, out);
    }
    struct rng dates = rng_stream(population->config.seed, (uint64_t)person, POPULATION_PAST_DATES);
    int64_t midnight_s = drill_s - drill_s % REDATE_DAY_S;
    redate_history(time_s, out->count, midnight_s + PAST_BEGIN_S, midnight_s + PAST_END_S, &dates,
                   out->time_s);
}

void population_past_films(const struct population *population, int32_t person, struct past *out)
{
    assert(person >= 0 && person < population->users);
    if (population_is_newcomer(population, person)) {
        out->count = 0;
        return;
    }
    reserve(out, population_activity(population, person));
    if (person < population->real_users) {
        copy_history(population, person, out);
        return;
    }
    float *score = mem_array((size_t)population->films, sizeof *score);
    out->count = past_films(population, person, score, out->item);
    mem_free(score);
}

/* Appeal of all films under the drift. Fame and fashion weigh in a past what they do in a list. */
static void drifted_appeal(const struct moment *moment, float *appeal)
{
    const struct population *population = moment->population;
    memcpy(appeal, population->film_appeal, (size_t)population->films * sizeof *appeal);
    for (int32_t i = 0; moment->fame != 1 && i < population->films; i++) {
        appeal[i] += (float)((moment->fame - 1) * (double)population->film_fame[i]);
    }
    for (int32_t i = 0; moment->films && i < population->films; i++) {
        appeal[i] += (float)moment_film(moment, i);
    }
}

/* Further films under the drift, not those in `seen`; out->count becomes what was found. */
static void choose_later(const struct moment *moment, const struct past *seen, struct past *out)
{
    const struct population *population = moment->population;
    struct rng choice =
        rng_stream(population->config.seed, (uint64_t)moment->person, POPULATION_LATER_CHOICE);
    size_t films = (size_t)population->films;
    float *score = mem_array(films, sizeof *score), *appeal = mem_array(films, sizeof *appeal);
    drifted_appeal(moment, appeal);
    out->count = past_choose(population, moment->taste, appeal, choice, seen->item, seen->count,
                             out->count, score, out->item);
    mem_free(score);
    mem_free(appeal);
}

void population_later_past(const struct population *population, int32_t person, int64_t drill_s,
                           const struct drift *drift, int32_t count_min, int32_t count_max,
                           const struct past *seen, struct past *out)
{
    assert(person >= 0 && person < population->users);
    assert(count_min >= 0 && count_max >= count_min);
    uint64_t seed = population->config.seed;
    struct rng counts = rng_stream(seed, (uint64_t)person, POPULATION_LATER_COUNT);
    int32_t count = count_min + (int32_t)rng_below(&counts, (uint32_t)(count_max - count_min) + 1);
    reserve(out, count < population->films ? count : population->films);
    struct moment moment;
    moment_make(population, drift, MOMENT_FULL, 0, person, &moment);
    choose_later(&moment, seen, out);
    struct rng dates = rng_stream(seed, (uint64_t)person, POPULATION_LATER_DATES);
    redate_sessions(out->count, drill_s + LATER_BEGIN_S, drill_s, &dates, out->time_s);
    rate_all(&moment, LATER, out->time_s, out);
}
