/* The written past as a whole: what it is like and what it takes from the data. */
#include "base/mem.h"
#include "movielens/compare.h"
#include "people_world.h"
#include "population/past_rating.h"
#include "population/population_int.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

enum { REAL = 80, PEOPLE = 400 };

Test(past_rating, films_keep_their_biases_and_rare_ones_get_what_the_fit_leaves_open)
{
    struct people_world world;
    people_world_small(&world, PEOPLE, 1);
    const struct population *p = world.population;
    double rare = 0, rares = 0, known = 0, knowns = 0;
    for (int32_t i = 0; i < p->films; i++) {
        double moved = (double)(p->film_past[i] - p->film_bias[i]);
        if (p->film_count[i] == 1) {
            rare += moved * moved;
            rares++;
        } else if (p->film_count[i] >= 30) {
            known += moved * moved;
            knowns++;
        }
    }
    cr_assert(rares > 10 && knowns > 10, "%g rare, %g known", rares, knowns);
    cr_expect_lt(sqrt(known / knowns), 0.35, "%g", sqrt(known / knowns));
    cr_expect_gt(sqrt(rare / rares), 1.2 * sqrt(known / knowns));
    people_world_end(&world);
}

Test(past_rating, people_use_half_stars_as_often_as_their_base)
{
    struct people_world world;
    people_world_small(&world, PEOPLE, 1);
    const struct population *p = world.population;
    bool whole[2000];
    for (int32_t person = 0; person < PEOPLE; person++) {
        double halves = 0, use = (double)p->half_use[p->base[person]];
        past_rating_grid(p, person, POPULATION_PAST_GRID, 2000, whole);
        for (int k = 0; k < 2000; k++) {
            halves += !whole[k];
        }
        cr_expect_float_eq(halves / 2000, use, 0.05, "person %d: %g of %g", person, halves / 2000,
                           use);
        cr_expect(use > 0 || halves <= 0, "person %d never uses them", person);
    }
    people_world_end(&world);
}

Test(past_rating, a_history_begins_with_what_is_known_and_liked)
{
    struct people_world world;
    people_world_small(&world, PEOPLE, 1);
    const struct population *p = world.population;
    int32_t item[200];
    double early = 0, late = 0;
    for (int32_t person = 0; person < PEOPLE; person++) {
        bool seen[1000] = {false};
        for (int k = 0; k < 200; k++) {
            item[k] = k * 3;
        }
        past_rating_order(p, person, item, 200);
        for (int k = 0; k < 200; k++) {
            cr_assert_not(seen[item[k]]);
            seen[item[k]] = true;
            *(k < 100 ? &early : &late) += log(p->film_count[item[k]] + 1.);
        }
    }
    cr_expect_gt(early, 1.02 * late, "%g, then %g", early, late);
    people_world_end(&world);
}

/* The first look-alike of each user of the data, dated like a past. */
static void gather(const struct people_world *world, struct dataset *out)
{
    const struct population *p = world->population;
    size_t people = (size_t)p->real_users, count = (size_t)world->data.ratings.count;
    struct past past = {0};
    memset(out, 0, sizeof *out);
    out->catalogue = world->data.catalogue;
    struct ratings *r = &out->ratings;
    r->users = p->real_users;
    r->items = p->films;
    r->user_id = mem_array(people, sizeof *r->user_id);
    r->start = mem_zalloc(people + 1, sizeof *r->start);
    r->item = mem_array(count, sizeof *r->item);
    r->half_stars = mem_array(count, sizeof *r->half_stars);
    r->time_s = mem_array(count, sizeof *r->time_s);
    for (int32_t u = 0; u < p->real_users; u++) {
        population_past(p, p->real_users + u, INT64_C(1700006400), &past);
        size_t n = (size_t)past.count;
        memcpy(r->item + r->count, past.item, n * sizeof *r->item);
        memcpy(r->half_stars + r->count, past.half_stars, n * sizeof *r->half_stars);
        memcpy(r->time_s + r->count, past.time_s, n * sizeof *r->time_s);
        r->user_id[u] = u + 1;
        r->count += past.count;
        r->start[u + 1] = r->count;
    }
    past_deinit(&past);
}

Test(past_rating, the_past_of_real_users_look_alikes_is_like_movielens)
{
    const char *folder = getenv("MOVIELENS_DIR");
    if (folder == NULL || folder[0] == '\0') {
        cr_skip_test("MOVIELENS_DIR is not set");
    }
    const struct parallel parallel = parallel_all_cores();
    struct people_world world;
    struct dataset pasts;
    double value[COMPARE_PROPERTIES];
    people_world_full(&world, 2);
    gather(&world, &pasts);
    compare_measure(&pasts, &parallel, value);
    for (int p = 0; p < COMPARE_PROPERTIES; p++) {
        const struct compare_property *row = &compare_properties[p];
        cr_expect_neq(compare_judge((enum compare_property_id)p, value[p]), COMPARE_OUTSIDE,
                      "%s %s: %g is outside %g to %g", row->group, row->name, value[p], row->low,
                      row->high);
    }
    ratings_deinit(&pasts.ratings);
    people_world_end(&world);
}
