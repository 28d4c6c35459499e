/*
 * GET /recommendations/. Takes no lock anywhere: the model is read in a lane (publish.h), the
 * person's ratings and the memory of lists served are lock-free (history.h, served.h), and what is
 * counted goes into a shard of its own (service_metrics.h). The memory a list needs is kept by the
 * lane and made anew only when another model is in service.
 */
#include "recommender/service_int.h"

#include "base/clock.h"
#include "base/mem.h"
#include "recommender/list_json.h"
#include "recommender/recommend.h"
#include "recommender/requests.h"

struct service_lane {
    int model_version; /* that scratch was made for */
    struct recommend_scratch *scratch;
    struct posted_rating posted[HISTORY_PERSON_MAX];
};

/* The memory of a reader's lane, fit for its model; NULL when exhausted. */
static struct service_lane *lane_of(struct service *service, const struct publish_reader *reader)
{
    struct service_lane *lane = service->lane[reader->lane];
    if (lane == NULL) {
        lane = mem_try_alloc(sizeof *lane);
        if (lane == NULL) {
            return NULL;
        }
        lane->scratch = NULL;
        service->lane[reader->lane] = lane;
    }
    if (lane->scratch == NULL || lane->model_version != reader->model->version) {
        recommend_scratch_free(lane->scratch);
        lane->scratch = recommend_scratch_new(reader->model);
        if (lane->scratch == NULL) {
            return NULL;
        }
        recommend_scratch_clock(lane->scratch, clock_mono_ns);
        lane->model_version = reader->model->version;
    }
    return lane;
}

void service_free_lanes(struct service *service)
{
    for (unsigned i = 0; i < LANES_MAX; i++) {
        if (service->lane[i] != NULL) {
            recommend_scratch_free(service->lane[i]->scratch);
            mem_free(service->lane[i]);
        }
    }
}

static void serve_list(struct service *service, const struct model *model,
                       const struct list_request *asked, const struct fault_plan *plan,
                       struct service_lane *lane, struct httpd_reply *reply)
{
    struct ranker_place places[RECOMMEND_LENGTH_MAX];
    struct served_place shown[RECOMMEND_LENGTH_MAX];
    char request_id[SERVED_ID_SIZE];
    size_t posted = history_read(service->history, asked->user_id, lane->posted);
    recommend_scratch_break(lane->scratch, &plan->sources);
    int count = recommend_list(model, asked->user_id, lane->posted, posted, asked->n, lane->scratch,
                               places);
    for (int p = 0; p < count; p++) {
        shown[p].movie_id = model->corpus.catalogue.id[places[p].item];
        shown[p].source = places[p].source;
    }
    served_add(service->served, asked->user_id, shown, count, clock_mono_ns(), request_id);
    list_json_write(&reply->body, model, asked->user_id, request_id, places, count);
    service_metrics_list(service->metrics, places, count, recommend_account(lane->scratch));
    if ((plan->kinds >> FAULT_BROKEN_SOURCE & 1) != 0) {
        fault_board_applied(service->faults, FAULT_BROKEN_SOURCE);
    }
}

void service_get_list(struct service *service, const struct service_call *call,
                      struct httpd_reply *reply)
{
    const struct httpd_request *request = call->request;
    struct list_request asked;
    char reason[REQUEST_REASON_SIZE];
    if (httpd_query_count(request, "user_id") > 1 || httpd_query_count(request, "n") > 1) {
        service_refuse(reply, UNPROCESSABLE, "user_id and n may each be given once only");
        return;
    }
    if (!request_read_list(httpd_query(request, "user_id"), httpd_query(request, "n"), &asked,
                           reason)) {
        service_refuse(reply, UNPROCESSABLE, reason);
        return;
    }
    struct publish_reader reader = publish_enter(&service->publish);
    struct service_lane *lane = reader.model != NULL ? lane_of(service, &reader) : NULL;
    if (reader.model == NULL) {
        service_refuse(reply, UNAVAILABLE, "the model is not trained yet");
    } else if (lane == NULL) {
        service_refuse(reply, UNAVAILABLE, "out of memory");
    } else {
        serve_list(service, reader.model, &asked, &call->plan, lane, reply);
    }
    publish_leave(&service->publish, &reader);
}
