#include "recommender/towers.h"

#include "base/mem.h"
#include "numeric/versions.h"
#include "recommender/towers_int.h"

#include <assert.h>
#include <math.h>
#include <string.h>

void towers_init(struct towers *towers, int32_t films, int factors)
{
    size_t cells = (size_t)films * (size_t)factors;
    assert(factors > 0 && factors % 8 == 0 && factors <= TOWERS_FACTORS_MAX);
    *towers = (struct towers){.films = films,
                              .factors = factors,
                              .components = factors + 1,
                              .item = mem_zalloc(cells + (size_t)films + 1, sizeof(float)),
                              .slow = mem_zalloc(cells + 1, sizeof(float)),
                              .fast = mem_zalloc(cells + 1, sizeof(float))};
}

void towers_deinit(struct towers *towers)
{
    mem_free(towers->item);
    mem_free(towers->slow);
    mem_free(towers->fast);
    memset(towers, 0, sizeof *towers);
}

float towers_fading(const struct towers *towers, int64_t elapsed_s)
{
    if (towers->half_life_s <= 0 || elapsed_s <= 0) {
        return 1;
    }
    return (float)exp2(-(double)elapsed_s / towers->half_life_s);
}

/* sum = fading * sum + row */
VECTOR_VERSIONS
static void fade_and_add(float *sum, float fading, const float *row, int k)
{
    for (int j = 0; j < k; j++) {
        sum[j] = fading * sum[j] + row[j];
    }
}

void towers_pools_add(const struct towers *towers, struct towers_pools *pools,
                      const struct event *event)
{
    int k = towers->factors;
    const float *slow = towers->slow + (size_t)event->item * (size_t)k;
    float fading = pools->count > 0 ? towers_fading(towers, event->time_s - pools->time_s) : 1;
    if (towers->half_life_s > 0) {
        fade_and_add(pools->decayed, fading, slow, k);
        pools->decayed_weight = (double)fading * pools->decayed_weight + 1;
    }
    fade_and_add(pools->plain, 1, slow, k);
    fade_and_add(pools->fast, (float)towers->fast_decay,
                 towers->fast + (size_t)event->item * (size_t)k, k);
    pools->count += 1;
    pools->time_s = event->time_s;
}

double towers_pools_scale(const struct towers *towers, const struct towers_pools *pools)
{
    double weight = pools->count;
    if (towers->half_life_s > 0) {
        weight =
            towers->slow_floor * pools->count + (1 - towers->slow_floor) * pools->decayed_weight;
    }
    return pow(towers->slow_offset + weight, -towers->slow_power);
}

void towers_pools_read(const struct towers *towers, const struct towers_pools *pools, float *vector)
{
    double scale = towers_pools_scale(towers, pools);
    bool ages = towers->half_life_s > 0;
    float plain = (float)(scale * (ages ? towers->slow_floor : 1));
    float decayed = (float)(ages ? scale * (1 - towers->slow_floor) : 0);
    for (int j = 0; j < towers->factors; j++) {
        vector[j] = plain * pools->plain[j] + decayed * pools->decayed[j] + pools->fast[j];
    }
}

/* ---- the user tower of one history ---- */

enum { CHUNK = 64, AHEAD = 6 };

#define FAST_LEAST 1e-6f /* weights below it are left out of the fast pool */

/* sum += sum over n of weight[n] row[n], rows lying all over the memory. */
VECTOR_VERSIONS
static void add_rows(const float *matrix, const int32_t *row, const float *weight, int count, int k,
                     float *sum)
{
    for (int n = 0; n < count; n++) {
        const float *from = matrix + (size_t)row[n] * (size_t)k;
        if (n + AHEAD < count) {
            const float *later = matrix + (size_t)row[n + AHEAD] * (size_t)k;
            __builtin_prefetch(later);
            __builtin_prefetch(later + 16);
        }
        for (int j = 0; j < k; j++) {
            sum[j] += weight[n] * from[j];
        }
    }
}

/* The pools of towers_pools_*, added up from the newest event backwards, which needs only one sum a
 * pool: what an event weighs is known without the later ones. */
void towers_user(const struct towers *towers, const struct event *history, size_t count,
                 float *vector)
{
    float slow[TOWERS_FACTORS_MAX] = {0}, fast[TOWERS_FACTORS_MAX] = {0}, fading = 1;
    float slow_weight[CHUNK], fast_weight[CHUNK];
    int32_t row[CHUNK];
    double total = 0;
    for (size_t done = 0; done < count; done += CHUNK) {
        int chunk = count - done < CHUNK ? (int)(count - done) : CHUNK, recent = 0;
        for (int n = 0; n < chunk; n++, fading *= (float)towers->fast_decay) {
            const struct event *event = &history[count - 1 - done - (size_t)n];
            double decayed =
                (double)towers_fading(towers, history[count - 1].time_s - event->time_s);
            double weight = towers->half_life_s > 0
                                ? towers->slow_floor + (1 - towers->slow_floor) * decayed
                                : 1;
            row[n] = event->item;
            slow_weight[n] = (float)weight;
            fast_weight[n] = fading;
            recent += fading > FAST_LEAST;
            total += weight;
        }
        add_rows(towers->slow, row, slow_weight, chunk, towers->factors, slow);
        add_rows(towers->fast, row, fast_weight, recent, towers->factors, fast);
    }
    float scale = count > 0 ? (float)pow(towers->slow_offset + total, -towers->slow_power) : 0;
    for (int j = 0; j < towers->factors; j++) {
        vector[j] = scale * slow[j] + fast[j];
    }
    vector[towers->factors] = 1;
}
