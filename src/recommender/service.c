/*
 * The handler runs on all threads of the HTTP server at once. Every part it uses (model slot,
 * store, history, lists served, metrics, trainer) locks itself inside its own functions, and none
 * calls another with its lock held, so there is no order of locks to keep.
 *
 * A rating is written to the store first and counted last: one that could not be kept has changed
 * no metric but that of its request.
 */
#include "recommender/service_int.h"

#include "base/clock.h"
#include "base/mem.h"
#include "recommender/routes.h"

struct service_config service_defaults(void)
{
    return (struct service_config){.trainer = {.train = train_defaults()},
                                   .lists_max = 1 << 16,
                                   .users_max = 1 << 17,
                                   .ratings_max = 1 << 20,
                                   .attribution_ns = 3600 * CLOCK_NS_PER_S,
                                   .fault_seed = 1,
                                   .delayed_max = 4096};
}

/* What people posted in a former run must not be recommended to them again. */
static enum err restore_history(struct service *service, struct error *error)
{
    struct posted_rating *posted = NULL;
    size_t count = 0;
    enum err code = store_read(service->store, &posted, &count, error);
    for (size_t i = 0; i < count && code == ERR_OK; i++) {
        history_add(service->history, &posted[i]);
    }
    mem_free(posted);
    return code;
}

enum err service_open(struct service **out, const struct service_config *config,
                      struct error *error)
{
    struct service *service = mem_zalloc(1, sizeof *service);
    publish_init(&service->publish);
    service->started_ns = clock_wall_ns();
    service->history = history_new(config->ratings_max);
    service->served = served_new(config->lists_max, config->users_max, config->attribution_ns,
                                 (uint64_t)service->started_ns);
    service->metrics = service_metrics_new();
    struct trainer_config trainer;
    service_prepare_admin(service, config, &trainer);
    enum err code = store_open(config->store_path, &service->store, error);
    if (code == ERR_OK) {
        code = restore_history(service, error);
    }
    if (code == ERR_OK) {
        code = service_start_delays(service, config->delayed_max, error);
    }
    if (code == ERR_OK) {
        code = trainer_start(&service->trainer, &trainer, &service->publish, service->store, error);
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
    service_let_go(service);
    delay_line_free(service->line);
    trainer_stop(service->trainer);
    store_close(service->store);
    served_free(service->served);
    history_free(service->history);
    service_metrics_free(service->metrics);
    service_forget_admin(service);
    publish_deinit(&service->publish);
    service_free_lanes(service);
    mem_free(service);
}

void service_training(struct service *service, struct trainer_status *out)
{
    trainer_status(service->trainer, out);
}

/* ---- answers ---- */

static int add_text(const char *text, size_t len, void *out)
{
    return buf_add(out, text, len) ? 0 : -1;
}

void service_answer(struct httpd_reply *reply, int status, json_t *value)
{
    int failed = json_dump_callback(value, add_text, &reply->body, JSON_COMPACT);
    json_decref(value);
    reply->status = status;
    if (failed != 0) {
        buf_reset(&reply->body);
        reply->status = SERVER_ERROR;
        buf_text(&reply->body, "{\"detail\":\"out of memory\"}");
    }
}

void service_refuse(struct httpd_reply *reply, int status, const char *detail)
{
    service_answer(reply, status, json_pack("{s:s}", "detail", detail));
}

/* ---- dispatch ---- */

static void dispatch(struct service *service, const struct service_call *call,
                     struct httpd_reply *reply)
{
    const struct httpd_request *request = call->request;
    enum route route = call->route;
    enum method method = call->method;
    if (route_redirect(route) != NULL) {
        reply->status = TEMPORARY_REDIRECT;
        reply->location = route_redirect(route);
        return;
    }
    if (route != ROUTE_NONE && !route_takes(route, method)) {
        service_refuse(reply, METHOD_NOT_ALLOWED, "method not allowed");
        return;
    }
    switch (route) {
    case ROUTE_RECOMMENDATIONS:
        service_get_list(service, call, reply);
        break;
    case ROUTE_RATINGS:
        service_post_rating(service, call, reply);
        break;
    case ROUTE_RETRAIN:
        if (method == METHOD_GET) {
            service_get_retrain(service, reply);
        } else {
            service_post_retrain(service, request, reply);
        }
        break;
    case ROUTE_FAULTS:
        if (method == METHOD_GET) {
            service_get_faults(service, reply);
        } else if (method == METHOD_POST) {
            service_post_fault(service, request, reply);
        } else {
            service_delete_faults(service, reply);
        }
        break;
    case ROUTE_FAULT:
        service_delete_fault(service, request, reply);
        break;
    case ROUTE_OPENAPI:
        service_get_openapi(service, reply);
        break;
    case ROUTE_HEALTH:
        service_get_health(service, reply);
        break;
    case ROUTE_METRICS:
        service_get_metrics(service, call->plan.form, reply);
        break;
    default:
        service_refuse(reply, NOT_FOUND, "no such path");
    }
}

void service_handle(void *context, const struct httpd_request *request, struct httpd_reply *reply)
{
    struct service *service = context;
    struct service_call call = {.request = request,
                                .route = route_find(request->path),
                                .method = method_find(request->method),
                                .began_ns = clock_mono_ns()};
    fault_board_plan(service->faults, call.route, call.began_ns, &call.plan);
    if (service_admit(service, &call, reply)) {
        dispatch(service, &call, reply);
    }
    /* Counted after the answer is made, so a scrape does not count itself. */
    service_finish(service, &call, reply);
}
