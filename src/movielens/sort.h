/* Sorting 64-bit keys; ratings are sorted by packing (time, place) into one. Pure. */
#ifndef MOVIELENS_SORT_H
#define MOVIELENS_SORT_H

#include <stddef.h>
#include <stdint.h>

/* Rising order. `scratch` holds `count` keys as well; its content is lost. */
void sort_u64(uint64_t *keys, uint64_t *scratch, size_t count);
/* The same for keys whose low halves rise already, up to UINT32_MAX of them: only the high halves
 * are looked at, and the closer together those are the faster. */
void sort_high_halves(uint64_t *keys, uint64_t *scratch, size_t count);

#endif
