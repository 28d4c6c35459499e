/* What a scenario makes the engine play. */
#include "drill/play.h"

#include "small_world.h"

#include <criterion/criterion.h>

static void turn_ratings_away(void *context, const struct fake_request *request,
                              struct fake_answer *answer)
{
    (void)context;
    if (request->is_post) {
        answer->status = 503;
        answer->retry_after_s = 1;
    }
}

Test(play, people_who_are_turned_away_do_not_come_back)
{
    static struct small_world world;
    struct scenario scenario = {.phase_count = 1};
    struct engine_plan plan = {0};
    struct engine_result result;
    struct error error = {0};
    small_world_init(&world);
    world.script.answer = turn_ratings_away;
    struct play_config config = {.scenario = &scenario,
                                 .population = world.population,
                                 .arrivals = &world.plan.arrivals,
                                 .threads = 1,
                                 .connections = 8};
    cr_assert_eq(play_plan(&config, world.target, &plan, &error), ERR_OK, "%s", error.text);
    plan.transport = world.plan.transport;
    plan.phase_start_ns = world.phase_start_ns;
    world.plan = plan;
    small_world_play(&world, &result);
    struct ledger_counts all = ledger_total(result.ledger);
    cr_expect_gt(all.post_failed, 50);
    cr_expect_eq(result.retried, 0, "%lld came back", (long long)result.retried);
    cr_expect_eq(all.post_sent, all.post_failed);
    engine_result_deinit(&result);
    small_world_deinit(&world);
}
