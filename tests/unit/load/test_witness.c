/* What workers write down, in engines that play against the fake. */
#include "fake_transport.h"
#include "load/engine.h"
#include "small_world.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

#define SECOND SMALL_WORLD_SECOND
#define ONSET_NS (30 * SECOND) /* of the small world's drift */

static struct small_world world;

static void set_up(void)
{
    small_world_init(&world);
    world.plan.connections = 400; /* nobody waits, so that observed times are the same again */
}

static void tear_down(void)
{
    small_world_deinit(&world);
}

TestSuite(witness, .init = set_up, .fini = tear_down);

static struct ledger_counts nominal_total(const struct ledger *ledger)
{
    struct ledger_counts sum = {0};
    for (int p = 0; p < ledger->phase_count; p++) {
        ledger_counts_add(&sum, &ledger->nominal[p]);
    }
    return sum;
}

static int64_t sum_of(const int64_t *value, int count)
{
    int64_t sum = 0;
    for (int i = 0; i < count; i++) {
        sum += value[i];
    }
    return sum;
}

Test(witness, places_by_source_and_value_add_up_to_the_counts)
{
    struct engine_result result;
    small_world_play(&world, &result);
    const struct ledger *ledger = result.ledger;
    struct ledger_counts all = ledger_total(ledger);
    struct ledger_places places;
    ledger_places_total(ledger, &places);
    cr_assert_eq(ledger->source_count, 3);
    cr_expect_str_eq(ledger->source[0], "base");
    cr_expect_str_eq(ledger->source[1], "popular");
    cr_expect_str_eq(ledger->source[2], "similar");
    cr_expect_eq(all.items, 10 * all.lists);
    cr_expect_eq(sum_of(all.items_by, LEDGER_SOURCE_ROWS), all.items);
    cr_expect_eq(sum_of(all.rated_by, LEDGER_SOURCE_ROWS), all.rated);
    cr_expect_eq(all.items_by[LEDGER_UNNAMED], 0);
    int64_t rank = 0, stars[10] = {0};
    for (int s = 0; s < LEDGER_SOURCE_ROWS; s++) {
        int64_t rated = 0;
        cr_expect_eq(sum_of(places.items[s], LEDGER_PLACES_MAX), all.items_by[s], "source %d", s);
        for (int p = 0; p < LEDGER_PLACES_MAX; p++) {
            int64_t here = sum_of(places.rated[s][p], 10);
            rated += here;
            rank += (p + 1) * here;
            for (int v = 0; v < 10; v++) {
                stars[v] += places.rated[s][p][v];
            }
            cr_expect_leq(here, places.items[s][p]);
        }
        cr_expect_eq(rated, all.rated_by[s], "source %d", s);
        cr_expect(s >= 3 || rated > 20, "source %d", s);
    }
    cr_expect_eq((double)rank, all.rank);
    cr_expect_arr_eq(stars, all.stars, sizeof stars);
    engine_result_deinit(&result);
}

static void trouble(void *context, const struct fake_request *request, struct fake_answer *answer)
{
    static const long status[] = {200, 404, 503, 302, 0, 199, 700};
    (void)context;
    answer->status = status[request->user_id % 7];
    if (answer->status == 200 && request->nth % 3 == 1) {
        answer->body = "not a list";
    }
}

Test(witness, every_request_has_a_class_of_status)
{
    struct engine_result result;
    world.script.answer = trouble;
    small_world_play(&world, &result);
    struct ledger_counts all = ledger_total(result.ledger);
    cr_expect_eq(sum_of(all.get_status, LEDGER_STATUS_CLASSES), all.get_sent);
    cr_expect_eq(sum_of(all.post_status, LEDGER_STATUS_CLASSES), all.post_sent);
    for (int c = 0; c < LEDGER_STATUS_CLASSES; c++) {
        cr_expect_gt(all.get_status[c], 20, "class %d", c);
    }
    cr_expect_eq(all.get_status[0], all.get_unknown);
    cr_expect_gt(all.get_status[2], all.lists, "some answers were no lists");
    cr_expect_eq(all.get_status[2] - all.lists + all.get_status[1] + all.get_status[3] +
                     all.get_status[4] + all.get_status[5],
                 all.get_failed);
    cr_expect_eq(all.post_status[2], all.rated);
    engine_result_deinit(&result);
}

static bool same_event(const struct event *a, const struct event *b)
{
    return a->listed_ns == b->listed_ns && a->rated_ns == b->rated_ns &&
           a->nominal_ns == b->nominal_ns && a->visit == b->visit && a->person == b->person &&
           a->step == b->step && a->rank == b->rank && a->half_stars == b->half_stars &&
           a->kind == b->kind && a->source == b->source && a->post_accepted == b->post_accepted &&
           memcmp(&a->p_rest, &b->p_rest, sizeof *a - offsetof(struct event, p_rest)) == 0;
}

Test(witness, any_number_of_threads_writes_the_same_down)
{
    struct engine_result first, result;
    world.plan.keep_events = true;
    small_world_play(&world, &first);
    cr_assert(first.events.complete);
    for (unsigned threads = 2; threads <= 4; threads++) {
        world.plan.threads = threads;
        small_world_play(&world, &result);
        cr_expect_eq(result.ledger->digest, first.ledger->digest);
        cr_expect_eq(
            memcmp(result.ledger->source, first.ledger->source, sizeof first.ledger->source), 0,
            "%u threads: sources", threads);
        for (int p = 0; p < 3; p++) {
            cr_expect_eq(memcmp(&result.ledger->nominal[p], &first.ledger->nominal[p],
                                sizeof(struct ledger_counts)),
                         0, "%u threads: phase %d", threads, p);
            cr_expect_eq(memcmp(&result.ledger->places[p], &first.ledger->places[p],
                                sizeof(struct ledger_places)),
                         0, "%u threads: places of phase %d", threads, p);
        }
        cr_assert_eq(result.events.count, first.events.count);
        cr_expect(result.events.complete);
        for (int64_t e = 0; e < first.events.count; e++) {
            cr_assert(same_event(&result.events.event[e], &first.events.event[e]),
                      "%u threads: event %lld", threads, (long long)e);
        }
        engine_result_deinit(&result);
    }
    engine_result_deinit(&first);
}

/* Sums over events; of doubles as the ledger has them. */
struct event_sums {
    int64_t rated, converted;
    double now_rated, now_converted, now_rr, now_stars, rest_converted;
};

static struct event_sums add_up(const struct events *events)
{
    struct event_sums sums = {0};
    for (int64_t e = 0; e < events->count; e++) {
        const struct event *event = &events->event[e];
        sums.rated += event->post_accepted;
        sums.converted += event->post_accepted && event->half_stars >= 6;
        sums.now_rated += (double)event->now_rated;
        sums.now_converted += (double)event->now_converted;
        sums.now_rr += (double)event->now_rr;
        sums.now_stars += (double)event->now_stars;
        sums.rest_converted += (double)event->rest_converted;
    }
    return sums;
}

Test(witness, events_tell_the_same_as_the_ledger)
{
    struct engine_result result;
    world.plan.keep_events = true;
    small_world_play(&world, &result);
    struct ledger_counts all = nominal_total(result.ledger);
    struct event_sums sums = add_up(&result.events);
    cr_expect_eq(result.events.count, all.lists);
    cr_expect_eq(sums.rated, all.rated);
    cr_expect_eq(sums.converted, all.converted);
    cr_expect_eq(all.now.lists, all.lists);
    cr_expect_eq(all.rest.lists, all.lists);
    cr_expect_float_eq(sums.now_rated, all.now.rated, 1e-3);
    cr_expect_float_eq(sums.now_converted, all.now.converted, 1e-3);
    cr_expect_float_eq(sums.now_rr, all.now.reciprocal_rank, 1e-3);
    cr_expect_float_eq(sums.now_stars, all.now.stars, 1e-3);
    cr_expect_float_eq(sums.rest_converted, all.rest.converted, 1e-3);
    double ratings = 0, stars = 0, good = 0;
    for (int k = 0; k < 10; k++) {
        ratings += all.now.half_stars[k];
        stars += 0.5 * (k + 1) * all.now.half_stars[k];
        good += k >= 5 ? all.now.half_stars[k] : 0;
    }
    cr_expect_float_eq(ratings, all.now.rated, 1e-3);
    cr_expect_float_eq(stars, all.now.stars, 1e-3);
    cr_expect_float_eq(good, all.now.converted, 1e-3);
    for (int64_t e = 0; e < result.events.count; e++) {
        const struct event *event = &result.events.event[e];
        bool drifted = event->nominal_ns >= ONSET_NS;
        cr_assert_eq(event->p_now, drifted ? event->p_full : event->p_rest, "event %lld",
                     (long long)e);
        cr_assert_eq(event->now_converted, drifted ? event->full_converted : event->rest_converted);
        cr_assert(event->p_now > 0 && event->p_now <= 1);
        cr_assert(!event->post_accepted || event->rated_ns > event->listed_ns);
        cr_assert_eq(event->post_accepted, event->half_stars > 0, "the fake takes every rating");
        cr_assert_eq(event->rank == 0, event->source == LEDGER_UNNAMED);
        cr_assert(e == 0 || event[-1].listed_ns <= event->listed_ns);
    }
    engine_result_deinit(&result);
}

/* A probability summed over lists against the number that happened: four standard deviations of a
 * binomial, which is more spread than this sum. */
static void expect_near(const char *what, double expected, int64_t happened, int64_t lists)
{
    double share = expected / (double)lists;
    double sd = sqrt((double)lists * share * (1 - share));
    cr_expect_float_eq((double)happened, expected, 4 * sd, "%s: expected %.1f, happened %lld", what,
                       expected, (long long)happened);
}

Test(witness, what_happens_is_what_was_to_be_expected)
{
    struct engine_result result;
    world.plan.arrivals.visits_per_s = 50;
    world.plan.keep_truth = true;
    small_world_play(&world, &result);
    for (int p = 0; p < 3; p++) {
        const struct ledger_counts *counts = &result.ledger->nominal[p];
        expect_near("rated", counts->now.rated, counts->rated, counts->lists);
        expect_near("converted", counts->now.converted, counts->converted, counts->lists);
        cr_expect_float_eq(ledger_expected_mean_rating(&counts->now), ledger_mean_rating(counts),
                           0.2);
        cr_expect_float_eq(ledger_expected_reciprocal_rank(&counts->now),
                           ledger_reciprocal_rank(counts), 0.03);
        cr_expect_float_eq(ledger_expected_rated_share(&counts->now), ledger_rated_share(counts),
                           0.05);
        bool same = counts->now.converted == counts->rest.converted;
        cr_expect_eq(same, p < 2, "phase %d: there is drift in the last only", p);
    }
    cr_expect_eq(result.events.count, 0);
    engine_result_deinit(&result);
}

Test(witness, nothing_is_expected_unless_the_plan_asks_and_people_do_the_same)
{
    struct engine_result plain, kept;
    small_world_play(&world, &plain);
    world.plan.keep_events = true;
    small_world_play(&world, &kept);
    struct ledger_counts all = ledger_total(plain.ledger);
    cr_expect_eq(all.now.lists + all.rest.lists, 0);
    cr_expect(isnan(ledger_expected_conversion(&all.now)));
    cr_expect_eq(plain.events.count, 0);
    cr_expect_not(plain.events.complete);
    cr_expect_eq(plain.ledger->digest, kept.ledger->digest);
    cr_expect_eq(all.rated, ledger_total(kept.ledger).rated);
    engine_result_deinit(&plain);
    engine_result_deinit(&kept);
}

Test(witness, films_watched_and_not_rated_are_events_without_stars)
{
    static const struct parallel one = {.threads = 1};
    struct population_config config = population_defaults();
    struct engine_result result;
    struct population *half = NULL;
    config.users = SMALL_WORLD_PEOPLE;
    config.seed = 5;
    config.rating_share = 0.5;
    cr_assert_eq(population_build(&config, &world.data, &one, &half, NULL), ERR_OK);
    world.plan.population = half;
    world.plan.keep_events = true;
    small_world_play(&world, &result);
    struct ledger_counts all = nominal_total(result.ledger);
    int64_t unrated = 0;
    for (int64_t e = 0; e < result.events.count; e++) {
        const struct event *event = &result.events.event[e];
        unrated += event->rank > 0 && event->half_stars == 0;
        cr_assert(event->half_stars > 0 || !event->post_accepted);
    }
    expect_near("rated", all.now.rated, all.rated, all.lists);
    expect_near("half of what was watched", 0.5 * (double)(all.rated + unrated), unrated,
                all.rated + unrated);
    cr_expect_gt(unrated, 100);
    cr_expect_eq(all.post_sent, all.rated);
    engine_result_deinit(&result);
    population_free(half);
}

static void nobody_named(void *context, const struct fake_request *request,
                         struct fake_answer *answer)
{
    if (!request->is_post) {
        answer->body = context;
    }
}

Test(witness, places_without_a_source_are_counted_as_such)
{
    struct engine_result result;
    world.script.answer = nobody_named;
    world.script.context = "{\"recommendations\":[{\"movie_id\":2,\"recommender\":null},"
                           "{\"movie_id\":5},{\"recommender\":\"b\\u00e4se\",\"movie_id\":8}]}";
    small_world_play(&world, &result);
    struct ledger_counts all = ledger_total(result.ledger);
    cr_expect_eq(all.items_by[LEDGER_UNNAMED], 2 * all.lists);
    cr_expect_eq(all.items_by[0], all.lists);
    cr_expect_eq(result.ledger->source_count, 1);
    cr_expect_str_eq(result.ledger->source[0], "b\xc3\xa4se");
    cr_expect_eq(result.ledger->sources_dropped, 0);
    engine_result_deinit(&result);
}

Test(witness, what_bots_do_is_expected_now_and_never_at_rest)
{
    struct engine_result result;
    world.drift.injection[0] = (struct drift_injection){.kind = DRIFT_BOTS,
                                                        .shape = DRIFT_SUDDEN,
                                                        .onset_ns = ONSET_NS,
                                                        .end_ns = INT64_MAX,
                                                        .size = 0.5,
                                                        .parameter = 0.5,
                                                        .stars_given = 10};
    world.plan.arrivals.drift = &world.drift;
    world.plan.keep_events = true;
    small_world_play(&world, &result);
    struct ledger_counts drifted = result.ledger->nominal[2];
    int64_t bots = 0;
    for (int64_t e = 0; e < result.events.count; e++) {
        const struct event *event = &result.events.event[e];
        if (event->kind == ARRIVALS_BOT) {
            bots++;
            cr_assert_eq(event->now_rated, event->half_stars > 0 ? 1 : 0);
            cr_assert_eq(event->p_now, 1);
            cr_assert_eq(event->rank == 0 ? 0 : 1 / (float)event->rank, event->now_rr);
        }
    }
    cr_expect_gt(bots, 200);
    cr_expect_eq(drifted.now.lists, drifted.lists);
    cr_expect_eq(drifted.rest.lists, drifted.lists - bots);
    cr_expect_eq(result.ledger->nominal[1].rest.lists, result.ledger->nominal[1].lists);
    cr_expect_float_eq(ledger_expected_conversion(&drifted.now), ledger_conversion(&drifted), 0.03);
    engine_result_deinit(&result);
}
