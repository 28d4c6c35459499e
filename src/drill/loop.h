/*
 * What `run --loop` decides: when the target retrains, when a loop is over, and who is played in
 * it. Pure: the caller tells the time and what it has heard.
 *
 * A loop walks a scenario's phases. The first phase that retrains begins when it is due, or at once
 * when an alert arrives after the first injection's onset (that is skipping ahead: what is left of
 * the phases before is not played). The last phase ends when it is due or, if it may end when
 * settled, once retraining is done and no alert has been firing for a while.
 */
#ifndef DRILL_LOOP_H
#define DRILL_LOOP_H

#include "drill/scenario.h"
#include "observe/webhook.h"
#include "population/drift.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loop_config { /* constant */
    const struct scenario *scenario;
    bool on_alert;       /* an alert brings retraining forward */
    int64_t cooldown_ns; /* real time between two retrainings that alerts ask for */
};

enum loop_cause { LOOP_SCHEDULE, LOOP_ALERT };

enum loop_act {
    LOOP_PLAY,    /* go on */
    LOOP_RETRAIN, /* hand over the later past now; loop->cause tells why */
    LOOP_OVER
};

struct loop {
    const struct loop_config *config;
    int64_t origin_ns; /* monotonic time of drill time 0, moved back when phases are skipped */
    bool asked, trained;
    enum loop_cause cause; /* of the last retraining asked for */
    int64_t asked_ns;      /* monotonic; of the last retraining that an alert asked for */
    int64_t quiet_ns;      /* monotonic; since when no alert fires, 0 = one does */
};

/* begun_ns: monotonic time of drill time 0. `former` is the loop before, or NULL: the cooldown goes
 * on from it. */
void loop_begin(struct loop *loop, const struct loop_config *config, const struct loop *former,
                int64_t begun_ns);
/* firing: how many alerts fire that retraining is to end (loop_firing). After LOOP_RETRAIN the
 * caller asks the target and calls loop_trained when that is over, however it went. */
enum loop_act loop_turn(struct loop *loop, int64_t mono_ns, int firing);
void loop_trained(struct loop *loop);
int64_t loop_drill_ns(const struct loop *loop, int64_t mono_ns);

/* Alerts that fire by the last notice of each, whichever loop it arrived in: one that goes on
 * firing is told only once. Those that count are the ones the scenario expects to fire; if it
 * expects none, all of severity ticket. */
int loop_firing(const struct scenario *scenario, const struct webhook_notice *notices,
                size_t count);

/* Every loop has people of its own: person p belongs to part p % parts. Parts are so large that a
 * loop asks for two lists a person. */
int32_t loop_parts(int32_t people, double lists_per_s, int64_t loop_ns);

/* When every part has been played, the first comes again, as what the loop made of it: with the
 * lasting changes of the people complete. They then change back. Shares what is bound with `drift`;
 * not to be freed. */
struct drift loop_drift_back(const struct drift *drift);

#endif
