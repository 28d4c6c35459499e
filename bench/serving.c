/*
 * What a list costs inside the service, without HTTP: nanoseconds of processor time a call, on one
 * thread and on several at once.
 *     build/release/bench/serving FOLDER [THREADS [SECONDS]]
 * FOLDER is in MovieLens layout. "whole" is GET /recommendations/?user_id=U through the handler,
 * for people of the folder in turn; the other rows are parts of it. Where lists wait for nothing,
 * processor time a call does not grow with the threads (but for shared caches and memory).
 */
#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "recommender/history.h"
#include "recommender/list_json.h"
#include "recommender/publish.h"
#include "recommender/served.h"
#include "recommender/service.h"
#include "recommender/service_metrics.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { PEOPLE = 600, LENGTH = 10, CALLS_BETWEEN_LOOKS = 64 };

struct world {
    struct service *service;
    struct publish publish;
    struct history *history;
    struct served *served;
    struct service_metrics *metrics;
};

struct runner {
    struct world *world;
    void (*call)(struct runner *, uint64_t n);
    int64_t until_ns;
    uint64_t calls;
    double cpu_s;
    struct buf body;
    pthread_t thread;
    struct posted_rating posted[HISTORY_PERSON_MAX];
};

static const char *look_up(void *context, enum httpd_field field, const char *name, size_t *count)
{
    bool here = field == HTTPD_QUERY && strcmp(name, "user_id") == 0;
    *count += here;
    return here ? context : NULL;
}

static void whole(struct runner *runner, uint64_t n)
{
    char user_id[16];
    (void)snprintf(user_id, sizeof user_id, "%d", (int)(1 + n * 7919 % PEOPLE));
    const struct httpd_request request = {.method = "GET",
                                          .path = "/recommendations/",
                                          .query = "",
                                          .body = "",
                                          .lookup = look_up,
                                          .lookup_context = user_id};
    struct httpd_reply reply = {.status = 200, .body = runner->body};
    service_handle(runner->world->service, &request, &reply);
    if (reply.status != 200) {
        (void)fprintf(stderr, "status %d\n", reply.status);
    }
    buf_reset(&reply.body);
    runner->body = reply.body;
}

static void enter_and_leave(struct runner *runner, uint64_t n)
{
    (void)n;
    struct publish_reader reader = publish_enter(&runner->world->publish);
    publish_leave(&runner->world->publish, &reader);
}

static void read_history(struct runner *runner, uint64_t n)
{
    (void)history_read(runner->world->history, (int32_t)(n % PEOPLE), runner->posted);
}

static void remember(struct runner *runner, uint64_t n)
{
    struct served_place places[LENGTH] = {{0}};
    char id[SERVED_ID_SIZE];
    served_add(runner->world->served, (int32_t)(n % PEOPLE), places, LENGTH, (int64_t)n, id);
}

static void write_json(struct runner *runner, uint64_t n)
{
    struct publish_reader reader = publish_enter(&runner->world->publish);
    struct ranker_place places[LENGTH];
    for (int p = 0; p < LENGTH; p++) {
        places[p] = (struct ranker_place){.item = p, .score = 1.2345f / (float)(p + 1)};
    }
    list_json_write(&runner->body, reader.model, (int32_t)n, "0123456789abcdef", places, LENGTH);
    buf_reset(&runner->body);
    publish_leave(&runner->world->publish, &reader);
}

static void count(struct runner *runner, uint64_t n)
{
    static const struct recommend_account account = {.stage_ns = {50000, 8000, 900, 9000}};
    const struct ranker_place places[LENGTH] = {{0}};
    const struct http_event event = {.route = ROUTE_RECOMMENDATIONS,
                                     .method = METHOD_GET,
                                     .status = 200,
                                     .duration_ns = (int64_t)(n % 100000)};
    service_metrics_list(runner->world->metrics, places, LENGTH, &account);
    service_metrics_http(runner->world->metrics, &event);
}

static void *run(void *argument)
{
    struct runner *runner = argument;
    struct timespec before, after;
    buf_init(&runner->body, SERVICE_REPLY_MAX_BYTES);
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &before);
    while (clock_mono_ns() < runner->until_ns) {
        for (int i = 0; i < CALLS_BETWEEN_LOOKS; i++) {
            runner->call(runner, runner->calls++);
        }
    }
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &after);
    runner->cpu_s =
        (double)(after.tv_sec - before.tv_sec) + 1e-9 * (double)(after.tv_nsec - before.tv_nsec);
    buf_deinit(&runner->body);
    return NULL;
}

static void measure(struct world *world, const char *name,
                    void (*call)(struct runner *, uint64_t n), int threads, double seconds)
{
    struct runner *runners = mem_zalloc((size_t)threads, sizeof *runners);
    uint64_t calls = 0;
    double cpu_s = 0;
    for (int t = 0; t < threads; t++) {
        runners[t].world = world;
        runners[t].call = call;
        runners[t].until_ns = clock_mono_ns() + (int64_t)(seconds * 1e9);
        if (pthread_create(&runners[t].thread, NULL, run, &runners[t]) != 0) {
            (void)fprintf(stderr, "no thread\n");
            threads = t;
        }
    }
    for (int t = 0; t < threads; t++) {
        pthread_join(runners[t].thread, NULL);
        calls += runners[t].calls;
        cpu_s += runners[t].cpu_s;
    }
    printf("%-24s %8d %12.0f\n", name, threads, calls > 0 ? 1e9 * cpu_s / (double)calls : 0.0);
    mem_free(runners);
}

static bool wait_trained(struct service *service)
{
    struct trainer_status status;
    do {
        clock_sleep_ns(10 * CLOCK_NS_PER_MS);
        service_training(service, &status);
    } while (status.state == TRAINER_TRAINING);
    return status.model_version > 0;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*call)(struct runner *, uint64_t n);
    } rows[] = {{"whole", whole},
                {"model entered and left", enter_and_leave},
                {"posted ratings read", read_history},
                {"list remembered", remember},
                {"answer written", write_json},
                {"counted", count}};
    struct service_config config = service_defaults();
    struct error error = {0};
    int64_t most = 2;
    double seconds = 2;
    struct world world = {0};
    bool good = argc >= 2 && argc <= 4 && (argc < 3 || text_to_i64(argv[2], &most)) &&
                (argc < 4 || text_to_f64(argv[3], &seconds)) && most >= 1 &&
                most <= SERVICE_THREADS_MAX;
    if (!good) {
        (void)fprintf(stderr, "usage: serving FOLDER [THREADS [SECONDS]]\n");
        return 2;
    }
    config.trainer.data_folder = argv[1];
    config.trainer.train.parallel = parallel_all_cores();
    if (service_open(&world.service, &config, &error) != ERR_OK || !wait_trained(world.service)) {
        (void)fprintf(stderr, "serving: %s\n", error.text);
        return 1;
    }
    struct model *model = model_new();
    model->corpus.catalogue.count = LENGTH;
    model->corpus.catalogue.id = mem_zalloc(LENGTH, sizeof(int32_t));
    for (int i = 0; i < LENGTH; i++) {
        model->corpus.catalogue.id[i] = 100000 + i;
    }
    publish_init(&world.publish);
    publish_swap(&world.publish, model);
    world.history = history_new(config.ratings_max);
    world.served = served_new(config.lists_max, config.users_max, config.attribution_ns, 1);
    world.metrics = service_metrics_new();
    for (int32_t i = 0; i < 8 * PEOPLE; i++) {
        const struct posted_rating rating = {i % PEOPLE, i, 8, i};
        history_add(world.history, &rating);
    }
    printf("%-24s %8s %12s\n", "processor time of", "threads", "ns a call");
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        for (int threads = 1; threads <= most; threads *= 2) {
            measure(&world, rows[r].name, rows[r].call, threads, seconds);
        }
    }
    service_metrics_free(world.metrics);
    served_free(world.served);
    history_free(world.history);
    publish_deinit(&world.publish);
    service_close(world.service);
    return 0;
}
