#include "drill/sign_rehearsal.h"

#include "base/fileio.h"
#include "base/mem.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

struct rehearsed {
    struct panel_boards boards;
    struct sign_outcome *outcome;
    size_t count;
};

static struct rehearsed rehearse(const char *glob)
{
    struct rehearsed r = {.count = 0};
    char **rules = NULL;
    size_t rule_count = 0;
    struct faults faults;
    struct error error = {0};
    const struct panel_boards_request request = {.glob = glob};
    faults_init(&faults);
    cr_assert_eq(panel_boards_load(&request, &r.boards, &faults, &error), ERR_OK, "%s", error.text);
    cr_assert_eq(file_glob("prometheus/rules/[a-z]*.yml", &rules, &rule_count, &error), ERR_OK);
    cr_assert_eq(sign_rehearse(&r.boards, (const char *const *)rules, rule_count, &r.outcome,
                               &r.count, &error),
                 ERR_OK, "%s: %s", error.where, error.text);
    file_glob_free(rules, rule_count);
    faults_deinit(&faults);
    return r;
}

static void forget(struct rehearsed *r)
{
    mem_free(r->outcome);
    panel_boards_deinit(&r->boards);
}

static const struct sign_outcome *find(const struct rehearsed *r, const char *panel,
                                       const char *people)
{
    for (size_t i = 0; i < r->count; i++) {
        if (strcmp(r->outcome[i].panel, panel) == 0 && strcmp(r->outcome[i].people, people) == 0) {
            return &r->outcome[i];
        }
    }
    cr_assert_fail("%s is not rehearsed with people %s", panel, people);
    return NULL;
}

/* Declares a way, but no mean of what it shows goes that way: one row for each alert. */
static const char unrehearsed[] = "drill/Alert timeline";

Test(sign_rehearsal, every_shipped_panel_moves_the_way_it_calls_worse)
{
    struct rehearsed r = rehearse("grafana/dashboards/*.json");
    for (size_t i = 0; i < r.count; i++) {
        const struct sign_outcome *o = &r.outcome[i];
        bool excused = strcmp(o->panel, unrehearsed) == 0;
        cr_expect_eq(o->finding, excused ? SIGN_UNTESTED : SIGN_RIGHT, "%s, people %s: %s",
                     o->panel, o->people, o->why);
    }
    cr_expect_eq(find(&r, "main/Conversion", "who choose elsewhere")->finding, SIGN_RIGHT);
    cr_expect_eq(find(&r, "main/Conversion", "half a star harsher")->finding, SIGN_RIGHT);
    cr_expect_eq(find(&r, "main/Duration", "who wait")->finding, SIGN_RIGHT);
    cr_expect_eq(find(&r, "model/Rating distribution shift", "half a star harsher")->finding,
                 SIGN_RIGHT);
    forget(&r);
}

/* The count of panels in all boards that declare a way is that of those with an outcome. */
Test(sign_rehearsal, no_panel_that_declares_a_way_is_left_out)
{
    struct rehearsed r = rehearse("grafana/dashboards/*.json");
    for (size_t b = 0; b < r.boards.count; b++) {
        const struct dashboard *board = &r.boards.dashboard[b];
        for (size_t i = 0; i < board->panel_count; i++) {
            char name[192];
            bool found = board->panel[i].worse == DASHBOARD_NO_WAY;
            snprintf(name, sizeof name, "%.60s/%.127s", r.boards.name[b], board->panel[i].title);
            for (size_t o = 0; o < r.count && !found; o++) {
                found = strcmp(r.outcome[o].panel, name) == 0;
            }
            cr_expect(found, "%s", name);
        }
    }
    forget(&r);
}

Test(sign_rehearsal, the_articles_conversion_rises_when_people_become_harsher)
{
    struct rehearsed r = rehearse("tests/dashboards/article/conversion-cumulative.json");
    const struct sign_outcome *o =
        find(&r, "conversion-cumulative/Conversion", "half a star harsher");
    cr_expect_eq(o->finding, SIGN_WRONG);
    cr_expect_gt(o->now, o->rest);
    cr_expect_not_null(strstr(o->why, "although people are worse in conversion"), "%s", o->why);
    cr_expect_not_null(strstr(o->why, "adds up cumulative buckets"), "%s", o->why);
    forget(&r);
}

Test(sign_rehearsal, a_reciprocal_rank_of_ratings_alone_stays_when_nobody_takes_anything)
{
    struct rehearsed r = rehearse("tests/dashboards/article/reciprocal-rank.json");
    const struct sign_outcome *o =
        find(&r, "reciprocal-rank/Mean reciprocal rank", "who choose elsewhere");
    cr_expect_eq(o->finding, SIGN_WRONG);
    cr_expect_not_null(strstr(o->why, "stays"), "%s", o->why);
    cr_expect_not_null(strstr(o->why, "looks at ratings alone"), "%s", o->why);
    forget(&r);
}

Test(sign_rehearsal, the_articles_window_of_one_scrape_shows_nothing)
{
    struct rehearsed r = rehearse("tests/dashboards/article/conversion-interval.json");
    const struct sign_outcome *o =
        find(&r, "conversion-interval/Conversion", "who choose elsewhere");
    cr_expect_eq(o->finding, SIGN_NO_VALUE, "%g to %g", o->rest, o->now);
    forget(&r);
}

Test(sign_rehearsal, rules_that_cannot_be_read_are_an_error)
{
    static const char *const rules[] = {"tests/data/no/such/rules.yml"};
    const struct panel_boards none = {0};
    struct sign_outcome *outcome = NULL;
    size_t count = 0;
    struct error error = {0};
    cr_expect_neq(sign_rehearse(&none, rules, 1, &outcome, &count, &error), ERR_OK);
    cr_expect_neq(error.text[0], '\0');
}
