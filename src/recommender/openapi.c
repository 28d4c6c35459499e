/*
 * An answer is one row: route, method, status, schema. Schemas are small functions that write their
 * limits from the constants of the code that checks them. tests/e2e/openapi.py holds the document
 * against real answers, so a row too many or too few is found there.
 *
 * A literal document would be easier to read and was rejected: its limits would be typed twice.
 */
#include "recommender/openapi.h"

#include "base/metrics.h"
#include "base/version.h"
#include "recommender/fault.h"
#include "recommender/requests.h"
#include "recommender/routes.h"
#include "recommender/served.h"
#include "recommender/trainer.h"

#include <stdio.h>
#include <string.h>

#define JSON_TYPE "application/json"
#define SIZE_OF(type, member) sizeof(((const struct type *)0)->member)

/* ---- schemas ---- */

static json_t *whole(json_int_t least, json_int_t most)
{
    return json_pack("{s:s,s:I,s:I}", "type", "integer", "minimum", least, "maximum", most);
}

static json_t *at_least(const char *type, json_int_t least)
{
    return json_pack("{s:s,s:I}", "type", type, "minimum", least);
}

static json_t *text(void)
{
    return json_pack("{s:s}", "type", "string");
}

static json_t *text_at_most(size_t bytes)
{
    return json_pack("{s:s,s:s,s:I,s:s}", "description", "UTF-8 of at most so many bytes.", "type",
                     "string", "maxLength", (json_int_t)bytes, "pattern", "^[^\\u0000]*$");
}

static json_t *id(void)
{
    return whole(0, INT32_MAX);
}

static json_t *ref(const char *schema)
{
    char target[64];
    (void)snprintf(target, sizeof target, "#/components/schemas/%s", schema);
    return json_pack("{s:s}", "$ref", target);
}

/* Any of the two, as one member may be null. */
static json_t *or_null(json_t *schema)
{
    return json_pack("{s:[o,{s:s}]}", "anyOf", schema, "type", "null");
}

/* All of `properties` (taken over) are there, and no others; `optional` may be left out. */
static json_t *object(json_t *properties, const char *const *optional)
{
    json_t *required = json_array();
    const char *key;
    json_t *value;
    json_object_foreach(properties, key, value)
    {
        bool wanted = true;
        for (size_t i = 0; optional != NULL && optional[i] != NULL; i++) {
            wanted = wanted && strcmp(optional[i], key) != 0;
        }
        if (wanted) {
            json_array_append_new(required, json_string(key));
        }
    }
    return json_pack("{s:s,s:o,s:o,s:b}", "type", "object", "properties", properties, "required",
                     required, "additionalProperties", 0);
}

static json_t *source_names(void)
{
    json_t *names = json_array();
    for (int s = 0; s < SOURCE_COUNT; s++) {
        json_array_append_new(names, json_string(source_name((enum source)s)));
    }
    return json_pack("{s:o}", "enum", names);
}

static json_t *refusal_schema(void)
{
    return object(json_pack("{s:o}", "detail", text()), NULL);
}

static json_t *complaints_schema(void)
{
    json_t *one = object(json_pack("{s:o,s:o}", "path", text(), "text", text()), NULL);
    return object(json_pack("{s:o,s:{s:s,s:i,s:i,s:o}}", "detail", text(), "errors", "type",
                            "array", "minItems", 1, "maxItems", FAULT_COMPLAINTS_MAX, "items", one),
                  NULL);
}

static json_t *list_schema(void)
{
    json_t *place = object(json_pack("{s:o,s:o,s:{s:s},s:o}", "movie_id", id(), "rank",
                                     whole(1, RECOMMEND_LENGTH_MAX), "score", "type", "number",
                                     "recommender", source_names()),
                           NULL);
    char pattern[40];
    (void)snprintf(pattern, sizeof pattern, "^[0-9a-f]{%d}$", SERVED_ID_SIZE - 1);
    return object(json_pack("{s:o,s:{s:s,s:s},s:{s:s,s:i,s:o}}", "user_id", id(), "request_id",
                            "type", "string", "pattern", pattern, "recommendations", "type",
                            "array", "maxItems", RECOMMEND_LENGTH_MAX, "items", place),
                  NULL);
}

static json_t *rating_schema(void)
{
    static const char *const optional[] = {"request_id", NULL};
    json_t *stars = json_pack("{s:s,s:f,s:f,s:f}", "type", "number", "minimum", 0.5, "maximum", 5.0,
                              "multipleOf", 0.5);
    json_t *schema = object(
        json_pack("{s:o,s:o,s:o,s:o}", "user_id", id(), "movie_id", id(), "rating", stars,
                  "request_id", or_null(text_at_most(SIZE_OF(rating_request, request_id) - 1))),
        optional);
    json_object_del(schema, "additionalProperties"); /* others are ignored */
    return schema;
}

static json_t *rated_schema(void)
{
    return object(json_pack("{s:{s:s},s:o,s:o}", "status", "const", "ok", "recommender",
                            or_null(source_names()), "rank",
                            or_null(whole(1, RECOMMEND_LENGTH_MAX))),
                  NULL);
}

static json_t *retrain_schema(void)
{
    static const char *const optional[] = {"data", NULL};
    json_t *schema = object(
        json_pack("{s:o}", "data", or_null(text_at_most(SIZE_OF(retrain_request, data) - 1))),
        optional);
    json_object_del(schema, "additionalProperties");
    return schema;
}

static json_t *retrain_begun_schema(void)
{
    return object(json_pack("{s:{s:s}}", "status", "const", trainer_state_name(TRAINER_TRAINING)),
                  NULL);
}

static json_t *retrain_status_schema(void)
{
    json_t *states =
        json_pack("[s,s,s]", trainer_state_name(TRAINER_IDLE), trainer_state_name(TRAINER_TRAINING),
                  trainer_state_name(TRAINER_FAILED));
    json_t *causes = json_array();
    for (int c = 0; c < TRAINER_CAUSES; c++) {
        json_array_append_new(causes, json_string(trainer_cause_name((enum trainer_cause)c)));
    }
    json_t *progress = json_pack("{s:s,s:i,s:i}", "type", "number", "minimum", 0, "maximum", 1);
    return object(json_pack("{s:{s:o},s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:{s:o}}", "status", "enum",
                            states, "model_version", at_least("integer", 0), "progress", progress,
                            "seconds", at_least("number", 0), "error", or_null(text()),
                            "trained_total", at_least("integer", 0), "failed_total",
                            at_least("integer", 0), "ratings_since_training",
                            at_least("integer", 0), "ratings_left_out", at_least("integer", 0),
                            "cause", "enum", causes),
                  NULL);
}

static json_t *health_schema(void)
{
    return object(json_pack("{s:{s:s},s:{s:s},s:{s:s},s:o}", "status", "const", "ok", "service",
                            "const", "driftdrill-recommender", "version", "const",
                            DRIFTDRILL_VERSION, "model_version", at_least("integer", 1)),
                  NULL);
}

/* A fault as it is listed: what was sent, defaults filled in, its id and what remains of it. */
static json_t *fault_active_schema(void)
{
    json_t *schema = fault_spec_schema(), *kind;
    size_t i;
    json_array_foreach(json_object_get(schema, "oneOf"), i, kind)
    {
        json_t *properties = json_object_get(kind, "properties");
        json_t *required = json_object_get(kind, "required");
        json_object_set_new(properties, "id", at_least("integer", 1));
        json_object_set_new(properties, "remaining_s",
                            json_pack("{s:s,s:i,s:f}", "type", "number", "minimum", 0, "maximum",
                                      FAULT_DURATION_MAX_S));
        json_array_append_new(required, json_string("id"));
        json_array_append_new(required, json_string("remaining_s"));
    }
    return schema;
}

static json_t *fault_list_schema(void)
{
    return object(json_pack("{s:{s:s,s:i,s:o}}", "faults", "type", "array", "maxItems",
                            FAULT_ACTIVE_MAX, "items", ref("ActiveFault")),
                  NULL);
}

static json_t *fault_removed_schema(void)
{
    return object(json_pack("{s:o}", "removed", whole(0, FAULT_ACTIVE_MAX)), NULL);
}

static json_t *any_object(void)
{
    return json_pack("{s:s}", "type", "object");
}

static const struct {
    const char *name;
    json_t *(*make)(void);
} schemas[] = {
    {"Refusal", refusal_schema},
    {"Complaints", complaints_schema},
    {"List", list_schema},
    {"Rating", rating_schema},
    {"Rated", rated_schema},
    {"Retrain", retrain_schema},
    {"RetrainBegun", retrain_begun_schema},
    {"RetrainStatus", retrain_status_schema},
    {"Health", health_schema},
    {"Fault", fault_spec_schema},
    {"ActiveFault", fault_active_schema},
    {"FaultList", fault_list_schema},
    {"FaultRemoved", fault_removed_schema},
    {"Document", any_object},
};

/* ---- operations ---- */

struct operation {
    enum route route;
    enum method method;
    const char *name, *summary;
    const char *body; /* schema, NULL if it takes none */
    bool body_required;
};

static const struct operation operations[] = {
    {ROUTE_RECOMMENDATIONS, METHOD_GET, "getRecommendations",
     "A list of films for a person; somebody unknown is served as new.", NULL, false},
    {ROUTE_RECOMMENDATIONS_BARE, METHOD_GET, "redirectRecommendations",
     "The same without the closing slash.", NULL, false},
    {ROUTE_RATINGS, METHOD_POST, "postRating", "A rating; 201 says that it is kept.", "Rating",
     true},
    {ROUTE_RATINGS_BARE, METHOD_POST, "redirectRatings", "The same without the closing slash.",
     "Rating", true},
    {ROUTE_RETRAIN, METHOD_GET, "getRetrain", "The training under way, or the last one.", NULL,
     false},
    {ROUTE_RETRAIN, METHOD_POST, "postRetrain",
     "Begins a training on data, posted ratings and, if named, a further data set.", "Retrain",
     false},
    {ROUTE_FAULTS, METHOD_GET, "getFaults", "The active faults.", NULL, false},
    {ROUTE_FAULTS, METHOD_POST, "postFault", "Begins a fault.", "Fault", true},
    {ROUTE_FAULTS, METHOD_DELETE, "deleteFaults", "Ends all faults.", NULL, false},
    {ROUTE_FAULT, METHOD_DELETE, "deleteFault", "Ends one fault.", NULL, false},
    {ROUTE_OPENAPI, METHOD_GET, "getOpenapi", "This document.", NULL, false},
    {ROUTE_HEALTH, METHOD_GET, "getHealth", "Whether lists can be served.", NULL, false},
    {ROUTE_METRICS, METHOD_GET, "getMetrics", "Prometheus text exposition.", NULL, false},
};

struct answer {
    enum route route;
    enum method method;
    const char *status, *schema; /* NULL: no body, or text if `type` is set */
    const char *what;
    const char *type; /* NULL = JSON */
};

#define BY_FAULT "An errors fault chose this status."

static const struct answer answers[] = {
    {ROUTE_RECOMMENDATIONS, METHOD_GET, "200", "List", "The list, best first.", NULL},
    {ROUTE_RECOMMENDATIONS, METHOD_GET, "422", "Refusal", "A parameter is missing or wrong.", NULL},
    {ROUTE_RECOMMENDATIONS, METHOD_GET, "503", "Refusal", "No model yet, or no memory.", NULL},
    {ROUTE_RECOMMENDATIONS, METHOD_GET, "5XX", "Refusal", BY_FAULT, NULL},
    {ROUTE_RECOMMENDATIONS_BARE, METHOD_GET, "307", NULL, "See Location.", NULL},
    {ROUTE_RATINGS, METHOD_POST, "201", "Rated", "Kept, and attributed to a list if it can be.",
     NULL},
    {ROUTE_RATINGS, METHOD_POST, "404", "Refusal", "No such film.", NULL},
    {ROUTE_RATINGS, METHOD_POST, "415", "Refusal", "The Content-Type is not application/json.",
     NULL},
    {ROUTE_RATINGS, METHOD_POST, "422", "Refusal", "The body is no rating.", NULL},
    {ROUTE_RATINGS, METHOD_POST, "503", "Refusal", "No model yet, or it could not be kept.", NULL},
    {ROUTE_RATINGS, METHOD_POST, "5XX", "Refusal", BY_FAULT, NULL},
    {ROUTE_RATINGS_BARE, METHOD_POST, "307", NULL, "See Location.", NULL},
    {ROUTE_RETRAIN, METHOD_GET, "200", "RetrainStatus", "State of the trainer.", NULL},
    {ROUTE_RETRAIN, METHOD_POST, "202", "RetrainBegun", "It has begun.", NULL},
    {ROUTE_RETRAIN, METHOD_POST, "409", "Refusal",
     "A training is under way, or a stale-model fault forbids it.", NULL},
    {ROUTE_RETRAIN, METHOD_POST, "415", "Refusal", "The Content-Type is not application/json.",
     NULL},
    {ROUTE_RETRAIN, METHOD_POST, "422", "Refusal", "The body names no data set.", NULL},
    {ROUTE_FAULTS, METHOD_GET, "200", "FaultList", "The active faults, oldest first.", NULL},
    {ROUTE_FAULTS, METHOD_POST, "201", "ActiveFault", "It has begun.", NULL},
    {ROUTE_FAULTS, METHOD_POST, "409", "Refusal", "Too many faults are active.", NULL},
    {ROUTE_FAULTS, METHOD_POST, "415", "Refusal", "The Content-Type is not application/json.",
     NULL},
    {ROUTE_FAULTS, METHOD_POST, "422", "Complaints", "The body is no fault.", NULL},
    {ROUTE_FAULTS, METHOD_DELETE, "200", "FaultRemoved", "How many have ended.", NULL},
    {ROUTE_FAULT, METHOD_DELETE, "200", "FaultRemoved", "It has ended.", NULL},
    {ROUTE_FAULT, METHOD_DELETE, "404", "Refusal", "No active fault has that id.", NULL},
    {ROUTE_OPENAPI, METHOD_GET, "200", "Document", "This document.", NULL},
    {ROUTE_HEALTH, METHOD_GET, "200", "Health", "Lists can be served.", NULL},
    {ROUTE_HEALTH, METHOD_GET, "503", "Refusal", "No model yet.", NULL},
    {ROUTE_METRICS, METHOD_GET, "200", NULL, "The metrics.", METRICS_CONTENT_TYPE},
    {ROUTE_METRICS, METHOD_GET, "5XX", "Refusal", BY_FAULT, NULL},
};

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

static json_t *response(const char *schema, const char *type, const char *what)
{
    json_t *value = json_pack("{s:s}", "description", what);
    if (schema != NULL || type != NULL) {
        json_t *form = schema != NULL ? ref(schema) : text();
        json_object_set_new(
            value, "content",
            json_pack("{s:{s:o}}", type != NULL ? type : JSON_TYPE, "schema", form));
    }
    return value;
}

static json_t *responses(const struct operation *operation)
{
    json_t *all = json_object();
    json_object_set_new(all, "413", response("Refusal", NULL, "The body is too large."));
    if (route_redirect(operation->route) == NULL) {
        json_object_set_new(all, "415", response("Refusal", NULL, "The body is not JSON."));
    }
    for (size_t i = 0; i < COUNT_OF(answers); i++) {
        const struct answer *answer = &answers[i];
        if (answer->route == operation->route && answer->method == operation->method) {
            json_object_set_new(all, answer->status,
                                response(answer->schema, answer->type, answer->what));
        }
    }
    if (route_is_admin(operation->route)) {
        bool faults = operation->route == ROUTE_FAULTS || operation->route == ROUTE_FAULT;
        json_object_set_new(all, "401",
                            response("Refusal", NULL, "A token is wanted, and this is not it."));
        json_object_set_new(all, "403",
                            response("Refusal", NULL,
                                     faults ? "Not from loopback, or faults are not enabled."
                                            : "Not from loopback."));
    }
    return all;
}

static json_t *parameter(const char *name, const char *in, bool required, json_t *schema)
{
    return json_pack("{s:s,s:s,s:b,s:o}", "name", name, "in", in, "required", required, "schema",
                     schema);
}

static json_t *parameters(enum route route)
{
    json_t *list = json_array();
    if (route == ROUTE_RECOMMENDATIONS || route == ROUTE_RECOMMENDATIONS_BARE) {
        json_t *n = whole(1, RECOMMEND_LENGTH_MAX);
        json_object_set_new(n, "default", json_integer(REQUEST_LENGTH_DEFAULT));
        json_array_append_new(list, parameter("user_id", "query", true, id()));
        json_array_append_new(list, parameter("n", "query", false, n));
    } else if (route == ROUTE_FAULT) {
        json_array_append_new(list, parameter("id", "path", true, at_least("integer", 1)));
    }
    return list;
}

static json_t *operation_json(const struct operation *operation)
{
    json_t *value = json_pack("{s:s,s:s,s:o,s:o}", "operationId", operation->name, "summary",
                              operation->summary, "parameters", parameters(operation->route),
                              "responses", responses(operation));
    if (operation->body != NULL) {
        json_object_set_new(value, "requestBody",
                            json_pack("{s:b,s:{s:{s:o}}}", "required", operation->body_required,
                                      "content", JSON_TYPE, "schema", ref(operation->body)));
    }
    if (route_is_admin(operation->route)) {
        /* Either is enough, as the service was started. */
        json_object_set_new(value, "security", json_pack("[{},{s:[]}]", "adminToken"));
    }
    return value;
}

static json_t *paths(void)
{
    static const char *const keys[METHOD_COUNT] = {
        [METHOD_GET] = "get", [METHOD_POST] = "post", [METHOD_DELETE] = "delete"};
    json_t *all = json_object();
    for (size_t i = 0; i < COUNT_OF(operations); i++) {
        const char *path = route_handler(operations[i].route);
        json_t *item = json_object_get(all, path);
        if (item == NULL) {
            item = json_object();
            json_object_set_new(all, path, item);
        }
        json_object_set_new(item, keys[operations[i].method], operation_json(&operations[i]));
    }
    return all;
}

static json_t *components(void)
{
    json_t *all = json_object();
    for (size_t i = 0; i < COUNT_OF(schemas); i++) {
        json_object_set_new(all, schemas[i].name, schemas[i].make());
    }
    return json_pack("{s:o,s:{s:{s:s,s:s}}}", "schemas", all, "securitySchemes", "adminToken",
                     "type", "http", "scheme", "bearer");
}

json_t *openapi_document(size_t body_max_bytes)
{
    char description[512];
    (void)snprintf(
        description, sizeof description,
        "Films for people, ratings from them. Request bodies hold at most %zu bytes. Other "
        "methods, "
        "HEAD among them, are answered 405, other paths 404; requests that the server cannot "
        "read or has waited for too long are answered 400, 408, 414 or 431, and 503 when "
        "memory is exhausted.",
        body_max_bytes);
    return json_pack("{s:s,s:{s:s,s:s,s:s},s:o,s:o}", "openapi", "3.1.0", "info", "title",
                     "driftdrill recommender", "version", DRIFTDRILL_VERSION, "description",
                     description, "paths", paths(), "components", components());
}
