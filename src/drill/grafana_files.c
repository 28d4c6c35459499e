#include "drill/grafana_files.h"

#include "base/text.h"

#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

void grafana_findings_add(struct grafana_findings *findings, const char *about, const char *format,
                          ...)
{
    if (findings->count++ >= GRAFANA_FINDINGS_MAX) {
        return;
    }
    va_list args;
    va_start(args, format);
    vsnprintf(findings->finding[findings->count - 1].text, sizeof findings->finding[0].text, format,
              args);
    va_end(args);
    text_copy(findings->finding[findings->count - 1].about, sizeof findings->finding[0].about,
              about);
}

/* ---- dashboards ---- */

static bool is_numbered_by_grafana(const char *key)
{
    static const char *const keys[] = {"id", "version", "iteration", "schemaVersion"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        if (strcmp(key, keys[i]) == 0) {
            return true;
        }
    }
    return false;
}

static bool differ(const json_t *wanted, const json_t *found, bool top, char *place, size_t size);

static bool objects_differ(const json_t *wanted, const json_t *found, bool top, char *place,
                           size_t size)
{
    const char *key;
    json_t *value;
    size_t len = strlen(place);
    json_object_foreach((json_t *)(uintptr_t)wanted, key, value)
    {
        if (top && is_numbered_by_grafana(key)) {
            continue;
        }
        snprintf(place + len, size - len, "/%s", key);
        if (differ(value, json_object_get(found, key), false, place, size)) {
            return true;
        }
        place[len] = '\0';
    }
    return false;
}

static bool lists_differ(const json_t *wanted, const json_t *found, char *place, size_t size)
{
    size_t count = json_array_size(wanted), len = strlen(place);
    for (size_t i = 0; i < count; i++) {
        snprintf(place + len, size - len, "/%zu", i);
        if (differ(json_array_get(wanted, i), json_array_get(found, i), false, place, size)) {
            return true;
        }
        place[len] = '\0';
    }
    return count != json_array_size(found);
}

static bool differ(const json_t *wanted, const json_t *found, bool top, char *place, size_t size)
{
    if (json_is_number(wanted) && json_is_number(found)) {
        return fabs(json_number_value(wanted) - json_number_value(found)) > 0;
    }
    if (json_is_null(wanted) && found == NULL) {
        return false;
    }
    if (found == NULL || json_typeof(wanted) != json_typeof(found)) {
        return true;
    }
    if (json_is_object(wanted)) {
        return objects_differ(wanted, found, top, place, size);
    }
    return json_is_array(wanted) ? lists_differ(wanted, found, place, size)
                                 : !json_equal(wanted, found);
}

bool grafana_files_differ(const json_t *wanted, const json_t *found, char *place, size_t size)
{
    place[0] = '\0';
    return differ(wanted, found, true, place, size);
}

void grafana_files_dashboards(struct grafana *grafana, const struct dashboard *dashboards,
                              size_t count, struct grafana_findings *out)
{
    for (size_t i = 0; i < count; i++) {
        const struct dashboard *dashboard = &dashboards[i];
        struct error error = {0};
        json_t *found = NULL;
        bool provisioned = false;
        char place[200];
        out->compared++;
        if (grafana_dashboard(grafana, dashboard->uid, &found, &provisioned, &error) != ERR_OK) {
            grafana_findings_add(out, dashboard->uid, "%.200s", error.text);
            continue;
        }
        if (!provisioned) {
            grafana_findings_add(out, dashboard->uid, "does not come from a file");
        }
        if (grafana_files_differ(dashboard->json, found, place, sizeof place)) {
            grafana_findings_add(out, dashboard->uid, "differs from the shipped one at %.200s",
                                 place);
        }
        json_decref(found);
    }
}

/* ---- alert rules ---- */

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

static const json_t *find_rule(const json_t *rules, const char *uid)
{
    size_t i;
    json_t *rule;
    json_array_foreach(rules, i, rule)
    {
        if (strcmp(text_of(rule, "uid"), uid) == 0) {
            return rule;
        }
    }
    return NULL;
}

static int64_t duration_of(const json_t *rule, const char *key)
{
    int64_t ns = 0;
    return text_to_duration_ns(text_of(rule, key), &ns) ? ns : 0;
}

/* The files write keepFiringFor, the API keep_firing_for. */
static void compare_rule(const json_t *wanted, const json_t *found, struct grafana_findings *out)
{
    static const char *const texts[] = {"title", "condition", "noDataState", "execErrState"};
    const char *uid = text_of(wanted, "uid");
    char place[200];
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (strcmp(text_of(wanted, texts[i]), text_of(found, texts[i])) != 0) {
            grafana_findings_add(out, uid, "%s is '%.80s', wanted '%.80s'", texts[i],
                                 text_of(found, texts[i]), text_of(wanted, texts[i]));
        }
    }
    if (duration_of(wanted, "for") != duration_of(found, "for")) {
        grafana_findings_add(out, uid, "for is '%.30s', wanted '%.30s'", text_of(found, "for"),
                             text_of(wanted, "for"));
    }
    if (json_object_get(found, "keep_firing_for") != NULL &&
        duration_of(wanted, "keepFiringFor") != duration_of(found, "keep_firing_for")) {
        grafana_findings_add(out, uid, "keep_firing_for is '%.30s', wanted '%.30s'",
                             text_of(found, "keep_firing_for"), text_of(wanted, "keepFiringFor"));
    }
    if (grafana_files_differ(json_object_get(wanted, "data"), json_object_get(found, "data"), place,
                             sizeof place)) {
        grafana_findings_add(out, uid, "differs from the shipped one at /data%.180s", place);
    }
}

/* Calls for every rule of a provisioning file. */
static void each_rule(const json_t *file, const json_t *rules, bool wanted,
                      struct grafana_findings *out)
{
    size_t g, r;
    json_t *group, *rule;
    json_array_foreach(json_object_get(file, "groups"), g, group)
    {
        json_array_foreach(json_object_get(group, "rules"), r, rule)
        {
            const char *uid = text_of(rule, "uid");
            const json_t *found = find_rule(rules, uid);
            out->compared++;
            if (wanted && found == NULL) {
                grafana_findings_add(out, uid, "is not there");
            } else if (wanted) {
                compare_rule(rule, found, out);
            } else if (found != NULL) {
                grafana_findings_add(out, uid,
                                     "is there, although Grafana cannot evaluate it in the time "
                                     "this scale leaves");
            }
        }
    }
}

void grafana_files_rules(struct grafana *grafana, const json_t *wanted, const json_t *production,
                         struct grafana_findings *out)
{
    struct error error = {0};
    json_t *rules = NULL;
    if (grafana_alert_rules(grafana, &rules, &error) != ERR_OK) {
        snprintf(out->unasked, sizeof out->unasked, "%.180s%s", error.text,
                 error.code == ERR_USAGE ? " (a user may be named in the address)" : "");
        return;
    }
    each_rule(wanted != NULL ? wanted : production, rules, wanted != NULL, out);
    json_decref(rules);
}
