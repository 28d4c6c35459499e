/*
 * The handler runs on all threads of the HTTP server at once. Every part it uses (model slot,
 * store, history, lists served, metrics, trainer) locks itself inside its own functions, and none
 * calls another with its lock held, so there is no order of locks to keep.
 *
 * A rating is written to the store first and counted last: one that could not be kept has changed
 * no metric but that of its request.
 */
#include "recommender/service.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "base/version.h"
#include "recommender/history.h"
#include "recommender/recommend.h"
#include "recommender/requests.h"
#include "recommender/routes.h"
#include "recommender/served.h"
#include "recommender/service_metrics.h"

#include <jansson.h>
#include <string.h>

enum {
    OK = 200,
    CREATED = 201,
    ACCEPTED = 202,
    TEMPORARY_REDIRECT = 307,
    NOT_FOUND = 404,
    METHOD_NOT_ALLOWED = 405,
    CONFLICT = 409,
    UNPROCESSABLE = 422,
    SERVER_ERROR = 500,
    UNAVAILABLE = 503
};

struct service {
    struct model_slot slot;
    struct store *store;
    struct history *history;
    struct served *served;
    struct service_metrics *metrics;
    struct trainer *trainer;
    int64_t started_ns; /* wall time */
};

struct service_config service_defaults(void)
{
    return (struct service_config){
        .trainer = {.train = train_defaults()}, .lists_max = 1 << 16, .users_max = 1 << 17};
}

/* What people posted in a former run must not be recommended to them again. */
static enum err restore_history(struct service *service, struct error *error)
{
    struct posted_rating *posted = NULL;
    size_t count = 0;
    enum err code = store_read(service->store, &posted, &count, error);
    for (size_t i = 0; i < count && code == ERR_OK; i++) {
        if (!history_add(service->history, &posted[i])) {
            code = error_set(error, ERR_MEMORY, "", 0, "no memory for the stored ratings");
        }
    }
    mem_free(posted);
    return code;
}

enum err service_open(struct service **out, const struct service_config *config,
                      struct error *error)
{
    struct service *service = mem_zalloc(1, sizeof *service);
    model_slot_init(&service->slot);
    service->started_ns = clock_wall_ns();
    service->history = history_new();
    service->served =
        served_new(config->lists_max, config->users_max, (uint64_t)service->started_ns);
    service->metrics = service_metrics_new();
    enum err code = store_open(config->store_path, &service->store, error);
    if (code == ERR_OK) {
        code = restore_history(service, error);
    }
    if (code == ERR_OK) {
        code = trainer_start(&service->trainer, &config->trainer, &service->slot, service->store,
                             error);
    }
    if (code != ERR_OK) {
        service_close(service);
        return code;
    }
    *out = service;
    return ERR_OK;
}

void service_close(struct service *service)
{
    if (service == NULL) {
        return;
    }
    trainer_stop(service->trainer);
    store_close(service->store);
    served_free(service->served);
    history_free(service->history);
    service_metrics_free(service->metrics);
    model_slot_deinit(&service->slot);
    mem_free(service);
}

void service_training(struct service *service, struct trainer_status *out)
{
    trainer_status(service->trainer, out);
}

/* ---- answers ---- */

static void answer(struct httpd_reply *reply, int status, json_t *value)
{
    char text[6144]; /* an error text, every byte escaped */
    size_t len = json_dumpb(value, text, sizeof text, JSON_COMPACT);
    json_decref(value);
    reply->status = status;
    if (len > 0 && len <= sizeof text) {
        buf_add(&reply->body, text, len);
    } else {
        reply->status = SERVER_ERROR;
        buf_text(&reply->body, "{\"detail\":\"out of memory\"}");
    }
}

static void refuse(struct httpd_reply *reply, int status, const char *detail)
{
    answer(reply, status, json_pack("{s:s}", "detail", detail));
}

static void write_list(struct buf *out, const struct model *model, const struct list_request *asked,
                       const char *request_id, const struct ranker_place *places, int count)
{
    buf_printf(out, "{\"user_id\":%d,\"request_id\":\"%s\",\"recommendations\":[", asked->user_id,
               request_id);
    for (int p = 0; p < count; p++) {
        buf_printf(out, "%s{\"movie_id\":%d,\"rank\":%d,\"score\":%.4f,\"recommender\":\"%s\"}",
                   p > 0 ? "," : "", model->corpus.catalogue.id[places[p].item], p + 1,
                   (double)places[p].score, source_name(places[p].source));
    }
    buf_text(out, "]}");
}

/* False when memory is exhausted. */
static bool serve_list(struct service *service, const struct model *model,
                       const struct list_request *asked, struct httpd_reply *reply)
{
    struct ranker_place places[RECOMMEND_LENGTH_MAX];
    struct served_place shown[RECOMMEND_LENGTH_MAX];
    struct history_copy posted;
    char request_id[SERVED_ID_SIZE];
    struct recommend_scratch *scratch = recommend_scratch_new(model);
    bool good = history_copy(service->history, asked->user_id, &posted) && scratch != NULL;
    if (good) {
        int count = recommend_list(model, asked->user_id, posted.ratings, posted.count, asked->n,
                                   scratch, places);
        for (int p = 0; p < count; p++) {
            shown[p].movie_id = model->corpus.catalogue.id[places[p].item];
            shown[p].source = places[p].source;
        }
        served_add(service->served, asked->user_id, shown, count, request_id);
        write_list(&reply->body, model, asked, request_id, places, count);
        service_metrics_list(service->metrics, places, count);
    }
    history_copy_deinit(&posted);
    recommend_scratch_free(scratch);
    return good;
}

static void get_recommendations(struct service *service, const struct httpd_request *request,
                                struct httpd_reply *reply)
{
    struct list_request asked;
    char reason[REQUEST_REASON_SIZE];
    if (!request_read_list(httpd_query(request, "user_id"), httpd_query(request, "n"), &asked,
                           reason)) {
        refuse(reply, UNPROCESSABLE, reason);
        return;
    }
    struct model *model = model_slot_acquire(&service->slot);
    if (model == NULL) {
        refuse(reply, UNAVAILABLE, "the model is not trained yet");
    } else if (!serve_list(service, model, &asked, reply)) {
        refuse(reply, UNAVAILABLE, "out of memory");
    }
    model_unref(model);
}

/* Keeps a checked rating of a known film and answers. */
static void accept_rating(struct service *service, const struct model *model, int32_t item,
                          const struct rating_request *asked, struct httpd_reply *reply)
{
    const struct posted_rating rating = {.user_id = asked->user_id,
                                         .movie_id = asked->movie_id,
                                         .half_stars = asked->half_stars,
                                         .time_s = clock_wall_ns() / CLOCK_NS_PER_S};
    struct error error = {0};
    if (store_add(service->store, &rating, asked->request_id, &error) != ERR_OK) {
        refuse(reply, SERVER_ERROR, "the rating could not be kept");
        return;
    }
    if (!history_add(service->history, &rating)) {
        refuse(reply, UNAVAILABLE, "out of memory");
        return;
    }
    struct attribution attribution = served_rate(service->served, asked->user_id, asked->movie_id,
                                                 asked->half_stars, asked->request_id);
    service_metrics_rating(service->metrics, &attribution, asked->half_stars,
                           model_predict_stars(model, asked->user_id, item));
    answer(reply, CREATED,
           attribution.attributed
               ? json_pack("{s:s,s:s,s:i}", "status", "ok", "recommender",
                           source_name(attribution.source), "rank", attribution.rank)
               : json_pack("{s:s,s:n,s:n}", "status", "ok", "recommender", "rank"));
}

static void post_ratings(struct service *service, const struct httpd_request *request,
                         struct httpd_reply *reply)
{
    struct rating_request asked;
    char reason[REQUEST_REASON_SIZE];
    if (!request_read_rating(request->body, request->body_len, &asked, reason)) {
        refuse(reply, UNPROCESSABLE, reason);
        return;
    }
    struct model *model = model_slot_acquire(&service->slot);
    int32_t item = model != NULL ? catalogue_index(&model->corpus.catalogue, asked.movie_id) : -1;
    if (model == NULL) {
        refuse(reply, UNAVAILABLE, "the model is not trained yet");
    } else if (item < 0) {
        refuse(reply, NOT_FOUND, "movie_id: no such film");
    } else {
        accept_rating(service, model, item, &asked, reply);
    }
    model_unref(model);
}

static void get_retrain(struct service *service, struct httpd_reply *reply)
{
    struct trainer_status status;
    char text[sizeof status.error.where + sizeof status.error.text + 16];
    trainer_status(service->trainer, &status);
    error_format(&status.error, text, sizeof text);
    answer(reply, OK,
           json_pack("{s:s,s:i,s:f,s:f,s:s?}", "status", trainer_state_name(status.state),
                     "model_version", status.model_version, "progress", status.progress, "seconds",
                     status.seconds, "error", status.state == TRAINER_FAILED ? text : NULL));
}

static void post_retrain(struct service *service, const struct httpd_request *request,
                         struct httpd_reply *reply)
{
    struct retrain_request asked;
    char reason[REQUEST_REASON_SIZE];
    if (!request_read_retrain(request->body, request->body_len, &asked, reason)) {
        refuse(reply, UNPROCESSABLE, reason);
    } else if (!trainer_retrain(service->trainer, asked.data[0] != '\0' ? asked.data : NULL)) {
        refuse(reply, CONFLICT, "a training is under way");
    } else {
        answer(reply, ACCEPTED, json_pack("{s:s}", "status", "training"));
    }
}

static void get_health(struct service *service, struct httpd_reply *reply)
{
    struct model *model = model_slot_acquire(&service->slot);
    if (model == NULL) {
        refuse(reply, UNAVAILABLE, "the model is not trained yet");
    } else {
        answer(reply, OK,
               json_pack("{s:s,s:s,s:s,s:i}", "status", "ok", "service", "driftdrill-recommender",
                         "version", DRIFTDRILL_VERSION, "model_version", model->version));
    }
    model_unref(model);
}

static void get_metrics(struct service *service, struct httpd_reply *reply)
{
    struct trainer_status status;
    trainer_status(service->trainer, &status);
    struct model *model = model_slot_acquire(&service->slot);
    struct service_gauges gauges = {.model = model,
                                    .retrain_failures = status.failures,
                                    .process_start_ns = service->started_ns};
    process_info_read(&gauges.process);
    reply->content_type = METRICS_CONTENT_TYPE;
    service_metrics_write(service->metrics, &gauges, &reply->body);
    model_unref(model);
}

/* ---- dispatch ---- */

static void dispatch(struct service *service, enum route route, enum method method,
                     const struct httpd_request *request, struct httpd_reply *reply)
{
    if (route_redirect(route) != NULL) {
        reply->status = TEMPORARY_REDIRECT;
        reply->location = route_redirect(route);
        return;
    }
    if (route != ROUTE_NONE && !route_takes(route, method)) {
        refuse(reply, METHOD_NOT_ALLOWED, "method not allowed");
        return;
    }
    switch (route) {
    case ROUTE_RECOMMENDATIONS:
        get_recommendations(service, request, reply);
        break;
    case ROUTE_RATINGS:
        post_ratings(service, request, reply);
        break;
    case ROUTE_RETRAIN:
        if (method == METHOD_GET) {
            get_retrain(service, reply);
        } else {
            post_retrain(service, request, reply);
        }
        break;
    case ROUTE_HEALTH:
        get_health(service, reply);
        break;
    case ROUTE_METRICS:
        get_metrics(service, reply);
        break;
    default:
        refuse(reply, NOT_FOUND, "no such path");
    }
}

void service_handle(void *context, const struct httpd_request *request, struct httpd_reply *reply)
{
    struct service *service = context;
    int64_t began_ns = clock_mono_ns();
    enum route route = route_find(request->path);
    enum method method = method_find(request->method);
    dispatch(service, route, method, request, reply);
    /* Counted after the answer is made, so a scrape does not count itself. */
    const struct http_event event = {.route = route,
                                     .method = method,
                                     .status = reply->status,
                                     .duration_ns = clock_mono_ns() - began_ns,
                                     .request_bytes = request->body_len,
                                     .reply_bytes = reply->body.len};
    service_metrics_http(service->metrics, &event);
}
