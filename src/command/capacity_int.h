/* Shared by capacity.c (a search from its start to its report), capacity_options.c (what it was
 * asked for) and capacity_frame.c (what comes before the search and after it). */
#ifndef COMMAND_CAPACITY_INT_H
#define COMMAND_CAPACITY_INT_H

#include "base/error.h"
#include "base/option.h"
#include "capacity/search.h"
#include "command/capacity_proof.h"
#include "command/capacity_status.h"
#include "command/capacity_trial.h"
#include "drill/people.h"
#include "load/seen.h"

#include <stdbool.h>
#include <stdint.h>

struct capacity { /* everything a search holds */
    const char *target_text;
    struct people people;
    struct engine_seen seen;
    struct target *target;
    struct capacity_stand stand;
    struct capacity_config config;
    struct capacity_result result;
    int64_t started_unix_s;
    struct capacity_status status;
    /* The generator alone, against the server built in: before the search, and, if it was not fit
     * or more was offered, at the highest rate offered. */
    struct capacity_proof proof[2];
    int proofs;
};

extern const struct option_row capacity_options[];

/* Reads what needs neither people nor target: promises, times, connections. */
enum err capacity_read_options(const struct options *options, struct capacity *capacity,
                               struct error *error) __attribute__((warn_unused_result));
double capacity_option_s(const struct options *options, const char *name);

bool capacity_promises(const struct slo *slo, enum slo_kind kind);
void capacity_note(struct capacity_result *result, const char *text); /* adds to the note */
/* Plays the reference and tells of it. ERR_INVALID if the target gives no list, or if hit_rate_kept
 * is promised and what was learned cannot say what to keep. */
enum err capacity_reference(const struct options *options, struct capacity *capacity,
                            struct error *error) __attribute__((warn_unused_result));
enum err capacity_prove_first(const struct options *options, struct capacity *capacity,
                              struct error *error) __attribute__((warn_unused_result));
/* Unless the generator was proved at every rate that was judged: proves it at the highest, if the
 * budget has room; a note says if not. What it could not do at another rate is forgotten then. The
 * time is added to the result's spent_s. */
enum err capacity_prove_again(const struct options *options, struct capacity *capacity,
                              struct error *error) __attribute__((warn_unused_result));

#endif
