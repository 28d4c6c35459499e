/*
 * The worlds of the sign rehearsal: what a scrape of a recommender and of its simulator adds at
 * rest, and in each of several ways of being worse. Pure.
 */
#ifndef DRILL_SIGN_WORLDS_H
#define DRILL_SIGN_WORLDS_H

#include "drill/scenario.h"
#include "observe/rule_engine.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIGN_SCRAPE_MS INT64_C(15000)
#define SIGN_STARS 5
#define SIGN_SERIES_MAX 200
#define SIGN_READS_MAX 12

struct sign_people {
    double rated;             /* ratings per list */
    double stars[SIGN_STARS]; /* shares of the ratings */
    /* 0 at rest: */
    double deeper;       /* share of the ratings that go to the last place instead of any */
    double of_popular;   /* share of all places that one source takes from another */
    double new_people;   /* further share of lists for people without history */
    double unattributed; /* ratings of films not shown, per list */
    double failed, slow; /* further shares of the requests */
    bool simulator_unfit, service_in_trouble;
};

struct sign_world {
    const char *name; /* "who choose elsewhere" */
    struct sign_people people;
    bool makes_worse[SCENARIO_RATING_PSI + 1]; /* by quantity, of panels whose title names one */
    const char
        *reads[SIGN_READS_MAX]; /* and of other panels by the series that their query reads */
};

struct sign_feed { /* zeroed but for engine and now_ms */
    struct rule_engine *engine;
    int64_t now_ms;
    size_t count;
    int id[SIGN_SERIES_MAX];
    double total[SIGN_SERIES_MAX];
    size_t at;      /* the series whose turn it is */
    size_t scrapes; /* so far */
};

extern const struct sign_people sign_people_at_rest;
const struct sign_world *sign_worlds(size_t *count);
/* One scrape of both targets at now_ms. */
void sign_scrape(struct sign_feed *feed, const struct sign_people *people);
/* Is a panel with this quantity (of its title) and query known to be worse in the world? */
bool sign_world_is_worse(const struct sign_world *world, enum scenario_quantity quantity,
                         const char *query);

#endif
