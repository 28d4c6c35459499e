/*
 * The monitoring stack of a drill, started natively: Prometheus and Alertmanager as child processes
 * on free loopback ports, with configuration rendered into the result folder, and the webhook
 * receiver that Alertmanager reports to. Main thread only (children die with the thread that
 * started them).
 */
#ifndef DRILL_STACK_H
#define DRILL_STACK_H

#include "base/error.h"
#include "observe/prometheus.h"
#include "observe/rules.h"
#include "observe/webhook.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct stack_external { /* what already runs; texts borrowed */
    const char *prometheus_url, *alertmanager_url;
    const char *webhook_listen; /* where Alertmanager reports, at /alerts; NULL = 127.0.0.1:9099 */
};

struct stack_config {
    const char *folder;            /* result folder; must exist */
    const char *target_url;        /* scraped as job "recommender", at /metrics */
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
 * Prometheus knows Alertmanager. Faults in rule files go to `faults`. */
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
/* False if one of the processes has ended; `what` then tells which and how. */
bool stack_alive(struct stack *stack, char *what, size_t size);
/* Stops Prometheus where it stands, or lets it go on. stack_stop ends a stalled one, too. */
void stack_stall(struct stack *stack, bool stalled);
void stack_stop(struct stack *stack); /* accepts NULL */

#endif
