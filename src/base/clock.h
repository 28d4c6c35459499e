/* The only place that reads a clock or sleeps. Nanoseconds everywhere. Any thread. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

#define CLOCK_NS_PER_S INT64_C(1000000000)
#define CLOCK_NS_PER_MS INT64_C(1000000)

int64_t clock_mono_ns(void);       /* CLOCK_MONOTONIC */
int64_t clock_wall_ns(void);       /* since 1970 UTC */
int64_t clock_thread_cpu_ns(void); /* what the calling thread has used, user and system */
void clock_sleep_ns(int64_t ns);
/* RFC 3339 in UTC with milliseconds, "2026-01-31T08:00:00.000Z"; returns out. */
const char *clock_format_wall(int64_t wall_ns, char *out, size_t size);

#endif
