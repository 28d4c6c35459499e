/*
 * Reading a scenario. Each section of the document has one reader that records its faults and goes
 * on; cross references (phases named by injections and expectations) are resolved at the end of
 * their own reader, because phases come first. Production durations are divided by time_scale on
 * the way in; a result with a fraction of a millisecond is a fault, as it is in a rule.
 */
#include "drill/scenario.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/fileio.h"
#include "base/text.h"
#include "base/yaml.h"
#include "drill/fields.h"
#include "drill/scenario_int.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Ratings and choices of one visit are alike: a design effect of 1.4 was measured, rounded up. */
#define DESIGN_EFFECT 1.5

#define THINK_MEDIAN_S 12.0 /* production time */

/* Of all phases, in drill time. The ledger keeps every tenth of a second of it. */
#define DRILL_MAX_NS (24 * 3600 * CLOCK_NS_PER_S)

#define FILE_MAX_BYTES (1u << 20)

const char *const scenario_quantity_names[] = {"none",        "conversion", "reciprocal_rank",
                                               "mean_rating", "rating_psi", NULL};

enum scenario_quantity scenario_quantity_named(const char *name)
{
    for (int i = SCENARIO_CONVERSION; scenario_quantity_names[i] != NULL; i++) {
        if (strcmp(name, scenario_quantity_names[i]) == 0) {
            return (enum scenario_quantity)i;
        }
    }
    return SCENARIO_NO_QUANTITY;
}

const char *scenario_quantity_name(enum scenario_quantity quantity)
{
    return scenario_quantity_names[quantity];
}

double scenario_truth(enum scenario_quantity quantity, const struct ledger_counts *counts)
{
    switch (quantity) {
    case SCENARIO_CONVERSION:
        return ledger_conversion(counts);
    case SCENARIO_RECIPROCAL_RANK:
        return ledger_reciprocal_rank(counts);
    case SCENARIO_MEAN_RATING:
        return ledger_mean_rating(counts);
    case SCENARIO_RATING_PSI:
    case SCENARIO_NO_QUANTITY:
        break;
    }
    return NAN;
}

static double rating_variance(const struct ledger_counts *counts)
{
    double mean = ledger_mean_rating(counts), sum = 0;
    for (int i = 0; i < 10; i++) {
        double distance = 0.5 * (i + 1) - mean;
        sum += (double)counts->stars[i] * distance * distance;
    }
    return sum / (double)ledger_ratings(counts);
}

double scenario_truth_error(enum scenario_quantity quantity, const struct ledger_counts *counts)
{
    double truth = scenario_truth(quantity, counts);
    if (quantity == SCENARIO_MEAN_RATING) {
        return sqrt(DESIGN_EFFECT * rating_variance(counts) / (double)ledger_ratings(counts));
    }
    /* The mean square of what is 0 or 1 is its mean. */
    double square = quantity == SCENARIO_RECIPROCAL_RANK
                        ? counts->reciprocal_rank_squares / (double)counts->lists
                        : truth;
    return sqrt(DESIGN_EFFECT * fmax(square - truth * truth, 0) / (double)counts->lists);
}

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

static void read_think(const struct fields_at *traffic, struct scenario *out)
{
    static const char *const known[] = {"median", "sigma", NULL};
    struct fields_at at;
    char path[160];
    fields_path(traffic, "think", path, sizeof path);
    const json_t *value = json_object_get(traffic->object, "think");
    if (value == NULL || !fields_object(traffic->fields, value, path, known, &at)) {
        return;
    }
    int64_t median_ns = 0;
    if (scenario_read_duration(&at, "median", FIELDS_REQUIRED, 0, out->time_scale, &median_ns)) {
        out->think_median_s = (double)median_ns / (double)CLOCK_NS_PER_S;
    }
    fields_real(&at, "sigma", FIELDS_OPTIONAL, 0, 3, &out->think_sigma);
}

static void read_traffic(const struct fields_at *root, struct scenario *out)
{
    static const char *const known[] = {"lists_per_s", "steps_per_visit", "think", NULL};
    struct fields_at at;
    const json_t *value = json_object_get(root->object, "traffic");
    if (value == NULL) {
        fields_fault(root->fields, "", "'traffic' is missing");
        return;
    }
    if (!fields_object(root->fields, value, "/traffic", known, &at)) {
        return;
    }
    fields_real(&at, "lists_per_s", FIELDS_REQUIRED, 0.1, 1e6, &out->lists_per_s);
    fields_real(&at, "steps_per_visit", FIELDS_OPTIONAL, 1, 100, &out->steps_per_visit);
    read_think(&at, out);
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

static void read_injection_time(const struct fields_at *at, const struct scenario *scenario,
                                struct drift_injection *injection)
{
    int64_t delay_ns = 0;
    int starts = scenario_read_phase_name(at, "starts", FIELDS_REQUIRED, scenario);
    int ends = scenario_read_phase_name(at, "ends", FIELDS_OPTIONAL, scenario);
    if (scenario_read_duration(at, "delay", FIELDS_OPTIONAL, 0, scenario->time_scale, &delay_ns) &&
        delay_ns > scenario->end_ns) {
        fields_fault(at->fields, at->path, "'delay' is longer than the drill");
        delay_ns = 0;
    }
    injection->onset_ns = (starts < 0 ? 0 : scenario->phase[starts].start_ns) + delay_ns;
    injection->end_ns = ends < 0 ? INT64_MAX : scenario->phase[ends].start_ns;
    if (injection->end_ns <= injection->onset_ns) {
        fields_fault(at->fields, at->path, "the injection ends before it starts");
    }
    bool ramped = scenario_read_duration(at, "ramp", FIELDS_OPTIONAL, CLOCK_NS_PER_S,
                                         scenario->time_scale, &injection->ramp_ns);
    if (injection->shape == DRIFT_LINEAR && !ramped) {
        fields_fault(at->fields, at->path, "a linear injection needs 'ramp'");
    } else if (injection->shape == DRIFT_SUDDEN && ramped) {
        fields_fault(at->fields, at->path, "a sudden injection has no 'ramp'");
    }
}

static void read_injection(const struct fields *fields, const json_t *value, size_t index,
                           struct scenario *out)
{
    static const char *const known[] = {"kind", "shape", "starts",  "ends",    "delay",
                                        "ramp", "stars", "degrees", "towards", NULL};
    static const char *const kinds[] = {"choice-rotation", "rating-shift", NULL};
    static const char *const shapes[] = {"sudden", "linear", NULL};
    static const char *const goals[] = {"another-person", "common-direction", NULL};
    struct fields_at at;
    char path[160];
    int kind = 0, shape = 0, towards = 0;
    snprintf(path, sizeof path, "/injections/%zu", index);
    if (!fields_object(fields, value, path, known, &at)) {
        return;
    }
    struct drift_injection *injection = &out->drift.injection[out->drift.count++];
    bool known_kind = fields_choice(&at, "kind", FIELDS_REQUIRED, kinds, &kind);
    fields_choice(&at, "shape", FIELDS_OPTIONAL, shapes, &shape);
    injection->kind = (enum drift_kind)kind;
    injection->shape = (enum drift_shape)shape;
    read_injection_time(&at, out, injection);
    if (known_kind && injection->kind == DRIFT_CHOICE_ROTATION) {
        fields_choice(&at, "towards", FIELDS_REQUIRED, goals, &towards);
        injection->towards = (enum drift_towards)towards;
        fields_real(&at, "degrees", FIELDS_REQUIRED, 0.1, 180, &injection->size);
        if (fields_has(&at, "stars")) {
            fields_fault(fields, path, "'stars' belongs to a rating-shift");
        }
    } else if (known_kind) {
        fields_real(&at, "stars", FIELDS_REQUIRED, -2, 2, &injection->size);
        if (fields_has(&at, "degrees") || fields_has(&at, "towards")) {
            fields_fault(fields, path, "'degrees' and 'towards' belong to a choice-rotation");
        }
    }
}

static void read_injections(const struct fields_at *root, struct scenario *out)
{
    const json_t *list = fields_array(root, "injections", FIELDS_OPTIONAL);
    size_t count = json_array_size(list);
    if (count > DRIFT_INJECTIONS_MAX) {
        fields_fault(root->fields, "/injections", "expected at most %d", DRIFT_INJECTIONS_MAX);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        read_injection(root->fields, json_array_get(list, i), i, out);
    }
}

static void read_root(const struct fields *fields, const json_t *document, struct scenario *out)
{
    static const char *const known[] = {"name",  "summary", "time_scale", "people",       "traffic",
                                        "watch", "phases",  "injections", "expectations", NULL};
    struct fields_at root;
    int64_t time_scale = 1, people = 20000;
    if (!fields_object(fields, document, "", known, &root)) {
        return;
    }
    fields_text(&root, "name", FIELDS_REQUIRED, out->name, sizeof out->name);
    fields_text(&root, "summary", FIELDS_OPTIONAL, out->summary, sizeof out->summary);
    fields_int(&root, "time_scale", FIELDS_OPTIONAL, 1, 10000, &time_scale);
    fields_int(&root, "people", FIELDS_OPTIONAL, 1, 10000000, &people);
    out->time_scale = time_scale;
    out->think_median_s = THINK_MEDIAN_S / (double)time_scale;
    out->people = (int32_t)people;
    read_traffic(&root, out);
    read_watch(&root, out);
    read_phases(&root, out);
    read_injections(&root, out);
    scenario_read_expectations(&root, out);
}

static enum err read_document(const char *name, const json_t *document,
                              const struct yaml_lines *lines, struct scenario *out,
                              struct faults *faults, struct error *error)
{
    size_t faults_before = faults->count;
    *out = (struct scenario){.steps_per_visit = 2,
                             .think_sigma = 0.6,
                             .behaviour = {.rating_share = 1},
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
