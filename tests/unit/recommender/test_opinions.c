#include "recommender/opinions.h"

#include <criterion/criterion.h>
#include <math.h>

enum { USERS = 40, ITEMS = 30 };

/* Everybody rates every film, 3 stars plus what the person and the film are worth. */
static int32_t user_id[USERS], item[USERS * ITEMS];
static int64_t start[USERS + 1], time_s[USERS * ITEMS];
static uint8_t half_stars[USERS * ITEMS];

static struct ratings full(void)
{
    for (int32_t u = 0; u < USERS; u++) {
        user_id[u] = u + 1;
        start[u + 1] = (int64_t)(u + 1) * ITEMS;
        for (int32_t i = 0; i < ITEMS; i++) {
            item[u * ITEMS + i] = i;
            half_stars[u * ITEMS + i] = (uint8_t)(6 + (u % 2 == 0 ? 1 : -1) + i % 3 - 1);
        }
    }
    return (struct ratings){USERS, ITEMS, USERS * ITEMS, user_id, start, item, half_stars, time_s};
}

Test(opinions, people_and_films_add_up)
{
    struct opinions opinions;
    struct ratings ratings = full();
    opinions_train(&opinions, &ratings);
    for (int32_t u = 0; u < 2; u++) {
        for (int32_t i = 0; i < 3; i++) {
            struct opinions_bias bias;
            opinions_known(&opinions, u, ITEMS, &bias);
            double wanted = 0.5 * half_stars[u * ITEMS + i];
            double got = opinions_stars(&opinions, &bias, i);
            cr_expect(fabs(got - wanted) < 0.15, "%d, %d: %g, not %g", u, i, got, wanted);
        }
    }
    opinions_deinit(&opinions);
}

Test(opinions, somebody_unknown_is_known_by_what_they_post)
{
    struct opinions opinions;
    struct ratings ratings = full();
    opinions_train(&opinions, &ratings);
    struct opinions_bias stranger = {0}, again;
    double at_first = opinions_stars(&opinions, &stranger, 0);
    cr_expect(fabs(at_first - opinions.mean - (double)opinions.item_bias[0]) < 1e-6);
    for (int32_t i = 0; i < ITEMS; i++) {
        opinions_add(&opinions, i, half_stars[i], &stranger);
    }
    opinions_known(&opinions, 0, ITEMS, &again);
    cr_expect(fabs(opinions_stars(&opinions, &stranger, 0) - opinions_stars(&opinions, &again, 0)) <
                  1e-3,
              "the same ratings, the same person");
    for (int n = 0; n < 1000; n++) {
        opinions_add(&opinions, 1, 1, &stranger);
    }
    double least = opinions_stars(&opinions, &stranger, 0);
    cr_expect(least >= 0.5 && least < at_first - 1, "%g", least);
    opinions_deinit(&opinions);
}
