/*
 * People learned from the real data where MOVIELENS_DIR names them, else from the synthetic
 * look-alike, and a line on stderr that says which. Header-only, because the other files here link
 * with base alone.
 */
#ifndef SUPPORT_PEOPLE_WORLD_H
#define SUPPORT_PEOPLE_WORLD_H

#include "movielens/dataset.h"
#include "movielens/synth.h"
#include "population/population.h"

#include <stdio.h>
#include <stdlib.h>

struct people_world {
    struct dataset data;
    struct population *population; /* borrows data, so a world is not copied */
    bool real;
};

static inline void people_world_must(enum err code, const struct error *error)
{
    if (code != ERR_OK) {
        (void)fprintf(stderr, "people world: %s\n", error->text);
        abort();
    }
}

static inline void people_world_build(struct people_world *world, int32_t users, unsigned threads)
{
    struct error error = {0};
    struct parallel parallel = {.threads = threads};
    struct population_config config = population_defaults();
    config.users = users;
    people_world_must(
        population_build(&config, &world->data, &parallel, &world->population, &error), &error);
}

/* Synthetic and small: 80 users, 600 films; `users` people in all. */
static inline void people_world_small(struct people_world *world, int32_t users, unsigned threads)
{
    struct error error = {0};
    struct parallel one = {.threads = 1};
    world->real = false;
    struct synth_config config = synth_defaults();
    config.users = 80;
    config.movies = 600;
    people_world_must(synth_make(&config, &one, &world->data, &error), &error);
    people_world_build(world, users, threads);
}

/* MOVIELENS_DIR if set, else synthetic data of 200 users. The people are `rounds` times as many as
 * the users of the data. */
static inline void people_world_full(struct people_world *world, int32_t rounds)
{
    struct error error = {0};
    struct parallel parallel = parallel_all_cores();
    world->real = false;
    const char *folder = getenv("MOVIELENS_DIR");
    if (folder != NULL && folder[0] != '\0') {
        struct dataset_options options = {.strict = true};
        people_world_must(dataset_load(folder, &options, &world->data, NULL, &error), &error);
        world->real = true;
    } else {
        struct synth_config config = synth_defaults();
        config.users = 200;
        config.movies = 2000;
        people_world_must(synth_make(&config, &parallel, &world->data, &error), &error);
    }
    (void)fprintf(stderr, "data: %s\n", world->real ? folder : "synthetic");
    people_world_build(world, rounds * world->data.ratings.users, parallel.threads);
}

static inline void people_world_end(struct people_world *world)
{
    population_free(world->population);
    dataset_deinit(&world->data);
}

#endif
