/*
 * Prometheus text exposition, version 0.0.4: writing (numbers as Go spells them, `le` always with
 * a point, label values escaped) and reading back (for reconciliation).
 */
#ifndef BASE_METRICS_H
#define BASE_METRICS_H

#include "base/buf.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

#define METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

struct metrics_label {
    const char *name, *value;
};

/* type: "counter", "gauge", "histogram", "summary". */
void metrics_family(struct buf *out, const char *name, const char *type, const char *help);
void metrics_sample(struct buf *out, const char *name, const struct metrics_label *labels,
                    size_t label_count, double value);
/* Spelling of a bucket bound: 1 -> "1.0", 2.5 -> "2.5", infinity -> "+Inf". Returns out. */
const char *metrics_bound_text(double bound, char *out, size_t size);

struct metrics_snapshot; /* one parsed exposition */

/* `name` labels errors. Stricter than a scrape where a count could be falsified: a last line
 * without its newline (a reply cut short) and a series given twice are errors. Time stamps are
 * dropped. */
enum err metrics_parse(const char *name, const char *text, size_t len,
                       struct metrics_snapshot **out, struct error *error);
void metrics_snapshot_free(struct metrics_snapshot *snapshot);
/* Sum over the series of `metric` carrying all the given labels; *found tells whether any did. */
double metrics_sum(const struct metrics_snapshot *snapshot, const char *metric,
                   const struct metrics_label *labels, size_t label_count, bool *found);

/* Every series, in order of name and labels; the texts and the labels (by name) are the snapshot's.
 * Returns the name of the metric. */
size_t metrics_series_count(const struct metrics_snapshot *snapshot);
const char *metrics_series_at(const struct metrics_snapshot *snapshot, size_t index,
                              const struct metrics_label **labels, size_t *label_count);
double metrics_series_value(const struct metrics_snapshot *snapshot, size_t index);
/* Every family with a TYPE line, as they came. Returns the name. */
size_t metrics_family_count(const struct metrics_snapshot *snapshot);
const char *metrics_family_at(const struct metrics_snapshot *snapshot, size_t index,
                              const char **type);

#endif
