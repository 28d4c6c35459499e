/*
 * A data set shaped like MovieLens, made from published aggregate statistics of ml-latest-small
 * (edition of September 2018; F. M. Harper and J. A. Konstan, "The MovieLens Datasets", 2015):
 * counts, quantiles, shares, correlations. No rating, title or history of it is used.
 *
 * People and films are drawn first (synth_people.c, synth_films.c), then everybody's films
 * (synth_choice.c), their order and times (synth_history.c), the ratings (synth_ratings.c). People
 * are independent of each other given the films, so they are made in parallel, each from streams of
 * their own; only the mean and deviation of liking are gathered over all, in order.
 */
#include "movielens/synth.h"

#include "base/mem.h"
#include "base/rng.h"
#include "movielens/fingerprint.h"
#include "movielens/synth_int.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define TITLE_BYTES 32
#define UNSEEN_TRIES 1000

struct making {
    const struct synth_people *people;
    const struct synth_films *films;
    struct synth_scale scale;
    uint64_t seed;
    struct ratings *out;
    double *liking; /* [count] */
    double mean, sd;
    double *race;     /* [lanes x films] */
    int32_t *order;   /* [lanes x films] */
    int32_t *session; /* [lanes x films] */
};

struct synth_config synth_defaults(void)
{
    return (struct synth_config){.users = 610, .movies = 9742, .seed = 1};
}

static void pick_films(void *context, int64_t first, int64_t end, unsigned lane)
{
    struct making *making = context;
    size_t offset = (size_t)lane * (size_t)making->films->count;
    for (int64_t u = first; u < end; u++) {
        synth_choice_pick(making->films, making->people, (int32_t)u, making->seed,
                          making->race + offset, making->order + offset,
                          making->out->item + making->out->start[u]);
    }
}

static int32_t owner_of(const struct ratings *ratings, int64_t place)
{
    int32_t low = 0, high = ratings->users - 1;
    while (low < high) {
        int32_t middle = low + (high - low + 1) / 2;
        if (ratings->start[middle] <= place) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    return low;
}

/* MovieLens lists a film because somebody rated it. A film that nobody picked takes the place of a
 * well-known one in the history of a random person who could have seen it. */
static void place_unseen(struct making *making)
{
    struct ratings *out = making->out;
    struct rng rng = rng_stream(making->seed, 0, SYNTH_UNSEEN);
    int32_t *count = mem_zalloc((size_t)out->items, sizeof *count);
    for (int64_t i = 0; i < out->count; i++) {
        count[out->item[i]]++;
    }
    for (int32_t film = 0; film < out->items; film++) {
        for (int tries = 0; count[film] == 0 && tries < UNSEEN_TRIES; tries++) {
            int64_t place = (int64_t)(rng_uniform(&rng) * (double)out->count);
            int32_t u = owner_of(out, place);
            int32_t known = out->item[place];
            if (making->films->year[film] <= making->people->year[u] && count[known] > 2) {
                count[known]--;
                count[film]++;
                out->item[place] = film;
            }
        }
    }
    mem_free(count);
}

static void make_histories(void *context, int64_t first, int64_t end, unsigned lane)
{
    struct making *making = context;
    size_t offset = (size_t)lane * (size_t)making->films->count;
    for (int64_t u = first; u < end; u++) {
        int32_t person = (int32_t)u;
        int64_t start = making->out->start[u];
        int32_t *items = making->out->item + start;
        int32_t *session = making->session + offset;
        synth_order(making->films, making->people, person, making->seed, items);
        synth_times(making->people, person, making->seed, making->out->time_s + start, session);
        synth_liking(making->films, making->people, person, making->seed, items, session,
                     making->liking + start);
    }
}

static void rate_histories(void *context, int64_t first, int64_t end, unsigned lane)
{
    struct making *making = context;
    struct ratings *out = making->out;
    (void)lane;
    for (int64_t u = first; u < end; u++) {
        struct rng rng = rng_stream(making->seed, (uint64_t)u, SYNTH_SCALE_CHOICE);
        for (int64_t i = out->start[u]; i < out->start[u + 1]; i++) {
            bool halves =
                synth_uses_halves(making->people, (int32_t)u, out->time_s[i], rng_uniform(&rng));
            double liking = (making->liking[i] - making->mean) / making->sd;
            out->half_stars[i] = synth_half_stars(&making->scale, liking, halves);
        }
    }
}

static void measure_liking(struct making *making)
{
    double sum = 0.0, squares = 0.0, count = (double)making->out->count;
    for (int64_t i = 0; i < making->out->count; i++) {
        sum += making->liking[i];
    }
    making->mean = sum / count;
    for (int64_t i = 0; i < making->out->count; i++) {
        double from_mean = making->liking[i] - making->mean;
        squares += from_mean * from_mean;
    }
    making->sd = sqrt(squares / count);
}

/* Nobody rates more films than were out in their first year. */
static void limit_to_released(struct synth_people *people, const struct synth_films *films)
{
    int32_t released[SYNTH_YEARS] = {0};
    for (int32_t i = 0; i < films->count; i++) {
        int year = films->year[i] < SYNTH_FIRST_YEAR ? SYNTH_FIRST_YEAR : films->year[i];
        released[year - SYNTH_FIRST_YEAR]++;
    }
    for (int y = 1; y < SYNTH_YEARS; y++) {
        released[y] += released[y - 1];
    }
    for (int32_t u = 0; u < people->count; u++) {
        int32_t most = released[people->year[u] - SYNTH_FIRST_YEAR];
        people->ratings[u] = people->ratings[u] < most ? people->ratings[u] : most;
    }
}

static void make_ratings(const struct synth_films *films, const struct synth_people *people,
                         uint64_t seed, const struct parallel *parallel, struct ratings *out)
{
    size_t users = (size_t)people->count, cells = (size_t)films->count * parallel->threads;
    *out = (struct ratings){.users = people->count, .items = films->count};
    out->user_id = mem_array(users, sizeof *out->user_id);
    out->start = mem_array(users + 1, sizeof *out->start);
    out->start[0] = 0;
    for (size_t u = 0; u < users; u++) {
        out->user_id[u] = (int32_t)u + 1;
        out->start[u + 1] = out->start[u] + people->ratings[u];
    }
    out->count = out->start[users];
    out->item = mem_array((size_t)out->count, sizeof *out->item);
    out->half_stars = mem_array((size_t)out->count, 1);
    out->time_s = mem_array((size_t)out->count, sizeof *out->time_s);
    struct making making = {.people = people,
                            .films = films,
                            .seed = seed,
                            .out = out,
                            .liking = mem_array((size_t)out->count, sizeof *making.liking),
                            .race = mem_array(cells, sizeof *making.race),
                            .order = mem_array(cells, sizeof *making.order),
                            .session = mem_array(cells, sizeof *making.session)};
    synth_scale_init(&making.scale);
    parallel_for(parallel, people->count, 0, pick_films, &making);
    place_unseen(&making);
    parallel_for(parallel, people->count, 0, make_histories, &making);
    measure_liking(&making);
    parallel_for(parallel, people->count, 0, rate_histories, &making);
    mem_free(making.liking);
    mem_free(making.race);
    mem_free(making.order);
    mem_free(making.session);
}

/* Ids are dense at first and sparse later, as years of additions made them. Every sixth title has
 * the ", The" form, which needs quotes in a file. */
static void make_catalogue(const struct synth_films *films, uint64_t seed, struct catalogue *out)
{
    size_t count = (size_t)films->count;
    struct rng rng = rng_stream(seed, 0, SYNTH_FILM_IDS);
    int bit[SYNTH_GENRES]; /* of a genre in order of first appearance */
    int32_t id = 0;
    *out = (struct catalogue){.count = films->count,
                              .id = mem_array(count, sizeof *out->id),
                              .genres = mem_zalloc(count, sizeof *out->genres),
                              .year = mem_array(count, sizeof *out->year),
                              .title = mem_array(count, sizeof *out->title),
                              .title_bytes = mem_array(count, TITLE_BYTES)};
    memset(bit, 0xff, sizeof bit);
    for (int32_t i = 0; i < films->count; i++) {
        char *title = out->title_bytes + (size_t)i * TITLE_BYTES;
        id += i < films->count / 5 ? 1 : 1 + (int32_t)rng_below(&rng, 40);
        snprintf(title, TITLE_BYTES, "Film %d%s (%d)", (int)id, i % 6 == 0 ? ", The" : "",
                 (int)films->year[i]);
        out->id[i] = id;
        out->year[i] = films->year[i];
        out->title[i] = title;
        for (int g = 0; g < SYNTH_GENRES; g++) {
            if ((films->genres[i] >> g & 1) == 0) {
                continue;
            }
            if (bit[g] < 0) {
                bit[g] = out->genre_count;
                out->genre_name[out->genre_count++] = mem_text(synth_genres[g].name);
            }
            out->genres[i] |= UINT32_C(1) << bit[g];
        }
    }
}

enum err synth_make(const struct synth_config *config, const struct parallel *parallel,
                    struct dataset *out, struct error *error)
{
    struct synth_people people;
    struct synth_films films;
    memset(out, 0, sizeof *out);
    if (config->users < SYNTH_USERS_MIN || config->users > SYNTH_USERS_MAX) {
        return error_set(error, ERR_INPUT, "users", 0, "%d, expected %d to %d", (int)config->users,
                         SYNTH_USERS_MIN, SYNTH_USERS_MAX);
    }
    if (config->movies < SYNTH_MOVIES_MIN || config->movies > SYNTH_MOVIES_MAX) {
        return error_set(error, ERR_INPUT, "movies", 0, "%d, expected %d to %d",
                         (int)config->movies, SYNTH_MOVIES_MIN, SYNTH_MOVIES_MAX);
    }
    synth_people_make(&people, config->users, config->movies, config->seed);
    synth_films_make(&films, config->movies, &people, config->seed);
    limit_to_released(&people, &films);
    synth_choice_solve(&films, &people, parallel);
    make_ratings(&films, &people, config->seed, parallel, &out->ratings);
    make_catalogue(&films, config->seed, &out->catalogue);
    out->fingerprint = fingerprint_of(&out->catalogue, &out->ratings);
    synth_films_deinit(&films);
    synth_people_deinit(&people);
    return ERR_OK;
}
