/*
 * Clients ask for lists, post ratings and scrape while faults begin, overlap and are ended, and the
 * server stops with requests held. Each request is answered, with a status that a fault or the
 * service explains, and each answer is counted once. Run under ThreadSanitizer.
 */
#include "base/clock.h"
#include "base/fileio.h"
#include "base/http.h"
#include "base/metrics.h"
#include "recommender/service.h"
#include "taste_world.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum { CLIENTS = 3, REQUESTS = 120, FAULTS_TOLD = 10, TIMEOUT_MS = 60000 };

struct shared {
    const char *url;
    atomic_int faults, answered;
};

struct client {
    struct shared *shared;
    int index;
    pthread_t thread;
};

static void wrong(struct shared *shared, const char *what, long status)
{
    if (atomic_fetch_add(&shared->faults, 1) < FAULTS_TOLD) {
        (void)fprintf(stderr, "race_faults: %s, status %ld\n", what, status);
    }
}

/* Returns the status, 0 if there was no answer. */
static long ask(struct http *http, const char *url, const char *path, const char *body,
                struct buf *answer)
{
    char address[256];
    struct http_reply reply = {0};
    (void)snprintf(address, sizeof address, "%s%s", url, path);
    buf_init(&reply.body, 1 << 20);
    enum err code = body == NULL ? http_get(http, address, TIMEOUT_MS, &reply, NULL)
                                 : http_post(http, address, "application/json", body, strlen(body),
                                             TIMEOUT_MS, &reply, NULL);
    if (answer != NULL) {
        *answer = reply.body;
    } else {
        buf_deinit(&reply.body);
    }
    return code == ERR_OK ? reply.status : 0;
}

static void *play(void *argument)
{
    struct client *client = argument;
    struct shared *shared = client->shared;
    struct http *http = http_new();
    for (int i = 0; i < REQUESTS; i++) {
        char text[128];
        long status;
        if (i % 3 == 0) {
            (void)snprintf(text, sizeof text, "{\"user_id\":%d,\"movie_id\":%d,\"rating\":4}",
                           1 + client->index,
                           (int)taste_movie_id((client->index + i) % TASTE_FILMS));
            status = ask(http, shared->url, "/ratings/", text, NULL);
        } else {
            (void)snprintf(text, sizeof text, "/recommendations/?user_id=%d", 1 + i);
            status = ask(http, shared->url, text, NULL, NULL);
        }
        if (status != (i % 3 == 0 ? 201 : 200) && status != 503) {
            wrong(shared, text, status);
        }
        atomic_fetch_add(&shared->answered, 1);
    }
    http_free(http);
    return NULL;
}

/* A request from inside: base/http knows no DELETE. Returns the status. */
static int ask_inside(struct service *service, const char *method, const char *path,
                      const char *body, struct buf *answer)
{
    const struct httpd_request request = {.method = method,
                                          .path = path,
                                          .query = "",
                                          .body = body,
                                          .body_len = strlen(body),
                                          .loopback = true};
    struct httpd_reply reply = {.status = 200, .content_type = "application/json"};
    buf_init(&reply.body, SERVICE_REPLY_MAX_BYTES);
    service_handle(service, &request, &reply);
    if (answer != NULL) {
        *answer = reply.body;
    } else {
        buf_deinit(&reply.body);
    }
    return reply.status;
}

static double metric(struct service *service, const char *name, const char *label,
                     const char *value)
{
    const struct metrics_label one = {label, value};
    struct metrics_snapshot *snapshot = NULL;
    struct buf text;
    bool found = false;
    double sum = -1;
    if (ask_inside(service, "GET", "/metrics", "", &text) == 200 &&
        metrics_parse("metrics", text.data, text.len, &snapshot, NULL) == ERR_OK) {
        sum = metrics_sum(snapshot, name, &one, 1, &found);
        metrics_snapshot_free(snapshot);
    }
    buf_deinit(&text);
    return sum;
}

/* Begins, lists and ends faults until the clients are done. */
static void disturb(struct service *service, struct shared *shared)
{
    static const char *const bodies[] = {
        "{\"kind\":\"latency\",\"duration_s\":60,\"median_s\":0.005,\"sigma\":1}",
        "{\"kind\":\"stall\",\"duration_s\":0.05}",
        "{\"kind\":\"errors\",\"duration_s\":0.05,\"share\":0.3,\"status\":503}",
        "{\"kind\":\"stale-model\",\"duration_s\":0.05}",
        "{\"kind\":\"broken-source\",\"duration_s\":0.05,\"source\":\"base\",\"items\":\"random\"}",
        "{\"kind\":\"dropped-ratings\",\"duration_s\":0.05,\"share\":0.5}",
        "{\"kind\":\"stall\",\"duration_s\":60}"};
    const int count = sizeof bodies / sizeof *bodies;
    for (int turn = 0; atomic_load(&shared->answered) < CLIENTS * REQUESTS; turn++) {
        int status = ask_inside(service, "POST", "/admin/fault", bodies[turn % count], NULL);
        if (status != 201) {
            wrong(shared, bodies[turn % count], status);
        }
        clock_sleep_ns(2 * CLOCK_NS_PER_MS);
        status = ask_inside(service, "GET", "/admin/fault", "", NULL);
        if (status != 200 || metric(service, "fault_active", "kind", "stall") < 0) {
            wrong(shared, "looking at faults", status);
        }
        if (turn % count == count - 1 &&
            ask_inside(service, "DELETE", "/admin/fault", "", NULL) != 200) {
            wrong(shared, "ending all", status);
        }
    }
    (void)ask_inside(service, "DELETE", "/admin/fault", "", NULL);
}

static void *ask_once(void *argument)
{
    struct shared *shared = argument;
    struct http *http = http_new();
    long status = ask(http, shared->url, "/recommendations/?user_id=1", NULL, NULL);
    if (status != 200) {
        wrong(shared, "held when the server stopped", status);
    }
    http_free(http);
    return NULL;
}

/* The server stops while a stall holds a request, which must be answered nevertheless. */
static void stop_with_one_held(struct service *service, struct httpd *httpd, struct shared *shared)
{
    pthread_t thread;
    double before = metric(service, "fault_applied_total", "kind", "stall");
    (void)ask_inside(service, "POST", "/admin/fault", "{\"kind\":\"stall\",\"duration_s\":600}",
                     NULL);
    if (pthread_create(&thread, NULL, ask_once, shared) != 0) {
        abort();
    }
    while (metric(service, "fault_applied_total", "kind", "stall") <= before) {
        clock_sleep_ns(CLOCK_NS_PER_MS);
    }
    httpd_stop(httpd);
    pthread_join(thread, NULL);
}

static struct service *open_service(const char *folder)
{
    struct error error = {0};
    struct service *service = NULL;
    struct trainer_status status;
    struct service_config config = service_defaults();
    config.trainer.train = taste_config();
    config.trainer.data_folder = folder;
    config.trainer.retrain_on_ratings = 20;
    config.enable_faults = true;
    config.lists_max = config.users_max = config.ratings_max = 4096;
    if (service_open(&service, &config, &error) != ERR_OK) {
        (void)fprintf(stderr, "race_faults: %s\n", error.text);
        abort();
    }
    do {
        clock_sleep_ns(CLOCK_NS_PER_MS);
        service_training(service, &status);
    } while (status.model_version == 0);
    return service;
}

int main(void)
{
    char folder[] = "/tmp/race-faults-XXXXXX";
    struct dataset data;
    struct shared shared = {.faults = 0};
    struct client clients[CLIENTS];
    struct httpd *httpd = NULL;
    taste_data(&data, 0, 1600000000, 1);
    if (mkdtemp(folder) == NULL || !taste_write(&data, folder)) {
        return 1;
    }
    dataset_deinit(&data);
    struct service *service = open_service(folder);
    const struct httpd_config config = {.listen = "127.0.0.1:0",
                                        .threads = 2,
                                        .body_max_bytes = SERVICE_BODY_MAX_BYTES,
                                        .reply_max_bytes = SERVICE_REPLY_MAX_BYTES,
                                        .connections_max = 64,
                                        .let_go = service_let_go};
    if (httpd_start(&httpd, &config, service_handle, service, NULL) != ERR_OK) {
        return 1;
    }
    shared.url = httpd_url(httpd);
    for (int c = 0; c < CLIENTS; c++) {
        clients[c] = (struct client){.shared = &shared, .index = c};
        if (pthread_create(&clients[c].thread, NULL, play, &clients[c]) != 0) {
            return 1;
        }
    }
    disturb(service, &shared);
    for (int c = 0; c < CLIENTS; c++) {
        pthread_join(clients[c].thread, NULL);
    }
    double counted = metric(service, "http_requests_total", "handler", "/recommendations/") +
                     metric(service, "http_requests_total", "handler", "/ratings/");
    if (counted != CLIENTS * REQUESTS) {
        wrong(&shared, "requests are not counted once each", (long)counted);
    }
    stop_with_one_held(service, httpd, &shared);
    service_close(service);
    (void)file_remove_tree(folder, NULL);
    printf("race_faults: %d requests answered\n", atomic_load(&shared.answered));
    return atomic_load(&shared.faults) == 0 ? 0 : 1;
}
