#include "command/run_play.h"

#include "base/clock.h"
#include "command/run_control.h"
#include "command/run_int.h"

#include <stdio.h>
#include <unistd.h>

#define TURN_NS (CLOCK_NS_PER_S / 10)
#define STATUS_PERIOD_NS (2 * CLOCK_NS_PER_S)
#define TERMINAL_PERIOD_NS (CLOCK_NS_PER_S / 2)
/* A visit under way at the end may go on for a while; a backlog may not. Pauses are lognormal with
 * a sigma of .6: one in a few thousand is longer than eight medians. */
#define OVERTIME_NS (5 * CLOCK_NS_PER_S)
#define OVERTIME_PAUSES 8

static void show_status(struct run *run, int64_t now_ns)
{
    struct engine_live is, was = run->before;
    char pace[40] = "";
    double factor = engine_rate_factor(run->engine);
    int64_t passed_ns = now_ns - run->shown_ns;
    if (passed_ns < (run->terminal ? TERMINAL_PERIOD_NS : STATUS_PERIOD_NS)) {
        return;
    }
    engine_live(run->engine, &is);
    double lists = (double)(is.lists - was.lists), rated = (double)(is.rated - was.rated);
    if (factor != 1) {
        (void)snprintf(pace, sizeof pace, " of %.0f wanted", factor * run->settings.rate);
    }
    fprintf(stderr,
            "%s%6.1f s of %.1f  %6.0f steps/s%s  conversion %.3f  mean rating %.2f  "
            "%lld errors  %lld in flight  lag %.1f ms at most%s",
            run->terminal ? "\r\033[K" : "", (double)engine_schedule_ns(run->engine, now_ns) * 1e-9,
            (double)run->settings.duration_ns * 1e-9,
            (double)(is.steps - was.steps) * 1e9 / (double)passed_ns, pace,
            lists > 0 ? (double)(is.converted - was.converted) / lists : 0.0,
            rated > 0 ? (is.stars - was.stars) / rated : 0.0, (long long)(is.failed + is.unknown),
            (long long)is.in_flight, (double)is.lag_max_ns * 1e-6, run->terminal ? "" : "\n");
    fflush(stderr);
    run->line_open = run->terminal;
    run->shown_ns = now_ns;
    run->before = is;
}

/* How long after the end of the schedule what is under way may go on. */
static int64_t overtime_ns(const struct run *run)
{
    const struct run_settings *settings = &run->settings;
    double pauses_ns = OVERTIME_PAUSES * settings->think_median_s * (double)CLOCK_NS_PER_S;
    return settings->timeout_ms * CLOCK_NS_PER_MS + OVERTIME_NS + (int64_t)pauses_ns;
}

struct run_played run_play(struct run *run, struct run_control *control)
{
    const struct run_controlled controlled = {.engine = run->engine,
                                              .rate_per_s = run->settings.rate,
                                              .start_mono_ns = run->start_mono_ns};
    struct run_played played = {0};
    int64_t overtime = overtime_ns(run), now_ns, end_ns;
    run->terminal = isatty(STDERR_FILENO) == 1;
    do {
        enum run_control_event event = run_control_wait(control, &controlled, TURN_NS);
        played.interrupted = event == RUN_CONTROL_INTERRUPTED;
        played.stopped = event == RUN_CONTROL_STOP;
        now_ns = clock_mono_ns() - run->start_mono_ns;
        end_ns = engine_drill_ns(run->engine, run->settings.duration_ns);
        show_status(run, now_ns);
    } while (!engine_finished(run->engine) && !played.interrupted && !played.stopped &&
             now_ns - overtime < end_ns);
    engine_stop(run->engine);
    if (run->line_open) {
        fputc('\n', stderr);
    }
    /* The last visits may end before the schedule does, and those under way after it. */
    bool cut = played.interrupted || played.stopped || end_ns == PACE_NEVER;
    int64_t until_ns = cut && now_ns < end_ns ? now_ns : end_ns;
    played.played_ns = until_ns > 0 ? until_ns : 0;
    return played;
}
