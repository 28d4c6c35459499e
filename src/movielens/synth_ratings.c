/*
 * How high people rate. Liking = person + film + opinion (latent and by genre) + mood + noise; it
 * is put in standard units over the whole data set and cut at points that give the published
 * histograms. Opinion is independent of the choice taste: in MovieLens the two correlate by .003.
 *
 * Two scales exist side by side. Whole stars were the only ones until May 2003; afterwards each
 * person uses the half-star scale for a share of the ratings. The half-star scale's shares follow
 * from those of all ratings after 2003, of which it makes up HALF_SCALE_SHARE.
 */
#include "movielens/synth_int.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stddef.h>

#define HALF_STARS_SINCE_S 1052956800 /* 2003-05-15 */
#define HALF_SCALE_SHARE 0.79

/* Shares in percent: whole stars before half stars existed; half-star values 0.5 to 5.0 after. */
static const double shares_before[5] = {4.79, 11.6, 30.7, 32.3, 20.6};
static const double shares_after[10] = {1.93,  1.94,  2.53,  5.75,  7.83,
                                        15.31, 18.53, 24.19, 12.06, 9.94};

/* Slow and quick mood, which make neighbouring ratings alike: residual autocorrelation .17 at lag
 * 1, .10 at lag 5, .04 at lag 50. */
#define SLOW_KEEP 0.988
#define SLOW_SD 0.52
#define QUICK_KEEP 0.65
#define QUICK_SD 0.42
#define NOISE_SD 0.875

/* Cut-points under which the given shares of a normal distribution lie. */
static void cut(const double *shares, int values, double *points)
{
    double total = 0.0, below = 0.0;
    for (int i = 0; i < values; i++) {
        total += shares[i];
    }
    for (int i = 0; i + 1 < values; i++) {
        below += shares[i];
        points[i] = gsl_cdf_ugaussian_Pinv(below / total);
    }
}

void synth_scale_init(struct synth_scale *scale)
{
    double half[10];
    for (int i = 0; i < 10; i++) {
        double whole = i % 2 == 1 ? shares_before[i / 2] : 0.0;
        half[i] = (shares_after[i] - (1.0 - HALF_SCALE_SHARE) * whole) / HALF_SCALE_SHARE;
    }
    cut(shares_before, 5, scale->whole);
    cut(half, 10, scale->half);
}

bool synth_uses_halves(const struct synth_people *people, int32_t person, int64_t time_s,
                       double uniform)
{
    return time_s >= HALF_STARS_SINCE_S && uniform < people->half_habit[person];
}

uint8_t synth_half_stars(const struct synth_scale *scale, double standard_liking, bool halves)
{
    const double *points = halves ? scale->half : scale->whole;
    int count = halves ? 9 : 4, value = 0;
    while (value < count && standard_liking > points[value]) {
        value++;
    }
    return (uint8_t)(halves ? value + 1 : 2 * value + 2);
}

/* Opinion of a film beyond its quality: latent, and the mean shift of its genres. */
static double opinion(const struct synth_films *films, const struct synth_people *people,
                      int32_t person, int32_t film)
{
    const double *p = people->opinion + (size_t)person * SYNTH_OPINION;
    const double *q = films->opinion + (size_t)film * SYNTH_OPINION;
    const double *shift = people->genre_opinion + (size_t)person * SYNTH_GENRES;
    double latent = 0.0, genre = 0.0;
    for (int d = 0; d < SYNTH_OPINION; d++) {
        latent += p[d] * q[d];
    }
    for (int g = 0; g < SYNTH_GENRES; g++) {
        if ((films->genres[film] >> g & 1) != 0) {
            genre += shift[g];
        }
    }
    return latent + genre;
}

void synth_liking(const struct synth_films *films, const struct synth_people *people,
                  int32_t person, uint64_t seed, const int32_t *items, const int32_t *session,
                  double *liking)
{
    struct rng rng = rng_stream(seed, (uint64_t)person, SYNTH_RATINGS);
    double slow = SLOW_SD * rng_normal(&rng), quick = 0.0;
    for (int32_t i = 0; i < people->ratings[person]; i++) {
        bool opens = i == 0 || session[i] != session[i - 1];
        double fresh = rng_normal(&rng);
        quick = opens ? QUICK_SD * fresh
                      : QUICK_KEEP * quick + QUICK_SD * sqrt(1 - QUICK_KEEP * QUICK_KEEP) * fresh;
        slow = SLOW_KEEP * slow + SLOW_SD * sqrt(1 - SLOW_KEEP * SLOW_KEEP) * rng_normal(&rng);
        double noise = slow + quick + NOISE_SD * rng_normal(&rng);
        liking[i] = people->bias[person] + films->quality[items[i]] +
                    opinion(films, people, person, items[i]) + people->scale[person] * noise;
    }
}
