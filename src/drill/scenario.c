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

#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Ratings and choices of one visit are alike: the rehearsed design effect of 1.4, rounded up. */
#define DESIGN_EFFECT 1.5

#define THINK_MEDIAN_S 12.0 /* production time */

/* Of all phases, in drill time. The ledger keeps every tenth of a second of it. */
#define DRILL_MAX_NS (24 * 3600 * CLOCK_NS_PER_S)

#define FILE_MAX_BYTES (1u << 20)

static const char *const quantity_names[] = {"none", "conversion", "reciprocal_rank", "mean_rating",
                                             NULL};

enum scenario_quantity scenario_quantity_named(const char *name)
{
    for (int i = SCENARIO_CONVERSION; quantity_names[i] != NULL; i++) {
        if (strcmp(name, quantity_names[i]) == 0) {
            return (enum scenario_quantity)i;
        }
    }
    return SCENARIO_NO_QUANTITY;
}

const char *scenario_quantity_name(enum scenario_quantity quantity)
{
    return quantity_names[quantity];
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
    /* A quantity in [0,1] has at most the variance of a proportion with the same mean. */
    return sqrt(DESIGN_EFFECT * truth * (1 - truth) / (double)counts->lists);
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

static bool drill_duration(const struct fields_at *at, const char *key, enum fields_need need,
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
    if (drill_duration(&at, "median", FIELDS_REQUIRED, 0, out->time_scale, &median_ns)) {
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
    if (drill_duration(at, key, FIELDS_OPTIONAL, CLOCK_NS_PER_S, time_scale, &drill_ns)) {
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
    drill_duration(&at, "duration", FIELDS_REQUIRED, out->time_scale * CLOCK_NS_PER_S,
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

/* Reads a phase name under key; -1 (with a fault if it was given) when there is none. */
static int read_phase_name(const struct fields_at *at, const char *key, enum fields_need need,
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
    int starts = read_phase_name(at, "starts", FIELDS_REQUIRED, scenario);
    int ends = read_phase_name(at, "ends", FIELDS_OPTIONAL, scenario);
    if (drill_duration(at, "delay", FIELDS_OPTIONAL, 0, scenario->time_scale, &delay_ns) &&
        delay_ns > scenario->end_ns) {
        fields_fault(at->fields, at->path, "'delay' is longer than the drill");
        delay_ns = 0;
    }
    injection->onset_ns = (starts < 0 ? 0 : scenario->phase[starts].start_ns) + delay_ns;
    injection->end_ns = ends < 0 ? INT64_MAX : scenario->phase[ends].start_ns;
    if (injection->end_ns <= injection->onset_ns) {
        fields_fault(at->fields, at->path, "the injection ends before it starts");
    }
    bool ramped = drill_duration(at, "ramp", FIELDS_OPTIONAL, CLOCK_NS_PER_S, scenario->time_scale,
                                 &injection->ramp_ns);
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

/* "all", or a list of phase names, as a bit set. */
static uint32_t read_phase_set(const struct fields_at *at, const struct scenario *scenario)
{
    char path[160];
    fields_path(at, "phases", path, sizeof path);
    const json_t *value = json_object_get(at->object, "phases");
    const char *word = json_string_value(value);
    if (word != NULL && strcmp(word, "all") == 0) {
        return (UINT32_C(1) << scenario->phase_count) - 1;
    }
    if (!json_is_array(value) || json_array_size(value) == 0) {
        fields_fault(at->fields, path, "'phases': expected all, or a list of phase names");
        return 0;
    }
    uint32_t set = 0;
    for (size_t i = 0; i < json_array_size(value); i++) {
        const char *name = json_string_value(json_array_get(value, i));
        int index = name == NULL ? -1 : scenario_phase_index(scenario, name);
        if (index < 0) {
            fields_fault(at->fields, path, "no phase is named '%s'", name == NULL ? "?" : name);
        } else {
            set |= UINT32_C(1) << index;
        }
    }
    return set;
}

static void name_it(struct scenario_expectation *out, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The sentence that stands for the expectation in every report. */
static void name_it(struct scenario_expectation *out, const char *format, ...)
{
    char name[sizeof out->name];
    va_list args;
    va_start(args, format);
    vsnprintf(name, sizeof name, format, args);
    va_end(args);
    memcpy(out->name, name, sizeof name);
}

static void read_transition(const struct fields_at *at, const struct scenario *scenario,
                            struct scenario_expectation *out)
{
    const char *verb = out->kind == SCENARIO_FIRES ? "fires" : "resolves";
    fields_text(at, verb, FIELDS_REQUIRED, out->alert, sizeof out->alert);
    out->phase = read_phase_name(at, "phase", FIELDS_REQUIRED, scenario);
    drill_duration(at, "within", FIELDS_REQUIRED, CLOCK_NS_PER_S, scenario->time_scale,
                   &out->within_ns);
    if (out->phase >= 0) {
        const struct scenario_phase *phase = &scenario->phase[out->phase];
        if (out->within_ns > phase->duration_ns) {
            fields_fault(at->fields, at->path, "'within' is longer than the phase '%s'",
                         phase->name);
        }
        name_it(out, "%s %s in %s", out->alert, verb, phase->name);
    }
}

static void read_silence(const struct fields_at *at, const struct scenario *scenario,
                         struct scenario_expectation *out)
{
    fields_text(at, "silent", FIELDS_REQUIRED, out->alert, sizeof out->alert);
    name_it(out, "%s stays silent", out->alert);
    out->phases = read_phase_set(at, scenario);
}

static void read_group_silence(const struct fields_at *at, const struct scenario *scenario,
                               struct scenario_expectation *out)
{
    fields_text(at, "silent_group", FIELDS_REQUIRED, out->group, sizeof out->group);
    name_it(out, "group %s stays silent", out->group);
    out->phases = read_phase_set(at, scenario);
}

static void read_agreement(const struct fields_at *at, const struct scenario *scenario,
                           struct scenario_expectation *out)
{
    int quantity = 0;
    double percent = 5;
    fields_text(at, "agrees", FIELDS_REQUIRED, out->record, sizeof out->record);
    if (fields_choice(at, "with", FIELDS_REQUIRED, quantity_names + 1, &quantity)) {
        out->quantity = (enum scenario_quantity)(quantity + 1);
    }
    fields_real(at, "within_percent", FIELDS_OPTIONAL, 0.1, 100, &percent);
    out->tolerance = percent / 100;
    drill_duration(at, "window", FIELDS_REQUIRED, CLOCK_NS_PER_S, scenario->time_scale,
                   &out->window_ns);
    out->phases = read_phase_set(at, scenario);
    for (int i = 0; i < scenario->phase_count; i++) {
        if ((out->phases >> i & 1) != 0 && scenario->phase[i].duration_ns < out->window_ns) {
            fields_fault(at->fields, at->path, "the phase '%s' is shorter than the window",
                         scenario->phase[i].name);
        }
    }
    name_it(out, "recorded %s agrees with the ledger", scenario_quantity_name(out->quantity));
}

/* The one word that can stand under a key. */
static void read_word(const struct fields_at *at, const char *key, const char *word)
{
    const char *const words[] = {word, NULL};
    int index = 0;
    fields_choice(at, key, FIELDS_REQUIRED, words, &index);
}

static void read_notifications(const struct fields_at *at, const struct scenario *scenario,
                               struct scenario_expectation *out)
{
    (void)scenario;
    read_word(at, "notifications", "exact");
    name_it(out, "exactly the expected notifications");
}

static void read_counts(const struct fields_at *at, const struct scenario *scenario,
                        struct scenario_expectation *out)
{
    (void)scenario;
    read_word(at, "counts", "reconcile");
    name_it(out, "counts reconcile");
}

/* An expectation is known by the key it must have; the others belong to it alone. */
static const struct form {
    enum scenario_expect kind;
    void (*read)(const struct fields_at *at, const struct scenario *scenario,
                 struct scenario_expectation *out);
    const char *known[6]; /* ends with NULL; the first tells the form */
} forms[] = {
    {SCENARIO_FIRES, read_transition, {"fires", "phase", "within"}},
    {SCENARIO_RESOLVES, read_transition, {"resolves", "phase", "within"}},
    {SCENARIO_SILENT, read_silence, {"silent", "phases"}},
    {SCENARIO_SILENT, read_group_silence, {"silent_group", "phases"}},
    {SCENARIO_AGREES, read_agreement, {"agrees", "with", "window", "within_percent", "phases"}},
    {SCENARIO_NOTIFICATIONS, read_notifications, {"notifications"}},
    {SCENARIO_RECONCILES, read_counts, {"counts"}},
};

#define FORMS (sizeof forms / sizeof forms[0])

/* NULL, with a fault, unless exactly one of the telling keys is there. */
static const struct form *find_form(const struct fields *fields, const json_t *value,
                                    const char *path)
{
    const struct form *found = NULL;
    for (size_t i = 0; i < FORMS; i++) {
        if (json_object_get(value, forms[i].known[0]) == NULL) {
            continue;
        }
        if (found != NULL) {
            fields_fault(fields, path, "'%s' and '%s' are two expectations", found->known[0],
                         forms[i].known[0]);
            return NULL;
        }
        found = &forms[i];
    }
    if (found == NULL) {
        fields_fault(fields, path,
                     "expected a mapping with one of fires, resolves, silent, silent_group, "
                     "agrees, notifications, counts");
    }
    return found;
}

static void read_expectation(const struct fields *fields, const json_t *value, size_t index,
                             struct scenario *out)
{
    struct scenario_expectation *expectation = &out->expectation[out->expectation_count];
    struct fields_at at;
    char path[160];
    snprintf(path, sizeof path, "/expectations/%zu", index);
    const struct form *form = find_form(fields, value, path);
    if (form == NULL || !fields_object(fields, value, path, form->known, &at)) {
        return;
    }
    expectation->kind = form->kind;
    expectation->line = fields_line(&at);
    form->read(&at, out, expectation);
    out->expectation_count++;
}

static void read_expectations(const struct fields_at *root, struct scenario *out)
{
    const json_t *list = fields_array(root, "expectations", FIELDS_REQUIRED);
    size_t count = json_array_size(list);
    if (list != NULL && (count < 1 || count > SCENARIO_EXPECTATIONS_MAX)) {
        fields_fault(root->fields, "/expectations", "expected 1 to %d expectations",
                     SCENARIO_EXPECTATIONS_MAX);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        read_expectation(root->fields, json_array_get(list, i), i, out);
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
    read_expectations(&root, out);
}

static enum err read_document(const char *name, const json_t *document,
                              const struct yaml_lines *lines, struct scenario *out,
                              struct faults *faults, struct error *error)
{
    size_t faults_before = faults->count;
    *out = (struct scenario){.steps_per_visit = 2,
                             .think_sigma = 0.6,
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
