/*
 * The runs that `driftdrill report compare` compares: files of `run --json` and of `capacity
 * --json`. Main thread only.
 */
#ifndef COMMAND_VERSUS_FILES_H
#define COMMAND_VERSUS_FILES_H

#include "base/error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define VERSUS_RUNS_MAX 1000 /* a side */

enum versus_kind { VERSUS_RUN, VERSUS_CAPACITY };

/* What is compared. */
struct versus_figure {
    const char *name; /* as typed: "list.p99" */
    enum versus_kind kind;
    const char *at;    /* where it stands in the file: "latency/list/from_intended/p99_s" */
    const char *count; /* of what it was taken from, 0 = there is no such figure; NULL = none */
    double scale;      /* of the value there to the unit here */
    const char *unit;
    bool per_step; /* divided by the steps made */
    bool more_is_better;
    const char *better, *worse; /* "faster": B is ... than A */
};
const struct versus_figure *versus_figure_find(const char *name); /* NULL: no such */
void versus_figure_names(char *out, size_t size);                 /* with commas */

struct versus_file {
    char *path;
    json_t *root;
    bool comparable; /* a document of the figure's kind, fit or not */
    double value;    /* of the figure, in its unit; positive */
    double start_s;  /* since 1970; NAN: the file does not say */
};

enum versus_side { VERSUS_A, VERSUS_B, VERSUS_AA, VERSUS_SIDES };
struct versus_files {
    const struct versus_figure *figure;
    struct versus_file *file[VERSUS_SIDES]; /* in order of start; as given where it is not known */
    size_t count[VERSUS_SIDES];
};

/* Reads one file and takes the figure from it. *figure NULL: what files of this kind are compared
 * by as a rule, which is then kept there. ERR_INPUT for one that cannot be read, ERR_INVALID for a
 * result that was not fit to measure; every fault is added. *out is valid in any case
 * (versus_file_deinit). */
enum err versus_file_read(const char *path, const struct versus_figure **figure,
                          struct versus_file *out, struct faults *faults)
    __attribute__((warn_unused_result));
void versus_file_deinit(struct versus_file *file);

/* Paths or shell patterns with commas between them; NULL: a side without files. All are read and
 * held against each other: one run is not given twice, and all have the plan of the first, whoever
 * was the target; every side has the same seeds. ERR_INPUT before ERR_INVALID, if there are
 * both. */
enum err versus_files_read(const char *const list[VERSUS_SIDES], const struct versus_figure *figure,
                           struct versus_files *out, struct faults *faults)
    __attribute__((warn_unused_result));
void versus_files_deinit(struct versus_files *files);

#endif
