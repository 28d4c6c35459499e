#include "command/selftest_world.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/process_info.h"
#include "drill/play.h"
#include "load/transport_pick.h"
#include "movielens/synth.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define USERS 300
#define FILMS 1500
#define LIST_LENGTH 10
#define THINK_SIGMA 0.6
/* Lists that know nothing of anybody are then taken from as often as good ones are in a drill. */
#define POPULAR_LIST_SHARE 0.45
/* From the start of the server to drill time 0. The engine makes its workers meanwhile; where that
 * takes longer, the play begins anew with twice the time. */
#define LEAD_NS (CLOCK_NS_PER_S / 5)
#define LEAD_MAX_NS (32 * CLOCK_NS_PER_S)
#define TURN_NS (CLOCK_NS_PER_S / 20)
/* A backlog that has not gone by then will not go. */
#define OVERTIME_NS (20 * CLOCK_NS_PER_S)

struct popular {
    int32_t id, ratings;
};

static int more_popular(const void *a, const void *b)
{
    const struct popular *x = a, *y = b;
    int order = (y->ratings > x->ratings) - (y->ratings < x->ratings);
    return order != 0 ? order : (x->id > y->id) - (x->id < y->id);
}

int32_t *selftest_films(const struct dataset *data)
{
    int32_t count = data->catalogue.count;
    struct popular *popular = mem_zalloc((size_t)count, sizeof *popular);
    int32_t *film = mem_array((size_t)count, sizeof *film);
    for (int32_t i = 0; i < count; i++) {
        popular[i].id = data->catalogue.id[i];
    }
    for (int64_t k = 0; k < data->ratings.count; k++) {
        popular[data->ratings.item[k]].ratings++;
    }
    qsort(popular, (size_t)count, sizeof *popular, more_popular);
    for (int32_t i = 0; i < count; i++) {
        film[i] = popular[i].id;
    }
    mem_free(popular);
    return film;
}

enum err selftest_world_make(uint64_t seed, int32_t people, struct selftest_world *out,
                             struct error *error)
{
    const struct synth_config synth = {.users = USERS, .movies = FILMS, .seed = seed};
    const struct parallel parallel = parallel_all_cores();
    struct population_config config = population_defaults();
    *out = (struct selftest_world){.people = people};
    config.users = people;
    config.seed = seed;
    config.popular_list_share = POPULAR_LIST_SHARE;
    enum err code = synth_make(&synth, &parallel, &out->data, error);
    if (code == ERR_OK) {
        code = population_build(&config, &out->data, &parallel, &out->population, error);
    }
    if (code == ERR_OK) {
        out->seen_start = mem_zalloc((size_t)people + 1, sizeof *out->seen_start);
        out->film = selftest_films(&out->data);
    }
    return code;
}

void selftest_world_deinit(struct selftest_world *world)
{
    population_free(world->population);
    dataset_deinit(&world->data);
    mem_free(world->seen_start);
    mem_free(world->film);
}

/* ---- who else is at work ---- */

struct machine_use {
    double busy_s; /* of all processors and programs; -1 = unknown */
    double own_s;
    int64_t mono_ns;
};

static struct machine_use machine_use(void)
{
    struct machine_use use = {.busy_s = -1, .mono_ns = clock_mono_ns()};
    struct process_info own = {0};
    char line[256];
    double ticks[8] = {0};
    FILE *file = fopen("/proc/stat", "re");
    if (file != NULL) {
        bool read = fgets(line, sizeof line, file) != NULL &&
                    sscanf(line, "cpu %lf %lf %lf %lf %lf %lf %lf %lf", &ticks[0], &ticks[1],
                           &ticks[2], &ticks[3], &ticks[4], &ticks[5], &ticks[6], &ticks[7]) == 8;
        /* Without idle (3) and waiting for disks (4). */
        double busy = ticks[0] + ticks[1] + ticks[2] + ticks[5] + ticks[6] + ticks[7];
        use.busy_s = read ? busy / (double)sysconf(_SC_CLK_TCK) : -1;
        (void)fclose(file);
    }
    process_info_read(&own);
    use.own_s = own.cpu_s;
    return use;
}

static double others_cpus(const struct machine_use *before, const struct machine_use *after)
{
    double wall_s = (double)(after->mono_ns - before->mono_ns) * 1e-9;
    if (before->busy_s < 0 || after->busy_s < 0 || !(wall_s > 0)) {
        return -1;
    }
    double others = (after->busy_s - before->busy_s - (after->own_s - before->own_s)) / wall_s;
    return others > 0 ? others : 0;
}

/* ---- a play ---- */

static enum err start_server(const struct selftest_world *world, const struct selftest_play *play,
                             int64_t lead_ns, struct stub **out, struct error *error)
{
    struct stub_config config = play->stub;
    config.seed = play->seed;
    config.films = world->data.catalogue.count;
    config.film = world->film;
    config.connections_max = 2 * (int)play->threads * play->connections;
    if (config.behaviour == STUB_STALL) {
        config.stall_from_ns += lead_ns;
        config.stall_to_ns += lead_ns;
    }
    return stub_start(out, &config, error);
}

static void plan_play(const struct selftest_world *world, const struct selftest_play *play,
                      const struct target *target, struct engine_plan *plan)
{
    static const int64_t phase_start_ns = 0;
    *plan =
        (struct engine_plan){.population = world->population,
                             .drift = &world->drift,
                             .target = target,
                             .seen = {.start = world->seen_start},
                             .arrivals = {.seed = play->seed,
                                          .visits_per_s = play->steps_per_s / play->steps_per_visit,
                                          .steps_per_visit = play->steps_per_visit,
                                          .think_median_s = play->think_median_s,
                                          .think_sigma = THINK_SIGMA,
                                          .people = world->people,
                                          .end_ns = play->duration_ns,
                                          .drift = &world->drift},
                             .threads = play->threads,
                             .connections = play->connections,
                             .timeout_ms = play->timeout_ms,
                             .phase_start_ns = &phase_start_ns,
                             .phase_count = 1,
                             .mode = play->closed_users > 0 ? ENGINE_CLOSED : ENGINE_OPEN,
                             .closed_users = play->closed_users,
                             .lists_only = play->lists_only,
                             .patience = {.kind = PATIENCE_IMPATIENT}};
}

/* *too_late: the workers were not there at drill time 0, and nothing was judged. */
static enum err play_out(const struct engine_plan *plan, struct selftest_outcome *out,
                         bool *too_late, struct error *error)
{
    struct engine *engine = NULL;
    struct machine_use before = machine_use();
    enum err code = engine_start(plan, &engine, error);
    if (code != ERR_OK) {
        return code;
    }
    *too_late = clock_mono_ns() >= plan->start_mono_ns;
    int64_t end_ns = plan->start_mono_ns + plan->arrivals.end_ns + OVERTIME_NS;
    while (!*too_late && !engine_finished(engine) && clock_mono_ns() < end_ns &&
           !out->interrupted) {
        out->interrupted = play_interrupted(TURN_NS);
    }
    engine_stop(engine);
    engine_join(engine, &out->result);
    struct machine_use after = machine_use();
    out->wall_s = (double)(after.mono_ns - before.mono_ns) * 1e-9;
    out->others_cpus = others_cpus(&before, &after);
    return ERR_OK;
}

static enum err play_once(const struct selftest_world *world, const struct selftest_play *play,
                          int64_t lead_ns, struct selftest_outcome *out, bool *too_late,
                          struct error *error)
{
    struct stub *stub = NULL;
    struct target *target = NULL;
    struct engine_plan plan;
    size_t shapes = 0;
    *out = (struct selftest_outcome){0};
    *too_late = false;
    enum err code = start_server(world, play, lead_ns, &stub, error);
    if (code == ERR_OK) {
        code = target_from_url(stub_url(stub), population_catalogue(world->population), LIST_LENGTH,
                               &target, error);
    }
    if (code == ERR_OK) {
        plan_play(world, play, target, &plan);
        plan.start_mono_ns = stub_started_ns(stub) + lead_ns;
        const struct request_shape *const *shape = target_shapes(target, &shapes);
        plan.transport = transport_pick(play->transport, shape, shapes, error);
        code = plan.transport != NULL ? play_out(&plan, out, too_late, error) : ERR_USAGE;
    }
    if (code == ERR_OK) {
        stub_counts(stub, &out->server);
        out->arrivals = plan.arrivals;
        out->transport = plan.transport->name;
    }
    target_free(target);
    stub_stop(stub);
    return code;
}

enum err selftest_play(const struct selftest_world *world, const struct selftest_play *play,
                       struct selftest_outcome *out, struct error *error)
{
    for (int64_t lead_ns = LEAD_NS;; lead_ns *= 2) {
        bool too_late;
        enum err code = play_once(world, play, lead_ns, out, &too_late, error);
        if (code != ERR_OK || !too_late || lead_ns >= LEAD_MAX_NS) {
            return code;
        }
        selftest_outcome_deinit(out);
    }
}

void selftest_outcome_deinit(struct selftest_outcome *outcome)
{
    engine_result_deinit(&outcome->result);
}

/* ---- the truth about a stall ---- */

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

int64_t selftest_stalled_quantile_ns(const struct arrivals_config *config, int64_t stall_from_ns,
                                     int64_t stall_to_ns, double q)
{
    struct arrivals arrivals;
    struct visit visit;
    int64_t *late_ns = NULL, count = 0, room = 0;
    arrivals_init(&arrivals, config);
    while (arrivals_next(&arrivals, &visit)) {
        if (count == room) {
            room = room > 0 ? 2 * room : 1024;
            late_ns = mem_resize(late_ns, (size_t)room, sizeof *late_ns);
        }
        bool stalled = visit.start_ns >= stall_from_ns && visit.start_ns < stall_to_ns;
        late_ns[count++] = stalled ? stall_to_ns - visit.start_ns : 0;
    }
    arrivals_deinit(&arrivals);
    int64_t quantile = 0;
    if (count > 0) {
        qsort(late_ns, (size_t)count, sizeof *late_ns, by_size);
        int64_t place = (int64_t)ceil(q * (double)count) - 1;
        quantile = late_ns[place > 0 ? place : 0];
    }
    mem_free(late_ns);
    return quantile;
}
