/* driftdrill data info and data synth, from arguments to result. */
#include "base/fileio.h"
#include "base/text.h"
#include "command/command.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INVALID "tests/data/invalid/movielens/"

static enum err run(const struct command *command, int count, const char *const *arguments,
                    struct error *error)
{
    char *argv[8] = {(char *)"x"};
    struct options *options = NULL;
    for (int i = 0; i < count; i++) {
        argv[i + 1] = (char *)arguments[i];
    }
    enum err code = options_parse(command->options, count + 1, argv, command->positionals_min,
                                  command->positionals_max, &options);
    if (code == ERR_OK) {
        code = command->run(options, error);
        options_free(options);
    }
    return code;
}

/* All that was printed to stdout so far. */
static void read_output(char *out, size_t size)
{
    FILE *file = cr_get_redirected_stdout();
    (void)fflush(stdout);
    size_t got = fread(out, 1, size - 1, file);
    out[got] = '\0';
}

Test(data, info_tells_bad_data_by_its_code, .init = cr_redirect_stdout)
{
    static const struct {
        const char *folder, *option;
        enum err code;
        const char *text;
    } rows[] = {
        {INVALID "unknown_film", NULL, ERR_OK, NULL},
        {INVALID "unknown_film", "--strict", ERR_INPUT, "movieId 11 is not in movies.csv"},
        {INVALID "lfs_ratings", NULL, ERR_INPUT, "Git LFS pointer"},
        {INVALID "no_good_rating", NULL, ERR_INPUT, "no good row among 2"},
        {INVALID "missing_films", NULL, ERR_IO, "holds no movies.csv"},
        {INVALID "nothing_here", NULL, ERR_IO, "no such folder"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *arguments[] = {rows[i].folder, rows[i].option};
        struct error error = {0};
        enum err code = run(&command_data_info, rows[i].option != NULL ? 2 : 1, arguments, &error);
        cr_expect_eq(code, rows[i].code, "%s: %s", rows[i].folder, error.text);
        cr_expect(code == ERR_OK || err_exit_status(code) == 2, "%s", rows[i].folder);
        cr_expect(rows[i].text == NULL || strstr(error.text, rows[i].text) != NULL, "%s: %s",
                  rows[i].folder, error.text);
    }
}

Test(data, info_names_the_layout_and_its_files, .init = cr_redirect_stdout)
{
    static const struct {
        const char *folder;
        const char *const text[4];
    } rows[] = {
        {INVALID "layout_dat_rows",
         {"layout             dat (ml-1m, 10M)\n", "ratings.dat, ", "movies.dat, ",
          "1 of them for a film that movies.dat lacks\n"}},
        {INVALID "layout_u_data_rows",
         {"layout             u.data (ml-100k)\n", "u.data, ", "u.item, ",
          "1 of them for a film that u.item lacks\n"}},
    };
    char output[8192];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct error error = {0};
        cr_assert_eq(run(&command_data_info, 1, &rows[i].folder, &error), ERR_OK, "%s", error.text);
    }
    read_output(output, sizeof output);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (size_t k = 0; k < 4; k++) {
            cr_expect(strstr(output, rows[i].text[k]) != NULL, "'%s' is not in\n%s",
                      rows[i].text[k], output);
        }
    }
}

Test(data, info_prints_what_the_folder_holds, .init = cr_redirect_stdout)
{
    static const char *const lines[] = {
        "layout             csv (",
        "rating rows        3\n",
        "bad rows           1, 1 of them for a film that movies.csv lacks\n",
        "users              2\n",
        "films              2, 2 of them rated\n",
        "mean rating        3.75000, sd 0.25000\n",
        "              3.5          1  50.00 %\n",
        "dates              2000-07-30 18:45:03 to 2000-07-30 18:45:05 UTC\n",
        "\nfingerprint        ",
    };
    const char *arguments[] = {INVALID "unknown_film"};
    char output[4096];
    struct error error = {0};
    cr_assert_eq(run(&command_data_info, 1, arguments, &error), ERR_OK, "%s", error.text);
    read_output(output, sizeof output);
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        cr_expect(strstr(output, lines[i]) != NULL, "'%s' is missing in\n%s", lines[i], output);
    }
}

static void read_file(const char *folder, const char *name, struct buf *out)
{
    char path[PATH_MAX];
    cr_assert(text_join_path(path, sizeof path, folder, name));
    cr_assert_eq(file_read(path, out, NULL), ERR_OK, "%s", path);
}

Test(data, synth_writes_the_same_bytes_for_the_same_seed, .init = cr_redirect_stdout)
{
    static const char *const names[] = {"ratings.csv", "movies.csv"};
    char folder[] = "/tmp/driftdrill-synth-XXXXXX";
    char one[PATH_MAX], other[PATH_MAX];
    cr_assert_not_null(mkdtemp(folder));
    cr_assert(text_join_path(one, sizeof one, folder, "one"));
    cr_assert(text_join_path(other, sizeof other, folder, "other"));
    const char *first[] = {one, "--users=60", "--movies=500", "--seed=3"};
    const char *second[] = {other, "--users=60", "--movies=500", "--seed=3"};
    const char *again[] = {one, "--users=60", "--movies=500", "--seed=4", "--force"};
    struct error error = {0};
    cr_assert_eq(run(&command_data_synth, 4, first, &error), ERR_OK, "%s", error.text);
    cr_assert_eq(run(&command_data_synth, 4, second, &error), ERR_OK, "%s", error.text);
    for (size_t i = 0; i < 2; i++) {
        struct buf a, b;
        buf_init(&a, 1 << 24);
        buf_init(&b, 1 << 24);
        read_file(one, names[i], &a);
        read_file(other, names[i], &b);
        cr_expect_eq(a.len, b.len);
        cr_expect(a.len == b.len && memcmp(a.data, b.data, a.len) == 0, "%s differs", names[i]);
        buf_deinit(&a);
        buf_deinit(&b);
    }
    cr_expect_eq(run(&command_data_synth, 4, again, &error), ERR_USAGE,
                 "data that are there are not overwritten unasked");
    struct error none = {0};
    cr_expect_eq(run(&command_data_synth, 5, again, &none), ERR_OK, "%s", none.text);
    cr_expect_eq(file_remove_tree(folder, NULL), ERR_OK);
}
