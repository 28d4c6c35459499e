/*
 * One thing a person did, as the sources see it: histories are arrays of events, oldest first.
 * What has been rated is a set of bits, one a film. Pure.
 */
#ifndef RECOMMENDER_EVENT_H
#define RECOMMENDER_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct event {
    int32_t item;       /* index in the catalogue at hand */
    uint8_t half_stars; /* 1 to 10 */
    int64_t time_s;     /* since 1970 UTC */
};

/* Words of a set of bits over `films` films. */
static inline size_t seen_words(int32_t films)
{
    return (size_t)films / 64 + 1;
}

static inline bool seen_has(const uint64_t *seen, int32_t item)
{
    return (seen[item / 64] >> (item % 64) & 1) != 0;
}

static inline void seen_mark(uint64_t *seen, int32_t item)
{
    seen[item / 64] |= UINT64_C(1) << (item % 64);
}

#endif
