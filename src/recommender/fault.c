/*
 * The random numbers of a request come from a stream of each fault, positioned by the number of the
 * request. So what a fault does to the n-th request depends neither on the other faults nor on the
 * threads that serve, and a seed repeats it.
 */
#include "recommender/fault.h"

#include "base/clock.h"
#include "base/rng.h"

#include <math.h>

#define DRAWS_A_REQUEST 4 /* share, and two of a normal number; a power of two */

const char *fault_kind_name(enum fault_kind kind)
{
    static const char *const names[FAULT_KINDS] = {
        "latency",         "errors",       "stall",          "stale-model",  "broken-source",
        "dropped-ratings", "scrape-delay", "scrape-garbage", "hidden-series"};
    return names[kind];
}

/* Whether requests of this route are its business at all. */
static bool concerns(const struct fault_spec *spec, enum route route)
{
    switch (spec->kind) {
    case FAULT_STALE_MODEL:
        return route == ROUTE_RATINGS || route == ROUTE_RETRAIN;
    case FAULT_BROKEN_SOURCE:
        return route == ROUTE_RECOMMENDATIONS;
    case FAULT_DROPPED_RATINGS:
        return route == ROUTE_RATINGS;
    case FAULT_SCRAPE_DELAY:
    case FAULT_SCRAPE_GARBAGE:
    case FAULT_HIDDEN_SERIES:
        return route == ROUTE_METRICS;
    default:
        return (spec->handlers >> route & 1) != 0;
    }
}

static double latency_s(const struct fault_spec *spec, struct rng *rng)
{
    if (spec->median_s <= 0) {
        return spec->latency_s;
    }
    return fmin(spec->median_s * exp(spec->sigma * rng_normal(rng)), FAULT_DELAY_MAX_S);
}

static int64_t to_ns(double seconds)
{
    return llrint(seconds * (double)CLOCK_NS_PER_S);
}

static void apply(const struct fault_active *fault, struct rng *rng, struct fault_plan *plan)
{
    const struct fault_spec *spec = &fault->spec;
    switch (spec->kind) {
    case FAULT_LATENCY:
        plan->delay_ns += to_ns(latency_s(spec, rng));
        break;
    case FAULT_ERRORS:
        plan->status = plan->status != 0 ? plan->status : spec->status;
        break;
    case FAULT_STALL:
        if (fault->ends_ns > plan->held_until_ns) {
            plan->held_until_ns = fault->ends_ns;
            plan->held_by = fault->id;
        }
        break;
    case FAULT_STALE_MODEL:
        plan->stale = true;
        break;
    case FAULT_BROKEN_SOURCE:
        plan->sources.of[spec->source] = (enum source_state)spec->items;
        plan->sources.seed = rng_u64(rng);
        break;
    case FAULT_DROPPED_RATINGS:
        plan->dropped = true;
        break;
    case FAULT_SCRAPE_DELAY:
        plan->delay_ns += to_ns(spec->delay_s);
        break;
    case FAULT_HIDDEN_SERIES:
        plan->hides = true;
        break;
    default:
        plan->form = (enum fault_form)spec->form;
    }
    plan->kinds |= 1U << spec->kind;
}

/* A request answered with an error is not served, so what would have changed its service does not
 * touch it. */
static void leave_only_delays(struct fault_plan *plan)
{
    const unsigned kept =
        1U << FAULT_LATENCY | 1U << FAULT_ERRORS | 1U << FAULT_STALL | 1U << FAULT_SCRAPE_DELAY;
    *plan = (struct fault_plan){.kinds = plan->kinds & kept,
                                .delay_ns = plan->delay_ns,
                                .held_until_ns = plan->held_until_ns,
                                .held_by = plan->held_by,
                                .status = plan->status};
}

void fault_decide(const struct fault_set *set, uint64_t seed, uint64_t number, enum route route,
                  int64_t now_ns, struct fault_plan *out)
{
    *out = (struct fault_plan){0};
    for (size_t i = 0; i < set->count; i++) {
        const struct fault_active *fault = &set->list[i];
        if (now_ns >= fault->ends_ns || !concerns(&fault->spec, route)) {
            continue;
        }
        struct rng rng = rng_stream_at(seed, (uint64_t)fault->id, (uint32_t)fault->spec.kind,
                                       DRAWS_A_REQUEST * number);
        if (rng_uniform(&rng) < fault->spec.share) {
            apply(fault, &rng, out);
        }
    }
    if (out->status != 0) {
        leave_only_delays(out);
    } else if (out->dropped && (out->kinds & 1U << FAULT_STALE_MODEL) != 0) {
        out->kinds &= ~(1U << FAULT_STALE_MODEL); /* nothing is left of it to be unused */
    }
}
