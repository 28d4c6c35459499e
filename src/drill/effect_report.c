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
static bool has_effect(enum drift_kind kind)
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
    int of_people = 0;
    struct effect effect;
    if (drift->count == 0) {
        return;
    }
    (void)fprintf(file,
                  "injections, each complete and alone, by what %" PRId32 " people are expected to "
                  "do with good lists:\n",
                  effect_sample_people(sample));
    for (int i = 0; i < drift->count; i++) {
        print_head(file, i + 1, &drift->injection[i]);
        if (has_effect(drift->injection[i].kind)) {
            effect_measure_one(sample, drift, i, parallel, &effect);
            print_effect(file, &effect);
            of_people++;
        }
    }
    if (of_people > 1) {
        struct drift all = drift_completed(drift);
        effect_measure(sample, &all, 0, parallel, &effect);
        (void)fprintf(file, "  all of them at once:\n");
        print_effect(file, &effect);
    }
}
