#include "base/fileio.h"
#include "base/mem.h"
#include "base/text.h"

#include <criterion/criterion.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/test_fileio.XXXXXX";

static void enter(void)
{
    cr_assert_not_null(mkdtemp(folder));
    cr_assert_eq(chdir(folder), 0);
}

static void leave(void)
{
    struct error error = {0};
    cr_assert_eq(chdir("/"), 0);
    cr_expect_eq(file_remove_tree(folder, &error), ERR_OK, "%s", error.text);
    cr_expect_not(file_exists(folder));
}

TestSuite(fileio, .init = enter, .fini = leave);

Test(fileio, what_is_written_is_read_back_whole)
{
    size_t size = 300001;
    char *bytes = mem_array(size, 1);
    for (size_t i = 0; i < size; i++) {
        bytes[i] = (char)(i * 31 % 251);
    }
    struct buf buf;
    buf_init(&buf, size);
    cr_assert_eq(file_write("a", bytes, size, NULL), ERR_OK);
    cr_assert_eq(file_read("a", &buf, NULL), ERR_OK);
    cr_assert_eq(buf.len, size);
    cr_assert_arr_eq(buf.data, bytes, size);
    cr_assert_eq(file_write("a", "short", 5, NULL), ERR_OK);
    cr_assert_eq(file_read("a", &buf, NULL), ERR_OK);
    cr_assert_str_eq(buf.data, "short");
    buf_deinit(&buf);
    mem_free(bytes);
}

Test(fileio, a_file_larger_than_the_buffer_allows_is_refused)
{
    struct error error = {0};
    struct buf buf;
    buf_init(&buf, 4);
    file_write("a", "12345", 5, NULL);
    cr_assert_eq(file_read("a", &buf, &error), ERR_INPUT);
    cr_assert_str_eq(error.text, "larger than the 4 bytes allowed");
    buf_deinit(&buf);
}

Test(fileio, memory_running_out_while_reading_is_an_error)
{
    struct buf buf;
    buf_init(&buf, 100);
    file_write("a", "12345", 5, NULL);
    mem_fail_after(1);
    cr_assert_eq(file_read("a", &buf, NULL), ERR_MEMORY);
    buf_deinit(&buf);
}

Test(fileio, absent_files_and_folders_read_as_errors_with_their_name)
{
    struct error error = {0};
    struct buf buf;
    buf_init(&buf, 100);
    cr_expect_eq(file_read("none.csv", &buf, &error), ERR_IO);
    cr_expect_str_eq(error.where, "none.csv");
    cr_expect_str_eq(error.text, "cannot open: No such file or directory");
    error = (struct error){0};
    cr_expect_eq(file_read(".", &buf, &error), ERR_IO);
    cr_expect_str_eq(error.text, "cannot read: Is a directory");
    buf_deinit(&buf);
}

Test(fileio, writing_leaves_nothing_beside_even_when_it_fails)
{
    struct error error = {0};
    char **paths = NULL;
    size_t count = 0;
    cr_assert_eq(mkdir("taken", 0777), 0);
    cr_assert_eq(file_write("a", "x", 1, NULL), ERR_OK);
    cr_assert_eq(file_write("taken", "x", 1, &error), ERR_IO);
    cr_assert_eq(file_write("no/such/folder/a", "x", 1, NULL), ERR_IO);
    cr_assert_eq(file_glob("*", &paths, &count, NULL), ERR_OK);
    cr_assert_eq(count, 2);
    cr_expect_str_eq(paths[0], "a");
    cr_expect_str_eq(paths[1], "taken");
    file_glob_free(paths, count);
}

Test(fileio, folders_are_made_with_their_parents)
{
    struct error error = {0};
    char absolute[PATH_MAX];
    cr_assert_eq(file_make_folders("a/b/c", NULL), ERR_OK);
    cr_assert_eq(file_make_folders("a/b/c/", NULL), ERR_OK);
    cr_assert(file_is_folder("a/b/c"));
    cr_assert(text_join_path(absolute, sizeof absolute, folder, "x//y"));
    cr_assert_eq(file_make_folders(absolute, NULL), ERR_OK);
    cr_assert(file_is_folder("x/y"));
    cr_assert_eq(file_write("a/file", "x", 1, NULL), ERR_OK);
    cr_assert_eq(file_make_folders("a/file/d", &error), ERR_IO);
    cr_assert_str_eq(error.where, "a/file");
    cr_assert_str_eq(error.text, "cannot make the folder: Not a directory");
}

Test(fileio, existence_kind_and_age_are_told)
{
    cr_expect_not(file_exists("a"));
    cr_expect_eq(file_modified_ns("a"), -1);
    file_write("a", "x", 1, NULL);
    cr_expect(file_exists("a"));
    cr_expect_not(file_is_folder("a"));
    cr_expect(file_is_folder("."));
    cr_expect_gt(file_modified_ns("a"), 0);
}

Test(fileio, removing_a_tree_does_not_follow_links)
{
    file_make_folders("kept", NULL);
    file_write("kept/file", "x", 1, NULL);
    file_make_folders("gone/deep/er", NULL);
    file_write("gone/deep/file", "x", 1, NULL);
    cr_assert_eq(symlink("../kept", "gone/link"), 0);
    cr_assert_eq(file_remove_tree("gone", NULL), ERR_OK);
    cr_expect_not(file_exists("gone"));
    cr_expect(file_exists("kept/file"));
    cr_expect_eq(file_remove_tree("gone", NULL), ERR_OK);
}

Test(fileio, the_root_and_the_empty_path_are_never_removed)
{
    static const char *const paths[] = {"", "/", "//", "/.", "/tmp/.."};
    for (int i = 0; i < 5; i++) {
        struct error error = {0};
        cr_expect_eq(file_remove_tree(paths[i], &error), ERR_IO, "'%s'", paths[i]);
        cr_expect_str_eq(error.text, "will not remove this folder");
    }
}

Test(fileio, patterns_match_in_order_and_may_match_nothing)
{
    char **paths = NULL;
    size_t count = 9;
    cr_assert_eq(file_glob("*.yml", &paths, &count, NULL), ERR_OK);
    cr_assert_eq(count, 0);
    file_glob_free(paths, count);
    file_write("b.yml", "", 0, NULL);
    file_write("a.yml", "", 0, NULL);
    file_write("c.txt", "", 0, NULL);
    cr_assert_eq(file_glob("*.yml", &paths, &count, NULL), ERR_OK);
    cr_assert_eq(count, 2);
    cr_expect_str_eq(paths[0], "a.yml");
    cr_expect_str_eq(paths[1], "b.yml");
    file_glob_free(paths, count);
}

Test(fileio, the_program_lies_in_its_folder)
{
    char path[PATH_MAX];
    char small[2];
    cr_assert(file_program_path(path, sizeof path));
    cr_expect(file_is_folder(path));
    cr_expect(text_ends(path, "tests/unit/base"), "%s", path);
    cr_expect_not(file_program_path(small, sizeof small));
}

Test(fileio, a_quoted_folder_is_no_pattern)
{
    static const char *const names[] = {"a[1]*", "b?\\c", "plain"};
    char root[] = "/tmp/driftdrill-quote-XXXXXX", inner[128], quoted[256], pattern[300];
    cr_assert_not_null(mkdtemp(root));
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char **paths;
        size_t count = 0;
        snprintf(inner, sizeof inner, "%s/%s", root, names[i]);
        cr_assert_eq(file_make_folders(inner, NULL), ERR_OK);
        cr_assert(file_glob_quote(quoted, sizeof quoted, root));
        cr_expect_str_eq(quoted, root, "nothing to quote");
        cr_assert(file_glob_quote(quoted, sizeof quoted, inner));
        snprintf(pattern, sizeof pattern, "%s*", quoted);
        cr_assert_eq(file_glob(pattern, &paths, &count, NULL), ERR_OK);
        cr_expect_eq(count, 1, "%s", pattern);
        cr_expect(count == 1 && strcmp(paths[0], inner) == 0);
        file_glob_free(paths, count);
    }
    char small[6];
    cr_expect_not(file_glob_quote(small, sizeof small, "12345"), "room for a quote is kept");
    cr_expect(file_glob_quote(small, sizeof small, "1234"));
    cr_expect_not(file_glob_quote(small, sizeof small, "****"));
    cr_expect_eq(file_remove_tree(root, NULL), ERR_OK);
}
