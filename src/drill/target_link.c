#include "drill/target_link.h"

#include "base/child.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "drill/target_metrics.h"
#include "load/target_check.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define RETRAIN_TIMEOUT_MS 5000
#define WORDS_MAX 33
#define WORD_BYTES 1024
#define COMMAND_GRACE_MS 3000
#define STATE_BYTES 256

struct target_link {
    struct target *target;
    struct metric_map *map;
    struct http *http;
    char log_path[600];     /* "" = none */
    struct child *training; /* a retraining command */
    bool training_asked;
    double version_before; /* model_version when training was asked for; NaN = not exported */
    char state_before[STATE_BYTES]; /* what its status told then; "" = unknown */
    bool state_changed;             /* has it told anything else since? */
};

/* ---- opening ---- */

static enum err open_block(const struct target_link_request *request, struct target **out,
                           struct faults *faults, struct error *error)
{
    json_error_t fault;
    json_t *value = json_loads(request->block, 0, &fault);
    if (value == NULL) {
        return error_set(error, ERR_INPUT, request->block_file, 0, "not JSON: %s", fault.text);
    }
    const struct target_block block = {
        .file = request->block_file, .value = value, .path = "/target"};
    enum err code =
        target_from_json(&block, request->catalogue, request->list_length, out, faults, error);
    json_decref(value);
    return code;
}

enum err target_link_open_target(const struct target_link_request *request, struct target **out,
                                 struct faults *faults, struct error *error)
{
    return request->target != NULL ? target_open(request->target, request->catalogue,
                                                 request->list_length, out, faults, error)
                                   : open_block(request, out, faults, error);
}

enum err target_link_open(const struct target_link_request *request, struct target_link **out,
                          struct faults *faults, struct error *error)
{
    struct target_link *link = mem_zalloc(1, sizeof *link);
    enum err code = target_link_open_target(request, &link->target, faults, error);
    if (code == ERR_OK) {
        code = target_metrics_map(link->target, &link->map, error);
    }
    if (code != ERR_OK) {
        target_link_close(link);
        return code;
    }
    link->version_before = NAN;
    link->http = http_new();
    if (target_link_is_bundled(link)) {
        http_set_bearer(link->http, request->admin_token);
    }
    (void)text_copy(link->log_path, sizeof link->log_path,
                    request->log_path != NULL ? request->log_path : "");
    *out = link;
    return ERR_OK;
}

void target_link_close(struct target_link *link)
{
    if (link == NULL) {
        return;
    }
    child_stop(link->training, COMMAND_GRACE_MS);
    http_free(link->http);
    metric_map_free(link->map);
    target_free(link->target);
    mem_free(link);
}

const struct target *target_link_target(const struct target_link *link)
{
    return link->target;
}

const struct metric_map *target_link_metric_map(const struct target_link *link)
{
    return link->map;
}

struct http *target_link_http(struct target_link *link)
{
    return link->http;
}

bool target_link_is_bundled(const struct target_link *link)
{
    return target_has(link->target)->bundled;
}

const char *target_link_url(const struct target_link *link)
{
    return target_address(link->target, TARGET_LIST);
}

const char *target_link_metrics_url(const struct target_link *link)
{
    return target_metrics_url(link->target);
}

/* ---- asking ---- */

enum err target_link_version(struct target_link *link, char *out, size_t size, struct error *error)
{
    if (target_link_is_bundled(link)) {
        return remote_version(link->http, target_link_url(link), out, size, error);
    }
    (void)text_copy(out, size, target_name(link->target));
    return ERR_OK;
}

enum err target_link_metrics(struct target_link *link, struct metrics_snapshot **out,
                             struct error *error)
{
    struct metrics_snapshot *theirs = NULL;
    *out = NULL;
    if (link->map == NULL) {
        return ERR_OK;
    }
    struct error why = {0};
    enum err code = remote_metrics_at(link->http, target_link_metrics_url(link), &theirs, &why);
    if (code != ERR_OK) {
        return error_set(error, code, target_metrics_shown(link->target), 0, "%s", why.text);
    }
    if (metric_map_is_plain(link->map)) {
        *out = theirs;
        return ERR_OK;
    }
    code = metric_map_rename(link->map, theirs, out, error);
    metrics_snapshot_free(theirs);
    return code;
}

/* ---- retraining ---- */

static double model_version(struct target_link *link)
{
    struct metrics_snapshot *now = NULL;
    bool found = false;
    double version = NAN;
    if (target_link_metrics(link, &now, NULL) == ERR_OK && now != NULL) {
        version = metrics_sum(now, "model_version", NULL, 0, &found);
    }
    metrics_snapshot_free(now);
    return found ? version : NAN;
}

/* Sends a request beside the load; `shown` is its URL in errors. */
static enum err ask_beside(const struct exchange *exchange, const char *shown,
                           struct target_reply *reply, struct error *error)
{
    struct error why = {0};
    enum err code = target_ask(exchange, RETRAIN_TIMEOUT_MS, reply, &why);
    return code == ERR_OK ? ERR_OK : error_set(error, code, shown, 0, "%s", why.text);
}

static enum err send_request(const struct target_link *link, const char *folder,
                             struct error *error)
{
    const struct target_retrain *retrain = target_retrain(link->target);
    const struct request_shape shape = {.method = retrain->method,
                                        .has_body = retrain->body[0] != '\0',
                                        .base_url = retrain->url,
                                        .headers = retrain->headers};
    struct exchange *exchange = mem_zalloc(1, sizeof *exchange);
    struct target_reply reply = {0};
    enum err code = ERR_OK;
    exchange->shape = &shape;
    if (!target_retrain_body(link->target, folder, clock_wall_ns(), exchange->body,
                             sizeof exchange->body)) {
        code = error_set(error, ERR_INPUT, retrain->shown, 0, "the request to retrain is too long");
    } else {
        exchange->body_len = strlen(exchange->body);
        code = ask_beside(exchange, retrain->shown, &reply, error);
    }
    if (code == ERR_OK && !target_retrain_accepts(link->target, reply.status)) {
        code = error_set(error, ERR_NETWORK, retrain->shown, 0, "answered %ld: %.200s",
                         reply.status, reply.body.len > 0 ? reply.body.data : "");
    }
    target_reply_deinit(&reply);
    mem_free(exchange);
    return code;
}

static enum err start_command(struct target_link *link, const struct target_retrain *retrain,
                              const char *folder, struct error *error)
{
    static const char nowhere[] = "/dev/null";
    const char *argv[WORDS_MAX + 1] = {NULL};
    char *words = mem_array(WORDS_MAX, WORD_BYTES);
    enum err code = ERR_OK;
    for (size_t i = 0; retrain->command[i] != NULL && code == ERR_OK; i++) {
        char *word = words + i * WORD_BYTES;
        argv[i] = word;
        if (i == WORDS_MAX || !target_retrain_word(retrain->command[i], folder, word, WORD_BYTES)) {
            code = error_set(error, ERR_INPUT, retrain->command[0], 0,
                             "the command to retrain is too long");
        }
    }
    if (code == ERR_OK) {
        const struct child_spec spec = {.name = "the retraining command",
                                        .argv = argv,
                                        .log_path =
                                            link->log_path[0] != '\0' ? link->log_path : nowhere};
        code = child_start(&link->training, &spec, error);
    }
    mem_free(words);
    return code;
}

/* What the status of its training is. */
static enum err ask_state(const struct target_link *link, char *out, size_t size,
                          struct error *error)
{
    const struct target_training *training = target_training(link->target);
    const struct request_shape shape = {
        .method = "GET", .base_url = training->url, .headers = training->headers};
    struct exchange *exchange = mem_zalloc(1, sizeof *exchange);
    struct target_reply reply = {0};
    exchange->shape = &shape;
    enum err code = ask_beside(exchange, training->shown, &reply, error);
    mem_free(exchange);
    if (code == ERR_OK && !target_training_accepts(link->target, reply.status)) {
        code = error_set(error, ERR_NETWORK, training->shown, 0, "answered %ld", reply.status);
    }
    if (code == ERR_OK &&
        !target_training_state(link->target, reply.body.len > 0 ? reply.body.data : "",
                               reply.body.len, out, size)) {
        code = error_set(error, ERR_NETWORK, training->shown, 0,
                         "the answer has no text, number or boolean at '%s'", training->at);
    }
    target_reply_deinit(&reply);
    return code;
}

static bool is_among(const char *const *list, const char *word)
{
    for (; *list != NULL; list++) {
        if (strcmp(*list, word) == 0) {
            return true;
        }
    }
    return false;
}

static enum err look_at_state(struct target_link *link, struct remote_training *out,
                              struct error *error)
{
    const struct target_training *training = target_training(link->target);
    char state[STATE_BYTES];
    enum err code = ask_state(link, state, sizeof state, error);
    if (code != ERR_OK) {
        return code;
    }
    link->state_changed = link->state_changed || strcmp(state, link->state_before) != 0;
    bool done = training->done[0] != NULL ? is_among(training->done, state) : link->state_changed;
    /* Until it has changed, a failure is that of the training before. */
    out->failed = link->state_changed && is_among(training->failed, state);
    out->running = !out->failed && !done;
    if (out->failed) {
        (void)snprintf(out->text, sizeof out->text, "its status is '%.100s'", state);
    }
    return ERR_OK;
}

enum err target_link_retrain(struct target_link *link, const char *folder, struct error *error)
{
    if (target_link_is_bundled(link)) {
        return remote_retrain(link->http, target_link_url(link), folder, error);
    }
    const struct target_retrain *retrain = target_retrain(link->target);
    const struct target_training *training = target_training(link->target);
    child_stop(link->training, COMMAND_GRACE_MS);
    link->training = NULL;
    link->version_before = model_version(link);
    link->training_asked = true;
    link->state_changed = false;
    if (training->url != NULL) {
        /* Where words say what is done, it need not answer before it is asked to train. */
        struct error unheard = {0};
        bool optional = training->done[0] != NULL;
        enum err code = ask_state(link, link->state_before, sizeof link->state_before,
                                  optional ? &unheard : error);
        if (code != ERR_OK && !optional) {
            return code;
        }
    }
    if (retrain->command != NULL) {
        return start_command(link, retrain, folder, error);
    }
    return retrain->url != NULL
               ? send_request(link, folder, error)
               : error_set(error, ERR_INPUT, target_link_url(link), 0, "cannot be retrained");
}

static void look_at_command(struct target_link *link, struct remote_training *out)
{
    int status = 0;
    out->running = child_running(link->training, &status);
    out->failed = !out->running && status != 0;
    if (out->failed) {
        (void)snprintf(out->text, sizeof out->text, "the command ended with status %d", status);
    }
}

enum err target_link_training(struct target_link *link, struct remote_training *out,
                              struct error *error)
{
    if (target_link_is_bundled(link)) {
        return remote_training_status(link->http, target_link_url(link), out, error);
    }
    *out = (struct remote_training){0};
    if (!link->training_asked) {
        return ERR_OK;
    }
    double version = model_version(link);
    out->model_version = isnan(version) ? 0 : (int64_t)version;
    if (link->training != NULL) {
        look_at_command(link, out);
    } else if (target_training(link->target)->url != NULL) {
        return look_at_state(link, out, error);
    } else {
        out->running = version <= link->version_before;
    }
    return ERR_OK;
}
