#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "capacity/search_int.h"

#include <gsl/gsl_cdf.h>
#include <math.h>

#define NEAR 1.25     /* levels within this factor of the bracket tell where the limit lies */
#define LEVELS_MIN 4  /* fewer tell neither their line nor how far they scatter about it */
#define MISFIT_MAX 10 /* mean squared error of the levels by the line: beyond it is no line */
#define WIDTH_ROUNDING 1e-9

static bool counts(const struct capacity_level *level)
{
    return level->valid && level->plan.kind == CAPACITY_OPEN && level->stage != CAPACITY_RECOVERY;
}

/* ---- the estimate ---- */

struct line { /* weighted least squares of y on x */
    double n, w, x, y, xx, xy, yy;
};

static void line_add(struct line *line, double x, double y, double weight)
{
    line->n++;
    line->w += weight;
    line->x += weight * x;
    line->y += weight * y;
    line->xx += weight * x * x;
    line->xy += weight * x * y;
    line->yy += weight * y * y;
}

static double logit(double share)
{
    return log(share / (1 - share));
}

struct estimate {
    double log_rate, error; /* NAN if unknown */
    double freedom;         /* degrees, of Student's t */
};

static const struct estimate unknown = {NAN, NAN, NAN};

/* Where the line reaches 0, which is itself known with an error. Levels that scatter more than
 * their weights say widen the error; that of the slope enters by the distance from the middle of
 * the levels. */
static struct estimate line_reaches(const struct line *line, double zero_error)
{
    double spread = line->w * line->xx - line->x * line->x;
    if (line->n < LEVELS_MIN || !(spread > 1e-12 * line->w * line->w)) {
        return unknown;
    }
    double slope = (line->w * line->xy - line->x * line->y) / spread;
    double middle = line->x / line->w, at = middle - line->y / line->w / slope;
    double squares = line->yy - line->y * line->y / line->w - slope * slope * spread / line->w;
    double freedom = line->n - 2, scatter = fmax(1, squares / freedom);
    double variance = 1 / line->w + (at - middle) * (at - middle) * line->w / spread;
    double error = sqrt(scatter * variance + zero_error * zero_error) / slope;
    return slope > 0 && scatter < MISFIT_MAX ? (struct estimate){at, error, freedom} : unknown;
}

/* What is allowed, brought to logits, has an error where it comes from the reference. */
static double allowed_error(const struct search *search, const struct sequential_state *state)
{
    return state->doubt > 0
               ? state->doubt / search->reference_errors / state->allowed / (1 - state->allowed)
               : 0;
}

/* The rate at which the share of bad ones is what is allowed: near the limit its logit is about
 * linear in the logarithm of the rate. */
static struct estimate estimate_of(const struct search *search, size_t o)
{
    struct line line = {0};
    double error = 0;
    for (size_t i = 0; i < search->result->level_count; i++) {
        const struct capacity_level *level = &search->result->level[i];
        const struct sequential_state *state = &level->objective[o];
        double rate = level->plan.rate_per_s;
        if (!counts(level) || rate * NEAR < search->low || rate > search->high * NEAR ||
            !(state->share > 0 && state->share < 1) || isnan(state->allowed)) {
            continue;
        }
        error = fmax(error, allowed_error(search, state));
        line_add(&line, log(rate), logit(state->share) - logit(state->allowed),
                 state->effective * state->share * (1 - state->share));
    }
    return line_reaches(&line, error);
}

/* Of the objectives that made the upper end of the bracket fail, the one that meets its limit
 * first; unknown if that of one of them is. */
static struct estimate estimate_first(const struct search *search)
{
    bool failed[SLO_OBJECTIVES_MAX] = {false};
    struct estimate first = unknown;
    for (size_t i = 0; i < search->result->level_count; i++) {
        const struct capacity_level *level = &search->result->level[i];
        for (size_t o = 0; counts(level) && o < search->config->slo.count; o++) {
            failed[o] |= level->plan.rate_per_s == search->high &&
                         level->objective[o].verdict == SEQUENTIAL_FAIL;
        }
    }
    for (size_t o = 0; o < search->config->slo.count; o++) {
        struct estimate next = failed[o] ? estimate_of(search, o) : unknown;
        if (failed[o] && isnan(next.log_rate)) {
            return unknown;
        }
        first = failed[o] && !(first.log_rate <= next.log_rate) ? next : first;
    }
    return first;
}

/* A limit outside the bracket contradicts it, and an interval that goes beyond a rate at which the
 * queue grew knows nothing of that. What the bracket cuts off would make a poor curve look sure of
 * itself, so the interval is left whole. */
static void estimate(const struct search *search, struct capacity_result *result)
{
    double low = search->low, high = search->high;
    result->estimate_per_s = result->estimate_low_per_s = result->estimate_high_per_s = NAN;
    if (!(low > 0 && isfinite(high))) {
        return;
    }
    struct estimate first = estimate_first(search);
    if (isnan(first.log_rate)) {
        return;
    }
    double t = gsl_cdf_tdist_Pinv((1 + search->config->confidence) / 2, first.freedom);
    double at = exp(first.log_rate), to = exp(first.log_rate + t * first.error);
    if (!(at >= low && at <= high) || !(to < search->growing)) {
        return;
    }
    result->estimate_per_s = at;
    result->estimate_low_per_s = exp(first.log_rate - t * first.error);
    result->estimate_high_per_s = to;
}

/* ---- outcome ---- */

/* Was the lower end of the bracket held for long, or is there no reason to doubt that it would be?
 * Others that had passed did not last. */
static bool is_held(const struct search *search)
{
    return search->result->confirmed.soak != SEQUENTIAL_FAIL;
}

/* Where nothing failed: did the search come as far as it was asked to, or as the generator can? */
static bool at_the_top(const struct search *search)
{
    double most = search->config->most_per_s;
    return isfinite(search->barrier) || (most > 0 && search->low >= most);
}

static enum capacity_outcome outcome_of(const struct search *search)
{
    const struct capacity_result *result = search->result;
    double enough = 1 + search->config->precision + WIDTH_ROUNDING;
    if (!(search->low > 0)) {
        bool least = search->high <= search->config->least_per_s * (1 + WIDTH_ROUNDING);
        return least ? CAPACITY_AT_MOST : CAPACITY_UNKNOWN;
    }
    if (isinf(search->high)) {
        return at_the_top(search) ? CAPACITY_AT_LEAST : CAPACITY_WIDE;
    }
    if (is_held(search) && search->high / search->low <= enough) {
        return CAPACITY_FOUND;
    }
    bool narrow = result->estimate_high_per_s / result->estimate_low_per_s <= enough;
    return is_held(search) && narrow ? CAPACITY_ESTIMATED : CAPACITY_WIDE;
}

static enum sequential_verdict want_of(const struct search *search)
{
    double want = search->config->want_per_s;
    if (want > 0 && want <= search->low && is_held(search)) {
        return SEQUENTIAL_PASS;
    }
    return want > 0 && want >= search->high ? SEQUENTIAL_FAIL : SEQUENTIAL_UNDECIDED;
}

static void find_knee(struct capacity_result *result)
{
    struct knee_point *point = mem_array(result->level_count + 1, sizeof *point);
    size_t count = 0;
    for (size_t i = 0; i < result->level_count; i++) {
        const struct capacity_level *level = &result->level[i];
        if (counts(level)) {
            point[count++] = (struct knee_point){level->plan.rate_per_s, level->sum.p99_s};
        }
    }
    result->has_knee = knee_find(point, count, KNEE_SENSITIVITY, &result->knee);
    mem_free(point);
}

/* ---- the note ---- */

static void add(struct buf *note, const char *text)
{
    buf_text(note, note->len > 0 ? "; " : "");
    buf_text(note, text);
}

struct open_rates { /* levels within the bracket that were not decided, and why */
    size_t undecided, grew, may_grow, unknown, doubtful;
};

/* Would an objective be decided if what is allowed were known exactly? */
static bool doubtful(const struct sequential_state *state)
{
    return state->verdict == SEQUENTIAL_UNDECIDED && state->doubt > 0 &&
           (state->high <= state->allowed || state->low >= state->allowed);
}

static struct open_rates open_rates(const struct search *search)
{
    struct open_rates open = {0};
    for (size_t i = 0; i < search->result->level_count; i++) {
        const struct capacity_level *level = &search->result->level[i];
        double rate = level->plan.rate_per_s;
        if (!counts(level) || rate <= search->low || rate >= search->high ||
            (level->verdict != SEQUENTIAL_UNDECIDED && level->verdict != SEQUENTIAL_EVEN)) {
            continue;
        }
        size_t passed = 0;
        open.undecided++;
        open.grew += level->grew;
        for (size_t o = 0; o < search->config->slo.count; o++) {
            open.unknown += isnan(level->objective[o].allowed) != 0;
            open.doubtful += doubtful(&level->objective[o]);
            passed += level->objective[o].verdict == SEQUENTIAL_PASS;
        }
        open.may_grow += passed == search->config->slo.count && !level->grew;
    }
    return open;
}

static void note_undecided(const struct search *search, struct buf *note)
{
    struct open_rates open = open_rates(search);
    if (open.undecided > 0) {
        bool none_failed = isinf(search->high);
        const char *below = none_failed ? "the rates that were tried stayed undecided"
                                        : "lower rates stayed undecided";
        const char *above =
            none_failed ? "higher rates stayed undecided" : "rates in between stayed undecided";
        add(note, search->low > 0 ? above : below);
    }
    if (open.grew > 0) {
        add(note, "the queue grew all the while at rates that met the promise until then");
    }
    if (open.may_grow > 0) {
        add(note, "rates met the promise for too short a time to tell whether the queue grows");
    }
    if (open.unknown > 0) {
        add(note, "what their lists ought to be worth was not known");
    }
    if (open.doubtful > 0) {
        add(note, "the expected hit rate is not known well enough: a longer reference would tell");
    }
}

static const char *why_invalid(const struct search *search)
{
    const char *why = "";
    for (size_t i = 0; i < search->result->level_count; i++) {
        const struct capacity_level *level = &search->result->level[i];
        if (!level->valid && level->plan.rate_per_s == search->barrier) {
            why = level->sum.why;
        }
    }
    return why;
}

static void note_limits(const struct search *search, struct buf *note)
{
    const struct capacity_config *config = search->config;
    if (search->code != ERR_OK) {
        add(note, "ended early");
    } else if (search->out_of_budget) {
        add(note, "the time allowed was over");
    } else if (search->result->level_count >= SEARCH_LEVELS_MAX) {
        add(note, "no search goes on after so many trials");
    }
    if (search->barrier < search->high) {
        add(note, isinf(search->high) ? "higher rates could not be offered: "
                                      : "some rates in between could not be offered: ");
        buf_text(note, why_invalid(search));
    } else if (config->most_per_s > 0 && search->low >= config->most_per_s) {
        add(note, "no higher rate was asked for");
    }
    note_undecided(search, note);
}

static bool soak_grew(const struct capacity_result *result)
{
    for (size_t i = 0; i < result->level_count; i++) {
        if (result->level[i].stage == CAPACITY_SOAK && result->level[i].grew) {
            return true;
        }
    }
    return false;
}

static void note_confirmation(const struct search *search, struct buf *note)
{
    const struct capacity_result *result = search->result;
    if (result->confirmed.demotions > 0) {
        add(note, "a rate that had passed failed when held for long");
        buf_text(note, soak_grew(result) ? ": its queue grew all the while" : "");
    }
    if (!is_held(search) && search->low > 0) {
        add(note, "what passed below it was not held for long");
    }
    if (result->confirmed.soak == SEQUENTIAL_UNDECIDED && result->confirmed.soak_per_s > 0) {
        add(note, "held for long, the rate that passed stayed undecided");
    }
    if (result->confirmed.retest == SEQUENTIAL_PASS) {
        add(note, "the rate that failed passed when tried again: the target does not hold still");
    }
    if (result->confirmed.recovery == SEQUENTIAL_FAIL) {
        add(note, "after an overload the target did not hold what it held before");
    }
}

void search_end(struct search *search)
{
    struct capacity_result *result = search->result;
    struct buf note;
    buf_init(&note, 4 * sizeof result->note);
    result->low_per_s = search->low;
    result->high_per_s = search->high;
    estimate(search, result);
    result->outcome = outcome_of(search);
    result->generator_limited = isfinite(search->barrier) && isinf(search->high);
    result->want = want_of(search);
    result->played_s = search->played_s;
    result->spent_s = search->spent_s;
    find_knee(result);
    note_limits(search, &note);
    note_confirmation(search, &note);
    (void)text_copy(result->note, sizeof result->note, note.len > 0 ? note.data : "");
    buf_deinit(&note);
}
