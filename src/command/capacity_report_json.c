#include "command/capacity_report_int.h"

#include "base/clock.h"
#include "base/document.h"
#include "base/version.h"

#include <inttypes.h>
#include <stdio.h>

static json_t *wide_number(uint64_t value) /* JSON's own are doubles to many readers */
{
    char text[32];
    (void)snprintf(text, sizeof text, "%" PRIu64, value);
    return json_string(text);
}

/* ---- levels ---- */

static json_t *objective_json(const struct slo_objective *objective,
                              const struct sequential_state *state, double allowed)
{
    return json_pack(
        "{s:s,s:o,s:o,s:s,s:I,s:I,s:o,s:o,s:o,s:o,s:o,s:I}", "objective", objective->text,
        "allowed", document_number(allowed), "allowed_doubt", document_number(state->doubt),
        "verdict", sequential_verdict_name(state->verdict), "good", (json_int_t)state->good, "bad",
        (json_int_t)state->bad, "share", document_number(state->share), "low",
        document_number(state->low), "high", document_number(state->high), "design_effect",
        document_number(state->design_effect), "effective", document_number(state->effective),
        "blocks_per_batch", (json_int_t)state->blocks_per_batch);
}

static void add_figures(json_t *out, const struct capacity_level *level)
{
    const struct capacity_trial *sum = &level->sum;
    json_object_set_new(out, "offered_per_s", document_number(sum->offered_per_s));
    json_object_set_new(out, "achieved_per_s", document_number(sum->achieved_per_s));
    json_object_set_new(out, "latency_s",
                        json_pack("{s:o,s:o,s:o}", "p50", document_number(sum->p50_s), "p90",
                                  document_number(sum->p90_s), "p99", document_number(sum->p99_s)));
    json_object_set_new(out, "errors_share", document_number(sum->errors_share));
    json_object_set_new(out, "quality",
                        json_pack("{s:I,s:o,s:o,s:o,s:o}", "lists", (json_int_t)sum->lists,
                                  "hit_rate", document_number(sum->hit_rate), "hit_rate_expected",
                                  document_number(sum->hit_rate_expected),
                                  "hit_rate_expected_error", document_number(sum->expected_error),
                                  "fallback_share", document_number(sum->fallback_share)));
    json_object_set_new(out, "generator",
                        json_pack("{s:o,s:o,s:o}", "lag_p99_s", document_number(sum->lag_p99_s),
                                  "cpu_share", document_number(sum->cpu_share), "wall_s",
                                  document_number(sum->wall_s)));
    json_object_set_new(out, "queue",
                        json_pack("{s:o,s:o}", "growth_per_s", document_number(sum->queue_slope),
                                  "growth_error_per_s", document_number(sum->queue_slope_error)));
}

static json_t *level_json(const struct capacity_report *report, const struct capacity_level *level)
{
    const struct slo *slo = &report->config->slo;
    bool open = level->plan.kind == CAPACITY_OPEN;
    json_t *out = json_pack(
        "{s:s,s:s,s:o,s:b,s:i,s:i,s:o,s:o,s:o}", "stage", capacity_stage_name(level->stage), "loop",
        open ? "open" : "closed", open ? "rate_per_s" : "users",
        open ? document_number(level->plan.rate_per_s) : json_integer(level->plan.users), "valid",
        (int)level->valid, "runs", level->runs, "invalid_runs", level->invalid_runs, "played_s",
        document_number(level->played_s), "warmup_s", document_number(level->plan.warmup_s), "seed",
        wide_number(level->plan.seed));
    if (level->sum.why[0] != '\0') {
        json_object_set_new(out, "why_invalid", json_string(level->sum.why));
    }
    if (!level->valid) {
        return out;
    }
    add_figures(out, level);
    if (!open) {
        json_object_set_new(out, "rate_error", document_number(level->rate_error));
        return out;
    }
    json_t *objectives = json_array();
    json_object_set_new(out, "verdict", json_string(sequential_verdict_name(level->verdict)));
    json_object_set_new(out, "queue_grew", json_boolean(level->grew));
    json_object_set_new(out, "objectives", objectives);
    for (size_t o = 0; o < slo->count; o++) {
        double allowed = slo_allowed(&slo->objective[o], level->sum.hit_rate_expected);
        json_array_append_new(objectives,
                              objective_json(&slo->objective[o], &level->objective[o], allowed));
    }
    return out;
}

/* ---- what it came to ---- */

static json_t *interval_json(const struct usl_interval *interval)
{
    return json_pack("{s:o,s:o,s:o,s:o}", "value", document_number(interval->value), "low",
                     document_number(interval->low), "high", document_number(interval->high),
                     "error", document_number(interval->error));
}

static json_t *usl_json(const struct usl_fit *fit)
{
    static const char *const names[] = {[USL_PEAK] = "peak",
                                        [USL_NO_PEAK] = "no peak",
                                        [USL_BEYOND] = "beyond",
                                        [USL_FEW_LEVELS] = "few levels",
                                        [USL_NO_FIT] = "no fit"};
    return json_pack("{s:s,s:s,s:o,s:o,s:o,s:o,s:o,s:o,s:i,s:f}", "outcome", names[fit->outcome],
                     "text", usl_outcome_text(fit->outcome), "gamma", interval_json(&fit->gamma),
                     "alpha", interval_json(&fit->alpha), "beta", interval_json(&fit->beta),
                     "peak_users", interval_json(&fit->peak_users), "peak_per_s",
                     interval_json(&fit->peak_per_s), "misfit", document_number(fit->misfit),
                     "resamples", fit->resamples, "confidence", USL_CONFIDENCE);
}

static json_t *answer_json(const struct capacity_report *report)
{
    const struct capacity_result *result = report->result;
    json_t *out = json_pack("{s:s,s:o,s:o,s:o,s:o,s:o,s:b,s:s,s:o}", "outcome",
                            capacity_outcome_name(result->outcome), "low_per_s",
                            document_number(result->low_per_s), "high_per_s",
                            document_number(result->high_per_s), "estimate_per_s",
                            document_number(result->estimate_per_s), "estimate_low_per_s",
                            document_number(result->estimate_low_per_s), "estimate_high_per_s",
                            document_number(result->estimate_high_per_s), "generator_limited",
                            (int)result->generator_limited, "note", result->note, "played_s",
                            document_number(result->played_s));
    json_object_set_new(out, "spent_s", document_number(result->spent_s));
    if (report->config->want_per_s > 0) {
        json_object_set_new(out, "want",
                            json_pack("{s:f,s:s}", "rate_per_s", report->config->want_per_s,
                                      "verdict", sequential_verdict_name(result->want)));
    }
    json_object_set_new(out, "confirmed",
                        json_pack("{s:s,s:o,s:s,s:s,s:i}", "soak",
                                  sequential_verdict_name(result->confirmed.soak), "soak_per_s",
                                  document_number(result->confirmed.soak_per_s), "retest",
                                  sequential_verdict_name(result->confirmed.retest), "recovery",
                                  sequential_verdict_name(result->confirmed.recovery), "demotions",
                                  result->confirmed.demotions));
    json_object_set_new(out, "usl", result->has_usl ? usl_json(&result->usl) : json_null());
    json_object_set_new(out, "knee",
                        result->has_knee ? json_pack("{s:f,s:f}", "rate_per_s", result->knee.x,
                                                     "p99_s", result->knee.y)
                                         : json_null());
    return out;
}

static json_t *settings_json(const struct capacity_config *config)
{
    json_t *objectives = json_array();
    for (size_t o = 0; o < config->slo.count; o++) {
        json_array_append_new(objectives, json_string(config->slo.objective[o].text));
    }
    return json_pack("{s:o,s:f,s:f,s:f,s:f,s:f,s:f,s:f,s:f,s:f,s:f,s:f,s:f,s:i,s:i,s:o}",
                     "objectives", objectives, "confidence", config->confidence, "precision",
                     config->precision, "indifference", config->indifference, "trial_s",
                     config->trial_s, "longest_s", config->longest_s, "warmup_s", config->warmup_s,
                     "ladder_s", config->ladder_s, "soak_s", config->soak_s, "budget_s",
                     config->budget_s, "start_per_s", config->start_per_s, "least_per_s",
                     config->least_per_s, "most_per_s", config->most_per_s, "users_most",
                     config->users_most, "invalid_repeats", config->invalid_repeats, "seed",
                     wide_number(config->seed));
}

static json_t *whole(const struct capacity_report *report)
{
    char started[48], fingerprint[32];
    json_t *levels = json_array();
    (void)clock_format_wall(report->started_unix_s * CLOCK_NS_PER_S, started, sizeof started);
    (void)snprintf(fingerprint, sizeof fingerprint, "%016" PRIx64, report->data_fingerprint);
    for (size_t i = 0; i < report->result->level_count; i++) {
        json_array_append_new(levels, level_json(report, &report->result->level[i]));
    }
    json_t *root =
        json_pack("{s:s,s:s,s:s,s:b,s:b,s:i,s:s,s:o,s:o,s:o}", "version", DRIFTDRILL_VERSION,
                  "target", report->target, "started", started, "interrupted",
                  (int)report->interrupted, "lists_only", (int)report->lists_only, "people",
                  (int)report->people, "data_fingerprint", fingerprint, "settings",
                  settings_json(report->config), "capacity", answer_json(report), "levels", levels);
    json_object_set_new(root, "data",
                        report->data_name != NULL ? json_string(report->data_name) : json_null());
    json_object_set_new(root, "generator",
                        report->generator != NULL ? json_deep_copy(report->generator)
                                                  : json_null());
    return root;
}

enum err capacity_report_write_json(const struct capacity_report *report, const char *path,
                                    struct error *error)
{
    json_t *root = whole(report);
    enum err code = document_write(root, 9, path, error);
    json_decref(root);
    return code;
}
