/*
 * Measuring: for each person of the sample the probability of taking each film of the list, by the
 * multinomial logit of step.c given what is looked at, averaged over a few draws of that; times the
 * probability of each rating, which is a normal distribution cut at the person's cut-points. Each
 * row of the sample is summed on its own and the rows are added in order, so that the number of
 * threads cannot be seen in the result.
 */
#include "base/mem.h"
#include "population/effect_int.h"
#include "population/population_int.h"

#include <math.h>
#include <string.h>

enum { PURPOSE_LOOK = 1001 };

#define TURNED_DEGREES .01 /* less is rounding */
#define PMF_FLOOR 1e-12

struct row { /* expectations of one person */
    double weight;
    double turned, degrees, opinion_degrees;
    double rated, converted, reciprocal_rank, reciprocal_rank_squares;
    double pmf[10]; /* sums to rated */
};

struct measurement {
    const struct effect_sample *sample;
    const struct drift *drift;
    int64_t nominal_ns;
    struct row *row; /* [sample->count] */
};

/* probability[k]: that the film in place k is taken, averaged over what may be looked at. */
static void choose(const struct population *population, uint64_t seed, int32_t person,
                   const double *attraction, int32_t count, double *probability)
{
    double none = exp(population->no_choice_cost);
    struct rng look = rng_stream(seed, (uint64_t)person, PURPOSE_LOOK);
    memset(probability, 0, (size_t)count * sizeof *probability);
    for (int draw = 0; draw < EFFECT_LOOKS; draw++) {
        bool looked[EFFECT_LIST];
        double total = none;
        for (int32_t k = 0; k < count; k++) {
            looked[k] = rng_uniform(&look) < population->look[k];
            total += looked[k] ? attraction[k] : 0;
        }
        for (int32_t k = 0; k < count; k++) {
            probability[k] += looked[k] ? attraction[k] / total / EFFECT_LOOKS : 0;
        }
    }
}

static double below(double cut, double mean)
{
    return .5 * erfc((mean - cut) / (POPULATION_RATING_NOISE * sqrt(2)));
}

static void rate(const struct population *population, int32_t person, double latent, double *pmf)
{
    int stride = population->whole_stars[person] ? 2 : 1;
    const double *cut = stride == 2 ? population->rating.whole_cut : population->rating.half_cut;
    double before = 0;
    memset(pmf, 0, 10 * sizeof *pmf);
    for (int k = 0; k < 10 / stride; k++) {
        double up_to = k < 10 / stride - 1 ? below(cut[k], latent) : 1;
        pmf[stride * (k + 1) - 1] = up_to - before;
        before = up_to;
    }
}

static void measure_person(const struct measurement *measurement, int32_t k, struct row *row)
{
    const struct effect_sample *sample = measurement->sample;
    const struct population *population = sample->population;
    const struct step_list *list = &sample->list[k];
    int32_t person = sample->person[k];
    float taste[TASTE_DIMS];
    double attraction[EFFECT_LIST], probability[EFFECT_LIST];
    population_taste(population, measurement->drift, measurement->nominal_ns, person, taste);
    row->degrees = taste_angle(taste, population->taste + (int64_t)person * TASTE_DIMS);
    row->turned = row->degrees > TURNED_DEGREES;
    row->weight = 1;
    for (int32_t place = 0; place < list->count; place++) {
        attraction[place] = exp(population_attraction(population, taste, list->item[place]));
    }
    choose(population, sample->config.seed, person, attraction, list->count, probability);
    double shift = population_shift(population, measurement->drift, measurement->nominal_ns);
    for (int32_t place = 0; place < list->count; place++) {
        double pmf[10], taken = probability[place], rank = place + 1;
        rate(population, person,
             population_judgement(population, person, list->item[place]) + shift, pmf);
        row->rated += taken;
        row->reciprocal_rank += taken / rank;
        row->reciprocal_rank_squares += taken / (rank * rank);
        for (int s = 0; s < 10; s++) {
            row->pmf[s] += taken * pmf[s];
            row->converted += s + 1 >= 6 ? taken * pmf[s] : 0;
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
        sum.reciprocal_rank_squares += weight * row[k].reciprocal_rank_squares;
        for (int s = 0; s < 10; s++) {
            sum.pmf[s] += weight * row[k].pmf[s];
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

/* The exported buckets end at whole stars: half stars fall into the one above. */
static void to_whole_stars(const double *pmf, double *whole)
{
    for (int s = 0; s < 5; s++) {
        whole[s] = pmf[2 * s] + pmf[2 * s + 1];
    }
}

static void describe(const struct row *sum, struct effect *out)
{
    double weight = sum->weight > 0 ? sum->weight : 1;
    double mean = 0, square = 0;
    *out = (struct effect){.turned = sum->turned / weight,
                           .degrees = sum->degrees / (sum->turned > 0 ? sum->turned : 1),
                           .opinion_degrees =
                               sum->opinion_degrees / (sum->turned > 0 ? sum->turned : 1),
                           .rated = sum->rated / weight,
                           .conversion = sum->converted / weight,
                           .reciprocal_rank = sum->reciprocal_rank / weight,
                           .reciprocal_rank_squares = sum->reciprocal_rank_squares / weight};
    for (int s = 0; s < 10; s++) {
        double stars = (s + 1) / 2.;
        out->pmf[s] = sum->rated > 0 ? sum->pmf[s] / sum->rated : .1;
        mean += out->pmf[s] * stars;
        square += out->pmf[s] * stars * stars;
    }
    out->mean_rating = mean;
    out->rating_sd = sqrt(fmax(square - mean * mean, 0));
}

static void compare(const struct effect *rest, struct effect *out)
{
    double before[5], after[5];
    to_whole_stars(rest->pmf, before);
    to_whole_stars(out->pmf, after);
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
    struct row sum = sum_rows(measurement.row, sample->count);
    mem_free(measurement.row);
    describe(&sum, out);
    /* Sampling at rest, out is rest itself, or nothing to compare with yet. */
    struct effect rest = drift == NULL ? *out : sample->rest;
    compare(&rest, out);
}

void effect_measure_one(const struct effect_sample *sample, const struct drift *drift, int index,
                        const struct parallel *parallel, struct effect *out)
{
    struct drift one = {.count = 1, .injection = {drift->injection[index]}};
    one = drift_completed(&one);
    effect_measure(sample, &one, 0, parallel, out);
}
