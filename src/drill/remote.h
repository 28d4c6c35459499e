/* Control requests to a target over HTTP: version, retraining, metrics. Main thread only. */
#ifndef DRILL_REMOTE_H
#define DRILL_REMOTE_H

#include "base/error.h"
#include "base/http.h"
#include "base/metrics.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct remote_training {
    bool running, failed;
    int64_t model_version;
    char text[256]; /* why it failed */
};

/* Name and version as GET /healthz tells them: "driftdrill-recommender 0.1.0". */
enum err remote_version(struct http *http, const char *url, char *out, size_t size,
                        struct error *error);
enum err remote_retrain(struct http *http, const char *url, const char *data_folder,
                        struct error *error);
enum err remote_training_status(struct http *http, const char *url, struct remote_training *out,
                                struct error *error);
/* Begins a fault on demand; `body` as POST /admin/fault wants it. */
enum err remote_fault(struct http *http, const char *url, const char *body, struct error *error);
/* Whether faults on demand may be asked for; if not, *error tells why. */
enum err remote_faults_open(struct http *http, const char *url, struct error *error);
enum err remote_metrics(struct http *http, const char *url, struct metrics_snapshot **out,
                        struct error *error);
/* The same of a whole URL. */
enum err remote_metrics_at(struct http *http, const char *metrics_url,
                           struct metrics_snapshot **out, struct error *error);

#endif
