/* driftdrill report compare: is one build faster than another? Over whole runs of both. */
#include "base/mem.h"
#include "command/command.h"
#include "command/versus_files.h"
#include "command/versus_tell.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const struct option_row rows[] = {
    {"a", OPTION_TEXT, "FILES", NULL, 0, 0,
     "Runs of build A: files or patterns, with commas between them."},
    {"b", OPTION_TEXT, "FILES", NULL, 0, 0, "Runs of build B."},
    {"aa", OPTION_TEXT, "FILES", NULL, 0, 0,
     "More runs of build A, for the noise floor (else A's odd runs against its even ones)."},
    {"of", OPTION_TEXT, "FIGURE", NULL, 0, 0,
     "What to compare: list.p99 and the like, achieved, cpu_us_a_step (of run; default list.p99), "
     "capacity, capacity.estimate (of capacity; default capacity)."},
    {"confidence", OPTION_REAL, "SHARE", "0.95", 0.5, 0.999, "Of the intervals and the verdict."},
    {"seed", OPTION_INT, "N", "1", 0, 9e15, "Of the bootstrap."},
    {"fail-if-worse", OPTION_REAL, "PERCENT", NULL, 0, 1000,
     "Exit with 1 if B is worse by more than that, with the whole interval."},
    {"json", OPTION_TEXT, "FILE", NULL, 0, 0, "Write the comparison here."},
    {NULL},
};

static const char *const side_options[VERSUS_SIDES] = {"a", "b", "aa"};

/* ---- the figures ---- */

static double *values_of(const struct versus_file *file, size_t count)
{
    double *value = mem_array(count + 1, sizeof *value);
    for (size_t i = 0; i < count; i++) {
        value[i] = file[i].value;
    }
    return value;
}

static double *starts_of(const struct versus_file *file, size_t count)
{
    double *start_s = mem_array(count + 1, sizeof *start_s);
    for (size_t i = 0; i < count; i++) {
        start_s[i] = file[i].start_s;
    }
    return start_s;
}

static void measure_noise(struct versus_report *report, const double *a, const double *again)
{
    size_t a_count = report->files->count[VERSUS_A], aa_count = report->files->count[VERSUS_AA];
    double *half[2];
    if (aa_count > 0) {
        report->noise_of = VERSUS_NOISE_AGAIN;
        versus_sides(a, a_count, again, aa_count, report->confidence, report->seed, &report->noise);
        return;
    }
    if (a_count < 2) {
        return;
    }
    for (size_t h = 0; h < 2; h++) {
        half[h] = mem_array(a_count, sizeof *half[h]);
        for (size_t i = h; i < a_count; i += 2) {
            half[h][i / 2] = a[i];
        }
    }
    report->noise_of = VERSUS_NOISE_HALVES;
    versus_sides(half[0], (a_count + 1) / 2, half[1], a_count / 2, report->confidence, report->seed,
                 &report->noise);
    mem_free(half[0]);
    mem_free(half[1]);
}

static void measure(struct versus_report *report)
{
    const struct versus_files *files = report->files;
    double *value[VERSUS_SIDES];
    for (size_t side = 0; side < VERSUS_SIDES; side++) {
        value[side] = values_of(files->file[side], files->count[side]);
    }
    versus_sides(value[VERSUS_A], files->count[VERSUS_A], value[VERSUS_B], files->count[VERSUS_B],
                 report->confidence, report->seed, &report->result);
    measure_noise(report, value[VERSUS_A], value[VERSUS_AA]);
    for (size_t side = 0; side < VERSUS_SIDES; side++) {
        mem_free(value[side]);
    }
}

/* ---- warnings ---- */

static enum versus_order order_of(const struct versus_files *files, enum versus_side other)
{
    double *a = starts_of(files->file[VERSUS_A], files->count[VERSUS_A]);
    double *b = starts_of(files->file[other], files->count[other]);
    enum versus_order order = versus_order(a, files->count[VERSUS_A], b, files->count[other]);
    mem_free(a);
    mem_free(b);
    return order;
}

static void warn(struct versus_report *report, const char *text)
{
    json_array_append_new(report->warnings, json_string(text));
}

static void warn_of_order(struct versus_report *report)
{
    enum versus_order again = VERSUS_INTERLEAVED;
    report->order = order_of(report->files, VERSUS_B);
    if (report->files->count[VERSUS_AA] > 0) {
        again = order_of(report->files, VERSUS_AA);
    }
    if (report->order == VERSUS_IN_BLOCKS) {
        warn(report, "the runs of A and B were not taken in turns: if the machine changed "
                     "meanwhile, that looks like a difference");
    } else if (report->order == VERSUS_ORDER_UNKNOWN) {
        warn(report, "not every file tells when its run began: whether A and B took turns is not "
                     "known, nor which runs are odd or even but by the order given");
    }
    if (again == VERSUS_IN_BLOCKS) {
        warn(report, "the runs of --a and --aa were not taken in turns: the noise floor holds "
                     "what changed meanwhile");
    }
}

/* Does that member differ between any two files of the sides up to `last`? */
static bool differs(const struct versus_files *files, size_t first, size_t last, const char *folder,
                    const char *name)
{
    const json_t *seen = NULL;
    for (size_t side = first; side <= last; side++) {
        for (size_t i = 0; i < files->count[side]; i++) {
            const json_t *root = files->file[side][i].root;
            const json_t *here =
                json_object_get(folder != NULL ? json_object_get(root, folder) : root, name);
            if (seen != NULL && here != NULL && !json_equal(seen, here)) {
                return true;
            }
            seen = here != NULL ? here : seen;
        }
    }
    return false;
}

static void warn_of_runs(struct versus_report *report)
{
    const struct versus_files *files = report->files;
    const char *folder = files->figure->kind == VERSUS_RUN ? "settings" : NULL;
    char text[160];
    size_t wide = 0;
    if (!files->figure->per_step && differs(files, VERSUS_A, VERSUS_AA, NULL, "version")) {
        warn(report, "measured by different versions of driftdrill");
    }
    for (size_t side = 0; side < VERSUS_SIDES; side++) {
        if (differs(files, side, side, folder, "target")) {
            (void)snprintf(text, sizeof text,
                           "the runs of --%s have different targets: are they "
                           "one build?",
                           side_options[side]);
            warn(report, text);
        }
        for (size_t i = 0; i < files->count[side]; i++) {
            const json_t *capacity = json_object_get(files->file[side][i].root, "capacity");
            const char *outcome = json_string_value(json_object_get(capacity, "outcome"));
            wide += outcome != NULL && strcmp(outcome, "wide") == 0;
        }
    }
    if (wide > 0) {
        (void)snprintf(text, sizeof text,
                       "%zu of the searches ended wide: the rate proved lies "
                       "well below the one that failed",
                       wide);
        warn(report, text);
    }
    if (report->noise_of != VERSUS_NOISE_NONE && report->noise.outcome == VERSUS_SHOWN) {
        warn(report, "A differs from A itself: something besides the builds changed");
    }
}

/* ---- verdict ---- */

static enum err verdict(const struct options *options, const struct versus_report *report,
                        struct error *error)
{
    const struct versus_figure *figure = report->files->figure;
    const struct versus_ratio *ratio = &report->result.ratio;
    if (report->result.outcome == VERSUS_TOO_FEW) {
        return error_set(error, ERR_INVALID, NULL, 0,
                         "from %zu and %zu runs no difference could be shown at %g %%, however "
                         "large",
                         report->files->count[VERSUS_A], report->files->count[VERSUS_B],
                         report->confidence * 100);
    }
    double most = options_real(options, "fail-if-worse") / 100;
    double worse = figure->more_is_better ? 1 - ratio->high : ratio->low - 1;
    if (options_is_set(options, "fail-if-worse") && worse > most) {
        return error_set(error, ERR_FAILED, NULL, 0,
                         "%s of B is worse by %.3g %% at least, and %g %% are allowed",
                         figure->name, worse * 100, most * 100);
    }
    return ERR_OK;
}

static enum err tell(const struct options *options, const struct versus_files *files,
                     struct error *error)
{
    const char *json = options_text(options, "json");
    struct versus_report report = {.files = files,
                                   .confidence = options_real(options, "confidence"),
                                   .seed = (uint64_t)options_int(options, "seed"),
                                   .warnings = json_array()};
    enum err code = ERR_OK;
    measure(&report);
    warn_of_order(&report);
    warn_of_runs(&report);
    versus_print(&report);
    fflush(stdout);
    if (json != NULL) {
        code = versus_write_json(&report, json, error);
    }
    if (code == ERR_OK) {
        code = verdict(options, &report, error);
    }
    json_decref(report.warnings);
    return code;
}

/* ---- the command ---- */

static void read_figure(const struct options *options, const struct versus_figure **out,
                        struct faults *faults)
{
    char names[512];
    const char *name = options_text(options, "of");
    *out = name != NULL ? versus_figure_find(name) : NULL;
    if (name != NULL && *out == NULL) {
        versus_figure_names(names, sizeof names);
        faults_add(faults, "--of", 0, NULL, "no figure '%.40s'; there are %s", name, names);
    }
}

static enum err compare(const struct options *options, struct error *error)
{
    const char *const list[VERSUS_SIDES] = {options_text(options, "a"), options_text(options, "b"),
                                            options_text(options, "aa")};
    const struct versus_figure *figure;
    struct versus_files files = {0};
    struct faults faults;
    enum err code = ERR_OK;
    faults_init(&faults);
    read_figure(options, &figure, &faults);
    for (size_t side = VERSUS_A; side <= VERSUS_B; side++) {
        if (list[side] == NULL) {
            faults_add(&faults, side == VERSUS_A ? "--a" : "--b", 0, NULL, "is needed");
        }
    }
    bool asked_well = faults.count == 0;
    if (asked_well) {
        code = versus_files_read(list, figure, &files, &faults);
    }
    faults_print(&faults);
    if (!asked_well) {
        code = error_set(error, ERR_USAGE, NULL, 0, "nothing was read");
    } else if (code != ERR_OK) {
        error_set(error, code, NULL, 0, "nothing was compared: %zu fault%s", faults.count,
                  faults.count == 1 ? "" : "s");
    } else {
        code = tell(options, &files, error);
    }
    versus_files_deinit(&files);
    faults_deinit(&faults);
    return code;
}

const struct command command_report_compare = {
    .name = "report compare",
    .usage = "report compare --a FILES --b FILES [--aa FILES] [--of FIGURE] [options]",
    .summary = "tell whether one build is faster than another, over runs of both",
    .options = rows,
    .run = compare,
};
