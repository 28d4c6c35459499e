/* Scenario files. What was taken must be playable: whatever is an index, a span or a text in it is
 * within its bounds; a refusal says why. */
#include "drill/scenario.h"

#include "base/mem.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define DAY_NS (INT64_C(86400) * 1000000000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds) {
        abort();
    }
}

static bool ends(const char *text, size_t size)
{
    return memchr(text, '\0', size) != NULL;
}

static void check_phases(const struct scenario *s)
{
    int64_t at_ns = 0;
    must(s->phase_count >= 1 && s->phase_count <= SCENARIO_PHASES_MAX);
    for (int i = 0; i < s->phase_count; i++) {
        const struct scenario_phase *phase = &s->phase[i];
        must(ends(phase->name, sizeof phase->name) && phase->name[0] != '\0');
        must(scenario_phase_index(s, phase->name) == i);
        must(phase->start_ns == at_ns && phase->duration_ns > 0);
        must(scenario_phase_at(s, at_ns) == i);
        must(!phase->retrains || (phase->films_min >= 1 && phase->films_max >= phase->films_min));
        at_ns += phase->duration_ns;
    }
    must(s->end_ns == at_ns && at_ns <= DAY_NS);
}

static void check_injections(const struct scenario *s)
{
    must(s->drift.count >= 0 && s->drift.count <= DRIFT_INJECTIONS_MAX);
    for (int i = 0; i < s->drift.count; i++) {
        const struct drift_injection *injection = &s->drift.injection[i];
        must(injection->onset_ns >= 0 && injection->onset_ns <= 2 * DAY_NS);
        must(injection->end_ns > injection->onset_ns);
        bool ramped = injection->shape == DRIFT_LINEAR || injection->shape == DRIFT_GRADUAL;
        bool passes = injection->shape == DRIFT_RECURRING || injection->shape == DRIFT_BLIP;
        must((injection->ramp_ns > 0) == ramped && (injection->on_ns > 0) == passes);
        must((injection->period_ns > 0) == (injection->shape == DRIFT_RECURRING));
        double intensity = drift_intensity(injection, s->end_ns);
        must(intensity >= 0 && intensity <= 1 && fabs(injection->size) <= 180);
    }
}

static void check_disturbances(const struct scenario *s)
{
    must(s->disturbance_count >= 0 && s->disturbance_count <= SCENARIO_DISTURBANCES_MAX);
    for (int i = 0; i < s->disturbance_count; i++) {
        const struct scenario_disturbance *disturbance = &s->disturbance[i];
        must(disturbance->at_ns >= 0 && disturbance->at_ns < s->end_ns);
        must(disturbance->lasts_ns >= 0 && disturbance->lasts_ns <= s->end_ns - disturbance->at_ns);
        must(ends(disturbance->fault, sizeof disturbance->fault) && disturbance->line >= 1);
        must((disturbance->fault[0] != '\0') == (disturbance->kind == SCENARIO_TARGET_FAULT));
    }
}

static void check_expectations(const struct scenario *s)
{
    must(s->expectation_count >= 1 && s->expectation_count <= SCENARIO_EXPECTATIONS_MAX);
    for (int i = 0; i < s->expectation_count; i++) {
        const struct scenario_expectation *e = &s->expectation[i];
        must(e->line >= 1 && ends(e->name, sizeof e->name) && e->name[0] != '\0');
        must(ends(e->alert, sizeof e->alert) && ends(e->group, sizeof e->group));
        must(e->phase >= 0 && e->phase < s->phase_count);
        must(e->within_ns >= 0 && e->within_ns <= s->phase[e->phase].duration_ns);
        must(e->phases >> s->phase_count == 0);
        bool over_phases = e->kind == SCENARIO_SILENT || e->kind == SCENARIO_UNNOTIFIED ||
                           e->kind == SCENARIO_AGREES;
        must((e->phases != 0) == over_phases);
        must(e->kind != SCENARIO_AGREES ||
             (e->window_ns > 0 && e->tolerance > 0 && e->quantity != SCENARIO_NO_QUANTITY));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct scenario *scenario = mem_zalloc(1, sizeof *scenario);
    struct error error = {.code = ERR_OK};
    struct faults faults;
    faults_init(&faults);
    enum err code = scenario_read_text("fuzz", (const char *)data, size, scenario, &faults, &error);
    must((code == ERR_OK) == (error.code == ERR_OK));
    if (code == ERR_OK) {
        must(faults.count == 0);
        check_phases(scenario);
        check_injections(scenario);
        check_disturbances(scenario);
        check_expectations(scenario);
        must(scenario->time_scale >= 1 && scenario->people >= 1 && scenario->lists_per_s > 0);
        must(scenario->scrape_ns >= scenario->time_scale && scenario->think_median_s >= 0);
    }
    faults_deinit(&faults);
    mem_free(scenario);
    return 0;
}
