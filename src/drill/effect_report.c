#include "drill/effect_report.h"

#include <inttypes.h>
#include <math.h>

/* What the parameter of a kind is called; NULL if it has none of interest beside its size. */
static const char *parameter_name(enum drift_kind kind)
{
    static const char *const names[] = {
        [DRIFT_CHOICE_ROTATION] = "degrees at most",
        [DRIFT_CUT_POINTS] = "latent stars",
        [DRIFT_OPINION_ROTATION] = "degrees at most",
        [DRIFT_TASTE_ROTATION] = "degrees at most",
        [DRIFT_CUT_SPREAD] = "times the spread",
        [DRIFT_GENRE_FASHION] = "nats of utility",
        [DRIFT_POPULARITY_WAVE] = "times the weight of fame",
        [DRIFT_POSITION_HABIT] = "added to the power of position",
        [DRIFT_NEW_FILMS] = "of the ratings are of new films",
        [DRIFT_REMOVED_FILMS] = "of the ratings are of removed films",
        [DRIFT_USER_MIX] = "of the visits by the cohort",
        [DRIFT_COLD_START] = "of the visits by newcomers",
        [DRIFT_BOTS] = "of the visits by bots",
        [DRIFT_SHILLING] = "of the visits by shills",
        [DRIFT_TRAFFIC] = "times the traffic",
        [DRIFT_SLOW_RATERS] = "times the pause before a rating",
    };
    return names[kind];
}

static const char *unit_name(enum drift_unit unit)
{
    static const char *const names[] = {"", "stars", "nats a rating", "PSI"};
    return names[unit];
}

/* Traffic alone is not worth anything in units of people; who comes is. */
static bool of_people(enum drift_kind kind)
{
    return drift_of_people(kind) || kind == DRIFT_USER_MIX || kind == DRIFT_COLD_START;
}

static void print_head(FILE *file, int number, const struct drift_injection *injection)
{
    double parameter = injection->bound ? injection->parameter : injection->size;
    (void)fprintf(file, "  %d. %s: ", number, drift_kind_name(injection->kind));
    if (injection->unit != DRIFT_BY_KIND) {
        (void)fprintf(file, "%.4g %s asked for, by ", injection->size, unit_name(injection->unit));
    }
    (void)fprintf(file, "%.4g %s\n", parameter, parameter_name(injection->kind));
}

/* Half stars, as guests give them. */
static int given(const struct drift_injection *injection)
{
    return injection->stars_given >= 1 && injection->stars_given <= 10 ? injection->stars_given
                                                                       : 10;
}

static double share_of(const struct drift_injection *injection)
{
    return injection->bound ? injection->parameter : injection->size;
}

/* The lists of bots among those of people at rest: each is rated, at its first place. */
static void add_bots(const struct effect *rest, const struct drift_injection *injection,
                     struct effect *out)
{
    double share = share_of(injection), people = 1 - share;
    *out = *rest;
    out->rated = people * rest->rated + share;
    out->conversion = people * rest->conversion + (given(injection) >= 6 ? share : 0);
    out->reciprocal_rank = people * rest->reciprocal_rank + share;
    out->mean_rating = 0;
    for (int h = 0; h < 10; h++) {
        double bots = h + 1 == given(injection) ? share : 0;
        out->pmf[h] = (people * rest->rated * rest->pmf[h] + bots) / out->rated;
        out->mean_rating += out->pmf[h] * (h + 1) / 2.;
    }
    effect_compare(rest, out);
}

/* Each step of a shill is a rating, of a person a list of which some are rated. */
static void print_shills(FILE *file, const struct effect *rest,
                         const struct drift_injection *injection)
{
    double share = share_of(injection), rated = (1 - share) * rest->rated;
    (void)fprintf(file,
                  "     %.1f stars for films nobody showed them, %.0f %% of all ratings; people, "
                  "their lists and ratings stay as they are\n",
                  given(injection) / 2., 100 * share / (share + rated));
}

static void print_effect(FILE *file, const struct effect *effect)
{
    if (effect->turned > 0) {
        (void)fprintf(file,
                      "     turns the choice taste by %.1f and the opinion taste by %.1f "
                      "degrees in the mean of %.0f %% of the visits\n",
                      effect->degrees, effect->opinion_degrees, 100 * effect->turned);
    }
    (void)fprintf(file,
                  "     mean rating %+.3f stars, %.2g nats and PSI %.2g a rating (%.2g by whole "
                  "stars); conversion %+.1f %%, reciprocal rank %+.1f %%\n",
                  effect->stars, effect->nats, effect->psi, effect->psi_whole,
                  100 * effect->conversion_change, 100 * effect->reciprocal_rank_change);
}

void effect_report_print(FILE *file, const struct drift *drift, const struct effect_sample *sample,
                         const struct parallel *parallel)
{
    const struct effect *rest = effect_rest(sample);
    int measured = 0, guests = 0;
    struct effect effect;
    if (drift->count == 0) {
        return;
    }
    (void)fprintf(file,
                  "injections, each complete and alone, by what %" PRId32 " people are expected to "
                  "do with good lists:\n",
                  effect_sample_people(sample));
    for (int i = 0; i < drift->count; i++) {
        const struct drift_injection *injection = &drift->injection[i];
        print_head(file, i + 1, injection);
        if (of_people(injection->kind)) {
            effect_measure_one(sample, drift, i, parallel, &effect);
            print_effect(file, &effect);
            measured++;
        } else if (injection->kind == DRIFT_BOTS) {
            add_bots(rest, injection, &effect);
            print_effect(file, &effect);
            guests++;
        } else if (injection->kind == DRIFT_SHILLING) {
            print_shills(file, rest, injection);
            guests++;
        }
    }
    if (measured > 1) {
        struct drift all = drift_completed(drift);
        effect_measure(sample, &all, 0, parallel, &effect);
        (void)fprintf(file, "  all of them at once%s:\n", guests > 0 ? ", but for guests" : "");
        print_effect(file, &effect);
    }
}
