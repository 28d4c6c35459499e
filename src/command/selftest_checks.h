/*
 * What the selftest looks at, one function each: plays, compares what the generator says with what
 * is known from elsewhere, and fills a row. Main thread only.
 */
#ifndef COMMAND_SELFTEST_CHECKS_H
#define COMMAND_SELFTEST_CHECKS_H

#include "base/error.h"
#include "command/selftest_world.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum selftest_verdict {
    SELFTEST_PASS,
    SELFTEST_FAIL,
    SELFTEST_UNTOLD /* not as wanted, but other programs kept the processors busy meanwhile */
};

struct selftest_row {
    const char *what; /* static */
    char wanted[96];
    char observed[224];
    enum selftest_verdict verdict;
    json_t *figures; /* an object: the numbers behind the sentence; the caller's */
};

struct selftest {
    struct selftest_world world;
    const char *transport; /* as asked for */
    uint64_t seed;
    int64_t duration_ns; /* of each of the longer measurements */
    unsigned threads;
    int connections;             /* a thread */
    double requests_per_cpu_s;   /* below which the generator is too slow */
    const char *transport_taken; /* the one that was really used; NULL before the first play */
    double steps_per_s;          /* the greatest rate, once measured */
};

/* `wrong`: something that no other program can bring about was seen. `off`: something that one can
 * was not as wanted; `others`: one may have. */
enum selftest_verdict selftest_verdict_of(bool wrong, bool off, bool others);

/* The error is one of carrying out; a check that fails is ERR_OK and a row. */
typedef enum err selftest_check(struct selftest *self, struct selftest_row *row,
                                struct error *error);

selftest_check selftest_histogram; /* quantiles against a sorted list, merged and through text */
selftest_check selftest_delay;     /* a service time that is known is the latency told */
selftest_check selftest_omission;  /* a server frozen for half the run cannot hide it */
selftest_check selftest_faults;    /* every request that met a fault is counted as that fault */
selftest_check selftest_speed;     /* requests a second of processor time */
selftest_check selftest_pacing;    /* lag of the sends at half of the greatest rate; after speed */

#endif
