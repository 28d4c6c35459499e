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
 *
 * Mixes that overlap are applied one after another, in the order in which they are written: the
 * share r of one is that which those before it leave, and its replacements are drawn as they would
 * be by then, from people at rest who have gone through the mixes before. So the last one written
 * gets exactly the share it wants, as population/effect.c measures it. What the earlier ones leave
 * is the sum over groups of people who are in the same cohorts, 2^mixes at most.
 */
#include "load/arrivals_people.h"

#include "base/mem.h"

#include <assert.h>
#include <math.h>
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

/* Bit m: is the person in the cohort of the mix number m? */
static uint32_t group_of(const struct arrivals *arrivals, int32_t person)
{
    const struct drift *drift = arrivals->config.drift;
    uint32_t group = 0;
    for (int m = 0; m < arrivals->mixes; m++) {
        const struct drift_injection *injection = &drift->injection[arrivals->mixing[m].injection];
        group |= (uint32_t)is_member(&arrivals->config, injection, person) << m;
    }
    return group;
}

static void weigh(struct arrivals *arrivals, int32_t person)
{
    const struct arrivals_config *config = &arrivals->config;
    double weight = config->mix == NULL ? 1 : config->mix->share[person];
    arrivals->present_weight += weight;
    if (arrivals->group != NULL) {
        arrivals->group[group_of(arrivals, person)].weight += weight;
    }
    for (int i = 0; config->drift != NULL && i < config->drift->count; i++) {
        const struct drift_injection *injection = &config->drift->injection[i];
        if (mixes(injection) && is_member(config, injection, person)) {
            arrivals->member_weight[i] += weight;
        }
    }
}

void arrivals_people_init(struct arrivals *arrivals)
{
    const struct arrivals_config *config = &arrivals->config;
    int32_t present = arrivals_present(arrivals);
    for (int i = 0; config->drift != NULL && i < config->drift->count; i++) {
        if (mixes(&config->drift->injection[i])) {
            arrivals->mixing[arrivals->mixes++] = (struct arrivals_mixing){.injection = i};
        }
    }
    if (arrivals->mixes > 1) {
        arrivals->group = mem_zalloc((size_t)1 << arrivals->mixes, sizeof *arrivals->group);
        for (int32_t p = first_newcomer(config); p < config->people; p++) {
            arrivals->group[group_of(arrivals, p)].newcomers++;
        }
    }
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

/* ---- mixes, one after another ---- */

static int32_t draw_side(const struct arrivals *arrivals, int m, bool inside, int32_t person,
                         struct rng *rng);

/* Somebody drawn at rest, after the first `count` mixes. */
static int32_t pass(const struct arrivals *arrivals, int count, int32_t person, struct rng *rng)
{
    const struct arrivals_config *config = &arrivals->config;
    for (int m = 0; m < count; m++) {
        const struct arrivals_mixing *mixing = &arrivals->mixing[m];
        bool inside = is_member(config, &config->drift->injection[mixing->injection], person);
        if (mixing->active && rng_uniform(rng) < mixing->moved[inside]) {
            person = draw_side(arrivals, m, !inside, person, rng);
        }
    }
    return person;
}

/* Somebody inside or outside the cohort; `person` if there is none. */
static int32_t draw_side(const struct arrivals *arrivals, int m, bool inside, int32_t person,
                         struct rng *rng)
{
    const struct arrivals_config *config = &arrivals->config;
    const struct arrivals_mixing *mixing = &arrivals->mixing[m];
    if (inside && mixing->any_newcomer) {
        return first_newcomer(config) + (int32_t)rng_below(rng, (uint32_t)config->newcomers);
    }
    for (int try = 0; try < TRIES_MAX; try++) {
        int32_t drawn = draw_present(arrivals, rng);
        if (drawn < 0) {
            return person;
        }
        drawn = pass(arrivals, m, drawn, rng);
        if (is_member(config, &config->drift->injection[mixing->injection], drawn) == inside) {
            return drawn;
        }
    }
    return person;
}

static size_t groups(const struct arrivals *arrivals)
{
    return arrivals->group == NULL ? 0 : (size_t)1 << arrivals->mixes;
}

/* Weights of the members of mix m and of all, after the mixes before it. */
static double weight_inside(const struct arrivals *arrivals, int m, double *all)
{
    double inside = 0;
    *all = 0;
    for (size_t g = 0; g < groups(arrivals); g++) {
        *all += arrivals->group[g].now;
        inside += (g >> m & 1) != 0 ? arrivals->group[g].now : 0;
    }
    return inside;
}

/* What mix m, which moves the share of its members from `rest` to `wanted`, makes of the groups. */
static void move_groups(struct arrivals *arrivals, int m, double all, double rest, double wanted)
{
    const struct arrivals_mixing *mixing = &arrivals->mixing[m];
    double gain = fmax(wanted - rest, 0) * all;
    double inside = mixing->any_newcomer && gain > 0 ? 1 : rest > 0 ? wanted / rest : 0;
    for (size_t g = 0; g < groups(arrivals); g++) {
        struct arrivals_group *group = &arrivals->group[g];
        if ((g >> m & 1) == 0) {
            group->now *= rest < 1 ? (1 - wanted) / (1 - rest) : 0;
        } else {
            group->now *= inside;
            group->now +=
                mixing->any_newcomer ? gain * group->newcomers / arrivals->config.newcomers : 0;
        }
    }
}

/* Settles what mix m does at a moment, given those before it; `first`: none of them does anything.
 */
static void settle(struct arrivals *arrivals, int m, int64_t nominal_ns, bool first)
{
    const struct arrivals_config *config = &arrivals->config;
    struct arrivals_mixing *mixing = &arrivals->mixing[m];
    const struct drift_injection *injection = &config->drift->injection[mixing->injection];
    double intensity = drift_intensity(injection, nominal_ns);
    double all = arrivals->present_weight, members = arrivals->member_weight[mixing->injection];
    bool cold = injection->kind == DRIFT_COLD_START;
    mixing->active = false;
    if (intensity <= 0) {
        return;
    }
    if (!first) {
        members = weight_inside(arrivals, m, &all);
    }
    if (all <= 0 || (cold ? config->newcomers <= 0 : members <= 0)) {
        return;
    }
    double rest = members / all;
    double wanted = rest + (arrivals_parameter(injection) - rest) * intensity;
    mixing->active = true;
    mixing->any_newcomer = cold && (first || members <= 0 || config->joins_per_s > 0);
    mixing->moved[0] = (wanted - rest) / (1 - rest);
    mixing->moved[1] = members < all ? (rest - wanted) / rest : 0;
    if (members < all) {
        move_groups(arrivals, m, all, rest, wanted);
    }
}

int32_t arrivals_mixed(struct arrivals *arrivals, uint64_t number, int32_t person, int64_t start_ns)
{
    const struct arrivals_config *config = &arrivals->config;
    bool first = true;
    for (size_t g = 0; g < groups(arrivals); g++) {
        arrivals->group[g].now = arrivals->group[g].weight;
    }
    for (int m = 0; m < arrivals->mixes; m++) {
        const struct arrivals_mixing *mixing = &arrivals->mixing[m];
        settle(arrivals, m, start_ns, first);
        if (!mixing->active) {
            continue;
        }
        first = false;
        bool inside = is_member(config, &config->drift->injection[mixing->injection], person);
        struct rng rng =
            rng_stream(config->seed, number, ARRIVALS_DRAW_MIX + (uint32_t)mixing->injection);
        if (rng_uniform(&rng) < mixing->moved[inside]) {
            person = draw_side(arrivals, m, !inside, person, &rng);
        }
    }
    return person;
}
