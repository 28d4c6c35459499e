/*
 * A sum of well-mixed hashes of the members does not depend on their order, so nothing has to be
 * sorted and copies of the data in any row order agree. It guards against mistakes (other data,
 * changed data), not against somebody who constructs a collision.
 */
#include "movielens/fingerprint.h"

#include "base/rng.h"

/* Keep a film, a genre name and a rating with the same numbers apart. */
#define FILM_TAG UINT64_C(0x66696c6d)
#define GENRE_TAG UINT64_C(0x67656e72)
#define RATING_TAG UINT64_C(0x72617465)

static uint64_t name_hash(const char *name)
{
    uint64_t hash = GENRE_TAG;
    for (; *name != '\0'; name++) {
        hash = rng_mix(hash, (uint64_t)(unsigned char)*name);
    }
    return hash;
}

static uint64_t films_sum(const struct catalogue *catalogue)
{
    uint64_t genre[CATALOGUE_GENRES_MAX] = {0};
    uint64_t sum = 0;
    for (int g = 0; g < catalogue->genre_count; g++) {
        genre[g] = name_hash(catalogue->genre_name[g]);
    }
    for (int32_t i = 0; i < catalogue->count; i++) {
        uint64_t genres = 0;
        for (int g = 0; g < catalogue->genre_count; g++) {
            if ((catalogue->genres[i] >> g & 1) != 0) {
                genres += genre[g];
            }
        }
        sum += rng_mix(rng_mix(FILM_TAG, (uint64_t)catalogue->id[i]), genres);
    }
    return sum;
}

uint64_t fingerprint_of(const struct catalogue *catalogue, const struct ratings *ratings)
{
    uint64_t sum = films_sum(catalogue);
    for (int32_t u = 0; u < ratings->users; u++) {
        uint64_t user = rng_mix(RATING_TAG, (uint64_t)ratings->user_id[u]);
        for (int64_t i = ratings->start[u]; i < ratings->start[u + 1]; i++) {
            uint64_t movie = (uint64_t)catalogue->id[ratings->item[i]];
            sum += rng_mix(rng_mix(user, movie << 8 | ratings->half_stars[i]),
                           (uint64_t)ratings->time_s[i]);
        }
    }
    return sum;
}
