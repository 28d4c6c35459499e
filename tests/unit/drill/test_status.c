#include "drill/status.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/fileio.h"

#include <criterion/criterion.h>
#include <poll.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* Shows one line after another into a file in the place of stderr. */
struct shown {
    char path[64];
    struct status status;
};

static void begin(struct shown *shown)
{
    snprintf(shown->path, sizeof shown->path, "/tmp/driftdrill-status-%d", (int)getpid());
    cr_assert_not_null(freopen(shown->path, "w", stderr));
    status_init(&shown->status);
    cr_assert_not(shown->status.terminal, "a file is no terminal");
}

static void show(struct shown *shown, double at_s, const struct engine_live *live)
{
    struct status_now now = {.phase = "drift",
                             .drill_ns = (int64_t)(at_s * 1e9),
                             .phase_left_ns = 7 * CLOCK_NS_PER_S,
                             .live = *live,
                             .alerts_pending = 1,
                             .alerts_firing = 2};
    status_show(&shown->status, &now);
}

static int lines_of(const struct shown *shown, struct buf *text)
{
    int lines = 0;
    buf_init(text, 65536);
    cr_assert_eq(file_read(shown->path, text, NULL), ERR_OK);
    for (size_t i = 0; i < text->len; i++) {
        lines += text->data[i] == '\n';
    }
    return lines;
}

Test(status, a_line_holds_what_happened_since_the_one_before)
{
    struct shown shown;
    struct buf text;
    struct engine_live first = {.lists = 1000, .rated = 300, .converted = 200, .stars = 1000};
    struct engine_live second = {
        .lists = 2000, .rated = 400, .converted = 300, .stars = 1450, .failed = 2, .unknown = 1};
    begin(&shown);
    show(&shown, 5, &first);
    show(&shown, 10, &second);
    cr_expect_eq(lines_of(&shown, &text), 2);
    const char *line = strchr(text.data, '\n') + 1;
    static const char *const wanted[] = {
        "drift ",           "7.0 s left",       " 220 requests/s",   "3 errors",
        "conversion 0.100", "mean rating 4.50", "1 pending 2 firing"};
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        cr_expect_not_null(strstr(line, wanted[i]), "'%s' is not in '%s'", wanted[i], line);
    }
    buf_deinit(&text);
    unlink(shown.path);
}

Test(status, plain_lines_come_every_few_seconds_only)
{
    struct shown shown;
    struct buf text;
    struct engine_live live = {0};
    begin(&shown);
    for (int tenths = -5; tenths <= 160; tenths++) {
        show(&shown, tenths / 10.0, &live);
    }
    status_break(&shown.status);
    cr_expect_eq(lines_of(&shown, &text), 3, "at 5, 10 and 15 s, and no empty one");
    cr_expect_null(strstr(text.data, "nan"), "nothing happened: %s", text.data);
    cr_expect_null(strchr(text.data, '\r'));
    buf_deinit(&text);
    unlink(shown.path);
}

/* ---- the live view, on a terminal ---- */

struct terminal {
    int master;
    struct status status;
};

static struct scenario scenario = {.name = "made-up",
                                   .time_scale = 60,
                                   .phase_count = 1,
                                   .phase = {{"control", 0, 60 * CLOCK_NS_PER_S}},
                                   .end_ns = 60 * CLOCK_NS_PER_S};

static void open_terminal(struct terminal *terminal, int columns, int rows, const char *term)
{
    struct winsize size = {.ws_col = (unsigned short)columns, .ws_row = (unsigned short)rows};
    int slave;
    cr_assert_eq(openpty(&terminal->master, &slave, NULL, NULL, &size), 0);
    cr_assert_geq(dup2(slave, STDERR_FILENO), 0);
    close(slave);
    setenv("TERM", term, 1);
    setenv("LC_ALL", "C", 1);
    setenv("NO_COLOR", "1", 1);
    status_init_view(&terminal->status, &scenario);
}

/* What has been written to the terminal since the last call. */
static const char *screen(const struct terminal *terminal, char *out, size_t size)
{
    struct pollfd ready = {.fd = terminal->master, .events = POLLIN};
    size_t length = 0;
    while (length + 1 < size && poll(&ready, 1, 50) == 1) {
        ssize_t got = read(terminal->master, out + length, size - 1 - length);
        if (got <= 0) {
            break;
        }
        length += (size_t)got;
    }
    out[length] = '\0';
    return out;
}

static void show_at(struct terminal *terminal, double at_s)
{
    struct status_now now = {.phase = "control", .drill_ns = (int64_t)(at_s * 1e9)};
    status_show(&terminal->status, &now);
}

Test(status, a_large_terminal_gets_a_frame_a_second_drawn_over_the_one_before)
{
    static char text[65536];
    struct terminal terminal;
    open_terminal(&terminal, 100, 30, "xterm");
    cr_assert_not_null(terminal.status.view);
    show_at(&terminal, 1);
    cr_expect_not_null(strstr(screen(&terminal, text, sizeof text), "made-up: control, 59 s left"));
    cr_expect_null(strchr(text, '\033'), "nothing is wiped off, nothing coloured");
    show_at(&terminal, 1.5);
    cr_expect_str_eq(screen(&terminal, text, sizeof text), "", "not yet");
    show_at(&terminal, 2);
    char wipe[32];
    snprintf(wipe, sizeof wipe, "\033[%dA\r\033[Jmade-up", terminal.status.view_lines);
    cr_expect_eq(strncmp(screen(&terminal, text, sizeof text), wipe, strlen(wipe)), 0, "%s", text);
    status_break(&terminal.status);
    cr_expect(strstr(screen(&terminal, text, sizeof text), "\033[J") != NULL);
    show_at(&terminal, 2.1);
    cr_expect_eq(strncmp(screen(&terminal, text, sizeof text), "made-up", 7), 0,
                 "drawn again at once, below what was said: %s", text);
    status_end(&terminal.status);
    cr_expect_str_eq(screen(&terminal, text, sizeof text), "", "the last frame stays");
    status_deinit(&terminal.status);
    close(terminal.master);
}

Test(status, a_small_or_dumb_terminal_keeps_the_line)
{
    static char text[65536];
    static const struct {
        int columns, rows;
        const char *term;
    } rows[] = {{71, 30, "xterm"}, {100, 15, "xterm"}, {100, 30, "dumb"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct terminal terminal;
        open_terminal(&terminal, rows[i].columns, rows[i].rows, rows[i].term);
        cr_expect_null(terminal.status.view, "row %zu", i);
        show_at(&terminal, 1);
        cr_expect_not_null(strstr(screen(&terminal, text, sizeof text), "requests/s"), "row %zu",
                           i);
        status_deinit(&terminal.status);
        close(terminal.master);
    }
}
