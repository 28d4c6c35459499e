#include "drill/results.h"

#include "base/fileio.h"

#include <criterion/criterion.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct scratch {
    char folder[64];
};

static struct scratch make_scratch(void)
{
    struct scratch scratch = {"/tmp/driftdrill-results-XXXXXX"};
    cr_assert_not_null(mkdtemp(scratch.folder));
    return scratch;
}

static const char *path_of(const struct scratch *scratch, const char *name)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", scratch->folder, name);
    return path;
}

static void put(const struct scratch *scratch, const char *name)
{
    cr_assert_eq(file_write(path_of(scratch, name), "x", 1, NULL), ERR_OK, "%s", name);
}

static bool has(const struct scratch *scratch, const char *name)
{
    return access(path_of(scratch, name), F_OK) == 0;
}

Test(results, an_absent_folder_is_made)
{
    struct scratch scratch = make_scratch();
    struct results *results = NULL;
    char deep[128];
    snprintf(deep, sizeof deep, "%s/a/b", scratch.folder);
    cr_assert_eq(results_open(deep, &results, NULL), ERR_OK);
    cr_expect(file_is_folder(deep));
    cr_expect(has(&scratch, "a/b/" RESULTS_MARKER));
    results_close(results);
    cr_expect_eq(file_remove_tree(scratch.folder, NULL), ERR_OK);
}

Test(results, only_what_a_drill_wrote_is_removed)
{
    struct scratch scratch = make_scratch();
    struct results *results = NULL;
    cr_assert_eq(results_open(scratch.folder, &results, NULL), ERR_OK);
    results_close(results);
    put(&scratch, "verdict.json");
    put(&scratch, "notes.txt");
    cr_assert_eq(file_make_folders(path_of(&scratch, "rules"), NULL), ERR_OK);
    put(&scratch, "rules/drift.yml");
    cr_assert_eq(results_open(scratch.folder, &results, NULL), ERR_OK);
    cr_expect_not(has(&scratch, "verdict.json"));
    cr_expect_not(has(&scratch, "rules"));
    cr_expect(has(&scratch, "notes.txt"), "a file of somebody else");
    results_close(results);
    cr_expect_eq(file_remove_tree(scratch.folder, NULL), ERR_OK);
}

Test(results, a_folder_with_files_of_the_same_names_is_refused)
{
    static const char *const names[] = {"rules", "prometheus.yml", "junit.xml"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct scratch scratch = make_scratch();
        struct results *results = NULL;
        struct error error = {0};
        put(&scratch, names[i]);
        cr_expect_eq(results_open(scratch.folder, &results, &error), ERR_USAGE, "%s", names[i]);
        cr_expect_null(results);
        cr_expect_not_null(strstr(error.text, names[i]), "%s", error.text);
        cr_expect(has(&scratch, names[i]), "%s is kept", names[i]);
        cr_expect_not(has(&scratch, RESULTS_MARKER), "refused, so not taken");
        cr_expect_eq(file_remove_tree(scratch.folder, NULL), ERR_OK);
    }
}

Test(results, a_link_that_leads_nowhere_is_not_overwritten)
{
    struct scratch scratch = make_scratch();
    struct results *results = NULL;
    cr_assert_eq(symlink("/nowhere/at/all", path_of(&scratch, "verdict.json")), 0);
    cr_expect_eq(results_open(scratch.folder, &results, NULL), ERR_USAGE);
    cr_expect_eq(file_remove_tree(scratch.folder, NULL), ERR_OK);
}

Test(results, two_drills_cannot_have_one_folder)
{
    struct scratch scratch = make_scratch();
    struct results *first = NULL, *second = NULL;
    struct error error = {0};
    cr_assert_eq(results_open(scratch.folder, &first, NULL), ERR_OK);
    put(&scratch, "verdict.json");
    cr_expect_eq(results_open(scratch.folder, &second, &error), ERR_USAGE);
    cr_expect_not_null(strstr(error.text, "another drill"), "%s", error.text);
    cr_expect(has(&scratch, "verdict.json"), "the first one's evidence is kept");
    results_close(first);
    cr_expect_eq(results_open(scratch.folder, &second, NULL), ERR_OK, "free again");
    results_close(second);
    cr_expect_eq(file_remove_tree(scratch.folder, NULL), ERR_OK);
}

/* A path cut short would name another folder, whose content would then be removed. */
Test(results, a_path_that_would_be_cut_is_refused)
{
    char path[1024];
    struct results *results = NULL;
    memset(path, 'a', sizeof path);
    memcpy(path, "/tmp/", 5);
    for (size_t i = 100; i < sizeof path; i += 100) {
        path[i] = '/';
    }
    path[450] = '\0';
    cr_expect_eq(results_open(path, &results, NULL), ERR_USAGE);
    path[100] = '\0';
    cr_expect_not(file_exists(path), "nothing was made");
    cr_expect_eq(results_open("", &results, NULL), ERR_USAGE);
}
