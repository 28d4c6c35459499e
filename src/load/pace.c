#include "load/pace.h"

#include <assert.h>

static const struct pace_change as_planned = {.at_ns = 0, .schedule_ns = 0, .factor = 1};

/* A piece's own two functions; the sum of products saturates far beyond any run. */
static int64_t schedule_in(const struct pace_change *piece, int64_t drill_ns)
{
    double passed = (double)(drill_ns - piece->at_ns) * piece->factor;
    double most = (double)(INT64_MAX / 2);
    return piece->schedule_ns + (int64_t)(passed < most ? passed : most);
}

static int64_t drill_in(const struct pace_change *piece, int64_t schedule_ns)
{
    if (piece->factor == 1) {
        return piece->at_ns + (schedule_ns - piece->schedule_ns);
    }
    double wait = (double)(schedule_ns - piece->schedule_ns) / piece->factor;
    double most = (double)(INT64_MAX / 2);
    return wait < most ? piece->at_ns + (int64_t)wait : PACE_NEVER;
}

struct pace_change pace_next_change(const struct pace_change *change, int count, double factor,
                                    int64_t at_ns)
{
    const struct pace_change *last = count > 0 ? &change[count - 1] : &as_planned;
    struct pace_change next = {.at_ns = at_ns > last->at_ns ? at_ns : last->at_ns};
    next.factor = factor > 0 ? factor : 0; /* not a number becomes 0, too */
    next.factor = next.factor < PACE_FACTOR_MAX ? next.factor : PACE_FACTOR_MAX;
    next.schedule_ns = last->factor == 1 ? last->schedule_ns + (next.at_ns - last->at_ns)
                                         : schedule_in(last, next.at_ns);
    return next;
}

double pace_factor(const struct pace *pace)
{
    return pace->count > 0 ? pace->change[pace->count - 1].factor : 1;
}

int64_t pace_drill_ns(const struct pace *pace, int64_t schedule_ns)
{
    const struct pace_change *piece = &as_planned;
    for (int i = 0; i < pace->count && pace->change[i].schedule_ns < schedule_ns; i++) {
        piece = &pace->change[i];
    }
    /* Of several changes at one schedule time only the last moves on from there. */
    if (schedule_ns > piece->schedule_ns && !(piece->factor > 0)) {
        return PACE_NEVER;
    }
    return drill_in(piece, schedule_ns);
}

int64_t pace_schedule_ns(const struct pace *pace, int64_t drill_ns)
{
    const struct pace_change *piece = &as_planned;
    for (int i = 0; i < pace->count && pace->change[i].at_ns <= drill_ns; i++) {
        piece = &pace->change[i];
    }
    return piece->factor == 1 ? piece->schedule_ns + (drill_ns - piece->at_ns)
                              : schedule_in(piece, drill_ns);
}
