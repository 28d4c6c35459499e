/*
 * Clients ask, and half of what they ask is held and answered by two other threads; some clients
 * leave before. In the end the server is stopped under load. Every request held is sent once. Run
 * under ThreadSanitizer.
 */
#include "base/clock.h"
#include "base/httpd.h"
#include "raw_http.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

enum { CLIENTS = 6, SENDERS = 2, QUEUE = 64, REQUESTS = 400, ROUNDS = 3 };

struct shared {
    struct httpd *httpd;
    const char *url;
    pthread_mutex_t mutex; /* guards the queue */
    pthread_cond_t filled;
    struct httpd_held *queue[QUEUE];
    int count;
    bool done;
    atomic_int held, sent, answered, faults;
    atomic_bool stopping;
};

static void on_request(void *context, const struct httpd_request *request,
                       struct httpd_reply *reply)
{
    struct shared *shared = context;
    if (strcmp(request->path, "/hold") == 0) {
        pthread_mutex_lock(&shared->mutex);
        struct httpd_held *held = shared->count < QUEUE ? httpd_hold(request) : NULL;
        if (held != NULL) {
            shared->queue[shared->count++] = held;
            atomic_fetch_add(&shared->held, 1);
            pthread_cond_signal(&shared->filled);
        }
        pthread_mutex_unlock(&shared->mutex);
        if (held != NULL) {
            return;
        }
    }
    buf_printf(&reply->body, "%.*s", (int)request->body_len, request->body);
}

static void *send_replies(void *context)
{
    struct shared *shared = context;
    pthread_mutex_lock(&shared->mutex);
    while (!shared->done || shared->count > 0) {
        if (shared->count == 0) {
            pthread_cond_wait(&shared->filled, &shared->mutex);
            continue;
        }
        struct httpd_held *held = shared->queue[--shared->count];
        pthread_mutex_unlock(&shared->mutex);
        const struct httpd_request *request = httpd_held_request(held);
        struct httpd_reply reply;
        httpd_reply_init(held, &reply);
        buf_printf(&reply.body, "%.*s", (int)request->body_len, request->body);
        httpd_send(held, &reply);
        atomic_fetch_add(&shared->sent, 1);
        pthread_mutex_lock(&shared->mutex);
    }
    pthread_mutex_unlock(&shared->mutex);
    return NULL;
}

static void *ask(void *context)
{
    struct shared *shared = context;
    static const char held[] = "POST /hold HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello";
    static const char plain[] = "POST /now HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello";
    int fd = raw_dial(shared->url);
    for (int i = 0; i < REQUESTS && !atomic_load(&shared->stopping); i++) {
        char answer[1024];
        const char *text = i % 2 == 0 ? held : plain;
        raw_send(fd, text, strlen(text));
        if (i % 50 == 48) { /* leaves without waiting */
            close(fd);
            fd = raw_dial(shared->url);
            continue;
        }
        raw_receive(fd, 1, answer, sizeof(answer));
        if (strstr(answer, "\r\n\r\nhello") != NULL) {
            atomic_fetch_add(&shared->answered, 1);
        } else if (!atomic_load(&shared->stopping)) {
            (void)fprintf(stderr, "race_httpd: bad answer '%s'\n", answer);
            atomic_fetch_add(&shared->faults, 1);
        }
    }
    close(fd);
    return NULL;
}

/* The last round is stopped in the middle. */
static void play(struct shared *shared, bool stop_early)
{
    const struct httpd_config config = {.listen = "127.0.0.1:0",
                                        .threads = 2,
                                        .body_max_bytes = 100,
                                        .reply_max_bytes = 1000,
                                        .connections_max = 64};
    struct error error = {.code = ERR_OK};
    pthread_t clients[CLIENTS], senders[SENDERS];
    if (httpd_start(&shared->httpd, &config, on_request, shared, &error) != ERR_OK) {
        (void)fprintf(stderr, "race_httpd: %s\n", error.text);
        abort();
    }
    shared->url = httpd_url(shared->httpd);
    for (int i = 0; i < SENDERS; i++) {
        pthread_create(&senders[i], NULL, send_replies, shared);
    }
    for (int i = 0; i < CLIENTS; i++) {
        pthread_create(&clients[i], NULL, ask, shared);
    }
    if (stop_early) {
        while (atomic_load(&shared->answered) < REQUESTS / 2) {
            clock_sleep_ns(CLOCK_NS_PER_MS);
        }
        /* The listening socket goes, so clients must not dial any more. */
        atomic_store(&shared->stopping, true);
        clock_sleep_ns(20 * CLOCK_NS_PER_MS);
    } else {
        for (int i = 0; i < CLIENTS; i++) {
            pthread_join(clients[i], NULL);
        }
    }
    httpd_stop(shared->httpd);
    if (stop_early) {
        for (int i = 0; i < CLIENTS; i++) {
            pthread_join(clients[i], NULL);
        }
    }
    pthread_mutex_lock(&shared->mutex);
    shared->done = true;
    pthread_cond_broadcast(&shared->filled);
    pthread_mutex_unlock(&shared->mutex);
    for (int i = 0; i < SENDERS; i++) {
        pthread_join(senders[i], NULL);
    }
}

int main(void)
{
    int faults = 0;
    for (int round = 0; round < ROUNDS; round++) {
        struct shared shared = {.mutex = PTHREAD_MUTEX_INITIALIZER,
                                .filled = PTHREAD_COND_INITIALIZER};
        play(&shared, round == ROUNDS - 1);
        int held = atomic_load(&shared.held), sent = atomic_load(&shared.sent);
        printf("race_httpd: %d answered, %d held, %d sent\n", atomic_load(&shared.answered), held,
               sent);
        faults += atomic_load(&shared.faults) + (held != sent) + (held == 0);
    }
    return faults == 0 ? 0 : 1;
}
