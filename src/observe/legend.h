/*
 * Names of series as Grafana's legends show them: the target's legend format, or labels.
 */
#ifndef OBSERVE_LEGEND_H
#define OBSERVE_LEGEND_H

#include <jansson.h>
#include <stddef.h>

#define LEGEND_AUTO "__auto"

/* {{label}} replaced by the label's value ("" if the series has none). No format: the whole series,
 * name{label="value"}, or the expression if it has neither. LEGEND_AUTO leaves "": the name then
 * depends on all series of the panel, see legend_auto. */
void legend_format(const char *format, const char *expr, const json_t *labels, char *out,
                   size_t size);
/* Name of series `index` among `count`: the value of the one label that all have and nothing else,
 * or all of its labels. */
void legend_auto(const json_t *const *labels, size_t count, size_t index, char *out, size_t size);

#endif
