#include "numeric/stats.h"

#include <assert.h>
#include <math.h>

/* Half the width of the Wilson interval, before both ends are divided by 1 + z^2 / n. */
static double wilson_half(double ratio, double n, double z)
{
    return z * sqrt(ratio * (1 - ratio) / n + z * z / (4 * n * n));
}

double stats_wilson_upper(double ratio, double n, double z)
{
    assert(ratio >= 0 && ratio <= 1);
    if (n <= 0)
        return 1;
    return (ratio + z * z / (2 * n) + wilson_half(ratio, n, z)) / (1 + z * z / n);
}

double stats_wilson_lower(double ratio, double n, double z)
{
    assert(ratio >= 0 && ratio <= 1);
    if (n <= 0)
        return 0;
    double low = (ratio + z * z / (2 * n) - wilson_half(ratio, n, z)) / (1 + z * z / n);
    return low > 0 ? low : 0; /* at ratio 0 the exact value is 0, rounding may go below */
}

double stats_psi(const double *p, const double *q, int bins)
{
    const double floor_share = 1e-4;
    double sum = 0;
    for (int b = 0; b < bins; b++) {
        double live = p[b] > floor_share ? p[b] : floor_share;
        double reference = q[b] > floor_share ? q[b] : floor_share;
        sum += (live - reference) * log(live / reference);
    }
    return sum;
}

void stats_moments_add(struct stats_moments *moments, double value)
{
    double before = value - moments->mean;
    moments->count++;
    moments->mean += before / (double)moments->count;
    moments->m2 += before * (value - moments->mean);
}

double stats_moments_variance(const struct stats_moments *moments)
{
    return moments->count > 1 ? moments->m2 / (double)(moments->count - 1) : 0;
}
