/*
 * Whole requests through the recommender's handler, on a small service that is made once. An input
 * is one or several requests, separated by lines of "---", each as it would stand on the wire:
 *     METHOD PATH[?QUERY]
 *     Name: value
 *                              (an empty line, if there is a body)
 *     body
 * In front of the method '!' stands for a peer on another machine, '^' for a body that the server
 * refused as too large, '~' for HEAD. Nothing crashes; every answer is JSON, an exposition or a
 * redirect, its status one that /openapi.json documents for the route and method.
 */
#include "../tests/support/taste_world.h"
#include "base/clock.h"
#include "base/fileio.h"
#include "base/metrics.h"
#include "base/text.h"
#include "recommender/openapi.h"
#include "recommender/routes.h"
#include "recommender/service.h"

#include <stdint.h>
#include <stdlib.h>
#include <strings.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FIELDS_MAX = 16, REQUESTS_MAX = 64, TRAININGS_MAX = 2 };

struct field {
    enum httpd_field kind;
    const char *name, *value;
};

struct sent {
    struct httpd_request request;
    struct field fields[FIELDS_MAX];
    size_t field_count;
};

struct stand {
    struct service *service;
    json_t *document;
    int trainings; /* begun here: a few show what there is to see, more would only take time */
};

static void must(bool good, const char *what)
{
    if (!good) {
        (void)fprintf(stderr, "fuzz_service: %s\n", what);
        abort();
    }
}

static const char *look_up(void *context, enum httpd_field kind, const char *name, size_t *count)
{
    const struct sent *sent = context;
    const char *first = NULL;
    for (size_t i = 0; i < sent->field_count; i++) {
        const struct field *field = &sent->fields[i];
        if (field->kind == kind && (kind == HTTPD_HEADER ? strcasecmp(field->name, name)
                                                         : strcmp(field->name, name)) == 0) {
            first = first == NULL ? field->value : first;
            (*count)++;
        }
    }
    return first;
}

/* ---- the service ---- */

static void open_service(struct stand *stand)
{
    char folder[] = "/tmp/fuzz-service-XXXXXX";
    struct dataset data;
    struct error error = {0};
    struct service_config config = service_defaults();
    struct trainer_status status;
    must(mkdtemp(folder) != NULL, "no folder");
    taste_data(&data, 0, 1600000000, 1);
    must(taste_write(&data, folder), "no data");
    dataset_deinit(&data);
    config.trainer.train = taste_config();
    config.trainer.data_folder = folder;
    config.lists_max = config.users_max = config.ratings_max = 1024;
    config.enable_faults = true;
    must(service_open(&stand->service, &config, &error) == ERR_OK, error.text);
    do {
        clock_sleep_ns(CLOCK_NS_PER_MS);
        service_training(stand->service, &status);
    } while (status.state == TRAINER_TRAINING);
    must(status.state == TRAINER_IDLE, "no model");
    must(file_remove_tree(folder, NULL) == ERR_OK, "the folder stays");
    stand->document = openapi_document(SERVICE_BODY_MAX_BYTES);
}

/* ---- reading an input ---- */

static void add_field(struct sent *sent, enum httpd_field kind, const char *name, const char *value)
{
    if (sent->field_count < FIELDS_MAX) {
        sent->fields[sent->field_count++] = (struct field){kind, name, value};
    }
}

static void read_query(struct sent *sent, char *query)
{
    for (char *pair = query; pair != NULL && *pair != '\0';) {
        char *next = strchr(pair, '&');
        if (next != NULL) {
            *next++ = '\0';
        }
        char *value = strchr(pair, '=');
        if (value != NULL) {
            *value++ = '\0';
        }
        add_field(sent, HTTPD_QUERY, pair, value != NULL ? value : "");
        pair = next;
    }
}

/* Ends the line at `line` and returns the next one, NULL if there is none. */
static char *next_line(char *line)
{
    char *end = strchr(line, '\n');
    if (end == NULL) {
        return NULL;
    }
    *end = '\0';
    return end + 1;
}

/* `text` holds `len` bytes and a NUL behind them. */
static void read_request(char *text, size_t len, struct sent *sent)
{
    struct httpd_request *request = &sent->request;
    char *end = text + len, *line = next_line(text);
    *request = (struct httpd_request){
        .query = "", .body = "", .loopback = true, .lookup = look_up, .lookup_context = sent};
    for (; *text == '!' || *text == '^' || *text == '~'; text++) {
        request->loopback = request->loopback && *text != '!';
        request->head = request->head || *text == '~';
        request->refused = *text == '^' ? 413 : request->refused;
    }
    request->method = text;
    char *path = strchr(text, ' ');
    request->path = path != NULL ? path + 1 : "/";
    if (path != NULL) {
        *path++ = '\0';
        char *query = strchr(path, '?');
        if (query != NULL) {
            *query++ = '\0';
            request->query = "as sent";
            read_query(sent, query);
        }
    }
    while (line != NULL && *line != '\0' && *line != '\n') {
        char *next = next_line(line), *value = strstr(line, ": ");
        if (value != NULL) {
            *value = '\0';
            add_field(sent, HTTPD_HEADER, line, value + 2);
        }
        line = next;
    }
    if (line != NULL && *line == '\n' && request->refused == 0) {
        request->body = line + 1;
        request->body_len = (size_t)(end - line) - 1;
    }
}

/* ---- checking an answer ---- */

/* Whether the document knows the status for what was asked. */
static bool is_documented(const json_t *document, const struct httpd_request *request, int status)
{
    static const char *const keys[METHOD_COUNT] = {
        [METHOD_GET] = "get", [METHOD_POST] = "post", [METHOD_DELETE] = "delete"};
    enum route route = route_find(request->path);
    enum method method = request->head ? METHOD_HEAD : method_find(request->method);
    const json_t *item = json_object_get(json_object_get(document, "paths"), route_handler(route));
    const json_t *operation = keys[method] != NULL ? json_object_get(item, keys[method]) : NULL;
    if (operation == NULL) {
        return status == 404 || status == 405 || status == 413 || status == 307;
    }
    char key[16], class_key[16];
    const json_t *responses = json_object_get(operation, "responses");
    (void)snprintf(key, sizeof key, "%d", status);
    (void)snprintf(class_key, sizeof class_key, "%dXX", status / 100);
    return json_object_get(responses, key) != NULL || json_object_get(responses, class_key) != NULL;
}

/* An exposition, or what a scrape-garbage fault makes of it. */
static bool is_exposition(const struct buf *body)
{
    struct metrics_snapshot *snapshot = NULL;
    bool whole = metrics_parse("metrics", body->data, body->len, &snapshot, NULL) == ERR_OK;
    if (whole) {
        metrics_snapshot_free(snapshot);
    }
    return whole || body->data[body->len - 1] != '\n' || text_starts(body->data, "<html>");
}

static void check(const struct stand *stand, const struct httpd_request *request,
                  const struct httpd_reply *reply)
{
    must(!reply->body.failed, "the answer is whole");
    must(is_documented(stand->document, request, reply->status), "the status is documented");
    if (reply->status == 307) {
        must(reply->location != NULL && reply->body.len == 0, "a redirect leads somewhere");
        return;
    }
    must(reply->body.len > 0, "there is a body");
    if (strcmp(reply->content_type, "application/json") != 0) {
        must(is_exposition(&reply->body), "the text is an exposition");
        return;
    }
    json_t *value = json_loadb(reply->body.data, reply->body.len, 0, NULL);
    must(json_is_object(value), "the body is a JSON object");
    must(reply->status < 400 || json_string_length(json_object_get(value, "detail")) > 0,
         "a refusal has its reason");
    json_decref(value);
}

static bool would_train(struct stand *stand, const struct httpd_request *request)
{
    return strcmp(request->path, "/admin/retrain") == 0 && strcmp(request->method, "POST") == 0 &&
           ++stand->trainings > TRAININGS_MAX;
}

static void ask(struct stand *stand, const struct sent *sent)
{
    struct httpd_reply reply = {.status = 200, .content_type = "application/json"};
    if (would_train(stand, &sent->request)) {
        return;
    }
    buf_init(&reply.body, SERVICE_REPLY_MAX_BYTES);
    service_handle(stand->service, &sent->request, &reply);
    check(stand, &sent->request, &reply);
    buf_deinit(&reply.body);
}

static void ask_text(struct stand *stand, const char *text, size_t len)
{
    struct sent sent = {.field_count = 0};
    char *copy = mem_alloc(len + 1); /* of this size, so that a read behind its end is seen */
    memcpy(copy, text, len);
    copy[len] = '\0';
    read_request(copy, len, &sent);
    ask(stand, &sent);
    mem_free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char separator[] = "\n---\n", clean_up[] = "DELETE /admin/fault\n";
    static struct stand stand;
    if (stand.service == NULL) {
        open_service(&stand);
    }
    const char *at = (const char *)data, *end = at + size;
    for (int n = 0; n < REQUESTS_MAX && at < end; n++) {
        const char *next = memmem(at, (size_t)(end - at), separator, sizeof separator - 1);
        ask_text(&stand, at, (size_t)((next != NULL ? next : end) - at));
        at = next != NULL ? next + sizeof separator - 1 : end;
    }
    ask_text(&stand, clean_up, sizeof clean_up - 1);
    return 0;
}
