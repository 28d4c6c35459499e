#include "command/capacity_report_int.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define TEXT_MAX_BYTES 8192
#define MISFIT_HIGH 2.0 /* beyond it the scalability law does not hold well */

/* ---- texts ---- */

const char *capacity_load_text(const struct capacity_level *level, char *out, size_t size)
{
    if (level->plan.kind == CAPACITY_CLOSED) {
        (void)snprintf(out, size, "%d at once", level->plan.users);
    } else {
        (void)snprintf(out, size, "%.6g/s", level->plan.rate_per_s);
    }
    return out;
}

void capacity_objectives_text(const struct slo *slo, struct buf *out)
{
    for (size_t o = 0; o < slo->count; o++) {
        buf_printf(out, "%s%s", o > 0 ? ", " : "", slo->objective[o].text);
    }
}

static void curve_text(const struct capacity_result *result, struct buf *out)
{
    if (isfinite(result->estimate_per_s)) {
        buf_printf(out, "; a curve through them meets the limit at %.5g (%.5g to %.5g)",
                   result->estimate_per_s, result->estimate_low_per_s, result->estimate_high_per_s);
    } else {
        buf_text(out, "; no curve tells more");
    }
}

void capacity_answer_text(const struct capacity_report *report, struct buf *out)
{
    const struct capacity_result *result = report->result;
    const char *unit = report->lists_only ? "lists/s" : "steps/s";
    switch (result->outcome) {
    case CAPACITY_FOUND:
    case CAPACITY_ESTIMATED:
    case CAPACITY_WIDE:
        if (isinf(result->high_per_s)) {
            buf_printf(
                out, "holds %.5g %s (%g %% sure); no rate failed, nothing is known of higher ones",
                result->low_per_s, unit, report->config->confidence * 100);
            break;
        }
        buf_printf(out, "holds %.5g %s and fails at %.5g, both shown by trials (%g %% sure)",
                   result->low_per_s, unit, result->high_per_s, report->config->confidence * 100);
        curve_text(result, out);
        break;
    case CAPACITY_AT_LEAST:
        buf_printf(out, "holds %.5g %s at least", result->low_per_s, unit);
        break;
    case CAPACITY_AT_MOST:
        buf_printf(out, "does not hold even %.5g %s", result->high_per_s, unit);
        break;
    case CAPACITY_UNKNOWN:
        if (isfinite(result->high_per_s)) {
            buf_printf(out, "fails at %.5g %s; nothing is known of lower rates", result->high_per_s,
                       unit);
        } else {
            buf_text(out, "was not shown to hold any rate, nor to fail at one");
        }
        break;
    }
}

static void want_text(const struct capacity_report *report, struct buf *out)
{
    const char *verdict = "it is not known whether that holds";
    if (!(report->config->want_per_s > 0)) {
        return;
    }
    if (report->result->want == SEQUENTIAL_PASS) {
        verdict = "held";
    } else if (report->result->want == SEQUENTIAL_FAIL) {
        verdict = "not held";
    }
    buf_printf(out, "wanted %.5g/s: %s\n", report->config->want_per_s, verdict);
}

static void confirmation_text(const struct capacity_report *report, struct buf *out)
{
    const struct capacity_result *result = report->result;
    bool tried[CAPACITY_STAGES] = {false};
    for (size_t i = 0; i < result->level_count; i++) {
        tried[result->level[i].stage] = true;
    }
    if (tried[CAPACITY_SOAK]) {
        buf_printf(out, "%.5g/s held for %.0f s: %s\n", result->confirmed.soak_per_s,
                   report->config->soak_s, sequential_verdict_name(result->confirmed.soak));
    }
    if (tried[CAPACITY_RETEST]) {
        buf_printf(out, "the rate that failed, again: %s\n",
                   sequential_verdict_name(result->confirmed.retest));
    }
    if (tried[CAPACITY_RECOVERY]) {
        buf_printf(out, "after an overload: %s\n",
                   sequential_verdict_name(result->confirmed.recovery));
    }
}

static void interval_text(const struct usl_interval *interval, const char *name, struct buf *out)
{
    buf_printf(out, ", %s %.3g (%.3g to %.3g)", name, interval->value, interval->low,
               interval->high);
}

static void ladder_text(const struct capacity_result *result, struct buf *out)
{
    const struct usl_fit *fit = &result->usl;
    if (!result->has_usl) {
        return;
    }
    buf_printf(out, "ladder: %s", usl_outcome_text(fit->outcome));
    if (fit->outcome == USL_PEAK) {
        buf_printf(out, ": %.5g/s (%.5g to %.5g) with %.3g people (%.3g to %.3g)",
                   fit->peak_per_s.value, fit->peak_per_s.low, fit->peak_per_s.high,
                   fit->peak_users.value, fit->peak_users.low, fit->peak_users.high);
    }
    if (isfinite(fit->gamma.value)) {
        interval_text(&fit->gamma, "X(1)", out);
        interval_text(&fit->alpha, "contention", out);
        interval_text(&fit->beta, "coherency", out);
    }
    if (fit->misfit > MISFIT_HIGH) {
        buf_printf(out, "; levels lie %.1f errors off the law, which does not hold well",
                   fit->misfit);
    }
    buf_text(out, "\n");
}

void capacity_findings_text(const struct capacity_report *report, struct buf *out)
{
    const struct capacity_result *result = report->result;
    want_text(report, out);
    confirmation_text(report, out);
    if (result->has_knee) {
        buf_printf(out, "knee: p99 begins to climb at %.5g/s, where it is %.2f ms\n",
                   result->knee.x, result->knee.y * 1e3);
    }
    ladder_text(result, out);
}

#define FAILED_FIRST 1e12
#define UNJUDGED 1e9

size_t capacity_tightest(const struct capacity_report *report, const struct capacity_level *level)
{
    const struct slo *slo = &report->config->slo;
    size_t tightest = 0;
    double most = -1;
    for (size_t o = 0; o < slo->count; o++) {
        /* What nobody can judge is tightest of all. */
        double allowed = slo_allowed(&slo->objective[o], level->sum.hit_rate_expected);
        double used = isnan(allowed) ? UNJUDGED : level->objective[o].high / allowed;
        /* Few observations leave a high bound; what failed is told before what may yet. */
        used += level->objective[o].verdict == SEQUENTIAL_FAIL ? FAILED_FIRST : 0;
        if (used > most) {
            most = used;
            tightest = o;
        }
    }
    return tightest;
}

/* ---- the table ---- */

static void print_share(double value, double scale, int decimals)
{
    if (isfinite(value)) {
        printf(" %8.*f", decimals, value * scale);
    } else {
        printf(" %8s", "-");
    }
}

static void print_level(const struct capacity_report *report, const struct capacity_level *level)
{
    const struct capacity_trial *sum = &level->sum;
    char load[CAPACITY_LOAD_SIZE];
    printf("%-9s %11s", capacity_stage_name(level->stage),
           capacity_load_text(level, load, sizeof load));
    if (!level->valid) {
        printf("  invalid %d times: %s\n", level->invalid_runs, sum->why);
        return;
    }
    printf(" %7.0f %9.1f %9.2f %9.2f", level->played_s, sum->achieved_per_s, sum->p50_s * 1e3,
           sum->p99_s * 1e3);
    print_share(sum->errors_share, 100, 2);
    print_share(sum->hit_rate, 1, 3);
    print_share(sum->hit_rate_expected, 1, 3);
    print_share(sum->fallback_share, 100, 1);
    if (level->plan.kind == CAPACITY_OPEN) {
        size_t o = capacity_tightest(report, level);
        const struct sequential_state *state = &level->objective[o];
        printf("  %-9s %s", sequential_verdict_name(level->verdict),
               report->config->slo.objective[o].text);
        if (isfinite(state->share)) {
            printf(": %.3f %% (%.3f to %.3f)", state->share * 100, state->low * 100,
                   state->high * 100);
        }
        printf("%s", level->grew ? "; its queue grew" : "");
    }
    printf("\n");
}

static void print_text(void (*write)(const struct capacity_report *, struct buf *),
                       const struct capacity_report *report)
{
    struct buf text;
    buf_init(&text, TEXT_MAX_BYTES);
    write(report, &text);
    printf("%s", text.len > 0 ? text.data : "");
    buf_deinit(&text);
}

static void objectives(const struct capacity_report *report, struct buf *out)
{
    capacity_objectives_text(&report->config->slo, out);
}

void capacity_report_print(const struct capacity_report *report)
{
    const struct capacity_result *result = report->result;
    printf("%scapacity of %s, seed %" PRIu64 ", %.0f s of load\n",
           report->interrupted ? "interrupted; " : "", report->target, report->config->seed,
           result->played_s);
    printf("\n%-9s %11s %7s %9s %9s %9s %8s %8s %8s %8s  %s\n", "", "load", "s", "steps/s",
           "p50 ms", "p99 ms", "errors %", "hits", "expected", "fallb. %",
           "verdict, by the tightest objective: bad responses");
    for (size_t i = 0; i < result->level_count; i++) {
        print_level(report, &result->level[i]);
    }
    printf("\n");
    print_text(capacity_findings_text, report);
    printf("within ");
    print_text(objectives, report);
    printf(" it ");
    print_text(capacity_answer_text, report);
    printf("\n");
    if (result->note[0] != '\0') {
        printf("(%s)\n", result->note);
    }
}

/* ---- verdict ---- */

enum err capacity_report_verdict(const struct capacity_report *report, struct error *error)
{
    const struct capacity_result *result = report->result;
    double want = report->config->want_per_s;
    if (want > 0 && result->want == SEQUENTIAL_PASS) {
        return ERR_OK;
    }
    if (want > 0 && result->want == SEQUENTIAL_FAIL) {
        return error_set(error, ERR_FAILED, report->target, 0, "does not hold %.5g steps/s", want);
    }
    if (want > 0) {
        return error_set(error, ERR_INVALID, report->target, 0,
                         "whether it holds %.5g steps/s is not known: %s", want,
                         result->note[0] != '\0' ? result->note : "undecided");
    }
    if (result->outcome == CAPACITY_AT_MOST) {
        return error_set(error, ERR_FAILED, report->target, 0, "does not hold even %.5g steps/s",
                         result->high_per_s);
    }
    if (result->outcome == CAPACITY_WIDE && isinf(result->high_per_s)) {
        return error_set(
            error, ERR_INVALID, report->target, 0,
            "it holds %.5g steps/s, but no rate failed, so where that ends is not known: %s",
            result->low_per_s,
            result->note[0] != '\0' ? result->note : "the search was over before");
    }
    if (result->outcome == CAPACITY_UNKNOWN || result->generator_limited) {
        return error_set(error, ERR_INVALID, report->target, 0, "no capacity was found: %s",
                         result->note[0] != '\0' ? result->note
                                                 : "every trial stayed undecided; longer ones "
                                                   "(--longest) may help");
    }
    return ERR_OK;
}
