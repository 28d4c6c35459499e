/*
 * The handler runs on all threads of the HTTP server at once. What a list needs (model, history,
 * lists served, counters) takes no lock; the rest locks itself inside its own functions, and none
 * calls another with its lock held, so there is no order of locks to keep.
 *
 * A rating is held until the store has it, and only then known to anybody: one that could not be
 * kept has changed nothing but the counts of requests and of what was lost.
 */
#include "recommender/service_int.h"

#include "base/clock.h"
#include "base/mem.h"
#include "recommender/routes.h"

#include <assert.h>
#include <string.h>
#include <strings.h>

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

/* What the server does not take. Only 413 and 503 are still read by the client. */
static void explain_refusal(int status, struct httpd_reply *reply)
{
    service_refuse(reply, status,
                   status == CONTENT_TOO_LARGE ? "the body is too large"
                   : status == UNAVAILABLE     ? "out of memory"
                                           : "the request ended early, was malformed or too slow");
}

/* Bodies are JSON; without a Content-Type they are taken for it. */
static bool is_json(const struct httpd_request *request)
{
    static const char json[] = "application/json";
    const char *type = httpd_header(request, "Content-Type");
    if (type == NULL || request->body_len == 0) {
        return true;
    }
    const char *end = type + sizeof json - 1;
    return strncasecmp(type, json, sizeof json - 1) == 0 && (*end == '\0' || strchr("; \t", *end));
}

/* Whether the request is for its route to answer; else it has been answered. */
static bool is_well_formed(const struct service_call *call, struct httpd_reply *reply)
{
    enum route route = call->route;
    if (call->request->refused != 0) {
        explain_refusal(call->request->refused, reply);
    } else if (route_redirect(route) != NULL) {
        reply->status = TEMPORARY_REDIRECT;
        reply->location = route_redirect(route);
        reply->location_with_query = true;
    } else if (route == ROUTE_NONE) {
        service_refuse(reply, NOT_FOUND, "no such path");
    } else if (!route_takes(route, call->method)) {
        service_refuse(reply, METHOD_NOT_ALLOWED, "method not allowed");
        reply->allow = route_allow(route);
    } else if (!is_json(call->request)) {
        service_refuse(reply, UNSUPPORTED_MEDIA_TYPE, "Content-Type: expected application/json");
    } else {
        return true;
    }
    return false;
}

/* False if the request is answered later. */
static bool dispatch(struct service *service, const struct service_call *call,
                     struct httpd_reply *reply)
{
    const struct httpd_request *request = call->request;
    enum method method = call->method;
    switch (call->route) {
    case ROUTE_RECOMMENDATIONS:
        service_get_list(service, call, reply);
        break;
    case ROUTE_RATINGS:
        return service_post_rating(service, call, reply);
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
        service_get_metrics(service, &call->plan, reply);
        break;
    default:
        assert(false); /* the rest never comes so far */
    }
    return true;
}

void service_handle(void *context, const struct httpd_request *request, struct httpd_reply *reply)
{
    struct service *service = context;
    struct service_call call = {.request = request,
                                .route = route_find(request->path),
                                .method =
                                    request->head ? METHOD_HEAD : method_find(request->method),
                                .began_ns = clock_mono_ns()};
    fault_board_plan(service->faults, call.route, call.began_ns, &call.plan);
    if (is_well_formed(&call, reply) && service_admit(service, &call, reply) &&
        !dispatch(service, &call, reply)) {
        return;
    }
    /* Counted after the answer is made, so a scrape does not count itself. */
    service_finish(service, &call, reply);
}
