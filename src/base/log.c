#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void log_write(enum log_level level, const char *component, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    for (char *at = text; (at = strchr(at, '\n')) != NULL;) {
        *at = ' ';
    }
    static const char *const prefixes[] = {"error: ", "warning: ", ""};
    /* One call a line: stderr's lock then keeps the lines of several threads whole. */
    fprintf(stderr, "driftdrill: %s: %s%s\n", component, prefixes[level], text);
}
