/* Inside the service: what its files share. Everybody else includes service.h. */
#ifndef RECOMMENDER_SERVICE_INT_H
#define RECOMMENDER_SERVICE_INT_H

#include "recommender/delay_line.h"
#include "recommender/fault_board.h"
#include "recommender/history.h"
#include "recommender/publish.h"
#include "recommender/served.h"
#include "recommender/service.h"
#include "recommender/service_metrics.h"

#include <jansson.h>
#include <stdatomic.h>

enum {
    OK = 200,
    CREATED = 201,
    ACCEPTED = 202,
    TEMPORARY_REDIRECT = 307,
    UNAUTHORIZED = 401,
    FORBIDDEN = 403,
    NOT_FOUND = 404,
    METHOD_NOT_ALLOWED = 405,
    CONFLICT = 409,
    CONTENT_TOO_LARGE = 413,
    UNSUPPORTED_MEDIA_TYPE = 415,
    UNPROCESSABLE = 422,
    SERVER_ERROR = 500,
    UNAVAILABLE = 503
};

struct service {
    struct publish publish;
    struct store *store;
    struct history *history;
    struct served *served;
    struct service_lane *lane[LANES_MAX]; /* memory for lists, by lane of `publish`; NULL = none */
    struct service_metrics *metrics;
    struct trainer *trainer;
    bool faults_enabled;
    struct fault_board *faults;
    struct delay_line *line;            /* answers that a fault delays */
    const char *admin_token;            /* NULL = none */
    char *openapi;                      /* the document as text */
    atomic_uint_fast64_t unknown_films; /* ratings refused for that */
    int64_t started_ns;                 /* wall time */
};

/* One request on its way through the service. */
struct service_call {
    const struct httpd_request *request; /* valid in the handler only */
    enum route route;
    enum method method;
    int64_t began_ns; /* monotonic */
    struct fault_plan plan;
};

/* Ends a request inside the handler: counts it, or holds it until its plan's delay is over. */
void service_finish(struct service *service, const struct service_call *call,
                    struct httpd_reply *reply);
/* Ends, on any thread, a request that has been held: counts and sends it, once its plan's delay is
 * over. Takes the reply's body over. The request in `call` is not looked at. */
void service_finish_held(struct service *service, const struct service_call *call,
                         struct httpd_held *held, struct httpd_reply *reply);
enum err service_start_delays(struct service *service, size_t delayed_max, struct error *error)
    __attribute__((warn_unused_result));

/* Whether this request may reach its route; false after refusing, by the gate of /admin or by an
 * errors fault. */
bool service_admit(struct service *service, const struct service_call *call,
                   struct httpd_reply *reply);

/* What /admin needs: faults, token, document, and in *trainer the trainer's settings. */
void service_prepare_admin(struct service *service, const struct service_config *config,
                           struct trainer_config *trainer);
void service_forget_admin(struct service *service);

/* Ends the request with a JSON value, which it takes over. */
void service_answer(struct httpd_reply *reply, int status, json_t *value);
/* Ends it with {"detail": detail}. */
void service_refuse(struct httpd_reply *reply, int status, const char *detail);

/* One function a route and method. Any thread. */
void service_get_list(struct service *service, const struct service_call *call,
                      struct httpd_reply *reply);
void service_free_lanes(struct service *service); /* of service_get_list */
/* False if it holds the request and answers once the rating is kept. */
bool service_post_rating(struct service *service, const struct service_call *call,
                         struct httpd_reply *reply);
void service_write_store(struct service *service, struct buf *out); /* its metrics */
void service_get_retrain(struct service *service, struct httpd_reply *reply);
void service_post_retrain(struct service *service, const struct httpd_request *request,
                          struct httpd_reply *reply);
void service_get_faults(struct service *service, struct httpd_reply *reply);
void service_post_fault(struct service *service, const struct httpd_request *request,
                        struct httpd_reply *reply);
void service_delete_faults(struct service *service, struct httpd_reply *reply);
void service_delete_fault(struct service *service, const struct httpd_request *request,
                          struct httpd_reply *reply);
void service_get_openapi(struct service *service, struct httpd_reply *reply);
void service_get_health(struct service *service, struct httpd_reply *reply);
void service_get_metrics(struct service *service, const struct fault_plan *plan,
                         struct httpd_reply *reply);

#endif
