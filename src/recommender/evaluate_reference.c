/*
 * The rows a recommender is compared with. Only the cosine is more than a few lines: it needs, for
 * each film somebody has among the last five, how many people rated it together with every other
 * film. One pass over the histories of a film's people gives that row, and on millions of ratings a
 * row costs far more than using it. So people are taken in blocks: first the rows of all films
 * among the block's last fives, a film a row, then the block's people. All rows at once would take
 * 4 items^2 bytes; a block's take at most 20 items COSINE_BLOCK, a third of that in practice.
 */
#include "recommender/evaluate.h"

#include "base/mem.h"
#include "numeric/als.h"
#include "numeric/sparse.h"

#include <math.h>
#include <string.h>

enum {
    ALS_REFERENCE_FACTORS = 20,
    ALS_STORED_FACTORS = 24, /* als.h wants a multiple of 8; the other components stay 0 */
    ALS_SWEEPS = 12,
    ALS_CG_STEPS = 3,
    COSINE_FILMS = 5,
    COSINE_BLOCK = 1024, /* people */
    CHUNK_ROWS = 16,
};

const char *evaluate_reference_name(enum evaluate_reference reference)
{
    static const char *const name[EVALUATE_REFERENCES] = {"random", "popularity", "implicit ALS",
                                                          "cosine to the last five"};
    return name[reference];
}

/* ---- random and popularity: the same scores for everybody ---- */

static void copy_scores(void *context, int32_t user, unsigned lane, float *score)
{
    const struct sparse *row = context;
    (void)user;
    (void)lane;
    memcpy(score, row->value, (size_t)row->cols * sizeof *score);
}

static void one_order(const struct evaluate_split *split, bool count,
                      const struct parallel *threads, struct evaluate_person *out)
{
    const struct ratings *train = &split->train;
    struct sparse row = {.cols = train->items,
                         .value = mem_zalloc((size_t)train->items + 1, sizeof(float))};
    for (int64_t i = 0; i < train->count && count; i++) {
        row.value[train->item[i]] += 1;
    }
    evaluate_everybody(split, copy_scores, &row, threads, out);
    mem_free(row.value);
}

/* ---- ALS ---- */

struct factors {
    float *user, *item;
    int32_t items;
};

static void score_factors(void *context, int32_t user, unsigned lane, float *score)
{
    const struct factors *factors = context;
    const float *x = factors->user + (size_t)user * ALS_STORED_FACTORS;
    (void)lane;
    for (int32_t i = 0; i < factors->items; i++) {
        const float *y = factors->item + (size_t)i * ALS_STORED_FACTORS;
        float sum = 0;
        for (int j = 0; j < ALS_REFERENCE_FACTORS; j++) {
            sum += x[j] * y[j];
        }
        score[i] = sum;
    }
}

static void who_rated_what(const struct ratings *train, struct sparse *out)
{
    sparse_init(out, train->users, train->items, train->count);
    memcpy(out->start, train->start, ((size_t)train->users + 1) * sizeof *out->start);
    memcpy(out->col, train->item, (size_t)train->count * sizeof *out->col);
    for (int64_t i = 0; i < train->count; i++) {
        out->value[i] = 1;
    }
}

static void by_als(const struct evaluate_split *split, uint64_t seed,
                   const struct parallel *parallel, struct evaluate_person *out)
{
    const struct ratings *train = &split->train;
    const size_t k = ALS_STORED_FACTORS;
    struct als_config config = {.factors = ALS_STORED_FACTORS,
                                .cg_steps = ALS_CG_STEPS,
                                .regularisation = 1,
                                .alpha = 1,
                                .seed = seed};
    struct factors factors = {mem_zalloc((size_t)train->users * k + 1, sizeof(float)),
                              mem_zalloc((size_t)train->items * k + 1, sizeof(float)),
                              train->items};
    struct sparse weights, transposed;
    who_rated_what(train, &weights);
    sparse_transpose(&weights, &transposed);
    /* No sweep only starts the factors; components that start at 0 on the films stay there. */
    als_train(&config, &weights, &transposed, parallel, 0, factors.user, factors.item, NULL, NULL);
    for (size_t i = 0; i < (size_t)train->items; i++) {
        memset(factors.item + i * k + ALS_REFERENCE_FACTORS, 0,
               (ALS_STORED_FACTORS - ALS_REFERENCE_FACTORS) * sizeof(float));
    }
    config.sweeps = ALS_SWEEPS;
    als_train(&config, &weights, &transposed, parallel, 1, factors.user, factors.item, NULL, NULL);
    sparse_deinit(&weights);
    sparse_deinit(&transposed);
    evaluate_everybody(split, score_factors, &factors, parallel, out);
    mem_free(factors.user);
    mem_free(factors.item);
}

/* ---- cosine ---- */

struct cosine {
    const struct evaluate_split *split;
    const struct sparse *raters; /* [items x users] */
    int32_t first;               /* of the block's people */
    int32_t *row_of;             /* [items], -1 if nobody in the block has it among the last */
    int32_t *film;               /* [rows], the film of each row */
    int32_t rows;
    float *cosines; /* [rows x items] */
    float *scores;  /* [threads x items] */
    struct evaluate_person *out;
};

/* The first of a person's last five ratings. */
static int64_t recent_of(const struct ratings *train, int32_t user)
{
    int64_t first = train->start[user + 1] - COSINE_FILMS;
    return first > train->start[user] ? first : train->start[user];
}

static void cosine_rows(void *context, int64_t first, int64_t end, unsigned lane)
{
    const struct cosine *job = context;
    const struct ratings *train = &job->split->train;
    const int64_t *by_film = job->raters->start;
    (void)lane;
    for (int64_t r = first; r < end; r++) {
        float *row = job->cosines + (size_t)r * (size_t)train->items;
        int32_t film = job->film[r];
        memset(row, 0, (size_t)train->items * sizeof *row);
        for (int64_t n = by_film[film]; n < by_film[film + 1]; n++) {
            int32_t user = job->raters->col[n];
            for (int64_t i = train->start[user]; i < train->start[user + 1]; i++) {
                row[train->item[i]] += 1; /* exact up to 2^24 people */
            }
        }
        double own = (double)(by_film[film + 1] - by_film[film]);
        for (int32_t i = 0; i < train->items; i++) {
            double other = (double)(by_film[i + 1] - by_film[i]);
            row[i] = other > 0 ? (float)((double)row[i] / sqrt(own * other)) : 0;
        }
    }
}

static void cosine_people(void *context, int64_t first, int64_t end, unsigned lane)
{
    const struct cosine *job = context;
    const struct ratings *train = &job->split->train;
    float *score = job->scores + (size_t)lane * (size_t)train->items;
    for (int64_t n = job->first + first; n < job->first + end; n++) {
        int32_t user = job->split->user[n];
        memset(score, 0, (size_t)train->items * sizeof *score);
        for (int64_t i = recent_of(train, user); i < train->start[user + 1]; i++) {
            const float *row =
                job->cosines + (size_t)job->row_of[train->item[i]] * (size_t)train->items;
            for (int32_t f = 0; f < train->items; f++) {
                score[f] += row[f];
            }
        }
        job->out[n] = evaluate_scores(job->split, (int32_t)n, score);
    }
}

/* Which films the block's people have among their last five. */
static void list_rows(struct cosine *job, int32_t count)
{
    const struct ratings *train = &job->split->train;
    memset(job->row_of, -1, (size_t)train->items * sizeof *job->row_of);
    job->rows = 0;
    for (int32_t n = job->first; n < job->first + count; n++) {
        int32_t user = job->split->user[n];
        for (int64_t i = recent_of(train, user); i < train->start[user + 1]; i++) {
            int32_t film = train->item[i];
            if (job->row_of[film] < 0) {
                job->row_of[film] = job->rows;
                job->film[job->rows++] = film;
            }
        }
    }
}

static void by_cosine(const struct evaluate_split *split, const struct parallel *parallel,
                      struct evaluate_person *out)
{
    size_t items = (size_t)split->train.items;
    struct sparse ratings, raters;
    who_rated_what(&split->train, &ratings);
    sparse_transpose(&ratings, &raters);
    sparse_deinit(&ratings);
    struct cosine job = {.split = split,
                         .raters = &raters,
                         .row_of = mem_array(items + 1, sizeof(int32_t)),
                         .film = mem_array(items + 1, sizeof(int32_t)),
                         .scores = mem_array(parallel->threads * items + 1, sizeof(float)),
                         .out = out};
    for (; job.first < split->people; job.first += COSINE_BLOCK) {
        int32_t left = split->people - job.first;
        int32_t count = left < COSINE_BLOCK ? left : COSINE_BLOCK;
        list_rows(&job, count);
        job.cosines = mem_array((size_t)job.rows * items + 1, sizeof *job.cosines);
        parallel_for(parallel, job.rows, CHUNK_ROWS, cosine_rows, &job);
        parallel_for(parallel, count, CHUNK_ROWS, cosine_people, &job);
        mem_free(job.cosines);
    }
    sparse_deinit(&raters);
    mem_free(job.row_of);
    mem_free(job.film);
    mem_free(job.scores);
}

void evaluate_reference_people(const struct evaluate_split *split,
                               enum evaluate_reference reference, uint64_t seed,
                               const struct parallel *parallel, struct evaluate_person *out)
{
    switch (reference) {
    case EVALUATE_ALS:
        by_als(split, seed, parallel, out);
        break;
    case EVALUATE_COSINE:
        by_cosine(split, parallel, out);
        break;
    case EVALUATE_RANDOM:
    case EVALUATE_POPULARITY:
    case EVALUATE_REFERENCES:
        one_order(split, reference == EVALUATE_POPULARITY, parallel, out);
        break;
    }
}
