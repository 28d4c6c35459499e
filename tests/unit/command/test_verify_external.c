/* What `verify` makes of the options of a target and a stack that run already; nothing is asked of
 * anybody. */
#include "command/verify_external.h"

#include "base/fileio.h"
#include "command/command.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ARGUMENTS_MAX 16

/* Words of `line`, none of which holds a blank. */
static enum err read_line(const char *line, struct verify_external *out, struct options **options,
                          struct error *error)
{
    static char words[512]; /* options borrow them */
    char *argv[ARGUMENTS_MAX] = {(char *)"verify", (char *)"scenario.yml"};
    int argc = 2;
    snprintf(words, sizeof words, "%s", line);
    for (char *at = words, *end; *at != '\0'; at = end) {
        end = at + strcspn(at, " ");
        if (*end != '\0') {
            *end++ = '\0';
        }
        argv[argc++] = at;
    }
    cr_assert_eq(options_parse(command_verify.options, argc, argv, 1, 1, options), ERR_OK, "%s",
                 line);
    return verify_external_read(*options, out, error);
}

#define NEEDED "--target http://t:8000/ --prometheus http://p:9090// --alertmanager http://a:9093"

Test(verify_external, all_is_passed_on)
{
    struct verify_external external;
    struct options *options = NULL;
    struct error error = {0};
    cr_assert_eq(read_line("--stack external --past /shared " NEEDED " --grafana https://g "
                           "--webhook 0.0.0.0:9099",
                           &external, &options, &error),
                 ERR_OK, "%s", error.text);
    cr_expect(external.wanted);
    cr_expect_str_eq(external.target, "http://t:8000");
    cr_expect_str_eq(external.drill.prometheus_url, "http://p:9090");
    cr_expect_str_eq(external.drill.alertmanager_url, "http://a:9093");
    cr_expect_str_eq(external.drill.grafana_url, "https://g");
    cr_expect_str_eq(external.drill.webhook_listen, "0.0.0.0:9099");
    cr_expect_str_eq(external.past_folder, "/shared");
    cr_expect_str_eq(external.past_in_target, "/shared");
    cr_expect_null(external.admin_token);
    options_free(options);
}

Test(verify_external, natively_the_programs_stay_programs)
{
    struct verify_external external;
    struct options *options = NULL;
    struct error error = {0};
    cr_expect_eq(read_line("--prometheus /usr/bin/prometheus", &external, &options, &error),
                 ERR_OK);
    cr_expect_not(external.wanted);
    cr_expect_null(external.target);
    options_free(options);
}

Test(verify_external, a_target_may_run_while_the_stack_is_started)
{
    static const struct {
        const char *line, *target;
    } rows[] = {
        {"--target http://t:8000/", "http://t:8000"},
        {"--target https://t/api", "https://t/api"},
        {"--target scenarios/control.yml --past /p", "scenarios/control.yml"},
        {"--target http://t --calibrate", "http://t"},
        {"--stack external --prometheus http://p --alertmanager http://a", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct verify_external external;
        struct options *options = NULL;
        struct error error = {0};
        cr_expect_eq(read_line(rows[i].line, &external, &options, &error), ERR_OK, "%s: %s",
                     rows[i].line, error.text);
        if (rows[i].target != NULL) {
            cr_expect_str_eq(external.target, rows[i].target, "%s", rows[i].line);
        } else {
            cr_expect_null(external.target);
        }
        options_free(options);
    }
}

Test(verify_external, what_does_not_fit_together_is_refused)
{
    static const struct {
        const char *line, *where, *text;
    } rows[] = {
        {"--stack elsewhere", "--stack", "expected native or external, got 'elsewhere'"},
        {"--past /p", "--past", "only with --target"},
        {"--admin-token-file /f", "--admin-token-file", "only with --target"},
        {"--target http://t --null 2", "--null", "not with --target"},
        {"--target http://t --paired", "--paired", "not with --target"},
        {"--target http://t --webhook :9", "--webhook", "only with --stack external"},
        {"--target /no/such/file", "--target",
         "expected an address such as http://127.0.0.1:8000 or a target file, got "
         "'/no/such/file'"},
        {"--stack external " NEEDED " --grafana http://admin:s3cret@g:3000", "--grafana",
         "user and password in an address would be written into logs and verdicts: use "
         "--grafana-token-file"},
        {"--stack external --target http://t --prometheus https://me@p/?a=b", "--prometheus",
         "user and password in an address would be written into logs and verdicts: leave them "
         "away"},
        {"--stack external --target me:s3cret@t:8000", "--target",
         "user and password in an address would be written into logs and verdicts: leave them "
         "away; for /admin there is --admin-token-file"},
        {"--stack external --grafana-token-file /f " NEEDED, "--grafana-token-file",
         "only with --grafana"},
        {"--grafana-token-file /f", "--grafana-token-file", "only with --stack external"},
        {"--stack external", "--prometheus", "needed with --stack external"},
        {"--stack external --target http://t --prometheus http://p", "--alertmanager",
         "needed with --stack external"},
        {"--stack external --target t:8000 --prometheus http://p --alertmanager http://a",
         "--target",
         "expected an address such as http://127.0.0.1:8000 or a target file, got 't:8000'"},
        {"--stack external --target http:/// --prometheus http://p --alertmanager http://a",
         "--target", "expected an address such as http://127.0.0.1:9090, got 'http:///'"},
        {"--stack external " NEEDED " --null 2", "--null", "not with --stack external"},
        {"--stack external " NEEDED " --paired", "--paired", "not with --stack external"},
        {"--stack external " NEEDED " --calibrate", "--calibrate", "not with --stack external"},
        {"--stack external " NEEDED " --past-in-target /p", "--past-in-target", "only with --past"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct verify_external external;
        struct options *options = NULL;
        struct error error = {0};
        cr_expect_eq(read_line(rows[i].line, &external, &options, &error), ERR_USAGE, "%s",
                     rows[i].line);
        cr_expect_str_eq(error.where, rows[i].where, "%s: %s", rows[i].line, error.where);
        cr_expect_str_eq(error.text, rows[i].text, "%s: %s", rows[i].line, error.text);
        options_free(options);
    }
}

Test(verify_external, a_token_is_the_only_line_of_its_file)
{
    static const struct {
        const char *content, *token; /* NULL = refused */
    } rows[] = {{"secret", "secret"}, {"secret\n", "secret"}, {"secret\r\n", "secret"},
                {"", NULL},           {"two\nlines\n", NULL}, {"with blank", NULL},
                {"\n", NULL}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char path[] = "/tmp/driftdrill-token-XXXXXX", line[400];
        struct verify_external external;
        struct options *options = NULL;
        struct error error = {0};
        int fd = mkstemp(path);
        cr_assert(fd >= 0);
        close(fd);
        cr_assert_eq(file_write(path, rows[i].content, strlen(rows[i].content), &error), ERR_OK);
        snprintf(line, sizeof line,
                 "--stack external " NEEDED " --admin-token-file %s --grafana http://g "
                 "--grafana-token-file %s",
                 path, path);
        enum err code = read_line(line, &external, &options, &error);
        cr_expect_eq(code, rows[i].token != NULL ? ERR_OK : ERR_USAGE, "row %zu", i);
        if (code == ERR_OK && rows[i].token != NULL) {
            cr_expect_str_eq(external.admin_token, rows[i].token);
            cr_expect_str_eq(external.drill.grafana_token, rows[i].token);
        }
        options_free(options);
        remove(path);
    }
}
