/*
 * A scenario: phases, traffic, injections and expectations of one drill, read from YAML and checked
 * completely before anything starts (docs/SCENARIOS.md). Durations in the file are production time;
 * in memory they are drill time, that is, divided by time_scale. Rates are not divided. Constant
 * after reading.
 */
#ifndef DRILL_SCENARIO_H
#define DRILL_SCENARIO_H

#include "base/error.h"
#include "load/ledger.h"
#include "population/drift.h"

#include <stdbool.h>
#include <stdint.h>

#define SCENARIO_PHASES_MAX 16
#define SCENARIO_EXPECTATIONS_MAX 64

struct scenario_phase {
    char name[48];
    int64_t start_ns, duration_ns;
    bool retrains;                /* the later past is handed to the target at the phase's start */
    int32_t films_min, films_max; /* of that later past, a person */
    bool end_when_settled;        /* last phase only: may end once every expectation is decided */
};

enum scenario_expect {
    SCENARIO_FIRES,         /* alert fires within a bound after the start of a phase */
    SCENARIO_RESOLVES,      /* alert recovers within a bound after the start of a phase */
    SCENARIO_SILENT,        /* no alert of that name, or of a group, fires in phases */
    SCENARIO_NOTIFICATIONS, /* exactly the notifications that fires/resolves imply */
    SCENARIO_AGREES,        /* a recorded series equals the ledger at the end of phases */
    SCENARIO_LEVEL,         /* a quantity of the ledger, relative to that of another phase */
    SCENARIO_RECONCILES     /* ledger and target count the same */
};

enum scenario_quantity {
    SCENARIO_NO_QUANTITY,
    SCENARIO_CONVERSION,
    SCENARIO_RECIPROCAL_RANK,
    SCENARIO_MEAN_RATING
};

struct scenario_expectation {
    enum scenario_expect kind;
    char name[256];
    char alert[128];   /* fires, resolves, silent */
    char group[128];   /* silent: instead of alert */
    int phase;         /* fires, resolves, level */
    int64_t within_ns; /* fires, resolves */
    uint32_t phases;   /* silent, agrees: bit p set = judged in phase p */
    char record[160];  /* agrees */
    enum scenario_quantity quantity;
    double tolerance;   /* agrees: relative */
    int64_t window_ns;  /* agrees, level: averaged over, at the end of the phase; drill time */
    int rest_phase;     /* level: what it is relative to, as a whole */
    double least, most; /* level: bounds of the ratio; 0 and infinity are none */
    int index, line;    /* in the file's list, and in the file */
};

struct scenario {
    char path[512];
    char name[64];
    char summary[512];
    int64_t time_scale;
    int32_t people;
    double lists_per_s; /* offered steps per second, real time */
    double steps_per_visit;
    double think_median_s; /* drill time */
    double think_sigma;
    int64_t scrape_ns, evaluation_ns; /* production time, as rule rendering wants it */
    int phase_count;
    struct scenario_phase phase[SCENARIO_PHASES_MAX];
    int64_t end_ns; /* drill time at which the last phase ends at the latest */
    struct drift drift;
    int expectation_count;
    struct scenario_expectation expectation[SCENARIO_EXPECTATIONS_MAX];
};

/* Every fault goes to `faults` with file, line and path; ERR_INPUT if there was any. */
enum err scenario_read(const char *path, struct scenario *out, struct faults *faults,
                       struct error *error);
/* The same for a text; `name` stands for the file. */
enum err scenario_read_text(const char *name, const char *text, size_t len, struct scenario *out,
                            struct faults *faults, struct error *error);
int scenario_phase_index(const struct scenario *scenario, const char *name); /* -1 if absent */
/* Phase that drill time falls into; the last one at and after the end. */
int scenario_phase_at(const struct scenario *scenario, int64_t drill_ns);

/* "conversion", "reciprocal_rank", "mean_rating"; SCENARIO_NO_QUANTITY for anything else. */
enum scenario_quantity scenario_quantity_named(const char *name);
const char *scenario_quantity_name(enum scenario_quantity quantity);
/* The ledger's value, NaN without data, and its standard error with a design effect of 1.5 for
 * clustered visits. */
double scenario_truth(enum scenario_quantity quantity, const struct ledger_counts *counts);
double scenario_truth_error(enum scenario_quantity quantity, const struct ledger_counts *counts);

#endif
