#include "drill/github.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ANNOTATION_MAX_BYTES 2000
#define SUMMARY_RESERVE 512 /* for the line that counts what found no room */

/* ---- annotations ---- */

/* As @actions/core has it: '%', carriage return and line feed; in properties ':' and ',' too. What
 * is no UTF-8 becomes '?'. */
static void add_command_text(struct buf *out, const char *text, bool property)
{
    char *copy = mem_text(text);
    text_make_utf8(copy);
    for (const char *c = copy; *c != '\0' && c - copy < ANNOTATION_MAX_BYTES; c++) {
        bool special =
            *c == '%' || *c == '\r' || *c == '\n' || (property && (*c == ':' || *c == ','));
        if (special) {
            buf_printf(out, "%%%02X", (unsigned)(unsigned char)*c);
        } else {
            buf_add(out, c, 1);
        }
    }
    mem_free(copy);
}

/* Annotations name files from the top of the repository. */
static const char *inside(const char *path, const char *workspace)
{
    size_t length = workspace == NULL ? 0 : strlen(workspace);
    while (length > 0 && workspace[length - 1] == '/') {
        length--;
    }
    if (length > 0 && strncmp(path, workspace, length) == 0 && path[length] == '/') {
        return path + length + 1;
    }
    return path;
}

static void add_annotation(struct buf *out, const char *path, int line, const char *title,
                           const char *message)
{
    buf_text(out, "::error file=");
    add_command_text(out, path, true);
    if (line > 0) {
        buf_printf(out, ",line=%d", line);
    }
    buf_text(out, ",title=");
    add_command_text(out, title, true);
    buf_text(out, "::");
    add_command_text(out, message, false);
    buf_text(out, "\n");
}

static void annotate_row(struct buf *out, const struct report *report, const char *path, int index)
{
    const struct judge_row *row = &report->judgement->row[index];
    const struct scenario *scenario = report->scenario;
    char message[1024];
    snprintf(message, sizeof message, "%s%s: wanted %s, observed %s",
             row->outcome == JUDGE_INVALID ? "could not be measured: " : "", row->name, row->wanted,
             row->observed);
    /* Rows that nobody wrote down come after those of the scenario. */
    int line = index < scenario->expectation_count ? scenario->expectation[index].line : 0;
    add_annotation(out, path, line, row->name, message);
}

static int count_bad(const struct judgement *judgement)
{
    int bad = judgement->reason_count;
    for (int i = 0; i < judgement->row_count; i++) {
        bad += judgement->row[i].outcome != JUDGE_PASS;
    }
    return bad;
}

/* What failed comes first: it is what somebody must mend. */
void github_add_annotations(struct buf *out, const struct report *report, const char *workspace)
{
    static const enum judge_outcome order[] = {JUDGE_FAIL, JUDGE_INVALID};
    const struct judgement *judgement = report->judgement;
    const char *path = inside(report->scenario->path, workspace);
    int bad = count_bad(judgement), told = 0;
    int room = bad <= GITHUB_ANNOTATIONS_MAX ? bad : GITHUB_ANNOTATIONS_MAX - 1;
    for (size_t o = 0; o < 2; o++) {
        for (int i = 0; i < judgement->reason_count && order[o] == JUDGE_INVALID && told < room;
             i++, told++) {
            add_annotation(out, path, 0, "the drill could not measure", judgement->reason[i]);
        }
        for (int i = 0; i < judgement->row_count && told < room; i++) {
            if (judgement->row[i].outcome == order[o]) {
                annotate_row(out, report, path, i);
                told++;
            }
        }
    }
    if (told < bad) {
        char message[96];
        snprintf(message, sizeof message, "%d more; the step summary and report.html list all",
                 bad - told);
        add_annotation(out, path, 0, "and more", message);
    }
}

/* ---- summary ---- */

/* Text in a cell of a table: no markup, no line break, no end of the cell. */
static void add_markdown(struct buf *out, const char *text)
{
    char *copy = mem_text(text);
    text_make_utf8(copy);
    for (const char *c = copy; *c != '\0'; c++) {
        if (*c == '&' || *c == '<' || *c == '>' || *c == '@') {
            buf_printf(out, "&#%d;", *c); /* no element, no entity, nobody's name */
        } else if (strchr("\\`*_{}[]()#!|~$:", *c) != NULL) {
            buf_printf(out, "\\%c", *c);
        } else if ((unsigned char)*c < ' ' || *c == 127) {
            buf_text(out, " ");
        } else {
            buf_add(out, c, 1);
        }
    }
    mem_free(copy);
}

static const char *mark_of(enum judge_outcome outcome)
{
    static const char *const marks[] = {"\xe2\x9c\x85 pass", "\xe2\x9d\x8c fail",
                                        "\xe2\x9a\xa0\xef\xb8\x8f invalid"};
    return marks[outcome];
}

static bool has_room(const struct buf *out, size_t begin)
{
    return out->len - begin < GITHUB_SUMMARY_MAX_BYTES - SUMMARY_RESERVE - 16384;
}

static void add_head(struct buf *out, const struct report *report)
{
    const struct judgement *judgement = report->judgement;
    buf_text(out, "## driftdrill: ");
    add_markdown(out, report->scenario->name);
    buf_printf(out, " %s%s\n\n", mark_of(judgement->outcome),
               report->play->interrupted ? ", interrupted" : "");
    add_markdown(out, report->scenario->summary);
    buf_printf(out, "\n\nSeed %" PRIu64 ", ", report->seed);
    add_markdown(out, report->data_name);
    buf_printf(out, ", %.1f s.\n\n", report->play->end_s);
    for (int i = 0; i < judgement->reason_count; i++) {
        buf_text(out, "- could not measure: ");
        add_markdown(out, judgement->reason[i]);
        buf_text(out, "\n");
    }
    buf_text(out, judgement->reason_count > 0 ? "\n" : "");
}

static void add_expectations(struct buf *out, const struct report *report, size_t begin)
{
    const struct judgement *judgement = report->judgement;
    int i = 0;
    buf_text(out, "| outcome | expectation | wanted | observed |\n| --- | --- | --- | --- |\n");
    for (; i < judgement->row_count && has_room(out, begin); i++) {
        const struct judge_row *row = &judgement->row[i];
        const char *const cells[] = {row->name, row->wanted, row->observed};
        buf_printf(out, "| %s |", mark_of(row->outcome));
        for (size_t c = 0; c < 3; c++) {
            buf_text(out, " ");
            add_markdown(out, cells[c]);
            buf_text(out, " |");
        }
        buf_text(out, "\n");
    }
    if (i < judgement->row_count) {
        buf_printf(out, "\n%d more expectations found no room here.\n", judgement->row_count - i);
    }
    if (report->applicable != NULL && report->applicable->count > 0) {
        buf_printf(out, "\n%d expectations are not applicable to this target.\n",
                   report->applicable->count);
    }
}

static double seconds(int64_t ns)
{
    return (double)ns / (double)CLOCK_NS_PER_S;
}

static void add_floor(struct buf *out, const struct floors_row *row, int view)
{
    const struct floors_floor *floor = row == NULL || !row->exists ? NULL : &row->view[view];
    if (floor == NULL || !floor->exists) {
        buf_text(out, " - |");
    } else if (isnan(floor->delay_s)) {
        buf_printf(out, " never (%.1f) |", floor->expected_s);
    } else {
        buf_printf(out, " %.1f (%.1f) |", floor->delay_s, floor->expected_s);
    }
}

static void add_delays(struct buf *out, const struct report *report, size_t begin)
{
    const struct delay_budgets *delays = report->delays;
    if (delays == NULL || delays->count == 0) {
        return;
    }
    buf_text(out, "\n| delay, s | firing | notified | floor by everything | by ratings | as "
                  "exported |\n| --- | ---: | ---: | ---: | ---: | ---: |\n");
    for (int i = 0; i < delays->count && has_room(out, begin); i++) {
        const struct delay_budget *budget = &delays->budget[i];
        buf_text(out, "| ");
        add_markdown(out, budget->alert->rule->name);
        buf_printf(out, " | %.1f |", seconds(budget->firing_ns));
        if (budget->notified) {
            buf_printf(out, " %.1f |", seconds(budget->total_ns));
        } else {
            buf_text(out, " - |");
        }
        for (int v = 0; v < FLOORS_VIEWS; v++) {
            add_floor(out, budget->floors, v);
        }
        buf_text(out, "\n");
    }
    buf_text(out, "\nFloors: of this run (to expect).\n");
}

void github_add_summary(struct buf *out, const struct report *report)
{
    size_t begin = out->len;
    add_head(out, report);
    add_expectations(out, report, begin);
    add_delays(out, report, begin);
    buf_text(out, "\nEvidence, with report.html: ");
    add_markdown(out, report->folder);
    buf_text(out, "\n\n");
}

/* ---- to GitHub ---- */

static void append(const char *path, const struct buf *text)
{
    char why[64];
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
    size_t done = 0;
    while (fd >= 0 && done < text->len) {
        ssize_t written = write(fd, text->data + done, text->len - done);
        if (written < 0 && errno != EINTR) {
            break;
        }
        done += written > 0 ? (size_t)written : 0;
    }
    if (fd < 0 || done < text->len) {
        log_write(LOG_WARN, "drill", "%s: the step summary could not be written: %s", path,
                  err_errno_text(errno, why, sizeof why));
    }
    if (fd >= 0) {
        close(fd);
    }
}

/* Relative to the workspace only if both are spelt in full. */
static void annotate(struct buf *out, const struct report *report)
{
    char file[PATH_MAX], top[PATH_MAX];
    const char *workspace = getenv("GITHUB_WORKSPACE");
    struct scenario *named = mem_alloc(sizeof *named);
    struct report spelt = *report;
    *named = *report->scenario;
    if (workspace != NULL && realpath(report->scenario->path, file) != NULL &&
        realpath(workspace, top) != NULL && strlen(file) < sizeof named->path) {
        text_copy(named->path, sizeof named->path, file);
        workspace = top;
    }
    spelt.scenario = named;
    github_add_annotations(out, &spelt, workspace);
    mem_free(named);
}

void github_report(const struct report *report)
{
    const char *inside_actions = getenv("GITHUB_ACTIONS");
    const char *summary = getenv("GITHUB_STEP_SUMMARY");
    struct buf out;
    if (inside_actions == NULL || strcmp(inside_actions, "true") != 0) {
        return;
    }
    buf_init(&out, 1u << 20);
    annotate(&out, report);
    if (out.len > 0) {
        (void)fwrite(out.data, 1, out.len, stdout);
        (void)fflush(stdout);
    }
    buf_reset(&out);
    github_add_summary(&out, report);
    if (summary != NULL && summary[0] != '\0' && !out.failed) {
        append(summary, &out);
    }
    buf_deinit(&out);
}
