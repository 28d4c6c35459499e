/*
 * The people of a drill: the data they come from, the fitted population, their past (and later
 * past) as cached folders, and who has seen what. Main thread only.
 */
#ifndef DRILL_PEOPLE_H
#define DRILL_PEOPLE_H

#include "base/error.h"
#include "drill/scenario.h"
#include "movielens/dataset.h"
#include "population/population.h"

#include <stdbool.h>
#include <stdint.h>

struct people_request {      /* borrowed */
    const char *data, *home; /* as dataset_find wants them */
    const char *cache_root;  /* NULL = default place */
    const char *past_folder; /* that a target sees, too (past_shared.h); NULL = in the cache */
    const struct scenario *scenario;
    uint64_t seed;
    bool (*interrupted)(int64_t timeout_ns); /* asked between steps; NULL = nobody interrupts */
};

struct people {
    struct dataset data;
    char data_name[160]; /* folder name, or that the data are synthetic */
    struct population *population;
    char past_folder[600];
    char later_folder[600]; /* "" if no phase retrains */
    bool past_shared;       /* they are somebody else's, too: what is read must be checked */
    int64_t *seen_start;    /* [people + 1] */
    int32_t *seen_item;     /* rising within a person */
};

/* Loads the data (or makes the synthetic ones, and says so) and fits the people. Says on stderr
 * what it does. */
enum err people_prepare(const struct people_request *request, struct people *out,
                        struct error *error);
/* Writes or finds their past without the films that the bound drift withholds, and, if a phase
 * retrains and `later` is true, their later past under the drift. */
enum err people_write_pasts(const struct people_request *request, const struct drift *drift,
                            bool later, struct people *people, struct error *error);
/* Loads data only: *out needs people_deinit. The name says plainly when they are synthetic. */
enum err people_load_data(const char *data, const char *home, struct people *out,
                          struct error *error);
/* Reads back from the past, which was written under the drift, who has seen which film. */
enum err people_read_seen(struct people *people, const struct drift *drift, struct error *error);
void people_deinit(struct people *people); /* a zeroed struct is a valid empty one */

#endif
