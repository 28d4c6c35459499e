/* What comes before a search and after it. */
#include "base/clock.h"
#include "command/capacity_int.h"
#include "small_world.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

static struct small_world world;
static struct capacity capacity;
static struct options *options;

static bool nobody(int64_t timeout_ns)
{
    clock_sleep_ns(timeout_ns);
    return false;
}

static void set_up(void)
{
    char name[] = "capacity", proof[] = "--proof=250ms", reference[] = "--reference=2s";
    char *arguments[] = {name, proof, reference};
    struct faults faults;
    small_world_init(&world);
    world.plan.seen.start = mem_zalloc(SMALL_WORLD_PEOPLE + 1, sizeof(int64_t));
    cr_assert_eq(options_parse(capacity_options, 3, arguments, 0, 0, &options), ERR_OK);
    capacity = (struct capacity){.stand = {.population = world.population,
                                           .target = world.plan.target,
                                           .transport = &transport_fake,
                                           .seen = world.plan.seen,
                                           .slo = &capacity.config.slo,
                                           .threads = 1,
                                           .connections = 16,
                                           .timeout_ms = 10000,
                                           .lag_most_ns = 10 * SMALL_WORLD_SECOND,
                                           .think_median_s = 0.01,
                                           .think_sigma = 0.6}};
    capacity_config_init(&capacity.config);
    faults_init(&faults);
    cr_assert_eq(slo_read("p99<50ms", "--slo", &capacity.config.slo, &faults), ERR_OK);
    cr_assert_eq(slo_read_quality("hit_rate_kept>90%", "--quality", &capacity.config.slo, &faults),
                 ERR_OK);
    faults_deinit(&faults);
    capacity_people_init(&capacity.stand.people, SMALL_WORLD_PEOPLE, false);
}

static void tear_down(void)
{
    options_free(options);
    mem_free((void *)world.plan.seen.start);
    small_world_deinit(&world);
}

TestSuite(capacity_frame, .init = set_up, .fini = tear_down);

/* Of four people nobody can tell how much people differ. */
Test(capacity_frame, a_promise_that_the_reference_cannot_judge_ends_it_there)
{
    struct error error = {0};
    world.script.latency_ns = 4000000;
    fake_transport_use(&world.script);
    cr_expect_eq(capacity_reference(options, &capacity, &error), ERR_OK, "%s", error.text);
    cr_expect_geq(capacity.stand.people.seen, CAPACITY_PEOPLE_SEEN_MIN);
    capacity.stand.people.turning = SMALL_WORLD_PEOPLE - 4;
    capacity.stand.people.reference = 4;
    cr_expect_eq(capacity_reference(options, &capacity, &error), ERR_INVALID);
    cr_expect_not_null(strstr(error.text, "longer --reference"), "%s", error.text);
    capacity.config.slo.count = 1;
    cr_expect_eq(capacity_reference(options, &capacity, &error), ERR_OK, "hits are not promised");
}

/* Against the server built in, by the clock. */
Test(capacity_frame, the_second_proof_is_part_of_the_budget)
{
    static const struct {
        double budget_s;
        int proofs;
    } rows[] = {{0, 2}, {40, 2}, {30.7, 1}, {20, 1}};
    struct capacity_level level = {.plan = {.kind = CAPACITY_OPEN, .rate_per_s = 200},
                                   .valid = true};
    capacity.stand.interrupted = nobody;
    capacity.stand.transport = &transport_curl;
    capacity.people.data = world.data;
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        struct error error = {0};
        capacity.config.budget_s = rows[r].budget_s;
        capacity.result =
            (struct capacity_result){.level = &level, .level_count = 1, .spent_s = 30};
        capacity.proof[0] = (struct capacity_proof){.rate_per_s = 100, .fit = true, .tries = 1};
        capacity.proofs = 1;
        cr_assert_eq(capacity_prove_again(options, &capacity, &error), ERR_OK, "%s", error.text);
        cr_expect_eq(capacity.proofs, rows[r].proofs, "row %zu", r);
        cr_expect_eq(strstr(capacity.result.note, "no time was left") != NULL, rows[r].proofs == 1,
                     "row %zu: %s", r, capacity.result.note);
        cr_expect_geq(capacity.result.spent_s, rows[r].proofs == 2 ? 30.75 : 30, "row %zu: %g", r,
                      capacity.result.spent_s);
    }
}
