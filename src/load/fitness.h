/*
 * Was the generator fit to measure, or did it fall behind its own schedule? A result of one that
 * did says nothing about the target. Pure.
 */
#ifndef LOAD_FITNESS_H
#define LOAD_FITNESS_H

#include "load/engine.h"

#include <stdbool.h>

/* Of the steps offered; but what was due in the last tenth of a second may be unsent at a stop. */
#define FITNESS_ACHIEVED_SHARE_MIN 0.99
/* In a closed loop a generator that is busy all the time sets the rate itself. Elsewhere it is a
 * doubt: what it is late for shows as lag. */
#define FITNESS_CPU_SHARE_MAX 0.9
#define FITNESS_CPU_SHARE_DOUBT 0.8
/* The generator's own lag, its 99th percentile against that of the latency from the intended start:
 * from these on it is what a reader has to know, or what was measured. */
#define FITNESS_LAG_S_DOUBT 0.001
#define FITNESS_LAG_PART_DOUBT 0.05
#define FITNESS_LAG_S_MAX 0.01
#define FITNESS_LAG_PART_MAX 0.5
/* Requests never sent, of those sent: more would move the last thousandth that reports show. */
#define FITNESS_UNSENT_DOUBT 0.001

struct fitness_question {
    double offered_per_s, achieved_per_s; /* steps; not looked at in a closed loop */
    bool closed;
};

struct fitness {
    bool fit;
    char why[256];   /* if not fit, for people; else "" */
    char doubt[768]; /* what a reader should know although it is fit; "" = nothing */
    /* The generator's own part of the lag, of all requests: without the wait for a connection. */
    double lag_p50_s, lag_p99_s, lag_max_s;
    double wait_p99_s;   /* for a connection, of all requests */
    double unread_p99_s; /* see ENGINE_PART_UNREAD */
    double intended_p99_s, send_p99_s;
    double late_share; /* of the requests: they waited for a connection */
    double cpu_share;  /* of the busiest thread */
};

void fitness_judge(const struct engine_result *result, const struct fitness_question *question,
                   struct fitness *out);

#endif
