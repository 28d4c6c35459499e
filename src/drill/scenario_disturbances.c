/*
 * What happens to target and Prometheus. The body of a target's fault is the target's own language,
 * which this floor does not speak: it is kept as it stands, for whoever knows (drill_config.check).
 */
#include "drill/scenario_int.h"

#include "base/clock.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>

static void read_fault(const struct fields_at *at, struct scenario_disturbance *out)
{
    const json_t *fault = json_object_get(at->object, "fault");
    if (fault == NULL) {
        fields_fault(at->fields, at->path, "a target-fault needs 'fault'");
        return;
    }
    char path[160];
    fields_path(at, "fault", path, sizeof path);
    if (!json_is_object(fault)) {
        fields_fault(at->fields, path,
                     "'fault': expected a mapping with the keys of POST /admin/fault, without "
                     "duration_s");
        return;
    }
    if (json_object_get(fault, "duration_s") != NULL) {
        fields_fault(at->fields, path, "'fault' has no 'duration_s': 'lasts' says it");
        return;
    }
    if (!json_is_string(json_object_get(fault, "kind"))) {
        fields_fault(at->fields, path, "'fault': expected 'kind', a text");
        return;
    }
    char *text = json_dumps(fault, JSON_COMPACT);
    if (!text_copy(out->fault, sizeof out->fault, text)) {
        fields_fault(at->fields, path, "'fault': expected at most %zu bytes of JSON",
                     sizeof out->fault - 1);
    }
    free(text);
}

static void read_time(const struct fields_at *at, const struct scenario *scenario,
                      struct scenario_disturbance *out)
{
    out->at_ns = scenario_read_onset(at, scenario);
    scenario_read_duration(at, "lasts", FIELDS_OPTIONAL, CLOCK_NS_PER_S, scenario->time_scale,
                           &out->lasts_ns);
    if (out->lasts_ns > scenario->end_ns - out->at_ns && scenario->end_ns > out->at_ns) {
        fields_fault(at->fields, at->path, "'lasts' is longer than the rest of the drill");
    }
}

static void read_disturbance(const struct fields *fields, const json_t *value, size_t index,
                             struct scenario *out)
{
    static const char *const known[] = {"kind", "starts", "delay", "lasts", "fault", NULL};
    static const char *const kinds[] = {"restart-target", "stall-prometheus", "target-fault",
                                        "failed-retrain", NULL};
    struct fields_at at;
    char path[160];
    int kind = 0;
    snprintf(path, sizeof path, "/disturbances/%zu", index);
    if (!fields_object(fields, value, path, known, &at)) {
        return;
    }
    struct scenario_disturbance *disturbance = &out->disturbance[out->disturbance_count++];
    disturbance->line = fields_line(&at);
    bool known_kind = fields_choice(&at, "kind", FIELDS_REQUIRED, kinds, &kind);
    disturbance->kind = (enum scenario_disturb)kind;
    read_time(&at, out, disturbance);
    if (!known_kind) {
        return;
    }
    bool moment = disturbance->kind == SCENARIO_FAILED_RETRAIN;
    if (moment && fields_has(&at, "lasts")) {
        fields_fault(fields, path, "a %s has no 'lasts'", kinds[kind]);
    } else if (!moment && disturbance->kind != SCENARIO_RESTART_TARGET &&
               !fields_has(&at, "lasts")) {
        fields_fault(fields, path, "a %s needs 'lasts'", kinds[kind]);
    }
    if (disturbance->kind == SCENARIO_TARGET_FAULT) {
        read_fault(&at, disturbance);
    } else if (fields_has(&at, "fault")) {
        fields_fault(fields, path, "a %s has no 'fault'", kinds[kind]);
    }
}

void scenario_read_disturbances(const struct fields_at *root, struct scenario *out)
{
    const json_t *list = fields_array(root, "disturbances", FIELDS_OPTIONAL);
    size_t count = json_array_size(list);
    if (count > SCENARIO_DISTURBANCES_MAX) {
        fields_fault(root->fields, "/disturbances", "expected at most %d",
                     SCENARIO_DISTURBANCES_MAX);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        read_disturbance(root->fields, json_array_get(list, i), i, out);
    }
}
