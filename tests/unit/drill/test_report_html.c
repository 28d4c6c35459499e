#include "drill/report_html.h"

#include "base/fileio.h"
#include "base/text.h"
#include "made_report.h"
#include "xml_check.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *write_page(const struct made_report *made, struct buf *page)
{
    char path[64];
    struct error error = {0};
    snprintf(path, sizeof path, "/tmp/driftdrill-page-%d", (int)getpid());
    cr_assert_eq(report_write_html(&made->report, path, &error), ERR_OK, "%s", error.text);
    buf_init(page, 32u << 20);
    cr_assert_eq(file_read(path, page, &error), ERR_OK, "%s", error.text);
    unlink(path);
    return page->data;
}

Test(report_html, a_page_is_well_formed_and_holds_everything)
{
    struct made_report *made = made_report_new();
    struct buf page;
    char why[160];
    static const char *const wanted[] = {"ConversionLow fires in drift",
                                         "within 25.0 s of its start",
                                         "firing 13.0 s<br />notified 13.6 s",
                                         "? invalid: 1 of 3 expectations met",
                                         "class=\"outcome fail\"",
                                         "the &lt;dog&gt; died: 100 %, at noon",
                                         "id=\"timeline-chart\"",
                                         "id=\"delays-chart\"",
                                         "id=\"dashboard-0-0\"",
                                         "never (3.7)",
                                         "series vanished",
                                         "past the limit",
                                         "did not move",
                                         "not evaluated",
                                         ">42</td>",
                                         "47999.0",
                                         "verify --seed 5 scenarios/made-up.yml",
                                         "ml-latest-small"};
    const char *text = write_page(made, &page);
    cr_expect(xml_check(text, why, sizeof why), "%s", why);
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        cr_expect_not_null(strstr(text, wanted[i]), "'%s' is missing", wanted[i]);
    }
    buf_deinit(&page);
    made_report_free(made);
}

Test(report_html, a_page_refers_to_nothing_outside_and_runs_nothing)
{
    struct made_report *made = made_report_new();
    struct buf page;
    const char *text = write_page(made, &page);
    static const char *const never[] = {"<script", "src=\"", "href=\"h", "@import", "url(h",
                                        "<img",    "<link",  "<iframe",  " on",     "javascript:"};
    for (size_t i = 0; i < sizeof never / sizeof never[0]; i++) {
        for (const char *at = text; (at = strstr(at, never[i])) != NULL; at++) {
            /* " on" is a fault only as the beginning of an attribute. */
            cr_expect(strcmp(never[i], " on") == 0 && strcspn(at + 1, "=\"< ") < 20 &&
                          at[1 + strcspn(at + 1, "=\"< ")] != '=',
                      "'%s': %.60s", never[i], at);
        }
    }
    cr_expect_not_null(strstr(text, "default-src 'none'"));
    buf_deinit(&page);
    made_report_free(made);
}

Test(report_html, a_drill_without_dashboards_and_alerts_is_a_page_too)
{
    struct made_report *made = made_report_new();
    struct buf page;
    char why[160];
    made->report.panels = NULL;
    made->report.tracks = NULL;
    made->report.delays = NULL;
    made->evidence.alert_count = 0;
    made->judgement.row_count = 0;
    const char *text = write_page(made, &page);
    cr_expect(xml_check(text, why, sizeof why), "%s", why);
    cr_expect_not_null(strstr(text, "No dashboard was looked at"));
    cr_expect_not_null(strstr(text, "No alert fired"));
    buf_deinit(&page);
    made_report_free(made);
}

/* Writes the dashboards and expects one picture of this name, which is then gone again. */
static void expect_picture(const char *uid, const char *name)
{
    struct made_report *made = made_report_new();
    struct error error = {0};
    struct buf picture;
    char folder[64], path[160], why[160];
    text_copy(made->dashboard.uid, sizeof made->dashboard.uid, uid);
    snprintf(folder, sizeof folder, "/tmp/driftdrill-boards-%d", (int)getpid());
    cr_assert_eq(report_write_dashboards(&made->report, folder, &error), ERR_OK, "%s", error.text);
    snprintf(path, sizeof path, "%s/dashboards/%s", folder, name);
    buf_init(&picture, 4u << 20);
    cr_expect_eq(file_read(path, &picture, &error), ERR_OK, "uid '%s': %s", uid, error.text);
    cr_expect(picture.len > 0 && xml_check(picture.data, why, sizeof why));
    cr_expect(picture.len < 300000, "%zu bytes", picture.len);
    buf_deinit(&picture);
    cr_assert_eq(file_remove_tree(folder, &error), ERR_OK);
    made_report_free(made);
}

Test(report_html, a_dashboard_is_a_file_named_by_its_uid_unless_that_is_a_path)
{
    expect_picture("driftdrill-main", "driftdrill-main.svg");
    expect_picture("../../etc/passwd", "dashboard-0.svg");
    expect_picture("", "dashboard-0.svg");
}
