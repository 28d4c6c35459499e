/* What a capacity search shows while it lasts. */
#include "command/capacity_status.h"

#include "base/clock.h"

#include <math.h>
#include <stdio.h>
#include <unistd.h>

#define BY_TERMINAL_NS (CLOCK_NS_PER_S / 2)
#define BY_LOG_NS (10 * CLOCK_NS_PER_S)

void capacity_status_init(struct capacity_status *status)
{
    *status = (struct capacity_status){.terminal = isatty(STDERR_FILENO) == 1};
}

void capacity_status_begin(struct capacity_status *status, const char *what)
{
    (void)snprintf(status->what, sizeof status->what, "%s", what);
    status->shown_ns = clock_mono_ns();
    status->steps_shown = 0;
}

void capacity_status_clear(const struct capacity_status *status)
{
    if (status->terminal) {
        fprintf(stderr, "\r\033[K");
    }
}

void capacity_status_live(void *context, double now_s, double end_s, const struct engine_live *live)
{
    struct capacity_status *status = context;
    int64_t now_ns = clock_mono_ns(), passed_ns = now_ns - status->shown_ns;
    if (passed_ns < (status->terminal ? BY_TERMINAL_NS : BY_LOG_NS) || now_s < 0) {
        return;
    }
    bool fresh = live->steps < status->steps_shown;
    double steps = (double)(live->steps - (fresh ? 0 : status->steps_shown));
    capacity_status_clear(status);
    fprintf(stderr, "%-9s %5.0f s of %.0f  %7.0f steps/s  %lld in flight  %lld errors%s",
            status->what, now_s, end_s, steps * 1e9 / (double)passed_ns, (long long)live->in_flight,
            (long long)(live->failed + live->unknown), status->terminal ? "" : "\n");
    fflush(stderr);
    status->shown_ns = now_ns;
    status->steps_shown = live->steps;
}

static void show_load(const struct capacity_trial_plan *plan, char *out, size_t size)
{
    if (plan->kind == CAPACITY_CLOSED) {
        (void)snprintf(out, size, "%d at once", plan->users);
    } else {
        (void)snprintf(out, size, "%.5g/s", plan->rate_per_s);
    }
}

/* "hits 0.312 of 0.318", as far as each is known. */
static void show_worth(const struct capacity_trial *sum, char *out, size_t size)
{
    int len = 0;
    if (isfinite(sum->hit_rate)) {
        len = snprintf(out, size, "hits %.3f", sum->hit_rate);
    } else {
        len = snprintf(out, size, "hits unknown");
    }
    if (isfinite(sum->hit_rate_expected)) {
        len += snprintf(out + len, size - (size_t)len, " of %.3f", sum->hit_rate_expected);
    }
    if (isfinite(sum->fallback_share)) {
        (void)snprintf(out + len, size - (size_t)len, "  fallback %.1f %%",
                       sum->fallback_share * 100);
    }
}

static void show_level(const struct capacity_status *status,
                       const struct capacity_progress *progress)
{
    const struct capacity_level *level = progress->level;
    const struct capacity_trial *sum = &level->sum;
    char load[32], bracket[64] = "", invalid[48] = "", worth[96];
    show_load(&level->plan, load, sizeof load);
    if (level->invalid_runs > 0) {
        (void)snprintf(invalid, sizeof invalid, "  (%d runs invalid)", level->invalid_runs);
    }
    if (progress->low_per_s > 0 || isfinite(progress->high_per_s)) {
        (void)snprintf(bracket, sizeof bracket, "  within %.5g and %.5g", progress->low_per_s,
                       progress->high_per_s);
    }
    capacity_status_clear(status);
    if (!level->valid) {
        fprintf(stderr, "%-9s %11s  invalid: %s\n", capacity_stage_name(level->stage), load,
                sum->why);
        return;
    }
    show_worth(sum, worth, sizeof worth);
    fprintf(stderr, "%-9s %11s  %8.1f steps/s  p50 %.2f  p99 %.2f ms  errors %.2f %%  %s  %s%s%s\n",
            capacity_stage_name(level->stage), load, sum->achieved_per_s, sum->p50_s * 1e3,
            sum->p99_s * 1e3, sum->errors_share * 100, worth,
            level->stage == CAPACITY_LADDER ? "" : sequential_verdict_name(level->verdict), bracket,
            invalid);
}

void capacity_status_progress(void *context, const struct capacity_progress *progress)
{
    struct capacity_status *status = context;
    if (progress->run_over) {
        if (progress->level != NULL) {
            show_level(status, progress);
        }
        return;
    }
    char load[32];
    show_load(progress->plan, load, sizeof load);
    (void)snprintf(status->what, sizeof status->what, "%s %s", capacity_stage_name(progress->stage),
                   load);
    status->shown_ns = clock_mono_ns();
    status->steps_shown = 0;
}
