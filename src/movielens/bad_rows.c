#include "movielens/bad_rows.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>

enum err bad_rows_add(struct bad_rows *bad, const char *path, int64_t line, const char *format, ...)
{
    char reason[sizeof bad->first_reason];
    int number = line < INT_MAX ? (int)line : INT_MAX;
    bool described = bad->faults != NULL && bad->reports_left > 0;
    bad->count++;
    if (!described && !bad->strict && bad->count > 1) {
        return ERR_OK;
    }
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reason, sizeof reason, format, arguments);
    va_end(arguments);
    if (bad->count == 1) {
        bad->first_line = number;
        snprintf(bad->first_reason, sizeof bad->first_reason, "%s", reason);
    }
    if (described) {
        bad->reports_left--;
        faults_add(bad->faults, path, number, "", "%s", reason);
    }
    return bad->strict ? error_set(bad->error, ERR_INPUT, path, number, "%s", reason) : ERR_OK;
}

enum err bad_rows_none_good(const struct bad_rows *bad, const char *path, struct error *error)
{
    if (bad->count == 0) {
        return error_set(error, ERR_INPUT, path, 0, "holds no row");
    }
    return error_set(error, ERR_INPUT, path, bad->first_line,
                     "no good row among %lld; the first: %s", (long long)bad->count,
                     bad->first_reason);
}
