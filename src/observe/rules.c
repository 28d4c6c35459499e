/*
 * Rule files pass through two stages: every file is read, checked and rewritten in memory, and only
 * if all of them are without fault are they written. A drill then never starts on half a rule set,
 * and the author sees every fault at once.
 *
 * Fields are checked against the list that Prometheus knows, because a field unknown to us may hold
 * a duration, which would then stay uncompressed. What is not about time (label names, templates,
 * the rest of the expression) is left to Prometheus itself, which reads the written files.
 */
#include "observe/rules.h"

#include "base/fileio.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/yaml.h"
#include "observe/rules_int.h"

#include <assert.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SCRAPES_PER_WINDOW 10
#define PATH_BYTES 160 /* as in struct fault */
#define DURATION_BYTES 64
#define HEARTBEAT "driftdrill:heartbeat"

struct document {
    json_t *value;
    char source[256];
    char target[256];
};

struct renderer {
    int64_t time_scale, min_range_ns, default_interval_ns;
    struct rules *out;
    size_t alert_capacity;
    struct faults *faults;
    json_t *seen; /* "alert NAME", "group NAME", "file NAME" -> where it was first */
    struct document *document;
    size_t document_count;
    const char *path; /* the file in work */
    const struct yaml_lines *lines;
};

static void fault(const struct renderer *renderer, const char *place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Notes a fault at a JSON pointer of the file in work. */
static void fault(const struct renderer *renderer, const char *place, const char *format, ...)
{
    char text[320];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    faults_add(renderer->faults, renderer->path, yaml_line(renderer->lines, place), place, "%s",
               text);
}

/* place + "/" + key as a JSON pointer; out holds PATH_BYTES. */
static const char *below(char *out, const char *place, const char *key)
{
    size_t len = (size_t)snprintf(out, PATH_BYTES, "%s/", place);
    for (; *key != '\0' && len + 2 < PATH_BYTES; key++) {
        if (*key == '~' || *key == '/') {
            out[len++] = '~';
            out[len++] = *key == '~' ? '0' : '1';
        } else {
            out[len++] = *key;
        }
    }
    out[len < PATH_BYTES ? len : PATH_BYTES - 1] = '\0';
    return out;
}

static const char *below_index(char *out, const char *place, size_t index)
{
    char key[24];
    (void)snprintf(key, sizeof key, "%zu", index);
    return below(out, place, key);
}

/* Unknown keys are faults; false if `object` is not a mapping at all. `known` ends with NULL. */
static bool check_mapping(const struct renderer *renderer, const char *place, const json_t *object,
                          const char *const *known, const char *known_text)
{
    const char *key;
    json_t *value;
    if (!json_is_object(object)) {
        fault(renderer, place, "expected a mapping with %s", known_text);
        return false;
    }
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        size_t i = 0;
        while (known[i] != NULL && strcmp(known[i], key) != 0) {
            i++;
        }
        if (known[i] == NULL) {
            char path[PATH_BYTES];
            fault(renderer, below(path, place, key), "unknown field, expected one of %s",
                  known_text);
        }
    }
    return true;
}

/* Makes object[key] the text Prometheus would read there: numbers, booleans and null stand for
 * their own spelling. NULL if absent, or, with a fault, if it is a list or mapping. */
static const char *take_text(const struct renderer *renderer, const char *place, json_t *object,
                             const char *key)
{
    char path[PATH_BYTES];
    const json_t *value = json_object_get(object, key);
    if (value == NULL || json_is_string(value)) {
        return json_string_value(value);
    }
    if (json_is_object(value) || json_is_array(value)) {
        fault(renderer, below(path, place, key), "expected text");
        return NULL;
    }
    const char *source = yaml_source(renderer->lines, below(path, place, key));
    char *dumped = json_dumps(value, JSON_ENCODE_ANY);
    const char *text = json_is_null(value) ? "" : source != NULL ? source : dumped;
    (void)json_object_set_new(object, key, json_string(text));
    free(dumped);
    return json_string_value(json_object_get(object, key));
}

/* Notes the use of a name that must be unique over all files; false, with a fault, if it is not. */
static bool claim(struct renderer *renderer, const char *place, const char *what, const char *name)
{
    char key[512];
    char where[320];
    (void)snprintf(key, sizeof key, "%s %s", what, name);
    const char *first = json_string_value(json_object_get(renderer->seen, key));
    if (first != NULL) {
        fault(renderer, place, "%s \"%s\" is in %s already", what, name, first);
        return false;
    }
    (void)snprintf(where, sizeof where, "%s:%d", renderer->path, yaml_line(renderer->lines, place));
    (void)json_object_set_new(renderer->seen, key, json_string(where));
    return true;
}

/* Divides the duration at object[key] in place; *production_ns gets what stood there. An absent one
 * leaves both alone. */
static void compress_duration(const struct renderer *renderer, const char *place, json_t *object,
                              const char *key, int64_t least_ns, int64_t *production_ns)
{
    char path[PATH_BYTES];
    char text[DURATION_BYTES];
    int64_t ns;
    const char *written = take_text(renderer, place, object, key);
    if (written == NULL) {
        return;
    }
    (void)below(path, place, key);
    if (!text_to_duration_ns(written, &ns)) {
        fault(renderer, path, "expected a duration such as 2m30s, got \"%s\"", written);
    } else if (ns < least_ns) {
        fault(renderer, path, "expected more than %s", written);
    } else if (!rules_is_whole(ns, renderer->time_scale)) {
        fault(renderer, path, "%s divided by %lld is not a whole number of milliseconds", written,
              (long long)renderer->time_scale);
    } else {
        *production_ns = ns;
        (void)text_from_duration_ns(ns / renderer->time_scale, text, sizeof text);
        (void)json_object_set_new(object, key, json_string(text));
    }
}

/* A fault in an expression of several lines names the line inside it: how the file spells the text
 * (block, folded, quoted) is not known here, so the two cannot be added up. */
static void compress_expr(const struct renderer *renderer, const char *place, json_t *rule)
{
    char path[PATH_BYTES];
    struct error error = {.code = ERR_OK};
    const char *expr = take_text(renderer, place, rule, "expr");
    (void)below(path, place, "expr");
    if (expr == NULL || *expr == '\0') {
        if (!json_is_object(json_object_get(rule, "expr")) &&
            !json_is_array(json_object_get(rule, "expr"))) {
            fault(renderer, path, "expected an expression");
        }
        return;
    }
    char *compressed =
        rules_compress_expr(expr, renderer->time_scale, renderer->min_range_ns, &error);
    if (compressed != NULL) {
        (void)json_object_set_new(rule, "expr", json_string(compressed));
        mem_free(compressed);
    } else if (error.line > 0 && strchr(expr, '\n') != NULL) {
        fault(renderer, path, "line %d of the expression: %s", error.line, error.text);
    } else {
        fault(renderer, path, "%s", error.text);
    }
}

/* Labels and annotations: every value becomes the text that Prometheus would read. */
static void check_texts(const struct renderer *renderer, const char *place, json_t *rule,
                        const char *key)
{
    char path[PATH_BYTES];
    const char *name;
    json_t *value;
    json_t *texts = json_object_get(rule, key);
    (void)below(path, place, key);
    if (texts == NULL || json_is_null(texts)) {
        return;
    }
    if (!json_is_object(texts)) {
        fault(renderer, path, "expected a mapping of names to text");
        return;
    }
    json_object_foreach(texts, name, value)
    {
        (void)take_text(renderer, path, texts, name);
    }
}

/* Copies object[key], if it is there, into a field of fixed size; too long is a fault. */
static void copy_text(const struct renderer *renderer, const char *place, const json_t *object,
                      const char *key, char *out, size_t size)
{
    char path[PATH_BYTES];
    const char *text = json_string_value(json_object_get(object, key));
    if (text != NULL && !text_copy(out, size, text)) {
        fault(renderer, below(path, place, key), "expected at most %zu bytes", size - 1);
    }
}

/* What the drill wants to know of an alert, from its annotations and labels. */
static void read_annotations(const struct renderer *renderer, const char *place, json_t *rule,
                             struct rules_alert *alert)
{
    char path[PATH_BYTES];
    char window_path[PATH_BYTES];
    const json_t *labels = json_object_get(rule, "labels");
    const json_t *annotations = json_object_get(rule, "annotations");
    copy_text(renderer, below(path, place, "labels"), labels, "severity", alert->severity,
              sizeof alert->severity);
    (void)below(path, place, "annotations");
    copy_text(renderer, path, annotations, "quantity", alert->quantity, sizeof alert->quantity);
    copy_text(renderer, path, annotations, "objective", alert->objective, sizeof alert->objective);
    copy_text(renderer, path, annotations, "recovered", alert->recovered, sizeof alert->recovered);
    copy_text(renderer, path, annotations, "samples", alert->samples, sizeof alert->samples);
    const char *window = json_string_value(json_object_get(annotations, "window"));
    if (window != NULL && !text_to_duration_ns(window, &alert->window_ns)) {
        fault(renderer, below(window_path, path, "window"),
              "expected a duration such as 15m, got \"%s\"", window);
    }
}

static void keep_alert(struct renderer *renderer, const struct rules_alert *alert)
{
    struct rules *out = renderer->out;
    if (out->alert_count == renderer->alert_capacity) {
        renderer->alert_capacity = renderer->alert_capacity ? 2 * renderer->alert_capacity : 16;
        out->alert = mem_resize(out->alert, renderer->alert_capacity, sizeof *out->alert);
    }
    out->alert[out->alert_count++] = *alert;
}

static void render_alert(struct renderer *renderer, const char *place, json_t *rule,
                         const struct rules_alert *group)
{
    char path[PATH_BYTES];
    struct rules_alert alert = *group;
    int64_t keep_firing_for_ns = 0;
    compress_duration(renderer, place, rule, "for", 0, &alert.for_ns);
    compress_duration(renderer, place, rule, "keep_firing_for", 0, &keep_firing_for_ns);
    check_texts(renderer, place, rule, "annotations");
    read_annotations(renderer, place, rule, &alert);
    copy_text(renderer, place, rule, "alert", alert.name, sizeof alert.name);
    if (claim(renderer, below(path, place, "alert"), "alert", alert.name)) {
        keep_alert(renderer, &alert);
    }
}

/* Prometheus refuses these at start; here the fault has a line. The heartbeat's name is ours, and a
 * file that has it is one that was rendered before. */
static void check_record(const struct renderer *renderer, const char *place, const json_t *rule,
                         const char *record)
{
    static const char *const of_alerts[] = {"for", "keep_firing_for", "annotations"};
    char path[PATH_BYTES];
    for (size_t i = 0; i < sizeof of_alerts / sizeof of_alerts[0]; i++) {
        if (json_object_get(rule, of_alerts[i]) != NULL) {
            fault(renderer, below(path, place, of_alerts[i]), "expected in alerts only");
        }
    }
    if (strcmp(record, HEARTBEAT) == 0) {
        fault(renderer, below(path, place, "record"),
              "%s is added when rules are rendered; expected another name", HEARTBEAT);
    }
}

static void render_rule(struct renderer *renderer, const char *place, json_t *rule,
                        const struct rules_alert *group)
{
    static const char *const known[] = {"record",          "alert",  "expr",        "for",
                                        "keep_firing_for", "labels", "annotations", NULL};
    if (!check_mapping(renderer, place, rule, known,
                       "record, alert, expr, for, keep_firing_for, labels, annotations")) {
        return;
    }
    const char *record = take_text(renderer, place, rule, "record");
    const char *alert = take_text(renderer, place, rule, "alert");
    compress_expr(renderer, place, rule);
    check_texts(renderer, place, rule, "labels");
    if ((record != NULL && *record != '\0') == (alert != NULL && *alert != '\0')) {
        fault(renderer, place, "expected either an alert or a record, with a name");
    } else if (record != NULL) {
        check_record(renderer, place, rule, record);
    } else {
        render_alert(renderer, place, rule, group);
    }
}

/* Last in the group, so that it is there only if the evaluation got to its end. */
static void add_heartbeat(json_t *rules, const char *group)
{
    json_t *rule = json_pack("{s:s, s:s, s:{s:s}}", "record", HEARTBEAT, "expr", "vector(1)",
                             "labels", "rule_group", group);
    assert(rule != NULL);
    (void)json_array_append_new(rules, rule);
}

static void render_rules(struct renderer *renderer, const char *place, json_t *group,
                         const struct rules_alert *data)
{
    char path[PATH_BYTES];
    char rule_path[PATH_BYTES];
    size_t index;
    json_t *rule;
    json_t *rules = json_object_get(group, "rules");
    (void)below(path, place, "rules");
    if (rules == NULL || json_is_null(rules)) {
        (void)json_object_set_new(group, "rules", json_array());
        rules = json_object_get(group, "rules");
    }
    if (!json_is_array(rules)) {
        fault(renderer, path, "expected a list of rules");
        return;
    }
    json_array_foreach(rules, index, rule)
    {
        render_rule(renderer, below_index(rule_path, path, index), rule, data);
    }
    add_heartbeat(rules, data->group);
}

/* A group's name is claimed over all files, unlike in Prometheus, because heartbeats are told apart
 * by it alone. */
static void render_group(struct renderer *renderer, const char *place, json_t *group)
{
    static const char *const known[] = {"name",   "interval", "query_offset", "limit", "rules",
                                        "labels", NULL};
    char path[PATH_BYTES];
    struct rules_alert data = {.interval_ns = renderer->default_interval_ns};
    int64_t query_offset_ns = 0;
    if (!check_mapping(renderer, place, group, known,
                       "name, interval, query_offset, limit, rules, labels")) {
        return;
    }
    const char *name = take_text(renderer, place, group, "name");
    if (name == NULL || *name == '\0') {
        fault(renderer, below(path, place, "name"), "expected the group's name");
    } else {
        copy_text(renderer, place, group, "name", data.group, sizeof data.group);
        (void)claim(renderer, below(path, place, "name"), "group", name);
    }
    check_texts(renderer, place, group, "labels");
    if (json_object_get(group, "interval") == NULL) {
        char text[DURATION_BYTES];
        (void)text_from_duration_ns(renderer->default_interval_ns, text, sizeof text);
        (void)json_object_set_new(group, "interval", json_string(text));
    }
    compress_duration(renderer, place, group, "interval", 1, &data.interval_ns);
    compress_duration(renderer, place, group, "query_offset", 0, &query_offset_ns);
    render_rules(renderer, place, group, &data);
}

static void render_document(struct renderer *renderer, json_t *value)
{
    static const char *const known[] = {"groups", NULL};
    char path[PATH_BYTES];
    size_t index;
    json_t *group;
    if (json_is_null(value) || !check_mapping(renderer, "", value, known, "groups")) {
        if (json_is_null(value)) {
            fault(renderer, "", "expected a mapping with groups");
        }
        return;
    }
    json_t *groups = json_object_get(value, "groups");
    if (!json_is_array(groups)) {
        fault(renderer, "/groups", "expected a list of groups");
        return;
    }
    json_array_foreach(groups, index, group)
    {
        render_group(renderer, below_index(path, "/groups", index), group);
    }
}

/* Reads and rewrites one file in memory; what is wrong becomes faults. */
static void render_file(struct renderer *renderer, const char *source, const char *out_folder)
{
    struct document *document = &renderer->document[renderer->document_count];
    struct error error = {.code = ERR_OK};
    struct yaml_lines *lines = NULL;
    const char *slash = strrchr(source, '/');
    const char *base = slash != NULL ? slash + 1 : source;
    if (yaml_read_file(source, &document->value, &lines, &error) != ERR_OK) {
        faults_add(renderer->faults, source, error.line, "", "%s", error.text);
        return;
    }
    renderer->document_count++;
    renderer->path = source;
    renderer->lines = lines;
    (void)text_copy(document->source, sizeof document->source, source);
    if (!text_join_path(document->target, sizeof document->target, out_folder, base)) {
        fault(renderer, "", "expected a shorter path for %s/%s", out_folder, base);
    }
    if (claim(renderer, "", "file", base)) {
        render_document(renderer, document->value);
    }
    renderer->lines = NULL;
    yaml_lines_free(lines);
}

/* The second stage: all documents are without fault. */
static enum err write_documents(struct renderer *renderer, const char *out_folder,
                                struct error *error)
{
    struct rules *out = renderer->out;
    enum err code = file_make_folders(out_folder, error);
    out->rendered = mem_zalloc(renderer->document_count, sizeof *out->rendered);
    for (size_t i = 0; code == ERR_OK && i < renderer->document_count; i++) {
        const struct document *document = &renderer->document[i];
        const char *slash = strrchr(document->source, '/');
        char head[400];
        (void)snprintf(head, sizeof head,
                       "# Rendered by driftdrill from %s, every duration divided by %lld.\n",
                       slash != NULL ? slash + 1 : document->source,
                       (long long)renderer->time_scale);
        for (char *at = head; at[0] != '\0' && at[1] != '\0'; at++) {
            *at = *at == '\n' ? '?' : *at; /* a file's name may hold newlines, a comment not */
        }
        code = yaml_write_file(document->target, head, document->value, error);
        if (code == ERR_OK) {
            (void)text_copy(out->rendered[out->file_count++], sizeof out->rendered[0],
                            document->target);
        }
    }
    return code;
}

static enum err render_all(struct renderer *renderer, const char *const *paths, size_t count,
                           const char *out_folder, struct error *error)
{
    size_t before = renderer->faults->count;
    for (size_t i = 0; i < count; i++) {
        render_file(renderer, paths[i], out_folder);
    }
    size_t found = renderer->faults->count - before;
    if (found > 0) {
        return error_set(error, ERR_INPUT, NULL, 0, "%zu fault%s in the rule files", found,
                         found == 1 ? "" : "s");
    }
    return write_documents(renderer, out_folder, error);
}

enum err rules_render_files(const char *const *paths, size_t count, int64_t time_scale,
                            int64_t scrape_ns, int64_t default_interval_ns, const char *out_folder,
                            struct rules *out, struct faults *faults, struct error *error)
{
    assert(time_scale >= 1 && default_interval_ns > 0);
    *out = (struct rules){0};
    struct renderer renderer = {.time_scale = time_scale,
                                .min_range_ns = SCRAPES_PER_WINDOW * scrape_ns,
                                .default_interval_ns = default_interval_ns,
                                .out = out,
                                .faults = faults,
                                .seen = json_object(),
                                .document = mem_zalloc(count, sizeof *renderer.document)};
    enum err code = render_all(&renderer, paths, count, out_folder, error);
    for (size_t i = 0; i < renderer.document_count; i++) {
        json_decref(renderer.document[i].value);
    }
    mem_free(renderer.document);
    json_decref(renderer.seen);
    if (code != ERR_OK) {
        rules_deinit(out);
    }
    return code;
}

enum err rules_render(const char *glob, int64_t time_scale, int64_t scrape_ns,
                      int64_t default_interval_ns, const char *out_folder, struct rules *out,
                      struct faults *faults, struct error *error)
{
    char **paths = NULL;
    size_t count = 0;
    *out = (struct rules){0};
    enum err code = file_glob(glob, &paths, &count, error);
    if (code != ERR_OK) {
        return code;
    }
    if (count == 0) {
        code = error_set(error, ERR_INPUT, glob, 0, "matches no rule file");
    } else {
        code = rules_render_files((const char *const *)paths, count, time_scale, scrape_ns,
                                  default_interval_ns, out_folder, out, faults, error);
    }
    file_glob_free(paths, count);
    return code;
}

const struct rules_alert *rules_find(const struct rules *rules, const char *alert)
{
    for (size_t i = 0; i < rules->alert_count; i++) {
        if (strcmp(rules->alert[i].name, alert) == 0) {
            return &rules->alert[i];
        }
    }
    return NULL;
}

void rules_deinit(struct rules *rules)
{
    mem_free(rules->rendered);
    mem_free(rules->alert);
    *rules = (struct rules){0};
}
