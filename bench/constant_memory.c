/*
 * constant_memory [USERS [SECONDS [STEPS_PER_S [THREADS]]]]: plays a long run of many people
 * against the stub server and watches this process's resident memory, the server's thread included.
 * STEPS_PER_S 0: as fast as it goes, all connections busy all the time. Fame attracts so much that
 * nearly every list is rated, and what is rated must be remembered: after a tenth of the time
 * memory may grow by BYTES_A_RATING for each film rated since, and by nothing else. Exit status 1
 * if it does.
 */
#include "base/clock.h"
#include "base/mem.h"
#include "base/process_info.h"
#include "base/text.h"
#include "drill/people.h"
#include "load/crowd.h"
#include "load/engine.h"
#include "load/stub_server.h"
#include "load/transport_pick.h"
#include "popular.h"

#include <curl/curl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONNECTIONS 256
#define LEAD_NS (CLOCK_NS_PER_S / 10)
#define ROWS 20
/* Of what was resident at the end of the warm-up; pages that a stack or a buffer touches for the
 * first time. What a step left behind, if it left anything, would be a hundred times that. */
#define GROWTH_MAX_BYTES (1024.0 * 1024)
/* For each film remembered: besides the block it lies in, the smaller ones outgrown by then may be
 * idle in the heap; sizes are doubled, so all of them are less than the present one. */
#define BYTES_A_FILM (2.0 * CROWD_BYTES_A_FILM)
#define FAME 20
#define FILMS 400 /* those recommended: the most rated ones */
#define THINK_SIGMA 0.6

struct wishes {
    int64_t users, seconds, rate, threads;
};

struct bench {
    struct wishes wishes;
    struct people people;
    struct target *target;
    struct stub *stub;
    struct drift drift;
    struct engine_plan plan;
};

static bool read_wishes(int argc, char **argv, struct wishes *out)
{
    int64_t *const place[] = {&out->users, &out->seconds, &out->rate, &out->threads};
    *out = (struct wishes){1000000, 600, 0, 1};
    for (int i = 1; i < argc; i++) {
        if (i > 4 || !text_to_i64(argv[i], place[i - 1]) || *place[i - 1] < (i == 3 ? 0 : 1)) {
            return false;
        }
    }
    return out->users <= STUB_ROTATE_MAX && out->threads <= 256;
}

static double resident_bytes(void)
{
    struct process_info info;
    process_info_read(&info);
    return info.resident_bytes;
}

static enum err make_people(struct bench *bench, struct error *error)
{
    struct parallel parallel = parallel_all_cores();
    struct population_config config = population_defaults();
    enum err code = people_load_data(NULL, NULL, &bench->people, error);
    config.users = (int32_t)bench->wishes.users;
    return code != ERR_OK ? code
                          : population_build(&config, &bench->people.data, &parallel,
                                             &bench->people.population, error);
}

/* Every list is another one, so that people do not run out of films. */
static enum err make_target(struct bench *bench, struct error *error)
{
    int32_t *film = popular_films(&bench->people.data), films = bench->people.data.ratings.items;
    struct stub_config stub = {
        .film = film, .films = films < FILMS ? films : FILMS, .seed = 1, .rotate = true};
    enum err code = stub_start(&bench->stub, &stub, error);
    mem_free(film);
    const struct catalogue *catalogue = population_catalogue(bench->people.population);
    return code != ERR_OK
               ? code
               : target_from_url(stub_url(bench->stub), catalogue, 10, &bench->target, error);
}

static enum err make_drift(struct bench *bench, struct error *error)
{
    struct parallel parallel = parallel_all_cores();
    bench->drift.count = 1;
    bench->drift.injection[0] =
        (struct drift_injection){.kind = DRIFT_POPULARITY_WAVE, .size = FAME, .end_ns = INT64_MAX};
    return population_bind_drift(bench->people.population, &bench->drift, &parallel, error);
}

static enum err prepare(struct bench *bench, struct error *error)
{
    const struct wishes *wishes = &bench->wishes;
    enum err code = make_people(bench, error);
    if (code == ERR_OK) {
        code = make_drift(bench, error);
    }
    if (code == ERR_OK) {
        code = make_target(bench, error);
    }
    if (code != ERR_OK) {
        return code;
    }
    size_t count;
    const struct request_shape *const *shape = target_shapes(bench->target, &count);
    const struct transport_class *transport = transport_pick("auto", shape, count, error);
    bool full = wishes->rate == 0;
    bench->plan =
        (struct engine_plan){.population = bench->people.population,
                             .drift = &bench->drift,
                             .target = bench->target,
                             .mode = full ? ENGINE_CLOSED : ENGINE_OPEN,
                             .closed_users = full ? CONNECTIONS * (int)wishes->threads : 0,
                             .arrivals = {.seed = 1,
                                          .visits_per_s = full ? 1 : (double)wishes->rate / 2,
                                          .steps_per_visit = 2,
                                          .think_median_s = 0.2,
                                          .think_sigma = THINK_SIGMA,
                                          .people = (int32_t)wishes->users,
                                          .end_ns = wishes->seconds * CLOCK_NS_PER_S},
                             .transport = transport,
                             .threads = (unsigned)wishes->threads,
                             .connections = CONNECTIONS,
                             .timeout_ms = 5000};
    return transport != NULL ? ERR_OK : ERR_USAGE;
}

/* Frozen until every connection waits for an answer; half of the warm-up is more than enough. */
static void use_all_connections(const struct bench *bench, const struct engine *engine)
{
    struct engine_live live;
    int64_t until_ns = clock_mono_ns() + bench->plan.arrivals.end_ns / 20;
    stub_freeze(bench->stub, true);
    do {
        clock_sleep_ns(CLOCK_NS_PER_MS);
        engine_live(engine, &live);
    } while (live.in_flight < bench->plan.connections * (int64_t)bench->plan.threads &&
             clock_mono_ns() < until_ns);
    stub_freeze(bench->stub, false);
}

/* What was resident, and how many films had been rated, at two moments. */
struct growth {
    double settled_bytes, most_bytes;
    int64_t settled_rated, last_rated;
};

static void show(int64_t now_ns, const struct engine_live *live, double bytes)
{
    printf("%10.1f %12lld %12lld %14.3f %12lld\n", (double)now_ns * 1e-9, (long long)live->steps,
           (long long)live->rated, bytes / (1024 * 1024), (long long)live->in_flight);
    (void)fflush(stdout);
}

static struct growth play(struct bench *bench, struct engine *engine)
{
    int64_t end_ns = bench->plan.arrivals.end_ns, shown = 0;
    struct growth growth = {.settled_bytes = NAN};
    use_all_connections(bench, engine);
    printf("%10s %12s %12s %14s %12s\n", "seconds", "steps", "ratings", "resident MiB",
           "in flight");
    while (!engine_finished(engine)) {
        struct engine_live live;
        clock_sleep_ns(CLOCK_NS_PER_S / 10);
        int64_t now_ns = clock_mono_ns() - bench->plan.start_mono_ns;
        double bytes = resident_bytes();
        engine_live(engine, &live);
        if (isnan(growth.settled_bytes) && now_ns > end_ns / 10) {
            growth.settled_bytes = bytes;
            growth.settled_rated = live.rated;
        }
        /* What is answered long after the end finds its room in the ledger then. */
        if (now_ns < end_ns) {
            growth.most_bytes = bytes > growth.most_bytes ? bytes : growth.most_bytes;
            growth.last_rated = live.rated;
        }
        if (now_ns >= shown * (end_ns / ROWS)) {
            show(now_ns, &live, bytes);
            shown++;
        }
    }
    return growth;
}

static enum err judge(const struct bench *bench, const struct growth *growth,
                      const struct engine_result *result, struct error *error)
{
    struct ledger_counts all = ledger_total(result->ledger);
    double grown = growth->most_bytes - growth->settled_bytes;
    double since = (double)(growth->last_rated - growth->settled_rated);
    double allowed = GROWTH_MAX_BYTES + BYTES_A_FILM * (double)growth->last_rated;
    printf("%lld people, %lld steps (%.0f a second), %lld ratings, %lld failed\n",
           (long long)bench->wishes.users, (long long)result->ledger->steps,
           (double)result->ledger->steps / (double)bench->wishes.seconds, (long long)all.rated,
           (long long)(all.get_failed + all.get_unknown + all.post_failed + all.post_unknown));
    printf("after the first tenth %.0f films were rated and memory grew by %.0f bytes, %.1f a "
           "film; allowed are %.0f\n",
           since, grown, since > 0 ? grown / since : 0.0, allowed);
    return grown <= allowed
               ? ERR_OK
               : error_set(error, ERR_FAILED, NULL, 0, "memory grew by more than %.0f", allowed);
}

static enum err run(struct bench *bench, struct error *error)
{
    struct engine *engine;
    struct engine_result result;
    enum err code = prepare(bench, error);
    if (code != ERR_OK) {
        return code;
    }
    bench->plan.start_mono_ns = clock_mono_ns() + LEAD_NS;
    code = engine_start(&bench->plan, &engine, error);
    if (code != ERR_OK) {
        return code;
    }
    struct growth growth = play(bench, engine);
    engine_join(engine, &result);
    code = judge(bench, &growth, &result, error);
    engine_result_deinit(&result);
    return code;
}

int main(int argc, char **argv)
{
    struct bench bench = {0};
    struct error error = {0};
    if (!read_wishes(argc, argv, &bench.wishes)) {
        (void)fprintf(stderr, "usage: constant_memory [USERS [SECONDS [STEPS_PER_S [THREADS]]]]\n");
        return 2;
    }
    (void)signal(SIGPIPE, SIG_IGN);
    curl_global_init(CURL_GLOBAL_ALL);
    enum err code = run(&bench, &error);
    if (code != ERR_OK) {
        char line[1024];
        error_format(&error, line, sizeof line);
        (void)fprintf(stderr, "constant_memory: %s\n", line);
    }
    stub_stop(bench.stub);
    target_free(bench.target);
    drift_deinit(&bench.drift);
    people_deinit(&bench.people);
    return err_exit_status(code);
}
