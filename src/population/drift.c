#include "population/drift.h"

#include "base/mem.h"

#include <math.h>
#include <string.h>

/* As scenarios call them, in the order of enum drift_kind. */
static const char *const kind_names[] = {
    "choice-rotation",
    "rating-shift",
    "opinion-rotation",
    "taste-rotation",
    "rating-spread",
    "genre-fashion",
    "popularity-wave",
    "position-habit",
    "new-films",
    "removed-films",
    "user-mix",
    "cold-start",
    "bots",
    "shilling",
    "traffic",
    "slow-raters",
};

enum { KINDS = sizeof kind_names / sizeof kind_names[0] };

/* In doubles, because the onset of a completed drift is INT64_MIN. */
static double part_of_ramp(const struct drift_injection *injection, int64_t nominal_ns)
{
    return ((double)nominal_ns - (double)injection->onset_ns) / (double)injection->ramp_ns;
}

/* How far a shape has gone while the injection is on. */
static double shape_at(const struct drift_injection *injection, int64_t nominal_ns)
{
    double done;
    switch (injection->shape) {
    case DRIFT_LINEAR:
        done = injection->ramp_ns > 0 ? part_of_ramp(injection, nominal_ns) : 1;
        return done < 1 ? done : 1;
    case DRIFT_GRADUAL:
        done = injection->ramp_ns > 0 ? part_of_ramp(injection, nominal_ns) : 1;
        /* With the width of half a ramp, 4 (t - middle) / width goes from -4 to +4 in it. */
        return done < 1 ? 1 / (1 + exp(-8 * (done - .5))) : 1;
    case DRIFT_RECURRING:
        return injection->period_ns <= 0 ||
               (nominal_ns - injection->onset_ns) % injection->period_ns < injection->on_ns;
    case DRIFT_BLIP:
        return nominal_ns - injection->onset_ns < injection->on_ns;
    case DRIFT_SUDDEN:
        break;
    }
    return 1;
}

double drift_intensity(const struct drift_injection *injection, int64_t nominal_ns)
{
    if (nominal_ns < injection->onset_ns || nominal_ns >= injection->end_ns) {
        return 0;
    }
    return shape_at(injection, nominal_ns);
}

double drift_intensity_at(const struct drift_injection *injection, int64_t nominal_ns, double place)
{
    double intensity = drift_intensity(injection, nominal_ns);
    return injection->shape == DRIFT_GRADUAL ? place < intensity : intensity;
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

bool drift_active(const struct drift_injection *injection, int64_t from_ns, int64_t to_ns)
{
    int64_t from = later(from_ns, injection->onset_ns), to = earlier(to_ns, injection->end_ns);
    if (from >= to) {
        return false;
    }
    if (injection->shape == DRIFT_BLIP) {
        return from - injection->onset_ns < injection->on_ns;
    }
    if (injection->shape == DRIFT_RECURRING && injection->period_ns > 0) {
        int64_t phase = (from - injection->onset_ns) % injection->period_ns;
        return injection->on_ns > 0 &&
               (phase < injection->on_ns || injection->period_ns - phase < to - from);
    }
    return true;
}

struct drift drift_completed(const struct drift *drift)
{
    struct drift completed = *drift;
    for (int i = 0; i < completed.count; i++) {
        completed.injection[i].shape = DRIFT_SUDDEN;
        completed.injection[i].onset_ns = INT64_MIN;
        completed.injection[i].ramp_ns = 0;
        completed.injection[i].end_ns = INT64_MAX;
    }
    return completed;
}

const char *drift_kind_name(enum drift_kind kind)
{
    return kind_names[kind];
}

int drift_kind_named(const char *name)
{
    for (int kind = 0; kind < KINDS; kind++) {
        if (strcmp(kind_names[kind], name) == 0) {
            return kind;
        }
    }
    return -1;
}

bool drift_of_people(enum drift_kind kind)
{
    return kind < DRIFT_USER_MIX;
}

struct drift_bounds drift_bounds(enum drift_kind kind)
{
    switch (kind) {
    case DRIFT_CHOICE_ROTATION:
    case DRIFT_OPINION_ROTATION:
    case DRIFT_TASTE_ROTATION:
        return (struct drift_bounds){.1, 180, 0, "an angle in degrees"};
    case DRIFT_CUT_POINTS:
        return (struct drift_bounds){-4, 4, 0, "a shift in stars"};
    case DRIFT_CUT_SPREAD: /* beyond, all ratings are the same or at the ends of the scale */
        return (struct drift_bounds){.05, 20, 1, "a factor"};
    case DRIFT_GENRE_FASHION:
        return (struct drift_bounds){-10, 10, 0, "a utility in nats"};
    case DRIFT_POPULARITY_WAVE:
        return (struct drift_bounds){.01, 20, 1, "a factor"};
    case DRIFT_POSITION_HABIT:
        return (struct drift_bounds){-.5, 5, 0, "a power"};
    case DRIFT_NEW_FILMS: /* something must be left to choose from */
    case DRIFT_REMOVED_FILMS:
        return (struct drift_bounds){.0001, .9, 0, "a share"};
    case DRIFT_USER_MIX:
    case DRIFT_COLD_START:
    case DRIFT_BOTS:
    case DRIFT_SHILLING:
        return (struct drift_bounds){.0001, .95, 0, "a share"};
    case DRIFT_TRAFFIC:
    case DRIFT_SLOW_RATERS:
        break;
    }
    return (struct drift_bounds){.01, 100, 1, "a factor"};
}

/* What is bound is constant to everybody but the binding and this. */
static void give_back(const void *bound)
{
    mem_free((void *)(uintptr_t)bound);
}

void drift_unbind(struct drift *drift)
{
    for (int i = 0; i < drift->count; i++) {
        struct drift_injection *injection = &drift->injection[i];
        injection->members = injection->films = injection->group = NULL;
        injection->goal = injection->offer_by_dim = injection->turned = NULL;
        injection->offer = NULL;
        injection->offers = 0;
        injection->offer_bar = injection->parameter = injection->turned_by = 0;
        injection->bound = false;
    }
}

void drift_deinit(struct drift *drift)
{
    for (int i = 0; i < drift->count; i++) {
        const struct drift_injection *injection = &drift->injection[i];
        give_back(injection->members);
        give_back(injection->films);
        give_back(injection->goal);
        give_back(injection->group);
        give_back(injection->turned);
        give_back(injection->offer);
        give_back(injection->offer_by_dim);
    }
    drift_unbind(drift);
}
