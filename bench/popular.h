/* The data's films by how often they were rated: what the benchmarks' lists are made of. */
#ifndef BENCH_POPULAR_H
#define BENCH_POPULAR_H

#include "base/mem.h"
#include "movielens/dataset.h"

#include <stdint.h>
#include <stdlib.h>

struct popular {
    int32_t film, count;
};

static inline int popular_by_falling_count(const void *a, const void *b)
{
    const struct popular *left = a, *right = b;
    return left->count != right->count ? (left->count < right->count) - (left->count > right->count)
                                       : (left->film > right->film) - (left->film < right->film);
}

/* Ids of all data->ratings.items films, the most rated first; the caller frees them (mem_free). */
static inline int32_t *popular_films(const struct dataset *data)
{
    int32_t films = data->ratings.items;
    struct popular *popular = mem_zalloc((size_t)films, sizeof *popular);
    int32_t *id = mem_zalloc((size_t)films, sizeof *id);
    for (int32_t film = 0; film < films; film++) {
        popular[film].film = film;
    }
    for (int64_t k = 0; k < data->ratings.start[data->ratings.users]; k++) {
        popular[data->ratings.item[k]].count++;
    }
    qsort(popular, (size_t)films, sizeof *popular, popular_by_falling_count);
    for (int32_t place = 0; place < films; place++) {
        id[place] = data->catalogue.id[popular[place].film];
    }
    mem_free(popular);
    return id;
}

#endif
