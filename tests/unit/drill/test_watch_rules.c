#include "drill/watch_rules.h"

#include "base/fileio.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TARGET "driftdrill-recommender 0.1.0"

/* A home of its own, whose name is a pattern that does not match itself. */
struct home {
    char root[64], path[128];
};

static void put_text(const struct home *home, const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", home->path, name);
    cr_assert_eq(file_write(path, text, strlen(text), NULL), ERR_OK, "%s", path);
}

static struct home make_home(void)
{
    struct home home = {.root = "/tmp/driftdrill-home-XXXXXX"};
    char folder[256];
    cr_assert_not_null(mkdtemp(home.root));
    snprintf(home.path, sizeof home.path, "%s/src[1]*", home.root);
    snprintf(folder, sizeof folder, "%s/prometheus/rules", home.path);
    cr_assert_eq(file_make_folders(folder, NULL), ERR_OK);
    snprintf(folder, sizeof folder, "%s/prometheus/objectives", home.path);
    cr_assert_eq(file_make_folders(folder, NULL), ERR_OK);
    put_text(&home, "prometheus/rules/drift.yml", "groups: []\n");
    put_text(&home, "prometheus/rules/_draft.yml", "groups: []\n");
    return home;
}

static void put_objectives(const struct home *home, const char *name, uint64_t fingerprint,
                           int32_t people, const char *target)
{
    char path[256];
    struct objectives_head head = {.scenario = "s",
                                   .data = "their-data",
                                   .fingerprint = fingerprint,
                                   .people = people,
                                   .lists = 1000,
                                   .ratings = 300,
                                   .conversion = 0.3,
                                   .reciprocal_rank = 0.1,
                                   .mean_rating = 3.8,
                                   .rating_share = {.05, .1, .2, .4, .25}};
    snprintf(head.target, sizeof head.target, "%s", target);
    snprintf(path, sizeof path, "%s/%s", home->path, name);
    cr_assert_eq(objectives_write(path, &head, NULL), ERR_OK);
}

static struct watch_rules_request request_in(const struct home *home)
{
    return (struct watch_rules_request){.home = home->path,
                                        .fingerprint = 77,
                                        .people = 500,
                                        .data_name = "my-data",
                                        .target = TARGET,
                                        .scenario_path = "my/scenario.yml"};
}

static void remove_home(const struct home *home)
{
    cr_expect_eq(file_remove_tree(home->root, NULL), ERR_OK);
}

Test(watch_rules, fitting_objectives_of_the_glob_are_kept)
{
    struct home home = make_home();
    struct watch_rules_request request = request_in(&home);
    struct watch_rules rules = {0};
    struct error error = {0};
    put_objectives(&home, "prometheus/rules/objectives.yml", 77, 500, TARGET);
    cr_assert_eq(watch_rules_choose(&request, &rules, &error), ERR_OK, "%s", error.text);
    cr_assert_eq(rules.count, 2, "a name that does not start with a letter is not shipped");
    cr_expect_not_null(strstr(rules.path[0], "prometheus/rules/drift.yml"));
    cr_expect_not_null(strstr(rules.path[1], "prometheus/rules/objectives.yml"));
    cr_expect(rules.has_objectives);
    cr_expect_eq(rules.objectives.fingerprint, 77);
    watch_rules_deinit(&rules);
    remove_home(&home);
}

Test(watch_rules, objectives_of_other_data_are_replaced_by_fitting_ones)
{
    struct home home = make_home();
    struct watch_rules_request request = request_in(&home);
    struct watch_rules rules = {0};
    put_objectives(&home, "prometheus/rules/objectives.yml", 76, 500, TARGET);
    put_objectives(&home, "prometheus/objectives/a.yml", 77, 501, TARGET);
    put_objectives(&home, "prometheus/objectives/b.yml", 77, 500, "other 1.0");
    put_objectives(&home, "prometheus/objectives/c.yml", 77, 500, TARGET);
    cr_assert_eq(watch_rules_choose(&request, &rules, NULL), ERR_OK);
    cr_assert_eq(rules.count, 2);
    cr_expect_not_null(strstr(rules.path[1], "prometheus/objectives/c.yml"), "%s", rules.path[1]);
    cr_expect_eq(rules.objectives.fingerprint, 77);
    watch_rules_deinit(&rules);
    remove_home(&home);
}

Test(watch_rules, without_fitting_objectives_the_drill_says_how_to_measure_them)
{
    static const struct {
        const char *what, *target;
        uint64_t fingerprint;
        int32_t people;
    } rows[] = {{"other data", TARGET, 76, 500},
                {"other people", TARGET, 77, 499},
                {"another target", "driftdrill-recommender 0.2.0", 77, 500}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct home home = make_home();
        struct watch_rules_request request = request_in(&home);
        struct watch_rules rules = {0};
        struct error error = {0};
        put_objectives(&home, "prometheus/rules/objectives.yml", rows[i].fingerprint,
                       rows[i].people, rows[i].target);
        cr_expect_eq(watch_rules_choose(&request, &rules, &error), ERR_INPUT, "%s", rows[i].what);
        cr_expect_not_null(strstr(error.text, "verify --calibrate my/scenario.yml"), "%s",
                           error.text);
        cr_expect_not_null(strstr(error.text, "my-data"), "%s", error.text);
        cr_expect_not_null(strstr(error.where, "objectives.yml"));
        watch_rules_deinit(&rules);
        remove_home(&home);
    }
}

Test(watch_rules, objectives_of_ones_own_stand_for_those_among_the_rules)
{
    struct home home = make_home();
    struct watch_rules_request request = request_in(&home);
    struct watch_rules rules = {0};
    struct error error = {0};
    char own[256], rule[256];
    put_objectives(&home, "prometheus/rules/objectives.yml", 76, 500, TARGET);
    put_objectives(&home, "own.yml", 77, 500, TARGET);
    snprintf(own, sizeof own, "%s/own.yml", home.path);
    request.objectives_path = own;
    cr_assert_eq(watch_rules_choose(&request, &rules, &error), ERR_OK, "%s", error.text);
    cr_assert_eq(rules.count, 2);
    cr_expect_str_eq(rules.path[1], own);
    watch_rules_deinit(&rules);
    /* Even these must fit, and must be objectives. */
    rules = (struct watch_rules){0};
    put_objectives(&home, "own.yml", 78, 500, TARGET);
    request.target_option = "feed.yml";
    cr_expect_eq(watch_rules_choose(&request, &rules, &error), ERR_INPUT);
    cr_expect_not_null(strstr(error.text, "--calibrate my/scenario.yml --target feed.yml"), "%s",
                       error.text);
    watch_rules_deinit(&rules);
    rules = (struct watch_rules){0};
    error = (struct error){0};
    snprintf(rule, sizeof rule, "%s/prometheus/rules/drift.yml", home.path);
    request.objectives_path = rule;
    cr_expect_eq(watch_rules_choose(&request, &rules, &error), ERR_INPUT);
    cr_expect_not_null(strstr(error.text, "expected objectives"), "%s", error.text);
    watch_rules_deinit(&rules);
    remove_home(&home);
}

Test(watch_rules, rules_of_ones_own_need_no_objectives)
{
    struct home home = make_home(), own = make_home();
    char glob[256];
    struct watch_rules_request request = request_in(&home);
    struct watch_rules rules = {0};
    snprintf(glob, sizeof glob, "%s/*/prometheus/rules/*.yml", own.root);
    request.glob = glob;
    cr_assert_eq(watch_rules_choose(&request, &rules, NULL), ERR_OK);
    cr_expect_eq(rules.count, 2, "a glob of one's own takes what it says");
    cr_expect_not(rules.has_objectives);
    watch_rules_deinit(&rules);
    remove_home(&home);
    remove_home(&own);
}

Test(watch_rules, a_glob_without_matches_is_a_usage_error)
{
    struct home home = make_home();
    struct watch_rules_request request = request_in(&home);
    struct watch_rules rules = {0};
    struct error error = {0};
    request.glob = "/tmp/no/such/folder/*.yml";
    cr_expect_eq(watch_rules_choose(&request, &rules, &error), ERR_USAGE);
    cr_expect_not_null(strstr(error.where, "no/such/folder"));
    watch_rules_deinit(&rules);
    remove_home(&home);
}

Test(watch_rules, a_damaged_head_among_the_shipped_ones_is_told)
{
    struct home home = make_home();
    struct watch_rules_request request = request_in(&home);
    struct watch_rules rules = {0};
    struct error error = {0};
    put_objectives(&home, "prometheus/rules/objectives.yml", 76, 500, TARGET);
    put_text(&home, "prometheus/objectives/a.yml", "# driftdrill objectives, version 3\n");
    cr_expect_eq(watch_rules_choose(&request, &rules, &error), ERR_INPUT);
    cr_expect_not_null(strstr(error.where, "objectives/a.yml"), "%s", error.where);
    watch_rules_deinit(&rules);
    remove_home(&home);
}
