/*
 * The films of a data set. A film is known inside the program by its dense index (0..count-1, in
 * order of rising MovieLens id); ids are sparse. Constant after loading; any thread may read.
 */
#ifndef MOVIELENS_CATALOGUE_H
#define MOVIELENS_CATALOGUE_H

#include <stdint.h>

#define CATALOGUE_GENRES_MAX 32

struct catalogue {
    int32_t count;
    int32_t *id;        /* [count], rising */
    uint32_t *genres;   /* [count], bit g set = has genre_name[g] */
    int16_t *year;      /* [count], 0 if the title has none */
    const char **title; /* [count], borrowed from title_bytes, as in the file, unquoted */
    char *title_bytes;
    int genre_count;
    char *genre_name[CATALOGUE_GENRES_MAX]; /* in order of first appearance */
};

/* Index of a MovieLens id, -1 if unknown. O(log count). */
int32_t catalogue_index(const struct catalogue *catalogue, int32_t id);
void catalogue_deinit(struct catalogue *catalogue);

#endif
