/*
 * Numbers as Grafana shows them (@grafana/data valueFormats and getDisplayProcessor): unit,
 * decimals, prefix and suffix. English, as with the browser's locale en-US.
 */
#ifndef OBSERVE_UNITS_H
#define OBSERVE_UNITS_H

#include <stdbool.h>
#include <stddef.h>

#define UNITS_DECIMALS_AUTO (-1)

struct units_value {
    char prefix[16], text[64], suffix[48]; /* shown one behind the other */
};

/* Whether Grafana has a unit of that id, and it is implemented here ("" is none). Custom units
 * ("suffix:x", "prefix:x", "si:B", "count:x", "currency:x") are known, too. */
bool units_known(const char *unit);
/* decimals UNITS_DECIMALS_AUTO = as many as the value needs. An unknown unit is a suffix. */
void units_format(const char *unit, double value, int decimals, struct units_value *out);
/* The three parts together. */
const char *units_text(const char *unit, double value, int decimals, char *out, size_t size);

#endif
