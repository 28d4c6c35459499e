/*
 * The sign test without a drill: counters of people at rest, who then become worse in a known way,
 * are fed to the rules in this process, and each panel that declares which way is worse is
 * evaluated before and after. In production time, on counters without noise. A panel whose query
 * the evaluator of rules does not know (subqueries) has no value, and one that no world is known to
 * make worse is untested; both are among the outcomes. No I/O after the rules are read.
 */
#ifndef DRILL_SIGN_REHEARSAL_H
#define DRILL_SIGN_REHEARSAL_H

#include "base/error.h"
#include "drill/panels.h"
#include "drill/scenario.h"

#include <stddef.h>

enum sign_finding {
    SIGN_RIGHT,
    SIGN_WRONG,    /* it went the better way, or stayed where it was */
    SIGN_NO_VALUE, /* one of the two is missing; `why` tells what is known of it */
    SIGN_UNTESTED  /* no world is known to make it worse */
};

struct sign_outcome {
    char panel[192];
    const char *people; /* "who choose elsewhere", "half a star harsher" */
    enum sign_finding finding;
    double rest, now;
    char why[320];
};

/* Rule files as they stand; boards as read, not rendered. *out is heap (mem_free), `boards` lends
 * nothing to it. */
enum err sign_rehearse(const struct panel_boards *boards, const char *const *rules,
                       size_t rule_count, struct sign_outcome **out, size_t *count,
                       struct error *error) __attribute__((warn_unused_result));

#endif
