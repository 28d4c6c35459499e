#include "observe/webhook.h"

#include "base/buf.h"
#include "base/child.h"
#include "base/clock.h"
#include "base/fileio.h"
#include "base/http.h"
#include "base/mem.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <jansson.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define INVALID "tests/data/invalid/webhook/"
#define NEVER "0001-01-01T00:00:00Z"

struct fixture {
    struct webhook *webhook;
    struct http *http;
    struct http_reply reply;
    char folder[64], log[96];
};

static struct fixture setup(void)
{
    struct fixture f = {.folder = "/tmp/test_webhook_XXXXXX"};
    struct error error = {.code = ERR_OK};
    cr_assert_not_null(mkdtemp(f.folder));
    snprintf(f.log, sizeof(f.log), "%s/notifications.jsonl", f.folder);
    cr_assert_eq(webhook_start(f.log, &f.webhook, &error), ERR_OK, "%s", error.text);
    f.http = http_new();
    buf_init(&f.reply.body, 1 << 20);
    return f;
}

static void teardown(struct fixture *f)
{
    struct error error = {.code = ERR_OK};
    buf_deinit(&f->reply.body);
    http_free(f->http);
    webhook_stop(f->webhook);
    cr_expect_eq(file_remove_tree(f->folder, &error), ERR_OK);
}

static long post_bytes(struct fixture *f, const char *bytes, size_t len)
{
    struct error error = {.code = ERR_OK};
    cr_assert_eq(http_post(f->http, webhook_url(f->webhook), "application/json", bytes, len, 20000,
                           &f->reply, &error),
                 ERR_OK, "%s", error.text);
    return f->reply.status;
}

/* A body with one alert, as Alertmanager 0.25 writes it, and a key of a later version. */
static long post_alert(struct fixture *f, const char *status, const char *starts_at,
                       const char *ends_at, const char *fingerprint)
{
    char body[2048];
    int len = snprintf(
        body, sizeof(body),
        "{\"receiver\":\"drill\",\"status\":\"%s\",\"alerts\":[{\"status\":\"%s\",\"labels\":{"
        "\"alertname\":\"ConversionLow\",\"severity\":\"page\",\"job\":\"x\"},\"annotations\":{"
        "\"summary\":\"low \\u00e9\"},\"startsAt\":\"%s\",\"endsAt\":\"%s\",\"generatorURL\":"
        "\"http://h/g\",\"fingerprint\":\"%s\"}],\"groupLabels\":{},\"commonLabels\":{},"
        "\"commonAnnotations\":{},\"externalURL\":\"http://h\",\"version\":\"4\","
        "\"groupKey\":\"{}:{}\",\"truncatedAlerts\":0,\"notification_reason\":\"new\"}",
        status, status, starts_at, ends_at, fingerprint);
    return post_bytes(f, body, (size_t)len);
}

static size_t notice_count(struct fixture *f)
{
    struct webhook_notice *notice = NULL;
    size_t count = webhook_notices(f->webhook, &notice);
    mem_free(notice);
    return count;
}

/* The lines of the log as JSON; every line is one document. */
static json_t *read_log(const struct fixture *f)
{
    struct error error = {.code = ERR_OK};
    struct buf text;
    json_t *lines = json_array();
    buf_init(&text, 8 << 20);
    cr_assert_eq(file_read(f->log, &text, &error), ERR_OK, "%s", error.text);
    for (const char *at = text.data; at != NULL && *at != '\0';) {
        size_t len = strcspn(at, "\n");
        cr_assert_eq(at[len], '\n', "an unfinished line: %s", at);
        json_t *line = json_loadb(at, len, 0, NULL);
        cr_assert_not_null(line, "%s", at);
        json_array_append_new(lines, line);
        at += len + 1;
    }
    buf_deinit(&text);
    return lines;
}

static const char *text_at(const json_t *lines, size_t index, const char *key)
{
    return json_string_value(json_object_get(json_array_get(lines, index), key));
}

Test(webhook, a_firing_and_its_resolve_are_kept_in_order)
{
    struct fixture f = setup();
    int64_t mono = clock_mono_ns(), wall = clock_wall_ns();
    cr_expect_eq(post_alert(&f, "firing", "2026-01-31T08:00:00.5Z", NEVER, "00aa"), 200);
    cr_expect_eq(
        post_alert(&f, "resolved", "2026-01-31T08:00:00.5Z", "2026-01-31T08:01:00Z", "00aa"), 200);
    struct webhook_notice *notice = NULL;
    cr_assert_eq(webhook_notices(f.webhook, &notice), 2);
    cr_expect_str_eq(notice[0].alert, "ConversionLow");
    cr_expect_str_eq(notice[0].severity, "page");
    cr_expect_str_eq(notice[0].fingerprint, "00aa");
    cr_expect_str_eq(notice[0].starts_at, "2026-01-31T08:00:00.5Z");
    cr_expect_str_eq(notice[0].ends_at, NEVER);
    cr_expect_not(notice[0].resolved);
    cr_expect(notice[1].resolved);
    cr_expect_str_eq(notice[1].ends_at, "2026-01-31T08:01:00Z");
    cr_expect_geq(notice[0].received_mono_ns, mono);
    cr_expect_geq(notice[1].received_mono_ns, notice[0].received_mono_ns);
    cr_expect_leq(notice[1].received_mono_ns, clock_mono_ns());
    cr_expect_leq(llabs(notice[0].received_wall_ns - wall), 20 * CLOCK_NS_PER_S);
    mem_free(notice);
    teardown(&f);
}

Test(webhook, the_log_holds_one_line_an_alert)
{
    struct fixture f = setup();
    post_alert(&f, "firing", "2026-01-31T08:00:00Z", NEVER, "00aa");
    post_alert(&f, "resolved", "2026-01-31T08:00:00Z", "2026-01-31T08:01:00Z", "00aa");
    struct webhook_notice *notice = NULL;
    size_t count = webhook_notices(f.webhook, &notice);
    json_t *lines = read_log(&f);
    cr_assert_eq(json_array_size(lines), count);
    for (size_t i = 0; i < count; i++) {
        char received[48];
        clock_format_wall(notice[i].received_wall_ns, received, sizeof(received));
        cr_expect_str_eq(text_at(lines, i, "received"), received);
        cr_expect_str_eq(text_at(lines, i, "receiver"), "drill");
        cr_expect_str_eq(text_at(lines, i, "fingerprint"), "00aa");
        cr_expect_str_eq(text_at(lines, i, "startsAt"), notice[i].starts_at);
        cr_expect_str_eq(text_at(lines, i, "endsAt"), notice[i].ends_at);
    }
    cr_expect_str_eq(text_at(lines, 0, "status"), "firing");
    cr_expect_str_eq(text_at(lines, 1, "status"), "resolved");
    const json_t *first = json_array_get(lines, 0);
    cr_expect_str_eq(json_string_value(json_object_get(json_object_get(first, "labels"), "job")),
                     "x");
    cr_expect_str_eq(
        json_string_value(json_object_get(json_object_get(first, "annotations"), "summary")),
        "low \xc3\xa9");
    json_decref(lines);
    mem_free(notice);
    teardown(&f);
}

Test(webhook, repeats_are_kept_once)
{
    static const struct {
        const char *status, *starts_at, *fingerprint;
        size_t count;
    } rows[] = {
        {"firing", "2026-01-31T08:00:00Z", "00aa", 1},
        {"firing", "2026-01-31T08:00:00Z", "00aa", 1},
        {"firing", "2026-01-31T08:00:00Z", "00bb", 2},
        {"resolved", "2026-01-31T08:00:00Z", "00aa", 3},
        {"resolved", "2026-01-31T08:00:00Z", "00aa", 3},
        {"firing", "2026-01-31T08:05:00Z", "00aa", 4},
        {"firing", "2026-01-31T08:00:00Z", "00aa", 4},
    };
    struct fixture f = setup();
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        cr_expect_eq(post_alert(&f, rows[i].status, rows[i].starts_at, NEVER, rows[i].fingerprint),
                     200);
        cr_expect_eq(notice_count(&f), rows[i].count, "row %zu", i);
    }
    json_t *lines = read_log(&f);
    cr_expect_eq(json_array_size(lines), 4);
    json_decref(lines);
    teardown(&f);
}

Test(webhook, of_what_is_forgotten_the_alerts_that_fire_stay)
{
    struct fixture f = setup();
    post_alert(&f, "firing", "2026-01-31T08:00:00Z", NEVER, "00aa");
    post_alert(&f, "firing", "2026-01-31T08:00:00Z", NEVER, "00bb");
    post_alert(&f, "resolved", "2026-01-31T08:00:00Z", "2026-01-31T08:01:00Z", "00aa");
    post_alert(&f, "firing", "2026-01-31T08:02:00Z", NEVER, "00bb");
    post_alert(&f, "firing", "2026-01-31T08:03:00Z", NEVER, "00cc");
    webhook_forget(f.webhook);
    struct webhook_notice *notice = NULL;
    cr_assert_eq(webhook_notices(f.webhook, &notice), 2);
    cr_expect_str_eq(notice[0].fingerprint, "00bb");
    cr_expect_str_eq(notice[0].starts_at, "2026-01-31T08:02:00Z");
    cr_expect_str_eq(notice[1].fingerprint, "00cc");
    mem_free(notice);
    post_alert(&f, "firing", "2026-01-31T08:02:00Z", NEVER, "00bb");
    cr_expect_eq(notice_count(&f), 2, "a repeat is one still");
    post_alert(&f, "resolved", "2026-01-31T08:02:00Z", "2026-01-31T08:04:00Z", "00bb");
    post_alert(&f, "firing", "2026-01-31T08:05:00Z", NEVER, "00aa");
    cr_expect_eq(notice_count(&f), 4);
    webhook_forget(f.webhook);
    webhook_forget(f.webhook);
    cr_expect_eq(notice_count(&f), 2);
    teardown(&f);
}

/* One body with `count` alerts, each another one. */
static long post_many(struct fixture *f, const char *status, int first, int count)
{
    struct buf body;
    buf_init(&body, 8 << 20);
    buf_text(&body, "{\"version\":\"4\",\"status\":\"firing\",\"receiver\":\"drill\",\"alerts\":[");
    for (int i = 0; i < count; i++) {
        buf_printf(&body,
                   "%s{\"status\":\"%s\",\"labels\":{\"alertname\":\"A\"},\"startsAt\":"
                   "\"2026-01-31T08:00:00Z\",\"endsAt\":\"" NEVER "\",\"fingerprint\":\"%08x\"}",
                   i > 0 ? "," : "", status, first + i);
    }
    buf_text(&body, "]}");
    cr_assert_not(body.failed);
    long answered = post_bytes(f, body.data, body.len);
    buf_deinit(&body);
    return answered;
}

Test(webhook, as_many_are_kept_as_is_said_and_forgetting_makes_room)
{
    struct fixture f = setup();
    struct error error = {.code = ERR_OK};
    webhook_stop(f.webhook);
    cr_assert_eq(webhook_start("/dev/null", &f.webhook, &error), ERR_OK);
    cr_expect_eq(post_many(&f, "firing", 0, WEBHOOK_NOTICES_MAX - 10), 200);
    cr_expect_eq(post_many(&f, "resolved", 0, 10), 200);
    cr_expect_eq(notice_count(&f), WEBHOOK_NOTICES_MAX);
    cr_expect_eq(post_many(&f, "firing", WEBHOOK_NOTICES_MAX, 1), 500, "there is no room");
    cr_expect_eq(post_many(&f, "firing", 0, 100), 200, "repeats need none");
    cr_expect_eq(notice_count(&f), WEBHOOK_NOTICES_MAX);
    webhook_forget(f.webhook);
    cr_expect_eq(notice_count(&f), WEBHOOK_NOTICES_MAX - 20, "all of these fire");
    cr_expect_eq(post_many(&f, "firing", WEBHOOK_NOTICES_MAX, 20), 200);
    cr_expect_eq(post_many(&f, "firing", 2 * WEBHOOK_NOTICES_MAX, 1), 500);
    cr_expect_eq(notice_count(&f), WEBHOOK_NOTICES_MAX);
    cr_expect_eq(webhook_malformed(f.webhook), 0);
    teardown(&f);
}

static void read_whole(const char *path, struct buf *out)
{
    struct error error = {.code = ERR_OK};
    buf_init(out, 1 << 20);
    cr_assert_eq(file_read(path, out, &error), ERR_OK, "%s: %s", path, error.text);
}

Test(webhook, malformed_bodies_are_answered_400_counted_and_not_kept)
{
    struct fixture f = setup();
    char **paths = NULL;
    size_t count = 0;
    struct error error = {.code = ERR_OK};
    cr_assert_eq(file_glob(INVALID "*.json", &paths, &count, &error), ERR_OK);
    cr_assert_gt(count, 15, "run from the top of the repository");
    for (size_t i = 0; i < count; i++) {
        char beside[300];
        struct buf text, expected;
        snprintf(beside, sizeof(beside), "%.*s.expected", (int)(strlen(paths[i]) - 5), paths[i]);
        read_whole(paths[i], &text);
        read_whole(beside, &expected);
        expected.data[strcspn(expected.data, "\n")] = '\0';
        cr_expect_eq(post_bytes(&f, text.len > 0 ? text.data : "", text.len), 400, "%s", paths[i]);
        json_t *answer = json_loadb(f.reply.body.data, f.reply.body.len, 0, NULL);
        const char *reason = json_string_value(json_object_get(answer, "error"));
        cr_assert_not_null(reason, "%s: %s", paths[i], f.reply.body.data);
        cr_expect_str_eq(reason, expected.data, "%s: got '%s'", paths[i], reason);
        cr_expect_eq(webhook_malformed(f.webhook), i + 1);
        json_decref(answer);
        buf_deinit(&text);
        buf_deinit(&expected);
    }
    cr_expect_eq(notice_count(&f), 0);
    json_t *lines = read_log(&f);
    cr_expect_eq(json_array_size(lines), 0);
    json_decref(lines);
    file_glob_free(paths, count);
    teardown(&f);
}

Test(webhook, only_posts_to_its_path_are_notifications)
{
    struct fixture f = setup();
    struct error error = {.code = ERR_OK};
    char root[300];
    snprintf(root, sizeof(root), "%.*s", (int)(strlen(webhook_url(f.webhook)) - strlen("/alerts")),
             webhook_url(f.webhook));
    cr_assert_eq(http_get(f.http, webhook_url(f.webhook), 20000, &f.reply, &error), ERR_OK);
    cr_expect_eq(f.reply.status, 405);
    cr_assert_eq(http_post(f.http, root, "application/json", "{}", 2, 20000, &f.reply, &error),
                 ERR_OK);
    cr_expect_eq(f.reply.status, 404);
    cr_expect_eq(webhook_malformed(f.webhook), 0);
    teardown(&f);
}

Test(webhook, two_cannot_listen_at_one_address)
{
    struct fixture f = setup();
    struct webhook *second = NULL;
    struct error error = {.code = ERR_OK};
    char address[300];
    const char *host = webhook_url(f.webhook) + strlen("http://");
    snprintf(address, sizeof(address), "%.*s", (int)strcspn(host, "/"), host);
    cr_expect_neq(webhook_start_at(address, f.log, &second, &error), ERR_OK);
    cr_expect(strstr(error.where, address) != NULL || strstr(error.text, address) != NULL, "%s: %s",
              error.where, error.text);
    cr_expect_null(second);
    teardown(&f);
}

Test(webhook, a_log_that_cannot_be_opened_is_an_error)
{
    struct webhook *webhook = NULL;
    struct error error = {.code = ERR_OK};
    cr_expect_eq(webhook_start("/no/such/folder/log", &webhook, &error), ERR_IO);
    cr_expect_str_eq(error.where, "/no/such/folder/log");
    cr_expect_str_eq(error.text, "cannot open: No such file or directory");
}

Test(webhook, an_alert_that_cannot_be_written_down_is_answered_500)
{
    struct fixture f = setup();
    struct error error = {.code = ERR_OK};
    webhook_stop(f.webhook);
    cr_assert_eq(webhook_start("/dev/full", &f.webhook, &error), ERR_OK);
    cr_expect_eq(post_alert(&f, "firing", "2026-01-31T08:00:00Z", NEVER, "00aa"), 500);
    cr_expect_eq(notice_count(&f), 0);
    cr_expect_eq(webhook_malformed(f.webhook), 0, "the sender did nothing wrong");
    teardown(&f);
}

Test(webhook, stop_accepts_null)
{
    webhook_stop(NULL);
}

struct alertmanager {
    struct child *child;
    char url[64];
};

static unsigned free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert_eq(bind(fd, (struct sockaddr *)&address, size), 0);
    cr_assert_eq(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    close(fd);
    return ntohs(address.sin_port);
}

static bool wait_ready(struct fixture *f, const struct alertmanager *manager)
{
    char url[128];
    int status;
    int64_t deadline = clock_mono_ns() + 20 * CLOCK_NS_PER_S;
    snprintf(url, sizeof(url), "%s/-/ready", manager->url);
    while (clock_mono_ns() < deadline && child_running(manager->child, &status)) {
        if (http_get(f->http, url, 1000, &f->reply, NULL) == ERR_OK && f->reply.status == 200) {
            return true;
        }
        clock_sleep_ns(20 * CLOCK_NS_PER_MS);
    }
    return false;
}

/* Another process may take the free port first: again. */
static void start_manager(struct fixture *f, const char *program, struct alertmanager *manager)
{
    struct error error = {.code = ERR_OK};
    char config[128], config_flag[160], storage[160], listen_flag[160], log[128], text[1024];
    snprintf(config, sizeof(config), "%s/alertmanager.yml", f->folder);
    snprintf(config_flag, sizeof(config_flag), "--config.file=%s", config);
    snprintf(storage, sizeof(storage), "--storage.path=%s/data", f->folder);
    snprintf(log, sizeof(log), "%s/log", f->folder);
    int len = snprintf(text, sizeof(text),
                       "route: {receiver: drill, group_by: [alertname], group_wait: 0s,\n"
                       "        group_interval: 1s, repeat_interval: 1h}\n"
                       "receivers:\n"
                       "- name: drill\n"
                       "  webhook_configs: [{url: '%s', send_resolved: true}]\n",
                       webhook_url(f->webhook));
    cr_assert_eq(file_write(config, text, (size_t)len, &error), ERR_OK);
    for (int attempt = 0; attempt < 5; attempt++) {
        unsigned port = free_port();
        snprintf(manager->url, sizeof(manager->url), "http://127.0.0.1:%u", port);
        snprintf(listen_flag, sizeof(listen_flag), "--web.listen-address=127.0.0.1:%u", port);
        const char *const argv[] = {
            program, config_flag, storage, listen_flag, "--cluster.listen-address=", NULL};
        const struct child_spec spec = {.name = "alertmanager", .argv = argv, .log_path = log};
        cr_assert_eq(child_start(&manager->child, &spec, &error), ERR_OK, "%s", error.text);
        if (wait_ready(f, manager)) {
            return;
        }
        child_stop(manager->child, 5000);
    }
    cr_assert_fail("Alertmanager did not become ready, see %s", log);
}

static void raise_alert(struct fixture *f, const struct alertmanager *manager, const char *name,
                        int64_t starts_ns, int64_t ends_ns)
{
    struct error error = {.code = ERR_OK};
    char url[128], starts[48], ends[48], body[512];
    clock_format_wall(starts_ns, starts, sizeof(starts));
    clock_format_wall(ends_ns, ends, sizeof(ends));
    snprintf(url, sizeof(url), "%s/api/v2/alerts", manager->url);
    int len = snprintf(body, sizeof(body),
                       "[{\"labels\":{\"alertname\":\"%s\",\"severity\":\"page\"},\"annotations\":"
                       "{\"summary\":\"s\"},\"startsAt\":\"%s\",\"endsAt\":\"%s\"}]",
                       name, starts, ends);
    cr_assert_eq(
        http_post(f->http, url, "application/json", body, (size_t)len, 5000, &f->reply, &error),
        ERR_OK, "%s", error.text);
    cr_assert_eq(f->reply.status, 200, "%s", f->reply.body.data);
}

static void wait_for_notices(struct fixture *f, size_t count)
{
    int64_t deadline = clock_mono_ns() + 30 * CLOCK_NS_PER_S;
    while (notice_count(f) < count && clock_mono_ns() < deadline) {
        clock_sleep_ns(10 * CLOCK_NS_PER_MS);
    }
    cr_assert_eq(notice_count(f), count);
}

Test(webhook, a_real_alertmanager_is_understood, .timeout = 120)
{
    char path[256];
    struct fixture f = setup();
    struct alertmanager manager;
    const char *program = "prometheus-alertmanager"; /* Debian's name */
    if (!child_find(program, path, sizeof(path))) {
        program = "alertmanager";
    }
    if (!child_find(program, path, sizeof(path))) {
        cr_skip_test("no Alertmanager in PATH: not tested against a real one");
    }
    start_manager(&f, program, &manager);
    int64_t now = clock_wall_ns(), hour_ns = 3600 * CLOCK_NS_PER_S;
    raise_alert(&f, &manager, "DriftDetected", now, now + hour_ns);
    wait_for_notices(&f, 1);
    raise_alert(&f, &manager, "Watchdog", now, now + hour_ns);
    wait_for_notices(&f, 2);
    raise_alert(&f, &manager, "DriftDetected", now, clock_wall_ns());
    wait_for_notices(&f, 3);

    struct webhook_notice *notice = NULL;
    cr_assert_eq(webhook_notices(f.webhook, &notice), 3);
    cr_expect_str_eq(notice[0].alert, "DriftDetected");
    cr_expect_str_eq(notice[0].severity, "page");
    cr_expect_str_eq(notice[0].ends_at, NEVER);
    cr_expect_not(notice[0].resolved);
    cr_expect_str_eq(notice[1].alert, "Watchdog");
    cr_expect_str_neq(notice[1].fingerprint, notice[0].fingerprint);
    cr_expect_str_eq(notice[2].alert, "DriftDetected");
    cr_expect_str_eq(notice[2].fingerprint, notice[0].fingerprint);
    cr_expect_str_eq(notice[2].starts_at, notice[0].starts_at);
    cr_expect(notice[2].resolved);
    cr_expect_eq(webhook_malformed(f.webhook), 0);
    json_t *lines = read_log(&f);
    cr_expect_eq(json_array_size(lines), 3);
    cr_expect_str_eq(text_at(lines, 0, "receiver"), "drill");
    json_decref(lines);
    mem_free(notice);
    child_stop(manager.child, 10000);
    teardown(&f);
}
