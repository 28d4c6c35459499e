/*
 * What a target would count. The visits are those that the engine will play, for they depend on
 * nothing but seed and scenario; what people do with their lists is drawn from the effect sample's
 * probabilities, moved to the levels that the objectives were measured at.
 *
 * Outcomes of one visit resemble each other. Each list takes the visit's own draw with probability
 * c and a fresh one otherwise, which correlates two lists of a visit by c^2 and leaves each by
 * itself as it was. With a geometric number of lists, of mean m, shares of lists then have a design
 * effect of 1 + (2 m - 2) c^2, and c is chosen to make that 1.5.
 */
#include "base/mem.h"
#include "base/rng.h"
#include "drill/forecast_int.h"

#include <math.h>
#include <string.h>

#define INTENSITY_STEPS 64 /* finer changes of an intensity are not measured anew */
#define RATED_MAX .98

enum { PURPOSE_FORECAST = 0x66630000 }; /* + number of the replicate; the owner is a visit */

/* ---- levels ---- */

bool forecast_curable(enum drift_kind kind)
{
    return kind == DRIFT_CHOICE_ROTATION || kind == DRIFT_OPINION_ROTATION ||
           kind == DRIFT_TASTE_ROTATION || kind == DRIFT_GENRE_FASHION ||
           kind == DRIFT_POPULARITY_WAVE || kind == DRIFT_NEW_FILMS || kind == DRIFT_REMOVED_FILMS;
}

static void keep_incurable(const struct drift *drift, struct drift *out)
{
    *out = (struct drift){0};
    for (int i = 0; i < drift->count; i++) {
        if (!forecast_curable(drift->injection[i].kind)) {
            out->injection[out->count++] = drift->injection[i];
        }
    }
}

static double ratio(double now, double rest)
{
    return rest > 0 ? now / rest : 1;
}

static void set_shares(const struct effect *now, const struct effect *rest,
                       const double rest_share[OBJECTIVES_SHARES], struct forecast_level *out)
{
    double before[OBJECTIVES_SHARES], after[OBJECTIVES_SHARES], sum = 0;
    effect_whole_stars(rest->pmf, before);
    effect_whole_stars(now->pmf, after);
    for (int s = 0; s < OBJECTIVES_SHARES; s++) {
        out->share[s] = rest_share[s] * ratio(after[s], before[s]);
        sum += out->share[s];
    }
    for (int s = 0; s < OBJECTIVES_SHARES; s++) {
        out->share[s] /= sum;
    }
}

/* Moves what the sample does to the level that the target's lists have at rest. */
static void set_level(const struct forecast_plan *plan, const struct effect *now,
                      struct forecast_level *out)
{
    const struct effect *rest = effect_rest(plan->request->sample);
    const struct objectives_head *head = plan->request->rest;
    double rated = now->rated, conversion = now->conversion, reciprocal = now->reciprocal_rank;
    double mean = now->mean_rating, inverse = 0;
    if (head != NULL && head->lists > 0) {
        rated = (double)head->ratings / (double)head->lists * ratio(now->rated, rest->rated);
        conversion = head->conversion * ratio(now->conversion, rest->conversion);
        reciprocal = head->reciprocal_rank * ratio(now->reciprocal_rank, rest->reciprocal_rank);
        mean = head->mean_rating + now->stars;
    }
    out->rated = fmin(rated, RATED_MAX);
    out->conversion = fmin(conversion, out->rated);
    out->reciprocal_rank = reciprocal;
    out->mean_rating = mean;
    out->stars_added = mean - now->mean_rating;
    memcpy(out->pmf, now->pmf, sizeof out->pmf);
    for (int k = 0; k < EFFECT_RANKS; k++) {
        out->rank[k] = now->rated > 0 ? now->rated_at[k] / now->rated : 1. / EFFECT_RANKS;
        inverse += out->rank[k] / (k + 1);
    }
    out->reciprocal_scale = out->rated > 0 ? reciprocal / (out->rated * inverse) : 1;
    set_shares(now, rest, plan->rest_share, out);
}

static bool same_intensities(const struct drift *drift, int64_t nominal_ns,
                             int last[DRIFT_INJECTIONS_MAX])
{
    bool same = true;
    for (int i = 0; i < drift->count; i++) {
        int now = (int)lround(drift_intensity(&drift->injection[i], nominal_ns) * INTENSITY_STEPS);
        same = same && now == last[i];
        last[i] = now;
    }
    return same;
}

static int64_t retrained_ns(const struct scenario *scenario)
{
    for (int i = 0; i < scenario->phase_count; i++) {
        if (scenario->phase[i].retrains) {
            return scenario->phase[i].start_ns + scenario->phase[i].duration_ns;
        }
    }
    return INT64_MAX;
}

void forecast_plan_init(const struct forecast_request *request, struct forecast_plan *out)
{
    const struct scenario *scenario = request->scenario;
    const struct effect *rest = effect_rest(request->sample);
    int64_t cured_ns = retrained_ns(scenario);
    int last[DRIFT_INJECTIONS_MAX] = {0};
    struct drift incurable;
    struct effect now = *rest;
    bool was_cured = false;
    keep_incurable(request->drift, &incurable);
    *out = (struct forecast_plan){.request = request,
                                  .step_ns = scenario->scrape_ns / scenario->time_scale};
    out->steps = (int)((scenario->end_ns + out->step_ns - 1) / out->step_ns);
    effect_whole_stars(rest->pmf, out->rest_share);
    if (request->rest != NULL && request->rest->lists > 0) {
        memcpy(out->rest_share, request->rest->rating_share, sizeof out->rest_share);
    }
    out->level = mem_zalloc((size_t)out->steps + 1, sizeof *out->level);
    for (int step = 0; step < out->steps; step++) {
        int64_t middle_ns = step * out->step_ns + out->step_ns / 2;
        bool cured = middle_ns >= cured_ns;
        if (!same_intensities(request->drift, middle_ns, last) || cured != was_cured) {
            effect_measure(request->sample, cured ? &incurable : request->drift, middle_ns,
                           request->parallel, &now);
            was_cured = cured;
        }
        set_level(out, &now, &out->level[step]);
    }
}

/* ---- a play ---- */

struct play {
    const struct forecast_plan *plan;
    struct forecast_counts *counts;
    bool drawn;
    double sharing; /* c */
    struct rng rng; /* of the visit */
    double own[2];  /* the visit's draws: is a film rated, how well */
};

static int step_at(const struct forecast_plan *plan, int64_t at_ns)
{
    int64_t step = at_ns / plan->step_ns;
    return step < plan->steps ? (int)step : plan->steps - 1;
}

static int pick(const double *probability, int count, double uniform)
{
    int k = 0;
    while (k < count - 1 && uniform >= probability[k]) {
        uniform -= probability[k++];
    }
    return k;
}

static double draw(struct play *play, int which)
{
    bool shared = rng_uniform(&play->rng) < play->sharing;
    double fresh = rng_uniform(&play->rng);
    return shared ? play->own[which] : fresh;
}

static void count_expected(const struct forecast_level *level, struct forecast_counts *into)
{
    into->ratings += level->rated;
    into->converted += level->conversion;
    into->reciprocal_rank += level->reciprocal_rank;
    into->stars += level->rated * level->mean_rating;
    for (int s = 0; s < 5; s++) {
        into->bucket[s] += level->rated * level->share[s];
    }
}

static void count_drawn(struct play *play, const struct forecast_level *level,
                        struct forecast_counts *into)
{
    double quality = draw(play, 1);
    int rank = pick(level->rank, EFFECT_RANKS, rng_uniform(&play->rng));
    into->ratings++;
    into->converted += quality > 1 - level->conversion / level->rated;
    into->reciprocal_rank += level->reciprocal_scale / (rank + 1);
    into->stars += (pick(level->pmf, 10, quality) + 1) / 2. + level->stars_added;
    into->bucket[pick(level->share, 5, quality)]++;
}

static void count_bot(const struct drift_injection *injection, struct forecast_counts *into)
{
    int half_stars = injection->stars_given < 1 ? 1 : injection->stars_given;
    into->ratings++;
    into->converted += half_stars >= LEDGER_CONVERTED_HALF_STARS;
    into->reciprocal_rank++;
    into->stars += half_stars / 2.;
    into->bucket[(half_stars - 1) / 2]++;
}

/* Counts a list at `at_ns` and what becomes of it; returns how long its rating took. */
static int64_t play_list(struct play *play, const struct visit *visit, uint32_t step, int64_t at_ns)
{
    const struct forecast_plan *plan = play->plan;
    const struct arrivals_config *arrivals = plan->request->arrivals;
    const struct forecast_level *level = &plan->level[step_at(plan, at_ns)];
    play->counts[step_at(plan, at_ns)].lists++;
    bool rated = visit->kind == ARRIVALS_BOT || !play->drawn || draw(play, 0) < level->rated;
    if (!rated) {
        return 0;
    }
    int64_t pause_ns = arrivals_pause_ns(arrivals, visit, 2 * step, at_ns);
    if (at_ns + pause_ns >= plan->steps * plan->step_ns) {
        return pause_ns;
    }
    struct forecast_counts *into = &play->counts[step_at(plan, at_ns + pause_ns)];
    if (visit->kind == ARRIVALS_BOT) {
        count_bot(&plan->request->drift->injection[visit->injection], into);
    } else if (play->drawn) {
        count_drawn(play, level, into);
    } else {
        count_expected(level, into);
        return (int64_t)(level->rated * (double)pause_ns);
    }
    return pause_ns;
}

/* Counts a list and what becomes of it, or a shill's rating; returns how long that took. */
static int64_t play_step(struct play *play, const struct visit *visit, uint32_t step, int64_t at_ns,
                         int64_t *lists)
{
    if (visit->kind == ARRIVALS_SHILL) {
        play->counts[step_at(play->plan, at_ns)].unattributed++;
        return 0;
    }
    ++*lists;
    return play_list(play, visit, step, at_ns);
}

void forecast_play(const struct forecast_plan *plan, int replicate, struct forecast_counts *counts,
                   int64_t *visits, int64_t *lists)
{
    const struct arrivals_config *config = plan->request->arrivals;
    double pairs = 2 * config->steps_per_visit - 2;
    struct play play = {.plan = plan, .counts = counts, .drawn = replicate > 0};
    struct arrivals arrivals;
    struct visit visit;
    play.sharing = pairs > 0 ? sqrt(fmin(1, (SCENARIO_DESIGN_EFFECT - 1) / pairs)) : 0;
    memset(counts, 0, (size_t)plan->steps * sizeof *counts);
    *visits = *lists = 0;
    arrivals_init(&arrivals, config);
    while (arrivals_next(&arrivals, &visit)) {
        int64_t at_ns = visit.start_ns;
        ++*visits;
        play.rng = rng_stream(config->seed, visit.number, PURPOSE_FORECAST + (uint32_t)replicate);
        play.own[0] = rng_uniform(&play.rng);
        play.own[1] = rng_uniform(&play.rng);
        for (int32_t step = 0; step < visit.steps; step++) {
            if (at_ns >= config->end_ns) {
                break;
            }
            at_ns += play_step(&play, &visit, (uint32_t)step, at_ns, lists);
            at_ns += arrivals_pause_ns(config, &visit, 2 * (uint32_t)step + 1, at_ns);
        }
    }
    arrivals_deinit(&arrivals);
}

/* ---- what was counted ---- */

void forecast_counts_add(struct forecast_counts *into, const struct forecast_counts *from)
{
    into->lists += from->lists;
    into->converted += from->converted;
    into->reciprocal_rank += from->reciprocal_rank;
    into->ratings += from->ratings;
    into->unattributed += from->unattributed;
    into->stars += from->stars;
    for (int s = 0; s < OBJECTIVES_SHARES; s++) {
        into->bucket[s] += from->bucket[s];
    }
}

static double psi_of(const struct forecast_counts *counts, const double *rest_share)
{
    double share[OBJECTIVES_SHARES];
    for (int s = 0; s < OBJECTIVES_SHARES; s++) {
        share[s] = counts->bucket[s] / counts->ratings;
    }
    return effect_psi(share, rest_share, OBJECTIVES_SHARES);
}

double forecast_quantity(const struct forecast_counts *counts, enum scenario_quantity quantity,
                         const double rest_share[OBJECTIVES_SHARES])
{
    bool of_ratings = quantity == SCENARIO_MEAN_RATING || quantity == SCENARIO_RATING_PSI;
    if (!((of_ratings ? counts->ratings : counts->lists) > 0)) {
        return NAN;
    }
    switch (quantity) {
    case SCENARIO_CONVERSION:
        return counts->converted / counts->lists;
    case SCENARIO_RECIPROCAL_RANK:
        return counts->reciprocal_rank / counts->lists;
    case SCENARIO_MEAN_RATING:
        return counts->stars / counts->ratings;
    case SCENARIO_RATING_PSI:
        return psi_of(counts, rest_share);
    default:
        return NAN;
    }
}
