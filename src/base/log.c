#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Set once before the first thread, constant afterwards. */
static enum log_level shown = LOG_INFO;

void log_set_level(enum log_level level)
{
    shown = level;
}

void log_write(enum log_level level, const char *component, const char *format, ...)
{
    if (level > shown) {
        return;
    }
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    for (char *at = text; (at = strchr(at, '\n')) != NULL;) {
        *at = ' ';
    }
    /* One call a line: stderr's lock then keeps the lines of several threads whole. */
    fprintf(stderr, "driftdrill: %s: %s\n", component, text);
}
