/*
 * One row an option: the table drives parsing, bounds, defaults and --help.
 * "--name value" and "--name=value" are both read; "--" ends options; --help is built in.
 */
#ifndef BASE_OPTION_H
#define BASE_OPTION_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

enum option_kind { OPTION_FLAG, OPTION_TEXT, OPTION_INT, OPTION_REAL, OPTION_DURATION };

struct option_row {
    const char *name; /* without dashes */
    enum option_kind kind;
    const char *metavar;  /* unit or shape shown in --help: "DIR", "STEPS_PER_S"; NULL for flags */
    const char *fallback; /* default as text, NULL = unset */
    double min, max;      /* numbers and durations (seconds); both 0 = unbounded */
    const char *help;     /* one sentence */
};

struct options;

/* rows ends with name == NULL. argv[0] is the subcommand. All faults are collected, then returned
 * as ERR_USAGE with the list printed to stderr. *out is owned by the caller. */
enum err options_parse(const struct option_row *rows, int argc, char **argv, int positionals_min,
                       int positionals_max, struct options **out);
void options_free(struct options *options);
bool options_help_asked(const struct options *options);
/* Prints usage, summary and one aligned line an option to stdout. */
void options_print_help(const struct option_row *rows, const char *usage, const char *summary);

/* Given on the command line. */
bool options_is_set(const struct options *options, const char *name);
bool options_flag(const struct options *options, const char *name);
const char *options_text(const struct options *options, const char *name); /* NULL if unset */
int64_t options_int(const struct options *options, const char *name);
double options_real(const struct options *options, const char *name);
int64_t options_duration_ns(const struct options *options, const char *name);
int options_positional_count(const struct options *options);
const char *options_positional(const struct options *options, int index);

#endif
