#include "base/mem.h"
#include "people_world.h"
#include "population/population_int.h"
#include "population/singles.h"

#include <criterion/criterion.h>
#include <string.h>

enum { REAL = 80, ROUNDS = 6 };

Test(singles, are_the_films_of_one_person)
{
    struct people_world world;
    people_world_small(&world, REAL, 1);
    const struct population *p = world.population;
    int32_t wanted = 0;
    for (int32_t i = 0; i < p->films; i++) {
        wanted += p->film_count[i] == 1;
    }
    cr_assert_gt(wanted, 20, "the world has too few of them to test: %d", wanted);
    cr_expect_eq(p->singles.count, wanted);
    cr_expect_eq(p->singles.start[REAL], wanted);
    people_world_end(&world);
}

Test(singles, each_round_deals_every_film_once_and_each_person_as_many_as_before)
{
    struct people_world world;
    people_world_small(&world, REAL, 1);
    const struct population *p = world.population;
    int32_t *out = mem_array((size_t)p->films, sizeof *out), alike = 0;
    int *dealt = mem_array((size_t)p->films, sizeof *dealt);
    for (uint32_t round = 0; round < ROUNDS; round++) {
        memset(dealt, 0, (size_t)p->films * sizeof *dealt);
        for (int32_t u = 0; u < REAL; u++) {
            int32_t count = singles_deal(&p->singles, 3, round, u, out);
            cr_expect_eq(count, p->singles.start[u + 1] - p->singles.start[u]);
            for (int32_t k = 0; k < count; k++) {
                dealt[out[k]]++;
                alike += out[k] == p->singles.film[p->singles.start[u] + k];
            }
        }
        for (int32_t i = 0; i < p->films; i++) {
            cr_expect_eq(dealt[i], p->film_count[i] == 1, "round %d, film %d", (int)round, i);
        }
    }
    cr_expect_lt(alike, p->singles.count, "nobody keeps their own");
    mem_free(out);
    mem_free(dealt);
    people_world_end(&world);
}

Test(singles, a_past_of_look_alikes_has_each_of_them_once_a_round)
{
    struct people_world world;
    people_world_small(&world, 3 * REAL, 1);
    const struct population *p = world.population;
    int *seen = mem_zalloc((size_t)p->films, sizeof *seen);
    struct past past = {0};
    for (int32_t person = REAL; person < 3 * REAL; person++) {
        population_past(p, person, INT64_C(1700000000), &past);
        for (int32_t k = 0; k < past.count; k++) {
            seen[past.item[k]]++;
        }
    }
    for (int32_t i = 0; i < p->films; i++) {
        cr_expect(p->film_count[i] != 1 || seen[i] == 2, "film %d: %d", i, seen[i]);
    }
    past_deinit(&past);
    mem_free(seen);
    people_world_end(&world);
}
