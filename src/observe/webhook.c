/*
 * A body is taken whole or not at all: it is parsed and checked before the first of its alerts is
 * kept. Parsing runs outside the mutex; stamping, de-duplication, the line in the file and the
 * entry in the list happen under it, so list, file and stamps have one order. An alert that cannot
 * be written down is not kept either and the answer is 500, upon which Alertmanager sends it again;
 * a malformed body is answered 400, which it does not repeat.
 *
 * Repeats are found by a table of open addressing over the list, at most a third full; it is made
 * anew when notices are forgotten, so that nothing is ever deleted from it.
 */
#include "observe/webhook.h"

#include "base/clock.h"
#include "base/httpd.h"
#include "base/mem.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BODY_MAX_BYTES = 16 << 20, REPLY_MAX_BYTES = 4096, THREADS = 2 };
enum { SLOTS = 1 << 15, SLOT_FREE = UINT16_MAX };

_Static_assert(WEBHOOK_NOTICES_MAX < SLOT_FREE && WEBHOOK_NOTICES_MAX * 3 < SLOTS,
               "notices have their place in the table");

#define ALERTS_PATH "/alerts"

struct webhook {
    struct httpd *httpd;
    char url[300];
    int log_fd;
    atomic_size_t malformed;
    pthread_mutex_t mutex; /* guards the list and the order of lines in the log */
    struct webhook_notice *notice;
    size_t count, capacity;
    uint16_t slot[SLOTS]; /* index into the list */
};

static enum err wrong(struct error *error, size_t index, const char *what)
{
    return error_set(error, ERR_INPUT, NULL, 0, "alert %zu: %s", index, what);
}

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static enum err read_alert(const json_t *alert, size_t index, struct webhook_notice *out,
                           struct error *error)
{
    memset(out, 0, sizeof(*out));
    const json_t *labels = json_object_get(alert, "labels");
    const char *status = text_of(alert, "status"), *name = text_of(labels, "alertname");
    const char *severity = text_of(labels, "severity"), *ends_at = text_of(alert, "endsAt");
    const char *fingerprint = text_of(alert, "fingerprint"),
               *starts_at = text_of(alert, "startsAt");
    if (status == NULL || (strcmp(status, "firing") != 0 && strcmp(status, "resolved") != 0)) {
        return wrong(error, index, "status is neither \"firing\" nor \"resolved\"");
    }
    if (name == NULL) {
        return wrong(error, index, "no label alertname");
    }
    if (fingerprint == NULL || starts_at == NULL || ends_at == NULL) {
        return wrong(error, index, "fingerprint, startsAt or endsAt is missing or no string");
    }
    /* These three identify an alert, so none of them may be cut. */
    if (!text_copy(out->fingerprint, sizeof(out->fingerprint), fingerprint) ||
        !text_copy(out->starts_at, sizeof(out->starts_at), starts_at) ||
        !text_copy(out->ends_at, sizeof(out->ends_at), ends_at)) {
        return wrong(error, index, "fingerprint, startsAt or endsAt is too long");
    }
    if (!text_copy(out->alert, sizeof(out->alert), name)) {
        return wrong(error, index, "the label alertname is too long");
    }
    text_copy(out->severity, sizeof(out->severity), severity != NULL ? severity : "");
    out->resolved = strcmp(status, "resolved") == 0;
    return ERR_OK;
}

/* *root_out and *out are set on success only. */
static enum err read_document(const char *text, size_t len, json_t **root_out,
                              struct webhook_notice **out, size_t *count, struct error *error)
{
    json_error_t fault;
    json_t *root = json_loadb(text, len, 0, &fault);
    if (root == NULL) {
        return error_set(error, ERR_INPUT, NULL, fault.line, "not JSON: %s", fault.text);
    }
    const char *version = text_of(root, "version");
    const json_t *alerts = json_object_get(root, "alerts");
    size_t alert_count = json_array_size(alerts);
    struct webhook_notice *notice = NULL;
    enum err code = ERR_OK;
    if (version == NULL || strcmp(version, "4") != 0) {
        code = error_set(error, ERR_INPUT, NULL, 0, "version is not \"4\"");
    } else if (alert_count == 0) {
        code = error_set(error, ERR_INPUT, NULL, 0, "no alerts");
    } else if ((notice = mem_try_alloc(alert_count * sizeof(*notice))) == NULL) {
        code = error_set(error, ERR_MEMORY, NULL, 0, "no memory for %zu alerts", alert_count);
    }
    for (size_t i = 0; code == ERR_OK && i < alert_count; i++) {
        code = read_alert(json_array_get(alerts, i), i, &notice[i], error);
    }
    if (code != ERR_OK) {
        mem_free(notice);
        json_decref(root);
        return code;
    }
    *root_out = root;
    *out = notice;
    *count = alert_count;
    return ERR_OK;
}

enum err webhook_read_body(const char *text, size_t len, struct webhook_notice **out, size_t *count,
                           struct error *error)
{
    json_t *root = NULL;
    enum err code = read_document(text, len, &root, out, count, error);
    json_decref(root);
    return code;
}

/* FNV-1a. */
static uint32_t mix(uint32_t hash, const char *text)
{
    for (; *text != '\0'; text++) {
        hash = (hash ^ (unsigned char)*text) * 16777619u;
    }
    return hash;
}

static bool is_repeat(const struct webhook_notice *a, const struct webhook_notice *b)
{
    return a->resolved == b->resolved && strcmp(a->fingerprint, b->fingerprint) == 0 &&
           strcmp(a->starts_at, b->starts_at) == 0;
}

/* Where the notice is in the table, or is to be put. */
static uint16_t *find_slot(struct webhook *webhook, const struct webhook_notice *notice)
{
    uint32_t hash =
        mix(mix(2166136261u + notice->resolved, notice->fingerprint), notice->starts_at);
    uint32_t i = hash % SLOTS;
    while (webhook->slot[i] != SLOT_FREE &&
           !is_repeat(&webhook->notice[webhook->slot[i]], notice)) {
        i = (i + 1) % SLOTS;
    }
    return &webhook->slot[i];
}

static void clear_slots(struct webhook *webhook)
{
    for (size_t i = 0; i < SLOTS; i++) {
        webhook->slot[i] = SLOT_FREE;
    }
}

/* One write a line, taken back if the disk did not take it whole. */
static bool write_line(const struct webhook *webhook, const json_t *root, json_t *alert,
                       int64_t wall_ns)
{
    static const char *const copied[] = {"status", "startsAt",    "endsAt",
                                         "labels", "annotations", "fingerprint"};
    char received[48];
    clock_format_wall(wall_ns, received, sizeof(received));
    json_t *line = json_pack("{s:s,s:O?}", "received", received, "receiver",
                             json_object_get(root, "receiver"));
    bool good = line != NULL;
    for (size_t i = 0; good && i < sizeof(copied) / sizeof(copied[0]); i++) {
        json_t *value = json_object_get(alert, copied[i]);
        good = value == NULL || json_object_set(line, copied[i], value) == 0;
    }
    char *text = good ? json_dumps(line, JSON_COMPACT) : NULL;
    json_decref(line);
    if (text == NULL) {
        return false;
    }
    struct buf bytes;
    buf_init(&bytes, BODY_MAX_BYTES * 2);
    buf_text(&bytes, text);
    buf_text(&bytes, "\n");
    free(text);
    off_t end = lseek(webhook->log_fd, 0, SEEK_END);
    good = !bytes.failed && write(webhook->log_fd, bytes.data, bytes.len) == (ssize_t)bytes.len;
    if (!good && end >= 0 && ftruncate(webhook->log_fd, end) != 0) {
        good = false; /* a device or a broken disk; the answer says that it is not kept */
    }
    buf_deinit(&bytes);
    return good;
}

/* Fed by the network, so exhaustion is an answer and not the end of the process. */
static bool make_room(struct webhook *webhook)
{
    if (webhook->count >= WEBHOOK_NOTICES_MAX) {
        return false;
    }
    if (webhook->count < webhook->capacity) {
        return true;
    }
    size_t capacity = webhook->capacity > 0 ? webhook->capacity * 2 : 64;
    struct webhook_notice *grown =
        mem_try_resize(webhook->notice, capacity * sizeof(*webhook->notice));
    if (grown == NULL) {
        return false;
    }
    webhook->notice = grown;
    webhook->capacity = capacity;
    return true;
}

/* With the mutex held. False if the alert could not be kept. */
static bool keep(struct webhook *webhook, const json_t *root, json_t *alert,
                 struct webhook_notice *notice)
{
    uint16_t *slot = find_slot(webhook, notice);
    if (*slot != SLOT_FREE) {
        return true;
    }
    notice->received_mono_ns = clock_mono_ns();
    notice->received_wall_ns = clock_wall_ns();
    if (!make_room(webhook) || !write_line(webhook, root, alert, notice->received_wall_ns)) {
        return false;
    }
    *slot = (uint16_t)webhook->count;
    webhook->notice[webhook->count++] = *notice;
    return true;
}

static void answer(struct httpd_reply *reply, int status, const char *fault)
{
    reply->status = status;
    json_t *body = fault != NULL ? json_pack("{s:s}", "error", fault) : json_object();
    char *text = json_dumps(body, JSON_COMPACT);
    json_decref(body);
    buf_printf(&reply->body, "%s\n", text != NULL ? text : "{}");
    free(text);
}

static void take_body(struct webhook *webhook, const struct httpd_request *request,
                      struct httpd_reply *reply)
{
    json_t *root = NULL;
    struct webhook_notice *notice = NULL;
    size_t count = 0;
    struct error error = {.code = ERR_OK};
    enum err code = read_document(request->body, request->body_len, &root, &notice, &count, &error);
    if (code == ERR_INPUT) {
        atomic_fetch_add(&webhook->malformed, 1);
    }
    if (code != ERR_OK) {
        answer(reply, code == ERR_INPUT ? 400 : 500, error.text);
        return;
    }
    bool kept = true;
    json_t *alerts = json_object_get(root, "alerts");
    pthread_mutex_lock(&webhook->mutex);
    for (size_t i = 0; kept && i < count; i++) {
        kept = keep(webhook, root, json_array_get(alerts, i), &notice[i]);
    }
    pthread_mutex_unlock(&webhook->mutex);
    answer(reply, kept ? 200 : 500, kept ? NULL : "cannot keep the alert");
    mem_free(notice);
    json_decref(root);
}

static void on_request(void *context, const struct httpd_request *request,
                       struct httpd_reply *reply)
{
    if (strcmp(request->path, ALERTS_PATH) != 0) {
        answer(reply, 404, "notifications go to " ALERTS_PATH);
    } else if (strcmp(request->method, "POST") != 0) {
        answer(reply, 405, "notifications are posted");
    } else {
        take_body(context, request, reply);
    }
}

enum err webhook_start_at(const char *listen, const char *log_path, struct webhook **out,
                          struct error *error)
{
    char reason[64];
    struct webhook *webhook = mem_zalloc(1, sizeof(*webhook));
    webhook->log_fd = open(log_path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
    if (webhook->log_fd < 0) {
        int reason_number = errno;
        mem_free(webhook);
        return error_set(error, ERR_IO, log_path, 0, "cannot open: %s",
                         err_errno_text(reason_number, reason, sizeof(reason)));
    }
    pthread_mutex_init(&webhook->mutex, NULL);
    clear_slots(webhook);
    atomic_init(&webhook->malformed, 0);
    json_object_seed(0); /* before the threads that hash */
    const struct httpd_config config = {.listen = listen,
                                        .threads = THREADS,
                                        .body_max_bytes = BODY_MAX_BYTES,
                                        .reply_max_bytes = REPLY_MAX_BYTES,
                                        .connections_max = 64};
    enum err code = httpd_start(&webhook->httpd, &config, on_request, webhook, error);
    if (code != ERR_OK) {
        webhook_stop(webhook);
        return code;
    }
    snprintf(webhook->url, sizeof(webhook->url), "%s" ALERTS_PATH, httpd_url(webhook->httpd));
    *out = webhook;
    return ERR_OK;
}

enum err webhook_start(const char *log_path, struct webhook **out, struct error *error)
{
    return webhook_start_at("127.0.0.1:0", log_path, out, error);
}

const char *webhook_url(const struct webhook *webhook)
{
    return webhook->url;
}

size_t webhook_notices(struct webhook *webhook, struct webhook_notice **out)
{
    pthread_mutex_lock(&webhook->mutex);
    size_t count = webhook->count;
    *out = mem_array(count > 0 ? count : 1, sizeof(**out));
    if (count > 0) {
        memcpy(*out, webhook->notice, count * sizeof(**out));
    }
    pthread_mutex_unlock(&webhook->mutex);
    return count;
}

/* Quadratic in all, which one call a loop bears. */
static bool has_later(const struct webhook *webhook, size_t index)
{
    for (size_t i = index + 1; i < webhook->count; i++) {
        if (strcmp(webhook->notice[i].fingerprint, webhook->notice[index].fingerprint) == 0) {
            return true;
        }
    }
    return false;
}

void webhook_forget(struct webhook *webhook)
{
    size_t left = 0;
    pthread_mutex_lock(&webhook->mutex);
    for (size_t i = 0; i < webhook->count; i++) {
        if (!webhook->notice[i].resolved && !has_later(webhook, i)) {
            webhook->notice[left++] = webhook->notice[i];
        }
    }
    webhook->count = left;
    clear_slots(webhook);
    for (size_t i = 0; i < left; i++) {
        *find_slot(webhook, &webhook->notice[i]) = (uint16_t)i;
    }
    pthread_mutex_unlock(&webhook->mutex);
}

size_t webhook_malformed(struct webhook *webhook)
{
    return atomic_load(&webhook->malformed);
}

void webhook_stop(struct webhook *webhook)
{
    if (webhook == NULL) {
        return;
    }
    httpd_stop(webhook->httpd);
    close(webhook->log_fd);
    pthread_mutex_destroy(&webhook->mutex);
    mem_free(webhook->notice);
    mem_free(webhook);
}
