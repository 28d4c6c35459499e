/* One injection of every kind of the people, of a size that moves much, and a world to bind it in.
 * Header-only, as the others here. */
#ifndef POPULATION_DRIFT_ROWS_H
#define POPULATION_DRIFT_ROWS_H

#include "people_world.h"
#include "population/population_int.h"

#include <string.h>

enum { DRIFT_ROWS = 16 };

struct drift_row {
    const char *name;
    struct drift_injection injection;
    bool chooses; /* moves which films are taken */
    bool rates;   /* moves how they are rated */
};

/* The world's people, and behaviour as `config` has it (users and newcomers too). */
static inline void drift_rows_world(struct people_world *world,
                                    const struct population_config *config)
{
    struct error error = {0};
    struct parallel one = {.threads = 1};
    struct synth_config synth = synth_defaults();
    synth.users = 80;
    synth.movies = 600;
    world->real = false;
    people_world_must(synth_make(&synth, &one, &world->data, &error), &error);
    people_world_must(population_build(config, &world->data, &one, &world->population, &error),
                      &error);
}

/* A genre that a good part of the films have. */
static inline const char *drift_rows_genre(const struct population *population)
{
    const struct catalogue *films = population_catalogue(population);
    int32_t most = 0;
    int best = 0;
    for (int g = 0; g < films->genre_count; g++) {
        int32_t count = 0;
        for (int32_t i = 0; i < films->count; i++) {
            count += (int32_t)(films->genres[i] >> g & 1);
        }
        if (count > most) {
            most = count;
            best = g;
        }
    }
    return films->genre_name[best];
}

static inline int drift_rows(const struct population *population, struct drift_row *rows)
{
    const struct drift_row table[] = {
        {"choice", {.kind = DRIFT_CHOICE_ROTATION, .size = 70}, true, false},
        {"choice, common direction",
         {.kind = DRIFT_CHOICE_ROTATION, .towards = DRIFT_COMMON_DIRECTION, .size = 70},
         true,
         false},
        {"choice, genre",
         {.kind = DRIFT_CHOICE_ROTATION, .towards = DRIFT_GENRE, .size = 60},
         true,
         false},
        {"choice, groups",
         {.kind = DRIFT_CHOICE_ROTATION, .towards = DRIFT_SWAP_GROUPS, .size = 90},
         true,
         false},
        {"opinion", {.kind = DRIFT_OPINION_ROTATION, .size = 120}, false, true},
        {"opinion, genre",
         {.kind = DRIFT_OPINION_ROTATION, .towards = DRIFT_GENRE, .size = 120},
         false,
         true},
        {"taste, groups",
         {.kind = DRIFT_TASTE_ROTATION, .towards = DRIFT_SWAP_GROUPS, .size = 60},
         true,
         true},
        {"shift", {.kind = DRIFT_CUT_POINTS, .size = -.6}, false, true},
        {"spread", {.kind = DRIFT_CUT_SPREAD, .size = 1.6}, false, true},
        {"fashion", {.kind = DRIFT_GENRE_FASHION, .size = 1.5}, true, false},
        {"wave", {.kind = DRIFT_POPULARITY_WAVE, .size = 2.5}, true, false},
        {"position", {.kind = DRIFT_POSITION_HABIT, .size = .8}, true, false},
        {"new films", {.kind = DRIFT_NEW_FILMS, .size = .3}, true, false},
        {"removed films", {.kind = DRIFT_REMOVED_FILMS, .size = .4}, true, false},
    };
    int count = (int)(sizeof table / sizeof table[0]);
    memcpy(rows, table, sizeof table);
    for (int i = 0; i < count; i++) {
        struct drift_injection *injection = &rows[i].injection;
        injection->end_ns = INT64_MAX;
        (void)snprintf(injection->genre, sizeof injection->genre, "%s",
                       drift_rows_genre(population));
    }
    return count;
}

/* Bound, with its onset at 1000. drift_deinit gives it back. */
static inline struct drift drift_rows_bind(const struct population *population,
                                           const struct drift_injection *injection)
{
    struct drift drift = {.count = 1, .injection = {*injection}};
    struct parallel one = {.threads = 1};
    struct error error = {0};
    drift.injection[0].onset_ns = 1000;
    people_world_must(population_bind_drift(population, &drift, &one, &error), &error);
    return drift;
}

static inline struct step_list drift_rows_list(const struct population *population, uint64_t owner)
{
    struct rng rng = rng_stream(33, owner, 1);
    struct step_list list = {.count = 10};
    int32_t first = (int32_t)rng_below(&rng, 40);
    for (int32_t k = 0; k < list.count; k++) {
        list.item[k] = (first + 53 * k) % population->films;
    }
    return list;
}

#endif
