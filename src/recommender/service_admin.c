/* Training on request, health, and the metrics of the moment. */
#include "recommender/service_int.h"

#include "base/metrics.h"
#include "base/version.h"
#include "recommender/requests.h"

void service_get_retrain(struct service *service, struct httpd_reply *reply)
{
    struct trainer_status status;
    char text[sizeof status.error.where + sizeof status.error.text + 16];
    trainer_status(service->trainer, &status);
    error_format(&status.error, text, sizeof text);
    service_answer(reply, OK,
                   json_pack("{s:s,s:i,s:f,s:f,s:s?}", "status", trainer_state_name(status.state),
                             "model_version", status.model_version, "progress", status.progress,
                             "seconds", status.seconds, "error",
                             status.state == TRAINER_FAILED ? text : NULL));
}

void service_post_retrain(struct service *service, const struct httpd_request *request,
                          struct httpd_reply *reply)
{
    struct retrain_request asked;
    char reason[REQUEST_REASON_SIZE];
    if (!request_read_retrain(request->body, request->body_len, &asked, reason)) {
        service_refuse(reply, UNPROCESSABLE, reason);
    } else if (!trainer_retrain(service->trainer, asked.data[0] != '\0' ? asked.data : NULL)) {
        service_refuse(reply, CONFLICT, "a training is under way");
    } else {
        service_answer(reply, ACCEPTED, json_pack("{s:s}", "status", "training"));
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

void service_get_metrics(struct service *service, struct httpd_reply *reply)
{
    struct trainer_status status;
    trainer_status(service->trainer, &status);
    struct publish_reader reader = publish_enter(&service->publish);
    const struct model *model = reader.model;
    struct service_gauges gauges = {.model = model,
                                    .retrain_failures = status.failures,
                                    .process_start_ns = service->started_ns};
    process_info_read(&gauges.process);
    reply->content_type = METRICS_CONTENT_TYPE;
    service_metrics_write(service->metrics, &gauges, &reply->body);
    publish_leave(&service->publish, &reader);
}
