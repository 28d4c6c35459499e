/* Bots, shills, joining and leaving people in the engine, against the fake. */
#include "load/engine.h"
#include "load/traffic.h"

#include "fake_transport.h"
#include "small_world.h"

#include <criterion/criterion.h>
#include <string.h>

#define SECOND SMALL_WORLD_SECOND
#define NEWCOMERS 40

static struct small_world world;

static void set_up(void)
{
    small_world_init(&world);
    world.drift.count = 0;
}

static void tear_down(void)
{
    small_world_deinit(&world);
}

TestSuite(engine_traffic, .init = set_up, .fini = tear_down);

static void inject(enum drift_kind kind, double size, int64_t from_s, int64_t to_s)
{
    world.drift.injection[world.drift.count++] =
        (struct drift_injection){.kind = kind,
                                 .shape = DRIFT_SUDDEN,
                                 .onset_ns = from_s * SECOND,
                                 .end_ns = to_s * SECOND,
                                 .size = size,
                                 .stars_given = 9};
}

/* What the target sees of each kind of visitor; one worker, so no lock. */
struct seen {
    int64_t lists[3], ratings[3];
    int64_t half_stars_given; /* by guests */
    struct {
        int32_t user, film;
    } pair[20000];
    int32_t pairs, repeated;
};
static struct seen seen;

static enum arrivals_kind kind_of(int32_t user_id)
{
    struct arrivals_config config = world.plan.arrivals;
    int32_t end = SMALL_WORLD_PEOPLE + 1;
    config.drift = &world.drift;
    for (int i = 0; user_id >= end && i < world.drift.count; i++) {
        end += arrivals_guests(&config, i);
        if (user_id < end) {
            return world.drift.injection[i].kind == DRIFT_BOTS ? ARRIVALS_BOT : ARRIVALS_SHILL;
        }
    }
    return ARRIVALS_PERSON;
}

static void watch_post(const struct fake_request *request, enum arrivals_kind kind)
{
    const char *film = strstr(request->body, "\"movie_id\":");
    const char *rating = strstr(request->body, "\"rating\":");
    cr_assert(film != NULL && rating != NULL);
    if (kind == ARRIVALS_PERSON) {
        return;
    }
    seen.half_stars_given += strtod(rating + strlen("\"rating\":"), NULL) == 4.5;
    if (kind == ARRIVALS_SHILL) {
        int32_t id = (int32_t)strtol(film + strlen("\"movie_id\":"), NULL, 10);
        for (int32_t i = 0; i < seen.pairs; i++) {
            seen.repeated += seen.pair[i].user == request->user_id && seen.pair[i].film == id;
        }
        cr_assert_lt(seen.pairs, 20000);
        seen.pair[seen.pairs].user = request->user_id;
        seen.pair[seen.pairs++].film = id;
    }
}

static void watch(void *context, const struct fake_request *request, struct fake_answer *answer)
{
    (void)context;
    (void)answer;
    enum arrivals_kind kind = kind_of(request->user_id);
    if (request->is_post) {
        seen.ratings[kind]++;
        watch_post(request, kind);
    } else {
        seen.lists[kind]++;
    }
}

static struct ledger_counts play_watched(struct engine_result *result)
{
    memset(&seen, 0, sizeof seen);
    world.script.answer = watch;
    small_world_play(&world, result);
    cr_expect_eq(fake_transport_totals()->malformed, 0);
    cr_expect_eq(fake_transport_totals()->unnamed, seen.ratings[ARRIVALS_SHILL]);
    return ledger_total(result->ledger);
}

Test(engine_traffic, bots_take_the_first_film_and_pay_the_same_stars)
{
    struct engine_result result;
    inject(DRIFT_BOTS, .5, 0, 100);
    struct ledger_counts all = play_watched(&result);
    double share = (double)seen.lists[ARRIVALS_BOT] / (double)all.lists;
    cr_expect_float_eq(share, .5, .05, "share %g", share);
    cr_expect_eq(seen.ratings[ARRIVALS_BOT], seen.lists[ARRIVALS_BOT], "every list is rated");
    cr_expect_eq(seen.half_stars_given, seen.ratings[ARRIVALS_BOT]);
    cr_expect_eq(all.rated, seen.ratings[ARRIVALS_BOT] + seen.ratings[ARRIVALS_PERSON]);
    cr_expect_eq(all.unattributed, 0);
    cr_expect_geq(all.reciprocal_rank, (double)seen.ratings[ARRIVALS_BOT], "all at rank 1");
    engine_result_deinit(&result);
}

Test(engine_traffic, shills_rate_what_nobody_showed_them)
{
    struct engine_result result;
    inject(DRIFT_SHILLING, .3, 10, 50);
    struct ledger_counts all = play_watched(&result);
    cr_expect_eq(seen.lists[ARRIVALS_SHILL], 0);
    cr_expect_gt(seen.ratings[ARRIVALS_SHILL], 300);
    cr_expect_eq(all.unattributed, seen.ratings[ARRIVALS_SHILL]);
    cr_expect_eq(all.rated, seen.ratings[ARRIVALS_PERSON]);
    cr_expect_eq(all.lists, seen.lists[ARRIVALS_PERSON]);
    cr_expect_eq(all.post_sent, all.rated + all.unattributed);
    cr_expect_eq(seen.half_stars_given, seen.ratings[ARRIVALS_SHILL]);
    cr_expect_eq(seen.repeated, 0, "no account rates a film twice");
    engine_result_deinit(&result);
}

/* The ratings of a visit that its nominal course, pauses between ratings alone, has room for. */
Test(engine_traffic, shills_pause_between_ratings_only)
{
    struct engine_result result;
    struct arrivals arrivals;
    struct visit visit;
    int64_t room = 0, cut = 0;
    inject(DRIFT_SHILLING, .5, 0, 100);
    world.plan.arrivals.steps_per_visit = 10;
    world.plan.arrivals.think_median_s = 40;
    world.plan.arrivals.drift = &world.drift;
    arrivals_init(&arrivals, &world.plan.arrivals);
    while (arrivals_next(&arrivals, &visit)) {
        int64_t nominal_ns = visit.start_ns;
        for (int32_t step = 0; visit.kind == ARRIVALS_SHILL && step < visit.steps; step++) {
            nominal_ns += step == 0 ? 0
                                    : arrivals_pause_ns(&world.plan.arrivals, &visit,
                                                        2 * (uint32_t)step - 1, nominal_ns);
            room += nominal_ns < world.plan.arrivals.end_ns;
            cut += nominal_ns >= world.plan.arrivals.end_ns;
        }
    }
    (void)play_watched(&result);
    cr_expect_eq(seen.ratings[ARRIVALS_SHILL], room);
    cr_expect_gt(cut, 100);
    engine_result_deinit(&result);
}

/* The same people do the same, whoever else comes: the difference of two runs is the guests. */
Test(engine_traffic, guests_do_not_disturb_the_people)
{
    struct engine_result rest, with;
    struct ledger_counts before = play_watched(&rest);
    int64_t lists = seen.lists[ARRIVALS_PERSON], ratings = seen.ratings[ARRIVALS_PERSON];
    inject(DRIFT_BOTS, .2, 10, 50);
    inject(DRIFT_SHILLING, .2, 10, 50);
    world.plan.connections = 400;
    struct ledger_counts after = play_watched(&with);
    cr_expect_eq(seen.lists[ARRIVALS_PERSON], lists);
    cr_expect_eq(seen.ratings[ARRIVALS_PERSON], ratings);
    cr_expect_eq(after.lists - before.lists, seen.lists[ARRIVALS_BOT]);
    engine_result_deinit(&rest);
    engine_result_deinit(&with);
}

static void everything(void)
{
    inject(DRIFT_BOTS, .1, 5, 50);
    inject(DRIFT_SHILLING, .1, 10, 40);
    inject(DRIFT_TRAFFIC, 2, 15, 30);
    inject(DRIFT_TRAFFIC, .3, 35, 45);
    inject(DRIFT_COLD_START, .3, 20, 50);
    inject(DRIFT_COLD_START, .4, 30, 45);
    inject(DRIFT_SLOW_RATERS, 4, 25, 50);
    world.plan.arrivals.newcomers = NEWCOMERS;
    world.plan.arrivals.joins_per_s = .5;
    world.plan.arrivals.leaving = (struct arrivals_leaving){.after_steps = 6, .probability = .5};
}

Test(engine_traffic, one_two_and_four_threads_make_the_same_ledger)
{
    static const unsigned threads[] = {1, 2, 4};
    struct engine_result first, result;
    everything();
    for (size_t i = 0; i < 3; i++) {
        world.plan.threads = threads[i];
        world.plan.connections = i == 1 ? 3 : 8;
        world.script.latency_ns = i == 2 ? 90 * SECOND / 1000 : SECOND / 500;
        small_world_play(&world, i == 0 ? &first : &result);
        if (i == 0) {
            continue;
        }
        const struct ledger *a = first.ledger, *b = result.ledger;
        cr_expect_eq(a->digest, b->digest, "%u threads", threads[i]);
        cr_expect_eq(a->visits, b->visits);
        cr_expect_eq(a->leavers, b->leavers);
        cr_expect_eq(a->visits_missed, b->visits_missed);
        for (int p = 0; p < a->phase_count; p++) {
            cr_expect_eq(memcmp(&a->nominal[p], &b->nominal[p], sizeof a->nominal[p]), 0,
                         "phase %d with %u threads", p, threads[i]);
        }
        engine_result_deinit(&result);
    }
    cr_expect_gt(first.ledger->leavers, 5);
    cr_expect_gt(ledger_total(first.ledger).unattributed, 50);
    engine_result_deinit(&first);
}

/* Empty lists disappoint everybody at once. */
static void nothing_to_see(void *context, const struct fake_request *request,
                           struct fake_answer *answer)
{
    (void)context;
    answer->body = request->is_post ? NULL : "{\"recommendations\":[]}";
}

Test(engine_traffic, people_who_find_nothing_leave_and_their_visits_are_not_made)
{
    struct engine_result result, patient;
    struct arrivals arrivals;
    struct visit visit;
    int64_t scheduled = 0;
    world.script.answer = nothing_to_see;
    small_world_play(&world, &patient);
    cr_expect_eq(patient.ledger->leavers, 0, "nobody leaves unless asked to");
    world.plan.arrivals.leaving = (struct arrivals_leaving){.after_steps = 3, .probability = 1};
    arrivals_init(&arrivals, &world.plan.arrivals);
    while (arrivals_next(&arrivals, &visit)) {
        scheduled++;
    }
    small_world_play(&world, &result);
    struct ledger_counts all = ledger_total(result.ledger);
    cr_expect_eq(all.lists_empty, all.lists);
    cr_expect_leq(all.lists, 3 * SMALL_WORLD_PEOPLE, "three lists a person at most");
    cr_expect_gt(result.ledger->leavers, SMALL_WORLD_PEOPLE * 9 / 10);
    cr_expect_eq(result.ledger->visits + result.ledger->visits_missed, scheduled);
    cr_expect_eq(patient.ledger->visits, scheduled);
    engine_result_deinit(&result);
    engine_result_deinit(&patient);
}

/* The drift of the plan is that of its arrivals, unless these name another. */
Test(engine_traffic, slow_raters_move_ratings_and_lists_behind_them)
{
    struct engine_result rest, slow;
    struct ledger_counts all = play_watched(&rest);
    inject(DRIFT_SLOW_RATERS, 8, 0, 100);
    struct ledger_counts slower = play_watched(&slow);
    cr_expect_gt(slow.ended_ns, rest.ended_ns + 2 * SECOND);
    cr_expect_lt(slower.lists, all.lists, "visits reach the end of the drill earlier");
    cr_expect_eq(rest.ledger->visits, slow.ledger->visits);
    engine_result_deinit(&rest);
    engine_result_deinit(&slow);
}

/* ---- traffic as it is asked for ---- */

static enum err prepare(const struct traffic_wish *wish, struct arrivals_config *config,
                        struct traffic *traffic, struct error *error)
{
    static int64_t start[SMALL_WORLD_PEOPLE + 1];
    struct engine_seen films = {.start = start};
    struct faults faults;
    for (int p = 0; p < SMALL_WORLD_PEOPLE; p++) {
        start[p + 1] = start[p] + (p < 80 ? 1 + p : 0);
    }
    faults_init(&faults);
    *config = world.plan.arrivals;
    enum err code = traffic_prepare(wish, &world.data, world.population, &films, config, traffic,
                                    &faults, error);
    faults_deinit(&faults);
    return code;
}

Test(engine_traffic, what_is_asked_for_becomes_a_configuration)
{
    struct traffic_wish wish = {.by_activity = true};
    struct arrivals_config config;
    struct traffic traffic;
    cr_assert_eq(prepare(&wish, &config, &traffic, NULL), ERR_OK);
    cr_expect_eq(config.process, ARRIVALS_POISSON);
    cr_assert(config.mix == &traffic.mix);
    cr_expect_float_eq(traffic.mix.share[79] / traffic.mix.share[0], 80, 1e-9);
    cr_expect_float_eq(traffic.mix.share[100] / traffic.mix.share[0], 40.5, 1e-9,
                       "who has no past comes like the mean of others");
    traffic_deinit(&traffic);
    wish =
        (struct traffic_wish){.arrivals = TRAFFIC_DIURNAL, .day_ns = 60 * SECOND, .start_hour = 12};
    cr_assert_eq(prepare(&wish, &config, &traffic, NULL), ERR_OK);
    cr_expect_eq(config.process, ARRIVALS_DIURNAL);
    cr_expect(traffic.published_hours, "80 visits do not tell the hours");
    cr_expect_eq(config.start_hour, 12);
    traffic_deinit(&traffic);
    wish = (struct traffic_wish){.arrivals = TRAFFIC_REPLAY};
    cr_assert_eq(prepare(&wish, &config, &traffic, NULL), ERR_OK);
    cr_expect_eq(config.process, ARRIVALS_REPLAY);
    cr_expect_eq(config.moment_count, 80, "a visit a user");
    cr_expect_lt(config.moment_ns[79], config.end_ns);
    traffic_deinit(&traffic);
}

Test(engine_traffic, what_cannot_be_had_is_told)
{
    struct traffic_wish joins = {.joins_per_s = 1};
    struct traffic_wish file = {.arrivals = TRAFFIC_RECORDED,
                                .file = "tests/data/invalid/recordings/malformed.csv"};
    struct arrivals_config config;
    struct traffic traffic;
    struct error error = {0};
    cr_expect_eq(prepare(&joins, &config, &traffic, &error), ERR_INPUT);
    cr_expect(strstr(error.text, "there from the start") != NULL, "%s", error.text);
    traffic_deinit(&traffic);
    error = (struct error){0};
    cr_expect_eq(prepare(&file, &config, &traffic, &error), ERR_INPUT);
    cr_expect_str_eq(error.text, "9 malformed lines");
    traffic_deinit(&traffic);
}
