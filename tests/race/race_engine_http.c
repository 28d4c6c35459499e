/* Several workers with either transport against an HTTP server of several threads, on the real
 * clock: both sides must count the same. How long anything took decides nothing. */
#include "base/clock.h"
#include "base/httpd.h"
#include "load/engine.h"
#include "small_world.h"

#include <curl/curl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

struct counting_target {
    const struct catalogue *films;
    _Atomic int64_t lists, ratings, half_stars, refused;
};

static void answer_list(struct counting_target *target, const struct httpd_request *request,
                        struct httpd_reply *reply)
{
    const char *user = httpd_query(request, "user_id"), *n = httpd_query(request, "n");
    long user_id = user != NULL ? strtol(user, NULL, 10) : 0;
    if (user_id < 1 || n == NULL || user_id % 50 == 0) {
        reply->status = 503;
        atomic_fetch_add(&target->refused, 1);
        return;
    }
    buf_printf(&reply->body, "{\"request_id\":\"%ld\",\"recommendations\":[", user_id);
    for (long i = 0; i < strtol(n, NULL, 10); i++) {
        long film = (user_id * 31 + i * 7) % target->films->count;
        buf_printf(&reply->body, "%s{\"movie_id\":%" PRId32 "}", i > 0 ? "," : "",
                   target->films->id[film]);
    }
    buf_text(&reply->body, "]}");
    atomic_fetch_add(&target->lists, 1);
}

static void answer_rating(struct counting_target *target, const struct httpd_request *request,
                          struct httpd_reply *reply)
{
    const char *rating = strstr(request->body, "\"rating\":");
    const char *point = rating != NULL ? strchr(rating, '.') : NULL;
    if (point == NULL || strstr(request->body, "\"request_id\":\"") == NULL) {
        reply->status = 400;
        return;
    }
    reply->status = 201;
    atomic_fetch_add(&target->half_stars, 2 * strtol(rating + 9, NULL, 10) + (point[1] == '5'));
    atomic_fetch_add(&target->ratings, 1);
}

static void answer(void *context, const struct httpd_request *request, struct httpd_reply *reply)
{
    if (strcmp(request->method, "POST") == 0) {
        answer_rating(context, request, reply);
    } else {
        answer_list(context, request, reply);
    }
}

static int agree(const char *what, int64_t ledger, int64_t target)
{
    if (ledger != target) {
        (void)fprintf(stderr, "%s: ledger %" PRId64 ", target %" PRId64 "\n", what, ledger, target);
    }
    return ledger != target;
}

static int check(const struct engine_result *result, struct counting_target *target)
{
    struct ledger_counts all = ledger_total(result->ledger);
    int64_t half_stars = 0;
    for (int i = 0; i < 10; i++) {
        half_stars += all.stars[i] * (i + 1);
    }
    int failures = agree("lists", all.lists, target->lists) +
                   agree("ratings", all.rated, target->ratings) +
                   agree("half stars", half_stars, target->half_stars) +
                   agree("refused lists", all.get_failed, target->refused) +
                   agree("failed ratings", all.post_failed, 0) +
                   agree("unanswered", all.get_unknown + all.post_unknown, 0);
    if (all.lists < 200 || all.rated < 30 || all.get_failed < 1) {
        (void)fprintf(stderr, "too little happened: %" PRId64 " lists\n", all.lists);
        failures++;
    }
    return failures;
}

/* Nobody listens: every request is told as unanswered, and the run ends. */
static int nobody_there(struct small_world *world)
{
    struct engine *engine = NULL;
    struct engine_result result;
    struct error error = {0};
    small_world_aim(world, "http://127.0.0.1:1");
    world->plan.arrivals.end_ns = SMALL_WORLD_SECOND / 4;
    world->plan.start_mono_ns = clock_mono_ns();
    small_world_must(engine_start(&world->plan, &engine, &error), &error);
    engine_join(engine, &result);
    struct ledger_counts all = ledger_total(result.ledger);
    int failures = agree("refused connections", all.get_unknown, all.get_sent) +
                   (result.problem.code == ERR_OK) + (all.get_sent == 0);
    engine_result_deinit(&result);
    return failures;
}

static int counts_agree(struct small_world *world, const struct transport_class *transport,
                        struct counting_target *target)
{
    struct engine *engine = NULL;
    struct engine_result result;
    struct error error = {0};
    atomic_store(&target->lists, 0);
    atomic_store(&target->ratings, 0);
    atomic_store(&target->half_stars, 0);
    atomic_store(&target->refused, 0);
    world->plan.transport = transport;
    world->plan.start_mono_ns = clock_mono_ns() + SMALL_WORLD_SECOND / 20;
    small_world_must(engine_start(&world->plan, &engine, &error), &error);
    while (!engine_finished(engine)) {
        struct engine_live live;
        engine_live(engine, &live);
        clock_sleep_ns(SMALL_WORLD_SECOND / 50);
    }
    engine_join(engine, &result);
    int failures = check(&result, target);
    engine_result_deinit(&result);
    return failures;
}

int main(void)
{
    struct small_world world;
    struct httpd *httpd = NULL;
    struct error error = {0};
    curl_global_init(CURL_GLOBAL_ALL);
    small_world_init(&world);
    struct counting_target target = {.films = population_catalogue(world.population)};
    struct httpd_config config = {.listen = "127.0.0.1:0",
                                  .threads = 2,
                                  .body_max_bytes = 4096,
                                  .reply_max_bytes = 65536,
                                  .connections_max = 64};
    small_world_must(httpd_start(&httpd, &config, answer, &target, &error), &error);
    small_world_aim(&world, httpd_url(httpd));
    world.plan.threads = 3;
    world.plan.timeout_ms = 30000;
    world.plan.arrivals.visits_per_s = 150;
    world.plan.arrivals.think_median_s = 0.005;
    world.plan.arrivals.end_ns = 2 * SMALL_WORLD_SECOND;
    int failures = counts_agree(&world, &transport_curl, &target);
    failures += counts_agree(&world, &transport_http1, &target);
    httpd_stop(httpd);
    failures += nobody_there(&world);
    small_world_deinit(&world);
    curl_global_cleanup();
    return failures == 0 ? 0 : 1;
}
