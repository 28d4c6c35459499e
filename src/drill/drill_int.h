/*
 * Shared by drill.c, which holds the steps of a drill together, drill_prepare.c (people, target,
 * rules, stack), drill_forecast.c (what can be known before it begins) and drill_report.c (what is
 * written about it).
 */
#ifndef DRILL_DRILL_INT_H
#define DRILL_DRILL_INT_H

#include "base/http.h"
#include "base/metrics.h"
#include "drill/applicable.h"
#include "drill/bundled.h"
#include "drill/drill.h"
#include "drill/evidence.h"
#include "drill/floors.h"
#include "drill/judge.h"
#include "drill/model_cache.h"
#include "drill/own_metrics.h"
#include "drill/panels.h"
#include "drill/people.h"
#include "drill/play.h"
#include "drill/reconcile.h"
#include "drill/results.h"
#include "drill/scenario.h"
#include "drill/stack.h"
#include "drill/target_link.h"
#include "drill/watch_rules.h"
#include "load/traffic.h"
#include "population/effect.h"

/* In the result folder; removed when the drill ends. */
#define DRILL_SCRATCH ".data"
#define DRILL_LAST_METRICS DRILL_SCRATCH "/last-metrics.txt"

struct drill {
    const struct drill_config *config;
    struct scenario scenario; /* its drift is bound once the people are there */
    struct drift asleep;      /* the bound drift of a drill that plays without it */
    struct results *results;
    struct people people;
    struct effect_sample *sample; /* NULL until it is needed */
    struct arrivals_config arrivals;
    struct traffic traffic; /* what it borrows */
    struct model_cache model;
    struct bundled *bundled;
    const char *bundled_url;
    struct target_link
        *described; /* the target as described, before there are people; NULL: bundled */
    struct applicable applicable;
    struct target_link *link;
    char target_version[128];
    struct watch_rules rules;
    struct panel_boards boards;
    struct panel_book panels;
    struct own_metrics *own; /* NULL: nothing watches */
    struct stack *stack;     /* NULL: nothing watches */
    struct metrics_snapshot *metrics_before;
    struct play_result play;
    bool played;
    struct reconciliation reconciliation;
    struct evidence evidence;
    struct floors floors;
    struct judgement judgement;
    json_t *grafana; /* NULL: none was asked */
    int64_t started_wall_ns;
};

bool drill_calibrates(const struct drill *drill);
/* Does a stack watch it? */
bool drill_is_watched(const struct drill *drill);
/* Is the target the bundled recommender, started for the drill? */
bool drill_starts_target(const struct drill *drill);
/* Takes out of the scenario what a target that was not started for it cannot do. */
enum err drill_reduce(struct drill *drill, struct error *error);
/* Opens the target, whose address is known by now, for the people there are. */
enum err drill_open_link(struct drill *drill, struct error *error);
/* "folder/name" */
void drill_path(const struct drill *drill, const char *name, char *out, size_t size);
/* The phase whose people are at rest: the last one before any injection begins; -1 if none is. */
int drill_control_phase(const struct scenario *scenario);
/* The phase after which the drill ends. */
int drill_last_phase(const struct drill *drill);

/* People, their past, target, rules and stack, in this order. */
enum err drill_prepare(struct drill *drill, struct error *error);
/* Reads the dashboards: as they stand, to see that expectations name panels there are, or rendered
 * into the result folder to be looked at. */
enum err drill_check_panels(const struct drill *drill, struct error *error);
enum err drill_read_boards(const struct drill *drill, struct panel_boards *out,
                           struct error *error);
enum err drill_load_boards(struct drill *drill, struct error *error);
/* Looks at every panel, while Prometheus answers. */
void drill_collect_panels(struct drill *drill);
/* Asks the Grafana of an external stack, if there is one, and adds its rows to the judgement. */
void drill_ask_grafana(struct drill *drill);
/* The sample on which sizes of a scenario's injections are measured; its drift must be bound. */
struct effect_config drill_effect_config(const struct scenario *scenario);
/* Tells what the injections are worth and what the drill will probably show, by the rules chosen.
 * What it will probably not show is a warning, or, of a strict drill, ERR_INPUT. */
enum err drill_foresee(struct drill *drill, struct error *error);
/* Was the load generator fit to measure? Otherwise the judgement is invalid. */
void drill_check_generator(struct drill *drill);
void drill_reconcile(struct drill *drill);
/* verdict.json, junit.xml, ledger.jsonl and the table on stdout. */
enum err drill_report(struct drill *drill, struct error *error);
/* The objectives that the control phase comes to. */
enum err drill_write_calibration(struct drill *drill, struct error *error);

#endif
