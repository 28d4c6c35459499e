/*
 * Fitting is matching of quantiles: with the latent values of a representative sample sorted, the
 * cut below which a share s of the data's ratings lies is the s-quantile. The marginal distribution
 * then is the data's by construction, whatever biases, opinions and selection did to the latent
 * values; who rates what how high stays with the latent value.
 *
 * A drift of the cut-points is asked for in stars of mean rating, and near the ends of the scale a
 * latent star is worth less than a star. The mean under each shift is therefore tabulated on the
 * same sample and inverted by interpolation.
 */
#include "population/rating.h"

#include <math.h>
#include <stdlib.h>

#define SHIFT_STEP .05
enum { SHIFT_ZERO = RATING_SHIFTS / 2 }; /* index of "no shift" */

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* cut[k] for the steps of `stride` half stars: 1 for half stars, 2 for whole ones. */
static void fit_cuts(struct rating_sample *sample, int stride, double *cut)
{
    int64_t total = 0, below = 0;
    for (int k = 0; k < 10; k++) {
        total += sample->wanted[k];
    }
    if (sample->count > 0) {
        qsort(sample->latent, (size_t)sample->count, sizeof *sample->latent, by_value);
    }
    int cuts = 10 / stride - 1;
    for (int k = 0; k < cuts; k++) {
        if (sample->count == 0 || total == 0) {
            cut[k] = stride * (k + 1.5) / 2;
            continue;
        }
        for (int step = 0; step < stride; step++) {
            below += sample->wanted[k * stride + step];
        }
        double rank = (double)below / (double)total * (double)sample->count;
        int64_t place = (int64_t)(rank + .5);
        cut[k] = place < 1                ? sample->latent[0] - 1
                 : place >= sample->count ? sample->latent[sample->count - 1] + 1
                                          : (sample->latent[place - 1] + sample->latent[place]) / 2;
    }
}

static int64_t count_below(const struct rating_sample *sample, double value)
{
    int64_t first = 0, end = sample->count;
    while (first < end) {
        int64_t middle = first + (end - first) / 2;
        if (sample->latent[middle] <= value) {
            first = middle + 1;
        } else {
            end = middle;
        }
    }
    return first;
}

/* Sum of the sample's ratings, in stars, with all latent values shifted. */
static double shifted_sum(const struct rating_sample *sample, int stride, const double *cut,
                          double shift)
{
    double step = stride / 2., sum = 5. * (double)sample->count;
    for (int k = 0; k < 10 / stride - 1; k++) {
        sum -= step * (double)count_below(sample, cut[k] - shift);
    }
    return sum;
}

void rating_fit(struct rating_model *model, struct rating_sample *halves,
                struct rating_sample *wholes)
{
    fit_cuts(halves, 1, model->half_cut);
    fit_cuts(wholes, 2, model->whole_cut);
    double count = (double)(halves->count + wholes->count);
    for (int s = 0; s < RATING_SHIFTS; s++) {
        double shift = (s - SHIFT_ZERO) * SHIFT_STEP;
        double sum = shifted_sum(halves, 1, model->half_cut, shift) +
                     shifted_sum(wholes, 2, model->whole_cut, shift);
        model->mean[s] = count > 0 ? sum / count : 0;
    }
}

uint8_t rating_cut(const struct rating_model *model, bool whole_stars, double latent)
{
    int step = 0;
    if (whole_stars) {
        while (step < 4 && latent > model->whole_cut[step]) {
            step++;
        }
        return (uint8_t)(2 * (step + 1));
    }
    while (step < 9 && latent > model->half_cut[step]) {
        step++;
    }
    return (uint8_t)(step + 1);
}

double rating_shift(const struct rating_model *model, double stars)
{
    if (stars == 0) {
        return 0;
    }
    double wanted = model->mean[SHIFT_ZERO] + stars;
    int above = 1;
    while (above < RATING_SHIFTS - 1 && model->mean[above] < wanted) {
        above++;
    }
    double low = model->mean[above - 1], high = model->mean[above];
    double part = high > low ? (wanted - low) / (high - low) : 0;
    part = fmin(fmax(part, 0), 1);
    return (above - 1 - SHIFT_ZERO + part) * SHIFT_STEP;
}
