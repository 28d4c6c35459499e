#include "command/capacity_proof.h"

#include "base/clock.h"
#include "base/document.h"
#include "base/text.h"
#include "load/stub_server.h"
#include "load/transport_pick.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* If no rate is asked for: a share of the greatest, again and again until the generator is fit. It
 * is busier for each step at a given rate than as fast as it can, for then it does many at a time.
 */
#define PROOF_SHARE 0.5
#define PROOF_TRIES_DOWN 4
#define PROOF_WARMUP_S 0.5
#define PROOF_BLOCK_S 0.25
#define PROOF_TRIES 2 /* of a rate that was asked for */
/* The built-in server answers at once: more connections than this are never taken, and both ends of
 * each are in this process. */
#define PROOF_CONNECTIONS 256

static enum err start_server(const struct capacity_stand *stand,
                             const struct capacity_proof_plan *plan, struct stub **out,
                             struct error *error)
{
    struct stub_config config = {.seed = plan->seed,
                                 .list_length = target_list_length(stand->target),
                                 .film = plan->film,
                                 .films = plan->films,
                                 .connections_max = 2 * (int)stand->threads * PROOF_CONNECTIONS,
                                 .rotate = population_users(stand->population) <= STUB_ROTATE_MAX};
    return stub_start(out, &config, error);
}

/* The transport that the target takes, or its like: the server speaks HTTP/1.1 and no TLS. */
static const struct transport_class *pick(const struct capacity_stand *stand,
                                          const struct target *target, struct error *error)
{
    size_t count;
    const struct request_shape *const *shape = target_shapes(target, &count);
    bool fast = strcmp(stand->transport->name, "http1") == 0;
    return transport_pick(fast ? "http1" : "libcurl", shape, count, error);
}

static enum err play(struct capacity_stand *stand, struct capacity_trial_plan plan,
                     struct capacity_trial *out, struct error *error)
{
    *out = (struct capacity_trial){0};
    enum err code = capacity_trial_play(stand, &plan, out, error);
    capacity_trial_deinit(out);
    return code;
}

/* The steps a second that a quarter as many people at once make as there are connections. */
static enum err find_greatest(struct capacity_stand *stand, const struct capacity_proof_plan *plan,
                              double *out, struct error *error)
{
    struct capacity_trial trial;
    int64_t users = (int64_t)stand->threads * stand->connections / 4;
    struct capacity_trial_plan closed = {.kind = CAPACITY_CLOSED,
                                         .users = users > 0 ? (int)users : 1,
                                         .warmup_s = PROOF_WARMUP_S,
                                         .duration_s = 1,
                                         .block_s = PROOF_BLOCK_S,
                                         .seed = plan->seed};
    enum err code = play(stand, closed, &trial, error);
    *out = trial.achieved_per_s;
    return code;
}

static enum err try_rate(struct capacity_stand *stand, const struct capacity_proof_plan *plan,
                         struct capacity_proof *out, struct error *error)
{
    struct capacity_trial trial;
    double blocks = fmax(round(plan->seconds / PROOF_BLOCK_S), 1);
    struct capacity_trial_plan open = {.kind = CAPACITY_OPEN,
                                       .rate_per_s = out->rate_per_s,
                                       .warmup_s = PROOF_WARMUP_S,
                                       .duration_s = blocks * PROOF_BLOCK_S,
                                       .block_s = PROOF_BLOCK_S,
                                       .seed = plan->seed + 1};
    enum err code = play(stand, open, &trial, error);
    out->achieved_per_s = trial.achieved_per_s;
    out->p99_s = trial.p99_s;
    out->lag_p99_s = trial.lag_p99_s;
    out->cpu_share = trial.cpu_share;
    out->errors_share = trial.errors_share;
    out->fit = trial.valid && !(trial.errors_share > 0);
    out->why[0] = '\0';
    if (!trial.valid) {
        (void)text_copy(out->why, sizeof out->why, trial.why);
    } else if (!out->fit) {
        (void)snprintf(out->why, sizeof out->why, "%.3g %% of the requests failed or were not sent",
                       trial.errors_share * 100);
    }
    return code;
}

static bool has_room(const struct capacity_proof_plan *plan, int64_t from_ns)
{
    double spent_s = (double)(clock_mono_ns() - from_ns) / (double)CLOCK_NS_PER_S;
    return spent_s + PROOF_WARMUP_S + plan->seconds <= plan->left_s;
}

static enum err try_rates(struct capacity_stand *stand, const struct capacity_proof_plan *plan,
                          int64_t from_ns, struct capacity_proof *out, struct error *error)
{
    enum err code = ERR_OK;
    bool asked = plan->rate_per_s > 0;
    double next_per_s = plan->rate_per_s;
    if (!asked) {
        code = find_greatest(stand, plan, &next_per_s, error);
        next_per_s *= PROOF_SHARE;
    }
    while (code == ERR_OK && !out->fit && out->tries < (asked ? PROOF_TRIES : PROOF_TRIES_DOWN) &&
           has_room(plan, from_ns)) {
        out->rate_per_s = fmax(next_per_s, 1);
        out->tries++;
        code = try_rate(stand, plan, out, error);
        next_per_s *= asked ? 1 : PROOF_SHARE;
    }
    return code;
}

enum err capacity_prove(const struct capacity_stand *of, const struct capacity_proof_plan *plan,
                        struct capacity_proof *out, struct error *error)
{
    struct capacity_stand stand = *of;
    struct stub *stub = NULL;
    struct target *target = NULL;
    int64_t from_ns = clock_mono_ns();
    int most = of->connections > 0 ? of->connections : PROOF_CONNECTIONS;
    stand.connections = most < PROOF_CONNECTIONS ? most : PROOF_CONNECTIONS;
    memset(stand.rest_p50_ns, 0, sizeof stand.rest_p50_ns);
    *out = (struct capacity_proof){.rate_per_s = plan->rate_per_s};
    enum err code = start_server(of, plan, &stub, error);
    if (code == ERR_OK) {
        code = target_from_url(stub_url(stub), population_catalogue(of->population),
                               target_list_length(of->target), &target, error);
    }
    if (code == ERR_OK) {
        stand.target = target;
        stand.transport = pick(of, target, error);
        code = stand.transport != NULL ? ERR_OK : ERR_USAGE;
    }
    if (code == ERR_OK) {
        code = try_rates(&stand, plan, from_ns, out, error);
    }
    target_free(target);
    stub_stop(stub);
    return code;
}

void capacity_proof_print(const struct capacity_proof *proof)
{
    printf("generator alone %.5g/s: p99 %.2f ms, lag p99 %.3f ms, %.0f %% of a core: %s%s\n",
           proof->rate_per_s, proof->p99_s * 1e3, proof->lag_p99_s * 1e3, proof->cpu_share * 100,
           proof->fit ? "fit" : "not fit, ", proof->why);
}

json_t *capacity_proof_json(const struct capacity_proof *proof)
{
    return json_pack("{s:o,s:b,s:s,s:o,s:o,s:o,s:o,s:o}", "rate_per_s",
                     document_number(proof->rate_per_s), "fit", (int)proof->fit, "why_not",
                     proof->why, "achieved_per_s", document_number(proof->achieved_per_s), "p99_s",
                     document_number(proof->p99_s), "lag_p99_s", document_number(proof->lag_p99_s),
                     "cpu_share", document_number(proof->cpu_share), "errors_share",
                     document_number(proof->errors_share));
}
