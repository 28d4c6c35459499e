#include "command/run_ways.h"

#include "load/transport_pick.h"

#include <inttypes.h>

enum err run_ways_read(const struct options *options, int64_t duration_ns, struct run_ways *out,
                       struct error *error)
{
    const char *patience = options_text(options, "patience");
    *out = (struct run_ways){.closed_users = (int)options_int(options, "closed"),
                             .lists_only = options_flag(options, "lists-only"),
                             .transport = options_text(options, "transport"),
                             .warmup_ns = options_duration_ns(options, "warmup"),
                             .control = options_text(options, "control")};
    if (!patience_from_name(patience, &out->patience.kind)) {
        return error_set(error, ERR_USAGE, "--patience", 0,
                         "expected polite, impatient or stubborn, got '%.100s'", patience);
    }
    if (out->warmup_ns >= duration_ns) {
        return error_set(error, ERR_USAGE, "--warmup", 0, "nothing is left to measure");
    }
    if (out->closed_users > 0 && options_is_set(options, "rate")) {
        return error_set(error, ERR_USAGE, "--closed", 0,
                         "people who go on at once leave no room for --rate");
    }
    if (out->control != NULL && options_flag(options, "loop")) {
        return error_set(error, ERR_USAGE, "--control", 0, "a loop is not steered");
    }
    return ERR_OK;
}

enum err run_ways_divide(int32_t people, unsigned threads, unsigned shards, struct error *error)
{
    unsigned parts = threads * (shards > 1 ? shards : 1);
    if ((uint32_t)people >= parts) {
        return ERR_OK;
    }
    return error_set(error, ERR_USAGE, "--threads", 0,
                     "%" PRId32 " people cannot be shared by %u threads in %u processes", people,
                     threads, shards > 1 ? shards : 1);
}

enum err run_ways_apply(const struct run_ways *ways, struct engine_plan *plan, struct error *error)
{
    size_t count;
    const struct request_shape *const *shape = target_shapes(plan->target, &count);
    plan->transport = transport_pick(ways->transport, shape, count, error);
    if (plan->transport == NULL) {
        return ERR_USAGE;
    }
    plan->mode = ways->closed_users > 0 ? ENGINE_CLOSED : ENGINE_OPEN;
    plan->closed_users = ways->closed_users;
    plan->lists_only = ways->lists_only || !target_has(plan->target)->ratings;
    plan->patience = ways->patience;
    plan->measure_from_ns = ways->warmup_ns;
    return ERR_OK;
}
