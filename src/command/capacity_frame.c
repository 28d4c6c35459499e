/* What frames a search: the reference before it, and the generator's proofs before and after. */
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "command/capacity_int.h"
#include "command/selftest_world.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Standard error of the reference's hit rate, relative to it, that a promise can be held against.
 */
#define REFERENCE_ERROR_MAX 0.03

bool capacity_promises(const struct slo *slo, enum slo_kind kind)
{
    bool promised = false;
    for (size_t o = 0; o < slo->count; o++) {
        promised |= slo->objective[o].kind == kind;
    }
    return promised;
}

void capacity_note(struct capacity_result *result, const char *text)
{
    size_t len = strlen(result->note);
    (void)snprintf(result->note + len, sizeof result->note - len, "%s%s", len > 0 ? "; " : "",
                   text);
}

/* ---- the reference ---- */

/* A hit rate that is compared with something has to be known. Where it is not, each rate would stay
 * undecided after minutes of load. */
static enum err check_hits(const struct capacity *capacity, struct error *error)
{
    const struct capacity_people *people = &capacity->stand.people;
    char why[CAPACITY_UNKNOWN_SIZE];
    if (!capacity_promises(&capacity->config.slo, SLO_HIT_RATE_KEPT)) {
        return ERR_OK;
    }
    if (capacity_people_unknown(people, why, sizeof why)) {
        return error_set(error, ERR_INVALID, "hit_rate_kept", 0, "%s", why);
    }
    if (!(people->hit_error <= REFERENCE_ERROR_MAX * people->hit_first)) {
        log_write(LOG_WARN, "capacity",
                  "the reference is short for hit_rate_kept: %lld lists of %lld people, a hit rate "
                  "of %.3f with a standard error of %.3f; a longer --reference helps",
                  (long long)people->lists, (long long)people->seen, people->hit_first,
                  people->hit_error);
    }
    if (people->worn) {
        log_write(LOG_INFO, "capacity",
                  "what %d people like is known for %lld steps of theirs; more --users, or a "
                  "longer --reference, make it more",
                  (int)people->turning, (long long)capacity_people_reach(people));
    }
    return ERR_OK;
}

/* A source that no list came from is spelt wrong, or is not needed at rest. */
static void doubt_fallbacks(const struct options *options, const struct capacity *capacity)
{
    const struct capacity_stand *stand = &capacity->stand;
    bool met = false;
    char names[LEDGER_SOURCES_MAX * (LEDGER_SOURCE_SIZE + 2)] = "";
    for (int s = 0; s < stand->sources; s++) {
        size_t len = strlen(names);
        (void)snprintf(names + len, sizeof names - len, "%s%s", s > 0 ? ", " : "",
                       stand->source[s]);
        for (int f = 0; f < stand->fallbacks; f++) {
            met |= strcmp(stand->source[s], stand->fallback[f]) == 0;
        }
    }
    bool asked = options_is_set(options, "fallback") ||
                 capacity_promises(&capacity->config.slo, SLO_FALLBACK);
    if (asked && !met) {
        log_write(LOG_WARN, "capacity",
                  "no list of the reference came from a source of --fallback (%s); those met: %s",
                  options_text(options, "fallback"), names[0] != '\0' ? names : "none");
    }
}

enum err capacity_reference(const struct options *options, struct capacity *capacity,
                            struct error *error)
{
    const struct capacity_people *people = &capacity->stand.people;
    capacity_status_begin(&capacity->status, "reference");
    /* Seeds of the search count up from its own. */
    enum err code =
        capacity_stand_reference(&capacity->stand, capacity_option_s(options, "reference"),
                                 rng_mix(capacity->config.seed, UINT64_C(0x726566)), error);
    capacity_status_clear(&capacity->status);
    if (code == ERR_OK) {
        char fallback[48] = "no source told";
        if (isfinite(people->fallback_share)) {
            (void)snprintf(fallback, sizeof fallback, "fallback %.1f %%",
                           people->fallback_share * 100);
        }
        fprintf(stderr,
                "reference: %lld lists of %lld people, hit rate of a first one %.3f (standard "
                "error %.3f), %+.4f a further step, %s\n",
                (long long)people->lists, (long long)people->seen, people->hit_first,
                people->hit_error, people->hit_change, fallback);
        doubt_fallbacks(options, capacity);
        code = check_hits(capacity, error);
    }
    return code;
}

/* ---- the proof ---- */

/* rate_per_s 0: half of what the generator can do, or less. */
static enum err prove(const struct options *options, struct capacity *capacity, double rate_per_s,
                      double left_s, struct error *error)
{
    double seconds = capacity_option_s(options, "proof");
    if (!(seconds > 0)) {
        return ERR_OK;
    }
    struct capacity_proof *proof = &capacity->proof[capacity->proofs];
    struct capacity_proof_plan plan = {.rate_per_s = rate_per_s,
                                       .seconds = seconds,
                                       .left_s = left_s,
                                       .seed =
                                           rng_mix(capacity->config.seed, UINT64_C(0x70726f6f66)),
                                       .film = selftest_films(&capacity->people.data),
                                       .films = capacity->people.data.catalogue.count};
    capacity_status_begin(&capacity->status, "proof");
    enum err code = capacity_prove(&capacity->stand, &plan, proof, error);
    mem_free((void *)plan.film);
    capacity_status_clear(&capacity->status);
    if (code == ERR_OK && proof->tries > 0) {
        capacity->proofs++;
        if (!proof->fit) {
            log_write(LOG_WARN, "capacity",
                      "the generator alone is not fit at %.5g steps a second: %s",
                      proof->rate_per_s, proof->why);
        }
    }
    return code;
}

enum err capacity_prove_first(const struct options *options, struct capacity *capacity,
                              struct error *error)
{
    return prove(options, capacity, capacity->config.most_per_s, INFINITY, error);
}

static double highest_rate(const struct capacity_result *result)
{
    double highest = 0;
    for (size_t i = 0; i < result->level_count; i++) {
        const struct capacity_level *level = &result->level[i];
        if (level->plan.kind == CAPACITY_OPEN && level->valid) {
            highest = fmax(highest, level->plan.rate_per_s);
        }
    }
    return highest;
}

enum err capacity_prove_again(const struct options *options, struct capacity *capacity,
                              struct error *error)
{
    double budget_s = capacity->config.budget_s;
    double left_s = budget_s > 0 ? budget_s - capacity->result.spent_s : INFINITY;
    double highest = highest_rate(&capacity->result);
    int proofs = capacity->proofs;
    if (proofs == 0 || !(highest > 0) ||
        (capacity->proof[0].fit && highest <= capacity->proof[0].rate_per_s)) {
        return ERR_OK;
    }
    int64_t from_ns = clock_mono_ns();
    enum err code = prove(options, capacity, highest, left_s, error);
    capacity->result.spent_s += (double)(clock_mono_ns() - from_ns) / (double)CLOCK_NS_PER_S;
    bool proved = capacity->proofs > proofs;
    if (proved && !capacity->proof[0].fit) {
        capacity->proof[0] = capacity->proof[1]; /* what counts is what was offered */
        capacity->proofs = 1;
    }
    if (code == ERR_OK && !proved) {
        capacity_note(&capacity->result,
                      "no time was left to prove the generator at its highest rate");
    }
    return code;
}
