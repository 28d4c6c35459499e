#include "command/token.h"

#include "base/fileio.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

Test(token, a_file_holds_one_line)
{
    static const struct {
        const char *file, *token; /* NULL = refused */
    } rows[] = {{"open-sesame\n", "open-sesame"},
                {"open-sesame", "open-sesame"},
                {"open-sesame\r\n", "open-sesame"},
                {"two\nlines\n", NULL},
                {"", NULL},
                {"\n", NULL},
                {"a blank\n", NULL}};
    char path[] = "/tmp/driftdrill-token-XXXXXX";
    cr_assert_geq(close(mkstemp(path)), 0);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char token[64];
        struct error error = {0};
        cr_assert_eq(file_write(path, rows[i].file, strlen(rows[i].file), NULL), ERR_OK);
        enum err code = token_read(path, token, sizeof token, &error);
        cr_expect_eq(code, rows[i].token != NULL ? ERR_OK : ERR_USAGE, "row %zu", i);
        if (rows[i].token != NULL) {
            cr_expect_str_eq(token, rows[i].token);
        } else {
            cr_expect_str_eq(error.where, path, "row %zu", i);
        }
    }
    cr_expect_eq(unlink(path), 0);
}

Test(token, no_file_is_no_token_and_a_long_one_is_refused)
{
    char path[] = "/tmp/driftdrill-token-XXXXXX", token[8];
    cr_expect_eq(token_read(NULL, token, sizeof token, NULL), ERR_OK);
    cr_expect_str_eq(token, "");
    cr_assert_geq(close(mkstemp(path)), 0);
    cr_assert_eq(file_write(path, "abcdefgh\n", 9, NULL), ERR_OK);
    cr_expect_neq(token_read(path, token, sizeof token, NULL), ERR_OK);
    cr_expect_eq(unlink(path), 0);
    cr_expect_neq(token_read(path, token, sizeof token, NULL), ERR_OK, "it is gone");
}
