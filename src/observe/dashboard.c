/*
 * The file is read twice: as JSON, strictly, because Grafana does; and as YAML, of which JSON is
 * nearly a part, for the lines that values stand in. Where the YAML reader refuses what JSON allows
 * (escaped surrogates), everything still works and faults have no lines.
 */
#include "observe/dashboard.h"

#include "base/fileio.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/yaml.h"
#include "observe/dashboard_int.h"
#include "observe/interval.h"

#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define FILE_BYTES_MAX ((size_t)16 << 20)
#define RANGE_DEFAULT_MS (6 * INT64_C(3600000))
#define FAULTS_MAX 200 /* of one file */

static const struct {
    const char *id;
    bool reduces, queries;
} types[] = {
#define X(name, id, reduced, queries) {id, reduced, queries},
    DASHBOARD_PANEL_TYPES(X)
#undef X
};

const char *dashboard_panel_type_id(enum dashboard_panel_type type)
{
    return types[type].id;
}

bool dashboard_panel_type_reduces(enum dashboard_panel_type type)
{
    return types[type].reduces;
}

bool dashboard_panel_type_queries(enum dashboard_panel_type type)
{
    return types[type].queries;
}

enum dashboard_panel_type dashboard_panel_type_of(const char *id)
{
    int type = 0;
    while (type < DASHBOARD_OTHER && strcmp(types[type].id, id) != 0) {
        type++;
    }
    return (enum dashboard_panel_type)type;
}

void dashboard_fault(struct dashboard_reader *reader, const char *pointer, const char *format, ...)
{
    char text[256];
    va_list arguments;
    if (reader == NULL || reader->fault_count >= FAULTS_MAX) {
        return;
    }
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    text_make_utf8(text);
    reader->fault_count++;
    faults_add(reader->faults, reader->name,
               reader->lines != NULL ? yaml_line(reader->lines, pointer) : 0, pointer, "%s", text);
}

const char *dashboard_below(char *out, const char *above, const char *key)
{
    (void)snprintf(out, DASHBOARD_POINTER_BYTES, "%s/%s", above, key);
    return out;
}

const char *dashboard_below_index(char *out, const char *above, size_t index)
{
    (void)snprintf(out, DASHBOARD_POINTER_BYTES, "%s/%zu", above, index);
    return out;
}

static bool absent(const json_t *value)
{
    return value == NULL || json_is_null(value);
}

const char *dashboard_text(struct dashboard_reader *reader, const char *pointer,
                           const json_t *object, const char *key, const char *otherwise)
{
    char path[DASHBOARD_POINTER_BYTES];
    const json_t *value = json_object_get(object, key);
    if (!absent(value) && !json_is_string(value)) {
        dashboard_fault(reader, dashboard_below(path, pointer, key), "expected text");
    }
    return json_is_string(value) ? json_string_value(value) : otherwise;
}

void dashboard_copy_text(struct dashboard_reader *reader, const char *pointer, const json_t *object,
                         const char *key, char *out, size_t size)
{
    char path[DASHBOARD_POINTER_BYTES];
    if (!text_copy(out, size, dashboard_text(reader, pointer, object, key, ""))) {
        text_make_utf8(out);
        dashboard_fault(reader, dashboard_below(path, pointer, key), "expected at most %zu bytes",
                        size - 1);
    }
}

double dashboard_number(struct dashboard_reader *reader, const char *pointer, const json_t *object,
                        const char *key, double otherwise)
{
    char path[DASHBOARD_POINTER_BYTES];
    const json_t *value = json_object_get(object, key);
    if (!absent(value) && !json_is_number(value)) {
        dashboard_fault(reader, dashboard_below(path, pointer, key), "expected a number");
    }
    return json_is_number(value) ? json_number_value(value) : otherwise;
}

bool dashboard_bool(struct dashboard_reader *reader, const char *pointer, const json_t *object,
                    const char *key, bool otherwise)
{
    char path[DASHBOARD_POINTER_BYTES];
    const json_t *value = json_object_get(object, key);
    if (!absent(value) && !json_is_boolean(value)) {
        dashboard_fault(reader, dashboard_below(path, pointer, key), "expected true or false");
    }
    return json_is_boolean(value) ? json_is_true(value) : otherwise;
}

const json_t *dashboard_list(struct dashboard_reader *reader, const char *pointer,
                             const json_t *object, const char *key)
{
    char path[DASHBOARD_POINTER_BYTES];
    const json_t *value = json_object_get(object, key);
    if (!absent(value) && !json_is_array(value)) {
        dashboard_fault(reader, dashboard_below(path, pointer, key), "expected a list");
    }
    return json_is_array(value) ? value : NULL;
}

enum err dashboard_parse(const char *name, const char *text, size_t len, json_t **out,
                         struct yaml_lines **lines, struct faults *faults, struct error *error)
{
    json_error_t json_error;
    json_t *again = NULL;
    *lines = NULL;
    *out = json_loadb(text, len, JSON_REJECT_DUPLICATES, &json_error);
    if (*out == NULL) {
        faults_add(faults, name, json_error.line, "", "not JSON: %s", json_error.text);
        return error_set(error, ERR_INPUT, name, json_error.line, "not JSON: %s", json_error.text);
    }
    if (!json_is_object(*out)) {
        json_decref(*out);
        *out = NULL;
        faults_add(faults, name, 1, "", "expected an object");
        return error_set(error, ERR_INPUT, name, 1, "expected an object");
    }
    if (yaml_read_text(name, text, len, &again, lines, NULL) == ERR_OK) {
        json_decref(again);
    }
    return ERR_OK;
}

/* "now-6h" to "now"; anything else is a range that moves no further, and 6 h stand for it. */
static int64_t read_range(struct dashboard_reader *reader, const json_t *root)
{
    int64_t ms;
    const json_t *time = json_object_get(root, "time");
    const char *from = dashboard_text(reader, "/time", time, "from", "");
    const char *to = dashboard_text(reader, "/time", time, "to", "now");
    if (text_starts(from, "now-") && strcmp(to, "now") == 0) {
        if (interval_read_ms(from + 4, &ms) && ms > 0) {
            return ms;
        }
        dashboard_fault(reader, "/time/from", "expected now- and a duration such as 6h, got %s",
                        from);
    }
    return RANGE_DEFAULT_MS;
}

static void read_tags(struct dashboard_reader *reader, const json_t *root, struct dashboard *out)
{
    size_t index;
    const json_t *tag;
    char path[DASHBOARD_POINTER_BYTES];
    const json_t *tags = dashboard_list(reader, "", root, "tags");
    out->tag = mem_array(json_array_size(tags) + 1, sizeof *out->tag);
    json_array_foreach(tags, index, tag)
    {
        if (json_is_string(tag)) {
            out->tag[out->tag_count++] = json_string_value(tag);
        } else {
            dashboard_fault(reader, dashboard_below_index(path, "/tags", index), "expected text");
        }
    }
}

static void read_root(struct dashboard_reader *reader, const json_t *root, struct dashboard *out)
{
    if (json_object_get(root, "elements") != NULL && json_object_get(root, "panels") == NULL) {
        dashboard_fault(reader, "", "a dashboard of schema v2; expected the classic one (panels)");
        return;
    }
    dashboard_copy_text(reader, "", root, "uid", out->uid, sizeof out->uid);
    dashboard_copy_text(reader, "", root, "title", out->title, sizeof out->title);
    out->description = dashboard_text(reader, "", root, "description", "");
    out->schema_version = (int)dashboard_number(reader, "", root, "schemaVersion", 0);
    if (out->uid[0] == '\0') {
        dashboard_fault(reader, "", "expected a uid: links and provisioning need it");
    }
    if (out->title[0] == '\0') {
        dashboard_fault(reader, "", "expected a title");
    }
    out->range_ms = read_range(reader, root);
    read_tags(reader, root, out);
    dashboard_variables_read(reader, root, out);
    dashboard_panels_read(reader, root, out);
    dashboard_links_read(reader, root, out);
    dashboard_annotations_read(reader, root, out);
}

enum err dashboard_read_text(const char *name, const char *text, size_t len, struct dashboard *out,
                             struct faults *faults, struct error *error)
{
    json_t *root;
    struct yaml_lines *lines;
    memset(out, 0, sizeof *out);
    enum err code = dashboard_parse(name, text, len, &root, &lines, faults, error);
    if (code != ERR_OK) {
        return code;
    }
    struct dashboard_reader reader = {.name = name, .lines = lines, .faults = faults};
    (void)text_copy(out->path, sizeof out->path, name);
    out->json = root;
    out->lines = lines;
    read_root(&reader, root, out);
    if (reader.fault_count > 0) {
        dashboard_deinit(out);
        return error_set(error, ERR_INPUT, name, 0, "%zu faults", reader.fault_count);
    }
    return ERR_OK;
}

enum err dashboard_read(const char *path, struct dashboard *out, struct faults *faults,
                        struct error *error)
{
    struct buf text;
    memset(out, 0, sizeof *out);
    buf_init(&text, FILE_BYTES_MAX);
    enum err code = file_read(path, &text, error);
    if (code == ERR_OK) {
        code =
            dashboard_read_text(path, text.len > 0 ? text.data : "", text.len, out, faults, error);
    }
    buf_deinit(&text);
    return code;
}

void dashboard_deinit(struct dashboard *dashboard)
{
    for (size_t i = 0; i < dashboard->panel_count; i++) {
        dashboard_panel_deinit(&dashboard->panel[i]);
    }
    for (size_t i = 0; i < dashboard->variable_count; i++) {
        mem_free(dashboard->variable[i].current);
        mem_free(dashboard->variable[i].option);
    }
    for (size_t i = 0; i < dashboard->link_count; i++) {
        mem_free(dashboard->link[i].tag);
    }
    mem_free(dashboard->panel);
    mem_free(dashboard->variable);
    mem_free(dashboard->link);
    mem_free(dashboard->annotation);
    mem_free(dashboard->tag);
    json_decref(dashboard->json);
    yaml_lines_free(dashboard->lines);
    memset(dashboard, 0, sizeof *dashboard);
}

const struct dashboard_panel *dashboard_panel_find(const struct dashboard *dashboard,
                                                   const char *title)
{
    for (size_t i = 0; i < dashboard->panel_count; i++) {
        if (strcmp(dashboard->panel[i].title, title) == 0) {
            return &dashboard->panel[i];
        }
    }
    return NULL;
}

const struct dashboard_variable *dashboard_variable_find(const struct dashboard *dashboard,
                                                         const char *name)
{
    for (size_t i = 0; i < dashboard->variable_count; i++) {
        if (strcmp(dashboard->variable[i].name, name) == 0) {
            return &dashboard->variable[i];
        }
    }
    return NULL;
}

int dashboard_line(const struct dashboard *dashboard, const char *pointer)
{
    return dashboard->lines != NULL ? yaml_line(dashboard->lines, pointer) : 0;
}
