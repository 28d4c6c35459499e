/* A service of a shape of its own, asked beside the load: who it is, what it counts, how it trains.
 */
#include "drill/target_link.h"

#include "base/clock.h"
#include "base/fileio.h"
#include "base/httpd.h"

#include <criterion/criterion.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct feed { /* the service */
    atomic_int generation;
    bool learns; /* does a request to learn make a new generation? */
    int learn_status;
    char learned[256];
    const char *state; /* what /state answers; NULL: 500 */
};

static void on_request(void *context, const struct httpd_request *request,
                       struct httpd_reply *reply)
{
    struct feed *feed = context;
    reply->status = 200;
    if (strcmp(request->path, "/inner/metrics") == 0) {
        buf_printf(&reply->body,
                   "answers_total{page=\"home\"} 7\nanswers_total{page=\"search\"} 5\n"
                   "user_rating_count 9\ngeneration %d\n",
                   atomic_load(&feed->generation));
    } else if (strcmp(request->path, "/learn") == 0) {
        (void)snprintf(feed->learned, sizeof feed->learned, "%s %s", request->method,
                       request->body);
        reply->status = feed->learn_status;
        atomic_fetch_add(&feed->generation, feed->learns);
    } else if (strncmp(request->path, "/state", 6) == 0) {
        reply->status = feed->state != NULL ? 200 : 500;
        buf_text(&reply->body, feed->state != NULL ? feed->state : "");
    } else if (strcmp(request->path, "/healthz") == 0) {
        buf_text(&reply->body, "{\"service\": \"bundled\", \"version\": \"9\"}");
    } else if (strcmp(request->path, "/metrics") == 0) {
        buf_text(&reply->body, "recommendation_lists_total 3\n");
    } else {
        reply->status = 404;
    }
}

struct world {
    struct feed feed;
    struct httpd *httpd;
    const char *url;
    char path[64], log[80];
    struct target_link *link;
    struct faults faults;
    struct error error;
};

static void set_up(struct world *world)
{
    const struct httpd_config config = {.listen = "127.0.0.1:0",
                                        .threads = 1,
                                        .body_max_bytes = 4096,
                                        .reply_max_bytes = 1 << 16,
                                        .connections_max = 8};
    *world = (struct world){.feed = {.generation = 4, .learns = true, .learn_status = 202}};
    cr_assert_eq(httpd_start(&world->httpd, &config, on_request, &world->feed, &world->error),
                 ERR_OK);
    world->url = httpd_url(world->httpd);
    (void)snprintf(world->path, sizeof world->path, "/tmp/driftdrill-link-%d.yml", (int)getpid());
    (void)snprintf(world->log, sizeof world->log, "%s.log", world->path);
    faults_init(&world->faults);
}

static void tear_down(struct world *world)
{
    target_link_close(world->link);
    httpd_stop(world->httpd);
    faults_deinit(&world->faults);
    (void)unlink(world->path);
    (void)unlink(world->log);
}

#define LIST "list: {url: '/feed?who={user}', films: /items, film: /id}\n"
#define METRICS                                                                                    \
    "metrics: {url: '@/inner/metrics', names: {recommendation_lists_total: "                       \
    "'answers_total{page=\"home\"}', model_version: generation}}\n"

/* The target file ends with `rest`, in which @ stands for the address, once at most. */
static enum err open_file(struct world *world, const char *rest)
{
    char text[2048];
    size_t before = strcspn(rest, "@");
    (void)snprintf(text, sizeof text, "name: feed 3\naddress: %s\n" LIST "%.*s%s%s", world->url,
                   (int)before, rest, rest[before] == '@' ? world->url : "",
                   rest + before + (rest[before] == '@'));
    cr_assert_eq(file_write(world->path, text, strlen(text), NULL), ERR_OK);
    const struct target_link_request request = {
        .target = world->path, .list_length = 10, .log_path = world->log};
    return target_link_open(&request, &world->link, &world->faults, &world->error);
}

static enum err open_well(struct world *world, const char *rest)
{
    enum err code = open_file(world, rest);
    cr_assert_eq(code, ERR_OK, "%s %s", world->error.text,
                 world->faults.count > 0 ? world->faults.list[0].text : "");
    return code;
}

Test(target_link, a_service_is_called_by_its_file_and_counts_in_our_names)
{
    struct world world;
    struct metrics_snapshot *now = NULL;
    char version[64];
    bool found = true;
    set_up(&world);
    open_well(&world, METRICS);
    cr_expect_not(target_link_is_bundled(world.link));
    cr_expect_eq(target_link_version(world.link, version, sizeof version, NULL), ERR_OK);
    cr_expect_str_eq(version, "feed 3");
    cr_assert_eq(target_link_metrics(world.link, &now, &world.error), ERR_OK, "%s",
                 world.error.text);
    cr_expect_eq(metrics_sum(now, "recommendation_lists_total", NULL, 0, &found), 7);
    cr_expect_eq(metrics_sum(now, "model_version", NULL, 0, &found), 4);
    (void)metrics_sum(now, "user_rating_count", NULL, 0, &found);
    cr_expect_not(found, "a name of ours that the file does not give");
    metrics_snapshot_free(now);
    tear_down(&world);
}

Test(target_link, a_service_without_metrics_has_none)
{
    struct world world;
    struct metrics_snapshot *now = NULL;
    set_up(&world);
    open_well(&world, "metrics: none\n");
    cr_expect_eq(target_link_metrics(world.link, &now, NULL), ERR_OK);
    cr_expect_null(now);
    cr_expect_null(target_link_metric_map(world.link));
    cr_expect_neq(target_link_retrain(world.link, "/past", &world.error), ERR_OK);
    tear_down(&world);
}

/* Whether it is known in another way which list a rating answers, only its file can tell. */
Test(target_link, without_ratings_or_request_ids_metrics_say_nothing)
{
    static const char *const files[] = {
        "metrics: {url: '@/metrics'}\n",
        "metrics: {url: '@/metrics'}\nrating: {url: '/rate?u={user}&f={film}'}\n",
        "metrics: {url: '@/metrics', names: {recommendation_lists_converted_total: good_total, "
        "user_rating: stars}}\nrating: {url: '/rate?u={user}&f={film}'}\n",
        "metrics: {url: '@/metrics'}\nrating: {url: '/rate?u={user}&f={film}&r={rank}'}\n"};
    static const struct {
        const char *metric;
        bool has[4];
    } rows[] = {{"recommendation_lists_total", {1, 1, 0, 1}},
                {"user_rating", {0, 1, 1, 1}},
                {"recommendation_lists_converted_total", {0, 0, 1, 0}},
                {"item_rank", {0, 0, 0, 1}}};
    for (size_t f = 0; f < sizeof files / sizeof files[0]; f++) {
        struct world world;
        set_up(&world);
        open_well(&world, files[f]);
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
            cr_expect_eq(metric_map_has(target_link_metric_map(world.link), rows[i].metric),
                         rows[i].has[f], "%zu: %s", f, rows[i].metric);
        }
        tear_down(&world);
    }
}

Test(target_link, a_name_that_is_no_selector_is_a_fault_before_anything)
{
    struct world world;
    set_up(&world);
    cr_expect_eq(open_file(&world, "metrics: {url: '@/m', names: {model_version: 'sum(x)'}}\n"),
                 ERR_INPUT);
    tear_down(&world);
}

Test(target_link, a_request_is_done_when_the_model_is_a_newer_one)
{
    struct world world;
    struct remote_training training;
    set_up(&world);
    open_well(&world, METRICS "retrain: {request: {url: /learn, body: '{\"from\": {folder}}'}}\n");
    cr_assert_eq(target_link_training(world.link, &training, NULL), ERR_OK);
    cr_expect_not(training.running, "nothing was asked for");
    world.feed.learns = false;
    cr_assert_eq(target_link_retrain(world.link, "/my/past", &world.error), ERR_OK, "%s",
                 world.error.text);
    cr_expect_str_eq(world.feed.learned, "POST {\"from\": \"/my/past\"}");
    cr_assert_eq(target_link_training(world.link, &training, NULL), ERR_OK);
    cr_expect(training.running, "the model is the former one");
    atomic_store(&world.feed.generation, 5);
    cr_assert_eq(target_link_training(world.link, &training, NULL), ERR_OK);
    cr_expect(!training.running && !training.failed);
    cr_expect_eq(training.model_version, 5);
    world.feed.learn_status = 500;
    cr_expect_eq(target_link_retrain(world.link, "/my/past", &world.error), ERR_NETWORK);
    cr_expect_not_null(strstr(world.error.text, "500"), "%s", world.error.text);
    tear_down(&world);
}

Test(target_link, a_request_is_done_when_its_status_says_so)
{
    static const struct {
        const char *status, *before, *now;
        const char *ends; /* "runs", "done", or why it failed; NULL: it cannot be told */
    } rows[] = {
        {"at: /job/0/state, done: [ready]", NULL, "{\"job\":[{\"state\":\"busy\"}]}", "runs"},
        {"at: /job/0/state, done: [ready]", NULL, "{\"job\":[{\"state\":\"ready\"}]}", "done"},
        {"at: /a~1b~0, done: [7, true]", NULL, "{\"a/b~\":true}", "done"},
        {"at: /a~1b~0, done: [7, true]", NULL, "{\"a/b~\":7}", "done"},
        {"at: '', done: [x], failed: [broken]", NULL, "\"broken\"", "its status is 'broken'"},
        {"at: /version", "{\"version\":3}", "{\"version\":3}", "runs"},
        {"at: /version", "{\"version\":3}", "{\"version\":4}", "done"},
        {"at: /version, failed: [bad]", "{\"version\":\"bad\"}", "{\"version\":\"bad\"}", "runs"},
        {"at: /version, failed: [bad]", "{\"version\":\"a\"}", "{\"version\":\"bad\"}",
         "its status is 'bad'"},
        {"at: /v, done: [ok], failed: [bad]", "{\"v\":\"bad\"}", "{\"v\":\"bad\"}", "runs"},
        {"at: /v, done: [ok], failed: [bad]", "{\"v\":\"ok\"}", "{\"v\":\"bad\"}",
         "its status is 'bad'"},
        {"at: /x, done: [y]", NULL, "{\"x\":{}}", NULL},
        {"at: /x, done: [y]", NULL, "nonsense", NULL},
        {"at: /x, done: [y]", NULL, NULL, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct world world;
        struct remote_training training;
        char rest[256];
        set_up(&world);
        (void)snprintf(rest, sizeof rest,
                       "retrain: {request: {url: /learn}, status: {url: /state, %s}}\n",
                       rows[i].status);
        open_well(&world, rest);
        world.feed.state = rows[i].before;
        cr_assert_eq(target_link_retrain(world.link, "/past", &world.error), ERR_OK, "%s",
                     world.error.text);
        world.feed.state = rows[i].now;
        enum err code = target_link_training(world.link, &training, &world.error);
        const char *ends = training.running ? "runs" : training.failed ? training.text : "done";
        cr_expect_eq(code, rows[i].ends != NULL ? ERR_OK : ERR_NETWORK, "%zu", i);
        cr_expect_str_eq(code == ERR_OK ? ends : "", rows[i].ends != NULL ? rows[i].ends : "",
                         "%zu: %s", i, ends);
        tear_down(&world);
    }
}

Test(target_link, a_training_may_fail_as_the_one_before_did)
{
    static const struct {
        const char *state;
        bool failed;
    } turns[] = {{"\"bad\"", false}, {"\"busy\"", false}, {"\"bad\"", true}};
    struct world world;
    set_up(&world);
    open_well(&world, "retrain: {request: {url: /learn}, "
                      "status: {url: /state, at: '', done: [ok], failed: [bad]}}\n");
    world.feed.state = turns[0].state;
    cr_assert_eq(target_link_retrain(world.link, "/past", &world.error), ERR_OK);
    for (size_t i = 0; i < sizeof turns / sizeof turns[0]; i++) {
        struct remote_training training;
        world.feed.state = turns[i].state;
        cr_assert_eq(target_link_training(world.link, &training, &world.error), ERR_OK);
        cr_expect_eq(training.failed, turns[i].failed, "%zu", i);
        cr_expect_eq(training.running, !turns[i].failed, "%zu", i);
    }
    tear_down(&world);
}

Test(target_link, a_status_that_must_change_is_asked_for_before_the_request)
{
    struct world world;
    set_up(&world);
    open_well(&world, "retrain: {request: {url: /learn}, status: {url: /state, at: /v}}\n");
    cr_expect_eq(target_link_retrain(world.link, "/past", &world.error), ERR_NETWORK);
    cr_expect_str_eq(world.feed.learned, "", "nobody could tell when it is done");
    tear_down(&world);
}

Test(target_link, a_request_to_retrain_is_taken_with_the_statuses_of_the_file)
{
    static const struct {
        int status;
        const char *accept;
        enum err code;
    } rows[] = {{202, "", ERR_OK},
                {409, "", ERR_NETWORK},
                {409, ", accept: [202, 409]", ERR_OK},
                {200, ", accept: [202, 409]", ERR_NETWORK}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct world world;
        char rest[128];
        set_up(&world);
        world.feed.learn_status = rows[i].status;
        (void)snprintf(rest, sizeof rest, "retrain: {request: {url: /learn%s}}\n", rows[i].accept);
        open_well(&world, rest);
        cr_expect_eq(target_link_retrain(world.link, "/past", &world.error), rows[i].code, "%zu",
                     i);
        tear_down(&world);
    }
}

Test(target_link, errors_hold_nothing_of_the_environment)
{
    static const char *const files[] = {
        "metrics: {url: '@/none?key=${DRIFTDRILL_TEST_KEY}'}\n",
        "retrain: {request: {url: '/none/${DRIFTDRILL_TEST_KEY}'}}\n",
        "retrain: {request: {url: /learn}, status: {url: '/none/${DRIFTDRILL_TEST_KEY}', at: "
        "/v}}\n",
    };
    (void)setenv("DRIFTDRILL_TEST_KEY", "secret", 1);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        struct world world;
        struct metrics_snapshot *now = NULL;
        set_up(&world);
        open_well(&world, files[i]);
        enum err code = i == 0 ? target_link_metrics(world.link, &now, &world.error)
                               : target_link_retrain(world.link, "/past", &world.error);
        cr_expect_eq(code, ERR_NETWORK, "%s", files[i]);
        cr_expect_null(strstr(world.error.where, "secret"), "%s", world.error.where);
        cr_expect_null(strstr(world.error.text, "secret"), "%s", world.error.text);
        cr_expect_not_null(strstr(world.error.where, "${DRIFTDRILL_TEST_KEY}"), "%s",
                           world.error.where);
        tear_down(&world);
    }
}

/* Asks until it has ended. */
static void await_training(struct world *world, struct remote_training *training)
{
    for (int i = 0; i < 1000; i++) {
        cr_assert_eq(target_link_training(world->link, training, NULL), ERR_OK);
        if (!training->running) {
            return;
        }
        clock_sleep_ns(10 * CLOCK_NS_PER_MS);
    }
    cr_assert_fail("the command does not end");
}

Test(target_link, a_command_is_done_when_it_ends_well)
{
    static const struct {
        const char *command;
        bool failed;
        const char *text;
    } rows[] = {{"[sh, -c, 'test \"$1\" = /my/past && echo learned', sh, '{folder}']", false, ""},
                {"[sh, -c, 'exit 3']", true, "the command ended with status 3"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct world world;
        struct remote_training training;
        struct buf log;
        char rest[200];
        set_up(&world);
        (void)snprintf(rest, sizeof rest, "metrics: none\nretrain: {command: %s}\n",
                       rows[i].command);
        open_well(&world, rest);
        cr_assert_eq(target_link_retrain(world.link, "/my/past", &world.error), ERR_OK, "%s",
                     world.error.text);
        await_training(&world, &training);
        cr_expect_eq(training.failed, rows[i].failed, "%s", rows[i].command);
        cr_expect_str_eq(training.text, rows[i].text);
        buf_init(&log, 4096);
        cr_expect_eq(file_read(world.log, &log, NULL), ERR_OK);
        cr_expect(rows[i].failed || (log.len > 0 && strstr(log.data, "learned") != NULL));
        buf_deinit(&log);
        tear_down(&world);
    }
}

Test(target_link, a_command_that_is_not_there_is_told_at_once)
{
    struct world world;
    set_up(&world);
    open_well(&world, "metrics: none\nretrain: {command: [/no/such/program]}\n");
    cr_expect_eq(target_link_retrain(world.link, "/past", &world.error), ERR_PROCESS);
    cr_expect_not_null(strstr(world.error.text, "/no/such/program"), "%s", world.error.text);
    tear_down(&world);
}

Test(target_link, a_scenario_may_describe_its_target)
{
    struct world world;
    char block[512], version[64];
    set_up(&world);
    (void)snprintf(block, sizeof block,
                   "{\"name\": \"inner\", \"address\": \"%s\", \"list\": {\"url\": "
                   "\"/f?u={user}\", \"films\": \"/i\"}}",
                   world.url);
    const struct target_link_request request = {
        .block = block, .block_file = "s.yml", .list_length = 10};
    cr_assert_eq(target_link_open(&request, &world.link, &world.faults, &world.error), ERR_OK);
    cr_expect_eq(target_link_version(world.link, version, sizeof version, NULL), ERR_OK);
    cr_expect_str_eq(version, "inner");
    tear_down(&world);
}

Test(target_link, behind_an_address_the_bundled_interface_is_spoken)
{
    struct world world;
    struct metrics_snapshot *now = NULL;
    char version[64];
    bool found;
    set_up(&world);
    const struct target_link_request request = {.target = world.url, .list_length = 10};
    cr_assert_eq(target_link_open(&request, &world.link, &world.faults, &world.error), ERR_OK);
    cr_expect(target_link_is_bundled(world.link));
    cr_expect_eq(target_link_version(world.link, version, sizeof version, NULL), ERR_OK);
    cr_expect_str_eq(version, "bundled 9");
    cr_assert_eq(target_link_metrics(world.link, &now, NULL), ERR_OK);
    cr_expect_eq(metrics_sum(now, "recommendation_lists_total", NULL, 0, &found), 3);
    metrics_snapshot_free(now);
    tear_down(&world);
}
