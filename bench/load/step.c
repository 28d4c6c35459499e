/*
 * What a step costs in the engine alone, without a network: people, schedule, choice, reading of
 * answers, histograms and ledger, on one worker.
 *     build/release/bench/load/step FOLDER [STEPS [PEOPLE [usual|rates]]]
 * FOLDER is in MovieLens layout. The transport answers after half a millisecond of a clock of its
 * own, which jumps, so that no time is spent waiting and no system call made: what is left is the
 * engine's own work, to be counted by callgrind as well (docs/load.md). `usual`: people take and
 * rate what they like, about a third of the lists; `rates`: nearly every list (a popularity wave).
 */
#include "../popular.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "load/engine.h"
#include "load/seen.h"
#include "movielens/dataset.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { LISTS = 64, LIST_LENGTH = 10, LIST_BYTES = 2048 };

#define ANSWER_NS (CLOCK_NS_PER_S / 2000)
#define STEPS_PER_S 20000.0

/* ---- a target that answers after ANSWER_NS ---- */

struct answers {
    char list[LISTS][LIST_BYTES];
    size_t len[LISTS];
};

/* The transport table hands its open nothing of the caller's; set once, before the engine. */
static const struct answers *answers;

struct transport {
    struct exchange **queue; /* [slots], a ring in order of start */
    int64_t *due_ns;         /* [slots] */
    int slots, first, count;
    int64_t now_ns;
    unsigned number;
};

static enum err open_null(const struct transport_config *config, struct transport **out,
                          struct error *error)
{
    (void)error;
    struct transport *transport = mem_zalloc(1, sizeof *transport);
    transport->slots = config->slots;
    transport->queue = mem_zalloc((size_t)config->slots, sizeof(struct exchange *));
    transport->due_ns = mem_zalloc((size_t)config->slots, sizeof *transport->due_ns);
    *out = transport;
    return ERR_OK;
}

static void start_null(struct transport *transport, struct exchange *exchange)
{
    assert(transport->count < transport->slots);
    int place = (transport->first + transport->count++) % transport->slots;
    exchange_clear(exchange);
    exchange->sent_ns = transport->now_ns;
    transport->queue[place] = exchange;
    transport->due_ns[place] = transport->now_ns + ANSWER_NS;
}

static void answer(struct transport *transport, struct exchange *exchange)
{
    bool list = exchange->endpoint == ENGINE_GET;
    unsigned which = transport->number++ % LISTS;
    const char *text = list ? answers->list[which] : "{\"status\":\"ok\"}";
    bool whole = buf_add(&exchange->answer, text, list ? answers->len[which] : strlen(text));
    assert(whole);
    (void)whole;
    exchange->status = list ? 200 : 201;
    exchange->kept = true;
    exchange->first_byte_ns = exchange->done_ns = transport->now_ns;
}

static int wait_null(struct transport *transport, int64_t until_ns, struct exchange **done)
{
    int count = 0;
    int64_t next_ns = transport->count > 0 ? transport->due_ns[transport->first] : INT64_MAX;
    int64_t wake_ns = next_ns < until_ns ? next_ns : until_ns;
    transport->now_ns = wake_ns > transport->now_ns ? wake_ns : transport->now_ns;
    while (transport->count > 0 && transport->due_ns[transport->first] <= transport->now_ns) {
        done[count] = transport->queue[transport->first];
        answer(transport, done[count++]);
        transport->first = (transport->first + 1) % transport->slots;
        transport->count--;
    }
    return count;
}

static void close_null(struct transport *transport)
{
    mem_free(transport->queue);
    mem_free(transport->due_ns);
    mem_free(transport);
}

static int64_t now_null(struct transport *transport)
{
    return transport->now_ns;
}

static const struct transport_class transport_null = {.name = "null",
                                                      .open = open_null,
                                                      .start = start_null,
                                                      .wait = wait_null,
                                                      .close = close_null,
                                                      .now_ns = now_null};

/* ---- lists of popular films ---- */

static void write_list(const int32_t *film, int number, struct answers *out)
{
    static const char *const source[] = {"base", "similar", "popular"};
    struct buf text;
    buf_init(&text, LIST_BYTES - 1);
    (void)buf_printf(&text, "{\"user_id\":4711,\"request_id\":\"0123456789abcdef%08d\"", number);
    for (int rank = 1; rank <= LIST_LENGTH; rank++) {
        (void)buf_printf(&text,
                         "%s{\"movie_id\":%" PRId32 ",\"rank\":%d,\"score\":0.%04d,"
                         "\"recommender\":\"%s\"}",
                         rank == 1 ? ",\"recommendations\":[" : ",", film[rank - 1], rank,
                         9512 - 731 * rank, source[(rank - 1) / 4]);
    }
    bool fits = buf_text(&text, "]}");
    assert(fits);
    (void)fits;
    memcpy(out->list[number], text.data, text.len);
    out->len[number] = text.len;
    buf_deinit(&text);
}

static void make_answers(const struct dataset *data, struct answers *out)
{
    int32_t *film = popular_films(data), films = data->ratings.items, chosen[LIST_LENGTH];
    for (int number = 0; number < LISTS; number++) {
        for (int32_t rank = 0; rank < LIST_LENGTH; rank++) {
            chosen[rank] = film[(number + LISTS * rank) % films];
        }
        write_list(chosen, number, out);
    }
    mem_free(film);
}

/* ---- the run ---- */

static double cpu_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static enum err play(const struct engine_plan *plan, const char *name, struct error *error)
{
    struct engine *engine;
    struct engine_result result;
    enum err code = engine_start(plan, &engine, error);
    if (code != ERR_OK) {
        return code;
    }
    double before_s = cpu_s();
    engine_join(engine, &result);
    double spent_s = cpu_s() - before_s;
    struct ledger_counts all = ledger_total(result.ledger);
    double steps = (double)all.lists;
    printf("%-6s %8.0f steps, %.3f rated: %6.0f ns a step, %6.0f ns a request\n", name, steps,
           (double)all.rated / steps, 1e9 * spent_s / steps,
           1e9 * spent_s / (double)(all.get_sent + all.post_sent));
    engine_result_deinit(&result);
    return ERR_OK;
}

struct wanted {
    const char *folder, *mode;
    int64_t steps, people;
};

static enum err play_people(const struct wanted *wanted, const struct dataset *data,
                            const struct population *population, struct error *error)
{
    struct parallel parallel = parallel_all_cores();
    struct drift drift = {.count = 0};
    struct target *target = NULL;
    struct engine_seen seen;
    if (strcmp(wanted->mode, "rates") == 0) {
        drift.count = 1;
        drift.injection[0] = (struct drift_injection){
            .kind = DRIFT_POPULARITY_WAVE, .size = 20, .end_ns = INT64_MAX};
    }
    enum err code = population_bind_drift(population, &drift, &parallel, error);
    if (code == ERR_OK) {
        code = target_from_url("http://127.0.0.1:1", &data->catalogue, LIST_LENGTH, &target, error);
    }
    if (code != ERR_OK) {
        return code;
    }
    seen_build(population, &drift, &parallel, &seen);
    struct engine_plan plan = {
        .population = population,
        .drift = &drift,
        .target = target,
        .seen = seen,
        .transport = &transport_null,
        .threads = 1,
        .connections = 64,
        .timeout_ms = 5000,
        .arrivals = {.seed = 1,
                     .visits_per_s = STEPS_PER_S / 2,
                     .steps_per_visit = 2,
                     .think_median_s = .001,
                     .think_sigma = .6,
                     .people = (int32_t)wanted->people,
                     .end_ns = (int64_t)((double)wanted->steps / STEPS_PER_S * 1e9)}};
    code = play(&plan, wanted->mode, error);
    seen_deinit(&seen);
    target_free(target);
    drift_deinit(&drift);
    return code;
}

static enum err measure(const struct wanted *wanted, struct error *error)
{
    struct dataset_options options = {.strict = false};
    struct dataset data;
    struct population *population = NULL;
    struct parallel parallel = parallel_all_cores();
    struct population_config config = population_defaults();
    enum err code = dataset_load(wanted->folder, &options, &data, NULL, error);
    if (code != ERR_OK) {
        return code;
    }
    struct answers *made = mem_zalloc(1, sizeof *made);
    make_answers(&data, made);
    answers = made;
    config.users = (int32_t)wanted->people;
    code = population_build(&config, &data, &parallel, &population, error);
    if (code == ERR_OK) {
        code = play_people(wanted, &data, population, error);
    }
    population_free(population);
    dataset_deinit(&data);
    mem_free(made);
    return code;
}

int main(int argc, char **argv)
{
    struct wanted wanted = {.mode = "rates", .steps = 400000, .people = 200000};
    struct error error = {0};
    bool good = argc >= 2 && argc <= 5 && (argc < 3 || text_to_i64(argv[2], &wanted.steps)) &&
                (argc < 4 || text_to_i64(argv[3], &wanted.people)) && wanted.steps >= 1 &&
                wanted.people >= 1 && wanted.people <= 10000000;
    if (good && argc == 5) {
        wanted.mode = argv[4];
        good = strcmp(wanted.mode, "usual") == 0 || strcmp(wanted.mode, "rates") == 0;
    }
    if (!good) {
        (void)fprintf(stderr, "usage: step FOLDER [STEPS [PEOPLE [usual|rates]]]\n");
        return 2;
    }
    wanted.folder = argv[1];
    if (measure(&wanted, &error) != ERR_OK) {
        (void)fprintf(stderr, "%s: %s\n", error.where, error.text);
        return 1;
    }
    return 0;
}
