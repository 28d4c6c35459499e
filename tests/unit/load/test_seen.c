#include "load/seen.h"

#include "small_world.h"

#include <criterion/criterion.h>
#include <string.h>

Test(seen, holds_everybodys_past_in_rising_order_for_any_number_of_threads)
{
    static const struct parallel one = {.threads = 1}, three = {.threads = 3};
    struct small_world world;
    struct engine_seen alone, shared;
    struct past past = {0};
    small_world_init(&world);
    seen_build(world.population, NULL, &one, &alone);
    seen_build(world.population, &world.drift, &three, &shared);
    for (int32_t p = 0; p < SMALL_WORLD_PEOPLE; p++) {
        population_past(world.population, p, 1700000000, &past);
        cr_assert_eq(alone.start[p + 1] - alone.start[p], past.count, "person %d", p);
        cr_assert_gt(past.count, 0);
        for (int64_t i = alone.start[p] + 1; i < alone.start[p + 1]; i++) {
            cr_assert_lt(alone.item[i - 1], alone.item[i]);
        }
        for (int32_t i = 0; i < past.count; i++) {
            bool found = false;
            for (int64_t k = alone.start[p]; k < alone.start[p + 1]; k++) {
                found |= alone.item[k] == past.item[i];
            }
            cr_assert(found, "person %d, film %d", p, past.item[i]);
        }
    }
    int64_t total = alone.start[SMALL_WORLD_PEOPLE];
    cr_assert_eq(shared.start[SMALL_WORLD_PEOPLE], total);
    cr_expect_eq(memcmp(alone.start, shared.start, (SMALL_WORLD_PEOPLE + 1) * sizeof *alone.start),
                 0);
    cr_expect_eq(memcmp(alone.item, shared.item, (size_t)total * sizeof *alone.item), 0);
    past_deinit(&past);
    seen_deinit(&alone);
    seen_deinit(&shared);
    small_world_deinit(&world);
}

Test(seen, films_that_are_not_out_are_in_no_past)
{
    static const struct parallel one = {.threads = 1};
    struct small_world world;
    struct engine_seen all, without;
    struct error error = {0};
    int64_t kept = 0;
    small_world_init(&world);
    for (int32_t i = 0; i < world.data.catalogue.count; i++) {
        world.data.catalogue.year[i] = (int16_t)(1900 + i % 100);
    }
    world.drift.injection[0].kind = DRIFT_NEW_FILMS;
    world.drift.injection[0].size = .2;
    small_world_must(population_bind_drift(world.population, &world.drift, &one, &error), &error);
    seen_build(world.population, NULL, &one, &all);
    seen_build(world.population, &world.drift, &one, &without);
    for (int64_t i = 0; i < all.start[SMALL_WORLD_PEOPLE]; i++) {
        kept += !population_withheld(&world.drift, all.item[i]);
    }
    cr_expect_lt(kept, all.start[SMALL_WORLD_PEOPLE], "there are such films");
    cr_expect_eq(without.start[SMALL_WORLD_PEOPLE], kept);
    for (int64_t i = 0; i < without.start[SMALL_WORLD_PEOPLE]; i++) {
        cr_assert_not(population_withheld(&world.drift, without.item[i]));
    }
    seen_deinit(&all);
    seen_deinit(&without);
    drift_deinit(&world.drift);
    small_world_deinit(&world);
}
