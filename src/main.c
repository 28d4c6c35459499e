/* The command table and its lookup, nothing else. */
#include "base/error.h"
#include "base/option.h"
#include "base/version.h"
#include "command/command.h"

#include <curl/curl.h>
#include <gsl/gsl_errno.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

static const struct command *const commands[] = {
    &command_verify,      &command_check,      &command_run,          &command_render,
    &command_serve,       &command_data_info,  &command_data_compare, &command_data_evaluate,
    &command_data_people, &command_data_synth, &command_report_merge, &command_report_compare,
    &command_selftest,    &command_capacity,
};

#define COMMANDS (sizeof commands / sizeof commands[0])

static void print_usage(FILE *out)
{
    fprintf(out,
            "driftdrill " DRIFTDRILL_VERSION ": fire drills for recommender monitoring\n\n"
            "usage: driftdrill COMMAND [options]   (driftdrill COMMAND --help tells more)\n\n");
    for (size_t i = 0; i < COMMANDS; i++) {
        fprintf(out, "  %-14s %s\n", commands[i]->name, commands[i]->summary);
    }
    fprintf(out, "\nexit status: 0 pass, 1 fail, 2 usage or configuration, 3 invalid run, "
                 "130 interrupted\n");
}

/* Number of words of argv that spell the command's name, 0 if they do not. */
static int words_matched(const struct command *command, int argc, char **argv)
{
    const char *space = strchr(command->name, ' ');
    if (space == NULL) {
        return argc >= 1 && strcmp(argv[0], command->name) == 0 ? 1 : 0;
    }
    size_t first = (size_t)(space - command->name);
    bool same = argc >= 2 && strlen(argv[0]) == first &&
                strncmp(argv[0], command->name, first) == 0 && strcmp(argv[1], space + 1) == 0;
    return same ? 2 : 0;
}

/* Before the first thread: libraries that need it, and the signals that commands wait for. */
static void prepare_process(void)
{
    sigset_t waited;
    sigemptyset(&waited);
    sigaddset(&waited, SIGINT);
    sigaddset(&waited, SIGTERM);
    sigprocmask(SIG_BLOCK, &waited, NULL);
    signal(SIGPIPE, SIG_IGN);
    curl_global_init(CURL_GLOBAL_ALL);
    json_object_seed(0);
    gsl_set_error_handler_off();
}

static int run_command(const struct command *command, int argc, char **argv)
{
    struct options *options = NULL;
    struct error error = {0};
    enum err code = options_parse(command->options, argc, argv, command->positionals_min,
                                  command->positionals_max, &options);
    if (code != ERR_OK) {
        fprintf(stderr, "usage: driftdrill %s   (--help tells more)\n", command->usage);
        return err_exit_status(code);
    }
    if (options_help_asked(options)) {
        options_print_help(command->options, command->usage, command->summary);
    } else {
        code = command->run(options, &error);
    }
    if (code != ERR_OK && error.code != ERR_OK) {
        char line[1024];
        error_format(&error, line, sizeof line);
        fprintf(stderr, "driftdrill: %s\n", line);
    }
    options_free(options);
    return err_exit_status(code);
}

int main(int argc, char **argv)
{
    if (argc >= 2 && strcmp(argv[1], "--version") == 0) {
        printf("driftdrill " DRIFTDRILL_VERSION "\n");
        return 0;
    }
    if (argc >= 2 && strcmp(argv[1], "--help") == 0) {
        print_usage(stdout);
        return 0;
    }
    for (size_t i = 0; i < COMMANDS; i++) {
        int words = words_matched(commands[i], argc - 1, argv + 1);
        if (words > 0) {
            prepare_process();
            return run_command(commands[i], argc - words, argv + words);
        }
    }
    if (argc >= 2) {
        fprintf(stderr, "driftdrill: no command '%s'\n\n", argv[1]);
    }
    print_usage(stderr);
    return err_exit_status(ERR_USAGE);
}
