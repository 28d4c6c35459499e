/*
 * What a service promises, as a list of objectives read from a text like
 * "p99<50ms,errors<0.1%" and, for what the lists are worth, "hit_rate>0.3,fallback<5%". Each
 * objective is brought to one form: the share of bad observations stays below `allowed`.
 *
 *     p99<50ms            of all requests, 1 % at most take 50 ms or longer, or fail
 *     list.p99.9<200ms    of the requests for lists (rating.: of the ratings)
 *     errors<0.1%         of all requests (list.errors, rating.errors)
 *     hit_rate>0.3        of the lists, 30 % at least bring a rating of 3.0 or better
 *     hit_rate_kept>90%   the hit rate is at least 90 % of what the ledger expects
 *     fallback<5%         of the lists, made by a fallback source
 */
#ifndef CAPACITY_SLO_H
#define CAPACITY_SLO_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SLO_OBJECTIVES_MAX 8

enum slo_kind { SLO_LATENCY, SLO_ERRORS, SLO_HIT_RATE, SLO_HIT_RATE_KEPT, SLO_FALLBACK };
enum slo_endpoint { SLO_ANY, SLO_LIST, SLO_RATING };

struct slo_objective {
    enum slo_kind kind;
    enum slo_endpoint endpoint;
    double allowed;     /* share of bad ones, in (0,1); of SLO_HIT_RATE_KEPT see slo_allowed */
    double kept;        /* SLO_HIT_RATE_KEPT: the share of the expected hit rate */
    int64_t latency_ns; /* SLO_LATENCY: from here on a response is bad */
    char text[64];      /* as it was written */
};

struct slo {
    size_t count;
    struct slo_objective objective[SLO_OBJECTIVES_MAX];
};

/* Appends the objectives of `text` to *slo, which starts zeroed. All that is wrong goes into
 * `faults` with `where` (the option's name) at once; ERR_USAGE if anything was. slo_read takes
 * latency and errors, slo_read_quality the rest. */
enum err slo_read(const char *text, const char *where, struct slo *slo, struct faults *faults)
    __attribute__((warn_unused_result));
enum err slo_read_quality(const char *text, const char *where, struct slo *slo,
                          struct faults *faults) __attribute__((warn_unused_result));

/* Is it about the lists' worth rather than about answers? */
bool slo_is_quality(const struct slo_objective *objective);
/* The share of bad ones allowed, given the hit rate the ledger expects (NAN: unknown). NAN if it
 * cannot be said. */
double slo_allowed(const struct slo_objective *objective, double hit_rate_expected);

#endif
