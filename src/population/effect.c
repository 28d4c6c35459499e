/*
 * Measuring: for each person of the sample the probability of taking each film of the list, as
 * truth.c has it for a step, over several steps that differ in what is looked at; times the
 * probability of each rating. Looks are the same draws in every world, so that the sample's choice
 * of them cancels out of a change.
 *
 * Who comes is a weight: user mix and cold start give the visits of a moment to members and others
 * as arrivals do, from their share at rest towards the share asked for.
 *
 * Each row of the sample is summed on its own and the rows are added in order, so that the number
 * of threads cannot be seen in the result.
 */
#include "base/mem.h"
#include "population/effect_int.h"
#include "population/truth.h"

#include <math.h>
#include <string.h>

#define ROUNDING_DEGREES .01
#define PMF_FLOOR 1e-12

struct row {       /* expectations of one person */
    double weight; /* share of visits */
    double turned, degrees, opinion_degrees;
    double rated, converted, reciprocal_rank;
    double rated_at[EFFECT_RANKS];
    double pmf[10]; /* sums to rated */
};

struct measurement {
    const struct effect_sample *sample;
    const struct drift *drift;
    int64_t nominal_ns;
    struct row *row; /* [sample->count] */
};

/* ---- one person ---- */

static double turned(const float *taste, const float *rest)
{
    double degrees = taste_angle(taste, rest);
    return degrees > ROUNDING_DEGREES ? degrees : 0;
}

static void measure_tastes(const struct moment *moment, struct row *row)
{
    const struct population *population = moment->population;
    int64_t at = (int64_t)moment->person * TASTE_DIMS;
    row->degrees = turned(moment->taste, population->taste + at);
    row->opinion_degrees = turned(moment->opinion, population->opinion + at);
    row->turned = row->degrees > 0 || row->opinion_degrees > 0;
}

/* taken[k]: that the film at place k is taken, in the mean over some steps. */
static void measure_choice(const struct moment *moment, const struct step_list *list, double *taken)
{
    const struct scene_films films = {.list = list};
    memset(taken, 0, EFFECT_RANKS * sizeof *taken);
    for (uint32_t step = 0; step < EFFECT_LOOKS; step++) {
        struct scene scene;
        double once[POPULATION_LIST_MAX];
        scene_make(moment, step, &films, NULL, &scene);
        if (scene.abandoned) {
            continue;
        }
        truth_choice(moment, &scene, scene.looked, once);
        for (int32_t place = 0; place < list->count; place++) {
            taken[place] += once[place] / EFFECT_LOOKS;
        }
    }
}

static void measure_person(const struct measurement *measurement, int32_t k, struct row *row)
{
    const struct effect_sample *sample = measurement->sample;
    const struct population *population = sample->population;
    const struct step_list *list = &sample->list[k];
    struct moment moment;
    double taken[EFFECT_RANKS];
    moment_make(population, measurement->drift, MOMENT_NOW, measurement->nominal_ns,
                sample->person[k], &moment);
    measure_tastes(&moment, row);
    measure_choice(&moment, list, taken);
    for (int32_t place = 0; place < list->count; place++) {
        double pmf[10], rated = population->config.rating_share * taken[place];
        if (rated <= 0) {
            continue;
        }
        truth_stars(&moment, list->item[place], pmf);
        row->rated += rated;
        row->rated_at[place] = rated;
        row->reciprocal_rank += rated / (place + 1);
        for (int h = 0; h < 10; h++) {
            row->pmf[h] += rated * pmf[h];
            row->converted += h >= 5 ? rated * pmf[h] : 0;
        }
    }
}

static void measure_rows(void *context, int64_t first, int64_t end, unsigned lane)
{
    (void)lane;
    const struct measurement *measurement = context;
    for (int64_t k = first; k < end; k++) {
        measure_person(measurement, (int32_t)k, &measurement->row[k]);
    }
}

/* ---- who comes ---- */

static bool is_inside(const struct effect_sample *sample, const struct drift_injection *injection,
                      int32_t k)
{
    if (injection->kind == DRIFT_COLD_START) {
        return k >= sample->settled;
    }
    return injection->members == NULL || moment_has(injection->members, sample->person[k]);
}

static void weigh(const struct effect_sample *sample, const struct drift_injection *injection,
                  double intensity, struct row *row)
{
    double inside = 0, all = 0;
    int32_t members = 0;
    for (int32_t k = 0; k < sample->count; k++) {
        bool in = is_inside(sample, injection, k);
        all += row[k].weight;
        inside += in ? row[k].weight : 0;
        members += in;
    }
    double parameter = injection->bound ? injection->parameter : injection->size;
    double rest = inside / all, wanted = rest + (parameter - rest) * intensity;
    if (members == 0 || members == sample->count) {
        return;
    }
    for (int32_t k = 0; k < sample->count; k++) {
        if (!is_inside(sample, injection, k)) {
            row[k].weight *= rest < 1 ? (1 - wanted) / (1 - rest) : 0;
        } else if (rest > 0) {
            row[k].weight *= wanted / rest;
        } else {
            row[k].weight = all * wanted / members;
        }
    }
}

static void weigh_rows(const struct measurement *measurement)
{
    const struct effect_sample *sample = measurement->sample;
    const struct drift *drift = measurement->drift;
    for (int32_t k = 0; k < sample->count; k++) {
        measurement->row[k].weight = sample->weight[k];
    }
    for (int i = 0; drift != NULL && i < drift->count; i++) {
        const struct drift_injection *injection = &drift->injection[i];
        double intensity = drift_intensity(injection, measurement->nominal_ns);
        bool mixes = injection->kind == DRIFT_USER_MIX || injection->kind == DRIFT_COLD_START;
        if (mixes && intensity > 0) {
            weigh(sample, injection, intensity, measurement->row);
        }
    }
}

/* ---- the sum of all ---- */

static struct row sum_rows(const struct row *row, int32_t count)
{
    struct row sum = {0};
    for (int32_t k = 0; k < count; k++) {
        double weight = row[k].weight;
        sum.weight += weight;
        sum.turned += weight * row[k].turned;
        sum.degrees += weight * row[k].degrees;
        sum.opinion_degrees += weight * row[k].opinion_degrees;
        sum.rated += weight * row[k].rated;
        sum.converted += weight * row[k].converted;
        sum.reciprocal_rank += weight * row[k].reciprocal_rank;
        for (int rank = 0; rank < EFFECT_RANKS; rank++) {
            sum.rated_at[rank] += weight * row[k].rated_at[rank];
        }
        for (int h = 0; h < 10; h++) {
            sum.pmf[h] += weight * row[k].pmf[h];
        }
    }
    return sum;
}

static double floored(double probability)
{
    return probability > PMF_FLOOR ? probability : PMF_FLOOR;
}

double effect_kl(const double *after, const double *before, int count)
{
    double nats = 0;
    for (int s = 0; s < count; s++) {
        nats += floored(after[s]) * log(floored(after[s]) / floored(before[s]));
    }
    return nats > 0 ? nats : 0;
}

double effect_psi(const double *after, const double *before, int count)
{
    double psi = 0;
    for (int s = 0; s < count; s++) {
        psi +=
            (floored(after[s]) - floored(before[s])) * log(floored(after[s]) / floored(before[s]));
    }
    return psi;
}

void effect_whole_stars(const double pmf[10], double whole[5])
{
    for (int s = 0; s < 5; s++) {
        whole[s] = pmf[2 * s] + pmf[2 * s + 1];
    }
}

static void describe(const struct row *sum, struct effect *out)
{
    double weight = sum->weight > 0 ? sum->weight : 1, turned = sum->turned;
    double mean = 0, square = 0;
    *out = (struct effect){.turned = turned / weight,
                           .degrees = turned > 0 ? sum->degrees / turned : 0,
                           .opinion_degrees = turned > 0 ? sum->opinion_degrees / turned : 0,
                           .rated = sum->rated / weight,
                           .conversion = sum->converted / weight,
                           .reciprocal_rank = sum->reciprocal_rank / weight};
    for (int rank = 0; rank < EFFECT_RANKS; rank++) {
        out->rated_at[rank] = sum->rated_at[rank] / weight;
    }
    for (int h = 0; h < 10; h++) {
        double stars = (h + 1) / 2.;
        out->pmf[h] = sum->rated > 0 ? sum->pmf[h] / sum->rated : .1;
        mean += out->pmf[h] * stars;
        square += out->pmf[h] * stars * stars;
    }
    out->mean_rating = mean;
    out->rating_sd = sqrt(fmax(square - mean * mean, 0));
}

void effect_compare(const struct effect *rest, struct effect *out)
{
    double before[5], after[5];
    effect_whole_stars(rest->pmf, before);
    effect_whole_stars(out->pmf, after);
    out->conversion_change = rest->conversion > 0 ? out->conversion / rest->conversion - 1 : 0;
    out->reciprocal_rank_change =
        rest->reciprocal_rank > 0 ? out->reciprocal_rank / rest->reciprocal_rank - 1 : 0;
    out->stars = out->mean_rating - rest->mean_rating;
    out->nats = effect_kl(out->pmf, rest->pmf, 10);
    out->psi = effect_psi(out->pmf, rest->pmf, 10);
    out->psi_whole = effect_psi(after, before, 5);
}

void effect_measure(const struct effect_sample *sample, const struct drift *drift,
                    int64_t nominal_ns, const struct parallel *parallel, struct effect *out)
{
    struct measurement measurement = {.sample = sample, .drift = drift, .nominal_ns = nominal_ns};
    measurement.row = mem_zalloc((size_t)sample->count + 1, sizeof *measurement.row);
    parallel_for(parallel, sample->count, 0, measure_rows, &measurement);
    weigh_rows(&measurement);
    struct row sum = sum_rows(measurement.row, sample->count);
    mem_free(measurement.row);
    describe(&sum, out);
    /* At rest there is nothing else to compare with yet. */
    struct effect rest = drift == NULL ? *out : sample->rest;
    effect_compare(&rest, out);
}

void effect_measure_one(const struct effect_sample *sample, const struct drift *drift, int index,
                        const struct parallel *parallel, struct effect *out)
{
    struct drift one = {.count = 1, .injection = {drift->injection[index]}};
    one = drift_completed(&one);
    effect_measure(sample, &one, 0, parallel, out);
}
