/* Units of time: each picks a larger unit as the number grows, and its word has a plural. */
#include "base/text.h"
#include "observe/units_int.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* Below `below` (in the unit itself) the number is divided and named so. */
struct scale {
    double below, divisor;
    const char *name;
    bool plain; /* never plural: the unit the number is given in */
};

static const struct scale ns_scales[] = {{1e3, 1, "ns", true},
                                         {1e6, 1e3, "µs", false},
                                         {1e9, 1e6, "ms", false},
                                         {6e10, 1e9, "s", false},
                                         {36e11, 6e10, "min", false},
                                         {864e11, 36e11, "hour", false},
                                         {INFINITY, 864e11, "day", false}};
static const struct scale us_scales[] = {
    {1e3, 1, "µs", true}, {1e6, 1e3, "ms", false}, {INFINITY, 1e6, "s", false}};
static const struct scale ms_scales[] = {
    {1e3, 1, "ms", true},           {6e4, 1e3, "s", false},
    {36e5, 6e4, "min", false},      {864e5, 36e5, "hour", false},
    {31536e6, 864e5, "day", false}, {INFINITY, 31536e6, "year", false}};
static const struct scale s_scales[] = {{60, 1, "s", true},
                                        {3600, 60, "min", false},
                                        {86400, 3600, "hour", false},
                                        {604800, 86400, "day", false},
                                        {31536e3, 604800, "week", false},
                                        {INFINITY, 31556900, "year", false}};
static const struct scale minute_scales[] = {{60, 1, "min", true},
                                             {1440, 60, "hour", false},
                                             {10080, 1440, "day", false},
                                             {604800, 10080, "week", false},
                                             {INFINITY, 525948, "year", false}};
static const struct scale hour_scales[] = {{24, 1, "hour", true},
                                           {168, 24, "day", false},
                                           {8760, 168, "week", false},
                                           {INFINITY, 8760, "year", false}};
static const struct scale day_scales[] = {
    {7, 1, "day", false}, {365, 7, "week", false}, {INFINITY, 365, "year", false}};

static void named(double value, int decimals, const char *name, bool plain, struct units_value *out)
{
    static const char *const countable[] = {"min", "hour", "day", "week", "year"};
    bool plural = false;
    for (size_t i = 0; i < sizeof countable / sizeof countable[0]; i++) {
        plural = plural || (!plain && fabs(value) > 1 && strcmp(name, countable[i]) == 0);
    }
    unit_fixed_text(value, decimals, out->text, sizeof out->text);
    (void)snprintf(out->suffix, sizeof out->suffix, " %s%s", name, plural ? "s" : "");
}

/* The last scale also takes what no comparison holds for. */
static void scaled(const struct scale *scale, double value, int decimals, struct units_value *out)
{
    while (!(fabs(value) < scale->below) && !isinf(scale->below)) {
        scale++;
    }
    named(value / scale->divisor, decimals, scale->name, scale->plain, out);
}

static void seconds(double value, int decimals, struct units_value *out)
{
    double size = fabs(value);
    if (value == 0) {
        (void)text_copy(out->text, sizeof out->text, "0");
        (void)text_copy(out->suffix, sizeof out->suffix, " s");
    } else if (size < 1e-6) {
        named(value * 1e9, decimals, "ns", false, out);
    } else if (size < 1e-3) {
        named(value * 1e6, decimals, "µs", false, out);
    } else if (size < 1) {
        named(value * 1e3, decimals, "ms", false, out);
    } else {
        scaled(s_scales, value, decimals, out);
    }
}

/* "1 hour, 2 minutes": as many units as there are decimals, and one more. */
static void duration(double value, int decimals, bool in_ms, struct units_value *out)
{
    static const struct {
        const char *name;
        double ms;
    } units[] = {{"year", 31536e6}, {"month", 2592e6}, {"week", 6048e5}, {"day", 864e5},
                 {"hour", 36e5},    {"minute", 6e4},   {"second", 1e3},  {"millisecond", 1}};
    double rest = fabs(value) * (in_ms ? 1 : 1e3);
    size_t len = 0;
    int left = decimals < 0 ? 0 : decimals;
    if (value == 0) {
        (void)text_copy(out->text, sizeof out->text, "0");
        (void)text_copy(out->suffix, sizeof out->suffix, in_ms ? " milliseconds" : " seconds");
        return;
    }
    for (size_t i = 0; i < sizeof units / sizeof units[0] && left >= 0; i++) {
        double count = floor(rest / units[i].ms);
        if (count < 1 && len == 0) {
            continue;
        }
        char number[32];
        unit_number_text(count, number, sizeof number);
        int wrote = snprintf(out->text + len, sizeof out->text - len, "%s%s %s%s",
                             len > 0 ? ", " : "", number, units[i].name, count == 1 ? "" : "s");
        len += wrote > 0 && (size_t)wrote < sizeof out->text - len ? (size_t)wrote : 0;
        rest = fmod(rest, units[i].ms);
        left--;
    }
    (void)text_copy(out->suffix, sizeof out->suffix, value < 0 ? " ago" : "");
}

static void hours_minutes_seconds(double value, bool days, struct units_value *out)
{
    char day_text[32] = "";
    double rest = fabs(value);
    if (days && rest >= 86400) {
        (void)snprintf(day_text, sizeof day_text, "%.0f d ", floor(rest / 86400));
        rest -= floor(rest / 86400) * 86400;
    }
    (void)snprintf(out->text, sizeof out->text, "%s%02.0f:%02.0f:%02.0f", day_text,
                   floor(rest / 3600), floor(fmod(rest, 3600) / 60),
                   floor(fmod(fmod(rest, 3600), 60)));
    (void)text_copy(out->suffix, sizeof out->suffix, value < 0 ? " ago" : "");
}

/* A clock of "h m s ms"; decimals 0, 1 and 2 leave its end away. */
static void clock_text(double value, int decimals, struct units_value *out)
{
    int64_t ms = fabs(value) < 9e15 ? (int64_t)value : 0;
    int64_t in_second = ((ms % 1000) + 1000) % 1000;
    int64_t second = ms / 1000 % 60;
    int64_t minute = ms / 60000 % 60;
    char text[40];
    static const int all = 3;
    int shown = decimals < 0 || decimals > all ? all : decimals;
    if (value < 1e3) {
        (void)snprintf(out->text, sizeof out->text, "%03" PRId64 "ms", in_second);
        return;
    }
    if (value < 6e4) {
        (void)snprintf(text, sizeof text, "%02" PRId64 "s:%03" PRId64 "ms", second, in_second);
        text[shown == 0 ? 3 : strlen(text)] = '\0';
        (void)text_copy(out->text, sizeof out->text, text);
        return;
    }
    bool hours = value >= 36e5;
    (void)snprintf(text, sizeof text, "%02" PRId64 "m:%02" PRId64 "s:%03" PRId64 "ms", minute,
                   second, in_second);
    int parts = shown == all ? all : hours ? shown : shown + 1; /* minutes, seconds, ms */
    text[parts >= all ? strlen(text) : parts == 2 ? 7 : parts == 1 ? 3 : 0] = '\0';
    if (hours) {
        (void)snprintf(out->text, sizeof out->text, "%" PRId64 "h%s%s", ms / 3600000,
                       text[0] != '\0' ? ":" : "", text);
    } else {
        (void)text_copy(out->text, sizeof out->text, text);
    }
}

/* Milliseconds since 1970, in UTC. */
static void date(double value, bool american, struct units_value *out)
{
    time_t when = (time_t)floor(value / 1e3);
    struct tm tm;
    if (!(fabs(value) < 8.64e15) || gmtime_r(&when, &tm) == NULL) {
        (void)text_copy(out->text, sizeof out->text, "Invalid date");
    } else if (american) {
        (void)snprintf(out->text, sizeof out->text, "%02d/%02d/%04d %d:%02d:%02d %s", tm.tm_mon + 1,
                       tm.tm_mday, tm.tm_year + 1900, (tm.tm_hour + 11) % 12 + 1, tm.tm_min,
                       tm.tm_sec, tm.tm_hour < 12 ? "am" : "pm");
    } else {
        (void)strftime(out->text, sizeof out->text, "%Y-%m-%d %H:%M:%S", &tm);
    }
}

bool unit_is_time(enum unit_kind kind)
{
    return kind >= UNIT_NS;
}

void unit_format_time(enum unit_kind kind, double value, int decimals, struct units_value *out)
{
    static const struct scale *const scales[] = {
        [UNIT_NS] = ns_scales,          [UNIT_US] = us_scales,      [UNIT_MS] = ms_scales,
        [UNIT_MINUTES] = minute_scales, [UNIT_HOURS] = hour_scales, [UNIT_DAYS] = day_scales};
    switch (kind) {
    case UNIT_S:
        seconds(value, decimals, out);
        break;
    case UNIT_TICKS:
        seconds(value / 100, decimals, out);
        break;
    case UNIT_DURATION_MS:
    case UNIT_DURATION_S:
        duration(value, decimals, kind == UNIT_DURATION_MS, out);
        break;
    case UNIT_HMS:
    case UNIT_DHMS:
        hours_minutes_seconds(value, kind == UNIT_DHMS, out);
        break;
    case UNIT_CLOCK_MS:
    case UNIT_CLOCK_S:
        clock_text(kind == UNIT_CLOCK_S ? value * 1e3 : value, decimals, out);
        break;
    case UNIT_DATE_ISO:
    case UNIT_DATE_US:
        date(value, kind == UNIT_DATE_US, out);
        break;
    default:
        scaled(scales[kind], value, decimals, out);
    }
}
