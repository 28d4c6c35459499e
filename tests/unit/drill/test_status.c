#include "drill/status.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/fileio.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
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
