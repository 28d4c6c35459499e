/*
 * What the selftest plays: made-up people against the stub server in the same process, on the
 * loopback, and what came of it on both sides. Main thread only.
 */
#ifndef COMMAND_SELFTEST_WORLD_H
#define COMMAND_SELFTEST_WORLD_H

#include "base/error.h"
#include "load/engine.h"
#include "load/stub_server.h"
#include "movielens/dataset.h"
#include "population/population.h"

#include <stdbool.h>
#include <stdint.h>

struct selftest_world { /* a zeroed one is a valid empty one; a full one stays where it is */
    struct dataset data;
    struct population *population;
    struct drift drift;  /* none */
    int64_t *seen_start; /* [people + 1], nobody has seen anything */
    int32_t *film;       /* ids, the most often rated film first */
    int32_t people;
};

#define SELFTEST_PEOPLE 20000

/* Ids of all films, the most often rated first: the stub server proposes early ones more often, so
 * that people find what they like. Free with mem_free. */
int32_t *selftest_films(const struct dataset *data);

/* Of built-in synthetic data. */
enum err selftest_world_make(uint64_t seed, int32_t people, struct selftest_world *out,
                             struct error *error) __attribute__((warn_unused_result));
void selftest_world_deinit(struct selftest_world *world);

struct selftest_play {
    const char *transport; /* as for transport_pick */
    /* The films are filled in; a stall's times are drill time. */
    struct stub_config stub;
    uint64_t seed;
    unsigned threads;
    int connections;  /* a thread */
    int closed_users; /* 0 = open arrivals */
    double steps_per_s, steps_per_visit, think_median_s;
    int64_t duration_ns;
    long timeout_ms;
    bool lists_only;
};

struct selftest_outcome {
    struct engine_result result;
    struct stub_counts server; /* when everything was over */
    struct arrivals_config arrivals;
    double wall_s;
    double others_cpus; /* processors that other programs kept busy meanwhile; -1 = unknown */
    bool interrupted;
    const char *transport; /* the name of the one taken */
};

/* *out is the caller's after ERR_OK: selftest_outcome_deinit. */
enum err selftest_play(const struct selftest_world *world, const struct selftest_play *play,
                       struct selftest_outcome *out, struct error *error)
    __attribute__((warn_unused_result));
void selftest_outcome_deinit(struct selftest_outcome *outcome);

/* How late the q-quantile of all requests would be answered if the server answered at once except
 * in the stall, from the schedule alone: the truth that a corrected histogram must tell. */
int64_t selftest_stalled_quantile_ns(const struct arrivals_config *arrivals, int64_t stall_from_ns,
                                     int64_t stall_to_ns, double q);

#endif
