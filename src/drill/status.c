#include "drill/status.h"

#include "base/clock.h"

#include <stdio.h>
#include <unistd.h>

#define TERMINAL_PERIOD_NS (CLOCK_NS_PER_S / 2)
#define PLAIN_PERIOD_NS (5 * CLOCK_NS_PER_S)

void status_init(struct status *status)
{
    *status = (struct status){.terminal = isatty(STDERR_FILENO) == 1};
}

static double ratio(double part, double whole)
{
    return whole > 0 ? part / whole : 0;
}

void status_show(struct status *status, const struct status_now *now)
{
    int64_t period_ns = status->terminal ? TERMINAL_PERIOD_NS : PLAIN_PERIOD_NS;
    int64_t passed_ns = now->drill_ns - status->shown_ns;
    if (passed_ns < period_ns) {
        return;
    }
    const struct engine_live *was = &status->before, *is = &now->live;
    double lists = (double)(is->lists - was->lists), rated = (double)(is->rated - was->rated);
    double seconds = (double)passed_ns / (double)CLOCK_NS_PER_S;
    fprintf(stderr,
            "%s%-9s %5.1f s left  %5.0f requests/s  %lld errors  conversion %.3f  "
            "mean rating %.2f  alerts %d pending %d firing%s",
            status->terminal ? "\r\033[K" : "", now->phase,
            (double)now->phase_left_ns / (double)CLOCK_NS_PER_S, (lists + rated) / seconds,
            (long long)(is->failed + is->unknown),
            ratio((double)(is->converted - was->converted), lists),
            ratio(is->stars - was->stars, rated), now->alerts_pending, now->alerts_firing,
            status->terminal ? "" : "\n");
    fflush(stderr);
    status->shown_ns = now->drill_ns;
    status->before = *is;
}

void status_break(struct status *status)
{
    if (status->terminal && status->shown_ns > 0) {
        fputc('\n', stderr);
    }
}
