/*
 * MovieLens files come grouped by user in rising order, so the columns as read are nearly the
 * result: no user id is kept a row, only where each user's run begins. Files in another order have
 * more runs; those are sorted by user (keeping file order within one) and their rows gathered into
 * new columns. Then each user's rows lose their repetitions and are put in order of time, in place:
 * what is kept of a user never reaches beyond where the user's rows began, so the columns become
 * the result and only the wider column of times is new. While it reads, the builder holds 9 bytes a
 * row, in the end 17.
 *
 * Rejected: counting the rows of each user in a first pass over the file, which reads everything
 * twice to save one gather that usual files do not need.
 */
#include "movielens/ratings_builder.h"

#include "base/mem.h"
#include "movielens/sort.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

static void grow_rows(struct ratings_builder *builder)
{
    builder->capacity = builder->capacity == 0 ? 4096 : builder->capacity * 2;
    builder->item = mem_resize(builder->item, builder->capacity, sizeof *builder->item);
    builder->half_stars = mem_resize(builder->half_stars, builder->capacity, 1);
    builder->time_s = mem_resize(builder->time_s, builder->capacity, sizeof *builder->time_s);
}

static void add_run(struct ratings_builder *builder, int32_t user_id)
{
    if (builder->runs == builder->run_capacity) {
        size_t capacity = builder->run_capacity == 0 ? 256 : builder->run_capacity * 2;
        builder->run_user = mem_resize(builder->run_user, capacity, sizeof *builder->run_user);
        builder->run_first = mem_resize(builder->run_first, capacity, sizeof *builder->run_first);
        builder->run_capacity = capacity;
    }
    builder->run_user[builder->runs] = user_id;
    builder->run_first[builder->runs] = builder->count;
    builder->runs++;
}

void ratings_builder_make_room(struct ratings_builder *builder, int32_t user_id)
{
    if (builder->runs == 0 || builder->run_user[builder->runs - 1] != user_id) {
        add_run(builder, user_id);
    }
    if (builder->count == builder->capacity) {
        grow_rows(builder);
    }
}

void ratings_builder_deinit(struct ratings_builder *builder)
{
    mem_free(builder->item);
    mem_free(builder->half_stars);
    mem_free(builder->time_s);
    mem_free(builder->run_user);
    mem_free(builder->run_first);
    memset(builder, 0, sizeof *builder);
}

static size_t run_end(const struct ratings_builder *builder, size_t run)
{
    return run + 1 < builder->runs ? builder->run_first[run + 1] : builder->count;
}

/* Rearranges the rows so that runs of one user are adjacent and users rise. */
static void sort_runs(struct ratings_builder *builder)
{
    struct ratings_builder sorted = {0};
    uint64_t *keys = mem_array(builder->runs, sizeof *keys);
    uint64_t *scratch = mem_array(builder->runs, sizeof *scratch);
    assert(builder->runs <= UINT32_MAX);
    for (size_t i = 0; i < builder->runs; i++) {
        keys[i] = (uint64_t)builder->run_user[i] << 32 | i;
    }
    sort_high_halves(keys, scratch, builder->runs);
    for (size_t i = 0; i < builder->runs; i++) {
        size_t run = (size_t)(keys[i] & UINT32_MAX);
        for (size_t row = builder->run_first[run]; row < run_end(builder, run); row++) {
            ratings_builder_add(&sorted, builder->run_user[run], builder->item[row],
                                builder->half_stars[row], builder->time_s[row]);
        }
    }
    mem_free(keys);
    mem_free(scratch);
    ratings_builder_deinit(builder);
    *builder = sorted;
}

struct user_rows { /* of the user at hand */
    size_t capacity;
    uint64_t *key, *scratch;
    int32_t *item; /* copies of the columns, which are written over */
    uint8_t *half_stars;
    int32_t *rated_by; /* [items] user + 1 of the last user seen with the film */
};

static void user_rows_reserve(struct user_rows *rows, size_t count)
{
    if (count > rows->capacity) {
        rows->capacity = count * 2;
        rows->key = mem_resize(rows->key, rows->capacity, sizeof *rows->key);
        rows->scratch = mem_resize(rows->scratch, rows->capacity, sizeof *rows->scratch);
        rows->item = mem_resize(rows->item, rows->capacity, sizeof *rows->item);
        rows->half_stars = mem_resize(rows->half_stars, rows->capacity, 1);
    }
}

static void user_rows_deinit(struct user_rows *rows)
{
    mem_free(rows->key);
    mem_free(rows->scratch);
    mem_free(rows->item);
    mem_free(rows->half_stars);
    mem_free(rows->rated_by);
}

/* Fills rows->key with (time, place) of the rows to keep, places rising; returns how many. */
static size_t pick_rows(struct user_rows *rows, const uint32_t *time_s, size_t count, int32_t mark)
{
    size_t from = count;
    /* From the end, so that of a repeated film the last row is met first and stays. */
    for (size_t place = count; place-- > 0;) {
        int32_t *rated_by = &rows->rated_by[rows->item[place]];
        rows->key[from - 1] = (uint64_t)time_s[place] << 32 | place;
        from -= *rated_by != mark;
        *rated_by = mark;
    }
    memmove(rows->key, rows->key + from, (count - from) * sizeof *rows->key);
    return count - from;
}

/* Appends one user's rows [first, end) to out in order of (time, place), without repetitions. out's
 * columns of films and stars are the builder's own. */
static void take_user(struct user_rows *rows, const struct ratings_builder *builder, size_t first,
                      size_t end, struct ratings *out)
{
    size_t count = end - first;
    user_rows_reserve(rows, count);
    memcpy(rows->item, builder->item + first, count * sizeof *rows->item);
    memcpy(rows->half_stars, builder->half_stars + first, count);
    size_t kept = pick_rows(rows, builder->time_s + first, count, out->users + 1);
    sort_high_halves(rows->key, rows->scratch, kept);
    int32_t *item = out->item + out->count;
    uint8_t *half_stars = out->half_stars + out->count;
    int64_t *time_s = out->time_s + out->count;
    for (size_t i = 0; i < kept; i++) {
        size_t place = (size_t)(rows->key[i] & UINT32_MAX);
        item[i] = rows->item[place];
        half_stars[i] = rows->half_stars[place];
        time_s[i] = (int64_t)(rows->key[i] >> 32);
    }
    out->count += (int64_t)kept;
}

int64_t ratings_builder_finish(struct ratings_builder *builder, int32_t items, struct ratings *out)
{
    struct user_rows rows = {.rated_by = mem_zalloc((size_t)items + 1, sizeof *rows.rated_by)};
    bool rising = true;
    for (size_t i = 1; i < builder->runs && rising; i++) {
        rising = builder->run_user[i - 1] < builder->run_user[i];
    }
    if (!rising) {
        sort_runs(builder);
    }
    *out = (struct ratings){.items = items};
    out->user_id = mem_array(builder->runs + 1, sizeof *out->user_id);
    out->start = mem_array(builder->runs + 1, sizeof *out->start);
    out->item = mem_resize(builder->item, builder->count + 1, sizeof *out->item);
    out->half_stars = mem_resize(builder->half_stars, builder->count + 1, 1);
    out->time_s = mem_array(builder->count + 1, sizeof *out->time_s);
    builder->item = out->item;
    builder->half_stars = out->half_stars;
    out->start[0] = 0;
    for (size_t run = 0; run < builder->runs; run++) {
        take_user(&rows, builder, builder->run_first[run], run_end(builder, run), out);
        out->user_id[out->users] = builder->run_user[run];
        out->start[++out->users] = out->count;
    }
    int64_t dropped = (int64_t)builder->count - out->count;
    builder->item = NULL;
    builder->half_stars = NULL;
    user_rows_deinit(&rows);
    ratings_builder_deinit(builder);
    return dropped;
}
