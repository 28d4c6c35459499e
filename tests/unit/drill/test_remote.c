#include "drill/remote.h"

#include "base/httpd.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

/* A target that answers each path with one text, and keeps what was posted to it. */
struct target {
    const char *path, *answer;
    int status;
    char posted[256];
};

static void on_request(void *context, const struct httpd_request *request,
                       struct httpd_reply *reply)
{
    struct target *target = context;
    if (strcmp(request->path, target->path) != 0) {
        reply->status = 404;
        return;
    }
    if (strcmp(request->method, "POST") == 0) {
        snprintf(target->posted, sizeof target->posted, "%s", request->body);
    }
    reply->status = target->status;
    buf_text(&reply->body, target->answer);
}

struct session {
    struct target target;
    struct httpd *httpd;
    struct http *http;
    const char *url;
};

static void begin(struct session *session, const char *path, const char *answer, int status)
{
    const struct httpd_config config = {.listen = "127.0.0.1:0",
                                        .threads = 1,
                                        .body_max_bytes = 4096,
                                        .reply_max_bytes = 1 << 16,
                                        .connections_max = 8};
    struct error error = {0};
    *session = (struct session){.target = {.path = path, .answer = answer, .status = status}};
    cr_assert_eq(httpd_start(&session->httpd, &config, on_request, &session->target, &error),
                 ERR_OK, "%s", error.text);
    session->http = http_new();
    session->url = httpd_url(session->httpd);
}

static void end(struct session *session)
{
    http_free(session->http);
    httpd_stop(session->httpd);
}

Test(remote, the_version_is_what_the_target_says)
{
    static const struct {
        const char *answer, *wanted;
    } rows[] = {
        {"{\"service\":\"theirs\",\"version\":\"2.1\"}", "theirs 2.1"},
        {"{\"status\":\"ok\"}", "unnamed unversioned"},
        {"{\"service\":3,\"version\":null}", "unnamed unversioned"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct session s;
        char version[64] = "";
        begin(&s, "/healthz", rows[i].answer, 200);
        cr_expect_eq(remote_version(s.http, s.url, version, sizeof version, NULL), ERR_OK);
        cr_expect_str_eq(version, rows[i].wanted);
        end(&s);
    }
}

Test(remote, an_answer_that_is_no_object_is_an_error)
{
    static const char *const answers[] = {"", "[]", "3", "{\"a\":", "null", "<html>"};
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        struct session s;
        struct error error = {0};
        char version[64];
        begin(&s, "/healthz", answers[i], 200);
        cr_expect_eq(remote_version(s.http, s.url, version, sizeof version, &error), ERR_NETWORK,
                     "'%s'", answers[i]);
        cr_expect_not_null(strstr(error.text, "/healthz"), "%s", error.text);
        end(&s);
    }
}

Test(remote, a_status_that_is_not_good_is_an_error_with_the_target_s_reason)
{
    struct session s;
    struct error error = {0};
    begin(&s, "/admin/retrain", "{\"error\":\"already training\"}", 409);
    cr_expect_eq(remote_retrain(s.http, s.url, "/data", &error), ERR_NETWORK);
    cr_expect_not_null(strstr(error.text, "409"), "%s", error.text);
    cr_expect_not_null(strstr(error.text, "already training"), "%s", error.text);
    end(&s);
}

Test(remote, retraining_names_the_folder)
{
    struct session s;
    begin(&s, "/admin/retrain", "{\"status\":\"training\"}", 202);
    cr_expect_eq(remote_retrain(s.http, s.url, "/tmp/it's \"here\"", NULL), ERR_OK);
    cr_expect_str_eq(s.target.posted, "{\"data\":\"/tmp/it's \\\"here\\\"\"}");
    end(&s);
}

Test(remote, a_folder_that_json_cannot_name_is_refused_before_it_is_asked_for)
{
    struct session s;
    struct error error = {0};
    begin(&s, "/admin/retrain", "{}", 200);
    cr_expect_eq(remote_retrain(s.http, s.url,
                                "/donn\xe9"
                                "es",
                                &error),
                 ERR_INPUT);
    cr_expect_str_eq(s.target.posted, "");
    cr_expect_not_null(strstr(error.text, "UTF-8"));
    end(&s);
}

Test(remote, the_status_of_training_is_read)
{
    static const struct {
        const char *answer;
        bool running, failed;
        int64_t model_version;
        const char *text;
    } rows[] = {
        {"{\"status\":\"training\",\"model_version\":1}", true, false, 1, ""},
        {"{\"status\":\"done\",\"model_version\":2}", false, false, 2, ""},
        {"{\"status\":\"failed\",\"error\":\"no rows\",\"model_version\":1}", false, true, 1,
         "no rows"},
        {"{}", false, false, 0, ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct session s;
        struct remote_training training = {0};
        begin(&s, "/admin/retrain", rows[i].answer, 200);
        cr_expect_eq(remote_training_status(s.http, s.url, &training, NULL), ERR_OK);
        cr_expect_eq(training.running, rows[i].running, "%s", rows[i].answer);
        cr_expect_eq(training.failed, rows[i].failed, "%s", rows[i].answer);
        cr_expect_eq(training.model_version, rows[i].model_version);
        cr_expect_str_eq(training.text, rows[i].text);
        end(&s);
    }
}

Test(remote, metrics_are_parsed_whole_or_not_at_all)
{
    struct session s;
    struct metrics_snapshot *snapshot = NULL;
    struct error error = {0};
    bool found = false;
    begin(&s, "/metrics", "a_total 3\n", 200);
    cr_assert_eq(remote_metrics(s.http, s.url, &snapshot, NULL), ERR_OK);
    cr_expect_eq(metrics_sum(snapshot, "a_total", NULL, 0, &found), 3);
    metrics_snapshot_free(snapshot);
    end(&s);
    begin(&s, "/metrics", "a_total 3\nb_tot", 200);
    cr_expect_neq(remote_metrics(s.http, s.url, &snapshot, &error), ERR_OK);
    cr_expect_neq(error.text[0], '\0');
    end(&s);
}

Test(remote, nobody_there_is_a_network_error)
{
    struct session s;
    char url[64], version[64];
    begin(&s, "/healthz", "{}", 200);
    snprintf(url, sizeof url, "%s", s.url);
    httpd_stop(s.httpd);
    cr_expect_eq(remote_version(s.http, url, version, sizeof version, NULL), ERR_NETWORK);
    http_free(s.http);
}

Test(remote, faults_are_open_or_not)
{
    struct session s;
    struct error error = {0};
    begin(&s, "/admin/fault", "{\"faults\":[]}", 200);
    cr_expect_eq(remote_faults_open(s.http, s.url, &error), ERR_OK, "%s", error.text);
    end(&s);
    begin(&s, "/admin/fault", "{\"detail\":\"faults are off\"}", 403);
    cr_expect_eq(remote_faults_open(s.http, s.url, &error), ERR_NETWORK);
    cr_expect(strstr(error.text, "faults are off") != NULL, "%s", error.text);
    end(&s);
}
