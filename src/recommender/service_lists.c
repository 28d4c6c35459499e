/* GET /recommendations/ */
#include "recommender/service_int.h"

#include "recommender/recommend.h"
#include "recommender/requests.h"

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

void service_get_list(struct service *service, const struct httpd_request *request,
                      struct httpd_reply *reply)
{
    struct list_request asked;
    char reason[REQUEST_REASON_SIZE];
    if (!request_read_list(httpd_query(request, "user_id"), httpd_query(request, "n"), &asked,
                           reason)) {
        service_refuse(reply, UNPROCESSABLE, reason);
        return;
    }
    struct publish_reader reader = publish_enter(&service->publish);
    const struct model *model = reader.model;
    if (model == NULL) {
        service_refuse(reply, UNAVAILABLE, "the model is not trained yet");
    } else if (!serve_list(service, model, &asked, reply)) {
        service_refuse(reply, UNAVAILABLE, "out of memory");
    }
    publish_leave(&service->publish, &reader);
}
