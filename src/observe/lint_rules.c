/*
 * Rules one by one. An alert is for a person who is woken or works through tickets: without a
 * summary, a runbook and a severity it cannot be acted on, and with a value in its labels it is
 * another alert at every evaluation, which never gets old enough to fire.
 */
#include "observe/lint_rules.h"

#include "observe/lint_links.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define PATH_BYTES 160

typedef void visit_rule(void *context, const char *group, const json_t *rule, const char *place);

/* Every rule of the document with its JSON pointer. */
static void each_rule(const json_t *document, visit_rule *visit, void *context)
{
    size_t g, r;
    json_t *group, *rule;
    json_array_foreach(json_object_get(document, "groups"), g, group)
    {
        const char *name = json_string_value(json_object_get(group, "name"));
        json_array_foreach(json_object_get(group, "rules"), r, rule)
        {
            char place[64];
            (void)snprintf(place, sizeof place, "/groups/%zu/rules/%zu", g, r);
            visit(context, name != NULL ? name : "", rule, place);
        }
    }
}

static void collect(void *context, const char *group, const json_t *rule, const char *place)
{
    (void)group;
    (void)place;
    lint_series_add_rule(context, rule);
}

void lint_rules_collect(struct lint_series *series, const json_t *document)
{
    each_rule(document, collect, series);
}

struct work {
    const struct lint *lint;
    const char *file;
    const struct yaml_lines *lines;
    const json_t *boards;
    json_t *seen; /* records with their labels */
    const char *who;
};

/* The place of a value below a rule; `path` holds PATH_BYTES. */
static struct lint_place place_of(const struct work *work, const char *rule, const char *part,
                                  const char *key, char *path)
{
    (void)snprintf(path, PATH_BYTES, "%s%s%s%s%s", rule, *part != '\0' ? "/" : "", part,
                   *key != '\0' ? "/" : "", key);
    return (struct lint_place){work->file, yaml_line(work->lines, path), path, work->who};
}

/* $labels.x of a template against what the expression yields. */
static void check_template(const struct work *work, const struct lint_place *place,
                           const struct lint_shape *shape, const char *text, bool label)
{
    const char *inside;
    size_t at = 0, len;
    bool broken = false;
    while (lint_template_next(text, &at, &inside, &len, &broken)) {
        char name[LINT_NAME_BYTES];
        size_t from = 0;
        if (label && lint_template_has_value(inside, len)) {
            lint_fault(work->lint, place,
                       "the value in a label makes another alert of every evaluation; say it in an "
                       "annotation");
        }
        while (lint_template_label(inside, len, &from, name)) {
            if (!lint_shape_has(shape, name)) {
                lint_fault(work->lint, place, "$labels.%s: the expression yields no label %s", name,
                           name);
            }
        }
    }
    if (broken) {
        lint_fault(work->lint, place, "{{ does not end");
    }
}

static void check_templates(const struct work *work, const json_t *rule, const char *place,
                            const char *part, const struct lint_shape *shape)
{
    const char *key;
    json_t *value;
    json_object_foreach(json_object_get(rule, part), key, value)
    {
        char path[PATH_BYTES];
        if (json_is_string(value)) {
            struct lint_place at = place_of(work, place, part, key, path);
            check_template(work, &at, shape, json_string_value(value), strcmp(part, "labels") == 0);
        }
    }
}

static const char *text_at(const json_t *rule, const char *part, const char *key)
{
    const char *text = json_string_value(json_object_get(json_object_get(rule, part), key));
    return text != NULL && *text != '\0' ? text : NULL;
}

static void check_runbook(const struct work *work, const json_t *rule, const char *place)
{
    char path[PATH_BYTES];
    const char *key =
        text_at(rule, "annotations", "runbook_url") != NULL ? "runbook_url" : "runbook";
    const char *url = text_at(rule, "annotations", key);
    if (url == NULL) {
        struct lint_place at = place_of(work, place, "", "", path);
        lint_fault(work->lint, &at, "no runbook: expected the annotation runbook_url");
        return;
    }
    struct lint_place at = place_of(work, place, "annotations", key, path);
    if (work->lint->runbook != NULL && !work->lint->runbook(work->lint->context, work->file, url)) {
        lint_fault(work->lint, &at, "dead link: there is no runbook %s", url);
    }
}

/* What the alert watches: not what stands behind `and`, its sample size. */
static void add_watched(const struct lint_series *series, const struct lint_node *node, json_t *out)
{
    if (lint_is_operator(node, "and")) {
        add_watched(series, node->child[0], out);
    } else if (lint_is_operator(node, "or") || lint_is_operator(node, "unless")) {
        add_watched(series, node->child[0], out);
        add_watched(series, node->child[1], out);
    } else {
        lint_series_reads(series, node, out);
    }
}

/* A link that leads to a panel of something else misleads whoever is woken. An alert that reads no
 * series (vector(1), the watchdog) has no panel of its own, so any will do. */
static void check_panel(const struct work *work, const struct lint_place *place,
                        const struct lint_node *node, const char *link)
{
    const json_t *names = lint_link_panel(work->boards, link);
    const char *name;
    json_t *value;
    json_t *watched = json_object(), *drawn = json_object();
    if (names != NULL && node != NULL) {
        add_watched(work->lint->series, node, watched);
    }
    json_object_foreach((json_t *)(uintptr_t)names, name, value)
    {
        lint_series_reads_of(work->lint->series, name, drawn);
    }
    bool shared = json_object_size(watched) == 0;
    json_object_foreach(watched, name, value)
    {
        shared = shared || json_object_get(drawn, name) != NULL;
    }
    if (!shared) {
        lint_fault(work->lint, place, "the panel draws nothing that the alert reads");
    }
    json_decref(watched);
    json_decref(drawn);
}

static void check_annotations(const struct work *work, const json_t *rule, const char *place,
                              const struct lint_node *node)
{
    static const char *const wanted[] = {"summary", "description"};
    char path[PATH_BYTES];
    struct lint_place whole = place_of(work, place, "", "", path);
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        if (text_at(rule, "annotations", wanted[i]) == NULL) {
            lint_fault(work->lint, &whole, "expected the annotation %s", wanted[i]);
        }
    }
    check_runbook(work, rule, place);
    const char *link = text_at(rule, "annotations", "dashboard");
    if (link != NULL) {
        struct lint_place at = place_of(work, place, "annotations", "dashboard", path);
        lint_link(work->lint, &at, work->boards, link);
        check_panel(work, &at, node, link);
    }
}

/* Drift is for a ticket: nobody can mend a model at night, and it may be the people's right. */
static void check_severity(const struct work *work, const json_t *rule, const char *place,
                           const char *group)
{
    char path[PATH_BYTES];
    const char *severity = text_at(rule, "labels", "severity");
    bool drift = text_at(rule, "annotations", "quantity") != NULL || strcmp(group, "drift") == 0;
    if (severity == NULL) {
        struct lint_place at = place_of(work, place, "", "", path);
        lint_fault(work->lint, &at, "expected the label severity");
    } else if (drift &&
               (strcasecmp(severity, "page") == 0 || strcasecmp(severity, "critical") == 0)) {
        struct lint_place at = place_of(work, place, "labels", "severity", path);
        lint_fault(work->lint, &at, "a drift alert is a ticket, never a %s", severity);
    }
}

/* What tells a rule's series apart: a name that two rules record is right only with other labels.
 */
static void claim_record(const struct work *work, const json_t *rule, const char *place,
                         const char *name)
{
    char path[PATH_BYTES], key[512];
    char *labels = json_dumps(json_object_get(rule, "labels"), JSON_SORT_KEYS | JSON_COMPACT);
    (void)snprintf(key, sizeof key, "%s%s", name, labels != NULL ? labels : "");
    free(labels);
    json_t *first = json_object_get(work->seen, key);
    struct lint_place at = place_of(work, place, "record", "", path);
    if (first != NULL) {
        lint_fault(work->lint, &at, "line %lld records the same series",
                   (long long)json_integer_value(first));
    } else {
        (void)json_object_set_new(work->seen, key, json_integer(at.line));
    }
}

static void check_rule(void *context, const char *group, const json_t *rule, const char *place)
{
    struct work work = *(struct work *)context;
    char path[PATH_BYTES], who[LINT_WHO_BYTES] = "";
    const char *alert = json_string_value(json_object_get(rule, "alert"));
    const char *record = json_string_value(json_object_get(rule, "record"));
    const char *expr = json_string_value(json_object_get(rule, "expr"));
    struct lint_node *node = NULL;
    struct lint_shape shape = {.any = true};
    if (alert == NULL && record == NULL) {
        return;
    }
    (void)snprintf(who, sizeof who, "%s: ", alert != NULL ? alert : record);
    work.who = who;
    if (expr != NULL) {
        struct lint_place at = place_of(&work, place, "expr", "", path);
        lint_query(work.lint, &at, expr, NULL, &node);
    }
    if (node != NULL) {
        lint_shape_of(work.lint->series, node, &shape);
    }
    check_templates(&work, rule, place, "labels", &shape);
    if (alert != NULL) {
        check_templates(&work, rule, place, "annotations", &shape);
        check_annotations(&work, rule, place, node);
        check_severity(&work, rule, place, group);
    } else {
        claim_record(&work, rule, place, record);
    }
    lint_shape_deinit(&shape);
    lint_node_free(node);
}

void lint_rules(const struct lint *lint, const char *path, const json_t *document,
                const struct yaml_lines *lines, const json_t *boards)
{
    struct work work = {lint, path, lines, boards, json_object(), ""};
    each_rule(document, check_rule, &work);
    json_decref(work.seen);
}
