#include "base/clock.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

static int64_t read_clock(clockid_t which)
{
    struct timespec now;
    clock_gettime(which, &now);
    return (int64_t)now.tv_sec * CLOCK_NS_PER_S + now.tv_nsec;
}

int64_t clock_mono_ns(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

int64_t clock_wall_ns(void)
{
    return read_clock(CLOCK_REALTIME);
}

int64_t clock_thread_cpu_ns(void)
{
    return read_clock(CLOCK_THREAD_CPUTIME_ID);
}

/* An absolute deadline needs no arithmetic when a signal interrupts the sleep. */
static void sleep_until(int64_t deadline_ns)
{
    struct timespec until = {.tv_sec = (time_t)(deadline_ns / CLOCK_NS_PER_S),
                             .tv_nsec = (long)(deadline_ns % CLOCK_NS_PER_S)};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR) {
    }
}

void clock_sleep_ns(int64_t ns)
{
    if (ns > 0) {
        sleep_until(clock_mono_ns() + ns);
    }
}

const char *clock_format_wall(int64_t wall_ns, char *out, size_t size)
{
    int64_t ms = wall_ns / CLOCK_NS_PER_MS - (wall_ns % CLOCK_NS_PER_MS < 0);
    int64_t ms_part = ms % 1000;
    if (ms_part < 0) {
        ms_part += 1000;
    }
    time_t seconds = (time_t)((ms - ms_part) / 1000);
    struct tm utc;
    gmtime_r(&seconds, &utc);
    snprintf(out, size, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", utc.tm_year + 1900, utc.tm_mon + 1,
             utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec, (int)ms_part);
    return out;
}
