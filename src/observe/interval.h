/*
 * Grafana's time arithmetic for Prometheus panels: from a time range and a width in points to the
 * step of the range query and the values of $__interval, $__rate_interval and $__range. Two
 * programs take part, with slightly different rounding: the browser (@grafana/data rangeUtil)
 * chooses the interval of the request, the server (pkg/promlib) the step. Pure functions.
 */
#ifndef OBSERVE_INTERVAL_H
#define OBSERVE_INTERVAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INTERVAL_DATASOURCE_MS                                                                     \
    INT64_C(15000)          /* timeInterval of a data source that says nothing                     \
                             */
#define INTERVAL_POINTS 500 /* maxDataPoints of a panel without a width */

/* Grafana's rounding table, as the browser has it (rangeUtil.roundInterval). */
int64_t interval_round_ms(int64_t ms);
/* The same table as the server has it: bounds belong to the smaller interval (gtime). */
int64_t interval_round_server_ns(int64_t ns);

struct interval_request {
    int64_t from_ms, to_ms;    /* Unix; from < to */
    int64_t max_data_points;   /* 0 = INTERVAL_POINTS */
    int64_t panel_min_ms;      /* panel "interval", 0 = none */
    int64_t target_min_ms;     /* Min step, 0 = none */
    int64_t datasource_ms;     /* timeInterval; 0 = 15 s */
    bool min_step_is_rate;     /* Min step is $__rate_interval */
    bool min_step_is_interval; /* Min step is $__interval */
    int64_t interval_factor;   /* "Resolution" 1/n of old dashboards; 0 and 1 = all points */
};

struct interval_plan {
    int64_t interval_ms; /* of the request, chosen by the browser; the least the step can be */
    int64_t step_ms;     /* also $__interval */
    int64_t rate_interval_ms;
    int64_t range_s, range_ms;
    int64_t start_ms, end_ms; /* from and to, floored to multiples of the step */
    int64_t from_ms, to_ms;   /* as asked for; instant queries are asked at to_ms */
};

void interval_plan(const struct interval_request *request, struct interval_plan *out);

/* $__interval as text: the largest whole unit only, so that 90 s is "1m" (gtime.FormatInterval). */
const char *interval_text(int64_t ms, char *out, size_t size);
/* $__rate_interval as text, Go's spelling: "1m15s", "1m0s", "250ms", "1.5s". */
const char *interval_go_text(int64_t ms, char *out, size_t size);

/* A duration as panels have it: one number and one unit of ms s m h d w M y, perhaps behind '>'.
 * False for anything else, and for variables. */
bool interval_read_ms(const char *text, int64_t *out_ms);
/* The same spelling, one unit. */
const char *interval_write_ms(int64_t ms, char *out, size_t size);

#endif
