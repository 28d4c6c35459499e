/*
 * An open trial is replayed from moments drawn here and not from the engine's own Poisson process,
 * because that draws the people, too: the same person would now and then be asked for while busy,
 * and the wait for their own earlier step would be taken for latency of the target. Taking turns
 * they meet again only after everybody else.
 *
 * After the end of its schedule a trial waits until everything due was sent and answered, but not
 * for ever: once whatever is still waiting is later than any latency promised, it is bad, whenever
 * it would be answered.
 */
#include "command/capacity_trial.h"

#include "base/clock.h"
#include "base/mem.h"
#include "command/capacity_queue.h"

#include <assert.h>
#include <limits.h>
#include <math.h>
#include <string.h>

#define LEAD_NS (CLOCK_NS_PER_S / 10) /* between starting the threads and drill time 0 */
#define TURN_NS (CLOCK_NS_PER_S / 20)
#define PATIENCE_NS (CLOCK_NS_PER_S / 2)
#define PATIENCE_LATENCIES 2
#define REFERENCE_USERS 2
#define PURPOSE_MOMENTS 0x43415041

size_t capacity_latencies(const struct slo *slo, int64_t latency_ns[SLO_OBJECTIVES_MAX])
{
    size_t count = 0;
    for (size_t o = 0; slo != NULL && o < slo->count; o++) {
        size_t known = 0;
        if (slo->objective[o].kind != SLO_LATENCY) {
            continue;
        }
        while (known < count && latency_ns[known] != slo->objective[o].latency_ns) {
            known++;
        }
        latency_ns[known] = slo->objective[o].latency_ns;
        count += known == count;
    }
    return count;
}

enum err capacity_stand_check(const struct slo *slo, struct error *error)
{
    int64_t latency_ns[SLO_OBJECTIVES_MAX];
    if (capacity_latencies(slo, latency_ns) > ENGINE_SLOS_MAX) {
        return error_set(error, ERR_USAGE, "--slo", 0,
                         "more than %d different latencies are promised", ENGINE_SLOS_MAX);
    }
    return ERR_OK;
}

/* 0 if none is promised. */
static int64_t longest_latency_ns(const struct slo *slo)
{
    int64_t latency_ns[SLO_OBJECTIVES_MAX], longest = 0;
    size_t count = capacity_latencies(slo, latency_ns);
    for (size_t i = 0; i < count; i++) {
        longest = latency_ns[i] > longest ? latency_ns[i] : longest;
    }
    return longest;
}

int capacity_window(const struct capacity_stand *stand, const struct capacity_trial_plan *plan)
{
    int64_t longest_ns = longest_latency_ns(stand->slo);
    double wait_s = longest_ns > 0 ? (double)longest_ns / (double)CLOCK_NS_PER_S : 1;
    double requests_per_step = stand->lists_only ? 1 : 2;
    double needed = plan->kind == CAPACITY_CLOSED
                        ? plan->users
                        : CAPACITY_WINDOW_ROOM * requests_per_step * plan->rate_per_s * wait_s;
    if (stand->connections > 0) {
        return stand->connections;
    }
    needed = fmax(ceil(needed / stand->threads), CAPACITY_WINDOW_LEAST);
    needed = stand->connections_most > 0 ? fmin(needed, stand->connections_most) : needed;
    return (int)fmin(needed, INT_MAX);
}

static int64_t to_ns(double seconds)
{
    return llround(seconds * (double)CLOCK_NS_PER_S);
}

/* ---- the schedule ---- */

void capacity_schedule_init(struct capacity_schedule *schedule,
                            const struct capacity_trial_plan *plan, struct capacity_people *people)
{
    struct rng rng = rng_stream(plan->seed, 0, PURPOSE_MOMENTS);
    double end_s = plan->warmup_s + plan->duration_s, at_s = 0;
    double expected = plan->rate_per_s * end_s;
    int64_t room = (int64_t)(expected + 6 * sqrt(expected)) + 64;
    *schedule = (struct capacity_schedule){0};
    schedule->moment_ns = mem_alloc((size_t)room * sizeof *schedule->moment_ns);
    schedule->person = mem_alloc((size_t)room * sizeof *schedule->person);
    for (;;) {
        at_s += rng_exponential(&rng) / plan->rate_per_s;
        int64_t at_ns = (int64_t)(at_s * (double)CLOCK_NS_PER_S);
        if (at_ns >= to_ns(end_s)) {
            return;
        }
        if (schedule->count == room) {
            room += room / 2;
            schedule->moment_ns =
                mem_resize(schedule->moment_ns, (size_t)room, sizeof *schedule->moment_ns);
            schedule->person = mem_resize(schedule->person, (size_t)room, sizeof *schedule->person);
        }
        schedule->moment_ns[schedule->count] = at_ns;
        schedule->person[schedule->count++] = capacity_people_next(people);
    }
}

void capacity_schedule_deinit(struct capacity_schedule *schedule)
{
    mem_free(schedule->moment_ns);
    mem_free(schedule->person);
    *schedule = (struct capacity_schedule){0};
}

/* ---- playing ---- */

struct play {           /* what one run of the engine borrows */
    struct drift drift; /* none */
    int64_t phase_start_ns[2];
    struct engine_plan plan;
};

static void prepare(const struct capacity_stand *stand, const struct capacity_trial_plan *trial,
                    struct play *play)
{
    *play = (struct play){.phase_start_ns = {0, to_ns(trial->warmup_s)}};
    play->plan = (struct engine_plan){
        .population = stand->population,
        .drift = &play->drift,
        .target = stand->target,
        .seen = stand->seen,
        .arrivals = {.seed = trial->seed,
                     .steps_per_visit = 1,
                     .think_median_s = stand->think_median_s,
                     .think_sigma = stand->think_sigma,
                     .people = population_users(stand->population),
                     .end_ns = to_ns(trial->warmup_s + trial->duration_s)},
        .transport = stand->transport,
        .threads = stand->threads,
        .connections = capacity_window(stand, trial),
        .timeout_ms = stand->timeout_ms,
        .start_mono_ns = stand->interrupted != NULL ? clock_mono_ns() + LEAD_NS : 0,
        .phase_start_ns = play->phase_start_ns,
        .phase_count = 2,
        .lists_only = stand->lists_only,
        .measure_from_ns = to_ns(trial->warmup_s),
        .block_ns = to_ns(trial->block_s),
        /* Whoever is turned away and comes again would blur the offered rate. */
        .patience = {.kind = PATIENCE_IMPATIENT}};
    int64_t latency_ns[SLO_OBJECTIVES_MAX];
    size_t latencies = capacity_latencies(stand->slo, latency_ns);
    assert(latencies <= ENGINE_SLOS_MAX);
    memcpy(play->plan.slo_ns, latency_ns, latencies * sizeof *latency_ns);
    play->plan.fallback_count = stand->fallbacks;
    for (int f = 0; f < stand->fallbacks; f++) {
        play->plan.fallback[f] = stand->fallback[f];
    }
}

static int64_t patience_ns(const struct capacity_stand *stand)
{
    int64_t timeout_ns = stand->timeout_ms * CLOCK_NS_PER_MS;
    int64_t latency_ns = stand->slo != NULL ? longest_latency_ns(stand->slo) : 0;
    int64_t pauses_ns = to_ns(8 * stand->think_median_s);
    int64_t wait_ns = latency_ns > 0 ? PATIENCE_LATENCIES * latency_ns : timeout_ns;
    return PATIENCE_NS + pauses_ns + (wait_ns < timeout_ns ? wait_ns : timeout_ns);
}

/* Until all is answered, patience ends or somebody stops it; false in the last case. */
static bool watch(const struct capacity_stand *stand, const struct engine_plan *plan,
                  struct engine *engine, struct capacity_queue *queue)
{
    int64_t end_ns = plan->arrivals.end_ns, late_ns = end_ns + patience_ns(stand);
    bool stopped = false;
    while (!engine_finished(engine) && !stopped) {
        struct engine_live live;
        if (stand->interrupted == NULL) {
            clock_sleep_ns(CLOCK_NS_PER_MS);
            continue;
        }
        stopped = stand->interrupted(TURN_NS);
        int64_t now_ns = clock_mono_ns() - plan->start_mono_ns;
        double now_s = (double)now_ns / (double)CLOCK_NS_PER_S;
        engine_live(engine, &live);
        capacity_queue_look(queue, now_s, (double)(live.waiting + live.in_flight));
        if (stand->show != NULL) {
            stand->show(stand->show_context, now_s, (double)end_ns / (double)CLOCK_NS_PER_S, &live);
        }
        if (now_ns >= late_ns) {
            break;
        }
    }
    if (engine_finished(engine) && stand->interrupted != NULL) {
        int64_t now_ns = clock_mono_ns() - plan->start_mono_ns;
        capacity_queue_empty_from(queue, (double)now_ns / (double)CLOCK_NS_PER_S);
    }
    engine_stop(engine);
    return !stopped;
}

/* Plays to the end; *result is the caller's if ERR_OK comes back. */
static enum err play_out(const struct capacity_stand *stand, const struct engine_plan *plan,
                         struct engine_result *result, struct capacity_queue *queue,
                         struct error *error)
{
    struct engine *engine = NULL;
    capacity_queue_init(queue, (double)plan->measure_from_ns / (double)CLOCK_NS_PER_S,
                        (double)plan->arrivals.end_ns / (double)CLOCK_NS_PER_S);
    enum err code = engine_start(plan, &engine, error);
    if (code != ERR_OK) {
        return code;
    }
    bool over = watch(stand, plan, engine, queue);
    engine_join(engine, result);
    if (!over) {
        engine_result_deinit(result);
        return ERR_INTERRUPTED;
    }
    return ERR_OK;
}

enum err capacity_trial_play(void *context, const struct capacity_trial_plan *plan,
                             struct capacity_trial *out, struct error *error)
{
    struct capacity_stand *stand = context;
    struct capacity_schedule schedule = {0};
    struct capacity_queue queue;
    struct engine_result result;
    struct play play;
    int64_t before = stand->people.steps, from_ns = clock_mono_ns();
    prepare(stand, plan, &play);
    bool open = plan->kind == CAPACITY_OPEN;
    if (open) {
        capacity_schedule_init(&schedule, plan, &stand->people);
        play.plan.arrivals.process = ARRIVALS_REPLAY;
        play.plan.arrivals.moment_ns = schedule.moment_ns;
        play.plan.arrivals.moment_person = schedule.person;
        play.plan.arrivals.moment_count = schedule.count;
    } else {
        play.plan.mode = ENGINE_CLOSED;
        play.plan.closed_users = plan->users;
        play.plan.arrivals.people = stand->people.turning;
    }
    enum err code = play_out(stand, &play.plan, &result, &queue, error);
    if (code == ERR_OK) {
        if (!open) {
            capacity_people_made(&stand->people, result.ledger->steps);
        }
        capacity_trial_measure(stand, plan, open ? &schedule : NULL, &result, before, out);
        out->queue_slope = capacity_queue_slope(&queue, &out->queue_slope_error);
        out->wall_s = (double)(clock_mono_ns() - from_ns) / (double)CLOCK_NS_PER_S;
        engine_result_deinit(&result);
    }
    capacity_schedule_deinit(&schedule);
    return code;
}

/* ---- the reference ---- */

/* Only those kept apart make visits. */
static void choose_reference(const struct capacity_people *people, struct alias *mix)
{
    int32_t users = people->turning + people->reference;
    double *weight = mem_zalloc((size_t)users, sizeof *weight);
    for (int32_t p = people->turning; p < users; p++) {
        weight[p] = 1;
    }
    alias_init(mix, weight, users);
    mem_free(weight);
}

static void learn(struct capacity_stand *stand, const struct engine_result *result)
{
    const struct ledger *ledger = result->ledger;
    size_t count = (size_t)result->events.count;
    struct capacity_sight *sight = mem_zalloc(count + 1, sizeof *sight);
    for (size_t i = 0; i < count; i++) {
        const struct event *event = &result->events.event[i];
        sight[i] = (struct capacity_sight){.person = event->person,
                                           .step = event->step,
                                           .hit = event->half_stars >= LEDGER_CONVERTED_HALF_STARS};
    }
    capacity_people_learn(&stand->people, sight, count);
    mem_free(sight);
    for (int e = 0; e < ENGINE_ENDPOINTS; e++) {
        stand->rest_p50_ns[e] = (int64_t)histogram_quantile(result->from_send[e], 0.5);
    }
    stand->sources = ledger->source_count;
    memcpy(stand->source, ledger->source, sizeof stand->source);
}

enum err capacity_stand_reference(struct capacity_stand *stand, double seconds, uint64_t seed,
                                  struct error *error)
{
    struct capacity_trial_plan plan = {.kind = CAPACITY_CLOSED,
                                       .users = REFERENCE_USERS,
                                       .duration_s = seconds,
                                       .block_s = 1,
                                       .seed = seed};
    struct capacity_trial outcome = {0};
    struct engine_result result;
    struct capacity_queue unused;
    struct alias mix = {0};
    struct play play;
    prepare(stand, &plan, &play);
    play.plan.mode = ENGINE_CLOSED;
    play.plan.closed_users = plan.users;
    play.plan.keep_events = true;
    if (stand->people.reference > 0) {
        choose_reference(&stand->people, &mix);
        play.plan.arrivals.mix = &mix;
    }
    enum err code = play_out(stand, &play.plan, &result, &unused, error);
    alias_deinit(&mix);
    if (code != ERR_OK) {
        return code;
    }
    if (ledger_total(result.ledger).lists == 0) {
        code =
            error_set(error, ERR_INVALID, result.problem.where, 0, "not one list could be read: %s",
                      result.problem.code != ERR_OK ? result.problem.text : "none was asked for");
    } else {
        learn(stand, &result);
        capacity_trial_measure(stand, &plan, NULL, &result, 0, &outcome);
        stand->people.fallback_share = outcome.fallback_share;
        capacity_trial_deinit(&outcome);
    }
    engine_result_deinit(&result);
    return code;
}
