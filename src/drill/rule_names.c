#include "drill/rule_names.h"

#include "base/yaml.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* A set of "alert NAME", "record NAME" and "group NAME", the last for groups with alerts, and
 * "drift NAME" for alerts that watch a quantity of the people. */
static void add_name(json_t *names, const char *what, const char *name)
{
    char key[512];
    if (name != NULL) {
        snprintf(key, sizeof key, "%s %s", what, name);
        json_object_set_new(names, key, json_true());
    }
}

static void add_group(json_t *names, const json_t *group)
{
    const json_t *rules = json_object_get(group, "rules");
    for (size_t i = 0; i < json_array_size(rules); i++) {
        const json_t *rule = json_array_get(rules, i);
        const char *alert = json_string_value(json_object_get(rule, "alert"));
        const json_t *watched = json_object_get(json_object_get(rule, "annotations"), "quantity");
        add_name(names, "alert", alert);
        if (watched != NULL) {
            add_name(names, "drift", alert);
        }
        add_name(names, "record", json_string_value(json_object_get(rule, "record")));
        if (alert != NULL) {
            add_name(names, "group", json_string_value(json_object_get(group, "name")));
        }
    }
}

static enum err add_file(json_t *names, const char *path, struct error *error)
{
    json_t *document = NULL;
    enum err code = yaml_read_file(path, &document, NULL, error);
    const json_t *groups = json_object_get(document, "groups");
    for (size_t i = 0; i < json_array_size(groups); i++) {
        add_group(names, json_array_get(groups, i));
    }
    json_decref(document);
    return code;
}

/* A record may be asked for with label matchers behind its name. */
static bool has_name(const json_t *names, const char *what, const char *name)
{
    char key[512];
    snprintf(key, sizeof key, "%s %.*s", what, (int)strcspn(name, "{"), name);
    return json_object_get(names, key) != NULL;
}

static void check(const json_t *names, const char *what, const char *name,
                  const struct scenario *scenario, const struct scenario_expectation *expectation,
                  struct faults *faults)
{
    char path[32];
    if (name[0] != '\0' && !has_name(names, what, name)) {
        snprintf(path, sizeof path, "/expectations/%d", expectation->index);
        faults_add(faults, scenario->path, expectation->line, path,
                   "no rule file defines the %s '%s'", what, name);
    }
}

static void check_floor(const json_t *names, const struct scenario *scenario,
                        const struct scenario_expectation *expectation, struct faults *faults)
{
    char path[32];
    if (has_name(names, "alert", expectation->alert) &&
        !has_name(names, "drift", expectation->alert)) {
        snprintf(path, sizeof path, "/expectations/%d", expectation->index);
        faults_add(faults, scenario->path, expectation->line, path,
                   "'within_floors' wants an alert that watches a quantity, and '%s' does not",
                   expectation->alert);
    }
}

/* A decoy that expects a drift alert is none. */
static void check_decoy(const json_t *names, const struct scenario *scenario,
                        const struct scenario_expectation *expectation, struct faults *faults)
{
    char path[32];
    bool happens = expectation->kind == SCENARIO_FIRES || expectation->kind == SCENARIO_RESOLVES;
    if (scenario->decoy && happens && has_name(names, "drift", expectation->alert)) {
        snprintf(path, sizeof path, "/expectations/%d", expectation->index);
        faults_add(faults, scenario->path, expectation->line, path,
                   "in a decoy no drift alert may be expected, and '%s' is one",
                   expectation->alert);
    }
}

enum err rule_names_check(const char *const *paths, size_t count, const struct scenario *scenario,
                          struct faults *faults, struct error *error)
{
    size_t faults_before = faults->count;
    json_t *names = json_object();
    enum err code = ERR_OK;
    for (size_t i = 0; i < count && code == ERR_OK; i++) {
        code = add_file(names, paths[i], error);
    }
    for (int i = 0; i < scenario->expectation_count && code == ERR_OK; i++) {
        const struct scenario_expectation *e = &scenario->expectation[i];
        if (e->kind == SCENARIO_DELAY_FLOOR) {
            check_floor(names, scenario, e, faults);
            continue; /* its alert is that of the expectation before it */
        }
        check(names, "alert", e->alert, scenario, e, faults);
        check(names, "group", e->group, scenario, e, faults);
        check(names, "record", e->record, scenario, e, faults);
        check_decoy(names, scenario, e, faults);
    }
    if (code == ERR_OK && !has_name(names, "alert", "Watchdog")) {
        faults_add(faults, scenario->path, 0, "",
                   "no rule file defines the alert 'Watchdog', which always fires: without it "
                   "silence proves nothing");
    }
    json_decref(names);
    if (code == ERR_OK && faults->count > faults_before) {
        code = error_set(error, ERR_INPUT, scenario->path, 0,
                         "the scenario expects what the rules do not define, or may not");
    }
    return code;
}
