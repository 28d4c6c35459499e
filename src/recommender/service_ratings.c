/*
 * POST /ratings/. The request is checked on the thread it came on, then held while the rating goes
 * through the store's queue; the store's committer finishes it: history, attribution and counters
 * learn of the rating, and the client gets its 201. A request that cannot be held (made by hand, or
 * the server is stopping) waits for the committer where it is.
 *
 * A rating that repeats the one kept for this person and film, with the same stars and the same
 * non-empty request id, is a client's second try after a lost answer: it gets the same 201 and
 * counts for nothing, but in ratings_repeated_total. With other stars it is a new rating, which
 * takes the former's place and counts.
 */
#include "recommender/service_int.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "recommender/requests.h"
#include "recommender/store.h"

#include <assert.h>
#include <string.h>

static_assert(sizeof(((struct rating_request *)0)->request_id) == STORE_ID_SIZE, "ids fit");

struct pending_rating {
    struct store_entry entry; /* first: what the store knows */
    struct service *service;
    struct service_call call; /* without its request */
    struct httpd_held *held;
    double predicted_stars;
};

static void answer_kept(struct httpd_reply *reply, const struct attribution *attribution)
{
    reply->status = CREATED;
    if (attribution->attributed) {
        buf_printf(&reply->body, "{\"status\":\"ok\",\"recommender\":\"%s\",\"rank\":%d}",
                   source_name(attribution->source), attribution->rank);
    } else {
        buf_text(&reply->body, "{\"status\":\"ok\",\"recommender\":null,\"rank\":null}");
    }
}

static void answer_not_kept(struct httpd_reply *reply, const char *why)
{
    service_refuse(reply, UNAVAILABLE, why);
    reply->retry_after_s = 1;
}

/* What follows once the store has told. */
static void conclude(const struct pending_rating *pending, enum err code, struct httpd_reply *reply)
{
    struct service *service = pending->service;
    const struct posted_rating *rating = &pending->entry.rating;
    if (code != ERR_OK) {
        answer_not_kept(reply, "the rating could not be kept");
        return;
    }
    struct attribution attribution =
        served_rate(service->served, rating->user_id, rating->movie_id, rating->half_stars,
                    pending->entry.request_id, clock_mono_ns());
    if (!pending->entry.repeated) {
        if (pending->call.plan.stale) { /* kept for later, but nothing is learnt from it now */
            fault_board_applied(service->faults, FAULT_STALE_MODEL);
        } else {
            history_add(service->history, rating);
        }
        trainer_rated(service->trainer);
        service_metrics_rating(service->metrics, &attribution, rating->half_stars,
                               pending->predicted_stars);
    }
    answer_kept(reply, &attribution);
}

/* On the committer's thread. */
static void rating_done(struct store_entry *entry, enum err code)
{
    struct pending_rating *pending = (struct pending_rating *)entry;
    struct httpd_reply reply;
    httpd_reply_init(pending->held, &reply);
    conclude(pending, code, &reply);
    service_finish_held(pending->service, &pending->call, pending->held, &reply);
    mem_free(pending);
}

static const char too_many[] = "too many ratings are waiting to be kept";

/* Keeps a checked rating of a known film. False if it is answered later. */
static bool accept_rating(struct pending_rating *pending, const struct httpd_request *request,
                          struct httpd_reply *reply)
{
    struct store *store = pending->service->store;
    pending->held = httpd_hold(request);
    if (pending->held == NULL) {
        struct error error = {0};
        conclude(pending, store_add(store, &pending->entry, &error), reply);
        mem_free(pending);
        return true;
    }
    pending->entry.done = rating_done;
    if (!store_put(store, &pending->entry)) {
        struct httpd_reply late;
        httpd_reply_init(pending->held, &late);
        answer_not_kept(&late, too_many);
        service_finish_held(pending->service, &pending->call, pending->held, &late);
        mem_free(pending);
    }
    return false;
}

static struct pending_rating *new_pending(struct service *service, const struct service_call *call,
                                          const struct rating_request *asked)
{
    struct pending_rating *pending = mem_try_alloc(sizeof *pending);
    if (pending != NULL) {
        *pending = (struct pending_rating){
            .service = service,
            .call = *call,
            .entry.rating = {.user_id = asked->user_id,
                             .movie_id = asked->movie_id,
                             .half_stars = asked->half_stars,
                             .time_s = clock_wall_ns() / CLOCK_NS_PER_S},
        };
        pending->call.request = NULL;
        memcpy(pending->entry.request_id, asked->request_id, STORE_ID_SIZE);
    }
    return pending;
}

/* Whether the film is known, and what the model expects of the rating. Answers if it is not. */
static bool check_film(struct service *service, const struct rating_request *asked,
                       double *predicted_stars, struct httpd_reply *reply)
{
    struct publish_reader reader = publish_enter(&service->publish);
    const struct model *model = reader.model;
    int32_t item = model != NULL ? catalogue_index(&model->corpus.catalogue, asked->movie_id) : -1;
    if (model == NULL) {
        service_refuse(reply, UNAVAILABLE, "the model is not trained yet");
    } else if (item < 0) {
        atomic_fetch_add(&service->unknown_films, 1);
        service_refuse(reply, NOT_FOUND, "movie_id: no such film");
    } else {
        *predicted_stars = model_predict_stars(model, asked->user_id, item);
    }
    publish_leave(&service->publish, &reader);
    return item >= 0;
}

bool service_post_rating(struct service *service, const struct service_call *call,
                         struct httpd_reply *reply)
{
    const struct httpd_request *request = call->request;
    struct rating_request asked;
    char reason[REQUEST_REASON_SIZE];
    double predicted_stars = 0;
    if (!request_read_rating(request->body, request->body_len, &asked, reason)) {
        service_refuse(reply, UNPROCESSABLE, reason);
        return true;
    }
    if (!check_film(service, &asked, &predicted_stars, reply)) {
        return true;
    }
    if (call->plan.dropped) {
        fault_board_applied(service->faults, FAULT_DROPPED_RATINGS);
        answer_kept(reply, &(struct attribution){0});
        return true;
    }
    struct pending_rating *pending = new_pending(service, call, &asked);
    if (pending == NULL) {
        answer_not_kept(reply, "out of memory");
        return true;
    }
    pending->predicted_stars = predicted_stars;
    return accept_rating(pending, request, reply);
}

void service_write_store(struct service *service, struct buf *out)
{
    struct store_account account;
    store_account(service->store, &account);
    const struct {
        const char *name, *type, *help;
        uint64_t value;
    } rows[] = {
        {"rating_store_commits_total", "counter", "Transactions that kept ratings.",
         account.commits},
        {"rating_store_failed_commits_total", "counter",
         "Transactions that failed, so that their ratings were refused.", account.failed_commits},
        {"ratings_kept_total", "counter", "Ratings kept, repeated ones included.", account.kept},
        {"ratings_repeated_total", "counter",
         "Ratings that were there already, with the same stars and request id.", account.repeated},
        {"ratings_lost_total", "counter", "Ratings refused because a transaction failed.",
         account.lost},
        {"ratings_turned_away_total", "counter", "Ratings refused because too many were waiting.",
         account.refused},
        {"ratings_waiting", "gauge", "Ratings on their way into the store.",
         (uint64_t)account.waiting},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        metrics_family(out, rows[i].name, rows[i].type, rows[i].help);
        metrics_sample(out, rows[i].name, NULL, 0, (double)rows[i].value);
    }
}
