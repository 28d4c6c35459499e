/*
 * Receiver of Alertmanager webhooks. Every alert of every notification is kept with its time of
 * arrival, appended to a file as one JSON line, and de-duplicated by (fingerprint, startsAt,
 * status). The server's threads write, any thread may read snapshots (one mutex guards the list).
 */
#ifndef OBSERVE_WEBHOOK_H
#define OBSERVE_WEBHOOK_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct webhook;

/* A drill sees some dozens of notices; the bound keeps a broken sender from eating memory. What is
 * beyond it is answered 500. */
#define WEBHOOK_NOTICES_MAX 10000

struct webhook_notice {
    int64_t received_mono_ns;
    int64_t received_wall_ns;
    char alert[128];
    char severity[32];
    char fingerprint[40];
    char starts_at[48], ends_at[48];
    bool resolved;
};

/* log_path: the alerts kept are appended here. Listens on a free loopback port. */
enum err webhook_start(const char *log_path, struct webhook **out, struct error *error);
/* The same at a given address ("0.0.0.0:9099"), where an Alertmanager that runs already reports. */
enum err webhook_start_at(const char *listen, const char *log_path, struct webhook **out,
                          struct error *error);
const char *webhook_url(const struct webhook *webhook); /* for webhook_configs */
/* Copies what has been received so far, oldest first; heap, mem_free. */
size_t webhook_notices(struct webhook *webhook, struct webhook_notice **out);
/* Of what has been received so far only the last notice of each alert that fires is kept: for a
 * receiver that never ends. An alert without a notice is one that does not fire. */
void webhook_forget(struct webhook *webhook);
size_t webhook_malformed(struct webhook *webhook); /* bodies that could not be read */
void webhook_stop(struct webhook *webhook);        /* accepts NULL */

/* Reads one body (Alertmanager's version 4; unknown keys are ignored) without keeping it: its
 * alerts in their order, times of arrival 0; heap, mem_free. ERR_INPUT if any of them is wrong. */
enum err webhook_read_body(const char *text, size_t len, struct webhook_notice **out, size_t *count,
                           struct error *error);

#endif
