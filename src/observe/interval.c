#include "observe/interval.h"

#include "base/text.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NS_PER_MS INT64_C(1000000)
#define MS_PER_S INT64_C(1000)
#define MS_PER_MINUTE INT64_C(60000)
#define MS_PER_HOUR INT64_C(3600000)
#define MS_PER_DAY INT64_C(86400000)
#define MS_PER_YEAR (365 * MS_PER_DAY)
#define SERVER_POINTS_MAX 11000 /* what Prometheus answers at most */

/* Intervals below `below` become `rounded`; longer than all of them is a year. */
struct row {
    int64_t below, rounded;
};

static const struct row table[] = {
    {10, 1},
    {15, 10},
    {35, 20},
    {75, 50},
    {150, 100},
    {350, 200},
    {750, 500},
    {1500, 1000},
    {3500, 2000},
    {7500, 5000},
    {12500, 10000},
    {17500, 15000},
    {25000, 20000},
    {45000, 30000},
    {90000, 60000},
    {210000, 120000},
    {450000, 300000},
    {750000, 600000},
    {1050000, 900000},
    {1500000, 1200000},
    {2700000, 1800000},
    {5400000, 3600000},
    {9000000, 7200000},
    {16200000, 10800000},
    {32400000, 21600000},
    {86400000, 43200000},
    {604800000, 86400000},
    {1814400000, 604800000},
    {3628800000, 2592000000},
};

/* Both sides round a quotient that need not be whole, so comparisons are made on finer units. */
static int64_t rounded(int64_t ns, bool bound_is_inside)
{
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        int64_t below = table[i].below * NS_PER_MS;
        if (ns < below || (bound_is_inside && ns == below)) {
            return table[i].rounded;
        }
    }
    return MS_PER_YEAR;
}

int64_t interval_round_ms(int64_t ms)
{
    return rounded(ms * NS_PER_MS, false);
}

int64_t interval_round_server_ns(int64_t ns)
{
    return rounded(ns, true) * NS_PER_MS;
}

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* max(interval + scrape, 4 * scrape): at least four scrapes lie in the window, and windows of
 * neighbouring points overlap by one scrape. */
static int64_t rate_interval(int64_t interval_ms, int64_t scrape_ms)
{
    return larger(interval_ms + scrape_ms, 4 * scrape_ms);
}

static int64_t floor_to(int64_t ms, int64_t step_ms)
{
    int64_t rest = ms % step_ms;
    return ms - (rest < 0 ? rest + step_ms : rest);
}

/* Min step replaces the request's interval as the least step, even where it is finer. */
static int64_t server_step(const struct interval_request *request, int64_t range_ms, int64_t points,
                           int64_t interval_ms)
{
    int64_t least_ms = request->target_min_ms > 0 ? request->target_min_ms : interval_ms;
    int64_t calculated_ns = range_ms * NS_PER_MS / points;
    int64_t step_ms = calculated_ns < least_ms * NS_PER_MS
                          ? least_ms
                          : interval_round_server_ns(calculated_ns) / NS_PER_MS;
    int64_t safe_ns = interval_round_server_ns(range_ms * NS_PER_MS / SERVER_POINTS_MAX);
    return larger(step_ms, safe_ns / NS_PER_MS);
}

void interval_plan(const struct interval_request *request, struct interval_plan *out)
{
    int64_t range_ms = request->to_ms - request->from_ms;
    int64_t points = request->max_data_points > 0 ? request->max_data_points : INTERVAL_POINTS;
    int64_t scrape_ms =
        request->datasource_ms > 0 ? request->datasource_ms : INTERVAL_DATASOURCE_MS;
    assert(range_ms > 0 && range_ms < INT64_MAX / NS_PER_MS);
    int64_t low_ms = request->panel_min_ms > 0 ? request->panel_min_ms : scrape_ms;
    int64_t interval_ms = larger(low_ms, rounded(range_ms * NS_PER_MS / points, false));
    int64_t step_ms = server_step(request, range_ms, points, interval_ms);
    int64_t rate_ms;
    if (request->min_step_is_rate) {
        rate_ms = step_ms = rate_interval(step_ms, scrape_ms);
    } else if (request->min_step_is_interval) {
        rate_ms = rate_interval(interval_ms, step_ms);
    } else {
        rate_ms = rate_interval(interval_ms,
                                request->target_min_ms > 0 ? request->target_min_ms : scrape_ms);
    }
    if (request->interval_factor > 1 && !request->min_step_is_rate) {
        step_ms *= request->interval_factor;
    }
    *out = (struct interval_plan){.interval_ms = interval_ms,
                                  .step_ms = step_ms,
                                  .rate_interval_ms = rate_ms,
                                  .range_s = (range_ms + MS_PER_S / 2) / MS_PER_S,
                                  .range_ms = range_ms,
                                  .start_ms = floor_to(request->from_ms, step_ms),
                                  .end_ms = floor_to(request->to_ms, step_ms),
                                  .from_ms = request->from_ms,
                                  .to_ms = request->to_ms};
}

const char *interval_text(int64_t ms, char *out, size_t size)
{
    static const struct {
        int64_t ms;
        const char *unit;
    } units[] = {{MS_PER_YEAR, "y"},   {MS_PER_DAY, "d"}, {MS_PER_HOUR, "h"},
                 {MS_PER_MINUTE, "m"}, {MS_PER_S, "s"},   {1, "ms"}};
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (ms >= units[i].ms) {
            (void)snprintf(out, size, "%" PRId64 "%s", ms / units[i].ms, units[i].unit);
            return out;
        }
    }
    (void)text_copy(out, size, "1ms");
    return out;
}

/* Whole seconds and a fraction without trailing zeros. */
static void seconds_text(int64_t ms, char *out, size_t size)
{
    int len = snprintf(out, size, "%" PRId64, ms / MS_PER_S);
    if (ms % MS_PER_S != 0 && len > 0 && (size_t)len < size) {
        int digits = 3;
        int64_t fraction = ms % MS_PER_S;
        for (; fraction % 10 == 0; fraction /= 10) {
            digits--;
        }
        (void)snprintf(out + len, size - (size_t)len, ".%0*" PRId64, digits, fraction);
    }
}

const char *interval_go_text(int64_t ms, char *out, size_t size)
{
    char seconds[48];
    if (ms < MS_PER_S) {
        (void)snprintf(out, size, "%" PRId64 "%s", ms, ms == 0 ? "s" : "ms");
        return out;
    }
    seconds_text(ms % MS_PER_MINUTE, seconds, sizeof seconds);
    if (ms >= MS_PER_HOUR) {
        (void)snprintf(out, size, "%" PRId64 "h%" PRId64 "m%ss", ms / MS_PER_HOUR,
                       ms % MS_PER_HOUR / MS_PER_MINUTE, seconds);
    } else if (ms >= MS_PER_MINUTE) {
        (void)snprintf(out, size, "%" PRId64 "m%ss", ms / MS_PER_MINUTE, seconds);
    } else {
        (void)snprintf(out, size, "%ss", seconds);
    }
    return out;
}

bool interval_read_ms(const char *text, int64_t *out_ms)
{
    static const struct {
        const char *unit;
        int64_t ms;
    } units[] = {
        {"ms", 1},         {"s", MS_PER_S},       {"m", MS_PER_MINUTE},      {"h", MS_PER_HOUR},
        {"d", MS_PER_DAY}, {"w", 7 * MS_PER_DAY}, {"M", 2629800 * MS_PER_S}, {"y", MS_PER_YEAR}};
    char digits[16];
    int64_t count;
    text += *text == '>';
    size_t len = strspn(text, "0123456789");
    if (len == 0 || len >= sizeof digits) {
        return false;
    }
    memcpy(digits, text, len);
    digits[len] = '\0';
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (strcmp(text + len, units[i].unit) == 0) {
            return text_to_i64(digits, &count) &&
                   !__builtin_mul_overflow(count, units[i].ms, out_ms) &&
                   *out_ms <= INT64_MAX / NS_PER_MS;
        }
    }
    return false;
}

const char *interval_write_ms(int64_t ms, char *out, size_t size)
{
    static const struct {
        int64_t ms;
        const char *unit;
    } units[] = {{MS_PER_DAY, "d"}, {MS_PER_HOUR, "h"}, {MS_PER_MINUTE, "m"}, {MS_PER_S, "s"}};
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (ms > 0 && ms % units[i].ms == 0) {
            (void)snprintf(out, size, "%" PRId64 "%s", ms / units[i].ms, units[i].unit);
            return out;
        }
    }
    (void)snprintf(out, size, "%" PRId64 "ms", ms);
    return out;
}
