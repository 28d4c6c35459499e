/* Training on request, health, the description of all this, and the metrics of the moment. */
#include "recommender/service_int.h"

#include "base/clock.h"
#include "base/metrics.h"
#include "base/text.h"
#include "base/version.h"
#include "recommender/admin_gate.h"
#include "recommender/hidden_series.h"
#include "recommender/openapi.h"
#include "recommender/requests.h"

#include <stdlib.h>
#include <string.h>

/* Asked by the trainer before a training begins by itself. */
static bool may_train(void *context)
{
    struct service *service = context;
    return !fault_board_stale(service->faults, clock_mono_ns());
}

void service_prepare_admin(struct service *service, const struct service_config *config,
                           struct trainer_config *trainer)
{
    service->faults_enabled = config->enable_faults;
    service->faults = fault_board_new(config->fault_seed);
    service->admin_token = config->admin_token;
    json_t *document = openapi_document(SERVICE_BODY_MAX_BYTES);
    service->openapi = json_dumps(document, JSON_COMPACT);
    json_decref(document);
    *trainer = config->trainer;
    trainer->may_begin = may_train;
    trainer->context = service;
}

void service_forget_admin(struct service *service)
{
    fault_board_free(service->faults);
    free(service->openapi); /* jansson's */
}

bool service_admit(struct service *service, const struct service_call *call,
                   struct httpd_reply *reply)
{
    const struct httpd_request *request = call->request;
    const char *why = "an errors fault is active";
    int status = call->plan.status;
    if (route_is_admin(call->route)) {
        const char *forwarded = httpd_header(request, "X-Forwarded-For");
        const struct admin_visitor visitor = {
            .loopback = request->loopback,
            .authorization = httpd_header(request, "Authorization"),
            .forwarded = forwarded != NULL ? forwarded : httpd_header(request, "Forwarded"),
            .origin = httpd_header(request, "Origin")};
        status = admin_gate(service->admin_token, &visitor, &why);
        reply->authenticate = status == UNAUTHORIZED ? "Bearer" : NULL;
    }
    if (status != 0) {
        service_refuse(reply, status, why);
    }
    return status == 0;
}

void service_get_openapi(struct service *service, struct httpd_reply *reply)
{
    if (service->openapi == NULL) {
        service_refuse(reply, UNAVAILABLE, "out of memory");
    } else {
        buf_text(&reply->body, service->openapi);
    }
}

void service_get_retrain(struct service *service, struct httpd_reply *reply)
{
    struct trainer_status status;
    char text[sizeof status.error.where + sizeof status.error.text + 16];
    trainer_status(service->trainer, &status);
    error_format(&status.error, text, sizeof text);
    text_make_utf8(text);
    service_answer(
        reply, OK,
        json_pack("{s:s,s:s,s:i,s:f,s:f,s:s?,s:I,s:I,s:I,s:I}", "status",
                  trainer_state_name(status.state), "cause", trainer_cause_name(status.cause),
                  "model_version", status.model_version, "progress", status.progress, "seconds",
                  status.seconds, "error", status.state == TRAINER_FAILED ? text : NULL,
                  "trained_total", (json_int_t)status.trained, "failed_total",
                  (json_int_t)status.failures, "ratings_since_training", (json_int_t)status.ratings,
                  "ratings_left_out", (json_int_t)status.left_out));
}

void service_post_retrain(struct service *service, const struct httpd_request *request,
                          struct httpd_reply *reply)
{
    struct retrain_request asked;
    char reason[REQUEST_REASON_SIZE];
    if (!request_read_retrain(request->body, request->body_len, &asked, reason)) {
        service_refuse(reply, UNPROCESSABLE, reason);
    } else if (fault_board_stale(service->faults, clock_mono_ns())) {
        fault_board_applied(service->faults, FAULT_STALE_MODEL);
        service_refuse(reply, CONFLICT, "a stale-model fault is active");
    } else if (!trainer_retrain(service->trainer, asked.data[0] != '\0' ? asked.data : NULL)) {
        service_refuse(reply, CONFLICT, "a training is under way");
    } else {
        service_answer(reply, ACCEPTED,
                       json_pack("{s:s}", "status", trainer_state_name(TRAINER_TRAINING)));
    }
}

void service_get_health(struct service *service, struct httpd_reply *reply)
{
    struct publish_reader reader = publish_enter(&service->publish);
    const struct model *model = reader.model;
    if (model == NULL) {
        service_refuse(reply, UNAVAILABLE, "the model is not trained yet");
    } else {
        service_answer(reply, OK,
                       json_pack("{s:s,s:s,s:s,s:i}", "status", "ok", "service",
                                 "driftdrill-recommender", "version", DRIFTDRILL_VERSION,
                                 "model_version", model->version));
    }
    publish_leave(&service->publish, &reader);
}

static void write_one(struct buf *out, const char *name, const char *type, const char *help,
                      double value)
{
    metrics_family(out, name, type, help);
    metrics_sample(out, name, NULL, 0, value);
}

static void write_trainings(struct service *service, const struct trainer_status *status,
                            struct buf *out)
{
    const struct metrics_label ok = {"result", "ok"}, failed = {"result", "failed"};
    metrics_family(out, "trainings_total", "counter", "Trainings that ended, by result.");
    metrics_sample(out, "trainings_total", &ok, 1, (double)status->trained);
    metrics_sample(out, "trainings_total", &failed, 1, (double)status->failures);
    write_one(out, "retrain_in_progress", "gauge", "Whether a training is under way.",
              status->state == TRAINER_TRAINING);
    write_one(out, "ratings_since_training", "gauge",
              "Ratings posted since the last training began.", (double)status->ratings);
    write_one(out, "training_ratings_left_out", "gauge",
              "Stored ratings that the last training left out, of films that are not in its data.",
              (double)status->left_out);
    write_one(out, "ratings_unknown_film_total", "counter",
              "Ratings refused because the model does not know the film.",
              (double)atomic_load(&service->unknown_films));
}

/* What a scrape-garbage fault makes of an exposition. A cut one ends behind a name: any later and
 * the last number might be read as a smaller one. */
static void spoil(struct buf *body, enum fault_form form)
{
    if (form == FAULT_FORM_TEXT) {
        buf_reset(body);
        buf_text(body, "<html><body>It works!</body></html>\n");
    } else if (form == FAULT_FORM_CUT && body->len > 0) {
        const char *line = body->data + body->len / 2;
        do {
            line = strchr(line, '\n');
            line = line != NULL ? line + 1 : body->data;
        } while (*line == '#');
        body->len = (size_t)(line - body->data) + strcspn(line, "{ ");
        body->data[body->len] = '\0';
    }
}

void service_write_metrics(struct service *service, struct buf *out)
{
    struct trainer_status status;
    trainer_status(service->trainer, &status);
    struct publish_reader reader = publish_enter(&service->publish);
    const struct model *model = reader.model;
    struct service_gauges gauges = {.model = model,
                                    .retrain_failures = status.failures,
                                    .history_ratings = history_count(service->history),
                                    .process_start_ns = service->started_ns};
    process_info_read(&gauges.process);
    service_metrics_write(service->metrics, &gauges, out);
    service_write_store(service, out);
    write_trainings(service, &status, out);
    fault_board_write(service->faults, clock_mono_ns(), out);
    publish_leave(&service->publish, &reader);
}

void service_get_metrics(struct service *service, const struct fault_plan *plan,
                         struct httpd_reply *reply)
{
    reply->content_type = METRICS_CONTENT_TYPE;
    service_write_metrics(service, &reply->body);
    if (plan->hides) {
        hidden_series_remove(&reply->body);
    }
    spoil(&reply->body, plan->form);
}
