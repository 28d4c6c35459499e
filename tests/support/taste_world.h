/*
 * A made-up data set in which taste is known: film f of FILMS belongs to group f % 2 (one genre
 * each), low numbers are the popular ones, and a person of group g rated films of group g, with few
 * slips. Header-only, because the other files here link with base alone.
 */
#ifndef SUPPORT_TASTE_WORLD_H
#define SUPPORT_TASTE_WORLD_H

#include "base/mem.h"
#include "base/rng.h"
#include "movielens/dataset.h"
#include "recommender/train.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { TASTE_USERS = 120, TASTE_FILMS = 200, TASTE_EACH = 24 };

#define TASTE_DAY_S INT64_C(86400)

static inline int32_t taste_movie_id(int32_t film)
{
    return 10 * film + 7;
}

static inline void taste_films(struct catalogue *films)
{
    *films = (struct catalogue){.count = TASTE_FILMS,
                                .id = mem_zalloc(TASTE_FILMS, sizeof *films->id),
                                .genres = mem_zalloc(TASTE_FILMS, sizeof *films->genres),
                                .year = mem_zalloc(TASTE_FILMS, sizeof *films->year),
                                .title = mem_zalloc(TASTE_FILMS, sizeof *films->title),
                                .title_bytes = mem_text("A Film (1999)"),
                                .genre_count = 2};
    films->genre_name[0] = mem_text("Even");
    films->genre_name[1] = mem_text("Odd");
    for (int32_t f = 0; f < TASTE_FILMS; f++) {
        films->id[f] = taste_movie_id(f);
        films->genres[f] = UINT32_C(1) << f % 2;
        films->title[f] = films->title_bytes;
    }
}

/* People 1..TASTE_USERS; person u likes group (u + turned) % 2. All ratings lie in the day before
 * newest_s. Different seeds give different films. */
static inline void taste_data(struct dataset *data, int turned, int64_t newest_s, uint64_t seed)
{
    memset(data, 0, sizeof *data);
    taste_films(&data->catalogue);
    struct ratings *ratings = &data->ratings;
    size_t count = (size_t)TASTE_USERS * TASTE_EACH;
    *ratings = (struct ratings){.users = TASTE_USERS,
                                .items = TASTE_FILMS,
                                .count = (int64_t)count,
                                .user_id = mem_zalloc(TASTE_USERS, sizeof *ratings->user_id),
                                .start = mem_zalloc(TASTE_USERS + 1, sizeof *ratings->start),
                                .item = mem_zalloc(count, sizeof *ratings->item),
                                .half_stars = mem_zalloc(count, sizeof *ratings->half_stars),
                                .time_s = mem_zalloc(count, sizeof *ratings->time_s)};
    for (int32_t u = 0; u < TASTE_USERS; u++) {
        bool seen[TASTE_FILMS] = {false};
        struct rng rng = rng_stream(seed, (uint64_t)u, 1);
        ratings->user_id[u] = u + 1;
        for (int32_t k = 0; k < TASTE_EACH; k++) {
            int32_t film;
            bool liked;
            do {
                film = (int32_t)(rng_uniform(&rng) * rng_uniform(&rng) * TASTE_FILMS);
                liked = film % 2 == (u + 1 + turned) % 2;
            } while (seen[film] || (!liked && rng_uniform(&rng) < 0.9));
            int64_t at = (int64_t)u * TASTE_EACH + k;
            seen[film] = true;
            ratings->item[at] = film;
            ratings->half_stars[at] = liked ? 9 : 4;
            ratings->time_s[at] = newest_s - TASTE_EACH + 1 + k;
        }
        ratings->start[u + 1] = (int64_t)(u + 1) * TASTE_EACH;
    }
}

static inline struct train_config taste_config(void)
{
    struct train_config config = train_defaults();
    config.factors = 8;
    config.towers.epochs_cold = 6;
    config.towers.epochs_warm = 3;
    return config;
}

static inline struct model *taste_model(int turned, int64_t newest_s, uint64_t seed)
{
    struct dataset data;
    struct corpus corpus;
    struct train_config config = taste_config();
    taste_data(&data, turned, newest_s, seed);
    corpus_take(&corpus, &data);
    dataset_deinit(&data);
    return train_model(&config, &corpus, NULL, NULL, NULL);
}

/* Writes the data as a MovieLens folder; false, told on stderr, if that failed. */
static inline bool taste_write(const struct dataset *data, const char *folder)
{
    struct dataset_writer *writer = NULL;
    struct error error = {0};
    if (dataset_writer_open(folder, &writer, &error) == ERR_OK) {
        for (int32_t u = 0; u < data->ratings.users; u++) {
            for (int64_t i = data->ratings.start[u]; i < data->ratings.start[u + 1]; i++) {
                dataset_writer_rate(writer, data->ratings.user_id[u],
                                    data->catalogue.id[data->ratings.item[i]],
                                    data->ratings.half_stars[i], data->ratings.time_s[i]);
            }
        }
        if (dataset_writer_close(writer, &data->catalogue, &error) == ERR_OK) {
            return true;
        }
    }
    (void)fprintf(stderr, "taste world: %s: %s\n", error.where, error.text);
    return false;
}

#endif
