#include "recommender/neighbours.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

enum { ITEMS = 6, USERS = 3 };

/* Three histories in order of time. */
static int32_t user_id[USERS] = {1, 2, 3};
static int64_t start[USERS + 1] = {0, 4, 7, 9};
static int32_t item[] = {0, 1, 2, 3, 0, 1, 4, 1, 0};
static uint8_t half_stars[9];
static int64_t time_s[9];

static const struct ratings ratings = {USERS, ITEMS, 9, user_id, start, item, half_stars, time_s};

/* The definition in neighbours.h, pair by pair. */
static double weight_of(const struct neighbours_config *config, int32_t a, int32_t b)
{
    double sum = 0, count[ITEMS] = {0};
    for (int u = 0; u < USERS; u += config->every) {
        for (int64_t i = start[u]; i < start[u + 1]; i++) {
            count[item[i]]++;
        }
    }
    for (int u = 0; u < USERS; u += config->every) {
        for (int64_t i = start[u]; i < start[u + 1]; i++) {
            for (int64_t j = start[u]; j < start[u + 1]; j++) {
                int64_t after = j - i;
                bool near = after > 0 ? after <= config->after : -after <= config->before;
                if (item[i] == a && item[j] == b && after != 0 && near) {
                    sum += pow((double)config->decay, (double)(llabs(after) - 1));
                }
            }
        }
    }
    return sum > 0 ? sum / sqrt(count[a] * count[b]) : 0;
}

static double found(const struct neighbours *neighbours, int32_t a, int32_t b)
{
    for (int64_t k = neighbours->start[a]; k < neighbours->start[a + 1]; k++) {
        if (neighbours->item[k] == b) {
            return (double)neighbours->weight[k];
        }
    }
    return 0;
}

Test(neighbours, weights_are_those_of_the_definition)
{
    static const struct neighbours_config configs[] = {{10, 10, 1, 10, 1},
                                                       {0, 1, 0.5f, 10, 1},
                                                       {0, 3, 0.6f, 10, 1},
                                                       {2, 1, 0.5f, 10, 1},
                                                       {10, 10, 1, 10, 2}};
    const struct parallel one = {1};
    for (size_t c = 0; c < sizeof configs / sizeof configs[0]; c++) {
        struct neighbours neighbours;
        neighbours_train(&neighbours, &configs[c], &ratings, &one);
        for (int32_t a = 0; a < ITEMS; a++) {
            for (int32_t b = 0; b < ITEMS; b++) {
                cr_expect(fabs(found(&neighbours, a, b) - weight_of(&configs[c], a, b)) < 1e-6,
                          "config %zu: %d, %d: %g", c, a, b, found(&neighbours, a, b));
            }
        }
        neighbours_deinit(&neighbours);
    }
}

Test(neighbours, the_nearest_are_kept_in_falling_order)
{
    const struct neighbours_config all = {10, 10, 1, 10, 1}, two = {10, 10, 1, 2, 1};
    const struct parallel one = {1};
    struct neighbours whole, cut;
    neighbours_train(&whole, &all, &ratings, &one);
    neighbours_train(&cut, &two, &ratings, &one);
    for (int32_t a = 0; a < ITEMS; a++) {
        int64_t count = whole.start[a + 1] - whole.start[a];
        cr_assert(cut.start[a + 1] - cut.start[a] == (count < 2 ? count : 2));
        for (int64_t k = 0; k < count; k++) {
            float weight = whole.weight[whole.start[a] + k];
            cr_expect(k == 0 || weight <= whole.weight[whole.start[a] + k - 1]);
            cr_expect(k >= 2 || (cut.item[cut.start[a] + k] == whole.item[whole.start[a] + k] &&
                                 cut.weight[cut.start[a] + k] == weight));
        }
    }
    neighbours_deinit(&whole);
    neighbours_deinit(&cut);
}

Test(neighbours, a_film_nobody_rated_has_none)
{
    const struct neighbours_config config = {10, 10, 1, 10, 1};
    const struct parallel three = {3};
    struct neighbours neighbours;
    neighbours_train(&neighbours, &config, &ratings, &three);
    cr_expect(neighbours.start[ITEMS] == neighbours.start[ITEMS - 1]);
    neighbours_deinit(&neighbours);
}
