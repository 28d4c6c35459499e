/*
 * The recommender as a service: model, lists served, ratings, metrics, training, and the HTTP
 * handler that ties them together.
 *
 *   GET  /recommendations/?user_id=42&n=10   a list
 *   POST /ratings/                           a rating
 *   POST /admin/retrain, GET /admin/retrain  training in the background, and its state
 *   GET, POST, DELETE /admin/fault           faults on demand
 *   GET  /metrics, /healthz, /openapi.json
 */
#ifndef RECOMMENDER_SERVICE_H
#define RECOMMENDER_SERVICE_H

#include "base/buf.h"
#include "base/error.h"
#include "base/httpd.h"
#include "recommender/trainer.h"

#include <stddef.h>

/* Enough for a full exposition of metrics. */
#define SERVICE_REPLY_MAX_BYTES (256 * 1024)
#define SERVICE_BODY_MAX_BYTES (16 * 1024)
/* Threads of the HTTP server: few enough that a lane is always free (lanes.h). */
#define SERVICE_THREADS_MAX 56

struct service;

struct service_config {
    struct trainer_config trainer;
    const char *store_path;  /* NULL = in memory */
    size_t lists_max;        /* lists remembered for attribution */
    size_t users_max;        /* people whose latest list is remembered */
    size_t ratings_max;      /* posted ratings kept at hand, see history.h */
    int64_t attribution_ns;  /* a rating counts for a list served at most so long before */
    bool enable_faults;      /* faults on demand may be asked for */
    uint64_t fault_seed;     /* of their random numbers */
    size_t delayed_max;      /* answers that faults may delay at a time; more are sent at once */
    const char *admin_token; /* NULL = /admin is for loopback only; borrowed for its life */
};

struct service_config service_defaults(void);

/* Opens the store and starts the first training; lists are answered with 503 until it is done. */
enum err service_open(struct service **out, const struct service_config *config,
                      struct error *error) __attribute__((warn_unused_result));
/* Sends what is held, and holds nothing from now on: httpd_config.let_go; context is the service.
 */
void service_let_go(void *context);
/* Only after the HTTP server has stopped. Accepts NULL. */
void service_close(struct service *service);

void service_training(struct service *service, struct trainer_status *out);

/* What /metrics answers, whatever faults are active. Also after the HTTP server has stopped, when
 * nothing is counted any more. Any thread. */
void service_write_metrics(struct service *service, struct buf *out);

/* The httpd_handler; context is the service. Any thread. */
void service_handle(void *context, const struct httpd_request *request, struct httpd_reply *reply);

#endif
