/*
 * Reading the expectations of a scenario. Each has one form, known by one key; a key of
 * another form is a fault like any unknown one, because an expectation half understood would be
 * judged as something its author did not mean.
 */
#include "drill/scenario_int.h"

#include "base/clock.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

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

const char *const scenario_plain_quantities[] = {"conversion", "reciprocal_rank", "mean_rating",
                                                 NULL};

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
    out->phase = scenario_read_phase_name(at, "phase", FIELDS_REQUIRED, scenario);
    scenario_read_duration(at, "within", FIELDS_REQUIRED, CLOCK_NS_PER_S, scenario->time_scale,
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

/* The delay in floors is judged and reported apart from the firing that it is about. */
static void read_floors(const struct fields_at *at, const struct scenario *scenario,
                        const struct scenario_expectation *fires, struct scenario_expectation *out)
{
    double floors = 0;
    if (!fields_real(at, "within_floors", FIELDS_OPTIONAL, 1, 1000, &floors) || fires->phase < 0) {
        return;
    }
    *out = *fires;
    out->kind = SCENARIO_DELAY_FLOOR;
    out->floors = floors;
    name_it(out, "%s in %s comes within %g floors", out->alert, scenario->phase[out->phase].name,
            floors);
}

static const char *absence(const struct scenario_expectation *expectation)
{
    return expectation->kind == SCENARIO_SILENT ? "stays silent" : "is not notified";
}

static void read_silence(const struct fields_at *at, const struct scenario *scenario,
                         struct scenario_expectation *out)
{
    const char *key = out->kind == SCENARIO_SILENT ? "silent" : "unnotified";
    fields_text(at, key, FIELDS_REQUIRED, out->alert, sizeof out->alert);
    out->phases = read_phase_set(at, scenario);
    name_it(out, "%s %s", out->alert, absence(out));
}

static void read_group_silence(const struct fields_at *at, const struct scenario *scenario,
                               struct scenario_expectation *out)
{
    const char *key = out->kind == SCENARIO_SILENT ? "silent_group" : "unnotified_group";
    fields_text(at, key, FIELDS_REQUIRED, out->group, sizeof out->group);
    out->phases = read_phase_set(at, scenario);
    name_it(out, "group %s %s", out->group, absence(out));
}

static void read_agreement(const struct fields_at *at, const struct scenario *scenario,
                           struct scenario_expectation *out)
{
    int quantity = 0;
    double percent = 5;
    fields_text(at, "agrees", FIELDS_REQUIRED, out->record, sizeof out->record);
    if (fields_choice(at, "with", FIELDS_REQUIRED, scenario_plain_quantities, &quantity)) {
        out->quantity = (enum scenario_quantity)(quantity + 1);
    }
    fields_real(at, "within_percent", FIELDS_OPTIONAL, 0.1, 100, &percent);
    out->tolerance = percent / 100;
    scenario_read_duration(at, "window", FIELDS_REQUIRED, CLOCK_NS_PER_S, scenario->time_scale,
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

void scenario_read_bounds(const struct fields_at *at, const char *const key[2], double min,
                          double max, struct scenario_expectation *out)
{
    bool has_least = fields_real(at, key[0], FIELDS_OPTIONAL, min, max, &out->least);
    bool has_most = fields_real(at, key[1], FIELDS_OPTIONAL, min, max, &out->most);
    if (!has_least && !has_most) {
        fields_fault(at->fields, at->path, "expected %s, %s or both", key[0], key[1]);
    } else if (has_least && has_most && out->least > out->most) {
        fields_fault(at->fields, at->path, "'%s' is above '%s'", key[0], key[1]);
    }
}

/* A phase, the earlier one it is compared with, and the window at the end of the first. */
static void read_comparison(const struct fields_at *at, const struct scenario *scenario,
                            struct scenario_expectation *out)
{
    out->phase = scenario_read_phase_name(at, "phase", FIELDS_REQUIRED, scenario);
    out->rest_phase = scenario_read_phase_name(at, "of", FIELDS_REQUIRED, scenario);
    scenario_read_duration(at, "window", FIELDS_REQUIRED, CLOCK_NS_PER_S, scenario->time_scale,
                           &out->window_ns);
    if (out->phase < 0 || out->rest_phase < 0) {
        return;
    }
    const struct scenario_phase *phase = &scenario->phase[out->phase];
    if (phase->duration_ns < out->window_ns) {
        fields_fault(at->fields, at->path, "the phase '%s' is shorter than the window",
                     phase->name);
    }
    if (out->rest_phase >= out->phase) {
        fields_fault(at->fields, at->path, "'of': expected a phase before '%s'", phase->name);
    }
    name_it(out, "%s in %s %s %s", scenario_quantity_name(out->quantity), phase->name,
            out->kind == SCENARIO_LEVEL ? "relative to" : "less that in",
            scenario->phase[out->rest_phase].name);
}

static void read_level(const struct fields_at *at, const struct scenario *scenario,
                       struct scenario_expectation *out)
{
    static const char *const bounds[] = {"at_least_percent", "at_most_percent"};
    int quantity = 0;
    if (fields_choice(at, "level", FIELDS_REQUIRED, scenario_plain_quantities, &quantity)) {
        out->quantity = (enum scenario_quantity)(quantity + 1);
    }
    out->least = 0;
    out->most = INFINITY;
    scenario_read_bounds(at, bounds, 1, 1000, out);
    out->least /= 100;
    out->most /= 100;
    read_comparison(at, scenario, out);
}

static void read_moves(const struct fields_at *at, const struct scenario *scenario,
                       struct scenario_expectation *out)
{
    static const char *const bounds[] = {"at_least", "at_most"};
    int quantity = 0;
    if (fields_choice(at, "moves", FIELDS_REQUIRED, scenario_quantity_names + 1, &quantity)) {
        out->quantity = (enum scenario_quantity)(quantity + 1);
    }
    out->least = -INFINITY;
    out->most = INFINITY;
    scenario_read_bounds(at, bounds, -10, 10, out);
    read_comparison(at, scenario, out);
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
    const char *known[8]; /* ends with NULL; the first tells the form */
} forms[] = {
    {SCENARIO_FIRES, read_transition, {"fires", "phase", "within", "within_floors"}},
    {SCENARIO_RESOLVES, read_transition, {"resolves", "phase", "within"}},
    {SCENARIO_SILENT, read_silence, {"silent", "phases"}},
    {SCENARIO_SILENT, read_group_silence, {"silent_group", "phases"}},
    {SCENARIO_UNNOTIFIED, read_silence, {"unnotified", "phases"}},
    {SCENARIO_UNNOTIFIED, read_group_silence, {"unnotified_group", "phases"}},
    {SCENARIO_AGREES, read_agreement, {"agrees", "with", "window", "within_percent", "phases"}},
    {SCENARIO_LEVEL,
     read_level,
     {"level", "phase", "of", "window", "at_least_percent", "at_most_percent"}},
    {SCENARIO_MOVES, read_moves, {"moves", "phase", "of", "window", "at_least", "at_most"}},
    {SCENARIO_NOTIFICATIONS, read_notifications, {"notifications"}},
    {SCENARIO_RECONCILES, read_counts, {"counts"}},
};

#define FORMS (sizeof forms / sizeof forms[0])

/* What a panel is asked may have the key of another form. */
static const struct form panel_form = {SCENARIO_PANEL, scenario_read_panel, {"panel"}};

/* NULL, with a fault, unless exactly one of the telling keys is there. */
static const struct form *find_form(const struct fields *fields, const json_t *value,
                                    const char *path)
{
    const struct form *found = NULL;
    if (json_object_get(value, panel_form.known[0]) != NULL) {
        return &panel_form;
    }
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
        fields_fault(
            fields, path,
            "expected a mapping with one of fires, resolves, silent, silent_group, "
            "unnotified, unnotified_group, agrees, level, moves, panel, notifications, counts");
    }
    return found;
}

/* The n-th entry of the list becomes one expectation, or two if it names floors. */
static void read_expectation(const struct fields *fields, const json_t *value, size_t index,
                             struct scenario *out)
{
    struct scenario_expectation *expectation = &out->expectation[out->expectation_count];
    struct fields_at at;
    char path[160];
    snprintf(path, sizeof path, "/expectations/%zu", index);
    const struct form *form = find_form(fields, value, path);
    const char *const *known = form == &panel_form ? scenario_panel_keys
                               : form != NULL      ? form->known
                                                   : NULL;
    if (form == NULL || !fields_object(fields, value, path, known, &at)) {
        return;
    }
    expectation->kind = form->kind;
    expectation->index = (int)index;
    expectation->line = fields_line(&at);
    form->read(&at, out, expectation);
    out->expectation_count++;
    if (form->kind == SCENARIO_FIRES && fields_has(&at, "within_floors")) {
        read_floors(&at, out, expectation, expectation + 1);
        out->expectation_count++;
    }
}

void scenario_read_expectations(const struct fields_at *root, struct scenario *out)
{
    const json_t *list = fields_array(root, "expectations", FIELDS_REQUIRED);
    size_t count = json_array_size(list);
    if (list != NULL && (count < 1 || count > SCENARIO_EXPECTATIONS_LISTED_MAX)) {
        fields_fault(root->fields, "/expectations", "expected 1 to %d expectations",
                     SCENARIO_EXPECTATIONS_LISTED_MAX);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        read_expectation(root->fields, json_array_get(list, i), i, out);
    }
}
