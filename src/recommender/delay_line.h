/*
 * Things that are done later: one thread and a heap of what is due when. Bounded. Any thread may
 * call.
 */
#ifndef RECOMMENDER_DELAY_LINE_H
#define RECOMMENDER_DELAY_LINE_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct delay_line;

/* Called once for each item, on the line's thread, and on the caller's of delay_line_stop for what
 * is not due by then. Must not wait: what is due after it would be late. */
typedef void delay_line_run(void *item);

/* Holds at most `max` items at a time. */
enum err delay_line_start(struct delay_line **out, size_t max, delay_line_run *run,
                          struct error *error) __attribute__((warn_unused_result));
/* Runs what is left, in order, and from now on takes nothing; waits for the thread. May be called
 * twice. */
void delay_line_stop(struct delay_line *line);
void delay_line_free(struct delay_line *line); /* after delay_line_stop; accepts NULL */

/* Has `item` run at due_ns (monotonic), or soon after if that is past; equals in order of coming.
 * False, and nothing is done with it, if the line is full or stopped. */
bool delay_line_put(struct delay_line *line, int64_t due_ns, int64_t tag, void *item);
/* Whatever carries the tag is due now. */
void delay_line_release(struct delay_line *line, int64_t tag);
size_t delay_line_count(struct delay_line *line);

#endif
