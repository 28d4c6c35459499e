/*
 * The monitoring stack of a drill: a Prometheus, an Alertmanager and the webhook receiver that it
 * reports to. Natively the first two are child processes on free loopback ports, with configuration
 * rendered into the result folder; an external stack runs already and is checked instead of made.
 * Main thread only (children die with the thread that started them).
 */
#ifndef DRILL_STACK_H
#define DRILL_STACK_H

#include "base/error.h"
#include "observe/prometheus.h"
#include "observe/rules.h"
#include "observe/webhook.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct stack_external { /* what already runs; texts borrowed */
    const char *prometheus_url, *alertmanager_url;
    const char *grafana_url;    /* NULL = none */
    const char *webhook_listen; /* where Alertmanager reports, at /alerts; NULL = 127.0.0.1:9099 */
};

struct stack_config {
    const char *folder;      /* result folder; must exist */
    const char *target_url;  /* for messages */
    const char *metrics_url; /* scraped as job "recommender"; whole; NULL = it has no metrics */
    const char *health_url;  /* answers 200 while the target is there; NULL = its metrics tell */
    const json_t *relabel;   /* metric_relabel_configs of that job; NULL = none */
    const char *const *rule_files; /* production rules */
    size_t rule_file_count;
    const char *alertmanager_file; /* production routes and inhibitions */
    int64_t time_scale;
    int64_t scrape_ns, evaluation_ns; /* production time */
    const char *prometheus_program;   /* NULL = from PATH */
    const char *alertmanager_program; /* NULL = from PATH */
    int64_t ready_timeout_ns;
    const char *own_metrics_url; /* the drill's own, scraped as job "driftdrill"; NULL = not */
    const struct stack_external *external;   /* NULL = both are started here */
    bool (*interrupted)(int64_t timeout_ns); /* asked while waiting; NULL = nobody interrupts */
};

struct stack;

/* Starts everything and returns when both answer /-/ready, the target has been scraped and
 * Prometheus knows Alertmanager. Of an external stack: finds out whether it can be drilled, waits
 * for a Watchdog to arrive and for all alerts to be quiet. Faults in rule files, and all that is
 * wrong with an external stack, go to `faults`. */
enum err stack_start(const struct stack_config *config, struct stack **out, struct faults *faults,
                     struct error *error);
const struct rules *stack_rules(const struct stack *stack);
struct prometheus *stack_prometheus(struct stack *stack);
struct webhook *stack_webhook(struct stack *stack);
const char *stack_prometheus_url(const struct stack *stack);
const char *stack_alertmanager_url(const struct stack *stack);
/* As the programs themselves tell it; "unknown" if they would not. */
const char *stack_prometheus_version(const struct stack *stack);
const char *stack_alertmanager_version(const struct stack *stack);
/* False if one of the processes has ended; `what` then tells which and how. Of an external stack,
 * asked for once a second: if one, or the target, is gone or was started again. */
bool stack_alive(struct stack *stack, char *what, size_t size);
/* The same once the last phase is over, waiting some seconds for a service that does not answer. */
bool stack_alive_at_end(struct stack *stack, char *what, size_t size);
/* Is it one that ran already? Then things may have happened to it before drill time 0. */
bool stack_is_external(const struct stack *stack);
/* Evaluations of rules that had failed before the drill. */
double stack_failures_before(const struct stack *stack);
/* Stops Prometheus where it stands, or lets it go on; not an external one. stack_stop ends a
 * stalled one, too. */
void stack_stall(struct stack *stack, bool stalled);
void stack_stop(struct stack *stack); /* accepts NULL */

#endif
