#include "base/mem.h"
#include "base/text.h"
#include "load/target_int.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* A table by id costs four bytes an id; beyond this many the catalogue is searched. */
#define FILM_INDEX_MAX (1 << 21)
#define SIGNATURE_BYTES (2 * 32 + 4 + 20 + 2 * SIGNER_DIGEST_BYTES)

struct compiling {
    struct target *target;
    struct target_plan *plan;
    const struct fields *fields;
    bool failed;
};

static void note(struct compiling *compiling, const struct target_call *call, const char *key,
                 const char *text)
{
    char path[160];
    (void)snprintf(path, sizeof path, "%s%s", call->path, key);
    fields_fault(compiling->fields, path, "%s", text);
    compiling->failed = true;
}

/* ---- the films ---- */

static void index_films(struct target *target)
{
    const struct catalogue *films = target->catalogue;
    if (films == NULL || films->count == 0 || films->id[films->count - 1] >= FILM_INDEX_MAX ||
        films->id[0] < 0) {
        return;
    }
    target->film_index_count = films->id[films->count - 1] + 1;
    target->film_index = mem_array((size_t)target->film_index_count, sizeof *target->film_index);
    for (int32_t id = 0; id < target->film_index_count; id++) {
        target->film_index[id] = -1;
    }
    for (int32_t i = 0; i < films->count; i++) {
        target->film_index[films->id[i]] = i;
    }
}

/* ---- ratings ---- */

static double transformed(const char *name, double stars)
{
    if (strcmp(name, "half_stars") == 0) {
        return 2 * stars;
    }
    if (strcmp(name, "unit") == 0) {
        return (stars - 0.5) / 4.5;
    }
    if (strcmp(name, "signed_unit") == 0) {
        return fmax((stars - 3) / 2, -1);
    }
    return stars >= 3.0 ? 1 : 0; /* thumbs */
}

bool target_transform(const char *name, struct template_rules *rules)
{
    static const char *const names[] = {"half_stars", "unit", "signed_unit", "thumbs"};
    bool stars = strcmp(name, "stars") == 0, known = stars;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        known = known || strcmp(name, names[i]) == 0;
    }
    for (int i = 0; known && i < TEMPLATE_HALF_STARS; i++) {
        double value = 0.5 * (i + 1);
        (void)snprintf(rules->rating[i], sizeof rules->rating[i], stars ? "%.1f" : "%.6g",
                       stars ? value : transformed(name, value));
    }
    return known;
}

/* ---- requests ---- */

static enum template_place place_of(const struct target_call *call)
{
    static const char type[] = "content-type:";
    for (const char *line = call->headers; line != NULL && *line != '\0';) {
        if (strncasecmp(line, type, sizeof type - 1) == 0) {
            size_t len = strcspn(line, "\r");
            if (memmem(line, len, "x-www-form-urlencoded", 21) != NULL) {
                return TEMPLATE_URL;
            }
            return memmem(line, len, "json", 4) != NULL ? TEMPLATE_JSON : TEMPLATE_PLAIN;
        }
        line = strstr(line, "\r\n");
        line = line != NULL ? line + 2 : NULL;
    }
    return TEMPLATE_JSON;
}

static bool has_header(const char *headers, const char *name)
{
    size_t len = strlen(name);
    for (const char *line = headers; line != NULL && *line != '\0';) {
        if (strncasecmp(line, name, len) == 0 && line[len] == ':') {
            return true;
        }
        line = strstr(line, "\r\n");
        line = line != NULL ? line + 2 : NULL;
    }
    return false;
}

static struct template *compile_text(struct compiling *compiling, const struct target_call *call,
                                     const char *key, const char *text, enum template_place place)
{
    struct template *template = NULL;
    struct error error = {0};
    struct template_rules rules = compiling->plan->rules;
    rules.time = call->time;
    if (template_new(text, place, &rules, &template, &error) != ERR_OK) {
        note(compiling, call, key, error.text);
    }
    return template;
}

static void check_holes(struct compiling *compiling, const struct target_call *call,
                        const char *key, const struct template *template, unsigned allowed)
{
    char text[96];
    for (int hole = 0; template != NULL && hole < TEMPLATE_HOLES; hole++) {
        if (template_has(template, (enum template_hole)hole) && (allowed >> hole & 1) == 0) {
            (void)snprintf(text, sizeof text, "{%s} has no meaning here",
                           template_hole_name((enum template_hole)hole));
            note(compiling, call, key, text);
        }
    }
}

/* Ratings of a batch stand between {each} and {/each}; everything else of the body around them. */
static void compile_body(struct compiling *compiling, const struct target_call *call,
                         struct target_request_plan *request, unsigned allowed)
{
    static const char open[] = "{each}", shut[] = "{/each}";
    enum template_place place = place_of(call);
    char *body = mem_text(call->body);
    char *each = strstr(body, open), *end = each != NULL ? strstr(each, shut) : NULL;
    if (each == NULL) {
        request->body = compile_text(compiling, call, "/body", body, place);
    } else if (end == NULL) {
        note(compiling, call, "/body", "{each} without {/each} behind it");
    } else {
        *each = *end = '\0';
        request->before = compile_text(compiling, call, "/body", body, place);
        request->body = compile_text(compiling, call, "/body", each + sizeof open - 1, place);
        request->after = compile_text(compiling, call, "/body", end + sizeof shut - 1, place);
        check_holes(compiling, call, "/body", request->before, 0);
        check_holes(compiling, call, "/body", request->after, 0);
    }
    check_holes(compiling, call, "/body", request->body, allowed);
    mem_free(body);
}

static size_t max_bytes(const struct template *template)
{
    return template != NULL ? template_max_bytes(template) : 0;
}

static void check_room(struct compiling *compiling, const struct target_call *call,
                       const struct target_request_plan *request)
{
    struct exchange *exchange = NULL;
    size_t signature = compiling->plan->sign == TARGET_SIGN_HMAC_SHA1 ? SIGNATURE_BYTES : 0;
    size_t body = max_bytes(request->before) + max_bytes(request->body) + max_bytes(request->after);
    char text[128];
    if (max_bytes(request->path) + signature >= sizeof exchange->path) {
        (void)snprintf(text, sizeof text, "may become longer than %zu bytes",
                       sizeof exchange->path - 1 - signature);
        note(compiling, call, "/url", text);
    }
    if (body >= sizeof exchange->body) {
        (void)snprintf(text, sizeof text, "may become longer than %zu bytes",
                       sizeof exchange->body - 1);
        note(compiling, call, "/body", text);
    }
}

/* A body that is meant to be JSON must be, with a request id and without. */
static void check_json(struct compiling *compiling, enum target_endpoint endpoint)
{
    struct target *target = compiling->target;
    const struct target_call *call = &compiling->plan->call[endpoint];
    struct exchange *exchange = mem_zalloc(1, sizeof *exchange);
    struct target_request sample = {.user_id = 1, .movie_id = 1, .half_stars = 8};
    for (int with = 0; with < 2 && call->body[0] != '\0'; with++) {
        json_error_t why;
        sample.request_id = with ? (compiling->plan->request_id_number ? "1" : "a") : "";
        sample.rank = with;
        bool filled = endpoint == TARGET_LIST ? target_fill_list(target, &sample, exchange)
                                              : target_fill_rating(target, &sample, exchange);
        assert(filled);
        (void)filled;
        json_t *read = json_loadb(exchange->body, exchange->body_len, JSON_DECODE_ANY, &why);
        if (read == NULL) {
            char text[256];
            (void)snprintf(text, sizeof text, "is no JSON%s: %.150s",
                           with ? " with a request id and a rank" : "", why.text);
            note(compiling, call, "/body", text);
            break;
        }
        json_decref(read);
    }
    mem_free(exchange);
}

#define HOLE(hole) (1U << TEMPLATE_##hole)

static bool uses(const struct target_request_plan *request, enum template_hole hole)
{
    return (request->path != NULL && template_has(request->path, hole)) ||
           (request->body != NULL && template_has(request->body, hole));
}

static void need_hole(struct compiling *compiling, const struct target_call *call,
                      const struct target_request_plan *request, enum template_hole hole)
{
    char text[96];
    bool compiled = request->path != NULL && (call->body[0] == '\0' || request->body != NULL);
    if (compiled && !uses(request, hole)) {
        (void)snprintf(text, sizeof text, "neither url nor body holds {%s}",
                       template_hole_name(hole));
        note(compiling, call, "", text);
    }
}

static void shape_of(struct compiling *compiling, enum target_endpoint endpoint)
{
    struct target *target = compiling->target;
    const struct target_plan *plan = compiling->plan;
    const struct target_call *call = &plan->call[endpoint];
    struct target_request_plan *request = &target->request[endpoint];
    bool has_body = call->body[0] != '\0';
    const char *type = has_body && !has_header(call->headers, "Content-Type")
                           ? "Content-Type: application/json\r\n"
                           : "";
    int len = snprintf(request->headers, sizeof request->headers, "%s%s", call->headers, type);
    if (len < 0 || (size_t)len >= sizeof request->headers) {
        note(compiling, call, "/headers", "longer than there is room for");
    }
    const char *address = plan->address[endpoint];
    size_t host = strcspn(strstr(address, "://") + 3, "/");
    (void)snprintf(request->base_url, sizeof request->base_url, "%.*s",
                   (int)((size_t)(strstr(address, "://") + 3 - address) + host), address);
    target->shape[endpoint] = (struct request_shape){
        .method = call->method,
        .has_body = has_body || strcmp(call->method, "POST") == 0 ||
                    strcmp(call->method, "PUT") == 0 || strcmp(call->method, "PATCH") == 0,
        .base_url = request->base_url,
        .headers = request->headers};
    target->shapes[endpoint] = &target->shape[endpoint];
    target->shape_count = endpoint + (size_t)1;
}

static void compile_request(struct compiling *compiling, enum target_endpoint endpoint,
                            unsigned allowed)
{
    const struct target_plan *plan = compiling->plan;
    const struct target_call *call = &plan->call[endpoint];
    struct target_request_plan *request = &compiling->target->request[endpoint];
    char whole[TARGET_URL_BYTES + 256];
    const char *address = plan->address[endpoint];
    const char *prefix = strstr(address, "://") + 3;
    prefix += strcspn(prefix, "/");
    (void)snprintf(whole, sizeof whole, "%s%s", prefix, call->url);
    request->path = compile_text(compiling, call, "/url", whole, TEMPLATE_URL);
    check_holes(compiling, call, "/url", request->path, allowed);
    if (call->body[0] != '\0') {
        compile_body(compiling, call, request, allowed);
    }
    need_hole(compiling, call, request, TEMPLATE_USER);
    if (endpoint == TARGET_RATING) {
        need_hole(compiling, call, request, TEMPLATE_FILM);
    }
    check_room(compiling, call, request);
    shape_of(compiling, endpoint);
    if (!compiling->failed && place_of(call) == TEMPLATE_JSON) {
        check_json(compiling, endpoint);
    }
}

/* Everybody whose rating is in a request shares its address, so nothing there may be of one. */
static void check_batch(struct compiling *compiling)
{
    const struct target_plan *plan = compiling->plan;
    const struct target_call *call = &plan->call[TARGET_RATING];
    const struct target_request_plan *request = &compiling->target->request[TARGET_RATING];
    if (plan->batch > 1 && request->before == NULL) {
        note(
            compiling, call, "/batch",
            "the body repeats nothing: what stands for one rating goes between {each} and {/each}");
    }
    for (int h = 0; plan->batch > 1 && request->path != NULL && h < TEMPLATE_HOLES; h++) {
        enum template_hole hole = (enum template_hole)h;
        if (hole != TEMPLATE_TOKEN && hole != TEMPLATE_TIMESTAMP &&
            template_has(request->path, hole)) {
            char text[128];
            (void)snprintf(text, sizeof text,
                           "{%s} is of one rating, but `batch` sends several to this address",
                           template_hole_name(hole));
            note(compiling, call, "/url", text);
        }
    }
}

/* ---- answers ---- */

static const char *pointer(const char *text)
{
    return text[0] == TARGET_NO_POINTER[0] ? NULL : text;
}

static void compile_pick(struct compiling *compiling)
{
    const struct target_plan *plan = compiling->plan;
    const struct target_pointers *at = &plan->pointers;
    struct error error = {0};
    struct pick_plan wanted = {.films = pointer(at->films),
                               .film = pointer(at->film),
                               .source = pointer(at->source),
                               .score = pointer(at->score),
                               .sources = pointer(at->sources),
                               .scores = pointer(at->scores),
                               .request_id = pointer(at->request_id),
                               .request_id_number = plan->request_id_number,
                               .film_text = plan->rules.film.text,
                               .film_prefix = plan->rules.film.prefix,
                               .cut = plan->cuts ? compiling->target->list_length : 0};
    if (pick_new(&wanted, &compiling->target->pick, &error) != ERR_OK) {
        note(compiling, &plan->call[TARGET_LIST], "", error.text);
    }
}

/* ---- the rest ---- */

/* The whole URL of a request beside the load, and the same for reports. */
static void join_url(struct compiling *compiling, const struct target_call *call,
                     char url[static TARGET_URL_BYTES + 256],
                     char shown[static TARGET_URL_BYTES + 256])
{
    const char *address = compiling->plan->address[TARGET_RATING];
    if (strchr(call->url, '{') != NULL) {
        note(compiling, call, "/url", "holes have no meaning here");
    }
    (void)snprintf(url, TARGET_URL_BYTES + 256, "%s%s", address, call->url);
    (void)snprintf(shown, TARGET_URL_BYTES + 256, "%s%s", address, call->shown);
}

static void compile_retrain(struct compiling *compiling)
{
    struct target *target = compiling->target;
    struct target_plan *plan = compiling->plan;
    const struct target_call *call = &plan->retrain;
    if (plan->command[0] != NULL) {
        target->retrain.command = (const char *const *)plan->command;
    }
    if (!plan->retrain_request) {
        return;
    }
    join_url(compiling, call, target->retrain_url, target->retrain_shown);
    target->retrain_body = compile_text(compiling, call, "/body", call->body, place_of(call));
    check_holes(compiling, call, "/body", target->retrain_body,
                HOLE(FOLDER) | HOLE(TIMESTAMP) | HOLE(TOKEN));
    target->retrain = (struct target_retrain){.method = call->method,
                                              .url = target->retrain_url,
                                              .shown = target->retrain_shown,
                                              .headers = call->headers,
                                              .body = call->body};
    if (plan->training_told) {
        join_url(compiling, &plan->training, target->training_url, target->training_shown);
        target->training = (struct target_training){.url = target->training_url,
                                                    .shown = target->training_shown,
                                                    .headers = plan->training.headers,
                                                    .at = plan->training_at,
                                                    .done = plan->done.list,
                                                    .failed = plan->failed.list};
    }
}

static bool tells_time(const struct target_request_plan *request)
{
    return uses(request, TEMPLATE_TIMESTAMP) || uses(request, TEMPLATE_TOKEN);
}

static void tell_has(struct target *target)
{
    const struct target_plan *plan = target->plan;
    const struct target_pointers *at = &plan->pointers;
    const struct target_request_plan *rating = &target->request[TARGET_RATING];
    target->has = (struct target_has){
        .ratings = plan->has_ratings,
        .request_id = plan->has_ratings && pointer(at->request_id) != NULL &&
                      uses(rating, TEMPLATE_REQUEST_ID),
        .sources = pointer(at->source) != NULL || pointer(at->sources) != NULL,
        .scores = pointer(at->score) != NULL || pointer(at->scores) != NULL,
        .rank = plan->has_ratings && uses(rating, TEMPLATE_RANK),
        .timestamp = plan->sign == TARGET_SIGN_HMAC_SHA1 ||
                     tells_time(&target->request[TARGET_LIST]) ||
                     (plan->has_ratings && tells_time(rating)),
        .retrain = plan->is_bundled || plan->retrain_request || plan->command[0] != NULL,
        .metrics = plan->has_metrics,
        .predicted = target_metric(target, "predicted_rating_count") != NULL,
        .repeats = plan->repeats,
        .bundled = plan->is_bundled};
}

struct target *target_compile(struct target_plan *plan, const struct fields *fields,
                              const struct catalogue *catalogue, int list_length)
{
    assert(list_length >= 1 && list_length <= POPULATION_LIST_MAX);
    static_assert(PICK_PLACES_MAX == POPULATION_LIST_MAX, "a pick reads what people look at");
    struct target *target = mem_zalloc(1, sizeof *target);
    struct compiling compiling = {.target = target, .plan = plan, .fields = fields};
    const unsigned both = HOLE(USER) | HOLE(TIMESTAMP) | HOLE(TOKEN);
    target->plan = plan;
    target->list_length = plan->rules.list_length = list_length;
    target->catalogue = catalogue;
    if (plan->sign == TARGET_SIGN_HMAC_SHA1) {
        signer_init(&target->signer, plan->secret, strlen(plan->secret), plan->time_parameter,
                    plan->parameter);
    }
    compile_request(&compiling, TARGET_LIST, both | HOLE(N));
    if (plan->has_ratings) {
        compile_request(&compiling, TARGET_RATING,
                        both | HOLE(FILM) | HOLE(RATING) | HOLE(REQUEST_ID) | HOLE(RANK));
        check_batch(&compiling);
    }
    compile_pick(&compiling);
    compile_retrain(&compiling);
    if (compiling.failed) {
        target_free(target);
        return NULL;
    }
    index_films(target);
    tell_has(target);
    return target;
}

struct target_plan *target_plan_new(void)
{
    struct target_plan *plan = mem_zalloc(1, sizeof *plan);
    struct target_pointers *at = &plan->pointers;
    char *const pointers[] = {at->films,   at->film,   at->source,    at->score,
                              at->sources, at->scores, at->request_id};
    for (size_t i = 0; i < sizeof pointers / sizeof pointers[0]; i++) {
        (void)text_copy(pointers[i], TARGET_POINTER_BYTES, TARGET_NO_POINTER);
    }
    for (int e = 0; e < TARGET_ENDPOINTS; e++) {
        plan->call[e].accepts_any = true;
        plan->call[e].time = TEMPLATE_NO_TIME;
    }
    plan->retrain.time = TEMPLATE_UNIX;
    plan->retrain.accepts_any = plan->training.accepts_any = true;
    plan->batch = 1;
    (void)target_transform("stars", &plan->rules);
    return plan;
}

void target_plan_free(struct target_plan *plan)
{
    if (plan == NULL) {
        return;
    }
    for (size_t i = 0; plan->command[i] != NULL; i++) {
        mem_free(plan->command[i]);
    }
    json_decref(plan->metric_names);
    mem_free(plan);
}
