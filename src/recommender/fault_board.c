/*
 * A service spends its life without faults, so the common case is made free: `any` is read first,
 * and only when it is set the mutex is taken. A request that comes at the same moment as a fault
 * may thus still be served without it, as one that came a microsecond earlier would be.
 *
 * Publishing an immutable set and reading it without a lock, as models are, was rejected: decisions
 * take well below a microsecond, and while a fault is active nobody measures throughput.
 *
 * No thread waits for the end of a fault: whoever looks after its end finds it gone.
 */
#include "recommender/fault_board.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/metrics.h"

#include <pthread.h>
#include <stdatomic.h>

struct fault_board {
    uint64_t seed;
    atomic_bool any;             /* the set may hold one that has not ended */
    atomic_uint_fast64_t number; /* of requests asked about while `any` */
    atomic_uint_fast64_t applied[FAULT_KINDS];
    pthread_mutex_t mutex; /* guards the following */
    struct fault_set set;
    int64_t last_id;
};

struct fault_board *fault_board_new(uint64_t seed)
{
    struct fault_board *board = mem_zalloc(1, sizeof *board);
    board->seed = seed;
    pthread_mutex_init(&board->mutex, NULL);
    return board;
}

void fault_board_free(struct fault_board *board)
{
    if (board != NULL) {
        pthread_mutex_destroy(&board->mutex);
        mem_free(board);
    }
}

/* Takes the mutex and drops what has ended. */
static void enter(struct fault_board *board, int64_t now_ns)
{
    pthread_mutex_lock(&board->mutex);
    struct fault_set *set = &board->set;
    size_t kept = 0;
    for (size_t i = 0; i < set->count; i++) {
        if (set->list[i].ends_ns > now_ns) {
            set->list[kept++] = set->list[i];
        }
    }
    set->count = kept;
}

static void leave(struct fault_board *board)
{
    atomic_store(&board->any, board->set.count > 0);
    pthread_mutex_unlock(&board->mutex);
}

int64_t fault_board_add(struct fault_board *board, const struct fault_spec *spec, int64_t now_ns)
{
    int64_t id = 0;
    enter(board, now_ns);
    struct fault_set *set = &board->set;
    if (set->count < FAULT_ACTIVE_MAX) {
        id = ++board->last_id;
        set->list[set->count++] = (struct fault_active){
            .id = id,
            .spec = *spec,
            .ends_ns = now_ns + (int64_t)(spec->duration_s * (double)CLOCK_NS_PER_S)};
    }
    leave(board);
    return id;
}

bool fault_board_remove(struct fault_board *board, int64_t id, int64_t now_ns)
{
    bool found = false;
    enter(board, now_ns);
    struct fault_set *set = &board->set;
    for (size_t i = 0; i < set->count; i++) {
        found = found || set->list[i].id == id;
        if (found && i + 1 < set->count) {
            set->list[i] = set->list[i + 1];
        }
    }
    set->count -= found;
    leave(board);
    return found;
}

size_t fault_board_clear(struct fault_board *board, int64_t now_ns, int64_t ids[FAULT_ACTIVE_MAX])
{
    enter(board, now_ns);
    size_t count = board->set.count;
    for (size_t i = 0; i < count; i++) {
        ids[i] = board->set.list[i].id;
    }
    board->set.count = 0;
    leave(board);
    return count;
}

static struct fault_set copy_set(struct fault_board *board, int64_t now_ns)
{
    enter(board, now_ns);
    const struct fault_set set = board->set;
    leave(board);
    return set;
}

json_t *fault_board_list(struct fault_board *board, int64_t now_ns)
{
    const struct fault_set set = copy_set(board, now_ns);
    json_t *list = json_array();
    for (size_t i = 0; i < set.count; i++) {
        const struct fault_active *fault = &set.list[i];
        json_t *object = fault_spec_json(&fault->spec);
        json_object_set_new(object, "id", json_integer(fault->id));
        json_object_set_new(object, "remaining_s",
                            json_real((double)(fault->ends_ns - now_ns) * 1e-9));
        json_array_append_new(list, object);
    }
    return list;
}

void fault_board_plan(struct fault_board *board, enum route route, int64_t now_ns,
                      struct fault_plan *out)
{
    static const enum fault_kind at_once[] = {FAULT_LATENCY,        FAULT_ERRORS,
                                              FAULT_STALL,          FAULT_SCRAPE_DELAY,
                                              FAULT_SCRAPE_GARBAGE, FAULT_HIDDEN_SERIES};
    *out = (struct fault_plan){0};
    if (!atomic_load(&board->any)) {
        return;
    }
    uint64_t number = atomic_fetch_add(&board->number, 1);
    enter(board, now_ns);
    fault_decide(&board->set, board->seed, number, route, now_ns, out);
    leave(board);
    for (size_t k = 0; k < sizeof at_once / sizeof *at_once; k++) {
        if ((out->kinds >> at_once[k] & 1) != 0) {
            fault_board_applied(board, at_once[k]);
        }
    }
}

void fault_board_applied(struct fault_board *board, enum fault_kind kind)
{
    atomic_fetch_add(&board->applied[kind], 1);
}

bool fault_board_has(struct fault_board *board, int64_t id, int64_t now_ns)
{
    const struct fault_set set = copy_set(board, now_ns);
    bool found = false;
    for (size_t i = 0; i < set.count; i++) {
        found = found || set.list[i].id == id;
    }
    return found;
}

bool fault_board_stale(struct fault_board *board, int64_t now_ns)
{
    if (!atomic_load(&board->any)) {
        return false;
    }
    const struct fault_set set = copy_set(board, now_ns);
    bool stale = false;
    for (size_t i = 0; i < set.count; i++) {
        stale = stale || set.list[i].spec.kind == FAULT_STALE_MODEL;
    }
    return stale;
}

void fault_board_write(struct fault_board *board, int64_t now_ns, struct buf *out)
{
    const struct fault_set set = copy_set(board, now_ns);
    int active[FAULT_KINDS] = {0};
    for (size_t i = 0; i < set.count; i++) {
        active[set.list[i].spec.kind]++;
    }
    metrics_family(out, "fault_active", "gauge", "Faults on demand that are active.");
    for (int k = 0; k < FAULT_KINDS; k++) {
        const struct metrics_label kind = {"kind", fault_kind_name((enum fault_kind)k)};
        metrics_sample(out, "fault_active", &kind, 1, active[k]);
    }
    metrics_family(out, "fault_applied_total", "counter",
                   "Requests and trainings that a fault on demand touched.");
    for (int k = 0; k < FAULT_KINDS; k++) {
        const struct metrics_label kind = {"kind", fault_kind_name((enum fault_kind)k)};
        metrics_sample(out, "fault_applied_total", &kind, 1,
                       (double)atomic_load(&board->applied[k]));
    }
}
