/* One file: what it is, whether it may be believed, and the figure. */
#include "command/versus_files.h"

#include "base/buf.h"
#include "base/fileio.h"
#include "base/mem.h"
#include "base/text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define FILE_MAX_BYTES ((size_t)16 << 20)

#define FASTER .better = "faster", .worse = "slower"
#define LATENCY(endpoint, name_, member)                                                           \
    {                                                                                              \
        .name = endpoint "." name_, .at = "latency/" endpoint "/from_intended/" member,            \
        .count = "latency/" endpoint "/from_intended/count", .scale = 1e3, .unit = "ms", FASTER    \
    }
#define LATENCIES(endpoint)                                                                        \
    LATENCY(endpoint, "p50", "p50_s"), LATENCY(endpoint, "p90", "p90_s"),                          \
        LATENCY(endpoint, "p99", "p99_s"), LATENCY(endpoint, "p99.9", "p999_s"),                   \
        LATENCY(endpoint, "max", "max_s"), LATENCY(endpoint, "mean", "mean_s")

static const struct versus_figure figures[] = {
    LATENCIES("list"),
    LATENCIES("rating"),
    {.name = "achieved",
     .at = "achieved_steps_per_s",
     .scale = 1,
     .unit = "steps/s",
     .more_is_better = true,
     FASTER},
    {.name = "cpu_us_a_step",
     .at = "cpu_s",
     .scale = 1e6,
     .unit = "us",
     .per_step = true,
     .better = "cheaper",
     .worse = "dearer"},
    {.name = "capacity",
     .kind = VERSUS_CAPACITY,
     .at = "capacity/low_per_s",
     .scale = 1,
     .unit = "steps/s",
     .more_is_better = true,
     FASTER},
    {.name = "capacity.estimate",
     .kind = VERSUS_CAPACITY,
     .at = "capacity/estimate_per_s",
     .scale = 1,
     .unit = "steps/s",
     .more_is_better = true,
     FASTER},
};

#define FIGURES (sizeof figures / sizeof figures[0])

const struct versus_figure *versus_figure_find(const char *name)
{
    size_t i = 0;
    while (i < FIGURES && strcmp(figures[i].name, name) != 0) {
        i++;
    }
    return i < FIGURES ? &figures[i] : NULL;
}

void versus_figure_names(char *out, size_t size)
{
    size_t used = 0;
    for (size_t i = 0; i < FIGURES && used < size; i++) {
        used +=
            (size_t)snprintf(out + used, size - used, "%s%s", i > 0 ? ", " : "", figures[i].name);
    }
}

/* ---- members ---- */

/* "a/b/c" of a document; NULL if any of them is not there. */
static const json_t *member(const json_t *root, const char *at)
{
    char name[64];
    while (root != NULL && at[0] != '\0') {
        size_t length = strcspn(at, "/");
        (void)snprintf(name, sizeof name, "%.*s", (int)length, at);
        root = json_object_get(root, name);
        at += length + (at[length] == '/');
    }
    return root;
}

static enum err unreadable(struct faults *faults, const char *path, const char *at,
                           const char *expected)
{
    char pointer[160];
    (void)snprintf(pointer, sizeof pointer, "/%s", at);
    faults_add(faults, path, 0, pointer, "expected %s", expected);
    return ERR_INPUT;
}

static enum err unfit(struct faults *faults, const char *path, const char *why)
{
    faults_add(faults, path, 0, NULL, "not fit to compare: %s", why);
    return ERR_INVALID;
}

static enum err worse_of(enum err a, enum err b)
{
    return a == ERR_OK || b == ERR_INPUT ? b : a;
}

/* A fault if the member is not a boolean, or not the one that a sound result has. */
static enum err demand(const json_t *root, const char *at, bool wanted, const char *why,
                       const char *path, struct faults *faults)
{
    const json_t *value = member(root, at);
    if (!json_is_boolean(value)) {
        return unreadable(faults, path, at, "true or false");
    }
    return json_is_true(value) == wanted ? ERR_OK : unfit(faults, path, why);
}

/* ---- may it be believed? ---- */

static enum err judge_run(const json_t *root, const char *path, struct faults *faults)
{
    const char *why = json_string_value(member(root, "generator/why"));
    char text[256];
    (void)snprintf(text, sizeof text, "the generator: %s",
                   why != NULL && why[0] != '\0' ? why : "late");
    enum err code = demand(root, "on_time", true, text, path, faults);
    code = worse_of(code, demand(root, "interrupted", false, "interrupted", path, faults));
    code = worse_of(code, demand(root, "stopped", false, "stopped before its end", path, faults));
    if (json_array_size(member(root, "rate_changes")) > 0) {
        code = worse_of(code, unfit(faults, path, "its rate was changed while it played"));
    }
    return code;
}

static enum err judge_capacity(const json_t *root, const char *path, struct faults *faults)
{
    const char *outcome = json_string_value(member(root, "capacity/outcome"));
    char text[96];
    size_t i;
    json_t *proof;
    enum err code = demand(root, "interrupted", false, "interrupted", path, faults);
    code = worse_of(code, demand(root, "capacity/generator_limited", false,
                                 "the generator's bound, not the target's", path, faults));
    if (outcome == NULL) {
        return worse_of(code, unreadable(faults, path, "capacity/outcome", "a text"));
    }
    if (strcmp(outcome, "found") != 0 && strcmp(outcome, "estimated") != 0 &&
        strcmp(outcome, "wide") != 0) {
        (void)snprintf(text, sizeof text, "its capacity is '%.40s'", outcome);
        code = worse_of(code, unfit(faults, path, text));
    } else if (json_is_null(member(root, "capacity/high_per_s"))) {
        code = worse_of(code, unfit(faults, path, "no rate that it tried failed"));
    }
    json_array_foreach((json_t *)member(root, "generator/alone"), i, proof)
    {
        if (json_is_false(json_object_get(proof, "fit"))) {
            return worse_of(code, unfit(faults, path, "the generator alone was not fit"));
        }
    }
    return code;
}

/* ---- the figure ---- */

static enum err take_figure(const struct versus_figure *figure, struct versus_file *file,
                            struct faults *faults)
{
    const json_t *value = member(file->root, figure->at);
    const json_t *count = figure->per_step || figure->count != NULL
                              ? member(file->root, figure->per_step ? "steps" : figure->count)
                              : NULL;
    if ((figure->per_step || figure->count != NULL) && !json_is_integer(count)) {
        return unreadable(faults, file->path, figure->per_step ? "steps" : figure->count,
                          "a whole number");
    }
    bool counted = count == NULL || json_integer_value(count) > 0;
    if (!counted || json_is_null(value)) {
        char text[64];
        (void)snprintf(text, sizeof text, "it has no %s", figure->name);
        return unfit(faults, file->path, text);
    }
    if (!json_is_number(value)) {
        return unreadable(faults, file->path, figure->at, "a number");
    }
    file->value = json_number_value(value) * figure->scale;
    file->value /= figure->per_step ? (double)json_integer_value(count) : 1;
    if (!(file->value > 0)) {
        char text[64];
        (void)snprintf(text, sizeof text, "its %s is not above zero", figure->name);
        return unfit(faults, file->path, text);
    }
    return ERR_OK;
}

/* "2026-01-31T08:00:00.000Z". */
static bool read_moment(const char *text, double *out_s)
{
    static const char shape[] = "0000-00-00T00:00:00.000Z";
    int number[7] = {0}, field = 0;
    if (text == NULL || strlen(text) != sizeof shape - 1) {
        return false;
    }
    for (size_t i = 0; shape[i] != '\0'; i++) {
        if (shape[i] != '0') {
            if (text[i] != shape[i]) {
                return false;
            }
            field++;
        } else if (text[i] < '0' || text[i] > '9') {
            return false;
        } else {
            number[field] = 10 * number[field] + (text[i] - '0');
        }
    }
    struct tm utc = {.tm_year = number[0] - 1900,
                     .tm_mon = number[1] - 1,
                     .tm_mday = number[2],
                     .tm_hour = number[3],
                     .tm_min = number[4],
                     .tm_sec = number[5]};
    *out_s = (double)timegm(&utc) + number[6] * 1e-3;
    return true;
}

static enum err take_start(struct versus_file *file, struct faults *faults)
{
    const json_t *started = member(file->root, "started");
    file->start_s = NAN;
    if (started == NULL || json_is_null(started)) {
        return ERR_OK;
    }
    return read_moment(json_string_value(started), &file->start_s)
               ? ERR_OK
               : unreadable(faults, file->path, "started",
                            "a moment such as 2026-01-31T08:00:00.000Z");
}

/* ---- one file ---- */

static enum err parse(const char *path, struct versus_file *out, struct faults *faults)
{
    struct buf text;
    struct error error = {0};
    json_error_t where;
    buf_init(&text, FILE_MAX_BYTES);
    enum err code = file_read(path, &text, &error);
    if (code != ERR_OK) {
        faults_add(faults, path, 0, NULL, "%s", error.text);
        code = ERR_INPUT;
    } else {
        out->root = json_loadb(text.data != NULL ? text.data : "", text.len, JSON_REJECT_DUPLICATES,
                               &where);
        if (out->root == NULL) {
            faults_add(faults, path, where.line, NULL, "%s", where.text);
            code = ERR_INPUT;
        }
    }
    buf_deinit(&text);
    return code;
}

static enum err find_kind(const struct versus_file *file, enum versus_kind *out,
                          struct faults *faults)
{
    if (!json_is_object(member(file->root, "settings")) ||
        (!json_is_object(member(file->root, "capacity")) &&
         !json_is_object(member(file->root, "latency")))) {
        faults_add(faults, file->path, 0, NULL,
                   "written neither by driftdrill run --json nor by driftdrill capacity --json");
        return ERR_INPUT;
    }
    *out = json_is_object(member(file->root, "capacity")) ? VERSUS_CAPACITY : VERSUS_RUN;
    return ERR_OK;
}

enum err versus_file_read(const char *path, const struct versus_figure **figure,
                          struct versus_file *out, struct faults *faults)
{
    enum versus_kind kind;
    *out = (struct versus_file){.path = mem_text(path), .start_s = NAN};
    enum err code = parse(path, out, faults);
    if (code == ERR_OK) {
        code = find_kind(out, &kind, faults);
    }
    if (code != ERR_OK) {
        return code;
    }
    if (*figure == NULL) {
        *figure = versus_figure_find(kind == VERSUS_RUN ? "list.p99" : "capacity");
    }
    if (kind != (*figure)->kind) {
        faults_add(faults, path, 0, NULL, "written by driftdrill %s; %s is a figure of the other",
                   kind == VERSUS_RUN ? "run" : "capacity", (*figure)->name);
        return ERR_INPUT;
    }
    out->comparable = true;
    code = kind == VERSUS_RUN ? judge_run(out->root, path, faults)
                              : judge_capacity(out->root, path, faults);
    if (code == ERR_OK) {
        code = take_figure(*figure, out, faults);
    }
    return worse_of(code, take_start(out, faults));
}

void versus_file_deinit(struct versus_file *file)
{
    mem_free(file->path);
    json_decref(file->root);
    *file = (struct versus_file){0};
}
