/*
 * What two requests cost in a transport alone: nobody's logic, nothing made of the answers. Beside
 * bench/load/floor, which sends the same bytes, it shows what writing requests, reading responses,
 * moments and deadlines add, and for libcurl what generality costs.
 *
 *     build/release/bench/transport URL http1|libcurl [CONNECTIONS [PAIRS]]
 *
 * CPU of this process, user and system, per GET and POST; start-up apart.
 */
#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "load/transport_pick.h"

#include <curl/curl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define ANSWER_MAX ((size_t)256 * 1024)

struct bench {
    const struct transport_class *class;
    struct transport *transport;
    struct request_shape list, rating;
    struct exchange *exchange, **done; /* [connections] */
    int connections;
    int64_t started, finished, failed;
};

static void begin(struct bench *bench, struct exchange *exchange)
{
    bool rating = exchange->shape == &bench->list;
    exchange->shape = rating ? &bench->rating : &bench->list;
    const char *path = rating ? "/ratings/" : "/recommendations/?user_id=4711&n=10";
    const char *body = rating ? "{\"user_id\":4711,\"movie_id\":318,\"rating\":4.5,\"request_id\":"
                                "\"0123456789abcdef01234567\"}"
                              : "";
    exchange->path_len = strlen(path);
    exchange->body_len = strlen(body);
    memcpy(exchange->path, path, exchange->path_len + 1);
    memcpy(exchange->body, body, exchange->body_len);
    buf_reset(&exchange->answer);
    bench->started++;
    bench->class->start(bench->transport, exchange);
}

static void play(struct bench *bench, int64_t until)
{
    while (bench->finished < until) {
        int count =
            bench->class->wait(bench->transport, clock_mono_ns() + CLOCK_NS_PER_S, bench->done);
        for (int i = 0; i < count; i++) {
            bench->finished++;
            bench->failed += bench->done[i]->status / 100 != 2;
            begin(bench, bench->done[i]);
        }
    }
}

static double seconds(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec * 1e-6;
}

static void measure(struct bench *bench, int64_t pairs)
{
    struct rusage before, after;
    for (int i = 0; i < bench->connections; i++) {
        bench->exchange[i].slot = i;
        buf_init(&bench->exchange[i].answer, ANSWER_MAX);
        begin(bench, &bench->exchange[i]);
    }
    play(bench, 4 * (int64_t)bench->connections);
    int64_t warm = bench->finished, start_ns = clock_mono_ns();
    getrusage(RUSAGE_SELF, &before);
    play(bench, warm + 2 * pairs);
    getrusage(RUSAGE_SELF, &after);
    double played = (double)(bench->finished - warm) / 2;
    double user = seconds(after.ru_utime) - seconds(before.ru_utime);
    double system = seconds(after.ru_stime) - seconds(before.ru_stime);
    printf("%-8s %d connections: %.2f us CPU a pair (user %.2f, system %.2f), %.0f pairs/s, "
           "%" PRId64 " failed\n",
           bench->class->name, bench->connections, (user + system) * 1e6 / played,
           user * 1e6 / played, system * 1e6 / played,
           played / ((double)(clock_mono_ns() - start_ns) * 1e-9), bench->failed);
}

int main(int argc, char **argv)
{
    int64_t connections = 64, pairs = 20000;
    struct error error = {0};
    struct bench bench = {0};
    if (argc < 3 || argc > 5 || (argc > 3 && !text_to_i64(argv[3], &connections)) ||
        (argc > 4 && !text_to_i64(argv[4], &pairs)) || connections < 1 || pairs < 1) {
        (void)fprintf(stderr, "usage: transport URL http1|libcurl [CONNECTIONS [PAIRS]]\n");
        return 2;
    }
    curl_global_init(CURL_GLOBAL_ALL);
    bench.connections = (int)connections;
    bench.list = (struct request_shape){"GET", false, argv[1], ""};
    bench.rating =
        (struct request_shape){"POST", true, argv[1], "Content-Type: application/json\r\n"};
    const struct request_shape *const shapes[] = {&bench.list, &bench.rating};
    const struct transport_config config = {.slots = bench.connections,
                                            .timeout_ms = 10000,
                                            .shape = shapes,
                                            .shape_count = 2,
                                            .answer_max_bytes = ANSWER_MAX};
    bench.exchange = mem_zalloc((size_t)connections, sizeof *bench.exchange);
    bench.done = mem_zalloc((size_t)connections, sizeof(struct exchange *));
    bench.class = transport_pick(argv[2], shapes, 2, &error);
    if (bench.class == NULL || bench.class->open(&config, &bench.transport, &error) != ERR_OK) {
        (void)fprintf(stderr, "transport: %s\n", error.text);
        return 2;
    }
    measure(&bench, pairs);
    bench.class->close(bench.transport);
    for (int i = 0; i < bench.connections; i++) {
        buf_deinit(&bench.exchange[i].answer);
    }
    mem_free(bench.exchange);
    mem_free(bench.done);
    curl_global_cleanup();
    return bench.failed == 0 ? 0 : 1;
}
