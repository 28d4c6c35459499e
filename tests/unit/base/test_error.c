#include "base/error.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <errno.h>
#include <string.h>

Test(error, first_error_wins)
{
    struct error error = {0};
    cr_assert_eq(error_set(&error, ERR_INPUT, "a.csv", 7, "want %d fields", 4), ERR_INPUT);
    cr_assert_eq(error_set(&error, ERR_IO, "b.csv", 0, "gone"), ERR_IO);
    cr_assert_eq(error.code, ERR_INPUT);
    cr_assert_str_eq(error.where, "a.csv");
    cr_assert_str_eq(error.text, "want 4 fields");
}

Test(error, a_caller_may_pass_no_struct)
{
    cr_assert_eq(error_set(NULL, ERR_TIMEOUT, NULL, 0, "late"), ERR_TIMEOUT);
}

Test(error, formats_what_is_known)
{
    static const struct {
        const char *where;
        int line;
        const char *wanted;
    } rows[] = {
        {"a.csv", 7, "a.csv:7: bad"},
        {"a.csv", 0, "a.csv: bad"},
        {NULL, 7, "bad"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct error error = {0};
        char line[64];
        error_set(&error, ERR_INPUT, rows[i].where, rows[i].line, "bad");
        error_format(&error, line, sizeof line);
        cr_expect_str_eq(line, rows[i].wanted);
    }
}

Test(error, long_places_and_texts_are_cut_not_overrun)
{
    char where[1000];
    memset(where, 'w', sizeof where - 1);
    where[sizeof where - 1] = '\0';
    struct error error = {0};
    error_set(&error, ERR_INPUT, where, 1, "%s", where);
    cr_assert_eq(strlen(error.where), sizeof error.where - 1);
    cr_assert_eq(strlen(error.text), sizeof error.text - 1);
}

Test(error, codes_have_the_documented_exit_statuses)
{
    cr_expect_eq(err_exit_status(ERR_OK), 0);
    cr_expect_eq(err_exit_status(ERR_FAILED), 1);
    cr_expect_eq(err_exit_status(ERR_USAGE), 2);
    cr_expect_eq(err_exit_status(ERR_INPUT), 2);
    cr_expect_eq(err_exit_status(ERR_INVALID), 3);
    cr_expect_eq(err_exit_status(ERR_INTERRUPTED), 130);
    cr_expect_str_eq(err_text(ERR_TIMEOUT), "timed out");
}

Test(error, errno_values_have_a_text)
{
    char text[64];
    cr_expect_str_eq(err_errno_text(ENOENT, text, sizeof text), "No such file or directory");
    cr_expect_str_eq(text, "No such file or directory");
    cr_expect_str_eq(err_errno_text(99999, text, sizeof text), "Unknown error 99999");
}

Test(faults, printed_in_order_of_line_and_stable, .init = cr_redirect_stderr)
{
    struct faults faults;
    faults_init(&faults);
    faults_add(&faults, "s.yml", 9, "/phases/2", "want a duration, got '%s'", "x");
    faults_add(&faults, "s.yml", 3, "", "first of line 3");
    faults_add(&faults, "s.yml", 3, NULL, "second of line 3");
    faults_add(&faults, "s.yml", 0, NULL, "no line");
    for (int line = 20; line > 10; line--) {
        faults_add(&faults, "s.yml", line, NULL, "late");
    }
    cr_assert_eq(faults.count, 14);
    faults_print(&faults);
    faults_deinit(&faults);
    cr_assert_eq(faults.count, 0);
    fflush(stderr);
    cr_assert_stderr_eq_str("s.yml: no line\n"
                            "s.yml:3: first of line 3\n"
                            "s.yml:3: second of line 3\n"
                            "s.yml:9: /phases/2: want a duration, got 'x'\n"
                            "s.yml:11: late\ns.yml:12: late\ns.yml:13: late\ns.yml:14: late\n"
                            "s.yml:15: late\ns.yml:16: late\ns.yml:17: late\ns.yml:18: late\n"
                            "s.yml:19: late\ns.yml:20: late\n");
}
