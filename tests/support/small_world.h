/*
 * A few hundred made-up people and everything an engine needs to play them. Only for tests that
 * link the load floor; header-only, because the other files here link with base alone.
 */
#ifndef SUPPORT_SMALL_WORLD_H
#define SUPPORT_SMALL_WORLD_H

#include "base/mem.h"
#include "base/rng.h"
#include "fake_transport.h"
#include "load/engine.h"
#include "population/population.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SMALL_WORLD_SECOND INT64_C(1000000000)
#define SMALL_WORLD_PEOPLE 160

struct small_world {
    struct dataset data;
    struct population *population;
    struct drift drift;
    struct target *target;
    struct fake_script script;
    int64_t phase_start_ns[3];
    struct engine_plan plan; /* 60 s at 50 steps/s, drift in the middle, one thread, the fake */
};

static inline void small_world_must(enum err code, const struct error *error)
{
    if (code != ERR_OK) {
        (void)fprintf(stderr, "small world: %s\n", error->text);
        abort();
    }
}

/* Six groups of people who like one sixth of the films each, and popular films more. Not the
 * product's synthetic data, whose fit takes longer than all that is tested on this. */
static inline void small_world_data(struct dataset *data)
{
    enum { USERS = 80, FILMS = 300, EACH = 40 };
    struct catalogue *films = &data->catalogue;
    struct ratings *ratings = &data->ratings;
    films->count = ratings->items = FILMS;
    films->id = mem_zalloc(FILMS, sizeof *films->id);
    films->genres = mem_zalloc(FILMS, sizeof *films->genres);
    films->year = mem_zalloc(FILMS, sizeof *films->year);
    films->title = mem_zalloc(FILMS, sizeof *films->title);
    films->title_bytes = mem_text("A Film (1999)");
    for (int32_t i = 0; i < FILMS; i++) {
        films->id[i] = 3 * i + 2;
        films->title[i] = films->title_bytes;
    }
    ratings->users = USERS;
    ratings->count = USERS * EACH;
    ratings->user_id = mem_zalloc(USERS, sizeof *ratings->user_id);
    ratings->start = mem_zalloc(USERS + 1, sizeof *ratings->start);
    ratings->item = mem_zalloc(USERS * EACH, sizeof *ratings->item);
    ratings->half_stars = mem_zalloc(USERS * EACH, sizeof *ratings->half_stars);
    ratings->time_s = mem_zalloc(USERS * EACH, sizeof *ratings->time_s);
    for (int32_t u = 0; u < USERS; u++) {
        bool seen[FILMS] = {false};
        struct rng rng = rng_stream(5, (uint64_t)u, 1);
        ratings->user_id[u] = u + 1;
        for (int32_t k = u * EACH; k < (u + 1) * EACH; k++) {
            int32_t film;
            do {
                double skewed = rng_uniform(&rng) * rng_uniform(&rng);
                film = (int32_t)(skewed * FILMS);
                film = rng_uniform(&rng) < 0.7 ? film - film % 6 + u % 6 : film;
            } while (film >= FILMS || seen[film]);
            seen[film] = true;
            ratings->item[k] = film;
            ratings->half_stars[k] = (uint8_t)(2 + rng_below(&rng, 5) + rng_below(&rng, 5));
            ratings->time_s[k] = 1000000000 + k * 60;
        }
        ratings->start[u + 1] = (u + 1) * EACH;
    }
}

static inline void small_world_init(struct small_world *world)
{
    static const struct parallel one = {.threads = 1};
    struct population_config config = population_defaults();
    struct error error = {0};
    memset(world, 0, sizeof *world);
    small_world_data(&world->data);
    config.users = SMALL_WORLD_PEOPLE;
    config.seed = 5;
    small_world_must(population_build(&config, &world->data, &one, &world->population, &error),
                     &error);
    world->drift = (struct drift){.count = 1,
                                  .injection = {{.kind = DRIFT_CHOICE_ROTATION,
                                                 .shape = DRIFT_SUDDEN,
                                                 .towards = DRIFT_ANOTHER_PERSON,
                                                 .onset_ns = 30 * SMALL_WORLD_SECOND,
                                                 .end_ns = INT64_MAX,
                                                 .size = 79}}};
    const struct catalogue *films = population_catalogue(world->population);
    small_world_must(target_from_url("http://fake", films, 10, &world->target, &error), &error);
    world->script = (struct fake_script){
        .movie_id = films->id, .movie_count = films->count, .latency_ns = 2000000};
    world->phase_start_ns[1] = 20 * SMALL_WORLD_SECOND;
    world->phase_start_ns[2] = 30 * SMALL_WORLD_SECOND;
    world->plan = (struct engine_plan){.population = world->population,
                                       .drift = &world->drift,
                                       .target = world->target,
                                       .arrivals = {.seed = 77,
                                                    .visits_per_s = 50.0 / 3,
                                                    .steps_per_visit = 3,
                                                    .think_median_s = 0.4,
                                                    .think_sigma = 0.6,
                                                    .people = SMALL_WORLD_PEOPLE,
                                                    .end_ns = 60 * SMALL_WORLD_SECOND},
                                       .transport = &transport_fake,
                                       .threads = 1,
                                       .connections = 8,
                                       .timeout_ms = 1000,
                                       .phase_start_ns = world->phase_start_ns,
                                       .phase_count = 3};
}

static inline void small_world_deinit(struct small_world *world)
{
    target_free(world->target);
    population_free(world->population);
    dataset_deinit(&world->data);
}

/* Turns the plan to another address. */
static inline void small_world_aim(struct small_world *world, const char *url)
{
    struct error error = {0};
    target_free(world->target);
    small_world_must(
        target_from_url(url, population_catalogue(world->population), 10, &world->target, &error),
        &error);
    world->plan.target = world->target;
}

/* Plays the plan to its end. */
static inline void small_world_play(const struct small_world *world, struct engine_result *out)
{
    struct engine *engine = NULL;
    struct error error = {0};
    fake_transport_use(&world->script);
    small_world_must(engine_start(&world->plan, &engine, &error), &error);
    engine_join(engine, out);
}

#endif
