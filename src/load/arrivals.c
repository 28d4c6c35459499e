/*
 * Visit n takes its gap, its person and its length from the stream (seed, n), so that a visit is
 * the same whoever walks to it. Only its start needs the walk, being the sum of the gaps before it;
 * it is summed in whole nanoseconds, which makes the sum exact on every worker.
 *
 * Everything else is laid over this base process: more traffic, joining newcomers, bots, shills are
 * sources of their own, each an inhomogeneous Poisson process whose rate is stated in visits a
 * visit that the base process expects (joins: a second). The walk goes from gap to gap of the base
 * process; in each, a source expects `hazard` visits, and its next one comes when the expectations
 * since the last have added up to an exponential draw (to 1, evenly, over a process that is not
 * random itself). So a source follows the hours of the day and the moments of a record without
 * knowing them, no visit of the base process is ever moved, and less traffic is visits left out.
 * A gap in which an injection of traffic changes is walked in parts (course.h), because in a quiet
 * hour or a sparse record it may be longer than the injection.
 *
 * Rejected: one process whose rate is the sum, told apart by marks. It is shorter, but one more bot
 * moves every visit after it, and two runs that differ in an injection have no visit in common.
 */
#include "load/arrivals.h"

#include "base/mem.h"
#include "load/arrivals_people.h"
#include "load/course.h"

#include <assert.h>
#include <math.h>
#include <stddef.h>

#define STEPS_MAX 100000
#define NS_PER_S 1e9
#define PAUSE_MAX_NS 1e18
#define NUMBER_BITS 48
/* Bots and shills act this much faster than people. */
#define GUEST_HASTE 20
/* What an answer is taken to last when accounts are counted. */
#define GUEST_ANSWER_S .005

static bool is_guest(enum drift_kind kind)
{
    return kind == DRIFT_BOTS || kind == DRIFT_SHILLING;
}

static bool is_random(const struct arrivals_config *config)
{
    return config->process == ARRIVALS_POISSON || config->process == ARRIVALS_DIURNAL;
}

static bool needs_merging(const struct arrivals_config *config)
{
    bool needed = config->joins_per_s > 0;
    for (int i = 0; config->drift != NULL && i < config->drift->count; i++) {
        enum drift_kind kind = config->drift->injection[i].kind;
        needed |= kind == DRIFT_TRAFFIC || kind == DRIFT_USER_MIX || kind == DRIFT_COLD_START ||
                  is_guest(kind);
    }
    return needed;
}

/* ---- the base process ---- */

/* The moment by which a diurnal process that starts at from_ns has expected `units` visits; end_ns
 * if that is later. */
static int64_t diurnal_advance(const struct arrivals_config *config, int64_t from_ns, double units)
{
    int64_t at_ns = from_ns;
    while (at_ns < config->end_ns) {
        int64_t hour = at_ns * 24 / config->day_ns;
        int64_t hour_end_ns = ((hour + 1) * config->day_ns + 23) / 24;
        double weight = config->hour_weight[(config->start_hour + hour) % ARRIVALS_WEEK_HOURS];
        double per_ns = config->visits_per_s * weight / NS_PER_S;
        double expected = (double)(hour_end_ns - at_ns) * per_ns;
        if (units < expected) {
            int64_t reached_ns = at_ns + (int64_t)(units / per_ns);
            return reached_ns < config->end_ns ? reached_ns : config->end_ns;
        }
        units -= expected;
        at_ns = hour_end_ns;
    }
    return config->end_ns;
}

/* The other way round. */
static double diurnal_units(const struct arrivals_config *config, int64_t from_ns, int64_t to_ns)
{
    double units = 0;
    for (int64_t at_ns = from_ns; at_ns < to_ns;) {
        int64_t hour = at_ns * 24 / config->day_ns;
        int64_t hour_end_ns = ((hour + 1) * config->day_ns + 23) / 24;
        int64_t until_ns = hour_end_ns < to_ns ? hour_end_ns : to_ns;
        double weight = config->hour_weight[(config->start_hour + hour) % ARRIVALS_WEEK_HOURS];
        units += (double)(until_ns - at_ns) * config->visits_per_s * weight / NS_PER_S;
        at_ns = until_ns;
    }
    return units;
}

/* Start of visit `next` of the base process; end_ns or later if there is none. *units: how many
 * visits that process expected since the last. */
static int64_t base_start(const struct arrivals *arrivals, double *units)
{
    const struct arrivals_config *config = &arrivals->config;
    uint64_t n = arrivals->next;
    *units = 1;
    if (config->process == ARRIVALS_REPLAY) {
        return n < (uint64_t)config->moment_count ? config->moment_ns[n] : config->end_ns;
    }
    if (!(config->visits_per_s > 0.0)) {
        return config->end_ns;
    }
    if (config->process == ARRIVALS_CONSTANT) {
        double start_ns = ((double)n + 1) / config->visits_per_s * NS_PER_S;
        return start_ns < (double)config->end_ns ? (int64_t)start_ns : config->end_ns;
    }
    struct rng rng = rng_stream(config->seed, n, ARRIVALS_DRAW_VISIT);
    *units = rng_exponential(&rng);
    if (config->process == ARRIVALS_DIURNAL) {
        return diurnal_advance(config, arrivals->time_ns, *units);
    }
    double gap_ns = *units / config->visits_per_s * NS_PER_S;
    if (gap_ns >= (double)(config->end_ns - arrivals->time_ns)) {
        return config->end_ns;
    }
    return arrivals->time_ns + (int64_t)gap_ns;
}

/* Geometric on 1, 2, ... with the given mean, by inversion. */
static int32_t draw_steps(struct rng *rng, double mean)
{
    double uniform = rng_uniform(rng);
    if (mean <= 1.0) {
        return 1;
    }
    double steps = 1.0 + floor(log(uniform) / log1p(-1.0 / mean));
    return steps < STEPS_MAX ? (int32_t)steps : STEPS_MAX;
}

/* Fills in a visit of a person whose source and start are known. False if nobody can make it. */
static bool draw_visit(struct arrivals *arrivals, uint64_t number, int64_t start_ns,
                       int32_t recorded, struct visit *visit)
{
    const struct arrivals_config *config = &arrivals->config;
    struct rng rng = rng_stream(config->seed, number, ARRIVALS_DRAW_VISIT);
    (void)rng_u64(&rng); /* the gap's */
    int32_t person = arrivals_person(arrivals, number, recorded, &rng);
    *visit = (struct visit){.number = number,
                            .start_ns = start_ns,
                            .person = person,
                            .steps = draw_steps(&rng, config->steps_per_visit),
                            .kind = ARRIVALS_PERSON};
    if (person >= 0 && arrivals->merged) {
        visit->person = arrivals_mixed(arrivals, number, person, start_ns);
    }
    return person >= 0;
}

static bool draw_base(struct arrivals *arrivals, int64_t start_ns, struct visit *visit)
{
    const struct arrivals_config *config = &arrivals->config;
    uint64_t number = arrivals->next++;
    bool recorded = config->process == ARRIVALS_REPLAY && config->moment_person != NULL;
    arrivals->time_ns = start_ns;
    return draw_visit(arrivals, number, start_ns, recorded ? config->moment_person[number] : -1,
                      visit);
}

/* ---- what is laid over it ---- */

static double traffic_level(const struct arrivals_config *config, int64_t nominal_ns)
{
    double level = 1;
    for (int i = 0; config->drift != NULL && i < config->drift->count; i++) {
        const struct drift_injection *injection = &config->drift->injection[i];
        if (injection->kind == DRIFT_TRAFFIC) {
            double intensity = drift_intensity(injection, nominal_ns);
            level *= 1 + (arrivals_parameter(injection) - 1) * intensity;
        }
    }
    return fmax(level, 0);
}

/* Share of all visits that an injection's guests make at a moment. */
static double guest_share(const struct drift_injection *injection, int64_t nominal_ns)
{
    if (!is_guest(injection->kind)) {
        return 0;
    }
    return fmax(arrivals_parameter(injection) * drift_intensity(injection, nominal_ns), 0);
}

/* The end of the part of the gap that begins at from_ns, in which nothing changes. */
static int64_t part_end(const struct arrivals *arrivals, int64_t from_ns)
{
    const struct drift *drift = arrivals->config.drift;
    int64_t end_ns = arrivals->gap.to_ns;
    for (int i = 0; drift != NULL && i < drift->count; i++) {
        const struct drift_injection *injection = &drift->injection[i];
        if (injection->kind == DRIFT_TRAFFIC || is_guest(injection->kind)) {
            int64_t change_ns = course_next_change(injection, from_ns);
            end_ns = change_ns < end_ns ? change_ns : end_ns;
        }
    }
    return end_ns;
}

/* Visits that the base process expects in [from_ns, to_ns) of the gap. */
static double part_units(const struct arrivals *arrivals, int64_t from_ns, int64_t to_ns)
{
    const struct arrivals_gap *gap = &arrivals->gap;
    if (from_ns == gap->from_ns && to_ns == gap->to_ns) {
        return gap->units;
    }
    if (arrivals->config.process == ARRIVALS_DIURNAL) {
        return diurnal_units(&arrivals->config, from_ns, to_ns);
    }
    return gap->units * (double)(to_ns - from_ns) / (double)(gap->to_ns - gap->from_ns);
}

static void open_part(struct arrivals *arrivals, int64_t from_ns)
{
    const struct arrivals_config *config = &arrivals->config;
    struct arrivals_gap *gap = &arrivals->gap;
    gap->part_from_ns = from_ns;
    gap->part_to_ns = part_end(arrivals, from_ns);
    gap->part_units = part_units(arrivals, from_ns, gap->part_to_ns);
    int64_t middle_ns = from_ns + (gap->part_to_ns - from_ns) / 2;
    double level = traffic_level(config, middle_ns), shares = 0;
    int injections = config->drift == NULL ? 0 : config->drift->count;
    for (int i = 0; i < injections; i++) {
        shares += guest_share(&config->drift->injection[i], middle_ns);
    }
    double scale = shares > ARRIVALS_GUEST_SHARE_MAX ? ARRIVALS_GUEST_SHARE_MAX / shares : 1;
    double a_share = level * gap->part_units * scale / (1 - shares * scale);
    for (int i = 0; i < injections; i++) {
        gap->hazard[ARRIVALS_GUEST + i] =
            a_share * guest_share(&config->drift->injection[i], middle_ns);
        gap->used[ARRIVALS_GUEST + i] = 0;
    }
    gap->hazard[ARRIVALS_EXTRA] = fmax(level - 1, 0) * gap->part_units;
    gap->used[ARRIVALS_EXTRA] = 0;
}

/* Opens the gap to the next visit of the base process, or to the end if there is none. */
static void open_gap(struct arrivals *arrivals)
{
    const struct arrivals_config *config = &arrivals->config;
    struct arrivals_gap *gap = &arrivals->gap;
    double units;
    int64_t start_ns = base_start(arrivals, &units);
    *gap = (struct arrivals_gap){.from_ns = arrivals->time_ns, .to_ns = start_ns, .units = units};
    if (start_ns >= config->end_ns) {
        gap->ends = true;
        gap->to_ns = config->end_ns;
        double seconds = (double)(config->end_ns - gap->from_ns) / NS_PER_S;
        gap->units = config->process == ARRIVALS_REPLAY ? 0
                     : config->process == ARRIVALS_DIURNAL
                         ? diurnal_units(config, gap->from_ns, gap->to_ns)
                         : config->visits_per_s * seconds;
    }
    if (arrivals->joined < config->newcomers) {
        double seconds = (double)(gap->to_ns - gap->from_ns) / NS_PER_S;
        gap->hazard[ARRIVALS_JOIN] = fmax(config->joins_per_s, 0) * seconds;
    }
    open_part(arrivals, gap->from_ns);
    arrivals->in_gap = true;
}

/* When a source's next visit comes, INT64_MAX if not in this part of the gap. Joins are spread over
 * the whole of it, so that no injection moves them. */
static int64_t source_start(const struct arrivals *arrivals, int source)
{
    const struct arrivals_gap *gap = &arrivals->gap;
    bool join = source == ARRIVALS_JOIN;
    double at = gap->used[source] + arrivals->left[source];
    if (!(at < gap->hazard[source])) {
        return INT64_MAX;
    }
    double way = at / gap->hazard[source];
    if (arrivals->config.process == ARRIVALS_DIURNAL && !join) {
        int64_t start_ns =
            diurnal_advance(&arrivals->config, gap->part_from_ns, way * gap->part_units);
        return start_ns < gap->part_to_ns ? start_ns : gap->part_to_ns;
    }
    int64_t from_ns = join ? gap->from_ns : gap->part_from_ns;
    int64_t to_ns = join ? gap->to_ns : gap->part_to_ns;
    int64_t start_ns = from_ns + (int64_t)(way * (double)(to_ns - from_ns));
    return start_ns >= gap->part_to_ns && gap->part_to_ns < to_ns ? INT64_MAX : start_ns;
}

static uint64_t number_of(int source, uint64_t place)
{
    return (uint64_t)source << NUMBER_BITS | place;
}

/* The expected visits before the source's next one. Evenly spaced ones begin half way. */
static double draw_left(const struct arrivals *arrivals, int source)
{
    uint64_t place = arrivals->count[source];
    if (source == ARRIVALS_EXTRA && !is_random(&arrivals->config)) {
        return place == 0 ? .5 : 1;
    }
    struct rng rng =
        rng_stream(arrivals->config.seed, number_of(source, place), ARRIVALS_DRAW_VISIT);
    return rng_exponential(&rng);
}

/* Visits a second at the busiest: the people's, with all traffic injected. */
static double peak_visits_per_s(const struct arrivals_config *config)
{
    double per_s = config->visits_per_s, hour = 1;
    if (config->process == ARRIVALS_REPLAY) {
        per_s = config->end_ns > 0
                    ? (double)config->moment_count / ((double)config->end_ns / NS_PER_S)
                    : 0;
    }
    for (int h = 0; config->process == ARRIVALS_DIURNAL && h < ARRIVALS_WEEK_HOURS; h++) {
        hour = fmax(hour, config->hour_weight[h]);
    }
    for (int i = 0; i < config->drift->count; i++) {
        const struct drift_injection *injection = &config->drift->injection[i];
        bool more = injection->kind == DRIFT_TRAFFIC;
        hour *= more ? fmax(arrivals_parameter(injection), 1) : 1;
    }
    return per_s * hour;
}

/* How many visits of an injection's guests go on at once, in the mean. */
static double guests_at_once(const struct arrivals_config *config, int injection)
{
    double shares = 0, pause_s = 0;
    for (int i = 0; i < config->drift->count; i++) {
        const struct drift_injection *each = &config->drift->injection[i];
        shares += is_guest(each->kind) ? fmax(arrivals_parameter(each), 0) : 0;
    }
    double scale = shares > ARRIVALS_GUEST_SHARE_MAX ? ARRIVALS_GUEST_SHARE_MAX / shares : 1;
    double share = fmax(arrivals_parameter(&config->drift->injection[injection]), 0) * scale;
    if (config->think_median_s > 0) {
        double sigma = config->think_sigma;
        pause_s = config->think_median_s * exp(sigma * sigma / 2) / GUEST_HASTE;
    }
    double steps = config->steps_per_visit;
    double visit_s = (2 * steps - 1) * pause_s + 2 * steps * GUEST_ANSWER_S;
    return peak_visits_per_s(config) * share / (1 - shares * scale) * visit_s;
}

int32_t arrivals_guests(const struct arrivals_config *config, int index)
{
    const struct drift_injection *injection = &config->drift->injection[index];
    if (!is_guest(injection->kind)) {
        return 0;
    }
    bool alone = arrivals_parameter(injection) <= ARRIVALS_ONE_BOT_SHARE;
    int32_t least = injection->kind == DRIFT_SHILLING ? ARRIVALS_SHILL_ACCOUNTS
                    : alone                           ? 1
                                                      : ARRIVALS_BOT_ACCOUNTS;
    double needed = ceil(guests_at_once(config, index) / ARRIVALS_GUEST_BUSY_MAX);
    return needed > least ? (int32_t)fmin(needed, ARRIVALS_GUESTS_MAX) : least;
}

/* Accounts of the injections before this one. */
static int32_t accounts_before(const struct arrivals_config *config, int injection)
{
    int32_t accounts = 0;
    for (int i = 0; config->drift != NULL && i < injection; i++) {
        accounts += arrivals_guests(config, i);
    }
    return accounts;
}

/* Makes the visit of a guest out of that of a person; false outside the injection. */
static bool as_guest(const struct arrivals *arrivals, int index, struct visit *visit)
{
    const struct arrivals_config *config = &arrivals->config;
    const struct drift_injection *injection = &config->drift->injection[index];
    struct rng rng = rng_stream(config->seed, visit->number, ARRIVALS_DRAW_ACTIVITY);
    visit->person =
        arrivals->guest_first[index] + (int32_t)rng_below(&rng, (uint32_t)arrivals->guests[index]);
    visit->kind = injection->kind == DRIFT_BOTS ? ARRIVALS_BOT : ARRIVALS_SHILL;
    visit->injection = (uint8_t)index;
    return drift_intensity(injection, visit->start_ns) > 0;
}

/* Takes the source's next visit; false if it is dropped after all. */
static bool take_source(struct arrivals *arrivals, int source, int64_t start_ns,
                        struct visit *visit)
{
    const struct arrivals_config *config = &arrivals->config;
    uint64_t number = number_of(source, arrivals->count[source]++);
    arrivals->gap.used[source] += arrivals->left[source];
    arrivals->left[source] = draw_left(arrivals, source);
    int32_t joining = -1;
    if (source == ARRIVALS_JOIN) {
        if (arrivals->joined >= config->newcomers) {
            return false;
        }
        joining = arrivals_join(arrivals);
    }
    if (!draw_visit(arrivals, number, start_ns, joining, visit)) {
        return false;
    }
    if (source == ARRIVALS_JOIN) {
        visit->person = joining;
    }
    return source < ARRIVALS_GUEST ? source != ARRIVALS_EXTRA || traffic_level(config, start_ns) > 1
                                   : as_guest(arrivals, source - ARRIVALS_GUEST, visit);
}

/* Is the base process's next visit left out, because there is less traffic? */
static bool is_left_out(struct arrivals *arrivals)
{
    double level = traffic_level(&arrivals->config, arrivals->gap.to_ns);
    if (level >= 1) {
        return false;
    }
    if (!is_random(&arrivals->config)) {
        arrivals->kept += level;
        bool out = arrivals->kept < 1 - 1e-9;
        arrivals->kept -= out ? 0 : 1;
        return out;
    }
    struct rng rng = rng_stream(arrivals->config.seed, arrivals->next, ARRIVALS_DRAW_THIN);
    return rng_uniform(&rng) >= level;
}

/* The rest of what a source expects here goes by without a visit. */
static void pass_hazard(struct arrivals *arrivals, int source)
{
    const struct arrivals_gap *gap = &arrivals->gap;
    arrivals->left[source] =
        fmax(arrivals->left[source] - (gap->hazard[source] - gap->used[source]), 0);
}

/* Ends the part, and the gap if it is the last one; true if a visit of the base process stands
 * there. */
static bool close_part(struct arrivals *arrivals, struct visit *visit)
{
    const struct arrivals_gap *gap = &arrivals->gap;
    for (int s = ARRIVALS_EXTRA; s < ARRIVALS_SOURCES; s++) {
        if (s != ARRIVALS_JOIN) {
            pass_hazard(arrivals, s);
        }
    }
    if (gap->part_to_ns < gap->to_ns) {
        open_part(arrivals, gap->part_to_ns);
        return false;
    }
    pass_hazard(arrivals, ARRIVALS_JOIN);
    arrivals->in_gap = false;
    arrivals->over = gap->ends;
    if (gap->ends) {
        return false;
    }
    bool out = is_left_out(arrivals);
    return draw_base(arrivals, gap->to_ns, visit) && !out;
}

static bool next_merged(struct arrivals *arrivals, struct visit *visit)
{
    while (!arrivals->over) {
        if (!arrivals->in_gap) {
            open_gap(arrivals);
        }
        int first = ARRIVALS_BASE;
        int64_t start_ns = INT64_MAX;
        int sources =
            ARRIVALS_GUEST + (arrivals->config.drift == NULL ? 0 : arrivals->config.drift->count);
        for (int s = ARRIVALS_EXTRA; s < sources; s++) {
            int64_t at_ns = source_start(arrivals, s);
            first = at_ns < start_ns ? s : first;
            start_ns = at_ns < start_ns ? at_ns : start_ns;
        }
        if (first == ARRIVALS_BASE ? close_part(arrivals, visit)
                                   : take_source(arrivals, first, start_ns, visit)) {
            return visit->start_ns < arrivals->config.end_ns;
        }
    }
    return false;
}

/* ---- for callers ---- */

void arrivals_init(struct arrivals *arrivals, const struct arrivals_config *config)
{
    assert(config->people <= 0 || config->steps_per_visit >= 1.0);
    assert(config->process != ARRIVALS_DIURNAL ||
           (config->hour_weight != NULL && config->day_ns > 0 && config->start_hour >= 0));
    assert(config->newcomers <= config->people);
    *arrivals = (struct arrivals){.config = *config, .merged = needs_merging(config)};
    if (arrivals->merged) {
        arrivals_people_init(arrivals);
        for (int i = 0; config->drift != NULL && i < config->drift->count; i++) {
            arrivals->guests[i] = arrivals_guests(config, i);
            arrivals->guest_first[i] = config->people + accounts_before(config, i);
        }
        for (int s = ARRIVALS_EXTRA; s < ARRIVALS_SOURCES; s++) {
            arrivals->left[s] = draw_left(arrivals, s);
        }
    }
}

void arrivals_deinit(struct arrivals *arrivals)
{
    mem_free(arrivals->group);
    *arrivals = (struct arrivals){0};
}

bool arrivals_next(struct arrivals *arrivals, struct visit *visit)
{
    double units;
    if (arrivals->config.people <= 0 || arrivals->over) {
        return false;
    }
    if (arrivals->merged) {
        return next_merged(arrivals, visit);
    }
    int64_t start_ns = base_start(arrivals, &units);
    return start_ns < arrivals->config.end_ns && draw_base(arrivals, start_ns, visit);
}

int32_t arrivals_accounts(const struct arrivals_config *config)
{
    return config->people +
           accounts_before(config, config->drift == NULL ? 0 : config->drift->count);
}

int64_t arrivals_think_ns(const struct arrivals_config *config, uint64_t visit, uint32_t action)
{
    if (!(config->think_median_s > 0.0)) {
        return 0;
    }
    /* A normal takes two draws, so every action has a place of its own in the visit's stream. */
    struct rng rng = rng_stream_at(config->seed, visit, ARRIVALS_DRAW_THINK, 2 * (uint64_t)action);
    double seconds = config->think_median_s * exp(config->think_sigma * rng_normal(&rng));
    return (int64_t)(fmin(seconds, 1e9) * NS_PER_S);
}

/* What slow raters make of a pause before a rating. */
static double slowness(const struct arrivals_config *config, int32_t person, int64_t nominal_ns)
{
    double factor = 1;
    struct rng rng = rng_stream(config->seed, (uint64_t)person, ARRIVALS_DRAW_PLACE);
    double place = rng_uniform(&rng);
    for (int i = 0; config->drift != NULL && i < config->drift->count; i++) {
        const struct drift_injection *injection = &config->drift->injection[i];
        bool concerned =
            injection->members == NULL || (injection->members[person / 64] >> (person % 64) & 1);
        if (injection->kind == DRIFT_SLOW_RATERS && concerned) {
            double intensity = drift_intensity_at(injection, nominal_ns, place);
            factor *= 1 + (arrivals_parameter(injection) - 1) * intensity;
        }
    }
    return fmax(factor, 0);
}

int64_t arrivals_pause_ns(const struct arrivals_config *config, const struct visit *visit,
                          uint32_t action, int64_t nominal_ns)
{
    int64_t think_ns = arrivals_think_ns(config, visit->number, action);
    if (visit->kind != ARRIVALS_PERSON) {
        return think_ns / GUEST_HASTE;
    }
    if (action % 2 == 1 || config->drift == NULL) {
        return think_ns;
    }
    double factor = slowness(config, visit->person, nominal_ns);
    return factor == 1 ? think_ns : (int64_t)fmin((double)think_ns * factor, PAUSE_MAX_NS);
}

bool arrivals_leaves(const struct arrivals_config *config, int32_t person, uint32_t step,
                     int32_t unlucky)
{
    const struct arrivals_leaving *leaving = &config->leaving;
    if (leaving->after_steps <= 0 || unlucky < leaving->after_steps) {
        return false;
    }
    struct rng rng = rng_stream_at(config->seed, (uint64_t)person, ARRIVALS_DRAW_LEAVE, step);
    return rng_uniform(&rng) < leaving->probability;
}
