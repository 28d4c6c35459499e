/* What differs between a Grafana and what it should hold or show: a list that keeps the first ones
 * and counts all. */
#ifndef DRILL_GRAFANA_FINDINGS_H
#define DRILL_GRAFANA_FINDINGS_H

#include <stddef.h>

#define GRAFANA_FINDINGS_MAX 40

struct grafana_findings {
    size_t compared; /* panels, dashboards or rules */
    size_t count;    /* of differences; no more than there is room for are kept */
    struct {
        char about[192]; /* "main/Conversion" */
        char text[240];
    } finding[GRAFANA_FINDINGS_MAX];
    char unasked[240]; /* not "": it could not be found out, and why */
};

void grafana_findings_add(struct grafana_findings *findings, const char *about, const char *format,
                          ...) __attribute__((format(printf, 3, 4)));

#endif
