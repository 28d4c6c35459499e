/*
 * Ratings over real connections while lists are asked for and a training reads the store: each is
 * held until the committer has it, and a person's next list must not hold what they have just
 * rated. In the end the server is stopped under load. Run under ThreadSanitizer.
 */
#include "base/clock.h"
#include "base/fileio.h"
#include "raw_http.h"
#include "recommender/service.h"
#include "taste_world.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum { CLIENTS = 4, STEPS = 60, TRAININGS = 2, DEADLINE_S = 120, FAULTS_TOLD = 10 };

struct shared {
    struct service *service;
    struct httpd *httpd;
    const char *url;
    atomic_bool stopping;
    atomic_int faults, kept;
};

struct client {
    struct shared *shared;
    int index;
    pthread_t thread;
};

static void fault(struct shared *shared, const char *text)
{
    if (atomic_fetch_add(&shared->faults, 1) < FAULTS_TOLD) {
        (void)fprintf(stderr, "race_ratings: %.300s\n", text);
    }
}

/* False when the connection has ended. */
static bool ask(int fd, const char *request, char *answer, size_t size)
{
    raw_talk(fd, request, strlen(request), 1, answer, size);
    return answer[0] != '\0';
}

static bool get_list(int fd, int user_id, char *answer, size_t size)
{
    char request[128];
    (void)snprintf(request, sizeof request,
                   "GET /recommendations/?user_id=%d&n=5 HTTP/1.1\r\nHost: h\r\n\r\n", user_id);
    return ask(fd, request, answer, size);
}

static bool rate(int fd, int user_id, int movie_id, char *answer, size_t size)
{
    char body[128], request[256];
    (void)snprintf(body, sizeof body, "{\"user_id\":%d,\"movie_id\":%d,\"rating\":3.5}", user_id,
                   movie_id);
    (void)snprintf(request, sizeof request,
                   "POST /ratings/ HTTP/1.1\r\nHost: h\r\nContent-Length: %zu\r\n\r\n%s",
                   strlen(body), body);
    return ask(fd, request, answer, size);
}

/* A list, the first film of it rated, and a list without it. */
static bool step(struct client *client, int fd, int user_id)
{
    char answer[4096], place[64];
    int movie_id = 0;
    if (!get_list(fd, user_id, answer, sizeof answer)) {
        return false;
    }
    const char *first = strstr(answer, "\"movie_id\":");
    if (first == NULL || sscanf(first, "\"movie_id\":%d", &movie_id) != 1) {
        fault(client->shared, answer);
        return false;
    }
    if (!rate(fd, user_id, movie_id, answer, sizeof answer)) {
        return false;
    }
    if (strncmp(answer, "HTTP/1.1 201 ", 13) != 0) {
        fault(client->shared, answer);
        return false;
    }
    atomic_fetch_add(&client->shared->kept, 1);
    if (!get_list(fd, user_id, answer, sizeof answer)) {
        return false;
    }
    (void)snprintf(place, sizeof place, "\"movie_id\":%d,", movie_id);
    if (strstr(answer, place) != NULL) {
        fault(client->shared, "a list holds what was rated just before");
    }
    return true;
}

static void *run_client(void *argument)
{
    struct client *client = argument;
    int fd = raw_dial(client->shared->url);
    bool good = true;
    for (int i = 0; good && (i < STEPS || !atomic_load(&client->shared->stopping)); i++) {
        good = step(client, fd, 1000 + client->index + CLIENTS * (i % 200));
    }
    close(fd);
    return NULL;
}

static bool await_training(struct service *service)
{
    struct trainer_status status = {.state = TRAINER_TRAINING};
    for (int i = 0; i < DEADLINE_S * 1000 && status.state == TRAINER_TRAINING; i++) {
        clock_sleep_ns(CLOCK_NS_PER_MS);
        service_training(service, &status);
    }
    return status.state == TRAINER_IDLE;
}

static bool open_face(struct shared *shared, const char *data_folder, const char *store)
{
    struct dataset data;
    struct error error = {0};
    struct service_config config = service_defaults();
    taste_data(&data, 0, 1600000000, 1);
    bool good = taste_write(&data, data_folder);
    dataset_deinit(&data);
    config.trainer.train = taste_config();
    config.trainer.data_folder = data_folder;
    config.store_path = store;
    good = good && service_open(&shared->service, &config, &error) == ERR_OK &&
           await_training(shared->service);
    const struct httpd_config server = {.listen = "127.0.0.1:0",
                                        .threads = 2,
                                        .body_max_bytes = SERVICE_BODY_MAX_BYTES,
                                        .reply_max_bytes = SERVICE_REPLY_MAX_BYTES,
                                        .connections_max = 16,
                                        .tell_refused = true,
                                        .let_go = service_let_go};
    good = good &&
           httpd_start(&shared->httpd, &server, service_handle, shared->service, &error) == ERR_OK;
    if (!good) {
        (void)fprintf(stderr, "race_ratings: %s\n", error.text);
    }
    return good;
}

static void retrain(struct shared *shared)
{
    static const char request[] = "POST /admin/retrain HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n"
                                  "\r\n";
    char answer[4096];
    int fd = raw_dial(shared->url);
    if (!ask(fd, request, answer, sizeof answer) || strncmp(answer, "HTTP/1.1 202", 12) != 0) {
        fault(shared, answer);
    }
    close(fd);
    if (!await_training(shared->service)) {
        fault(shared, "a training failed");
    }
}

int main(void)
{
    struct shared shared = {.faults = 0};
    struct client clients[CLIENTS];
    char folder[] = "/tmp/race-ratings-XXXXXX", data[64], store[64];
    if (mkdtemp(folder) == NULL) {
        return 1;
    }
    (void)snprintf(data, sizeof data, "%s/data", folder);
    (void)snprintf(store, sizeof store, "%s/ratings.db", folder);
    if (!open_face(&shared, data, store)) {
        return 1;
    }
    shared.url = httpd_url(shared.httpd);
    for (int c = 0; c < CLIENTS; c++) {
        clients[c] = (struct client){.shared = &shared, .index = c};
        if (pthread_create(&clients[c].thread, NULL, run_client, &clients[c]) != 0) {
            return 1;
        }
    }
    for (int t = 0; t < TRAININGS; t++) {
        retrain(&shared);
    }
    while (atomic_load(&shared.kept) < CLIENTS * STEPS / 2 && atomic_load(&shared.faults) == 0) {
        clock_sleep_ns(CLOCK_NS_PER_MS);
    }
    httpd_stop(shared.httpd); /* under load: clients find their connections closed */
    atomic_store(&shared.stopping, true);
    for (int c = 0; c < CLIENTS; c++) {
        pthread_join(clients[c].thread, NULL);
    }
    service_close(shared.service);
    if (file_remove_tree(folder, NULL) != ERR_OK) {
        return 1;
    }
    printf("race_ratings: %d ratings kept\n", atomic_load(&shared.kept));
    return atomic_load(&shared.faults) == 0 ? 0 : 1;
}
