/*
 * Rule files into groups of parsed rules. What a file must look like beyond that (known fields,
 * annotations) is judged where files are rendered for a drill; here only what the engine cannot
 * evaluate is refused.
 */
#include "base/mem.h"
#include "base/text.h"
#include "base/yaml.h"
#include "observe/rule_engine_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NS_PER_MS 1000000
#define DEFAULT_INTERVAL_MS 60000 /* as of Prometheus' own evaluation_interval */
#define PLACE_BYTES 256

struct loader {
    struct rule_engine *engine;
    const char *path;
    const struct yaml_lines *lines;
    struct error *error;
};

/* A file's error at a place inside it. */
static enum err refuse(const struct loader *loader, const char *place, const char *what,
                       const char *got)
{
    int line = yaml_line(loader->lines, place);
    if (got == NULL) {
        return error_set(loader->error, ERR_INPUT, loader->path, line, "%s", what);
    }
    return error_set(loader->error, ERR_INPUT, loader->path, line, "%s, got \"%.200s\"", what, got);
}

static const char *below(char *out, const char *place, const char *key)
{
    (void)text_join_path(out, PLACE_BYTES, place, key);
    return out;
}

/* Text of object[key], heap; NULL if it is absent or no text. Numbers are taken as spelt. */
static char *take_text(const struct loader *loader, const char *place, const json_t *object,
                       const char *key)
{
    char path[PLACE_BYTES];
    const json_t *value = json_object_get(object, key);
    if (value == NULL || json_is_string(value)) {
        return mem_text(json_string_value(value));
    }
    return mem_text(yaml_source(loader->lines, below(path, place, key)));
}

static enum err take_duration(const struct loader *loader, const char *place, const json_t *object,
                              const char *key, int64_t *out_ms)
{
    char path[PLACE_BYTES];
    int64_t ns = 0;
    char *text = take_text(loader, place, object, key);
    enum err code = ERR_OK;
    if (text != NULL && !text_to_duration_ns(text, &ns)) {
        code = refuse(loader, below(path, place, key), "expected a duration such as 2m30s", text);
    } else if (text != NULL) {
        *out_ms = ns / NS_PER_MS;
    }
    mem_free(text);
    return code;
}

static size_t put_label(struct label *list, size_t count, struct label pair)
{
    for (size_t i = 0; i < count; i++) {
        if (list[i].name == pair.name) {
            list[i] = pair;
            return count;
        }
    }
    list[count] = pair;
    return count + 1;
}

/* Adds the labels of a group or a rule; later ones replace earlier ones. */
static enum err take_labels(const struct loader *loader, const char *place, const json_t *object,
                            struct rule *rule)
{
    char path[PLACE_BYTES];
    const char *name;
    json_t *value;
    json_t *labels = json_object_get(object, "labels");
    enum err code = ERR_OK;
    (void)below(path, place, "labels");
    rule->label = mem_resize(rule->label, rule->label_count + json_object_size(labels) + 1,
                             sizeof *rule->label);
    json_object_foreach(labels, name, value)
    {
        char *text = take_text(loader, path, labels, name);
        if (text == NULL || strstr(text, "{{") != NULL || !promql_is_label(name, strlen(name))) {
            code = refuse(loader, path, "expected plain labels (templates are outside the subset)",
                          text);
        } else {
            struct labels *words = loader->engine->labels;
            struct label pair = {labels_word(words, name, strlen(name)),
                                 labels_word(words, text, strlen(text))};
            rule->label_count = put_label(rule->label, rule->label_count, pair);
        }
        mem_free(text);
    }
    return code;
}

static enum err take_expr(const struct loader *loader, const char *place, const json_t *object,
                          struct rule *rule)
{
    char path[PLACE_BYTES];
    struct error error = {.code = ERR_OK};
    rule->expr = take_text(loader, place, object, "expr");
    (void)below(path, place, "expr");
    if (rule->expr == NULL || *rule->expr == '\0') {
        return refuse(loader, path, "expected an expression", NULL);
    }
    if (rule_parse(loader->engine, rule, &error) == ERR_OK) {
        return ERR_OK;
    }
    if (strchr(rule->expr, '\n') == NULL) {
        return refuse(loader, path, error.text, NULL);
    }
    return error_set(loader->error, ERR_INPUT, loader->path, yaml_line(loader->lines, path),
                     "line %d of the expression: %s", error.line, error.text);
}

static bool alert_exists(const struct rule_engine *engine, const char *name)
{
    struct rule_alert alert;
    size_t count = rule_engine_alert_count(engine);
    for (size_t i = 0; i < count; i++) {
        rule_engine_alert_at(engine, i, &alert);
        if (strcmp(alert.name, name) == 0) {
            return true;
        }
    }
    return false;
}

static enum err take_name(const struct loader *loader, const char *place, const json_t *object,
                          struct rule *rule)
{
    char *record = take_text(loader, place, object, "record");
    char *alert = take_text(loader, place, object, "alert");
    char *name = record != NULL ? record : alert;
    bool one = (record == NULL) != (alert == NULL) && *name != '\0';
    if (!one) {
        mem_free(record);
        mem_free(alert);
        return refuse(loader, place, "expected one of record and alert", NULL);
    }
    bool twice = alert != NULL && alert_exists(loader->engine, name);
    rule->name = name;
    rule->is_alert = alert != NULL && !twice;
    return twice ? refuse(loader, place, "expected each alert once", name) : ERR_OK;
}

static enum err load_rule(const struct loader *loader, const char *place, const json_t *object,
                          const json_t *group_object, struct rule_group *group)
{
    struct rule *rule = rule_group_add(group);
    enum err code = take_name(loader, place, object, rule);
    if (code == ERR_OK) {
        code = take_labels(loader, place, group_object, rule);
    }
    if (code == ERR_OK) {
        code = take_labels(loader, place, object, rule);
    }
    if (code == ERR_OK) {
        code = take_duration(loader, place, object, "for", &rule->for_ms);
    }
    if (code == ERR_OK) {
        code = take_duration(loader, place, object, "keep_firing_for", &rule->keep_firing_for_ms);
    }
    char *severity = take_text(loader, place, json_object_get(object, "labels"), "severity");
    rule->severity = severity != NULL ? severity : mem_text("");
    char *quantity = take_text(loader, place, json_object_get(object, "annotations"), "quantity");
    rule->quantity = quantity != NULL ? quantity : mem_text("");
    return code == ERR_OK ? take_expr(loader, place, object, rule) : code;
}

static enum err load_group(const struct loader *loader, const char *place, const json_t *object)
{
    char path[PLACE_BYTES];
    size_t index;
    json_t *rule;
    int64_t interval_ms = DEFAULT_INTERVAL_MS, offset_ms = 0;
    enum err code = take_duration(loader, place, object, "interval", &interval_ms);
    if (code == ERR_OK) {
        code = take_duration(loader, place, object, "query_offset", &offset_ms);
    }
    if (code != ERR_OK) {
        return code;
    }
    if (offset_ms != 0 || json_integer_value(json_object_get(object, "limit")) != 0) {
        return refuse(loader, place, "query_offset and limit are outside the supported subset",
                      NULL);
    }
    char *name = take_text(loader, place, object, "name");
    struct rule_group *group =
        rule_engine_add_group(loader->engine, name != NULL ? name : "", interval_ms);
    mem_free(name);
    json_array_foreach(json_object_get(object, "rules"), index, rule)
    {
        char key[32];
        (void)snprintf(key, sizeof key, "rules/%zu", index);
        (void)below(path, place, key);
        code = code == ERR_OK ? load_rule(loader, path, rule, object, group) : code;
    }
    return code;
}

static enum err load_file(struct loader *loader, const char *path)
{
    char place[64];
    size_t index;
    json_t *group, *value = NULL;
    struct yaml_lines *lines = NULL;
    enum err code = yaml_read_file(path, &value, &lines, loader->error);
    if (code != ERR_OK) {
        return code;
    }
    loader->path = path;
    loader->lines = lines;
    if (!json_is_array(json_object_get(value, "groups"))) {
        code = refuse(loader, "", "expected a list of groups", NULL);
    }
    json_array_foreach(json_object_get(value, "groups"), index, group)
    {
        (void)snprintf(place, sizeof place, "/groups/%zu", index);
        code = code == ERR_OK ? load_group(loader, place, group) : code;
    }
    yaml_lines_free(lines);
    json_decref(value);
    return code;
}

enum err rule_engine_load(const char *const *paths, size_t count, struct rule_engine **out,
                          struct error *error)
{
    struct loader loader = {.engine = rule_engine_new(), .error = error};
    enum err code = ERR_OK;
    for (size_t i = 0; code == ERR_OK && i < count; i++) {
        code = load_file(&loader, paths[i]);
    }
    if (code != ERR_OK) {
        rule_engine_free(loader.engine);
        return code;
    }
    rule_engine_set_horizon(loader.engine);
    *out = loader.engine;
    return ERR_OK;
}
