#include "drill/remote.h"

#include "base/mem.h"
#include "base/text.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONTROL_TIMEOUT_MS 5000
#define REPLY_MAX_BYTES (8u << 20)

/* One request whose answer must be 2xx; body is the caller's to buf_deinit in any case. */
static enum err ask(struct http *http, const char *url, const char *path, const char *post_body,
                    struct buf *body, struct error *error)
{
    char address[512];
    struct http_reply reply = {0};
    enum err code;
    buf_init(&reply.body, REPLY_MAX_BYTES);
    snprintf(address, sizeof address, "%s%s", url, path);
    if (post_body == NULL) {
        code = http_get(http, address, CONTROL_TIMEOUT_MS, &reply, error);
    } else {
        code = http_post(http, address, "application/json", post_body, strlen(post_body),
                         CONTROL_TIMEOUT_MS, &reply, error);
    }
    *body = reply.body;
    if (code == ERR_OK && (reply.status < 200 || reply.status > 299)) {
        code = error_set(error, ERR_NETWORK, address, 0, "answered %ld: %.200s", reply.status,
                         body->len > 0 ? body->data : "");
    }
    return code;
}

static enum err ask_json(struct http *http, const char *url, const char *path,
                         const char *post_body, json_t **out, struct error *error)
{
    struct buf body;
    enum err code = ask(http, url, path, post_body, &body, error);
    if (code == ERR_OK) {
        *out = json_loadb(body.len > 0 ? body.data : "", body.len, 0, NULL);
        if (!json_is_object(*out)) {
            json_decref(*out);
            code = error_set(error, ERR_NETWORK, url, 0, "%s did not answer a JSON object", path);
        }
    }
    buf_deinit(&body);
    return code;
}

enum err remote_version(struct http *http, const char *url, char *out, size_t size,
                        struct error *error)
{
    json_t *health = NULL;
    enum err code = ask_json(http, url, "/healthz", NULL, &health, error);
    if (code != ERR_OK) {
        return code;
    }
    const char *name = json_string_value(json_object_get(health, "service"));
    const char *version = json_string_value(json_object_get(health, "version"));
    snprintf(out, size, "%s %s", name == NULL ? "unnamed" : name,
             version == NULL ? "unversioned" : version);
    json_decref(health);
    return ERR_OK;
}

enum err remote_retrain(struct http *http, const char *url, const char *data_folder,
                        struct error *error)
{
    json_t *request = json_pack("{s:s}", "data", data_folder);
    char *body = json_dumps(request, JSON_COMPACT);
    struct buf answer;
    json_decref(request);
    if (body == NULL) {
        return error_set(error, ERR_INPUT, data_folder, 0,
                         "a path that is not UTF-8 cannot be handed to a target");
    }
    enum err code = ask(http, url, "/admin/retrain", body, &answer, error);
    buf_deinit(&answer);
    free(body);
    return code;
}

enum err remote_training_status(struct http *http, const char *url, struct remote_training *out,
                                struct error *error)
{
    json_t *answer = NULL;
    enum err code = ask_json(http, url, "/admin/retrain", NULL, &answer, error);
    if (code != ERR_OK) {
        return code;
    }
    const char *status = json_string_value(json_object_get(answer, "status"));
    const char *why = json_string_value(json_object_get(answer, "error"));
    *out = (struct remote_training){
        .running = status != NULL && strcmp(status, "training") == 0,
        .failed = status != NULL && strcmp(status, "failed") == 0,
        .model_version = json_integer_value(json_object_get(answer, "model_version"))};
    text_copy(out->text, sizeof out->text, why == NULL ? "" : why);
    json_decref(answer);
    return ERR_OK;
}

enum err remote_fault(struct http *http, const char *url, const char *body, struct error *error)
{
    struct buf answer;
    enum err code = ask(http, url, "/admin/fault", body, &answer, error);
    buf_deinit(&answer);
    return code;
}

enum err remote_faults_open(struct http *http, const char *url, struct error *error)
{
    struct buf answer;
    enum err code = ask(http, url, "/admin/fault", NULL, &answer, error);
    buf_deinit(&answer);
    return code;
}

static enum err metrics_from(struct http *http, const char *url, const char *path,
                             struct metrics_snapshot **out, struct error *error)
{
    struct buf body;
    enum err code = ask(http, url, path, NULL, &body, error);
    if (code == ERR_OK) {
        code = metrics_parse(url, body.len > 0 ? body.data : "", body.len, out, error);
    }
    buf_deinit(&body);
    return code;
}

enum err remote_metrics(struct http *http, const char *url, struct metrics_snapshot **out,
                        struct error *error)
{
    return metrics_from(http, url, "/metrics", out, error);
}

enum err remote_metrics_at(struct http *http, const char *metrics_url,
                           struct metrics_snapshot **out, struct error *error)
{
    return metrics_from(http, metrics_url, "", out, error);
}
