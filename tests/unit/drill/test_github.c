#include "drill/github.h"

#include "base/fileio.h"
#include "made_report.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *annotate(const struct made_report *made, const char *workspace, struct buf *out)
{
    buf_init(out, 1u << 20);
    github_add_annotations(out, &made->report, workspace);
    cr_assert(!out->failed);
    return out->len == 0 ? "" : out->data;
}

static int lines_of(const char *text)
{
    int lines = 0;
    for (; (text = strchr(text, '\n')) != NULL; text++) {
        lines++;
    }
    return lines;
}

Test(github, what_failed_is_told_first_with_its_line)
{
    struct made_report *made = made_report_new();
    struct buf out;
    snprintf(made->judgement.row[1].name, sizeof made->judgement.row[1].name, "A: b, c 5%%");
    snprintf(made->judgement.row[1].observed, sizeof made->judgement.row[1].observed, "silent");
    const char *text = annotate(made, NULL, &out);
    cr_expect_str_eq(
        text,
        "::error file=scenarios/made-up.yml,line=42,title=A%3A b%2C c 5%25::A: b, c 5%25: wanted "
        "within 25.0 s of its start, observed silent\n"
        "::error file=scenarios/made-up.yml,title=the drill could not measure::the <dog> died: "
        "100 %25, at noon\n"
        "::error file=scenarios/made-up.yml,line=43,title=MeanRatingLow stays silent::could not be "
        "measured: MeanRatingLow stays silent: wanted within 25.0 s of its start, observed no "
        "evaluation for 9 s\n");
    buf_deinit(&out);
    made_report_free(made);
}

Test(github, a_row_that_the_scenario_does_not_list_has_no_line)
{
    struct made_report *made = made_report_new();
    struct buf out;
    made->scenario.expectation_count = 2;
    const char *text = annotate(made, NULL, &out);
    cr_expect_not_null(strstr(text, "made-up.yml,line=42,title="));
    cr_expect_not_null(strstr(text, "made-up.yml,title=MeanRatingLow stays silent"), "%s", text);
    buf_deinit(&out);
    made_report_free(made);
}

Test(github, a_drill_that_passed_is_not_annotated)
{
    struct made_report *made = made_report_new();
    struct buf out;
    made->judgement.row_count = 1;
    made->judgement.reason_count = 0;
    cr_expect_str_eq(annotate(made, NULL, &out), "");
    buf_deinit(&out);
    made_report_free(made);
}

Test(github, no_text_becomes_a_command_of_its_own)
{
    struct made_report *made = made_report_new();
    struct buf out;
    snprintf(made->scenario.path, sizeof made->scenario.path, "a\n::set-env,x:y.yml");
    snprintf(made->judgement.reason[0], sizeof made->judgement.reason[0],
             "x\r\n::warning::y\xff%%0A");
    const char *text = annotate(made, NULL, &out);
    cr_expect_eq(lines_of(text), 3, "%s", text);
    for (const char *line = text; *line != '\0'; line = strchr(line, '\n') + 1) {
        cr_expect_eq(strncmp(line, "::error file=a%0A%3A%3Aset-env%2Cx%3Ay.yml,", 43), 0, "%.60s",
                     line);
    }
    cr_expect_null(strchr(text, '\r'));
    cr_expect_not_null(strstr(text, "x%0D%0A::warning::y?%250A\n"));
    buf_deinit(&out);
    made_report_free(made);
}

Test(github, at_most_ten_are_told_and_the_others_counted)
{
    struct made_report *made = made_report_new();
    struct buf out;
    for (int i = 0; i < 20; i++) {
        made->judgement.row[i] = made->judgement.row[1];
        made->scenario.expectation[i].line = 100 + i;
    }
    made->judgement.row_count = made->scenario.expectation_count = 20;
    const char *text = annotate(made, NULL, &out);
    cr_expect_eq(lines_of(text), GITHUB_ANNOTATIONS_MAX);
    cr_expect_not_null(strstr(text, "::12 more; "), "%s", text);
    buf_deinit(&out);
    made->judgement.row_count = made->scenario.expectation_count = 9;
    text = annotate(made, NULL, &out);
    cr_expect_eq(lines_of(text), GITHUB_ANNOTATIONS_MAX, "nine and the reason");
    cr_expect_null(strstr(text, " more; "));
    buf_deinit(&out);
    made_report_free(made);
}

Test(github, files_are_named_from_the_top_of_the_repository)
{
    static const struct {
        const char *path, *workspace, *file;
    } rows[] = {{"/w/repo/s/a.yml", "/w/repo", "file=s/a.yml,"},
                {"/w/repo/s/a.yml", "/w/repo///", "file=s/a.yml,"},
                {"/w/repository/a.yml", "/w/repo", "file=/w/repository/a.yml,"},
                {"s/a.yml", "/w/repo", "file=s/a.yml,"},
                {"/a.yml", "", "file=/a.yml,"},
                {"/a.yml", "/", "file=/a.yml,"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct made_report *made = made_report_new();
        struct buf out;
        snprintf(made->scenario.path, sizeof made->scenario.path, "%s", rows[i].path);
        const char *text = annotate(made, rows[i].workspace, &out);
        cr_expect_not_null(strstr(text, rows[i].file), "row %zu: %.60s", i, text);
        buf_deinit(&out);
        made_report_free(made);
    }
}

Test(github, the_summary_is_a_table_that_no_text_breaks)
{
    struct made_report *made = made_report_new();
    struct buf out;
    buf_init(&out, 1u << 20);
    github_add_summary(&out, &made->report);
    const char *text = out.data;
    cr_expect_not_null(strstr(text, "## driftdrill: made-up"));
    cr_expect_not_null(strstr(text, "| ConversionLow fires in drift | within 25.0 s of its start "
                                    "| pending 10.5 s, firing 13.0 s; notified 13.6 s |\n"));
    cr_expect_not_null(strstr(text, "it \\| did \\`not\\` &#60;b&#62; \\:\\:error\\:\\:x |\n"));
    cr_expect_not_null(strstr(text, "| ConversionLow | 13.0 | 13.6 | 0.6 (0.4) | - | never (3.7) "
                                    "|\n"));
    cr_expect_not_null(strstr(text, "- could not measure: the &#60;dog&#62; died"));
    cr_expect_null(strstr(text, "<script"));
    buf_deinit(&out);
    made_report_free(made);
}

Test(github, the_summary_is_bounded_and_counts_what_it_leaves_out)
{
    struct made_report *made = made_report_new();
    struct buf out;
    struct judge_row *row = &made->judgement.row[0];
    memset(row->name, '<', sizeof row->name - 1);
    memset(row->wanted, '<', sizeof row->wanted - 1);
    memset(row->observed, '<', sizeof row->observed - 1);
    for (int i = 1; i < SCENARIO_EXPECTATIONS_MAX; i++) {
        made->judgement.row[i] = *row;
    }
    made->judgement.row_count = SCENARIO_EXPECTATIONS_MAX;
    buf_init(&out, 4u << 20);
    github_add_summary(&out, &made->report);
    cr_expect(out.len < GITHUB_SUMMARY_MAX_BYTES, "%zu bytes", out.len);
    cr_expect_not_null(strstr(out.data, "more expectations found no room here"));
    buf_deinit(&out);
    made_report_free(made);
}

/* Runs github_report with stdout in a file; reads both back. */
static void report_to_files(const struct made_report *made, struct buf *said, struct buf *summary)
{
    char path[64], out[64];
    snprintf(path, sizeof path, "/tmp/driftdrill-summary-%d", (int)getpid());
    snprintf(out, sizeof out, "/tmp/driftdrill-said-%d", (int)getpid());
    setenv("GITHUB_STEP_SUMMARY", path, 1);
    cr_assert_eq(file_write(path, "before\n", 7, NULL), ERR_OK);
    cr_assert_not_null(freopen(out, "w", stdout));
    github_report(&made->report);
    fflush(stdout);
    buf_init(said, 1u << 20);
    buf_init(summary, 1u << 20);
    cr_assert_eq(file_read(out, said, NULL), ERR_OK);
    cr_assert_eq(file_read(path, summary, NULL), ERR_OK);
    unlink(path);
    unlink(out);
}

Test(github, inside_actions_both_are_written_and_elsewhere_neither)
{
    struct made_report *made = made_report_new();
    struct buf said, summary;
    setenv("GITHUB_ACTIONS", "true", 1);
    unsetenv("GITHUB_WORKSPACE");
    report_to_files(made, &said, &summary);
    cr_expect_eq(lines_of(said.data), 3);
    cr_expect_eq(strncmp(summary.data, "before\n## driftdrill", 20), 0, "%.40s", summary.data);
    buf_deinit(&said);
    buf_deinit(&summary);
    unsetenv("GITHUB_ACTIONS");
    report_to_files(made, &said, &summary);
    cr_expect_eq(said.len, 0);
    cr_expect_eq(summary.len, 7);
    buf_deinit(&said);
    buf_deinit(&summary);
    made_report_free(made);
}
