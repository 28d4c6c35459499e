/*
 * Reading a scenario. Each section of the document has one reader that records its faults and goes
 * on; cross references (phases named by injections and expectations) are resolved at the end of
 * their own reader, because phases come first. Production durations are divided by time_scale on
 * the way in; a result with a fraction of a millisecond is a fault, as it is in a rule.
 */
#include "drill/scenario.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/fields.h"
#include "base/fileio.h"
#include "base/text.h"
#include "base/yaml.h"
#include "drill/scenario_int.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define THINK_MEDIAN_S 12.0 /* production time */

/* Of all phases, in drill time. The ledger keeps every tenth of a second of it. */
#define DRILL_MAX_NS (24 * 3600 * CLOCK_NS_PER_S)

#define FILE_MAX_BYTES (1u << 20)

int scenario_phase_index(const struct scenario *scenario, const char *name)
{
    for (int i = 0; i < scenario->phase_count; i++) {
        if (strcmp(scenario->phase[i].name, name) == 0) {
            return i;
        }
    }
    return -1;
}

int scenario_phase_at(const struct scenario *scenario, int64_t drill_ns)
{
    int at = 0;
    while (at + 1 < scenario->phase_count && drill_ns >= scenario->phase[at + 1].start_ns) {
        at++;
    }
    return at;
}

/* Production to drill time. */
static bool compress(const struct fields_at *at, const char *key, int64_t time_scale, int64_t *ns)
{
    int64_t ms = *ns / CLOCK_NS_PER_MS;
    if (ms % time_scale != 0) {
        char path[160];
        fields_path(at, key, path, sizeof path);
        fields_fault(at->fields, path,
                     "'%s': expected a duration that time_scale %lld divides into whole "
                     "milliseconds",
                     key, (long long)time_scale);
        return false;
    }
    *ns = ms / time_scale * CLOCK_NS_PER_MS;
    return true;
}

bool scenario_read_duration(const struct fields_at *at, const char *key, enum fields_need need,
                            int64_t min_ns, int64_t time_scale, int64_t *out_ns)
{
    int64_t ns = 0;
    if (!fields_duration(at, key, need, min_ns, &ns) || !compress(at, key, time_scale, &ns)) {
        return false;
    }
    *out_ns = ns;
    return true;
}

/* Kept in production time, but it must be divisible like all others. */
static void read_interval(const struct fields_at *at, const char *key, int64_t time_scale,
                          int64_t *production_ns)
{
    int64_t drill_ns = 0;
    if (scenario_read_duration(at, key, FIELDS_OPTIONAL, CLOCK_NS_PER_S, time_scale, &drill_ns)) {
        *production_ns = drill_ns * time_scale;
    }
}

static void read_watch(const struct fields_at *root, struct scenario *out)
{
    static const char *const known[] = {"scrape_interval", "evaluation_interval", NULL};
    struct fields_at at;
    const json_t *value = json_object_get(root->object, "watch");
    if (value == NULL || !fields_object(root->fields, value, "/watch", known, &at)) {
        return;
    }
    read_interval(&at, "scrape_interval", out->time_scale, &out->scrape_ns);
    read_interval(&at, "evaluation_interval", out->time_scale, &out->evaluation_ns);
}

static void read_retrain(const struct fields_at *phase_at, struct scenario_phase *phase)
{
    static const char *const known[] = {"films", NULL};
    struct fields_at at;
    char path[160];
    fields_path(phase_at, "retrain", path, sizeof path);
    const json_t *value = json_object_get(phase_at->object, "retrain");
    if (value == NULL || !fields_object(phase_at->fields, value, path, known, &at)) {
        return;
    }
    phase->retrains = true;
    const json_t *films = fields_array(&at, "films", FIELDS_REQUIRED);
    json_int_t low = json_integer_value(json_array_get(films, 0));
    json_int_t high = json_integer_value(json_array_get(films, 1));
    if (films != NULL && (json_array_size(films) != 2 || low < 1 || high < low || high > 1000)) {
        fields_fault(at.fields, path, "'films': expected [least, most] films a person, 1 to 1000");
        return;
    }
    phase->films_min = (int32_t)low;
    phase->films_max = (int32_t)high;
}

static void read_phase(const struct fields *fields, const json_t *value, size_t index,
                       struct scenario *out)
{
    static const char *const known[] = {"name", "duration", "retrain", "end_when_settled", NULL};
    struct scenario_phase *phase = &out->phase[out->phase_count];
    struct fields_at at;
    char path[160];
    snprintf(path, sizeof path, "/phases/%zu", index);
    if (!fields_object(fields, value, path, known, &at)) {
        return;
    }
    phase->start_ns = out->end_ns;
    if (fields_text(&at, "name", FIELDS_REQUIRED, phase->name, sizeof phase->name) &&
        scenario_phase_index(out, phase->name) >= 0) {
        fields_fault(fields, path, "a second phase named '%s'", phase->name);
    }
    scenario_read_duration(&at, "duration", FIELDS_REQUIRED, out->time_scale * CLOCK_NS_PER_S,
                           out->time_scale, &phase->duration_ns);
    read_retrain(&at, phase);
    fields_bool(&at, "end_when_settled", &phase->end_when_settled);
    if (phase->duration_ns > DRILL_MAX_NS - out->end_ns) {
        fields_fault(fields, path, "the drill would last more than 24 hours");
        phase->duration_ns = 0;
    }
    out->end_ns += phase->duration_ns;
    out->phase_count++;
}

/* What no phase can be told alone. */
static void check_phases(const struct fields *fields, const struct scenario *scenario)
{
    int retraining = 0;
    for (int i = 0; i < scenario->phase_count; i++) {
        retraining += scenario->phase[i].retrains;
        if (scenario->phase[i].end_when_settled && i + 1 < scenario->phase_count) {
            fields_fault(fields, "/phases", "only the last phase can end when settled");
        }
    }
    if (retraining > 1) {
        fields_fault(fields, "/phases", "only one phase can retrain");
    }
}

static void read_phases(const struct fields_at *root, struct scenario *out)
{
    const json_t *list = fields_array(root, "phases", FIELDS_REQUIRED);
    size_t count = json_array_size(list);
    if (list != NULL && (count < 1 || count > SCENARIO_PHASES_MAX)) {
        fields_fault(root->fields, "/phases", "expected 1 to %d phases", SCENARIO_PHASES_MAX);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        read_phase(root->fields, json_array_get(list, i), i, out);
    }
    check_phases(root->fields, out);
}

int scenario_read_phase_name(const struct fields_at *at, const char *key, enum fields_need need,
                             const struct scenario *scenario)
{
    char name[48], path[160];
    if (!fields_text(at, key, need, name, sizeof name)) {
        return -1;
    }
    int index = scenario_phase_index(scenario, name);
    if (index < 0) {
        fields_path(at, key, path, sizeof path);
        fields_fault(at->fields, path, "no phase is named '%s'", name);
    }
    return index;
}

bool scenario_read_object(const struct fields_at *at, const char *key, const char *const *known,
                          struct fields_at *out)
{
    char path[160];
    const json_t *value = json_object_get(at->object, key);
    fields_path(at, key, path, sizeof path);
    return value != NULL && fields_object(at->fields, value, path, known, out);
}

bool scenario_choose(const struct fields_at *at, const char *key, enum fields_need need,
                     const char *const *words, const char *expected, int *out)
{
    char path[160];
    const json_t *value = json_object_get(at->object, key);
    const char *text = json_string_value(value);
    if (value == NULL && need == FIELDS_OPTIONAL) {
        return false;
    }
    for (int i = 0; text != NULL && words[i] != NULL; i++) {
        if (strcmp(text, words[i]) == 0) {
            *out = i;
            return true;
        }
    }
    fields_path(at, key, path, sizeof path);
    fields_fault(at->fields, value == NULL ? at->path : path,
                 value == NULL ? "'%s' is missing: expected %s" : "'%s': expected %s", key,
                 expected);
    return false;
}

int64_t scenario_read_onset(const struct fields_at *at, const struct scenario *scenario)
{
    int64_t delay_ns = 0;
    int starts = scenario_read_phase_name(at, "starts", FIELDS_REQUIRED, scenario);
    if (scenario_read_duration(at, "delay", FIELDS_OPTIONAL, 0, scenario->time_scale, &delay_ns) &&
        starts >= 0 && delay_ns >= scenario->end_ns - scenario->phase[starts].start_ns) {
        fields_fault(at->fields, at->path, "'delay' is longer than the drill");
        delay_ns = 0;
    }
    return (starts < 0 ? 0 : scenario->phase[starts].start_ns) + delay_ns;
}

/* Whether the alerts of its expectations watch drift, only the rules can tell (rule_names.h). */
static void check_decoy(const struct fields *fields, const struct scenario *scenario)
{
    bool silent = false;
    for (int i = 0; i < scenario->expectation_count; i++) {
        silent = silent || scenario->expectation[i].kind == SCENARIO_SILENT;
    }
    if (scenario->decoy && !silent) {
        fields_fault(fields, "/expectations", "a decoy expects some alert to stay silent");
    }
}

static void read_root(const struct fields *fields, const json_t *document, struct scenario *out)
{
    static const char *const known[] = {"name",         "summary",      "target",    "decoy",
                                        "time_scale",   "people",       "newcomers", "behaviour",
                                        "traffic",      "watch",        "phases",    "injections",
                                        "disturbances", "expectations", NULL};
    struct fields_at root;
    int64_t time_scale = 1, people = 20000, newcomers = 0;
    if (!fields_object(fields, document, "", known, &root)) {
        return;
    }
    fields_text(&root, "name", FIELDS_REQUIRED, out->name, sizeof out->name);
    fields_text(&root, "summary", FIELDS_OPTIONAL, out->summary, sizeof out->summary);
    fields_bool(&root, "decoy", &out->decoy);
    fields_int(&root, "time_scale", FIELDS_OPTIONAL, 1, 10000, &time_scale);
    fields_int(&root, "people", FIELDS_OPTIONAL, 1, 10000000, &people);
    fields_int(&root, "newcomers", FIELDS_OPTIONAL, 0, 10000000, &newcomers);
    if (newcomers >= people) {
        fields_fault(fields, "/newcomers", "'newcomers' is above the number of people with a past");
    }
    out->time_scale = time_scale;
    out->think_median_s = THINK_MEDIAN_S / (double)time_scale;
    out->people = (int32_t)people;
    out->newcomers = (int32_t)newcomers;
    scenario_read_target(&root, out);
    scenario_read_behaviour(&root, &out->behaviour);
    scenario_read_traffic(&root, out);
    read_watch(&root, out);
    read_phases(&root, out);
    scenario_read_injections(&root, out);
    scenario_read_disturbances(&root, out);
    scenario_read_expectations(&root, out);
    check_decoy(fields, out);
}

static enum err read_document(const char *name, const json_t *document,
                              const struct yaml_lines *lines, struct scenario *out,
                              struct faults *faults, struct error *error)
{
    size_t faults_before = faults->count;
    *out = (struct scenario){.steps_per_visit = 2,
                             .think_sigma = 0.6,
                             .behaviour = {.cascade_stop = 0.15, .rating_share = 1},
                             .scrape_ns = 15 * CLOCK_NS_PER_S,
                             .evaluation_ns = 30 * CLOCK_NS_PER_S};
    text_copy(out->path, sizeof out->path, name);
    struct fields fields = {.file = name, .lines = lines, .faults = faults};
    read_root(&fields, document, out);
    size_t found = faults->count - faults_before;
    return found == 0 ? ERR_OK
                      : error_set(error, ERR_INPUT, name, 0, "%zu fault%s in the scenario", found,
                                  found == 1 ? "" : "s");
}

enum err scenario_read_text(const char *name, const char *text, size_t len, struct scenario *out,
                            struct faults *faults, struct error *error)
{
    json_t *document = NULL;
    struct yaml_lines *lines = NULL;
    enum err code = yaml_read_text(name, text, len, &document, &lines, error);
    if (code == ERR_OK) {
        code = read_document(name, document, lines, out, faults, error);
    }
    json_decref(document);
    yaml_lines_free(lines);
    return code;
}

enum err scenario_read(const char *path, struct scenario *out, struct faults *faults,
                       struct error *error)
{
    struct buf text;
    buf_init(&text, FILE_MAX_BYTES);
    enum err code = file_read(path, &text, error);
    if (code == ERR_OK) {
        code =
            scenario_read_text(path, text.len > 0 ? text.data : "", text.len, out, faults, error);
    }
    buf_deinit(&text);
    return code;
}

int64_t scenario_judged_window_ns(const struct scenario *scenario)
{
    int64_t longest_ns = 0;
    for (int i = 0; i < scenario->expectation_count; i++) {
        const struct scenario_expectation *e = &scenario->expectation[i];
        int last = scenario->phase_count - 1;
        bool compares = e->kind == SCENARIO_LEVEL || e->kind == SCENARIO_MOVES;
        if (e->kind == SCENARIO_PANEL && e->phase == last) {
            int64_t least_ns = e->panel.after_ns >= 0
                                   ? e->panel.after_ns
                                   : SCENARIO_PANEL_RANGE_NS / scenario->time_scale;
            longest_ns = least_ns > longest_ns ? least_ns : longest_ns;
            longest_ns = e->window_ns > longest_ns ? e->window_ns : longest_ns;
        }
        bool in_last = (e->kind == SCENARIO_AGREES && (e->phases >> last & 1) != 0) ||
                       (compares && e->phase == last);
        if (in_last && e->window_ns > longest_ns) {
            longest_ns = e->window_ns;
        }
    }
    return longest_ns;
}
