#include "drill/status.h"

#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define TERMINAL_PERIOD_NS (CLOCK_NS_PER_S / 2)
#define PLAIN_PERIOD_NS (5 * CLOCK_NS_PER_S)
#define VIEW_PERIOD_NS CLOCK_NS_PER_S
#define FRAME_MAX_BYTES (256u << 10)

void status_init(struct status *status)
{
    *status = (struct status){.terminal = isatty(STDERR_FILENO) == 1};
}

static bool size_of_terminal(int *columns, int *rows)
{
    struct winsize size = {0};
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0) {
        return false;
    }
    *columns = size.ws_col;
    *rows = size.ws_row;
    return *columns >= LIVE_COLUMNS_MIN && *rows >= LIVE_ROWS_MIN;
}

void status_init_view(struct status *status, const struct scenario *scenario)
{
    int columns, rows;
    const char *term = getenv("TERM");
    status_init(status);
    /* Frames are drawn over each other, which a terminal without escape sequences cannot do. */
    if (!status->terminal || !live_view_may_colour(NULL, term) ||
        !size_of_terminal(&columns, &rows)) {
        return;
    }
    status->view = live_view_new(
        scenario, live_view_locale_is_utf8(getenv("LC_ALL"), getenv("LC_CTYPE"), getenv("LANG")),
        live_view_may_colour(getenv("NO_COLOR"), term));
}

void status_deinit(struct status *status)
{
    live_view_free(status->view);
    status->view = NULL;
}

static double ratio(double part, double whole)
{
    return whole > 0 ? part / whole : 0;
}

static void show_line(struct status *status, const struct status_now *now)
{
    int64_t passed_ns = now->drill_ns - status->shown_ns;
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
}

/* The cursor waits below the frame, so that whatever ends the program leaves a clean terminal. */
static void wipe(const struct status *status, struct buf *out)
{
    if (status->view_lines > 0 && !status->view_gone) {
        buf_printf(out, "\033[%dA\r\033[J", status->view_lines);
    }
}

static void show_frame(struct status *status, const struct status_now *now)
{
    struct live_now live = {.drill_ns = now->drill_ns, .live = now->live, .watched = now->watched};
    struct buf out;
    int columns, rows;
    live_view_take(status->view, &live);
    if (!size_of_terminal(&columns, &rows)) {
        return; /* made too small meanwhile: nothing is drawn until it is larger */
    }
    buf_init(&out, FRAME_MAX_BYTES);
    wipe(status, &out);
    int lines = live_view_draw(status->view, columns, rows, &out);
    if (!out.failed) {
        (void)fwrite(out.data, 1, out.len, stderr);
        (void)fflush(stderr);
        status->view_lines = lines;
        status->view_gone = false;
    }
    buf_deinit(&out);
}

void status_show(struct status *status, const struct status_now *now)
{
    int64_t period_ns = status->view != NULL ? VIEW_PERIOD_NS
                        : status->terminal   ? TERMINAL_PERIOD_NS
                                             : PLAIN_PERIOD_NS;
    if (now->drill_ns - status->shown_ns < period_ns) {
        return;
    }
    if (status->view != NULL) {
        show_frame(status, now);
    } else {
        show_line(status, now);
    }
    status->shown_ns = now->drill_ns;
    status->before = now->live;
}

void status_break(struct status *status)
{
    if (status->view != NULL) {
        struct buf out;
        buf_init(&out, 64);
        wipe(status, &out);
        (void)fwrite(out.data, 1, out.len, stderr);
        buf_deinit(&out);
        status->view_gone = true;
        status->shown_ns -= VIEW_PERIOD_NS; /* the next frame comes at once */
    } else if (status->terminal && status->shown_ns > 0) {
        fputc('\n', stderr);
    }
}

void status_end(struct status *status)
{
    if (status->view == NULL) {
        status_break(status);
    }
}
