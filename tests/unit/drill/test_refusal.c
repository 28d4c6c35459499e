#include "drill/refusal.h"

#include "base/fileio.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define READY "ts=1 caller=main.go level=info msg=\"Server is ready\"\n"
#define FAILED "ts=1 level=error component=\"rule manager\" msg=\"loading groups failed\" "

static bool refused(const char *log, struct error *error)
{
    char path[64];
    snprintf(path, sizeof path, "/tmp/driftdrill-refusal-%d.log", (int)getpid());
    cr_assert_eq(file_write(path, log, strlen(log), NULL), ERR_OK);
    *error = (struct error){0};
    bool found = refusal_of_rules(path, error);
    unlink(path);
    return found;
}

Test(refusal, a_refused_rule_is_told_with_its_file_and_line)
{
    struct error error;
    cr_assert(refused(READY FAILED
                      "err=\"/out/rules/drift.yml: 12:9: group \\\"drift\\\", rule 3, \\\"Low\\\": "
                      "could not parse expression: 1:5: parse error\"\n" READY,
                      &error));
    cr_expect_eq(error.code, ERR_INPUT);
    cr_expect_str_eq(error.where, "/out/rules/drift.yml");
    cr_expect_eq(error.line, 12);
    cr_expect_str_eq(error.text, "group \"drift\", rule 3, \"Low\": could not parse expression: "
                                 "1:5: parse error");
}

Test(refusal, prometheus_3_is_understood_as_well)
{
    struct error error;
    cr_assert(refused(READY "time=1 level=ERROR msg=\"Error loading rule file patterns from config "
                            "(--config.file=\\\"/out/p.yml\\\")\" file=\"/out/p.yml\" "
                            "err=\"parse rules from file \\\"/out/rules/a b.yml\\\" (pattern: "
                            "\\\"/out/rules/a b.yml\\\"): /out/rules/a b.yml: 7:15: group "
                            "\\\"drift\\\", rule 1, \\\"x\\\": 1:15: parse error\"\n",
                      &error));
    cr_expect_eq(error.code, ERR_INPUT);
    cr_expect_str_eq(error.where, "/out/rules/a b.yml");
    cr_expect_eq(error.line, 7);
    cr_expect_str_eq(error.text, "group \"drift\", rule 1, \"x\": 1:15: parse error");
}

Test(refusal, a_refusal_without_a_place_names_the_log)
{
    struct error error;
    cr_assert(refused(FAILED "err=\"/out/rules/drift.yml: yaml: unknown: 3 x: y\"\n", &error));
    cr_expect_eq(error.code, ERR_INPUT);
    cr_expect_eq(error.line, 0);
    cr_expect_not_null(strstr(error.where, "driftdrill-refusal"));
    cr_expect_str_eq(error.text, "/out/rules/drift.yml: yaml: unknown: 3 x: y");
}

Test(refusal, the_first_refusal_is_taken)
{
    struct error error;
    cr_assert(
        refused(FAILED "err=\"a.yml: 1:1: one\"\n" FAILED "err=\"b.yml: 2:2: two\"\n", &error));
    cr_expect_str_eq(error.where, "a.yml");
}

Test(refusal, other_logs_hold_none)
{
    static const char *const logs[] = {"", READY, FAILED, FAILED "\n" READY "x err=\"a: 1:1: b\"\n",
                                       "level=error err=\"a.yml: 1:1: not about rules\"\n"};
    for (size_t i = 0; i < sizeof logs / sizeof logs[0]; i++) {
        struct error error;
        cr_expect_not(refused(logs[i], &error), "log %zu", i);
        cr_expect_eq(error.code, ERR_OK);
    }
    struct error error = {0};
    cr_expect_not(refusal_of_rules("/tmp/no/such/file.log", &error));
    cr_expect_eq(error.code, ERR_OK);
}

Test(refusal, a_log_cut_in_the_middle_is_read_to_its_end)
{
    static const char whole[] = FAILED "err=\"/r.yml: 7:3: \\\"quoted\\\" text\"";
    char log[sizeof whole];
    for (size_t len = 0; len < sizeof whole; len++) {
        struct error error;
        snprintf(log, sizeof log, "%.*s", (int)len, whole);
        bool found = refused(log, &error);
        cr_expect_eq(found, error.code == ERR_INPUT, "%zu bytes", len);
    }
}

Test(refusal, a_message_longer_than_any_buffer_is_cut)
{
    static char log[8192];
    struct error error;
    int used = snprintf(log, sizeof log, "%serr=\"/r.yml: 7:3: ", FAILED);
    memset(log + used, 'x', 4000);
    memcpy(log + used + 4000, "\"\n", 3);
    cr_assert(refused(log, &error));
    cr_expect_eq(error.line, 7);
    cr_expect_gt(strlen(error.text), 100);
}
