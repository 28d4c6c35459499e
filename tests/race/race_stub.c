/* The stub server asked by two threads at once, each with a transport of its own, while a third
 * freezes it, lets it go on and reads its counts. Exit status 0 = every answer came. */
#include "base/clock.h"
#include "load/stub_server.h"
#include "load/transport.h"

#include <curl/curl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>

#define SLOTS 4
#define REQUESTS 300
#define HANG_NS (120 * CLOCK_NS_PER_S)

struct asker {
    const struct transport_class *class;
    const char *url;
    int good;
};

static void begin(struct asker *asker, struct transport *transport, struct exchange *exchange,
                  int user)
{
    exchange->path_len = (size_t)snprintf(exchange->path, sizeof exchange->path,
                                          "/recommendations/?user_id=%d&n=10", user);
    buf_reset(&exchange->answer);
    asker->class->start(transport, exchange);
}

static void *ask(void *context)
{
    struct asker *asker = context;
    const struct request_shape shape = {"GET", false, asker->url, ""};
    const struct request_shape *shapes[] = {&shape};
    const struct transport_config config = {.slots = SLOTS,
                                            .timeout_ms = 60000,
                                            .shape = shapes,
                                            .shape_count = 1,
                                            .answer_max_bytes = 65536};
    struct exchange exchange[SLOTS] = {{0}}, *done[SLOTS];
    struct transport *transport = NULL;
    int started = 0, finished = 0;
    int64_t deadline = clock_mono_ns() + HANG_NS;
    if (asker->class->open(&config, &transport, NULL) != ERR_OK) {
        return NULL;
    }
    for (; started < SLOTS; started++) {
        exchange[started].slot = started;
        exchange[started].shape = &shape;
        buf_init(&exchange[started].answer, 65536);
        begin(asker, transport, &exchange[started], started);
    }
    while (finished < REQUESTS && clock_mono_ns() < deadline) {
        int count = asker->class->wait(transport, clock_mono_ns() + CLOCK_NS_PER_S, done);
        for (int i = 0; i < count; i++) {
            finished++;
            asker->good += done[i]->status == 200;
            if (started < REQUESTS) {
                begin(asker, transport, done[i], started++);
            }
        }
    }
    asker->class->close(transport);
    for (int i = 0; i < SLOTS; i++) {
        buf_deinit(&exchange[i].answer);
    }
    return NULL;
}

int main(void)
{
    const struct stub_config config = {
        .service_ns = CLOCK_NS_PER_MS, .workers = 2, .rotate = true, .worse_at = 6};
    struct asker asker[2] = {{.class = &transport_http1}, {.class = &transport_curl}};
    pthread_t thread[2];
    struct stub *stub = NULL;
    struct stub_counts counts = {0};
    signal(SIGPIPE, SIG_IGN);
    curl_global_init(CURL_GLOBAL_ALL);
    if (stub_start(&stub, &config, NULL) != ERR_OK) {
        return 1;
    }
    for (int i = 0; i < 2; i++) {
        asker[i].url = stub_url(stub);
        if (pthread_create(&thread[i], NULL, ask, &asker[i]) != 0) {
            return 1;
        }
    }
    for (int i = 0; i < 20; i++) {
        stub_freeze(stub, i % 2 == 0);
        stub_counts(stub, &counts);
        clock_sleep_ns(5 * CLOCK_NS_PER_MS);
    }
    pthread_join(thread[0], NULL);
    pthread_join(thread[1], NULL);
    stub_counts(stub, &counts);
    stub_stop(stub);
    printf("%d and %d of %d answers, %lld lists, %lld of them worse\n", asker[0].good,
           asker[1].good, REQUESTS, (long long)counts.lists, (long long)counts.worse);
    return asker[0].good == REQUESTS && asker[1].good == REQUESTS && counts.lists == 2 * REQUESTS &&
                   counts.waiting_now == 0
               ? 0
               : 1;
}
