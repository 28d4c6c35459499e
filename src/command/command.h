/*
 * Subcommands: one file each, exporting one constant entry. main() looks the name up, parses the
 * line with the entry's option table (which also makes --help) and turns the result into the
 * process's exit status.
 */
#ifndef COMMAND_COMMAND_H
#define COMMAND_COMMAND_H

#include "base/error.h"
#include "base/option.h"

#include <stdbool.h>
#include <stddef.h>

struct command {
    const char *name;    /* "serve", or "data people": words as typed */
    const char *usage;   /* "verify SCENARIO [options]" */
    const char *summary; /* one sentence */
    const struct option_row *options;
    int positionals_min, positionals_max;
    /* Runs on the main thread with SIGINT and SIGTERM blocked in every thread (commands wait for
     * them with sigtimedwait). Faults are described in *error, which main prints. */
    enum err (*run)(const struct options *options, struct error *error);
};

extern const struct command command_capacity;
extern const struct command command_check;
extern const struct command command_data_compare;
extern const struct command command_data_evaluate;
extern const struct command command_data_info;
extern const struct command command_data_people;
extern const struct command command_data_synth;
extern const struct command command_render;
extern const struct command command_report_compare;
extern const struct command command_report_merge;
extern const struct command command_run;
extern const struct command command_selftest;
extern const struct command command_serve;
extern const struct command command_verify;

/* Where the shipped scenarios/ and prometheus/ lie: the repository the program was built in, or
 * PREFIX/share/driftdrill when installed. False if neither is found. */
bool command_home(char *out, size_t size);

#endif
