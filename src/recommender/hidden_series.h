/*
 * What an exposition looks like if every series first appears when it has something to tell, as
 * with client libraries that make a labelled series on its first use. Rules that take an absent
 * series for zero, or for trouble, are wrong about such targets. Pure; any thread.
 */
#ifndef RECOMMENDER_HIDDEN_SERIES_H
#define RECOMMENDER_HIDDEN_SERIES_H

#include "base/buf.h"

/* Removes the samples of counters, histograms and summaries that have not counted anything; of a
 * histogram or summary with all its parts. Gauges and the lines of comment stay. The text is one
 * that metrics_sample wrote: buckets of a series stand together, the one of +Inf last. */
void hidden_series_remove(struct buf *exposition);

#endif
