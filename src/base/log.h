/* Diagnostics on stderr, one line each: "driftdrill: component: text", with "warning: " or "error:
 * " before the text if it is one. Results never go here. Any thread; worker threads do not log,
 * they count. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO };

void log_write(enum log_level level, const char *component, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
