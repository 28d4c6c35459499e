/*
 * The whole service under load while it trains again: threads ask for lists, rate what
 * they were shown and scrape, through the handler that the HTTP server calls, and the retraining
 * publishes a model that holds the ratings posted until then. Each list must be whole and without
 * films its person has rated; at the end the counters must be exactly what was done. Run under
 * ThreadSanitizer.
 */
#include "recommender/service.h"

#include "base/clock.h"
#include "base/fileio.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "taste_world.h"

#include <jansson.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    CLIENTS = 3,
    TRAININGS = 1, /* after the first */
    STEPS_LEAST = 30,
    STEPS_RATED = 400, /* a client's; then it only asks, or people would run out of films */
    LENGTH = 10,
    DEADLINE_S = 120,
    FAULTS_TOLD = 10
};

struct shared {
    struct service *service;
    atomic_bool done;
    atomic_int faults;
};

struct client {
    struct shared *shared;
    int index;
    int64_t lists, ratings, half_stars, ranks;
    pthread_t thread;
    bool rated[TASTE_USERS / CLIENTS][TASTE_FILMS]; /* by its n-th person */
};

static void fault(struct shared *shared, const char *text)
{
    if (atomic_fetch_add(&shared->faults, 1) < FAULTS_TOLD) {
        (void)fprintf(stderr, "race_service: %s\n", text);
    }
}

/* A query of one value. */
static const char *look_up(void *context, enum httpd_field field, const char *name, size_t *count)
{
    bool here = field == HTTPD_QUERY && context != NULL && strcmp(name, "user_id") == 0;
    *count += here;
    return here ? context : NULL;
}

/* The parsed answer, NULL if it is not JSON; the caller's reference. */
static json_t *call(struct shared *shared, const char *method, const char *path, char *user_id,
                    const char *body, int wanted)
{
    const struct httpd_request request = {.method = method,
                                          .path = path,
                                          .query = "",
                                          .body = body,
                                          .body_len = strlen(body),
                                          .loopback = true,
                                          .lookup = look_up,
                                          .lookup_context = user_id};
    struct httpd_reply reply = {.status = 200, .content_type = "application/json"};
    buf_init(&reply.body, SERVICE_REPLY_MAX_BYTES);
    service_handle(shared->service, &request, &reply);
    json_t *value =
        reply.body.len > 0 ? json_loadb(reply.body.data, reply.body.len, 0, NULL) : NULL;
    if (reply.status != wanted || reply.body.failed) {
        fault(shared, reply.body.len > 0 ? reply.body.data : "no answer");
    }
    buf_deinit(&reply.body);
    return value;
}

static int32_t film_of(const json_t *place)
{
    return ((int32_t)json_integer_value(json_object_get(place, "movie_id")) - 7) / 10;
}

static void rate(struct client *client, int32_t user_id, const json_t *list, size_t p)
{
    char body[160];
    const json_t *place = json_array_get(json_object_get(list, "recommendations"), p);
    int half_stars = 1 + (int)(client->ratings % 10);
    (void)snprintf(body, sizeof body,
                   "{\"user_id\":%d,\"movie_id\":%d,\"rating\":%.1f,\"request_id\":\"%s\"}",
                   user_id, taste_movie_id(film_of(place)), 0.5 * half_stars,
                   json_string_value(json_object_get(list, "request_id")));
    json_decref(call(client->shared, "POST", "/ratings/", NULL, body, 201));
    client->ratings++;
    client->half_stars += half_stars;
    client->ranks += (int64_t)p + 1;
}

static void step(struct client *client, bool then_rate)
{
    char text[16];
    int n = (int)(client->lists % (TASTE_USERS / CLIENTS));
    int32_t user_id = 1 + client->index + CLIENTS * n;
    (void)snprintf(text, sizeof text, "%d", user_id);
    json_t *list = call(client->shared, "GET", "/recommendations/", text, "", 200);
    const json_t *places = json_object_get(list, "recommendations");
    if (json_array_size(places) != LENGTH) {
        fault(client->shared, "a list is short");
    }
    for (size_t p = 0; p < json_array_size(places); p++) {
        int32_t film = film_of(json_array_get(places, p));
        if (film < 0 || film >= TASTE_FILMS || client->rated[n][film]) {
            fault(client->shared, "a list holds a film that its person has rated, or none");
        }
    }
    client->lists++;
    if (then_rate && json_array_size(places) == LENGTH) {
        size_t p = (size_t)(client->ratings % LENGTH);
        client->rated[n][film_of(json_array_get(places, p))] = true;
        rate(client, user_id, list, p);
    }
    json_decref(list);
}

static void *run_client(void *argument)
{
    struct client *client = argument;
    while (!atomic_load(&client->shared->done) || client->lists < STEPS_LEAST) {
        step(client, client->lists < STEPS_RATED);
    }
    return NULL;
}

static double metric(struct shared *shared, const char *name)
{
    struct metrics_snapshot *snapshot = NULL;
    struct httpd_reply reply = {.status = 200};
    const struct httpd_request request = {
        .method = "GET", .path = "/metrics", .query = "", .body = "", .loopback = true};
    bool found = false;
    double sum = 0;
    buf_init(&reply.body, SERVICE_REPLY_MAX_BYTES);
    service_handle(shared->service, &request, &reply);
    if (metrics_parse("metrics", reply.body.data, reply.body.len, &snapshot, NULL) == ERR_OK) {
        sum = metrics_sum(snapshot, name, NULL, 0, &found);
        metrics_snapshot_free(snapshot);
    }
    buf_deinit(&reply.body);
    if (!found) {
        fault(shared, "a scrape lacks a metric");
    }
    return sum;
}

/* Waits for the training under way; scrapes meanwhile. */
static bool await_model(struct shared *shared, int version)
{
    struct trainer_status status;
    double lists = 0;
    for (int64_t until = clock_mono_ns() + DEADLINE_S * CLOCK_NS_PER_S; clock_mono_ns() < until;) {
        service_training(shared->service, &status);
        if (status.state != TRAINER_TRAINING) {
            return status.model_version == version;
        }
        double now = metric(shared, "recommendation_lists_total");
        if (now < lists) {
            fault(shared, "a counter fell");
        }
        lists = now;
    }
    return false;
}

static void check(struct shared *shared, const char *name, int64_t wanted, double scale)
{
    double counted = metric(shared, name);
    if (counted != (double)wanted * scale) {
        (void)fprintf(stderr, "%s: %g, wanted %g\n", name, counted, (double)wanted * scale);
        fault(shared, "a counter is not what was done");
    }
}

/* Makes the folder with the data and opens the service on it. */
static bool open_service(struct shared *shared, char *folder, char *data_folder, size_t size)
{
    struct dataset data;
    struct error error = {0};
    struct service_config config = service_defaults();
    if (mkdtemp(folder) == NULL) {
        return false;
    }
    (void)snprintf(data_folder, size, "%s/data", folder);
    taste_data(&data, 0, 1600000000, 1);
    bool good = taste_write(&data, data_folder);
    dataset_deinit(&data);
    config.trainer.train = taste_config();
    config.trainer.data_folder = data_folder;
    if (!good || service_open(&shared->service, &config, &error) != ERR_OK) {
        (void)fprintf(stderr, "race_service: %s\n", error.text);
        return false;
    }
    return await_model(shared, 1);
}

static void retrain_under_load(struct shared *shared)
{
    for (int version = 2; version <= 1 + TRAININGS; version++) {
        json_decref(call(shared, "POST", "/admin/retrain", NULL, "", 202));
        if (!await_model(shared, version)) {
            fault(shared, "a training failed");
        }
    }
    atomic_store(&shared->done, true);
}

int main(void)
{
    char folder[] = "/tmp/race-service-XXXXXX", data_folder[64];
    struct shared shared = {.service = NULL};
    struct client *clients = mem_zalloc(CLIENTS, sizeof *clients);
    if (!open_service(&shared, folder, data_folder, sizeof data_folder)) {
        return 1;
    }
    for (int c = 0; c < CLIENTS; c++) {
        clients[c].shared = &shared;
        clients[c].index = c;
        if (pthread_create(&clients[c].thread, NULL, run_client, &clients[c]) != 0) {
            return 1;
        }
    }
    retrain_under_load(&shared);
    struct client sum = {0};
    for (int c = 0; c < CLIENTS; c++) {
        pthread_join(clients[c].thread, NULL);
        sum.lists += clients[c].lists;
        sum.ratings += clients[c].ratings;
        sum.half_stars += clients[c].half_stars;
        sum.ranks += clients[c].ranks;
    }
    check(&shared, "recommendation_lists_total", sum.lists, 1);
    check(&shared, "recommendation_items_total", sum.lists, LENGTH);
    check(&shared, "user_rating_count", sum.ratings, 1);
    check(&shared, "user_rating_sum", sum.half_stars, 0.5);
    check(&shared, "item_rank_sum", sum.ranks, 1);
    check(&shared, "recommendation_lists_rated_total", sum.ratings, 1);
    check(&shared, "recommendation_history_ratings", sum.ratings, 1);
    service_close(shared.service);
    mem_free(clients);
    (void)file_remove_tree(folder, NULL);
    printf("race_service: %lld lists and %lld ratings during %d trainings\n", (long long)sum.lists,
           (long long)sum.ratings, TRAININGS);
    return atomic_load(&shared.faults) == 0 ? 0 : 1;
}
