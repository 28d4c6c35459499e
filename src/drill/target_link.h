/*
 * The target beside the load: who it is, its metrics, and how it is made to train again. A bundled
 * recommender, or whatever speaks its whole interface, is asked over /healthz and /admin; any other
 * is asked as its target file says. Main thread only (a command is a child of that thread).
 */
#ifndef DRILL_TARGET_LINK_H
#define DRILL_TARGET_LINK_H

#include "base/error.h"
#include "base/http.h"
#include "base/metrics.h"
#include "drill/metric_map.h"
#include "drill/remote.h"
#include "load/target.h"

#include <stdbool.h>
#include <stddef.h>

struct target_link;

/* Borrowed until target_link_open returns, the catalogue until the link is closed. */
struct target_link_request {
    const char *target; /* a URL or a target file; NULL: `block` */
    const char *block;  /* a scenario's `target:` as JSON text; NULL: none */
    const char *block_file;
    const struct catalogue *catalogue; /* NULL: only to be asked what it has */
    int list_length;
    const char *admin_token; /* of a bundled one; NULL = none */
    const char *log_path;    /* what a retraining command prints is appended here; NULL = nowhere */
};

/* The target alone; target_free. */
enum err target_link_open_target(const struct target_link_request *request, struct target **out,
                                 struct faults *faults, struct error *error)
    __attribute__((warn_unused_result));
enum err target_link_open(const struct target_link_request *request, struct target_link **out,
                          struct faults *faults, struct error *error)
    __attribute__((warn_unused_result));
/* Ends a retraining command that still runs. Accepts NULL. */
void target_link_close(struct target_link *link);

const struct target *target_link_target(const struct target_link *link);
const struct metric_map *target_link_metric_map(const struct target_link *link);
struct http *target_link_http(struct target_link *link);
bool target_link_is_bundled(const struct target_link *link);
/* Where /admin and /healthz of a bundled one are, and what tells that any is there. */
const char *target_link_url(const struct target_link *link);
/* Whole URL of its metrics; NULL = it has none. */
const char *target_link_metrics_url(const struct target_link *link);

/* Name and version: of a bundled one as /healthz tells them, else the name in its target file. */
enum err target_link_version(struct target_link *link, char *out, size_t size, struct error *error);
/* Its metrics in our names; *out NULL, and ERR_OK, if it has none. */
enum err target_link_metrics(struct target_link *link, struct metrics_snapshot **out,
                             struct error *error);
/* Asks it to train on a MovieLens folder as well; *out of target_link_training tells when it is
 * done: a request when it is answered with 2xx, and if the target exports model_version once that
 * has risen; a command when it has ended with status 0. */
enum err target_link_retrain(struct target_link *link, const char *folder, struct error *error);
enum err target_link_training(struct target_link *link, struct remote_training *out,
                              struct error *error);

#endif
