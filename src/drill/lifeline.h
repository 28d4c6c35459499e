/* Whether a service that somebody else started is still the same and still there, from asking it
 * now and then. Pure. */
#ifndef DRILL_LIFELINE_H
#define DRILL_LIFELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* So many answers in a row must be missing, over at least this time: one lost request is none. */
#define LIFELINE_MISSES 3
#define LIFELINE_SILENCE_NS INT64_C(2000000000)

struct lifeline {
    const char *name; /* "prometheus": the first word of what is told */
    char started[64]; /* when it started, as it tells it; "" = not known yet */
    int misses;
    int64_t answered_ns; /* last time it did */
};

/* Takes one look: did it answer, and since when does it run (NULL or "" = it did not tell)? False
 * once it is lost; `what` tells how. */
bool lifeline_look(struct lifeline *line, bool answered, const char *started, int64_t now_ns,
                   char *what, size_t size);

#endif
