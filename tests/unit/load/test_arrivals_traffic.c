/* What injections make of the schedule, and the processes other than Poisson. Seeds are fixed; the
 * bounds are four standard errors unless said otherwise. */
#include "load/arrivals.h"
#include "load/hours.h"

#include "base/mem.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#define SECOND INT64_C(1000000000)
#define PEOPLE 400

struct walk {
    struct visit *visit;
    int64_t count;
};

static struct arrivals_config config_of(double visits_per_s, int64_t seconds)
{
    return (struct arrivals_config){.seed = 23,
                                    .visits_per_s = visits_per_s,
                                    .steps_per_visit = 2,
                                    .think_median_s = 0.5,
                                    .think_sigma = 0.6,
                                    .people = PEOPLE,
                                    .end_ns = seconds * SECOND};
}

static struct walk walk_all(const struct arrivals_config *config)
{
    struct walk walk = {0};
    struct arrivals arrivals;
    struct visit visit;
    int64_t capacity = 0, last_ns = 0;
    int32_t accounts = arrivals_accounts(config);
    arrivals_init(&arrivals, config);
    while (arrivals_next(&arrivals, &visit)) {
        cr_assert_geq(visit.start_ns, last_ns, "visits come in order of time");
        cr_assert_lt(visit.start_ns, config->end_ns);
        cr_assert(visit.person >= 0 && visit.person < accounts);
        cr_assert_geq(visit.steps, 1);
        cr_assert_eq(visit.person >= config->people, visit.kind != ARRIVALS_PERSON);
        last_ns = visit.start_ns;
        if (walk.count == capacity) {
            capacity = 2 * capacity + 1000;
            walk.visit = mem_resize(walk.visit, (size_t)capacity, sizeof *walk.visit);
        }
        walk.visit[walk.count++] = visit;
    }
    cr_expect_not(arrivals_next(&arrivals, &visit), "an end stays an end");
    arrivals_deinit(&arrivals);
    return walk;
}

static int64_t count_kind(const struct walk *walk, enum arrivals_kind kind, int64_t from_ns,
                          int64_t to_ns)
{
    int64_t count = 0;
    for (int64_t i = 0; i < walk->count; i++) {
        const struct visit *v = &walk->visit[i];
        count += v->kind == kind && v->start_ns >= from_ns && v->start_ns < to_ns;
    }
    return count;
}

static int64_t count_between(const struct walk *walk, int64_t from_ns, int64_t to_ns)
{
    return count_kind(walk, ARRIVALS_PERSON, from_ns, to_ns) +
           count_kind(walk, ARRIVALS_BOT, from_ns, to_ns) +
           count_kind(walk, ARRIVALS_SHILL, from_ns, to_ns);
}

static bool same(const struct visit *a, const struct visit *b)
{
    return a->number == b->number && a->start_ns == b->start_ns && a->person == b->person &&
           a->steps == b->steps && a->kind == b->kind;
}

/* Are all visits of `few` in `many`, as they are? Both are in order of time. */
static bool holds_all(const struct walk *many, const struct walk *few)
{
    int64_t m = 0;
    for (int64_t f = 0; f < few->count; f++, m++) {
        while (m < many->count && !same(&many->visit[m], &few->visit[f])) {
            m++;
        }
        if (m == many->count) {
            return false;
        }
    }
    return true;
}

static struct drift drift_of(enum drift_kind kind, double size, int64_t from_s, int64_t to_s)
{
    return (struct drift){.count = 1,
                          .injection = {{.kind = kind,
                                         .shape = DRIFT_SUDDEN,
                                         .onset_ns = from_s * SECOND,
                                         .end_ns = to_s * SECOND,
                                         .size = size}}};
}

static double sd4(double count)
{
    return 4 * sqrt(count);
}

/* The figures of the schedule that drills were calibrated with. */
Test(arrivals_traffic, the_plain_sequence_is_what_it_always_was)
{
    struct arrivals_config config = config_of(50, 20);
    struct arrivals arrivals;
    struct visit v;
    uint64_t digest = 0, count = 0;
    config.seed = 11;
    config.people = 100;
    config.steps_per_visit = 3;
    arrivals_init(&arrivals, &config);
    while (arrivals_next(&arrivals, &v)) {
        digest = rng_mix(digest, v.number);
        digest = rng_mix(digest, (uint64_t)v.start_ns);
        digest = rng_mix(digest, (uint64_t)v.person);
        digest = rng_mix(digest, (uint64_t)v.steps);
        digest = rng_mix(digest, (uint64_t)arrivals_think_ns(&config, v.number, 1));
        count++;
    }
    cr_expect_eq(count, 948);
    cr_expect_eq(digest, UINT64_C(0x1a707a296618e975));
}

Test(arrivals_traffic, injections_of_tastes_leave_the_schedule_alone)
{
    struct arrivals_config config = config_of(50, 100);
    struct walk rest = walk_all(&config);
    for (int kind = 0; drift_of_people((enum drift_kind)kind); kind++) {
        struct drift drift = drift_of((enum drift_kind)kind, 1, 30, 70);
        config.drift = &drift;
        struct walk walk = walk_all(&config);
        cr_expect_eq(walk.count, rest.count, "kind %d", kind);
        cr_expect(holds_all(&walk, &rest), "kind %d", kind);
        mem_free(walk.visit);
    }
    mem_free(rest.visit);
}

/* ---- processes ---- */

Test(arrivals_traffic, constant_visits_are_evenly_spaced)
{
    struct arrivals_config config = config_of(8, 100);
    struct walk poisson = walk_all(&config);
    config.process = ARRIVALS_CONSTANT;
    struct walk walk = walk_all(&config);
    cr_assert_eq(walk.count, 799, "the one at the end is not played");
    for (int64_t i = 0; i < walk.count; i++) {
        cr_assert_eq(walk.visit[i].start_ns, (i + 1) * SECOND / 8);
        if (i < poisson.count) {
            cr_assert_eq(walk.visit[i].person, poisson.visit[i].person, "the same people");
            cr_assert_eq(walk.visit[i].steps, poisson.visit[i].steps);
        }
    }
    mem_free(walk.visit);
    mem_free(poisson.visit);
}

/* Two weeks of days that last seven seconds; an hour's count is Poisson, so chi-square applies. */
Test(arrivals_traffic, diurnal_visits_follow_the_hours_of_the_week)
{
    double weight[ARRIVALS_WEEK_HOURS];
    enum { START = 50 };
    struct arrivals_config config = config_of(500, 98);
    hours_published(weight);
    config.process = ARRIVALS_DIURNAL;
    config.hour_weight = weight;
    config.day_ns = 7 * SECOND;
    config.start_hour = START;
    struct walk walk = walk_all(&config);
    double of[ARRIVALS_WEEK_HOURS] = {0}, chi2 = 0, all = 500 * 98;
    for (int64_t i = 0; i < walk.count; i++) {
        of[(START + walk.visit[i].start_ns * 24 / config.day_ns) % ARRIVALS_WEEK_HOURS]++;
    }
    for (int h = 0; h < ARRIVALS_WEEK_HOURS; h++) {
        double expected = weight[h] * all / ARRIVALS_WEEK_HOURS;
        chi2 += (of[h] - expected) * (of[h] - expected) / expected;
    }
    cr_expect_float_eq((double)walk.count, all, sd4(all));
    cr_expect_float_eq(chi2, ARRIVALS_WEEK_HOURS, 4 * sqrt(2.0 * ARRIVALS_WEEK_HOURS));
    mem_free(walk.visit);
}

Test(arrivals_traffic, hours_without_visits_are_passed_over)
{
    double weight[ARRIVALS_WEEK_HOURS] = {0};
    struct arrivals_config config = config_of(10, 700);
    weight[3] = 84;
    weight[100] = 84;
    config.process = ARRIVALS_DIURNAL;
    config.hour_weight = weight;
    config.day_ns = 100 * SECOND;
    struct walk walk = walk_all(&config);
    double expected = 2 * 84 * 10 * 100.0 / 24;
    cr_expect_float_eq((double)walk.count, expected, sd4(expected), "%lld", (long long)walk.count);
    for (int64_t i = 0; i < walk.count; i++) {
        int64_t hour = walk.visit[i].start_ns * 24 / config.day_ns;
        cr_assert(hour == 3 || hour == 100, "hour %lld", (long long)hour);
    }
    mem_free(walk.visit);
}

Test(arrivals_traffic, a_replay_has_the_moments_and_people_it_is_given)
{
    static const int64_t moment[] = {0, 5, 5, 700, 2 * SECOND, 11 * SECOND};
    static const int32_t person[] = {7, -1, 399, 0, -1, 3};
    struct arrivals_config config = config_of(0, 10);
    config.process = ARRIVALS_REPLAY;
    config.moment_ns = moment;
    config.moment_person = person;
    config.moment_count = 6;
    struct walk walk = walk_all(&config);
    cr_assert_eq(walk.count, 5, "the last is after the end");
    for (int i = 0; i < 5; i++) {
        cr_expect_eq(walk.visit[i].start_ns, moment[i]);
        cr_expect(person[i] < 0 || walk.visit[i].person == person[i]);
    }
    mem_free(walk.visit);
}

/* ---- less and more traffic ---- */

static void check_level(const char *name, struct arrivals_config *config, double factor,
                        double tolerance)
{
    struct walk rest = walk_all(config);
    struct drift drift = drift_of(DRIFT_TRAFFIC, factor, 100, 300);
    config->drift = &drift;
    struct walk walk = walk_all(config);
    double during = (double)count_between(&rest, 100 * SECOND, 300 * SECOND) * factor;
    cr_expect_float_eq((double)count_between(&walk, 100 * SECOND, 300 * SECOND), during, tolerance,
                       "%s times %g: %lld", name, factor,
                       (long long)count_between(&walk, 100 * SECOND, 300 * SECOND));
    cr_expect_eq(count_between(&walk, 0, 100 * SECOND), count_between(&rest, 0, 100 * SECOND));
    cr_expect_eq(count_between(&walk, 300 * SECOND, 400 * SECOND),
                 count_between(&rest, 300 * SECOND, 400 * SECOND), "%s", name);
    cr_expect(factor >= 1 ? holds_all(&walk, &rest) : holds_all(&rest, &walk),
              "%s times %g: no visit is moved", name, factor);
    mem_free(rest.visit);
    mem_free(walk.visit);
}

Test(arrivals_traffic, levels_add_and_drop_visits_and_move_none)
{
    static const double factors[] = {0, 0.25, 0.5, 1, 2, 3.5, 10};
    double weight[ARRIVALS_WEEK_HOURS];
    int64_t moment[4000];
    hours_published(weight);
    for (int i = 0; i < 4000; i++) {
        moment[i] = i * SECOND / 10;
    }
    for (size_t f = 0; f < sizeof factors / sizeof factors[0]; f++) {
        double changed = 2000 * fabs(factors[f] - 1), factor = factors[f];
        struct arrivals_config config = config_of(10, 400);
        check_level("poisson", &config, factor, sd4(changed) + 1);
        config = config_of(10, 400);
        config.process = ARRIVALS_CONSTANT;
        check_level("constant", &config, factor, 11);
        config = config_of(10, 400);
        config.process = ARRIVALS_REPLAY;
        config.moment_ns = moment;
        config.moment_count = 4000;
        check_level("replay", &config, factor, 11);
        config = config_of(10, 400);
        config.process = ARRIVALS_DIURNAL;
        config.hour_weight = weight;
        config.day_ns = 60 * SECOND;
        check_level("diurnal", &config, factor, sd4(1.5 * changed) + 1);
    }
}

Test(arrivals_traffic, doubled_constant_traffic_is_constant)
{
    struct drift drift = drift_of(DRIFT_TRAFFIC, 2, 10, 1000);
    struct arrivals_config config = config_of(4, 30);
    config.process = ARRIVALS_CONSTANT;
    config.drift = &drift;
    struct walk walk = walk_all(&config);
    for (int64_t i = 1; i < walk.count; i++) {
        int64_t gap_ns = walk.visit[i].start_ns - walk.visit[i - 1].start_ns;
        bool doubled = walk.visit[i].start_ns > 10 * SECOND;
        cr_assert_float_eq((double)gap_ns, doubled ? 125e6 : 250e6, 2, "visit %lld", (long long)i);
    }
    mem_free(walk.visit);
}

/* Doubled Poisson traffic is Poisson again: exponential gaps, and no memory between them. */
Test(arrivals_traffic, doubled_poisson_traffic_is_poisson)
{
    struct drift drift = drift_of(DRIFT_TRAFFIC, 2, 0, 1000000);
    struct arrivals_config config = config_of(50, 1000);
    config.drift = &drift;
    struct walk walk = walk_all(&config);
    double squares = 0, products = 0, n = (double)walk.count - 1, last = 0;
    for (int64_t i = 1; i < walk.count; i++) {
        double gap = (double)(walk.visit[i].start_ns - walk.visit[i - 1].start_ns) / 1e7;
        squares += gap * gap;
        products += (gap - 1) * (last - 1);
        last = gap;
    }
    cr_expect_float_eq((double)walk.count, 1e5, sd4(1e5));
    cr_expect_float_eq(squares / n, 2, 4 * sqrt(20 / n) + .03);
    cr_expect_float_eq(products / n, 0, 4 / sqrt(n), "lag-one covariance of gaps");
    mem_free(walk.visit);
}

Test(arrivals_traffic, a_ramp_of_traffic_rises_along_its_line)
{
    struct drift drift = drift_of(DRIFT_TRAFFIC, 5, 100, 1000);
    struct arrivals_config config = config_of(40, 500);
    drift.injection[0].shape = DRIFT_LINEAR;
    drift.injection[0].ramp_ns = 200 * SECOND;
    config.drift = &drift;
    struct walk walk = walk_all(&config);
    for (int t = 100; t < 500; t += 50) {
        double mean = t >= 300 ? 5 : 1 + 4 * (t + 25 - 100) / 200.0;
        double count = (double)count_between(&walk, t * SECOND, (t + 50) * SECOND);
        cr_expect_float_eq(count, 2000 * mean, sd4(2000 * mean) + 20, "from %d s: %g", t, count);
    }
    mem_free(walk.visit);
}

/* ---- guests ---- */

static void check_guests(enum drift_kind kind, enum arrivals_kind guest, double share)
{
    struct arrivals_config config = config_of(50, 400);
    struct walk rest = walk_all(&config);
    struct drift drift = drift_of(kind, share, 100, 300);
    config.drift = &drift;
    struct walk walk = walk_all(&config);
    double during = (double)count_between(&walk, 100 * SECOND, 300 * SECOND);
    double guests = (double)count_kind(&walk, guest, 100 * SECOND, 300 * SECOND);
    cr_expect_float_eq(guests / during, share, 4 * sqrt(share * (1 - share) / during),
                       "kind %d: share %g", kind, guests / during);
    cr_expect_eq(count_kind(&walk, guest, 0, config.end_ns), (int64_t)guests,
                 "none outside the injection");
    cr_expect(holds_all(&walk, &rest), "the people's visits are not touched");
    cr_expect_eq(walk.count - rest.count, (int64_t)guests);
    mem_free(rest.visit);
    mem_free(walk.visit);
}

Test(arrivals_traffic, bots_and_shills_make_their_share_beside_the_people)
{
    check_guests(DRIFT_BOTS, ARRIVALS_BOT, .02);
    check_guests(DRIFT_BOTS, ARRIVALS_BOT, .4);
    check_guests(DRIFT_SHILLING, ARRIVALS_SHILL, .1);
}

Test(arrivals_traffic, guests_share_what_doubled_traffic_leaves)
{
    struct arrivals_config config = config_of(50, 400);
    struct drift drift = {.count = 3};
    drift.injection[0] = drift_of(DRIFT_BOTS, .2, 0, 1000).injection[0];
    drift.injection[1] = drift_of(DRIFT_TRAFFIC, 2, 0, 1000).injection[0];
    drift.injection[2] = drift_of(DRIFT_SHILLING, .3, 0, 1000).injection[0];
    config.drift = &drift;
    struct walk walk = walk_all(&config);
    double n = (double)walk.count;
    cr_expect_float_eq((double)count_kind(&walk, ARRIVALS_BOT, 0, INT64_MAX) / n, .2, .01);
    cr_expect_float_eq((double)count_kind(&walk, ARRIVALS_SHILL, 0, INT64_MAX) / n, .3, .01);
    double people = (double)count_kind(&walk, ARRIVALS_PERSON, 0, INT64_MAX);
    cr_expect_float_eq(people, 40000, sd4(40000), "%g people", people);
    for (int64_t i = 0; i < walk.count; i++) {
        const struct visit *v = &walk.visit[i];
        int32_t account = v->person - PEOPLE;
        cr_assert(v->kind != ARRIVALS_BOT || account < ARRIVALS_BOT_ACCOUNTS);
        cr_assert(v->kind != ARRIVALS_SHILL || account >= ARRIVALS_BOT_ACCOUNTS);
        cr_assert(v->kind == ARRIVALS_PERSON ||
                  drift.injection[v->injection].kind ==
                      (v->kind == ARRIVALS_BOT ? DRIFT_BOTS : DRIFT_SHILLING));
    }
    mem_free(walk.visit);
}

/* Injections are over before the next visit of the people in most of the gaps. */
Test(arrivals_traffic, rare_visits_get_their_share_of_traffic_and_guests)
{
    static const struct {
        const char *what;
        enum arrivals_process process;
        enum drift_kind kind;
        enum drift_shape shape;
        double size, wanted; /* visits more, in a hundred of the people's */
    } rows[] = {
        {"poisson, traffic", ARRIVALS_POISSON, DRIFT_TRAFFIC, DRIFT_SUDDEN, 3, 100},
        {"constant, traffic", ARRIVALS_CONSTANT, DRIFT_TRAFFIC, DRIFT_SUDDEN, 3, 100},
        {"replay, traffic", ARRIVALS_REPLAY, DRIFT_TRAFFIC, DRIFT_SUDDEN, 3, 100},
        {"diurnal, bots", ARRIVALS_DIURNAL, DRIFT_BOTS, DRIFT_SUDDEN, .5, 50},
        {"poisson, shills", ARRIVALS_POISSON, DRIFT_SHILLING, DRIFT_SUDDEN, .75, 150},
        {"replay, bots", ARRIVALS_REPLAY, DRIFT_BOTS, DRIFT_SUDDEN, .5, 50},
        {"a ramp up and an end", ARRIVALS_POISSON, DRIFT_TRAFFIC, DRIFT_LINEAR, 3, 50},
        {"on and off", ARRIVALS_POISSON, DRIFT_TRAFFIC, DRIFT_RECURRING, 3, 25},
    };
    enum { GAP_S = 50, TURNS = 1000 };
    double hour_weight[ARRIVALS_WEEK_HOURS];
    static int64_t moment_ns[TURNS];
    for (int h = 0; h < ARRIVALS_WEEK_HOURS; h++) {
        hour_weight[h] = 1;
    }
    for (int i = 0; i < TURNS; i++) {
        moment_ns[i] = (int64_t)i * GAP_S * SECOND;
    }
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        double more = 0, expected = 0;
        for (int turn = 0; turn < 40; turn++) {
            /* Half a gap long, in the middle of one. */
            int64_t from_s = 12 + (int64_t)turn * GAP_S;
            struct arrivals_config config = config_of(1.0 / GAP_S, (int64_t)GAP_S * TURNS / 10);
            struct drift drift = drift_of(rows[i].kind, rows[i].size, from_s, from_s + GAP_S / 2);
            drift.injection[0].shape = rows[i].shape;
            drift.injection[0].ramp_ns = GAP_S / 2 * SECOND;
            drift.injection[0].period_ns = GAP_S / 10 * SECOND;
            drift.injection[0].on_ns = GAP_S / 40 * SECOND;
            config.seed = (uint64_t)turn + 100 * i;
            config.process = rows[i].process;
            config.hour_weight = hour_weight;
            config.day_ns = 1000 * SECOND;
            config.moment_ns = moment_ns;
            config.moment_count = TURNS / 10;
            struct walk rest = walk_all(&config);
            config.drift = &drift;
            struct walk walk = walk_all(&config);
            cr_assert(holds_all(&walk, &rest), "%s", rows[i].what);
            more += (double)(walk.count - rest.count);
            expected += rows[i].wanted / 100;
            mem_free(rest.visit);
            mem_free(walk.visit);
        }
        cr_expect_float_eq(more, expected, sd4(expected) + 1, "%s: %g more, not %g", rows[i].what,
                           more, expected);
    }
}

Test(arrivals_traffic, no_injection_of_traffic_moves_a_join)
{
    struct arrivals_config config = config_of(.1, 2000);
    struct drift drift = {.count = 2};
    drift.injection[0] = drift_of(DRIFT_TRAFFIC, 5, 100, 900).injection[0];
    drift.injection[1] = drift_of(DRIFT_BOTS, .4, 333, 1500).injection[0];
    config.newcomers = 300;
    config.joins_per_s = .1;
    struct walk rest = walk_all(&config);
    config.drift = &drift;
    struct walk walk = walk_all(&config);
    int64_t joins = 0, at = 0;
    for (int64_t i = 0; i < rest.count; i++) {
        if (rest.visit[i].number >> 48 == ARRIVALS_JOIN) {
            while (at < walk.count && walk.visit[at].number != rest.visit[i].number) {
                at++;
            }
            cr_assert_lt(at, walk.count);
            cr_assert_eq(walk.visit[at].start_ns, rest.visit[i].start_ns);
            joins++;
        }
    }
    cr_expect_gt(joins, 150);
    mem_free(rest.visit);
    mem_free(walk.visit);
}

/* How long the accounts of an injection are on visits, a second and account; answers take none. */
static double busy(const struct arrivals_config *config, const struct walk *walk)
{
    double busy_ns = 0;
    for (int64_t i = 0; i < walk->count; i++) {
        const struct visit *v = &walk->visit[i];
        for (uint32_t action = 0; action + 1 < 2 * (uint32_t)v->steps; action++) {
            busy_ns += v->kind == ARRIVALS_PERSON
                           ? 0
                           : (double)arrivals_pause_ns(config, v, action, v->start_ns);
        }
    }
    return busy_ns / (double)config->end_ns / arrivals_guests(config, 0);
}

Test(arrivals_traffic, there_are_as_many_accounts_as_keep_up_with_their_visits)
{
    struct arrivals_config config = config_of(200, 60);
    struct drift drift = drift_of(DRIFT_BOTS, .0025, 0, 1000);
    config.drift = &drift;
    config.think_median_s = .2;
    cr_expect_eq(arrivals_guests(&config, 0), 1, "one bot is one");
    cr_expect_eq(arrivals_accounts(&config), PEOPLE + 1);
    drift.injection[0].size = .05;
    cr_expect_eq(arrivals_guests(&config, 0), ARRIVALS_BOT_ACCOUNTS);
    drift.injection[0].size = .2;
    config.think_median_s = 12;
    struct walk walk = walk_all(&config);
    cr_expect(busy(&config, &walk) < .55 && busy(&config, &walk) > .3, "%g", busy(&config, &walk));
    mem_free(walk.visit);
    drift.injection[0].kind = DRIFT_SHILLING;
    cr_expect_eq(arrivals_guests(&config, 0), ARRIVALS_SHILL_ACCOUNTS);
    drift.injection[0].kind = DRIFT_TRAFFIC;
    cr_expect_eq(arrivals_guests(&config, 0), 0);
    cr_expect_eq(arrivals_accounts(&config), PEOPLE);
}

/* More than there is room for is cut down, not played for ever. */
Test(arrivals_traffic, guests_never_make_all_visits)
{
    struct arrivals_config config = config_of(20, 100);
    struct drift drift = drift_of(DRIFT_BOTS, 1, 0, 1000);
    config.drift = &drift;
    struct walk walk = walk_all(&config);
    double share = (double)count_kind(&walk, ARRIVALS_BOT, 0, INT64_MAX) / (double)walk.count;
    cr_expect_float_eq(share, ARRIVALS_GUEST_SHARE_MAX, .01);
    mem_free(walk.visit);
}

/* ---- pauses ---- */

Test(arrivals_traffic, slow_raters_wait_before_ratings_only)
{
    struct drift drift = drift_of(DRIFT_SLOW_RATERS, 4, 100, 200);
    struct arrivals_config config = config_of(20, 400);
    uint64_t members[PEOPLE / 64 + 1] = {UINT64_C(1) << 5};
    struct visit visit = {.number = 9, .person = 5}, other = {.number = 9, .person = 6};
    struct visit bot = {.number = 9, .person = PEOPLE, .kind = ARRIVALS_BOT};
    drift.injection[0].members = members;
    config.drift = &drift;
    int64_t rating_ns = arrivals_think_ns(&config, 9, 2);
    cr_expect_eq(arrivals_pause_ns(&config, &visit, 2, 99 * SECOND), rating_ns);
    cr_expect_eq(arrivals_pause_ns(&config, &visit, 2, 150 * SECOND), 4 * rating_ns);
    cr_expect_eq(arrivals_pause_ns(&config, &visit, 2, 200 * SECOND), rating_ns);
    cr_expect_eq(arrivals_pause_ns(&config, &visit, 3, 150 * SECOND),
                 arrivals_think_ns(&config, 9, 3));
    cr_expect_eq(arrivals_pause_ns(&config, &other, 2, 150 * SECOND), rating_ns, "not a member");
    cr_expect_leq(arrivals_pause_ns(&config, &bot, 2, 150 * SECOND), rating_ns / 20);
    drift.injection[0].members = NULL;
    cr_expect_eq(arrivals_pause_ns(&config, &other, 2, 150 * SECOND), 4 * rating_ns, "everybody");
    drift.injection[0].shape = DRIFT_LINEAR;
    drift.injection[0].ramp_ns = 100 * SECOND;
    cr_expect_float_eq((double)arrivals_pause_ns(&config, &other, 2, 150 * SECOND),
                       2.5 * (double)rating_ns, 2, "half way");
}

Test(arrivals_traffic, people_leave_with_the_probability_from_the_step_on)
{
    struct arrivals_config config = config_of(20, 400);
    cr_expect_not(arrivals_leaves(&config, 3, 7, 1000), "nobody leaves unless asked to");
    config.leaving = (struct arrivals_leaving){.after_steps = 3, .probability = .25};
    int left = 0;
    for (int32_t person = 0; person < 4000; person++) {
        cr_assert_not(arrivals_leaves(&config, person, 7, 2));
        left += arrivals_leaves(&config, person, 7, 3);
        cr_assert_eq(arrivals_leaves(&config, person, 7, 5),
                     arrivals_leaves(&config, person, 7, 3));
    }
    cr_expect_float_eq(left, 1000, 4 * sqrt(4000 * .25 * .75), "%d left", left);
}
