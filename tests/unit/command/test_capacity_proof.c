/* The generator is played against the built-in server; how fast this machine is decides nothing
 * here. */
#include "command/capacity_proof.h"

#include "base/clock.h"
#include "small_world.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

static struct small_world world;
static struct slo slo;
static struct capacity_stand stand;

static bool nobody(int64_t timeout_ns)
{
    clock_sleep_ns(timeout_ns);
    return false;
}

static void set_up(void)
{
    struct faults faults;
    small_world_init(&world);
    faults_init(&faults);
    cr_assert_eq(slo_read("p99<50ms,errors<1%", "--slo", &slo, &faults), ERR_OK);
    faults_deinit(&faults);
    world.plan.seen.start = mem_zalloc(SMALL_WORLD_PEOPLE + 1, sizeof(int64_t));
    stand = (struct capacity_stand){.population = world.population,
                                    .target = world.plan.target,
                                    .transport = &transport_curl,
                                    .seen = world.plan.seen,
                                    .slo = &slo,
                                    .threads = 1,
                                    .connections = 16,
                                    .timeout_ms = 10000,
                                    .lag_most_ns = 10 * SMALL_WORLD_SECOND,
                                    .think_median_s = 0.01,
                                    .think_sigma = 0.6,
                                    .interrupted = nobody};
    capacity_people_init(&stand.people, SMALL_WORLD_PEOPLE, false);
}

static void tear_down(void)
{
    mem_free((void *)world.plan.seen.start);
    small_world_deinit(&world);
}

TestSuite(capacity_proof, .init = set_up, .fini = tear_down);

static struct capacity_proof_plan plan_of(double rate_per_s)
{
    return (struct capacity_proof_plan){.rate_per_s = rate_per_s,
                                        .seconds = 0.5,
                                        .left_s = INFINITY,
                                        .seed = 4,
                                        .film = world.data.catalogue.id,
                                        .films = world.data.catalogue.count};
}

Test(capacity_proof, the_rate_asked_for_is_played_against_the_server_built_in)
{
    struct capacity_proof proof;
    struct capacity_proof_plan plan = plan_of(200);
    cr_assert_eq(capacity_prove(&stand, &plan, &proof, NULL), ERR_OK);
    cr_expect_float_eq(proof.rate_per_s, 200, 1e-9);
    cr_expect_float_eq(proof.achieved_per_s, 200, 5 * sqrt(400), "%g", proof.achieved_per_s);
    cr_expect_float_eq(proof.errors_share, 0, 1e-12, "the target's address is nobody's: %g",
                       proof.errors_share);
    cr_expect_gt(proof.cpu_share, 0);
    cr_expect_eq(proof.fit, proof.why[0] == '\0', "%s", proof.why);
    cr_expect_eq(stand.people.steps, 0, "the search's people have made no step");
    cr_expect_eq(stand.transport, &transport_curl);
    json_t *json = capacity_proof_json(&proof);
    cr_expect_float_eq(json_number_value(json_object_get(json, "rate_per_s")), 200, 1e-9);
    cr_expect_eq(json_is_true(json_object_get(json, "fit")), proof.fit);
    json_decref(json);
}

Test(capacity_proof, without_a_rate_half_of_what_it_can_do_is_taken)
{
    struct capacity_proof proof;
    struct capacity_proof_plan plan = plan_of(0);
    cr_assert_eq(capacity_prove(&stand, &plan, &proof, NULL), ERR_OK);
    cr_expect_gt(proof.rate_per_s, 1);
    cr_expect_float_eq(proof.achieved_per_s, proof.rate_per_s, 0.4 * proof.rate_per_s,
                       "%g offered, %g sent", proof.rate_per_s, proof.achieved_per_s);
}

Test(capacity_proof, a_rate_of_its_own_choice_is_halved_while_the_generator_is_not_fit)
{
    struct capacity_proof fit, late;
    struct capacity_proof_plan plan = plan_of(0);
    cr_assert_eq(capacity_prove(&stand, &plan, &fit, NULL), ERR_OK);
    stand.lag_most_ns = 1;
    cr_assert_eq(capacity_prove(&stand, &plan, &late, NULL), ERR_OK);
    cr_expect_not(late.fit);
    cr_expect_eq(late.tries, 4);
    /* An eighth of the other, if that was fit at once. */
    cr_expect(fit.tries > 1 || late.rate_per_s < fit.rate_per_s, "%g, %g", late.rate_per_s,
              fit.rate_per_s);
}

/* By its own rule, the one trials are judged by. */
Test(capacity_proof, a_generator_that_is_late_is_not_fit)
{
    struct capacity_proof proof;
    struct capacity_proof_plan plan = plan_of(200);
    stand.lag_most_ns = 1;
    cr_assert_eq(capacity_prove(&stand, &plan, &proof, NULL), ERR_OK);
    cr_expect_not(proof.fit);
    cr_expect_not_null(strstr(proof.why, "the generator was late"), "%s", proof.why);
    cr_expect_eq(proof.tries, 2);
    plan.left_s = 1.5; /* a try takes one */
    cr_assert_eq(capacity_prove(&stand, &plan, &proof, NULL), ERR_OK);
    cr_expect_leq(proof.tries, 1);
    plan.left_s = 0.9;
    cr_assert_eq(capacity_prove(&stand, &plan, &proof, NULL), ERR_OK);
    cr_expect_eq(proof.tries, 0);
}
