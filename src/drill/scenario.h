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
#define SCENARIO_EXPECTATIONS_LISTED_MAX 64                              /* in a file */
#define SCENARIO_EXPECTATIONS_MAX (2 * SCENARIO_EXPECTATIONS_LISTED_MAX) /* one may make two */
#define SCENARIO_DISTURBANCES_MAX 8
#define SCENARIO_FAULT_SIZE 512
#define SCENARIO_TARGET_SIZE 8192
#define SCENARIO_LIST_LENGTH 10 /* films that a drill asks for */

/* How visits arrive, who makes them, who joins and who leaves. Rates are real, never divided. */
enum scenario_arrivals {
    SCENARIO_POISSON,
    SCENARIO_CONSTANT,
    SCENARIO_DIURNAL, /* Poisson with MovieLens's hours of the week; mean lists_per_s */
    SCENARIO_REPLAY,  /* the data's own time stamps, compressed to lists_per_s */
    SCENARIO_RECORDED /* visits of a recorded file */
};

struct scenario_traffic {
    enum scenario_arrivals arrivals;
    char file[512];     /* recorded: relative to the scenario's folder unless absolute; else "" */
    bool by_activity;   /* people come as often as they have rated; else all alike */
    int64_t day_ns;     /* diurnal: how long a day lasts, drill time */
    int32_t start_hour; /* diurnal: hour of the week the drill starts in, 0 = Monday 0:00 UTC */
    double joins_per_s; /* newcomers who come for the first time; 0 = they are people like others */
    int32_t leave_after;      /* lists in a row without a film taken; 0 = nobody leaves */
    double leave_probability; /* for good, at each such list from then on */
};

/* In a list; what is not said is what population_defaults says. */
struct scenario_behaviour {
    bool cascade;         /* looks from the top and may stop; else every rank by itself */
    double cascade_stop;  /* P(stop after a film looked at and not taken), .15 unless given */
    double abandon_share; /* of lists left without a look */
    double rating_share;  /* of films watched that are rated, 1 unless given */
};

/* Something that happens to target or Prometheus while people stay as they are. */
enum scenario_disturb {
    SCENARIO_RESTART_TARGET,   /* ended and started again; counters begin at 0 */
    SCENARIO_STALL_PROMETHEUS, /* stopped and continued */
    SCENARIO_TARGET_FAULT,     /* POST /admin/fault of the bundled recommender */
    SCENARIO_FAILED_RETRAIN    /* asked to retrain on a folder that is not there */
};

struct scenario_disturbance {
    enum scenario_disturb kind;
    int64_t at_ns, lasts_ns;         /* drill time; lasts 0 = a restart without a pause */
    char fault[SCENARIO_FAULT_SIZE]; /* the body as JSON, without duration_s; "" if no fault */
    int line;                        /* in the file */
};

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
    SCENARIO_RECONCILES,    /* ledger and target count the same */
    SCENARIO_UNNOTIFIED,    /* no notification of an alert, or of a group's alerts, arrives in
                               phases; an inhibited one is none */
    SCENARIO_MOVES,         /* a quantity of the ledger less that of another phase, in its unit */
    SCENARIO_DELAY_FLOOR, /* made of `within_floors` of a fires, beside it: the alert's delay is at
                             most `floors` times the floor of what the target exports */
    SCENARIO_PANEL        /* what a panel of a dashboard shows at a moment of a phase */
};

enum scenario_quantity {
    SCENARIO_NO_QUANTITY,
    SCENARIO_CONVERSION,
    SCENARIO_RECIPROCAL_RANK,
    SCENARIO_MEAN_RATING,
    SCENARIO_RATING_PSI /* PSI of the five whole-star shares; larger is worse. Needs shares to
                           compare with, so scenario_truth does not know it */
};

enum scenario_panel_ask {
    SCENARIO_PANEL_SHOWS,  /* a value between `least` and `most` */
    SCENARIO_PANEL_COLOUR, /* its colour is `colour` */
    SCENARIO_PANEL_MOVES,  /* its value lies `way` of that in `rest_phase`, at least `by` off */
    SCENARIO_PANEL_HAS_DATA,
    SCENARIO_PANEL_AGREES /* its value is that of `quantity` over the last window_ns, by
                             `tolerance` */
};

enum scenario_panel_way {
    SCENARIO_PANEL_WORSE, /* as the panel declares it */
    SCENARIO_PANEL_BETTER,
    SCENARIO_PANEL_UP,
    SCENARIO_PANEL_DOWN,
    SCENARIO_PANEL_STAYS /* less than `by` off */
};

#define SCENARIO_PANEL_LOOKS_MAX 8
/* Production time that a panel is looked at over unless told otherwise: the windows of the shipped
 * rules. */
#define SCENARIO_PANEL_RANGE_NS (INT64_C(900) * 1000000000)

struct scenario_panel {
    char name[192]; /* "main/Conversion": dashboard and title */
    enum scenario_panel_ask ask;
    enum scenario_panel_way way;
    char colour[32];
    char series[128]; /* legend of the one that is judged; "" = each */
    bool has_data;
    double by;
    int64_t after_ns; /* after the start of the phase, drill time; -1 = at its end */
    int64_t range_ns; /* drill time that the panel is looked at over */
    /* Where the same must hold, and the value differ by no more than `steady`, relative. */
    int width_count, range_count;
    int width_px[SCENARIO_PANEL_LOOKS_MAX];
    int64_t ranges_ns[SCENARIO_PANEL_LOOKS_MAX]; /* drill time */
    double steady;
};

struct scenario_expectation {
    enum scenario_expect kind;
    char name[256];
    char alert[128];   /* fires, resolves, silent, unnotified, delay floor */
    char group[128];   /* silent, unnotified: instead of alert */
    int phase;         /* fires, resolves, level, moves, delay floor */
    int64_t within_ns; /* fires, resolves, delay floor */
    double floors;     /* delay floor: the most it may be */
    uint32_t phases;   /* silent, unnotified, agrees: bit p set = judged in phase p */
    char record[160];  /* agrees */
    enum scenario_quantity quantity;
    double tolerance; /* agrees: relative */
    int64_t
        window_ns;  /* agrees, level, moves: averaged over, at the end of the phase; drill time */
    int rest_phase; /* level, moves: what it is relative to, as a whole */
    double least, most;          /* level: bounds of the ratio; 0 and infinity are none.
                                    moves: bounds of the difference; infinities are none */
    struct scenario_panel panel; /* with phase, rest_phase, least, most, quantity ... above */
    int index, line;             /* of its entry in the file's list, and in the file */
};

struct scenario {
    char path[512];
    char name[64];
    char summary[512];
    char target[SCENARIO_TARGET_SIZE]; /* its `target:` as JSON, checked; "" = not said */
    bool decoy; /* drift alerts must stay silent, and rightly: judged with the truth */
    int64_t time_scale;
    int32_t people;
    int32_t newcomers;  /* the last ones of `people`, who have no past */
    double lists_per_s; /* offered steps per second, real time */
    double steps_per_visit;
    double think_median_s; /* drill time */
    double think_sigma;
    struct scenario_traffic traffic;
    struct scenario_behaviour behaviour;
    int64_t scrape_ns, evaluation_ns; /* production time, as rule rendering wants it */
    int phase_count;
    struct scenario_phase phase[SCENARIO_PHASES_MAX];
    int64_t end_ns;     /* drill time at which the last phase ends at the latest */
    struct drift drift; /* unbound */
    int disturbance_count;
    struct scenario_disturbance disturbance[SCENARIO_DISTURBANCES_MAX];
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

/* How far into the last phase every window that is judged at its end lies wholly inside it. */
int64_t scenario_judged_window_ns(const struct scenario *scenario);

/* "conversion", "reciprocal_rank", "mean_rating", "rating_psi"; SCENARIO_NO_QUANTITY for anything
 * else. */
enum scenario_quantity scenario_quantity_named(const char *name);
const char *scenario_quantity_name(enum scenario_quantity quantity);
/* Ratings and choices of one visit are alike: a design effect of 1.4 was measured, rounded up. */
#define SCENARIO_DESIGN_EFFECT 1.5
/* The ledger's value, NaN without data, and its standard error, with the design effect. */
double scenario_truth(enum scenario_quantity quantity, const struct ledger_counts *counts);
double scenario_truth_error(enum scenario_quantity quantity, const struct ledger_counts *counts);

#endif
