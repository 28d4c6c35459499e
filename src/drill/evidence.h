/*
 * What the time series database and the webhook say about a drill, fetched once after the run and
 * converted to drill time in seconds, so that judging is arithmetic over plain records.
 */
#ifndef DRILL_EVIDENCE_H
#define DRILL_EVIDENCE_H

#include "base/error.h"
#include "drill/scenario.h"
#include "observe/prometheus.h"
#include "observe/rules.h"
#include "observe/timeline.h"
#include "observe/webhook.h"

#include <stdbool.h>
#include <stddef.h>

#define EVIDENCE_WHOLE_STARS 5

enum evidence_resolve {
    EVIDENCE_NOT_RESOLVED,
    EVIDENCE_RECOVERED, /* the quantity is back, the target up, the sample large enough */
    EVIDENCE_VANISHED   /* the alert ended because its series did */
};

struct evidence_episode {
    double pending_s, firing_s, resolved_s; /* drill time; NaN = did not happen */
    enum evidence_resolve resolve;
    double notified_s, resolved_notified_s; /* arrival of the notifications; NaN = none */
};

struct evidence_alert {
    const struct rules_alert *rule; /* borrowed */
    double objective;               /* NaN if the rule names none or it is absent */
    size_t count;
    struct evidence_episode *episode;
    struct prometheus_series heartbeat; /* of its group; point times in drill seconds */
};

/* An alert of several series is notified when the first begins and when the last ends. */
struct evidence_notice {
    double received_s; /* drill time */
    char alert[128], severity[32];
    bool resolved;
};

#define EVIDENCE_RULE_ERRORS_MAX 8

/* A rule whose last evaluation failed: of it nothing could be seen. */
struct evidence_rule_error {
    char rule[128], text[160];
};

struct evidence {
    bool complete;      /* false: the database did not answer everything that was asked */
    size_t alert_count; /* all alerts of the rules, also those it did not answer for */
    struct evidence_alert *alert;
    struct prometheus_series scrapes;                           /* successful ones; drill time */
    struct prometheus_series record[SCENARIO_EXPECTATIONS_MAX]; /* of `agrees`; drill time */
    /* Of ratings at rest, by whole stars: what rating_psi is measured against. All 0 if there are
     * no records objective:user_rating_share. */
    double rating_share[EVIDENCE_WHOLE_STARS];
    int rule_error_count; /* at the end; no more than there is room for */
    struct evidence_rule_error rule_error[EVIDENCE_RULE_ERRORS_MAX];
    double evaluation_failures; /* over the whole life of Prometheus; 0 if it does not tell */
    size_t notice_count;
    struct evidence_notice *notice;
    size_t malformed_notices;
};

/* origin_unix_s: Unix time of drill time 0. end_s: drill time at which the drill ended. */
enum err evidence_collect(struct prometheus *prometheus, const struct rules *rules,
                          struct webhook *webhook, const struct scenario *scenario,
                          double origin_unix_s, double end_s, struct evidence *out,
                          struct error *error);
/* Takes out what was over before that drill time: episodes that had resolved, and notifications of
 * alerts with a severity. What a stack did before the drill is not the drill's. */
void evidence_forget(struct evidence *evidence, double before_s);
/* Takes out alerts that can say nothing of the target, with their notifications. */
typedef bool evidence_keeps(void *context, const char *alert);
void evidence_keep(struct evidence *evidence, evidence_keeps *keeps, void *context);
const struct evidence_alert *evidence_find(const struct evidence *evidence, const char *alert);
void evidence_deinit(struct evidence *evidence);

#endif
