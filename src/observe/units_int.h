/* Shared by units.c, units_number.c, units_time.c and units_table.c only. */
#ifndef OBSERVE_UNITS_INT_H
#define OBSERVE_UNITS_INT_H

#include "observe/units.h"

enum unit_kind {
    UNIT_FIXED, /* the number and a word */
    UNIT_FIXED_BEFORE,
    UNIT_SHORT,
    UNIT_SI,
    UNIT_BINARY,
    UNIT_COUNT,
    UNIT_PSI,
    UNIT_CURRENCY,
    UNIT_CURRENCY_BEHIND,
    UNIT_PERCENT,
    UNIT_PERCENT_UNIT,
    UNIT_SCI,
    UNIT_LOCALE,
    UNIT_BOOL, /* "True/False" */
    UNIT_NS,
    UNIT_US,
    UNIT_MS,
    UNIT_S,
    UNIT_MINUTES,
    UNIT_HOURS,
    UNIT_DAYS,
    UNIT_DURATION_MS,
    UNIT_DURATION_S,
    UNIT_HMS,
    UNIT_DHMS,
    UNIT_TICKS,
    UNIT_CLOCK_MS,
    UNIT_CLOCK_S,
    UNIT_DATE_ISO,
    UNIT_DATE_US,
};

struct unit {
    const char *id;
    enum unit_kind kind;
    const char *text;
    int offset; /* power of the factor that the number is already given in */
};

const struct unit *unit_find(const char *id); /* of Grafana's list; NULL if it is not there */

/* Whether the kind is one of units_time.c, which then formats it. */
bool unit_is_time(enum unit_kind kind);
void unit_format_time(enum unit_kind kind, double value, int decimals, struct units_value *out);

/* JavaScript's String(number): the shortest digits that read back as the number. */
void unit_number_text(double value, char *out, size_t size);
/* Grafana's toFixed, decimals as in units_format. */
void unit_fixed_text(double value, int decimals, char *out, size_t size);
void unit_exponential_text(double value, int decimals, char *out, size_t size);
/* toLocaleString in en-US: groups of three digits, at most `decimals` (3 if automatic) behind the
 * point. */
void unit_locale_text(double value, int decimals, char *out, size_t size);

#endif
