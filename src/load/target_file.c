/*
 * Reading a description. Sections have one reader each, which records its faults and goes on, so
 * that all are told at once.
 */
#include "load/target_file.h"

#include "base/mem.h"
#include "base/text.h"
#include "load/target_file_int.h"

#include <stdio.h>
#include <string.h>

const char *const target_file_keys[] = {"name",   "address", "headers", "user",    "film", "list",
                                        "rating", "sign",    "retrain", "metrics", NULL};

static bool is_none(const struct fields_at *at, const char *key)
{
    const char *text = json_string_value(json_object_get(at->object, key));
    return text != NULL && strcmp(text, "none") == 0;
}

/* The mapping at `key`; false if there is none, or "none" stands there. */
static bool enter(const struct fields_at *at, const char *key, const char *const *known,
                  struct fields_at *out)
{
    char path[160];
    if (!fields_has(at, key) || is_none(at, key)) {
        return false;
    }
    fields_path(at, key, path, sizeof path);
    return fields_object(at->fields, json_object_get(at->object, key), path, known, out);
}

static void read_pointer(const struct fields_at *at, const char *key, char *out)
{
    char path[160];
    const json_t *value = json_object_get(at->object, key);
    if (value == NULL) {
        return;
    }
    const char *text = json_string_value(value);
    if (text == NULL || (text[0] != '\0' && text[0] != '/') ||
        !text_copy(out, TARGET_POINTER_BYTES, text)) {
        fields_path(at, key, path, sizeof path);
        fields_fault(at->fields, path, "expected a JSON pointer, such as /items or \"\"");
    }
}

static void read_list(const struct fields_at *whole, const char *common, struct target_plan *plan)
{
    static const char *const known[] = {
        "method", "url",     "body",    "headers", "accept",     "films",           "film",
        "source", "score",   "sources", "scores",  "request_id", "request_id_type", "timestamp",
        "cut",    "repeats", NULL};
    static const char *const types[] = {"string", "integer", NULL};
    struct fields_at at;
    struct target_pointers *to = &plan->pointers;
    int type = 0;
    if (!fields_has(whole, "list")) {
        fields_fault(whole->fields, whole->path, "'list' is missing");
    }
    if (!enter(whole, "list", known, &at)) {
        return;
    }
    target_file_call(&at, common, NULL, &plan->call[TARGET_LIST]);
    to->film[0] = '\0';
    read_pointer(&at, "films", to->films);
    read_pointer(&at, "film", to->film);
    read_pointer(&at, "source", to->source);
    read_pointer(&at, "score", to->score);
    read_pointer(&at, "sources", to->sources);
    read_pointer(&at, "scores", to->scores);
    read_pointer(&at, "request_id", to->request_id);
    if (!fields_has(&at, "films")) {
        fields_fault(at.fields, at.path, "'films' is missing");
    }
    if ((fields_has(&at, "source") && fields_has(&at, "sources")) ||
        (fields_has(&at, "score") && fields_has(&at, "scores"))) {
        fields_fault(at.fields, at.path, "what stands in the list cannot stand beside it as well");
    }
    if (fields_choice(&at, "request_id_type", FIELDS_OPTIONAL, types, &type)) {
        plan->request_id_number = plan->rules.request_id_number = type == 1;
    }
    (void)fields_bool(&at, "cut", &plan->cuts);
    (void)fields_bool(&at, "repeats", &plan->repeats);
}

/* ---- ratings ---- */

static bool put_value(const json_t *value, char *out)
{
    const char *text = json_string_value(value);
    int len = text != NULL ? snprintf(out, TEMPLATE_RATING_BYTES, "\"%s\"", text)
              : json_is_number(value)
                  ? snprintf(out, TEMPLATE_RATING_BYTES, "%.10g", json_number_value(value))
                  : -1;
    return len > 0 && len < TEMPLATE_RATING_BYTES &&
           (text == NULL || (strpbrk(text, "\"\\") == NULL && !target_file_has_control(text)));
}

static void read_transform(const struct fields_at *at, struct target_plan *plan)
{
    char path[160];
    const json_t *value = json_object_get(at->object, "transform");
    bool good = true;
    if (value == NULL) {
        return;
    }
    if (json_is_array(value)) {
        good = json_array_size(value) == TEMPLATE_HALF_STARS;
        for (size_t i = 0; good && i < TEMPLATE_HALF_STARS; i++) {
            good = put_value(json_array_get(value, i), plan->rules.rating[i]);
        }
    } else {
        const char *name = json_string_value(value);
        good = name != NULL && target_transform(name, &plan->rules);
    }
    if (!good) {
        fields_path(at, "transform", path, sizeof path);
        fields_fault(at->fields, path,
                     "expected stars, half_stars, unit, signed_unit, thumbs, or a list of ten "
                     "numbers or short texts, for 0.5 stars to 5.0");
    }
}

static void read_rating(const struct fields_at *whole, const char *common, struct target_plan *plan)
{
    static const char *const known[] = {"method",    "url",       "body",  "headers", "accept",
                                        "transform", "timestamp", "batch", NULL};
    struct fields_at at;
    int64_t batch = 1;
    if (!enter(whole, "rating", known, &at)) {
        return;
    }
    plan->has_ratings = true;
    target_file_call(&at, common, "POST", &plan->call[TARGET_RATING]);
    read_transform(&at, plan);
    (void)fields_int(&at, "batch", FIELDS_OPTIONAL, 1, TARGET_BATCH_MAX, &batch);
    plan->batch = (int)batch;
}

/* ---- the rest ---- */

static void read_ids(const struct fields_at *whole, const char *key, struct template_ids *ids)
{
    static const char *const known[] = {"type", "prefix", NULL};
    static const char *const types[] = {"integer", "string", NULL};
    struct fields_at at;
    char path[160];
    int type = 0;
    if (!enter(whole, key, known, &at)) {
        return;
    }
    (void)fields_choice(&at, "type", FIELDS_OPTIONAL, types, &type);
    (void)fields_text(&at, "prefix", FIELDS_OPTIONAL, ids->prefix, sizeof ids->prefix);
    ids->text = type == 1;
    fields_path(&at, "prefix", path, sizeof path);
    if (ids->prefix[0] != '\0' && !ids->text) {
        fields_fault(at.fields, path, "a number has no prefix; the type must be string");
    }
    if (strpbrk(ids->prefix, "\"\\") != NULL || target_file_has_control(ids->prefix)) {
        fields_fault(at.fields, path, "expected a prefix without quotes and backslashes");
    }
}

static void read_one_address(const struct fields_at *at, const char *key, char *out, size_t size)
{
    char path[160];
    bool held = false;
    if (!target_file_expanded(at, key, FIELDS_REQUIRED, out, size, &held)) {
        return;
    }
    const char *wrong = target_clean_address(out);
    if (wrong != NULL) {
        fields_path(at, key, path, sizeof path);
        fields_fault(at->fields, path, "%s", wrong);
        out[0] = '\0';
    }
}

static void read_address(const struct fields_at *whole, struct target_plan *plan)
{
    static const char *const known[] = {"read", "write", NULL};
    struct fields_at at;
    char *list = plan->address[TARGET_LIST], *rating = plan->address[TARGET_RATING];
    size_t size = sizeof plan->address[0];
    if (!json_is_object(json_object_get(whole->object, "address"))) {
        read_one_address(whole, "address", list, size);
        (void)text_copy(rating, size, list);
        return;
    }
    if (enter(whole, "address", known, &at)) {
        read_one_address(&at, "read", list, size);
        if (fields_has(&at, "write")) {
            read_one_address(&at, "write", rating, size);
        } else {
            (void)text_copy(rating, size, list);
        }
    }
}

static void read_sign(const struct fields_at *whole, char *common, size_t size,
                      struct target_plan *plan)
{
    static const char *const known[] = {
        "kind", "name", "value", "secret", "timestamp_parameter", "parameter", NULL};
    static const char *const kinds[] = {"none", "header", "hmac_sha1", NULL};
    struct fields_at at;
    int kind = 0;
    char name[64], value[1024], path[160];
    if (!enter(whole, "sign", known, &at) ||
        !fields_choice(&at, "kind", FIELDS_REQUIRED, kinds, &kind)) {
        return;
    }
    plan->sign = (enum target_sign)kind;
    if (plan->sign == TARGET_SIGN_HEADER &&
        fields_text(&at, "name", FIELDS_REQUIRED, name, sizeof name) &&
        fields_text(&at, "value", FIELDS_REQUIRED, value, sizeof value)) {
        fields_path(&at, "value", path, sizeof path);
        target_file_header(at.fields, path, name, value, common, size);
    }
    if (plan->sign == TARGET_SIGN_HMAC_SHA1) {
        bool held = false;
        (void)text_copy(plan->time_parameter, sizeof plan->time_parameter, "hmac_timestamp");
        (void)text_copy(plan->parameter, sizeof plan->parameter, "hmac_sign");
        (void)target_file_expanded(&at, "secret", FIELDS_REQUIRED, plan->secret,
                                   sizeof plan->secret, &held);
        (void)fields_text(&at, "timestamp_parameter", FIELDS_OPTIONAL, plan->time_parameter,
                          sizeof plan->time_parameter);
        (void)fields_text(&at, "parameter", FIELDS_OPTIONAL, plan->parameter,
                          sizeof plan->parameter);
    }
}

static void read_command(const struct fields_at *at, struct target_plan *plan)
{
    size_t i;
    json_t *word;
    char path[160];
    const json_t *list = fields_array(at, "command", FIELDS_OPTIONAL);
    if (list == NULL) {
        return;
    }
    fields_path(at, "command", path, sizeof path);
    if (json_array_size(list) == 0 || json_array_size(list) > TARGET_COMMAND_WORDS_MAX) {
        fields_fault(at->fields, path, "expected 1 to %d words", TARGET_COMMAND_WORDS_MAX);
        return;
    }
    json_array_foreach(list, i, word)
    {
        if (!json_is_string(word)) {
            fields_fault(at->fields, path, "expected words");
            return;
        }
        plan->command[i] = mem_text(json_string_value(word));
    }
}

/* Values that a status may have. */
static void read_states(const struct fields_at *at, const char *key, struct target_states *out)
{
    size_t i;
    json_t *value;
    char path[160];
    const json_t *list = fields_array(at, key, FIELDS_OPTIONAL);
    bool good = list == NULL || json_array_size(list) <= TARGET_STATES_MAX;
    json_array_foreach(list, i, value)
    {
        const char *text = json_string_value(value);
        good = good && (text == NULL || strlen(text) < TARGET_STATE_BYTES) &&
               target_scalar(value, out->text[i], TARGET_STATE_BYTES);
        if (good) {
            out->list[i] = out->text[i];
        }
    }
    if (!good) {
        fields_path(at, key, path, sizeof path);
        fields_fault(at->fields, path,
                     "expected at most %d texts, numbers or booleans, of %d bytes",
                     TARGET_STATES_MAX, TARGET_STATE_BYTES - 1);
    }
}

static void read_training(const struct fields_at *whole, const char *common,
                          struct target_plan *plan)
{
    static const char *const known[] = {"url", "headers", "accept", "at", "done", "failed", NULL};
    struct fields_at at;
    if (!enter(whole, "status", known, &at)) {
        return;
    }
    if (!fields_has(whole, "request")) {
        fields_fault(at.fields, at.path, "only a request is asked about; a command ends by itself");
    }
    plan->training_told = true;
    target_file_call(&at, common, "GET", &plan->training);
    if (!fields_has(&at, "at")) {
        fields_fault(at.fields, at.path, "'at' is missing");
    }
    read_pointer(&at, "at", plan->training_at);
    read_states(&at, "done", &plan->done);
    read_states(&at, "failed", &plan->failed);
}

static void read_retrain(const struct fields_at *whole, const char *common,
                         struct target_plan *plan)
{
    static const char *const known[] = {"request", "status", "command", NULL};
    static const char *const known_request[] = {"method",    "url",    "body", "headers",
                                                "timestamp", "accept", NULL};
    struct fields_at at, request;
    if (!enter(whole, "retrain", known, &at)) {
        return;
    }
    if (fields_has(&at, "request") == fields_has(&at, "command")) {
        fields_fault(at.fields, at.path, "expected either a request or a command");
    }
    if (enter(&at, "request", known_request, &request)) {
        plan->retrain_request = true;
        target_file_call(&request, common, "POST", &plan->retrain);
    }
    read_training(&at, common, plan);
    read_command(&at, plan);
}

/* Is all that the environment gives to `url`, spelled `raw` in the file, scheme, host and port?
 * Like every address, they may be shown. */
static bool gives_host_alone(const char *raw, const char *url)
{
    const char *rest = strncmp(raw, "${", 2) == 0 ? strchr(raw, '}') : NULL;
    const char *host = strstr(url, "://");
    size_t len = host != NULL ? strcspn(host + 3, "/?#") : 0;
    return rest != NULL && host != NULL && strcmp(host + 3 + len, rest + 1) == 0 &&
           memchr(host + 3, '@', len) == NULL;
}

static void read_metrics(const struct fields_at *whole, struct target_plan *plan)
{
    static const char *const known[] = {"url", "names", NULL};
    struct fields_at at;
    bool held = false;
    char path[160];
    if (!enter(whole, "metrics", known, &at)) {
        return;
    }
    plan->has_metrics = true;
    (void)fields_text(&at, "url", FIELDS_OPTIONAL, plan->metrics_shown, sizeof plan->metrics_shown);
    if (!fields_has(&at, "url")) {
        (void)snprintf(plan->metrics_url, sizeof plan->metrics_url, "%s/metrics",
                       plan->address[TARGET_LIST]);
    } else if (target_file_expanded(&at, "url", FIELDS_REQUIRED, plan->metrics_url,
                                    sizeof plan->metrics_url, &held) &&
               !target_is_url(plan->metrics_url)) {
        fields_path(&at, "url", path, sizeof path);
        fields_fault(at.fields, path, "expected an address such as http://127.0.0.1:8000/metrics");
    }
    if (!held || gives_host_alone(plan->metrics_shown, plan->metrics_url)) {
        (void)text_copy(plan->metrics_shown, sizeof plan->metrics_shown, plan->metrics_url);
    }
    json_t *names = json_object_get(at.object, "names");
    const char *ours;
    json_t *theirs;
    fields_path(&at, "names", path, sizeof path);
    if (names != NULL && !json_is_object(names)) {
        fields_fault(at.fields, path, "expected a mapping of names to names");
        return;
    }
    json_object_foreach(names, ours, theirs)
    {
        if (!json_is_string(theirs) || json_string_length(theirs) == 0) {
            fields_fault(at.fields, path, "'%s': expected the name of a metric", ours);
        }
    }
    plan->metric_names = names != NULL ? json_deep_copy(names) : NULL;
}

static void read_whole(const struct fields_at *at, struct target_plan *plan)
{
    char *common = mem_zalloc(1, TARGET_HEADERS_BYTES);
    read_address(at, plan);
    (void)text_copy(plan->name, sizeof plan->name, plan->address[TARGET_LIST]);
    (void)fields_text(at, "name", FIELDS_OPTIONAL, plan->name, sizeof plan->name);
    target_file_headers(at, common, TARGET_HEADERS_BYTES);
    read_sign(at, common, TARGET_HEADERS_BYTES, plan);
    read_ids(at, "user", &plan->rules.user);
    read_ids(at, "film", &plan->rules.film);
    read_list(at, common, plan);
    read_rating(at, common, plan);
    read_retrain(at, common, plan);
    read_metrics(at, plan);
    mem_free(common);
}

enum err target_from_json(const struct target_block *block, const struct catalogue *catalogue,
                          int list_length, struct target **out, struct faults *faults,
                          struct error *error)
{
    struct fields fields = {.file = block->file, .lines = block->lines, .faults = faults};
    struct fields_at at;
    size_t before = faults->count;
    struct target_plan *plan = target_plan_new();
    *out = NULL;
    if (fields_object(&fields, block->value, block->path, target_file_keys, &at)) {
        read_whole(&at, plan);
    }
    if (faults->count == before) {
        *out = target_compile(plan, &fields, catalogue, list_length);
    } else {
        target_plan_free(plan);
    }
    size_t count = faults->count - before;
    return *out != NULL ? ERR_OK
                        : error_set(error, ERR_INPUT, block->file, 0, "%zu fault%s in the target",
                                    count, count == 1 ? "" : "s");
}

enum err target_read(const char *path, const struct catalogue *catalogue, int list_length,
                     struct target **out, struct faults *faults, struct error *error)
{
    struct target_block block = {.file = path, .path = ""};
    struct yaml_lines *lines = NULL;
    json_t *document = NULL;
    *out = NULL;
    enum err code = yaml_read_file(path, &document, &lines, error);
    if (code != ERR_OK) {
        return code;
    }
    block.value = document;
    block.lines = lines;
    code = target_from_json(&block, catalogue, list_length, out, faults, error);
    yaml_lines_free(lines);
    json_decref(document);
    return code;
}
