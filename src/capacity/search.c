/*
 * The rates that are tried. Doubling, then halving the bracket on the logarithm of the rate, costs
 * some ten trials from a start that is wrong by a factor of eight down to 2 %; what they cost in
 * time is decided a trial (see search_level.c): rates far from the limit need seconds.
 *
 * Near the limit a trial may stay undecided however long it goes on. Such a rate is a hole in the
 * bracket: what is between the highest pass and the lowest undecided rate, and between the highest
 * undecided one and the lowest fail, is still narrowed, then the search is over. An invalid rate
 * bounds the search from above like a fail, but is none: if no real one is found below it, the
 * answer is "at least".
 *
 * How the error allowed is split: the interval is wrong above if a rate beyond the limit passes.
 * Until that happens, every rate beyond the limit that was tried failed or stayed undecided. So the
 * k-th of them is tried when k - 1 levels at least have not passed, and a level may err by the part
 * that belongs to that number; these parts add up to the error allowed whatever the order of rates
 * is. Passes below the limit cost nothing. The same holds the other way round for fails.
 *
 * An expected hit rate comes from one reference, so that its error shifts every verdict the same
 * way and no further trial helps. It is allowed for once: the fitted line lies within a band
 * (Working and Hotelling 1929) at all steps at once but for its part of the error allowed, and a
 * pass or a fail must hold for each expectation within the band.
 *
 * A fail always wins over a pass at the same or a higher rate, so contradictions widen the interval
 * downwards, and a soak that fails takes its pass bound away.
 *
 * Rejected: a ramp (at each moment the target is in no steady state, and a queue needs longer to
 * grow than the ramp stays), a fit of the whole latency curve (its form is what is not known).
 */
#include "capacity/search.h"

#include "base/mem.h"
#include "capacity/search_int.h"

#include <assert.h>
#include <math.h>

enum {
    BLOCKS = 32,        /* of the shortest trial */
    SOAK_BLOCKS = 4096, /* of the longest soak at most */
    EVEN_LEVELS = 6,    /* of a bisection that may err alike, on each side of the limit */
    DEMOTIONS_MAX = 3,
};

/* Parts of the error allowed on each side. */
#define BRACKET_ERROR 0.2
#define BISECT_ERROR 0.7
#define CONFIRM_ERROR 0.1
/* Of the whole, taken off before: that the reference is further off than it is allowed to be. */
#define REFERENCE_ERROR 0.3
#define RUN_AT_REST 2.0 /* slow responses in a row that even an idle target may show */
#define REST_PART 0.25  /* of the bisection's, for levels beyond EVEN_LEVELS */

#define START_SHARE 0.25 /* of what the ladder reached */
#define NEAR_LADDER 2.0  /* times that: a wanted rate that is tried at once */
#define OVERLOAD 1.5     /* times the fail bound */

void capacity_config_init(struct capacity_config *config)
{
    *config = (struct capacity_config){.confidence = 0.95,
                                       .precision = 0.02,
                                       .indifference = 0.02,
                                       .trial_s = 10,
                                       .longest_s = 60,
                                       .warmup_s = 2,
                                       .ladder_s = 3,
                                       .soak_s = 60,
                                       .least_per_s = 1,
                                       .users_most = 64,
                                       .invalid_repeats = 2};
}

/* ---- the bracket as it stands ---- */

static bool going(const struct search *search)
{
    return search->code == ERR_OK && !search->out_of_budget &&
           search->result->level_count < SEARCH_LEVELS_MAX;
}

static bool counts(const struct capacity_level *level)
{
    return level->plan.kind == CAPACITY_OPEN && level->stage != CAPACITY_RECOVERY;
}

/* Reads the bounds off the levels: the lowest fail, the highest pass below it. */
static void settle(struct search *search)
{
    const struct capacity_result *result = search->result;
    search->low = 0;
    search->high = search->barrier = search->growing = INFINITY;
    for (size_t i = 0; i < result->level_count; i++) {
        const struct capacity_level *level = &result->level[i];
        if (counts(level) && !level->valid) {
            search->barrier = fmin(search->barrier, level->plan.rate_per_s);
        } else if (counts(level) && level->verdict == SEQUENTIAL_FAIL) {
            search->high = fmin(search->high, level->plan.rate_per_s);
        } else if (counts(level) && level->verdict == SEQUENTIAL_UNDECIDED && level->grew) {
            search->growing = fmin(search->growing, level->plan.rate_per_s);
        }
    }
    for (size_t i = 0; i < result->level_count; i++) {
        const struct capacity_level *level = &result->level[i];
        if (counts(level) && level->valid && level->verdict == SEQUENTIAL_PASS &&
            level->plan.rate_per_s < search->high) {
            search->low = fmax(search->low, level->plan.rate_per_s);
        }
    }
}

/* Beyond a rate at which the queue grows a promise that is lenient enough is never broken within a
 * trial, so the search goes no higher. */
static double ceiling(const struct search *search)
{
    double bound = fmin(search->high, search->barrier);
    return isinf(bound) ? search->growing : bound;
}

/* The part of a phase's error that its next verdict may have, `before` levels having been on that
 * side of the limit so far: the parts of all add up to one. */
static double part_of_bracket(int before)
{
    return ldexp(0.5, -before);
}

static double part_of_bisection(int before)
{
    return before < EVEN_LEVELS ? (1 - REST_PART) / EVEN_LEVELS
                                : ldexp(REST_PART / 2, EVEN_LEVELS - before);
}

/* Slow responses come in runs of about 1 / (1 - load): near saturation a queue that has grown stays
 * long. Without a ladder the load is not known, and the worst is feared. */
static double feared_effect(const struct search *search, double rate_per_s)
{
    double load = search->reached > 0 ? rate_per_s / search->reached : 1;
    return load < 1 ? fmin(RUN_AT_REST / (1 - load), SEQUENTIAL_PRIOR) : SEQUENTIAL_PRIOR;
}

static void allow_errors(const struct search *search, struct search_wish *wish)
{
    bool bracket = wish->stage == CAPACITY_BRACKET;
    int not_passed = 0, not_failed = 0;
    double pass, fail;
    for (size_t i = 0; i < search->result->level_count; i++) {
        const struct capacity_level *level = &search->result->level[i];
        bool same = bracket ? level->stage == CAPACITY_BRACKET
                            : level->stage == CAPACITY_BISECT || level->stage == CAPACITY_WANTED;
        not_passed += same && level->valid && level->verdict != SEQUENTIAL_PASS;
        not_failed += same && level->valid && level->verdict != SEQUENTIAL_FAIL;
    }
    if (bracket) {
        pass = BRACKET_ERROR * part_of_bracket(not_passed);
        fail = BRACKET_ERROR * part_of_bracket(not_failed);
    } else if (wish->stage == CAPACITY_BISECT || wish->stage == CAPACITY_WANTED) {
        pass = BISECT_ERROR * part_of_bisection(not_passed);
        fail = BISECT_ERROR * part_of_bisection(not_failed);
    } else {
        pass = CONFIRM_ERROR;
        fail = CONFIRM_ERROR * part_of_bracket(search->result->confirmed.demotions);
    }
    wish->prior_effect = feared_effect(search, wish->rate_per_s);
    wish->alpha_pass = search->alpha_side * pass;
    wish->alpha_fail = search->alpha_side * fail;
}

/* Tries a rate and settles the bounds; its level's index. */
static size_t try_rate(struct search *search, enum capacity_stage stage, double rate_per_s)
{
    const struct capacity_config *config = search->config;
    struct search_wish wish = {.stage = stage,
                               .kind = CAPACITY_OPEN,
                               .rate_per_s = rate_per_s,
                               .warmup_s = config->warmup_s,
                               .first_s = config->trial_s,
                               .longest_s = config->longest_s,
                               .block_s = config->trial_s / BLOCKS};
    allow_errors(search, &wish);
    size_t index = search_level(search, &wish);
    settle(search);
    return index;
}

/* ---- the ladder ---- */

static bool climb(struct search *search, int users)
{
    struct search_wish wish = {.stage = CAPACITY_LADDER,
                               .kind = CAPACITY_CLOSED,
                               .users = users,
                               .warmup_s = fmin(search->config->warmup_s, search->config->ladder_s),
                               .first_s = search->config->ladder_s,
                               .longest_s = search->config->ladder_s,
                               .block_s = search->config->ladder_s / BLOCKS};
    size_t index = search_level(search, &wish);
    return index != SEARCH_ENDED && search->result->level[index].valid;
}

/* More people than the generator can play say nothing, so the first invalid level is the last. */
static void ladder(struct search *search)
{
    int most = search->config->users_most, users = 1;
    while (going(search) && climb(search, users) && users < most) {
        users = users > most / 2 ? most : 2 * users;
    }
}

static void fit_ladder(struct search *search)
{
    struct capacity_result *result = search->result;
    struct usl_level *fitted = mem_array(result->level_count + 1, sizeof *fitted);
    size_t count = 0;
    for (size_t i = 0; i < result->level_count; i++) {
        const struct capacity_level *level = &result->level[i];
        if (level->valid && level->plan.kind == CAPACITY_CLOSED) {
            double rate_per_s = level->sum.achieved_per_s;
            search->reached = fmax(search->reached, rate_per_s);
            fitted[count++] =
                (struct usl_level){level->plan.users, rate_per_s, level->rate_error * rate_per_s};
        }
    }
    usl_fit(fitted, count, search->config->seed, &result->usl);
    result->has_usl = true;
    if (result->usl.outcome == USL_PEAK) {
        search->reached = result->usl.peak_per_s.value;
    }
    mem_free(fitted);
}

static double first_rate(const struct search *search)
{
    const struct capacity_config *config = search->config;
    double rate = config->start_per_s > 0 ? config->start_per_s : START_SHARE * search->reached;
    rate = fmax(rate, config->least_per_s);
    return config->most_per_s > 0 ? fmin(rate, config->most_per_s) : rate;
}

/* ---- bracket and bisection ---- */

static void step_up(struct search *search, double rate)
{
    double most = search->config->most_per_s > 0 ? search->config->most_per_s : INFINITY;
    rate = fmin(rate, most);
    while (going(search) && isinf(ceiling(search)) && search->low < most) {
        if (try_rate(search, CAPACITY_BRACKET, rate) == SEARCH_ENDED || rate >= most) {
            break;
        }
        rate = fmin(2 * rate, most);
    }
}

static void step_down(struct search *search, double rate)
{
    double least = search->config->least_per_s;
    while (going(search) && !(search->low > 0) && rate > least) {
        rate = fmax(rate / 2, least);
        if (try_rate(search, CAPACITY_BRACKET, rate) == SEARCH_ENDED) {
            break;
        }
    }
}

/* Is the rate that was asked about worth the first trial? Not if the ladder came nowhere near it:
 * doubling then finds a fail far below, which answers as well and floods nobody. */
static bool ask_first(const struct search *search)
{
    const struct capacity_config *config = search->config;
    double want = config->want_per_s;
    return want > 0 && !(config->start_per_s > 0) && want >= config->least_per_s &&
           !(config->most_per_s > 0 && want > config->most_per_s) &&
           !(want > NEAR_LADDER * search->reached);
}

static void bracket(struct search *search)
{
    double up = first_rate(search), down = up, want = search->config->want_per_s;
    if (ask_first(search) && try_rate(search, CAPACITY_WANTED, want) != SEARCH_ENDED) {
        down = isinf(ceiling(search)) ? want : fmin(2 * up, want);
        up = fmax(up, 2 * want);
    }
    step_up(search, up);
    step_down(search, down);
}

static bool was_tried(const struct search *search, double rate)
{
    for (size_t i = 0; i < search->result->level_count; i++) {
        const struct capacity_level *level = &search->result->level[i];
        if (counts(level) && level->plan.rate_per_s == rate) {
            return true;
        }
    }
    return false;
}

/* Where to go on, on either side of the undecided rates within the bracket; 0 if it is narrow
 * enough there. */
static double next_rate(const struct search *search)
{
    double low = search->low, high = ceiling(search), first = high, last = low;
    for (size_t i = 0; i < search->result->level_count; i++) {
        const struct capacity_level *level = &search->result->level[i];
        double rate = level->plan.rate_per_s;
        bool undecided =
            level->verdict == SEQUENTIAL_UNDECIDED || level->verdict == SEQUENTIAL_EVEN;
        if (counts(level) && level->valid && undecided && rate > low && rate < high) {
            first = fmin(first, rate);
            last = fmax(last, rate);
        }
    }
    double enough = 1 + search->config->precision;
    if (first / low >= high / last && first / low > enough) {
        return sqrt(low * first);
    }
    return high / last > enough ? sqrt(last * high) : 0;
}

static void narrow(struct search *search)
{
    double want = search->config->want_per_s;
    while (going(search) && search->low > 0 && isfinite(ceiling(search))) {
        bool ask = want > search->low && want < ceiling(search) && !was_tried(search, want);
        double rate = ask ? want : next_rate(search);
        if (!(rate > 0)) {
            break;
        }
        if (try_rate(search, ask ? CAPACITY_WANTED : CAPACITY_BISECT, rate) == SEARCH_ENDED) {
            break;
        }
    }
}

/* ---- confirmation ---- */

static size_t soak(struct search *search)
{
    const struct capacity_config *config = search->config;
    double block_s = fmax(config->trial_s / BLOCKS, config->soak_s / SOAK_BLOCKS);
    double soak_s = ceil(config->soak_s / block_s) * block_s;
    struct search_wish wish = {.stage = CAPACITY_SOAK,
                               .kind = CAPACITY_OPEN,
                               .rate_per_s = search->low,
                               .warmup_s = config->warmup_s,
                               .first_s = soak_s,
                               .longest_s = soak_s,
                               .block_s = block_s};
    allow_errors(search, &wish);
    size_t index = search_level(search, &wish);
    settle(search);
    return index;
}

static enum sequential_verdict verdict_at(const struct search *search, size_t index)
{
    return index == SEARCH_ENDED ? SEQUENTIAL_UNDECIDED : search->result->level[index].verdict;
}

static void hold(struct search *search)
{
    struct capacity_result *result = search->result;
    while (going(search) && search->low > 0) {
        double rate_per_s = search->low;
        size_t index = soak(search);
        if (index == SEARCH_ENDED) {
            break;
        }
        result->confirmed.soak_per_s = rate_per_s;
        result->confirmed.soak = verdict_at(search, index);
        if (result->confirmed.soak != SEQUENTIAL_FAIL) {
            break;
        }
        if (++result->confirmed.demotions == DEMOTIONS_MAX) {
            break;
        }
        step_down(search, search->high);
        narrow(search);
    }
}

/* Overload, then straight back; whatever is still waiting may be worked off in a trial's time. */
static void recover(struct search *search)
{
    const struct capacity_config *config = search->config;
    double rate = fmin(OVERLOAD * search->high, search->barrier);
    struct search_wish wish = {.stage = CAPACITY_RECOVERY,
                               .kind = CAPACITY_OPEN,
                               .rate_per_s =
                                   config->most_per_s > 0 ? fmin(rate, config->most_per_s) : rate,
                               .first_s = config->trial_s,
                               .longest_s = config->trial_s,
                               .block_s = config->trial_s / BLOCKS};
    allow_errors(search, &wish);
    if (search_level(search, &wish) == SEARCH_ENDED || !going(search)) {
        return;
    }
    wish.rate_per_s = search->low;
    allow_errors(search, &wish);
    wish.warmup_s = fmax(config->warmup_s, config->trial_s);
    wish.longest_s = config->longest_s;
    search->result->confirmed.recovery = verdict_at(search, search_level(search, &wish));
}

/* Did the fail bound fail in a trial like the one it would be tried again in? What failed only
 * after it was held for long may well pass for a moment. */
static bool failed_soon(const struct search *search)
{
    for (size_t i = 0; i < search->result->level_count; i++) {
        const struct capacity_level *level = &search->result->level[i];
        if (counts(level) && level->valid && level->stage != CAPACITY_SOAK &&
            level->verdict == SEQUENTIAL_FAIL && level->plan.rate_per_s == search->high) {
            return true;
        }
    }
    return false;
}

static void confirm(struct search *search)
{
    hold(search);
    if (going(search) && failed_soon(search)) {
        search->result->confirmed.retest =
            verdict_at(search, try_rate(search, CAPACITY_RETEST, search->high));
    }
    if (going(search) && isfinite(search->high) && search->low > 0) {
        recover(search);
    }
}

/* ---- the whole ---- */

static void share_error(struct search *search)
{
    const struct slo *slo = &search->config->slo;
    double whole = (1 - search->config->confidence) / 2;
    search->alpha_side = whole;
    for (size_t o = 0; o < slo->count; o++) {
        if (slo->objective[o].kind == SLO_HIT_RATE_KEPT) {
            search->alpha_side = whole * (1 - REFERENCE_ERROR);
            /* Chi square of two parameters, both sides. */
            search->reference_errors = sqrt(-2 * log(2 * whole * REFERENCE_ERROR));
        }
    }
}

static void check(const struct capacity_config *config)
{
    assert(config->slo.count > 0 && config->trial != NULL);
    assert(config->confidence > 0 && config->confidence < 1 && config->precision > 0);
    assert(config->trial_s > 0 && config->longest_s >= config->trial_s);
    assert(config->least_per_s > 0 && config->invalid_repeats >= 0);
    assert(config->ladder_s > 0 ? config->users_most > 0 : config->start_per_s > 0);
    (void)config;
}

enum err capacity_search(const struct capacity_config *config, struct capacity_result *out,
                         struct error *error)
{
    *out = (struct capacity_result){.outcome = CAPACITY_UNKNOWN, .high_per_s = INFINITY};
    struct search search = {.config = config,
                            .result = out,
                            .error = error,
                            .high = INFINITY,
                            .barrier = INFINITY,
                            .growing = INFINITY,
                            .spent_s = config->spent_s};
    check(config);
    share_error(&search);
    if (config->ladder_s > 0) {
        ladder(&search);
        fit_ladder(&search);
    }
    bracket(&search);
    narrow(&search);
    if (config->soak_s > 0) {
        confirm(&search);
    }
    search_end(&search);
    return search.code;
}

void capacity_result_deinit(struct capacity_result *result)
{
    mem_free(result->level);
    result->level = NULL;
    result->level_count = 0;
}

const char *capacity_stage_name(enum capacity_stage stage)
{
    static const char *const names[CAPACITY_STAGES] = {
        [CAPACITY_LADDER] = "ladder",    [CAPACITY_BRACKET] = "bracket",
        [CAPACITY_BISECT] = "bisect",    [CAPACITY_WANTED] = "wanted",
        [CAPACITY_SOAK] = "soak",        [CAPACITY_RETEST] = "retest",
        [CAPACITY_RECOVERY] = "recovery"};
    return names[stage];
}

const char *capacity_outcome_name(enum capacity_outcome outcome)
{
    static const char *const names[] = {
        [CAPACITY_FOUND] = "found",     [CAPACITY_ESTIMATED] = "estimated",
        [CAPACITY_WIDE] = "wide",       [CAPACITY_AT_LEAST] = "at least",
        [CAPACITY_AT_MOST] = "at most", [CAPACITY_UNKNOWN] = "unknown"};
    return names[outcome];
}
