#include "load/guest.h"

#include "base/rng.h"

#include <stdbool.h>
#include <stddef.h>

enum { DRAW_TARGETS = 0x6c670001, DRAW_CAMOUFLAGE };

#define STARS_MOST 10
/* Draws before camouflage is looked for in order instead. */
#define TRIES_MAX 64

static uint8_t stars_of(const struct drift_injection *injection)
{
    uint8_t stars = injection->stars_given;
    return stars >= 1 && stars <= STARS_MOST ? stars : STARS_MOST;
}

struct step_outcome guest_take_first(const struct drift_injection *injection,
                                     const struct step_list *list)
{
    for (int32_t i = 0; i < list->count; i++) {
        if (list->item[i] >= 0) {
            return (struct step_outcome){.rank = i + 1,
                                         .item = list->item[i],
                                         .half_stars = stars_of(injection),
                                         .watched = true};
        }
    }
    return (struct step_outcome){0};
}

static bool holds(const int32_t *rising, int32_t count, int32_t item)
{
    int32_t low = 0, high = count;
    while (low < high) {
        int32_t middle = low + (high - low) / 2;
        low = rising[middle] < item ? middle + 1 : low;
        high = rising[middle] < item ? high : middle;
    }
    return low < count && rising[low] == item;
}

/* Draws until there is one film more that is not among the first `count`. */
static int32_t draw_target(struct rng *rng, int32_t films, const int32_t *target, int32_t count)
{
    for (;;) {
        int32_t film = (int32_t)rng_below(rng, (uint32_t)films), place = 0;
        while (place < count && target[place] != film) {
            place++;
        }
        if (place == count) {
            return film;
        }
    }
}

static int32_t next_target(uint64_t seed, int32_t films, const int32_t *rated, int32_t rated_count)
{
    int32_t target[GUEST_TARGETS], targets = films < GUEST_TARGETS ? films : GUEST_TARGETS;
    struct rng rng = rng_stream(seed, 0, DRAW_TARGETS);
    for (int32_t i = 0; i < targets; i++) {
        target[i] = draw_target(&rng, films, target, i);
        if (!holds(rated, rated_count, target[i])) {
            return target[i];
        }
    }
    return -1;
}

static int32_t next_camouflage(uint64_t seed, int32_t account, int32_t films, const int32_t *rated,
                               int32_t rated_count)
{
    struct rng rng =
        rng_stream_at(seed, (uint64_t)account, DRAW_CAMOUFLAGE, (uint64_t)rated_count * TRIES_MAX);
    for (int try = 0; try < TRIES_MAX; try++) {
        int32_t film = (int32_t)rng_below(&rng, (uint32_t)films);
        if (!holds(rated, rated_count, film)) {
            return film;
        }
    }
    for (int32_t film = 0; film < films; film++) {
        if (!holds(rated, rated_count, film)) {
            return film;
        }
    }
    return -1;
}

struct step_outcome guest_push(const struct drift_injection *injection, uint64_t seed,
                               int32_t account, int32_t films, const int32_t *rated,
                               int32_t rated_count)
{
    int32_t film = films > 0 ? next_target(seed, films, rated, rated_count) : -1;
    if (film < 0 && films > 0) {
        film = next_camouflage(seed, account, films, rated, rated_count);
    }
    if (film < 0) {
        return (struct step_outcome){0};
    }
    return (struct step_outcome){.item = film, .half_stars = stars_of(injection), .watched = true};
}
