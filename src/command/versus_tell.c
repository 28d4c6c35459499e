#include "command/versus_tell.h"

#include "base/document.h"
#include "base/version.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#define TEXT_MAX_BYTES 4096

static const char *const side_names[VERSUS_SIDES] = {"A", "B", "A again"};
static const char *const noise_names[] = {[VERSUS_NOISE_NONE] = "none",
                                          [VERSUS_NOISE_HALVES] = "odd and even runs of A",
                                          [VERSUS_NOISE_AGAIN] = "other runs of A"};

/* ---- texts ---- */

static void interval_text(const struct versus_ratio *ratio, struct buf *out)
{
    buf_printf(out, "%.4g", ratio->value);
    if (!isnan(ratio->low)) {
        buf_printf(out, " (%.4g to %.4g)", ratio->low, ratio->high);
    }
}

static void noise_text(const struct versus_report *report, struct buf *out)
{
    if (report->noise_of == VERSUS_NOISE_NONE) {
        buf_text(out, "; the noise floor is not known");
        return;
    }
    bool beyond = versus_beyond(report->result.ratio.value, report->noise.ratio.value);
    buf_printf(out, ", %sfurther from 1 than the noise floor (A against A: %.4g times)",
               beyond ? "" : "no ", report->noise.ratio.value);
}

void versus_sentence(const struct versus_report *report, struct buf *out)
{
    const struct versus_figure *figure = report->files->figure;
    const struct versus_ratio *ratio = &report->result.ratio;
    bool better = (ratio->value > 1) == figure->more_is_better;
    switch (report->result.outcome) {
    case VERSUS_SHOWN:
        buf_printf(out, "B is %s than A: its %s is ", better ? figure->better : figure->worse,
                   figure->name);
        break;
    case VERSUS_NOT_SHOWN:
        buf_printf(out, "no difference shown: B's %s is ", figure->name);
        break;
    case VERSUS_TOO_FEW:
        buf_printf(out, "too few runs to show any difference: B's %s is ", figure->name);
        break;
    }
    interval_text(ratio, out);
    buf_text(out, " times A's");
    noise_text(report, out);
}

/* ---- the table ---- */

static void print_side(const struct versus_report *report, enum versus_side side,
                       const struct versus_median *median)
{
    printf("%-8s %6zu %12.5g", side_names[side], report->files->count[side], median->value);
    if (isnan(median->low)) {
        printf("  no interval from fewer than %zu runs\n", versus_median_runs(report->confidence));
    } else {
        printf(" %12.5g %12.5g %9.2f %%\n", median->low, median->high, median->covers * 100);
    }
}

static void print_test(const char *what, const struct versus_result *result)
{
    struct buf text;
    buf_init(&text, TEXT_MAX_BYTES);
    interval_text(&result->ratio, &text);
    printf("%-26s %s; Mann-Whitney U = %g, p = %.3g (%s%s)\n", what, text.data, result->ranks.u,
           result->ranks.p, result->ranks.exact ? "exact" : "normal approximation",
           result->ranks.ties ? ", ties" : "");
    buf_deinit(&text);
}

void versus_print(const struct versus_report *report)
{
    const struct versus_figure *figure = report->files->figure;
    struct buf text;
    size_t i;
    json_t *warning;
    printf("%s of runs, %s, %s is better; %g %% intervals, %d resamples, seed %" PRIu64 "\n\n",
           figure->name, figure->unit, figure->more_is_better ? "more" : "less",
           report->confidence * 100, VERSUS_RESAMPLES, report->seed);
    printf("%-8s %6s %12s %12s %12s %11s\n", "", "runs", "median", "low", "high", "covers");
    print_side(report, VERSUS_A, &report->result.a);
    print_side(report, VERSUS_B, &report->result.b);
    if (report->noise_of == VERSUS_NOISE_AGAIN) {
        print_side(report, VERSUS_AA, &report->noise.b);
    }
    printf("\n");
    print_test("B / A", &report->result);
    if (report->noise_of != VERSUS_NOISE_NONE) {
        print_test(report->noise_of == VERSUS_NOISE_AGAIN ? "noise floor: A again / A"
                                                          : "noise floor: even / odd A",
                   &report->noise);
    }
    json_array_foreach(report->warnings, i, warning)
    {
        printf("warning: %s\n", json_string_value(warning));
    }
    buf_init(&text, TEXT_MAX_BYTES);
    versus_sentence(report, &text);
    printf("%s.\n", text.data);
    buf_deinit(&text);
}

/* ---- JSON ---- */

static json_t *side_json(const struct versus_report *report, enum versus_side side,
                         const struct versus_median *median)
{
    json_t *runs = json_array();
    for (size_t i = 0; i < report->files->count[side]; i++) {
        const struct versus_file *file = &report->files->file[side][i];
        const json_t *started = json_object_get(file->root, "started");
        json_array_append_new(runs, json_pack("{s:s,s:o,s:O?}", "file", file->path, "value",
                                              document_number(file->value), "started", started));
    }
    return json_pack("{s:o,s:o,s:o,s:o,s:o}", "median", document_number(median->value), "low",
                     document_number(median->low), "high", document_number(median->high), "covers",
                     document_number(median->covers), "runs", runs);
}

static json_t *test_json(const struct versus_result *result)
{
    return json_pack("{s:o,s:o,s:o,s:{s:o,s:o,s:b,s:b}}", "ratio",
                     document_number(result->ratio.value), "low",
                     document_number(result->ratio.low), "high",
                     document_number(result->ratio.high), "mann_whitney", "u",
                     document_number(result->ranks.u), "p", document_number(result->ranks.p),
                     "exact", (int)result->ranks.exact, "ties", (int)result->ranks.ties);
}

static json_t *noise_json(const struct versus_report *report)
{
    if (report->noise_of == VERSUS_NOISE_NONE) {
        return json_null();
    }
    json_t *out = test_json(&report->noise);
    json_object_set_new(out, "of", json_string(noise_names[report->noise_of]));
    json_object_set_new(
        out, "exceeded",
        json_boolean(versus_beyond(report->result.ratio.value, report->noise.ratio.value)));
    if (report->noise_of == VERSUS_NOISE_AGAIN) {
        json_object_set_new(out, "again", side_json(report, VERSUS_AA, &report->noise.b));
    }
    return out;
}

static json_t *whole(const struct versus_report *report)
{
    static const char *const outcomes[] = {[VERSUS_TOO_FEW] = "too few runs",
                                           [VERSUS_NOT_SHOWN] = "not shown",
                                           [VERSUS_SHOWN] = "shown"};
    static const char *const orders[] = {[VERSUS_INTERLEAVED] = "interleaved",
                                         [VERSUS_IN_BLOCKS] = "not interleaved",
                                         [VERSUS_ORDER_UNKNOWN] = "unknown"};
    const struct versus_figure *figure = report->files->figure;
    char seed[32];
    struct buf text;
    (void)snprintf(seed, sizeof seed, "%" PRIu64, report->seed);
    buf_init(&text, TEXT_MAX_BYTES);
    versus_sentence(report, &text);
    json_t *root = json_pack(
        "{s:s,s:s,s:s,s:b,s:f,s:s,s:i,s:o,s:o,s:o,s:s,s:s,s:o,s:s,s:O}", "version",
        DRIFTDRILL_VERSION, "figure", figure->name, "unit", figure->unit, "more_is_better",
        (int)figure->more_is_better, "confidence", report->confidence, "seed", seed, "resamples",
        VERSUS_RESAMPLES, "a", side_json(report, VERSUS_A, &report->result.a), "b",
        side_json(report, VERSUS_B, &report->result.b), "b_over_a", test_json(&report->result),
        "difference", outcomes[report->result.outcome], "order", orders[report->order], "noise",
        noise_json(report), "text", text.data, "warnings", report->warnings);
    buf_deinit(&text);
    return root;
}

enum err versus_write_json(const struct versus_report *report, const char *path,
                           struct error *error)
{
    json_t *root = whole(report);
    enum err code = document_write(root, 9, path, error);
    json_decref(root);
    return code;
}
