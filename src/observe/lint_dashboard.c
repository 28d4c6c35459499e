/* The dashboard around its panels: identity, variables, links, annotations. */
#include "observe/lint_dashboard.h"

#include "base/text.h"
#include "observe/lint_dashboard_int.h"
#include "observe/lint_links.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

void lint_path(char *out, const char *base, const char *key)
{
    (void)text_copy(out, LINT_PATH_BYTES, base);
    size_t len = strlen(out);
    if (*key != '\0' && len + 1 < LINT_PATH_BYTES) {
        out[len++] = '/';
        (void)text_copy(out + len, LINT_PATH_BYTES - len, key);
    }
}

void lint_path_index(char *out, const char *base, const char *key, size_t index)
{
    char below[LINT_PATH_BYTES], number[24];
    (void)snprintf(number, sizeof number, "%zu", index);
    lint_path(below, base, key);
    lint_path(out, below, number);
}

struct lint_place lint_board_place(const struct lint_board_work *work, const char *base,
                                   const char *key, const char *who, char *path)
{
    lint_path(path, base, key);
    return (struct lint_place){work->file, yaml_line(work->lines, path), path, who};
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

static void check_text(const struct lint_board_work *work, const char *path, const char *who,
                       const char *text)
{
    struct lint_variable variable;
    size_t at = 0;
    while (lint_variable_next(text, &at, &variable)) {
        if (json_object_get(work->values, variable.name) == NULL &&
            !lint_variable_is_builtin(variable.name)) {
            char kept[LINT_PATH_BYTES];
            struct lint_place place = lint_board_place(work, path, "", who, kept);
            lint_fault(work->lint, &place, "unknown variable $%s", variable.name);
        }
    }
}

void lint_board_texts(const struct lint_board_work *work, const json_t *value, const char *path,
                      const char *who, const char *skip)
{
    char below[LINT_PATH_BYTES];
    const char *key;
    json_t *item;
    size_t index;
    if (json_is_string(value)) {
        check_text(work, path, who, json_string_value(value));
    }
    json_array_foreach(value, index, item)
    {
        lint_path_index(below, path, "", index);
        lint_board_texts(work, item, below, who, NULL);
    }
    json_object_foreach((json_t *)(uintptr_t)value, key, item)
    {
        if (strcmp(key, "expr") != 0 && (skip == NULL || strcmp(key, skip) != 0)) {
            lint_path(below, path, key);
            lint_board_texts(work, item, below, who, NULL);
        }
    }
}

/* A link to all dashboards with certain tags. */
static void check_tags(const struct lint_board_work *work, const struct lint_place *place,
                       const json_t *link)
{
    size_t index;
    json_t *tag;
    const char *uid;
    json_t *board;
    bool found = json_object_size(work->boards) == 0;
    json_object_foreach((json_t *)(uintptr_t)work->boards, uid, board)
    {
        bool all = true;
        json_array_foreach(json_object_get(link, "tags"), index, tag)
        {
            all = all && json_is_string(tag) &&
                  json_object_get(json_object_get(board, "tags"), json_string_value(tag)) != NULL;
        }
        found = found || all;
    }
    if (!found) {
        lint_fault(work->lint, place, "dead link: no dashboard has its tags");
    }
}

/* A dashboard's own links say in flags what they keep, those of panels in their address. */
void lint_board_links(const struct lint_board_work *work, const json_t *links, const char *path,
                      const char *who)
{
    size_t index;
    json_t *link;
    json_array_foreach(links, index, link)
    {
        char below[LINT_PATH_BYTES], kept[LINT_PATH_BYTES];
        const char *url = text_of(link, "url");
        bool flags = json_object_get(link, "keepTime") != NULL;
        bool dashboards = strcmp(text_of(link, "type"), "dashboards") == 0;
        bool inside = dashboards || text_starts(url, "/d/") || text_starts(url, "d/");
        lint_path_index(below, path, "", index);
        struct lint_place place = lint_board_place(work, below, "", who, kept);
        if (dashboards) {
            check_tags(work, &place, link);
        } else {
            place = lint_board_place(work, below, "url", who, kept);
            lint_link(work->lint, &place, work->boards, url);
        }
        if (inside && !json_is_true(json_object_get(link, "keepTime")) &&
            strstr(url, "__url_time_range") == NULL && strstr(url, "from=") == NULL) {
            lint_fault(work->lint, &place, "the link forgets the time range");
        }
        if (inside && (flags || dashboards) &&
            !json_is_true(json_object_get(link, "includeVars")) && strstr(url, "var-") == NULL &&
            strstr(url, "__all_variables") == NULL) {
            lint_fault(work->lint, &place, "the link forgets the variables");
        }
    }
}

/* What a query gets for the variable: the value chosen, or anything at all. */
static const char *value_of(const json_t *variable)
{
    const json_t *value = json_object_get(json_object_get(variable, "current"), "value");
    const char *text = json_string_value(json_is_array(value) ? json_array_get(value, 0) : value);
    if (text == NULL || *text == '\0') {
        text = text_of(json_array_get(json_object_get(variable, "options"), 0), "value");
    }
    if (*text == '\0' && strcmp(text_of(variable, "type"), "query") != 0) {
        text = text_of(variable, "query");
    }
    if (strcmp(text, "$__all") == 0) {
        text = text_of(variable, "allValue");
        text = *text != '\0' ? text : ".+";
    }
    return text_starts(text, "$__auto_interval") ? "5m" : *text != '\0' ? text : "1";
}

static void read_variables(struct lint_board_work *work, const json_t *document)
{
    const json_t *list = json_object_get(json_object_get(document, "templating"), "list");
    size_t index;
    json_t *item;
    json_array_foreach(list, index, item)
    {
        const char *name = text_of(item, "name");
        char value[256];
        (void)text_copy(value, sizeof value, value_of(item));
        value[strcspn(value, ",")] = '\0'; /* of a list of choices */
        (void)json_object_set_new(work->values, name, json_string(value));
    }
    json_array_foreach(json_object_get(document, "__inputs"), index, item)
    {
        (void)json_object_set_new(work->values, text_of(item, "name"), json_string("1"));
    }
}

/* label_values(SELECTOR, LABEL) is no PromQL, but its parts are. */
static void check_label_values(const struct lint_board_work *work, const struct lint_place *place,
                               const char *query)
{
    char text[1024];
    struct lint_node *node = NULL;
    struct lint_shape shape;
    bool fits = text_copy(text, sizeof text, query + strlen("label_values("));
    char *end = strrchr(text, ')');
    char *comma = strrchr(text, ',');
    if (!fits || end == NULL || comma == NULL || strchr(comma, '}') != NULL) {
        return;
    }
    *end = '\0';
    *comma = '\0';
    const char *label = comma + 1 + strspn(comma + 1, " ");
    lint_query(work->lint, place, text, work->values, &node);
    if (node != NULL) {
        lint_shape_of(work->lint->series, node, &shape);
        if (!lint_shape_has(&shape, label)) {
            lint_fault(work->lint, place, "label_values: %s has no label %s", text, label);
        }
        lint_shape_deinit(&shape);
    }
    lint_node_free(node);
}

static void check_variables(const struct lint_board_work *work, const json_t *document)
{
    const json_t *list = json_object_get(json_object_get(document, "templating"), "list");
    size_t index;
    json_t *item;
    json_array_foreach(list, index, item)
    {
        char base[64], path[LINT_PATH_BYTES], who[LINT_WHO_BYTES];
        const json_t *query = json_object_get(item, "query");
        const char *text = json_is_object(query) ? text_of(query, "query") : text_of(item, "query");
        (void)snprintf(base, sizeof base, "/templating/list/%zu", index);
        (void)snprintf(who, sizeof who, "variable %.60s: ", text_of(item, "name"));
        struct lint_place place = lint_board_place(work, base, "query", who, path);
        if (text_starts(text, "label_values(")) {
            check_label_values(work, &place, text);
        }
    }
}

static void check_annotations(const struct lint_board_work *work, const json_t *document)
{
    const json_t *list = json_object_get(json_object_get(document, "annotations"), "list");
    size_t index;
    json_t *item;
    json_array_foreach(list, index, item)
    {
        char base[64], path[LINT_PATH_BYTES], who[LINT_WHO_BYTES];
        struct lint_node *node = NULL;
        const char *expr = text_of(item, "expr");
        if (*expr == '\0') {
            continue;
        }
        (void)snprintf(base, sizeof base, "/annotations/list/%zu", index);
        (void)snprintf(who, sizeof who, "annotation \"%.60s\": ", text_of(item, "name"));
        struct lint_place place = lint_board_place(work, base, "expr", who, path);
        lint_query(work->lint, &place, expr, work->values, &node);
        place = lint_board_place(work, base, "titleFormat", who, path);
        lint_legend(work->lint, &place, node, text_of(item, "titleFormat"));
        place = lint_board_place(work, base, "textFormat", who, path);
        lint_legend(work->lint, &place, node, text_of(item, "textFormat"));
        lint_node_free(node);
    }
}

/* The dashboard's own name for `key` must be its alone. */
static void check_identity(const struct lint_board_work *work, const json_t *document,
                           const char *key, json_t *seen)
{
    char path[LINT_PATH_BYTES], claim[300], base[8];
    const char *text = text_of(document, key);
    (void)snprintf(base, sizeof base, "/%s", key);
    struct lint_place place = lint_board_place(work, base, "", "", path);
    if (*text == '\0') {
        lint_fault(work->lint, &place, "expected the dashboard's %s", key);
        return;
    }
    (void)snprintf(claim, sizeof claim, "%s %.250s", key, text);
    const char *first = json_string_value(json_object_get(seen, claim));
    if (first != NULL) {
        lint_fault(work->lint, &place, "%s has the %s \"%s\", too", first, key, text);
    } else {
        (void)json_object_set_new(seen, claim, json_string(work->file));
    }
}

void lint_dashboard(const struct lint *lint, const char *path, const json_t *document,
                    const struct yaml_lines *lines, const json_t *boards, json_t *seen)
{
    struct lint_board_work work = {lint,          path,          lines,         boards,
                                   json_object(), json_object(), json_object(), json_object()};
    if (!json_is_array(json_object_get(document, "panels"))) {
        char kept[LINT_PATH_BYTES];
        struct lint_place place = lint_board_place(&work, "", "", "", kept);
        lint_fault(lint, &place, "expected a dashboard in classic JSON, with a list of panels");
    } else {
        read_variables(&work, document);
        check_identity(&work, document, "uid", seen);
        check_identity(&work, document, "title", seen);
        lint_board_texts(&work, document, "", "", "panels");
        lint_board_links(&work, json_object_get(document, "links"), "/links", "");
        check_variables(&work, document);
        check_annotations(&work, document);
        lint_panels(&work, json_object_get(document, "panels"), "/panels");
    }
    json_decref(work.values);
    json_decref(work.ids);
    json_decref(work.titles);
    json_decref(work.said);
}
