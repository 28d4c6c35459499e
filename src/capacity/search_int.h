/* Shared by search.c (which rates are tried), search_level.c (one of them) and search_end.c (what
 * it all came to). */
#ifndef CAPACITY_SEARCH_INT_H
#define CAPACITY_SEARCH_INT_H

#include "capacity/search.h"

#define SEARCH_ENDED SIZE_MAX
#define SEARCH_LEVELS_MAX 80 /* a search that has tried so many is over */

struct search {
    const struct capacity_config *config;
    struct capacity_result *result;
    struct error *error;
    enum err code; /* not OK: a trial ended the search */
    bool out_of_budget;
    double spent_s;
    double played_s;
    size_t level_capacity;
    uint64_t runs;     /* so far: makes each one's seed */
    double low, high;  /* highest pass, lowest fail; 0 and INFINITY at first */
    double barrier;    /* lowest rate that was invalid however often tried; INFINITY */
    double growing;    /* lowest that kept the promise so far, but its queue grew; INFINITY */
    double reached;    /* most that the ladder showed; 0 = no ladder */
    double alpha_side; /* error allowed on each side of the interval, the reference's taken off */
    /* So many standard errors may the expected hit rate be off: one reference serves all trials, so
     * that its error is paid for once. 0 = no objective needs it. */
    double reference_errors;
};

/* What is to be played at one level. */
struct search_wish {
    enum capacity_stage stage;
    enum capacity_trial_kind kind;
    double rate_per_s;
    int users;
    double warmup_s, first_s, longest_s, block_s;
    double prior_effect;           /* see sequential.h */
    double alpha_pass, alpha_fail; /* error allowed of each verdict; the latter of any objective */
};

/* Plays until decided or as long as allowed; the new level's index, or SEARCH_ENDED if nothing at
 * all was played because of an error or the budget. */
size_t search_level(struct search *search, const struct search_wish *wish);

/* Fills what follows from the levels: outcome, estimate, knee, the wanted rate's verdict, note. */
void search_end(struct search *search);

#endif
