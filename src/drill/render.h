/*
 * The monitoring stack's files at a time scale: rules, dashboards, Alertmanager's routes,
 * Prometheus's jobs and Grafana's provisioning, read in production durations and written with every
 * duration divided. A scale of 1 leaves their meaning as it is. Any thread; touches files only.
 */
#ifndef DRILL_RENDER_H
#define DRILL_RENDER_H

#include "base/error.h"

#include <stdint.h>

/* Alertmanager's routes with their waits divided, in whole milliseconds. With a webhook_url every
 * receiver becomes that webhook, whatever it is in production (mail, chat, pager); NULL leaves the
 * receivers alone. `production` is YAML; faults name it. */
enum err render_alertmanager(const char *production, int64_t time_scale, const char *webhook_url,
                             const char *path, struct error *error)
    __attribute__((warn_unused_result));

#endif
