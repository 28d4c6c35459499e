/*
 * From a size to the parameter that brings it about. The size as a function of the parameter is
 * smooth but need not rise all the way: a fashion first gathers and then saturates, and a turn of
 * tastes hardly moves ratings at all. So the range of the kind is walked outwards from the value
 * that changes nothing, in both directions, until the size lies between two steps; that bracket is
 * halved until it is narrower than matters. The steps also tell what can be reached at all.
 */
#include "population/effect.h"

#include <assert.h>
#include <math.h>

#define STEPS 12
#define HALVINGS 30
#define SIZE_PRECISION 1e-4 /* relative */

struct range {
    double neutral, least, most;
};

struct search {
    const struct effect_sample *sample;
    const struct parallel *parallel;
    const struct drift_injection *injection;
    double least, most;  /* sizes met so far */
    double inner, outer; /* parameters of the bracket found */
    bool outer_is_above;
};

/* False: the kind has no size in this unit. */
static bool range_of(const struct drift_injection *injection, struct range *out)
{
    bool signed_size = injection->unit == DRIFT_STARS;
    double neutral = drift_bounds(injection->kind).neutral;
    switch (injection->kind) {
    case DRIFT_CHOICE_ROTATION:
    case DRIFT_OPINION_ROTATION:
    case DRIFT_TASTE_ROTATION:
        *out = (struct range){neutral, 0, 180};
        return true;
    case DRIFT_CUT_POINTS:
        *out = (struct range){neutral, -4, signed_size ? 4 : 0};
        return true;
    case DRIFT_CUT_SPREAD:
        *out = (struct range){neutral, signed_size || injection->narrows ? .1 : 1,
                              signed_size || !injection->narrows ? 5 : 1};
        return true;
    case DRIFT_GENRE_FASHION:
        *out = (struct range){neutral, signed_size ? -8 : 0, 8};
        return true;
    case DRIFT_POPULARITY_WAVE:
        *out = (struct range){neutral, signed_size ? 0 : 1, 10};
        return true;
    case DRIFT_POSITION_HABIT:
        *out = (struct range){neutral, signed_size ? -.5 : 0, 4};
        return true;
    case DRIFT_NEW_FILMS: /* their films are chosen by the parameter, when bound */
    case DRIFT_REMOVED_FILMS:
    case DRIFT_USER_MIX:
    case DRIFT_COLD_START:
    case DRIFT_BOTS:
    case DRIFT_SHILLING:
    case DRIFT_TRAFFIC:
    case DRIFT_SLOW_RATERS:
        break;
    }
    return false;
}

static double size_of(const struct search *search, double parameter)
{
    struct drift drift = {.count = 1, .injection = {*search->injection}};
    struct effect effect;
    drift.injection[0].parameter = parameter;
    effect_measure_one(search->sample, &drift, 0, search->parallel, &effect);
    switch (search->injection->unit) {
    case DRIFT_STARS:
        return effect.stars;
    case DRIFT_NATS:
        return effect.nats;
    default:
        return effect.psi;
    }
}

/* Walks from neutral to `end`; true if the wanted size lies between two steps. */
static bool walk(struct search *search, double neutral, double end)
{
    double wanted = search->injection->size, before = 0, inner = neutral;
    for (int step = 1; step <= STEPS && end != neutral; step++) {
        double outer = neutral + (end - neutral) * step / STEPS;
        double size = size_of(search, outer);
        search->least = fmin(search->least, size);
        search->most = fmax(search->most, size);
        if ((before <= wanted && wanted <= size) || (size <= wanted && wanted <= before)) {
            search->inner = inner;
            search->outer = outer;
            search->outer_is_above = size >= wanted;
            return true;
        }
        before = size;
        inner = outer;
    }
    return false;
}

static double halve(struct search *search)
{
    double wanted = search->injection->size, middle = search->inner;
    for (int round = 0; round < HALVINGS; round++) {
        middle = (search->inner + search->outer) / 2;
        double size = size_of(search, middle);
        if (fabs(size - wanted) <= SIZE_PRECISION * fabs(wanted)) {
            break;
        }
        if ((size >= wanted) == search->outer_is_above) {
            search->outer = middle;
        } else {
            search->inner = middle;
        }
    }
    return middle;
}

static const char *unit_name(enum drift_unit unit)
{
    static const char *const names[] = {"", "stars", "nats", "PSI"};
    return names[unit];
}

static enum err solve_one(const struct effect_sample *sample, struct drift *drift, int index,
                          const struct parallel *parallel, struct error *error)
{
    struct drift_injection *injection = &drift->injection[index];
    const char *kind = drift_kind_name(injection->kind), *unit = unit_name(injection->unit);
    struct range range;
    assert(injection->bound);
    if (!range_of(injection, &range)) {
        return error_set(error, ERR_INPUT, NULL, 0, "injection %d (%s) has no size in %s",
                         index + 1, kind, unit);
    }
    struct search search = {.sample = sample, .parallel = parallel, .injection = injection};
    /* Both ways are walked even if the first one leads there: the shorter one is taken. */
    double found[2] = {NAN, NAN}, end[2] = {range.least, range.most};
    for (int way = 0; way < 2; way++) {
        if (walk(&search, range.neutral, end[way])) {
            found[way] = halve(&search);
        }
    }
    if (isnan(found[0]) && isnan(found[1])) {
        return error_set(error, ERR_INPUT, NULL, 0,
                         "injection %d (%s): a size of %.4g %s cannot be reached; these people "
                         "and this kind reach %.4g to %.4g",
                         index + 1, kind, injection->size, unit, search.least, search.most);
    }
    bool first = isnan(found[1]) || fabs(found[0] - range.neutral) < fabs(found[1] - range.neutral);
    injection->parameter = found[first ? 0 : 1];
    return ERR_OK;
}

enum err effect_solve(const struct effect_sample *sample, struct drift *drift,
                      const struct parallel *parallel, struct error *error)
{
    for (int i = 0; i < drift->count; i++) {
        enum err code = drift->injection[i].unit == DRIFT_BY_KIND
                            ? ERR_OK
                            : solve_one(sample, drift, i, parallel, error);
        if (code != ERR_OK) {
            return code;
        }
    }
    return ERR_OK;
}
