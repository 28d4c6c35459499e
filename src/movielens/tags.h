/*
 * What people call films: tags.csv of a MovieLens folder, people left out. A tag is its text in
 * lower case (ASCII) without blanks around it; a film has each tag once, with the number of times
 * it was given. Constant after loading; any thread may read.
 */
#ifndef MOVIELENS_TAGS_H
#define MOVIELENS_TAGS_H

#include "movielens/bad_rows.h"
#include "movielens/catalogue.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TAGS_HEADER "userId,movieId,tag,timestamp"
#define TAGS_TEXT_MAX_BYTES 255

struct tags {
    int32_t films, names;
    int64_t count;     /* pairs of film and tag */
    int64_t *start;    /* [films + 1]; NULL when there is no tag at all */
    int32_t *name;     /* [count], rising inside a film */
    int32_t *times;    /* [count], how often the film was given the tag */
    const char **text; /* [names], in order of bytes, borrowed from text_bytes */
    char *text_bytes;
};

/* *out is the caller's on success (tags_deinit). Rows that cannot be used go to `bad`, among them
 * those of films the catalogue lacks; a file without a good row yields no tags. */
enum err tags_read(const char *path, const struct catalogue *catalogue, struct bad_rows *bad,
                   struct tags *out, struct error *error);
void tags_deinit(struct tags *tags);

/* Collects tags of films in any order. A zeroed builder is a valid empty one. Counts of the same
 * tag of a film add up, or with `largest` the largest stays: data joined again then add nothing. */
struct tags_builder {
    bool largest;
    size_t count, capacity;
    struct tags_given {
        int32_t item, times, name;
        size_t text_at; /* into bytes */
    } * given;
    char *bytes;
    size_t bytes_len, bytes_capacity;
};

/* Text of at most TAGS_TEXT_MAX_BYTES, without a NUL; false if nothing but blanks is in it. */
bool tags_builder_add(struct tags_builder *builder, int32_t item, const char *text, size_t len,
                      int32_t times);
/* Adds all tags of films[i] as tags of item_map[i], leaving out those mapped to -1; a NULL map
 * keeps the films' numbers. */
void tags_builder_add_all(struct tags_builder *builder, const struct tags *tags,
                          const int32_t *item_map);
/* The builder is empty afterwards; *out is the caller's. */
void tags_builder_finish(struct tags_builder *builder, int32_t films, struct tags *out);
void tags_builder_deinit(struct tags_builder *builder);

#endif
