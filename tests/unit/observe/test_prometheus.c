#include "observe/prometheus.h"

#include "base/buf.h"
#include "base/child.h"
#include "base/clock.h"
#include "base/fileio.h"
#include "base/text.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <math.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define INVALID "tests/data/invalid/promjson/"

static enum err read_text(const char *text, long status, struct prometheus_matrix *out,
                          struct error *error)
{
    *error = (struct error){.code = ERR_OK};
    return prometheus_read_answer("answer", status, text, strlen(text), out, error);
}

Test(prometheus, vectors_keep_labels_times_and_values)
{
    struct prometheus_matrix matrix;
    struct error error;
    cr_assert_eq(
        read_text(
            "{\"status\":\"success\",\"warnings\":[\"w\"],\"data\":{\"resultType\":\"vector\","
            "\"result\":[{\"metric\":{\"__name__\":\"up\",\"job\":\"a\"},"
            "\"value\":[1795360268.431,\"1\"]},{\"metric\":{},\"value\":[2,\"-0.25\"]}]}}",
            200, &matrix, &error),
        ERR_OK, "%s", error.text);
    cr_assert_eq(matrix.count, 2);
    cr_expect_str_eq(prometheus_label(&matrix.series[0], "job"), "a");
    cr_expect_str_eq(prometheus_label(&matrix.series[0], "nosuch"), "");
    cr_expect_str_eq(prometheus_label(&matrix.series[1], "job"), "");
    cr_expect_eq(matrix.series[0].count, 1);
    cr_expect_eq(matrix.series[0].point[0].time_s, 1795360268.431);
    cr_expect_eq(matrix.series[0].point[0].value, 1);
    cr_expect_eq(matrix.series[1].point[0].time_s, 2);
    cr_expect_eq(matrix.series[1].point[0].value, -0.25);
    prometheus_matrix_deinit(&matrix);
    cr_expect_eq(matrix.count, 0);
}

Test(prometheus, every_spelling_of_a_value_is_read)
{
    static const struct {
        const char *text;
        double value;
    } rows[] = {
        {"0", 0},
        {"1.5", 1.5},
        {"-12345678901234567890", -12345678901234567890.0},
        {"1e-07", 1e-7},
        {"+Inf", (double)INFINITY},
        {"-Inf", -(double)INFINITY},
        {"NaN", (double)NAN},
        {"0.000000000000000000000000000000000000001", 1e-39},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[256];
        struct prometheus_matrix matrix;
        struct error error;
        snprintf(text, sizeof(text),
                 "{\"status\":\"success\",\"data\":{\"resultType\":\"scalar\",\"result\":"
                 "[7.5,\"%s\"]}}",
                 rows[i].text);
        cr_assert_eq(read_text(text, 200, &matrix, &error), ERR_OK, "%s: %s", rows[i].text,
                     error.text);
        cr_assert_eq(matrix.count, 1);
        double value = matrix.series[0].point[0].value;
        cr_expect(isnan(rows[i].value) ? isnan(value) : value == rows[i].value, "%s: %g",
                  rows[i].text, value);
        cr_expect_eq(matrix.series[0].point[0].time_s, 7.5);
        prometheus_matrix_deinit(&matrix);
    }
}

Test(prometheus, matrices_keep_every_sample_in_order)
{
    struct prometheus_matrix matrix;
    struct error error;
    cr_assert_eq(
        read_text("{\"status\":\"success\",\"data\":{\"resultType\":\"matrix\",\"result\":[{"
                  "\"metric\":{\"le\":\"1.0\"},\"values\":[[1.5,\"1\"],[2,\"NaN\"],[2.5,\"3\"]]}"
                  "]}}",
                  200, &matrix, &error),
        ERR_OK, "%s", error.text);
    cr_assert_eq(matrix.count, 1);
    cr_assert_eq(matrix.series[0].count, 3);
    cr_expect_eq(matrix.series[0].point[0].value, 1);
    cr_expect(isnan(matrix.series[0].point[1].value));
    cr_expect_eq(matrix.series[0].point[2].time_s, 2.5);
    prometheus_matrix_deinit(&matrix);
}

Test(prometheus, an_empty_result_is_no_error)
{
    static const char *const types[] = {"vector", "matrix"};
    for (size_t i = 0; i < 2; i++) {
        char text[128];
        struct prometheus_matrix matrix;
        struct error error;
        snprintf(text, sizeof(text),
                 "{\"status\":\"success\",\"data\":{\"resultType\":\"%s\",\"result\":[]}}",
                 types[i]);
        cr_expect_eq(read_text(text, 200, &matrix, &error), ERR_OK);
        cr_expect_eq(matrix.count, 0, "%s", types[i]);
        prometheus_matrix_deinit(&matrix);
    }
}

Test(prometheus, faults_carry_the_servers_own_text)
{
    static const struct {
        long status;
        const char *text, *message;
        enum err code;
    } rows[] = {
        {400, "{\"status\":\"error\",\"errorType\":\"bad_data\",\"error\":\"1:4: parse error\"}",
         "bad_data: 1:4: parse error", ERR_INPUT},
        {422,
         "{\"status\":\"error\",\"errorType\":\"execution\",\"error\":\"many-to-many matching\"}",
         "execution: many-to-many matching", ERR_INPUT},
        {503, "{\"status\":\"error\",\"errorType\":\"timeout\",\"error\":\"query timed out\"}",
         "timeout: query timed out", ERR_TIMEOUT},
        {503, "{\"status\":\"error\",\"errorType\":\"unavailable\",\"error\":\"not ready\"}",
         "unavailable: not ready", ERR_NETWORK},
        {404, "404 page not found\nsecond line\n", "HTTP 404: 404 page not found", ERR_NETWORK},
        {502, "", "HTTP 502: ", ERR_NETWORK},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct prometheus_matrix matrix;
        struct error error;
        cr_expect_eq(read_text(rows[i].text, rows[i].status, &matrix, &error), rows[i].code, "%s",
                     rows[i].text);
        cr_expect_str_eq(error.text, rows[i].message);
        cr_expect_str_eq(error.where, "answer");
        cr_expect_eq(matrix.count, 0);
        cr_expect_null(matrix.series);
    }
}

static void read_whole(const char *path, struct buf *out)
{
    struct error error = {.code = ERR_OK};
    buf_init(out, 1 << 20);
    cr_assert_eq(file_read(path, out, &error), ERR_OK, "%s: %s", path, error.text);
}

Test(prometheus, malformed_answers_are_refused_with_the_reason)
{
    char **paths = NULL;
    size_t count = 0;
    struct error error = {.code = ERR_OK};
    cr_assert_eq(file_glob(INVALID "*.json", &paths, &count, &error), ERR_OK);
    cr_assert_gt(count, 20, "run from the top of the repository");
    for (size_t i = 0; i < count; i++) {
        char beside[300];
        struct buf text, expected;
        struct prometheus_matrix matrix;
        snprintf(beside, sizeof(beside), "%.*s.expected", (int)(strlen(paths[i]) - 5), paths[i]);
        read_whole(paths[i], &text);
        read_whole(beside, &expected);
        expected.data[strcspn(expected.data, "\n")] = '\0';
        error = (struct error){.code = ERR_OK};
        cr_expect_neq(prometheus_read_answer("x", 200, text.len > 0 ? text.data : "", text.len,
                                             &matrix, &error),
                      ERR_OK, "%s", paths[i]);
        cr_expect_str_eq(error.text, expected.data, "%s: got '%s'", paths[i], error.text);
        cr_expect_eq(matrix.count, 0);
        buf_deinit(&text);
        buf_deinit(&expected);
    }
    file_glob_free(paths, count);
}

Test(prometheus, nobody_listening_is_not_ready_and_a_network_error)
{
    struct prometheus *client = prometheus_new("http://127.0.0.1:1/");
    struct prometheus_matrix matrix;
    struct error error = {.code = ERR_OK};
    cr_expect_not(prometheus_ready(client));
    cr_expect_eq(prometheus_query(client, "up", 1, &matrix, &error), ERR_NETWORK);
    cr_expect_str_eq(error.where, "http://127.0.0.1:1/api/v1/query");
    cr_expect_eq(matrix.count, 0);
    prometheus_free(client);
    prometheus_free(NULL);
}

struct server {
    struct child *child;
    struct prometheus *client;
    char folder[64], url[64];
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

static bool wait_ready(struct server *server)
{
    int status;
    int64_t deadline = clock_mono_ns() + 20 * CLOCK_NS_PER_S;
    while (clock_mono_ns() < deadline && child_running(server->child, &status)) {
        if (prometheus_ready(server->client)) {
            return true;
        }
        clock_sleep_ns(20 * CLOCK_NS_PER_MS);
    }
    return false;
}

/* A real Prometheus that scrapes itself. Another process may take the free port first: again. */
static void start_server(struct server *server)
{
    struct error error = {.code = ERR_OK};
    char config[128], config_flag[160], storage[160], listen_flag[160], log[128], text[256];
    snprintf(server->folder, sizeof(server->folder), "/tmp/test_prometheus_XXXXXX");
    cr_assert_not_null(mkdtemp(server->folder));
    snprintf(config, sizeof(config), "%s/prometheus.yml", server->folder);
    snprintf(config_flag, sizeof(config_flag), "--config.file=%s", config);
    snprintf(storage, sizeof(storage), "--storage.tsdb.path=%s/data", server->folder);
    snprintf(log, sizeof(log), "%s/log", server->folder);
    for (int attempt = 0; attempt < 5; attempt++) {
        unsigned port = free_port();
        snprintf(server->url, sizeof(server->url), "http://127.0.0.1:%u", port);
        snprintf(listen_flag, sizeof(listen_flag), "--web.listen-address=127.0.0.1:%u", port);
        int len = snprintf(text, sizeof(text),
                           "global: {scrape_interval: 100ms}\nscrape_configs:\n"
                           "- {job_name: self, static_configs: [{targets: ['127.0.0.1:%u']}]}\n",
                           port);
        cr_assert_eq(file_write(config, text, (size_t)len, &error), ERR_OK);
        const char *const argv[] = {"prometheus", config_flag, storage, listen_flag, NULL};
        const struct child_spec spec = {.name = "prometheus", .argv = argv, .log_path = log};
        cr_assert_eq(child_start(&server->child, &spec, &error), ERR_OK, "%s", error.text);
        server->client = prometheus_new(server->url);
        if (wait_ready(server)) {
            return;
        }
        prometheus_free(server->client);
        child_stop(server->child, 5000);
    }
    cr_assert_fail("Prometheus did not become ready, see %s", log);
}

static double now_s(void)
{
    return (double)clock_wall_ns() / 1e9;
}

static void wait_for_samples(struct server *server)
{
    double samples = 0;
    bool found = false;
    struct error error = {.code = ERR_OK};
    int64_t deadline = clock_mono_ns() + 20 * CLOCK_NS_PER_S;
    while (!(found && samples >= 3) && clock_mono_ns() < deadline) {
        clock_sleep_ns(20 * CLOCK_NS_PER_MS);
        cr_assert_eq(prometheus_value(server->client, "count_over_time(up[1m])", now_s(), &samples,
                                      &found, &error),
                     ERR_OK, "%s", error.text);
    }
    cr_assert(found && samples >= 3, "Prometheus does not scrape itself");
}

static void expect_values(struct server *server)
{
    static const struct {
        const char *expr;
        bool found;
        double value;
    } rows[] = {
        {"up", true, 1},
        {"up{job=\"nosuch\"}", false, 0},
        {"1 + 1", true, 2},
        {"sum(up) + 100 * count(prometheus_build_info)", true, 101},
        {"vector(1) / 0", true, (double)INFINITY},
        {"-vector(1) / 0", true, -(double)INFINITY},
        {"vector(0) / 0", true, (double)NAN},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        double value = -7;
        bool found = !rows[i].found;
        struct error error = {.code = ERR_OK};
        cr_expect_eq(
            prometheus_value(server->client, rows[i].expr, now_s(), &value, &found, &error), ERR_OK,
            "%s: %s", rows[i].expr, error.text);
        cr_expect_eq(found, rows[i].found, "%s", rows[i].expr);
        if (found) {
            cr_expect(isnan(rows[i].value) ? isnan(value) : value == rows[i].value, "%s: %g",
                      rows[i].expr, value);
        }
    }
}

static void expect_faults(struct server *server)
{
    static const struct {
        const char *expr, *text;
    } rows[] = {
        {"up{", "bad_data: invalid parameter \"query\": 1:4: parse error:"},
        {"prometheus_http_requests_total * on() prometheus_http_requests_total",
         "execution: found duplicate series for the match group"},
        {"\"text\"", "the expression yields a string"},
        {"{__name__=~\"go_.*\"}", "series, not one"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        double value;
        bool found;
        struct error error = {.code = ERR_OK};
        cr_expect_eq(
            prometheus_value(server->client, rows[i].expr, now_s(), &value, &found, &error),
            ERR_INPUT, "%s", rows[i].expr);
        cr_expect_not_null(strstr(error.text, rows[i].text), "%s: %s", rows[i].expr, error.text);
    }
}

static void expect_series(struct server *server)
{
    struct prometheus_matrix matrix;
    struct error error = {.code = ERR_OK};
    double end = now_s();
    cr_assert_eq(prometheus_query(server->client, "up[1m]", end, &matrix, &error), ERR_OK, "%s",
                 error.text);
    cr_assert_eq(matrix.count, 1);
    cr_expect_geq(matrix.series[0].count, 3, "raw samples of a range selector");
    cr_expect_str_eq(prometheus_label(&matrix.series[0], "job"), "self");
    cr_expect(fabs(matrix.series[0].point[0].time_s - end) < 60);
    prometheus_matrix_deinit(&matrix);

    cr_assert_eq(
        prometheus_query_range(server->client, "vector(3)", 100.5, 102.5, 0.25, &matrix, &error),
        ERR_OK, "%s", error.text);
    cr_assert_eq(matrix.count, 1);
    cr_assert_eq(matrix.series[0].count, 9);
    cr_expect_eq(matrix.series[0].point[0].time_s, 100.5);
    cr_expect_eq(matrix.series[0].point[1].time_s, 100.75);
    cr_expect_eq(matrix.series[0].point[8].value, 3);
    prometheus_matrix_deinit(&matrix);

    cr_expect_eq(prometheus_query_range(server->client, "up", 0, 100000, 1, &matrix, &error),
                 ERR_INPUT);
    cr_expect_not_null(strstr(error.text, "exceeded maximum resolution"), "%s", error.text);
}

Test(prometheus, a_real_server_is_read, .timeout = 120)
{
    char path[256];
    struct server server;
    if (!child_find("prometheus", path, sizeof(path))) {
        cr_skip_test("no prometheus in PATH: not tested against a real server");
    }
    start_server(&server);
    wait_for_samples(&server);
    expect_values(&server);
    expect_faults(&server);
    expect_series(&server);

    json_t *rules = NULL;
    struct error error = {.code = ERR_OK};
    cr_assert_eq(prometheus_rules(server.client, &rules, &error), ERR_OK, "%s", error.text);
    cr_expect(json_is_array(json_object_get(json_object_get(rules, "data"), "groups")));
    json_decref(rules);
    double failures = -1;
    bool found = false;
    cr_expect_eq(prometheus_own_sum(server.client, "prometheus_tsdb_head_samples_appended_total",
                                    &failures, &found, &error),
                 ERR_OK, "%s", error.text);
    cr_expect(found && failures >= 0, "%g", failures);
    prometheus_free(server.client);
    child_stop(server.child, 10000);
    cr_expect_eq(file_remove_tree(server.folder, &error), ERR_OK);
}
