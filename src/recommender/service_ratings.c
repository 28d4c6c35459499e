/* POST /ratings/ */
#include "recommender/service_int.h"

#include "base/clock.h"
#include "recommender/requests.h"

static void answer_kept(struct httpd_reply *reply, const struct attribution *attribution)
{
    service_answer(reply, CREATED,
                   attribution->attributed
                       ? json_pack("{s:s,s:s,s:i}", "status", "ok", "recommender",
                                   source_name(attribution->source), "rank", attribution->rank)
                       : json_pack("{s:s,s:n,s:n}", "status", "ok", "recommender", "rank"));
}

/* Keeps a checked rating of a known film and answers. */
static void accept_rating(struct service *service, const struct model *model, int32_t item,
                          const struct rating_request *asked, const struct fault_plan *plan,
                          struct httpd_reply *reply)
{
    const struct posted_rating rating = {.user_id = asked->user_id,
                                         .movie_id = asked->movie_id,
                                         .half_stars = asked->half_stars,
                                         .time_s = clock_wall_ns() / CLOCK_NS_PER_S};
    struct error error = {0};
    if (store_add(service->store, &rating, asked->request_id, &error) != ERR_OK) {
        service_refuse(reply, SERVER_ERROR, "the rating could not be kept");
        return;
    }
    if (plan->stale) { /* kept for later, but nothing is learnt from it now */
        fault_board_applied(service->faults, FAULT_STALE_MODEL);
    } else {
        history_add(service->history, &rating);
    }
    trainer_rated(service->trainer);
    struct attribution attribution =
        served_rate(service->served, asked->user_id, asked->movie_id, asked->half_stars,
                    asked->request_id, clock_mono_ns());
    service_metrics_rating(service->metrics, &attribution, asked->half_stars,
                           model_predict_stars(model, asked->user_id, item));
    answer_kept(reply, &attribution);
}

void service_post_rating(struct service *service, const struct service_call *call,
                         struct httpd_reply *reply)
{
    const struct httpd_request *request = call->request;
    struct rating_request asked;
    char reason[REQUEST_REASON_SIZE];
    if (!request_read_rating(request->body, request->body_len, &asked, reason)) {
        service_refuse(reply, UNPROCESSABLE, reason);
        return;
    }
    struct publish_reader reader = publish_enter(&service->publish);
    const struct model *model = reader.model;
    int32_t item = model != NULL ? catalogue_index(&model->corpus.catalogue, asked.movie_id) : -1;
    if (model == NULL) {
        service_refuse(reply, UNAVAILABLE, "the model is not trained yet");
    } else if (item < 0) {
        atomic_fetch_add(&service->unknown_films, 1);
        service_refuse(reply, NOT_FOUND, "movie_id: no such film");
    } else if (call->plan.dropped) {
        fault_board_applied(service->faults, FAULT_DROPPED_RATINGS);
        answer_kept(reply, &(struct attribution){0});
    } else {
        accept_rating(service, model, item, &asked, &call->plan, reply);
    }
    publish_leave(&service->publish, &reader);
}
