#include "recommender/lessons.h"

#include "base/mem.h"
#include "base/rng.h"
#include "recommender/features.h"

#include <stdbool.h>
#include <string.h>

#define PURPOSE_PEOPLE 0x1e55

struct collect {
    const struct lessons *lessons;
    const struct model *model;
    const struct ratings *ratings;
    struct lane_memory {
        struct query_memory query;
        struct candidates candidates;
        int16_t *row_of;
        struct feature_rows rows;
    } * *lanes;
    int32_t *rows;   /* [lessons], 0 if no source proposed the film chosen */
    float **feature; /* [lessons] */
};

/* How many of a person's last ratings can be held out. */
static int64_t held_of(const struct ratings *ratings, int32_t user, int each)
{
    int64_t most = (ratings->start[user + 1] - ratings->start[user]) / 8;
    return most < each ? most : each;
}

void lessons_init(struct lessons *out, const struct ratings *ratings, int each, int choices_max,
                  uint64_t seed)
{
    memset(out, 0, sizeof *out);
    size_t users = (size_t)ratings->users, count = (size_t)ratings->count;
    int64_t possible = 0;
    for (int32_t u = 0; u < ratings->users; u++) {
        possible += held_of(ratings, u, each);
    }
    double share = (double)choices_max / (double)(possible + 1);
    out->lesson = mem_array((size_t)each * users + 1, sizeof *out->lesson);
    struct ratings *before = &out->before;
    *before = (struct ratings){.users = ratings->users,
                               .items = ratings->items,
                               .user_id = mem_array(users + 1, sizeof *before->user_id),
                               .start = mem_zalloc(users + 1, sizeof *before->start),
                               .item = mem_array(count + 1, sizeof *before->item),
                               .half_stars = mem_array(count + 1, sizeof *before->half_stars),
                               .time_s = mem_array(count + 1, sizeof *before->time_s)};
    memcpy(before->user_id, ratings->user_id, users * sizeof *before->user_id);
    for (int32_t u = 0; u < ratings->users; u++) {
        int64_t first = ratings->start[u], end = ratings->start[u + 1];
        struct rng rng = rng_stream(seed, (uint64_t)ratings->user_id[u], PURPOSE_PEOPLE);
        bool drawn = rng_uniform(&rng) < share;
        int64_t kept = end - (drawn ? held_of(ratings, u, each) : 0);
        size_t size = (size_t)(kept - first);
        memcpy(before->item + before->count, ratings->item + first, size * sizeof *before->item);
        memcpy(before->half_stars + before->count, ratings->half_stars + first, size);
        memcpy(before->time_s + before->count, ratings->time_s + first,
               size * sizeof *before->time_s);
        before->count += (int64_t)size;
        before->start[u + 1] = before->count;
        for (int64_t at = kept; at < end; at++) {
            out->lesson[out->count++] = (struct lesson){u, at};
        }
    }
}

void lessons_deinit(struct lessons *lessons)
{
    mem_free(lessons->lesson);
    ratings_deinit(&lessons->before);
}

static void collect_rows(void *context, int64_t first, int64_t end, unsigned lane)
{
    struct collect *collect = context;
    struct lane_memory *memory = collect->lanes[lane];
    for (int64_t l = first; l < end; l++) {
        const struct lesson *lesson = &collect->lessons->lesson[l];
        struct query query;
        query_of_history(&query, collect->model, collect->ratings, lesson->user, lesson->at,
                         &memory->query);
        for (int s = 0; s < SOURCE_COUNT; s++) {
            candidates_ask(&memory->candidates, &query, (enum source)s);
        }
        features_of(&query, &memory->candidates, memory->row_of, &memory->rows);
        struct feature_rows *rows = &memory->rows;
        int32_t wanted = collect->ratings->item[lesson->at];
        int chosen = 0;
        while (chosen < rows->count && rows->item[chosen] != wanted) {
            chosen++;
        }
        collect->rows[l] = chosen < rows->count ? rows->count : 0;
        if (chosen == rows->count) {
            continue;
        }
        size_t row = FEATURE_COUNT * sizeof(float);
        float *copy = mem_alloc((size_t)rows->count * row);
        memcpy(copy, rows->value, (size_t)rows->count * row);
        memcpy(copy, rows->value + chosen * FEATURE_COUNT, row);
        memcpy(copy + chosen * FEATURE_COUNT, rows->value, row);
        collect->feature[l] = copy;
    }
}

static void pack(const struct collect *collect, struct lessons_choices *out)
{
    int64_t rows = 0;
    for (int32_t l = 0; l < collect->lessons->count; l++) {
        rows += collect->rows[l];
    }
    out->choices.features = FEATURE_COUNT;
    out->choices.start =
        mem_zalloc((size_t)collect->lessons->count + 1, sizeof *out->choices.start);
    out->feature = mem_array((size_t)rows * FEATURE_COUNT + 1, sizeof *out->feature);
    out->choices.feature = out->feature;
    rows = 0;
    for (int32_t l = 0; l < collect->lessons->count; l++) {
        size_t size = (size_t)collect->rows[l] * FEATURE_COUNT * sizeof(float);
        if (size == 0) {
            out->missed++;
            continue;
        }
        memcpy(out->feature + rows * FEATURE_COUNT, collect->feature[l], size);
        rows += collect->rows[l];
        out->choices.start[++out->choices.count] = rows;
        mem_free(collect->feature[l]);
    }
}

void lessons_choices(const struct lessons *lessons, const struct model *model,
                     const struct ratings *ratings, const struct parallel *parallel,
                     struct lessons_choices *out)
{
    struct collect collect = {.lessons = lessons, .model = model, .ratings = ratings};
    size_t films = (size_t)model->corpus.catalogue.count, count = (size_t)lessons->count;
    memset(out, 0, sizeof *out);
    collect.rows = mem_zalloc(count + 1, sizeof *collect.rows);
    collect.feature = mem_zalloc(count + 1, sizeof *collect.feature);
    collect.lanes = mem_array(parallel->threads, sizeof(void *));
    for (unsigned lane = 0; lane < parallel->threads; lane++) {
        struct lane_memory *memory = mem_zalloc(1, sizeof *memory);
        memory->query.seen = mem_array(seen_words((int32_t)films), sizeof *memory->query.seen);
        memory->row_of = mem_array(films + 1, sizeof *memory->row_of);
        memset(memory->row_of, -1, films * sizeof *memory->row_of);
        collect.lanes[lane] = memory;
    }
    parallel_for(parallel, lessons->count, 16, collect_rows, &collect);
    pack(&collect, out);
    for (unsigned lane = 0; lane < parallel->threads; lane++) {
        mem_free(collect.lanes[lane]->query.seen);
        mem_free(collect.lanes[lane]->row_of);
        mem_free(collect.lanes[lane]);
    }
    mem_free(collect.lanes);
    mem_free(collect.rows);
    mem_free(collect.feature);
}

void lessons_choices_deinit(struct lessons_choices *choices)
{
    mem_free(choices->choices.start);
    mem_free(choices->feature);
}
