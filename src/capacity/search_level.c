/*
 * One level: runs of the same load, each with a further seed, pooled until the sequential test
 * decides. The first run is short; each further one doubles what was played. A run that was invalid
 * is played again and adds nothing; a level all of whose runs were invalid is invalid.
 *
 * A queue that grows beyond doubt is at odds with a pass, whatever the promise says by then: the
 * level goes on, and stays undecided in the end. When a rate was held for long, growth is a fail.
 * Growth has to be a share of the rate as well: how well a run knows it goes with the cube of its
 * length, so a soak of hours would find some in anything. Nor does a run pass that was too short to
 * see growth of some percent of the rate, which a lenient promise hides for minutes, or whose queue
 * nobody saw; where the promise is tight, the queue is short and a run sees it soon.
 */
#include "capacity/search_int.h"

#include "base/mem.h"
#include "base/rng.h"
#include "base/text.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#define ROUNDING 1e-6 /* of a block: durations are sums of blocks in floating point */
/* Standard errors by which growth is beyond doubt: found by eight batches of time, chance reaches
 * that one time in 400. */
#define GROWTH_ERRORS 4.0
#define GROWTH_LEAST 0.005 /* of the rate: a queue that grows by less holds still */
/* A pass needs growth to be below this part of the rate, by two standard errors. */
#define GROWTH_MOST 0.05

struct pool {
    struct capacity_block *block[SLO_OBJECTIVES_MAX];
    size_t count;
    /* expected, error: NAN if ever unknown */
    double lists, lists_hit, lists_expected, lists_error, lists_fallback;
    double slope_weight, slope, slope_variance; /* sums over the runs whose growth is known */
};

/* ---- pooling ---- */

static void pool_deinit(struct pool *pool)
{
    for (size_t o = 0; o < SLO_OBJECTIVES_MAX; o++) {
        mem_free(pool->block[o]);
    }
}

static void pool_blocks(struct pool *pool, size_t objectives, const struct capacity_trial *trial)
{
    size_t count = pool->count + trial->block_count;
    if (trial->block_count == 0) {
        return;
    }
    for (size_t o = 0; o < objectives; o++) {
        pool->block[o] = mem_resize(pool->block[o], count, sizeof *pool->block[o]);
        memcpy(pool->block[o] + pool->count, trial->block + o * trial->block_count,
               trial->block_count * sizeof *trial->block);
    }
    pool->count = count;
}

static double mean(double before, double weight_before, double value, double weight)
{
    return weight_before > 0 ? (before * weight_before + value * weight) / (weight_before + weight)
                             : value;
}

/* How well a run knows its slope goes with the cube of its length. */
static void pool_slope(struct pool *pool, const struct capacity_trial *trial, double duration_s,
                       struct capacity_trial *sum)
{
    double weight = duration_s * duration_s * duration_s;
    if (isfinite(trial->queue_slope) && isfinite(trial->queue_slope_error)) {
        pool->slope_weight += weight;
        pool->slope += weight * trial->queue_slope;
        pool->slope_variance += pow(weight * trial->queue_slope_error, 2);
    }
    bool known = pool->slope_weight > 0;
    sum->queue_slope = known ? pool->slope / pool->slope_weight : NAN;
    sum->queue_slope_error = known ? sqrt(pool->slope_variance) / pool->slope_weight : NAN;
}

/* All trials are compared with one reference, so its errors do not average out over the runs. */
static void pool_quality(struct pool *pool, const struct capacity_trial *trial,
                         struct capacity_trial *sum)
{
    double lists = (double)trial->lists;
    if (trial->lists > 0) {
        pool->lists += lists;
        pool->lists_hit += trial->hit_rate * lists;
        pool->lists_expected += trial->hit_rate_expected * lists;
        pool->lists_error += trial->expected_error * lists;
        pool->lists_fallback += trial->fallback_share * lists;
    }
    sum->lists += trial->lists;
    bool any = pool->lists > 0;
    sum->hit_rate = any ? pool->lists_hit / pool->lists : NAN;
    sum->hit_rate_expected = any ? pool->lists_expected / pool->lists : NAN;
    sum->expected_error = any ? pool->lists_error / pool->lists : NAN;
    sum->fallback_share = any ? pool->lists_fallback / pool->lists : NAN;
}

static void pool_figures(struct pool *pool, struct capacity_level *level,
                         const struct capacity_trial *trial, double duration_s)
{
    struct capacity_trial *sum = &level->sum;
    double before_s = level->played_s;
    sum->offered_per_s = mean(sum->offered_per_s, before_s, trial->offered_per_s, duration_s);
    sum->achieved_per_s = mean(sum->achieved_per_s, before_s, trial->achieved_per_s, duration_s);
    sum->cpu_share = mean(sum->cpu_share, before_s, trial->cpu_share, duration_s);
    sum->errors_share = mean(sum->errors_share, before_s, trial->errors_share, duration_s);
    sum->p50_s = fmax(sum->p50_s, trial->p50_s);
    sum->p90_s = fmax(sum->p90_s, trial->p90_s);
    sum->p99_s = fmax(sum->p99_s, trial->p99_s);
    sum->lag_p99_s = fmax(sum->lag_p99_s, trial->lag_p99_s);
    sum->wall_s += trial->wall_s;
    pool_slope(pool, trial, duration_s, sum);
    pool_quality(pool, trial, sum);
    level->played_s += duration_s;
}

/* ---- judging ---- */

/* A hit rate is compared with one that is known to some standard errors only. */
static double doubt_of(const struct search *search, const struct slo_objective *objective,
                       const struct capacity_trial *sum)
{
    return objective->kind == SLO_HIT_RATE_KEPT
               ? objective->kept * search->reference_errors * sum->expected_error
               : 0;
}

static void judge_objective(const struct search *search, const struct search_wish *wish,
                            const struct pool *pool, size_t o, double spent_before, double spent,
                            struct capacity_level *level)
{
    const struct slo *slo = &search->config->slo;
    struct sequential_test test = {
        .allowed = slo_allowed(&slo->objective[o], level->sum.hit_rate_expected),
        .doubt = doubt_of(search, &slo->objective[o], &level->sum),
        .alpha_pass = wish->alpha_pass,
        .alpha_fail = wish->alpha_fail / (double)slo->count,
        .indifference = search->config->indifference,
        .prior_effect = wish->prior_effect};
    if (isnan(test.allowed) || isnan(test.doubt)) {
        sequential_state_init(&level->objective[o]);
    } else {
        sequential_judge(&test, pool->block[o], pool->count, spent_before, spent,
                         &level->objective[o]);
    }
}

static bool grew(const struct capacity_trial *sum, double rate_per_s)
{
    return sum->queue_slope > GROWTH_LEAST * rate_per_s &&
           sum->queue_slope > GROWTH_ERRORS * sum->queue_slope_error;
}

/* Growth that is not known may be any. */
static bool may_grow(const struct capacity_trial *sum, double rate_per_s)
{
    return !(sum->queue_slope + 2 * sum->queue_slope_error <= GROWTH_MOST * rate_per_s);
}

/* A level passes if all objectives do and its queue is known not to grow, and fails if one does. */
static void judge(const struct search *search, const struct search_wish *wish,
                  const struct pool *pool, double spent_before, double spent,
                  struct capacity_level *level)
{
    int count[SEQUENTIAL_EVEN + 1] = {0};
    for (size_t o = 0; o < search->config->slo.count; o++) {
        judge_objective(search, wish, pool, o, spent_before, spent, level);
        count[level->objective[o].verdict]++;
    }
    level->grew = grew(&level->sum, wish->rate_per_s);
    if (count[SEQUENTIAL_FAIL] > 0 || (level->grew && wish->stage == CAPACITY_SOAK)) {
        level->verdict = SEQUENTIAL_FAIL;
    } else if (count[SEQUENTIAL_UNDECIDED] > 0 || level->grew ||
               may_grow(&level->sum, wish->rate_per_s)) {
        level->verdict = SEQUENTIAL_UNDECIDED;
    } else {
        level->verdict = count[SEQUENTIAL_EVEN] > 0 ? SEQUENTIAL_EVEN : SEQUENTIAL_PASS;
    }
}

/* Standard error of the rate relative to it, by the blocks; 0 = unknown. */
static double rate_error(const struct capacity_block *block, size_t count)
{
    double worst = 0;
    for (size_t size = 1; count / size >= SEQUENTIAL_BLOCKS_MIN; size *= 2) {
        size_t batches = count / size;
        double sum = 0, squares = 0;
        for (size_t b = 0; b < batches; b++) {
            double here = 0;
            for (size_t i = b * size; i < (b + 1) * size; i++) {
                here += (double)(block[i].good + block[i].bad);
            }
            sum += here;
            squares += here * here;
        }
        double n = (double)batches, average = sum / n;
        double variance = fmax(squares / n - average * average, 0) * n / (n - 1);
        if (average > 0) {
            worst = fmax(worst, sqrt(variance / n) / average);
        }
    }
    return worst;
}

/* ---- playing ---- */

static struct capacity_level *add_level(struct search *search)
{
    struct capacity_result *result = search->result;
    if (result->level_count == search->level_capacity) {
        search->level_capacity = search->level_capacity > 0 ? 2 * search->level_capacity : 16;
        result->level = mem_resize(result->level, search->level_capacity, sizeof *result->level);
    }
    struct capacity_level *level = &result->level[result->level_count++];
    memset(level, 0, sizeof *level);
    return level;
}

static double left_s(const struct search *search)
{
    double budget_s = search->config->budget_s;
    return budget_s > 0 ? fmax(budget_s - search->spent_s, 0) : INFINITY;
}

static void tell(const struct search *search, bool run_over, const struct capacity_level *level,
                 const struct capacity_trial_plan *plan)
{
    if (search->config->progress == NULL) {
        return;
    }
    struct capacity_progress progress = {.run_over = run_over,
                                         .stage = level->stage,
                                         .plan = plan,
                                         .level =
                                             level->runs + level->invalid_runs > 0 ? level : NULL,
                                         .low_per_s = search->low,
                                         .high_per_s = search->high,
                                         .left_s = left_s(search)};
    search->config->progress(search->config->progress_context, &progress);
}

/* Plays plan until it is valid or was repeated often enough; false if the search has to end. */
static bool play_valid(struct search *search, struct capacity_level *level,
                       struct capacity_trial_plan *plan, struct capacity_trial *out)
{
    const struct capacity_config *config = search->config;
    for (int repeat = 0; repeat <= config->invalid_repeats; repeat++) {
        double needs_s = plan->warmup_s + plan->duration_s;
        if (needs_s > left_s(search)) {
            search->out_of_budget = true;
            return false;
        }
        plan->seed = rng_mix(config->seed, search->runs++);
        if (level->runs + level->invalid_runs == 0) {
            level->plan = *plan;
        }
        tell(search, false, level, plan);
        *out = (struct capacity_trial){0};
        search->code = config->trial(config->trial_context, plan, out, search->error);
        search->spent_s += out->wall_s > 0 ? out->wall_s : needs_s;
        search->played_s += needs_s;
        if (search->code != ERR_OK) {
            return false;
        }
        if (out->valid) {
            level->runs++;
            return true;
        }
        level->invalid_runs++;
        (void)text_copy(level->sum.why, sizeof level->sum.why, out->why);
        if (repeat < config->invalid_repeats) {
            tell(search, true, level, plan);
            capacity_trial_deinit(out);
        }
    }
    return true;
}

/* The next run's length: as much again as was played, within the longest; 0 = none. */
static double next_s(const struct search_wish *wish, double played_s)
{
    double block_s = wish->block_s;
    double blocks = floor((wish->longest_s - played_s) / block_s + ROUNDING);
    return fmin(blocks, fmax(1, round(played_s / block_s))) * block_s;
}

static bool play_run(struct search *search, const struct search_wish *wish, double duration_s,
                     struct pool *pool, struct capacity_level *level)
{
    struct capacity_trial trial = {0};
    struct capacity_trial_plan plan = {.kind = wish->kind,
                                       .rate_per_s = wish->rate_per_s,
                                       .users = wish->users,
                                       .warmup_s = wish->warmup_s,
                                       .duration_s = duration_s,
                                       .block_s = wish->block_s};
    bool played = play_valid(search, level, &plan, &trial);
    bool pooled = played && trial.valid;
    if (pooled) {
        double before_s = level->played_s;
        pool_blocks(pool, search->config->slo.count, &trial);
        pool_figures(pool, level, &trial, duration_s);
        level->valid = true;
        if (wish->kind == CAPACITY_OPEN) {
            judge(search, wish, pool, before_s / wish->longest_s,
                  fmin(level->played_s / wish->longest_s, 1), level);
        }
    }
    if (played) {
        tell(search, true, level, &plan);
    }
    capacity_trial_deinit(&trial);
    return pooled;
}

size_t search_level(struct search *search, const struct search_wish *wish)
{
    struct pool pool = {0};
    double duration_s = wish->first_s;
    size_t index = search->result->level_count;
    struct capacity_level *level = add_level(search);
    level->stage = wish->stage;
    while (duration_s > 0 && play_run(search, wish, duration_s, &pool, level)) {
        if (wish->kind == CAPACITY_OPEN && level->verdict != SEQUENTIAL_UNDECIDED) {
            break;
        }
        duration_s = next_s(wish, level->played_s);
    }
    if (wish->kind == CAPACITY_CLOSED && level->valid) {
        level->rate_error = rate_error(pool.block[0], pool.count);
    }
    level->sum.valid = level->valid;
    pool_deinit(&pool);
    if (level->runs + level->invalid_runs == 0) {
        search->result->level_count--;
        return SEARCH_ENDED;
    }
    return index;
}
