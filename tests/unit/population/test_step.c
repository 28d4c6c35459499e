#include "base/mem.h"
#include "numeric/als.h"
#include "numeric/sampling.h"
#include "people_world.h"
#include "population/population_int.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PEOPLE = 400 };

#define DRILL_S INT64_C(1700000000)

static struct drift swap_at(int64_t onset_ns)
{
    return (struct drift){.count = 1,
                          .injection = {{.kind = DRIFT_CHOICE_ROTATION,
                                         .towards = DRIFT_ANOTHER_PERSON,
                                         .onset_ns = onset_ns,
                                         .end_ns = INT64_MAX,
                                         .size = 180}}};
}

static struct step_list list_of(const struct population *p, uint64_t owner, int32_t count)
{
    struct rng rng = rng_stream(21, owner, 1);
    struct step_list list = {.count = count};
    int32_t first = (int32_t)rng_below(&rng, (uint32_t)(p->films - count));
    for (int32_t k = 0; k < count; k++) {
        list.item[k] = first + k;
    }
    return list;
}

/* ---- one list ---- */

Test(step, a_drift_that_has_not_begun_changes_nothing)
{
    struct people_world world;
    people_world_small(&world, PEOPLE, 1);
    const struct population *p = world.population;
    struct drift later = swap_at(1000);
    int32_t moved = 0;
    for (int32_t person = 0; person < PEOPLE; person++) {
        for (uint32_t step = 0; step < 5; step++) {
            struct step_list list = list_of(p, (uint64_t)person, 10);
            struct step_outcome rest = population_step(p, NULL, 0, person, step, &list, NULL, 0);
            struct step_outcome before =
                population_step(p, &later, 999, person, step, &list, NULL, 0);
            struct step_outcome after =
                population_step(p, &later, 1000, person, step, &list, NULL, 0);
            cr_expect_eq(before.rank, rest.rank);
            cr_expect_eq(before.half_stars, rest.half_stars);
            moved += after.rank != rest.rank;
            cr_expect(after.rank != rest.rank || after.half_stars == rest.half_stars,
                      "the same film gets the same rating: choice drift moves no opinion");
        }
    }
    cr_expect_gt(moved, 0);
    people_world_end(&world);
}

Test(step, only_unseen_known_films_are_taken)
{
    struct people_world world;
    people_world_small(&world, PEOPLE, 1);
    const struct population *p = world.population;
    int32_t taken = 0;
    for (int32_t person = 0; person < PEOPLE; person++) {
        struct step_list list = list_of(p, (uint64_t)person, 10);
        int32_t seen[5];
        memcpy(seen, list.item, sizeof seen);
        list.item[9] = -1;
        struct step_outcome outcome = population_step(p, NULL, 0, person, 0, &list, seen, 5);
        cr_expect(outcome.rank == 0 || (outcome.rank > 5 && outcome.rank < 10), "rank %d",
                  outcome.rank);
        cr_expect_eq(outcome.rank == 0, outcome.half_stars == 0);
        cr_expect(outcome.rank == 0 || outcome.item == list.item[outcome.rank - 1]);
        taken += outcome.rank > 0;
    }
    cr_expect_gt(taken, 0);
    struct step_list nothing = {.count = 0};
    cr_expect_eq(population_step(p, NULL, 0, 0, 0, &nothing, NULL, 0).rank, 0);
    people_world_end(&world);
}

/* With everybody looking at every rank, the order of a list does not matter. */
Test(step, a_film_keeps_its_draw_wherever_it_stands)
{
    struct people_world world;
    people_world_small(&world, PEOPLE, 1);
    struct population *p = world.population;
    for (int k = 0; k < POPULATION_LIST_MAX; k++) {
        p->look[k] = 1;
    }
    for (int32_t person = 0; person < PEOPLE; person++) {
        struct step_list list = list_of(p, (uint64_t)person, 10), turned = list;
        for (int k = 0; k < 10; k++) {
            turned.item[k] = list.item[9 - k];
        }
        struct step_outcome one = population_step(p, NULL, 0, person, 3, &list, NULL, 0);
        struct step_outcome other = population_step(p, NULL, 0, person, 3, &turned, NULL, 0);
        cr_expect_eq(one.item, other.item);
        cr_expect_eq(one.half_stars, other.half_stars);
        cr_expect(one.rank == 0 || other.rank == 11 - one.rank);
    }
    people_world_end(&world);
}

/* A single film in an otherwise unknown list is taken k^-1/2 times as often at rank k. */
Test(step, ranks_are_looked_at_by_an_inverse_root)
{
    struct people_world world;
    people_world_small(&world, PEOPLE, 1);
    struct population *p = world.population;
    p->no_choice_cost = -30; /* what is looked at is taken */
    const int32_t places[] = {0, 3, 8, 24};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        struct step_list list = {.count = 30};
        for (int k = 0; k < 30; k++) {
            list.item[k] = k == places[i] ? 7 : -1;
        }
        double taken = 0;
        for (int32_t person = 0; person < PEOPLE; person++) {
            for (uint32_t step = 0; step < 50; step++) {
                taken += population_step(p, NULL, 0, person, step, &list, NULL, 0).rank > 0;
            }
        }
        double share = taken / (50. * PEOPLE), wanted = 1 / sqrt(places[i] + 1);
        cr_expect_float_eq(share, wanted, .015, "rank %d: %g", places[i] + 1, share);
    }
    people_world_end(&world);
}

/* ---- everybody, with their pasts ---- */

struct crowd {
    struct people_world world;
    int64_t *start; /* [people + 1] */
    int32_t *seen;  /* rising within a person */
    struct step_list *list;
};

static int rising(const void *a, const void *b)
{
    return *(const int32_t *)a - *(const int32_t *)b;
}

static void crowd_begin(struct crowd *crowd, int32_t rounds)
{
    people_world_full(&crowd->world, rounds);
    const struct population *p = crowd->world.population;
    crowd->start = mem_zalloc((size_t)p->users + 1, sizeof *crowd->start);
    crowd->list = mem_zalloc((size_t)p->users, sizeof *crowd->list);
    for (int32_t u = 0; u < p->users; u++) {
        crowd->start[u + 1] = crowd->start[u] + population_activity(p, u);
    }
    crowd->seen = mem_array((size_t)crowd->start[p->users], sizeof *crowd->seen);
    struct past past = {0};
    for (int32_t u = 0; u < p->users; u++) {
        population_past(p, u, DRILL_S, &past);
        int32_t *seen = crowd->seen + crowd->start[u];
        memcpy(seen, past.item, (size_t)past.count * sizeof *seen);
        qsort(seen, (size_t)past.count, sizeof *seen, rising);
    }
    past_deinit(&past);
}

static void crowd_end(struct crowd *crowd)
{
    mem_free(crowd->start);
    mem_free(crowd->seen);
    mem_free(crowd->list);
    people_world_end(&crowd->world);
}

/* The ten best unseen films by score [films], which is overwritten; best first. */
static void fill_list(struct crowd *crowd, int32_t person, float *score)
{
    struct step_list *list = &crowd->list[person];
    for (int64_t k = crowd->start[person]; k < crowd->start[person + 1]; k++) {
        score[crowd->seen[k]] = -INFINITY;
    }
    list->count = sampling_top_n(score, crowd->world.population->films, 10, list->item);
    for (int32_t a = 1; a < list->count; a++) {
        int32_t film = list->item[a], b = a;
        for (; b > 0 && score[list->item[b - 1]] < score[film]; b--) {
            list->item[b] = list->item[b - 1];
        }
        list->item[b] = film;
    }
}

static void lists_by_popularity(struct crowd *crowd)
{
    const struct population *p = crowd->world.population;
    float *score = mem_array((size_t)p->films, sizeof *score);
    for (int32_t u = 0; u < p->users; u++) {
        for (int32_t i = 0; i < p->films; i++) {
            score[i] = (float)p->film_count[i];
        }
        fill_list(crowd, u, score);
    }
    mem_free(score);
}

enum { FACTORS = 32 };

/* Lists of a recommender that learned from the pasts alone. */
static void lists_by_als(struct crowd *crowd)
{
    const struct population *p = crowd->world.population;
    const struct als_config config = {
        .factors = FACTORS, .sweeps = 6, .cg_steps = 3, .regularisation = 1, .alpha = 1, .seed = 5};
    struct parallel parallel = parallel_all_cores();
    struct sparse seen, by_film;
    sparse_init(&seen, p->users, p->films, crowd->start[p->users]);
    memcpy(seen.start, crowd->start, ((size_t)p->users + 1) * sizeof *seen.start);
    memcpy(seen.col, crowd->seen, (size_t)seen.count * sizeof *seen.col);
    for (int64_t k = 0; k < seen.count; k++) {
        seen.value[k] = 1;
    }
    sparse_transpose(&seen, &by_film);
    float *user = mem_array((size_t)p->users * FACTORS, sizeof *user);
    float *film = mem_array((size_t)p->films * FACTORS, sizeof *film);
    als_train(&config, &seen, &by_film, &parallel, 0, user, film, NULL, NULL);
    float *score = mem_array((size_t)p->films, sizeof *score);
    for (int32_t u = 0; u < p->users; u++) {
        for (int32_t i = 0; i < p->films; i++) {
            score[i] = 0;
            for (int d = 0; d < FACTORS; d++) {
                score[i] += user[(int64_t)u * FACTORS + d] * film[(int64_t)i * FACTORS + d];
            }
        }
        fill_list(crowd, u, score);
    }
    mem_free(score);
    mem_free(user);
    mem_free(film);
    sparse_deinit(&seen);
    sparse_deinit(&by_film);
}

struct outcome {
    double rated, converted, mean; /* shares of lists; stars */
};

static struct outcome play(const struct crowd *crowd, const struct drift *drift, uint32_t steps)
{
    const struct population *p = crowd->world.population;
    double rated = 0, converted = 0, stars = 0, lists = (double)p->users * steps;
    for (int32_t u = 0; u < p->users; u++) {
        const int32_t *seen = crowd->seen + crowd->start[u];
        int32_t seen_count = (int32_t)(crowd->start[u + 1] - crowd->start[u]);
        for (uint32_t step = 0; step < steps; step++) {
            struct step_outcome outcome =
                population_step(p, drift, 0, u, step, &crowd->list[u], seen, seen_count);
            rated += outcome.rank > 0;
            converted += outcome.half_stars >= 6;
            stars += outcome.half_stars / 2.;
        }
    }
    return (struct outcome){rated / lists, converted / lists, stars / rated};
}

Test(step, the_popular_list_is_rated_as_often_as_configured)
{
    struct crowd crowd;
    crowd_begin(&crowd, 6);
    lists_by_popularity(&crowd);
    struct outcome outcome = play(&crowd, NULL, 20);
    cr_expect_float_eq(outcome.rated, .18, .01, "rated %g", outcome.rated);
    crowd_end(&crowd);
}

Test(step, choice_drift_hits_conversion_and_rating_drift_hits_the_mean)
{
    struct crowd crowd;
    crowd_begin(&crowd, 5);
    lists_by_als(&crowd);
    struct drift swap = swap_at(0);
    struct drift harsher = {
        .count = 1, .injection = {{.kind = DRIFT_CUT_POINTS, .end_ns = INT64_MAX, .size = -.4}}};
    struct outcome rest = play(&crowd, NULL, 10);
    struct outcome swapped = play(&crowd, &swap, 10);
    struct outcome harsh = play(&crowd, &harsher, 10);
    (void)fprintf(stderr, "conversion %.3f, swapped %.3f, harsher %.3f; mean %.2f, %.2f, %.2f\n",
                  rest.converted, swapped.converted, harsh.converted, rest.mean, swapped.mean,
                  harsh.mean);
    cr_expect(swapped.converted < .7 * rest.converted && swapped.converted > .4 * rest.converted);
    cr_expect(swapped.mean > rest.mean - .03 && swapped.mean < rest.mean + .2,
              "selection may lift the mean a little; nothing lowers it");
    cr_expect_eq(harsh.rated, rest.rated, "harsher people take the same films");
    cr_expect_gt(harsh.converted, .84 * rest.converted);
    cr_expect_float_eq(harsh.mean - rest.mean, -.4, .06, "%g", harsh.mean - rest.mean);
    crowd_end(&crowd);
}
