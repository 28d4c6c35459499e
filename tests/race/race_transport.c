/* Several threads, each with a transport of its own of either kind, against one HTTP server: no
 * thread may touch what another one's connections use, and every request is answered once. Names
 * are resolved, which libcurl does in threads of its own. */
#include "base/clock.h"
#include "base/httpd.h"
#include "load/transport.h"

#include <curl/curl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

enum { THREADS = 4, SLOTS = 4, EXCHANGES = 400 };

#define ANSWER_MAX ((size_t)4096)
#define HANG_NS (120 * CLOCK_NS_PER_S)

struct player {
    const struct transport_class *class;
    const struct request_shape *const *shape;
    struct exchange exchange[SLOTS];
    int answered, wrong;
};

static _Atomic int served;

static void echo(void *context, const struct httpd_request *request, struct httpd_reply *reply)
{
    (void)context;
    atomic_fetch_add(&served, 1);
    buf_printf(&reply->body, "%s|", request->path);
    buf_add(&reply->body, request->body, request->body_len);
}

static void begin(struct player *player, struct transport *transport, struct exchange *exchange,
                  int number)
{
    exchange->shape = player->shape[number % 2];
    exchange->path_len =
        (size_t)snprintf(exchange->path, sizeof exchange->path, "/%d", exchange->slot);
    exchange->body_len = exchange->shape->has_body
                             ? (size_t)snprintf(exchange->body, sizeof exchange->body, "%d", number)
                             : 0;
    buf_reset(&exchange->answer);
    player->class->start(transport, exchange);
}

static bool is_right(const struct exchange *exchange)
{
    char expected[64];
    (void)snprintf(expected, sizeof expected, "/%d|%.*s", exchange->slot, (int)exchange->body_len,
                   exchange->body);
    return exchange->status == 200 && strcmp(exchange->answer.data, expected) == 0;
}

static void *play(void *context)
{
    struct player *player = context;
    struct transport *transport;
    struct exchange *done[SLOTS];
    struct transport_config config = {.slots = SLOTS,
                                      .timeout_ms = 60000,
                                      .shape = player->shape,
                                      .shape_count = 2,
                                      .answer_max_bytes = ANSWER_MAX};
    if (player->class->open(&config, &transport, NULL) != ERR_OK) {
        player->wrong++;
        return NULL;
    }
    int started = 0;
    int64_t deadline = clock_mono_ns() + HANG_NS;
    for (; started < SLOTS; started++) {
        player->exchange[started].slot = started;
        buf_init(&player->exchange[started].answer, ANSWER_MAX);
        begin(player, transport, &player->exchange[started], started);
    }
    while (player->answered < EXCHANGES && clock_mono_ns() < deadline) {
        int count = player->class->wait(transport, clock_mono_ns() + CLOCK_NS_PER_S, done);
        for (int i = 0; i < count; i++) {
            player->answered++;
            player->wrong += !is_right(done[i]);
            if (started < EXCHANGES) {
                begin(player, transport, done[i], started++);
            }
        }
    }
    player->class->close(transport);
    for (int i = 0; i < SLOTS; i++) {
        buf_deinit(&player->exchange[i].answer);
    }
    return NULL;
}

int main(void)
{
    static struct player player[THREADS];
    static const struct transport_class *const classes[] = {&transport_http1, &transport_curl};
    char url[128];
    pthread_t thread[THREADS];
    struct httpd *httpd = NULL;
    struct httpd_config config = {.listen = "127.0.0.1:0",
                                  .threads = 2,
                                  .body_max_bytes = 4096,
                                  .reply_max_bytes = 65536,
                                  .connections_max = 64};
    curl_global_init(CURL_GLOBAL_ALL);
    if (httpd_start(&httpd, &config, echo, NULL, NULL) != ERR_OK) {
        return 1;
    }
    (void)snprintf(url, sizeof url, "http://localhost%s", strrchr(httpd_url(httpd), ':'));
    struct request_shape get = {.method = "GET", .base_url = url, .headers = ""};
    struct request_shape post = {
        .method = "POST", .has_body = true, .base_url = url, .headers = ""};
    const struct request_shape *const shapes[] = {&get, &post};
    int failures = 0;
    for (int i = 0; i < THREADS; i++) {
        player[i].class = classes[i % 2];
        player[i].shape = shapes;
        failures += pthread_create(&thread[i], NULL, play, &player[i]) != 0;
    }
    for (int i = 0; i < THREADS && failures == 0; i++) {
        pthread_join(thread[i], NULL);
        failures += player[i].answered != EXCHANGES || player[i].wrong != 0;
        printf("%s: %d answers, %d wrong\n", player[i].class->name, player[i].answered,
               player[i].wrong);
    }
    failures += served != THREADS * EXCHANGES;
    httpd_stop(httpd);
    curl_global_cleanup();
    return failures == 0 ? 0 : 1;
}
