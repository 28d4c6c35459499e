#include "load/live.h"

#include "base/clock.h"

const double engine_live_bound_s[ENGINE_LIVE_BOUNDS] = {
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0,
};

/* The same in nanoseconds: this is asked several times a request. */
static const int64_t bound_ns[ENGINE_LIVE_BOUNDS] = {
    500000,    1000000,   2500000,   5000000,    10000000,   25000000,   50000000,
    100000000, 250000000, 500000000, 1000000000, 2500000000, 5000000000,
};

void live_record(struct live_latency *latency, int64_t ns)
{
    int bucket = 0;
    while (bucket < ENGINE_LIVE_BOUNDS && ns > bound_ns[bucket]) {
        bucket++;
    }
    live_add(&latency->count[bucket], 1);
    live_add(&latency->sum_ns, ns);
}

void live_raise(live_count *maximum, int64_t value)
{
    if (value > atomic_load_explicit(maximum, memory_order_relaxed)) {
        atomic_store_explicit(maximum, value, memory_order_relaxed);
    }
}

static int64_t get(const live_count *count)
{
    return atomic_load_explicit(count, memory_order_relaxed);
}

static void collect_latency(const struct live_latency *from, struct engine_live_latency *into)
{
    for (int i = 0; i <= ENGINE_LIVE_BOUNDS; i++) {
        into->count[i] += get(&from->count[i]);
    }
    into->sum_s += (double)get(&from->sum_ns) / (double)CLOCK_NS_PER_S;
}

void live_collect(const struct live *live, struct engine_live *into)
{
    into->visits += get(&live->visits);
    into->visits_delayed += get(&live->visits_delayed);
    into->steps += get(&live->steps);
    into->steps_late += get(&live->steps_late);
    into->lists += get(&live->lists);
    into->retried += get(&live->retried);
    into->in_flight += get(&live->in_flight);
    into->waiting += get(&live->waiting);
    int64_t lag_ns = get(&live->lag_max_ns);
    into->lag_max_ns = lag_ns > into->lag_max_ns ? lag_ns : into->lag_max_ns;
    for (int i = 0; i < 10; i++) {
        int64_t count = get(&live->stars[i]);
        into->rated_by_half_stars[i] += count;
        into->rated += count;
        into->converted += i + 1 >= LEDGER_CONVERTED_HALF_STARS ? count : 0;
        into->stars += (double)count * (i + 1) / 2.0;
    }
    into->reciprocal_rank += (double)get(&live->reciprocal_rank) / LIVE_RANK_UNITS;
    for (int e = 0; e < ENGINE_ENDPOINTS; e++) {
        int64_t failed = get(&live->failed[e]), unknown = get(&live->unknown[e]);
        into->sent_by[e] += get(&live->sent[e]);
        into->failed_by[e] += failed;
        into->unknown_by[e] += unknown;
        into->failed += failed;
        into->unknown += unknown;
        into->shed_by[e] += get(&live->shed[e]);
        for (int f = 0; f < EXCHANGE_FAILURES; f++) {
            into->failure_by[e][f] += get(&live->failure[e][f]);
        }
        for (int c = 0; c < ENGINE_CLOCKS; c++) {
            collect_latency(&live->latency[e][c], &into->latency[e][c]);
        }
    }
    collect_latency(&live->schedule_lag, &into->schedule_lag);
}
