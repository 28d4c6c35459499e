/*
 * A mix of people states which share of the visits a cohort makes. The people drawn at rest stay
 * wherever they can: with the share at rest r and the share wanted s, a visit of an outsider goes
 * to a member with probability (s - r) / (1 - r) if s is larger, a visit of a member to an outsider
 * with probability (r - s) / r if it is smaller. The draw that decides is the visit's and the
 * injection's own, so a rising share takes visits over one after another and gives none back.
 *
 * The replacement is drawn as people are at rest until one is on the right side, which keeps the
 * weights of activity within the cohort and needs no list of its members. It takes 1 / r draws in
 * the mean; of a cohort of one in ten thousand, some tens of microseconds.
 */
#include "load/arrivals_people.h"

#include <assert.h>
#include <stddef.h>

/* Draws before a cohort is taken for empty: it then holds less than about one in a million. */
#define TRIES_MAX 8000000

double arrivals_parameter(const struct drift_injection *injection)
{
    return injection->bound ? injection->parameter : injection->size;
}

static bool mixes(const struct drift_injection *injection)
{
    return injection->kind == DRIFT_COLD_START ||
           (injection->kind == DRIFT_USER_MIX && injection->members != NULL);
}

static int32_t first_newcomer(const struct arrivals_config *config)
{
    return config->people - config->newcomers;
}

static bool is_member(const struct arrivals_config *config, const struct drift_injection *injection,
                      int32_t person)
{
    if (injection->kind == DRIFT_COLD_START) {
        return person >= first_newcomer(config);
    }
    return injection->members == NULL ||
           (injection->members[person / 64] >> (person % 64) & 1) != 0;
}

static void weigh(struct arrivals *arrivals, int32_t person)
{
    const struct arrivals_config *config = &arrivals->config;
    double weight = config->mix == NULL ? 1 : config->mix->share[person];
    arrivals->present_weight += weight;
    for (int i = 0; config->drift != NULL && i < config->drift->count; i++) {
        const struct drift_injection *injection = &config->drift->injection[i];
        if (mixes(injection) && is_member(config, injection, person)) {
            arrivals->member_weight[i] += weight;
        }
    }
}

void arrivals_people_init(struct arrivals *arrivals)
{
    int32_t present = arrivals_present(arrivals);
    for (int32_t person = 0; person < present; person++) {
        weigh(arrivals, person);
    }
}

int32_t arrivals_present(const struct arrivals *arrivals)
{
    const struct arrivals_config *config = &arrivals->config;
    return config->joins_per_s > 0 ? first_newcomer(config) + arrivals->joined : config->people;
}

int32_t arrivals_join(struct arrivals *arrivals)
{
    int32_t person = arrivals_present(arrivals);
    assert(person < arrivals->config.people);
    arrivals->joined++;
    weigh(arrivals, person);
    return person;
}

/* One of those who come, drawn as at rest; -1 if nobody of any weight does. */
static int32_t draw_present(const struct arrivals *arrivals, struct rng *rng)
{
    const struct alias *mix = arrivals->config.mix;
    int32_t present = arrivals_present(arrivals);
    for (int try = 0; try < TRIES_MAX && present > 0; try++) {
        int32_t person =
            mix == NULL ? (int32_t)rng_below(rng, (uint32_t)present) : alias_draw(mix, rng);
        if (person < present) {
            return person;
        }
    }
    return -1;
}

int32_t arrivals_person(const struct arrivals *arrivals, uint64_t number, int32_t recorded,
                        struct rng *rng)
{
    struct rng by_activity = rng_stream(arrivals->config.seed, number, ARRIVALS_DRAW_ACTIVITY);
    int32_t present = arrivals_present(arrivals);
    int32_t drawn = present > 0 ? (int32_t)rng_below(rng, (uint32_t)present) : -1;
    if (recorded >= 0) {
        return recorded;
    }
    return arrivals->config.mix == NULL ? drawn : draw_present(arrivals, &by_activity);
}

/* Somebody inside or outside the cohort; `person` if there is none. */
static int32_t draw_side(const struct arrivals *arrivals, const struct drift_injection *injection,
                         bool inside, int32_t person, struct rng *rng)
{
    const struct arrivals_config *config = &arrivals->config;
    if (inside && injection->kind == DRIFT_COLD_START) {
        return first_newcomer(config) + (int32_t)rng_below(rng, (uint32_t)config->newcomers);
    }
    for (int try = 0; try < TRIES_MAX; try++) {
        int32_t drawn = draw_present(arrivals, rng);
        if (drawn < 0) {
            return person;
        }
        if (is_member(config, injection, drawn) == inside) {
            return drawn;
        }
    }
    return person;
}

static int32_t replace(const struct arrivals *arrivals, int index, uint64_t number, int32_t person,
                       int64_t start_ns)
{
    const struct arrivals_config *config = &arrivals->config;
    const struct drift_injection *injection = &config->drift->injection[index];
    double intensity = drift_intensity(injection, start_ns);
    double members = arrivals->member_weight[index], all = arrivals->present_weight;
    bool cold = injection->kind == DRIFT_COLD_START;
    if (intensity <= 0 || all <= 0 || (cold ? config->newcomers <= 0 : members <= 0)) {
        return person;
    }
    double rest = members / all;
    double wanted = rest + (arrivals_parameter(injection) - rest) * intensity;
    bool inside = is_member(config, injection, person);
    double moved = inside ? (rest - wanted) / rest : (wanted - rest) / (1 - rest);
    struct rng rng = rng_stream(config->seed, number, ARRIVALS_DRAW_MIX + (uint32_t)index);
    if (!(rng_uniform(&rng) < moved) || (inside && members >= all)) {
        return person;
    }
    return draw_side(arrivals, injection, !inside, person, &rng);
}

int32_t arrivals_mixed(const struct arrivals *arrivals, uint64_t number, int32_t person,
                       int64_t start_ns)
{
    const struct drift *drift = arrivals->config.drift;
    for (int i = 0; drift != NULL && i < drift->count; i++) {
        if (mixes(&drift->injection[i])) {
            person = replace(arrivals, i, number, person, start_ns);
        }
    }
    return person;
}
