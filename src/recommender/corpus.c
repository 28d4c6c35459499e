/*
 * Joining is one walk over the people of all parts in rising id: the parts' rows of a person are
 * gathered, put in order of time, and repeated films dropped from the newest backwards. The former
 * corpus is copied rather than extended, because readers of the model in service still use it.
 */
#include "recommender/corpus.h"

#include "base/mem.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define PARTS_MAX 3

/* One input of a join: rows and the place of its films in the joined catalogue. */
struct part {
    const struct ratings *ratings;
    int32_t *item_map; /* [ratings->items], -1 = film unknown */
    int32_t next_user;
};

/* One rating of the person being joined; `order` settles equal times by order of arrival. */
struct row {
    int64_t time_s;
    int32_t order, item;
    uint8_t half_stars;
};

struct join {
    struct part parts[PARTS_MAX];
    int part_count;
    struct row *rows; /* of one person */
    int64_t row_capacity;
    int32_t *last_person; /* [items], serial number of the person who last had the film */
    struct ratings out;
};

static int64_t newest_time(const struct ratings *ratings)
{
    int64_t newest = 0;
    for (int64_t i = 0; i < ratings->count; i++) {
        newest = ratings->time_s[i] > newest ? ratings->time_s[i] : newest;
    }
    return newest;
}

void corpus_take(struct corpus *out, struct dataset *dataset)
{
    out->catalogue = dataset->catalogue;
    out->ratings = dataset->ratings;
    out->tags = dataset->tags;
    out->newest_s = newest_time(&out->ratings);
    memset(&dataset->catalogue, 0, sizeof dataset->catalogue);
    memset(&dataset->ratings, 0, sizeof dataset->ratings);
    memset(&dataset->tags, 0, sizeof dataset->tags);
}

static int genre_index(struct catalogue *catalogue, const char *name)
{
    for (int g = 0; g < catalogue->genre_count; g++) {
        if (strcmp(catalogue->genre_name[g], name) == 0) {
            return g;
        }
    }
    if (catalogue->genre_count == CATALOGUE_GENRES_MAX) {
        return -1;
    }
    catalogue->genre_name[catalogue->genre_count] = mem_text(name);
    return catalogue->genre_count++;
}

/* The bits of `from` spelled with the genre numbers of `into`; a genre beyond the maximum is lost.
 */
static uint32_t genres_in(struct catalogue *into, const struct catalogue *from, uint32_t genres)
{
    uint32_t out = 0;
    for (int g = 0; g < from->genre_count; g++) {
        int index = (genres >> g & 1) != 0 ? genre_index(into, from->genre_name[g]) : -1;
        out |= index >= 0 ? UINT32_C(1) << index : 0;
    }
    return out;
}

static size_t title_bytes(const struct catalogue *catalogue)
{
    size_t total = 0;
    for (int32_t i = 0; i < catalogue->count; i++) {
        total += strlen(catalogue->title[i]) + 1;
    }
    return total;
}

static void film_copy(struct catalogue *into, const struct catalogue *from, int32_t i,
                      char **free_at)
{
    size_t size = strlen(from->title[i]) + 1;
    into->id[into->count] = from->id[i];
    into->genres[into->count] = genres_in(into, from, from->genres[i]);
    into->year[into->count] = from->year[i];
    into->title[into->count] = memcpy(*free_at, from->title[i], size);
    *free_at += size;
    into->count++;
}

/* All films of both, in order of id; where both know a film, a's description stays. */
static void catalogue_join(struct catalogue *out, const struct catalogue *a,
                           const struct catalogue *b)
{
    size_t most = (size_t)a->count + (size_t)b->count;
    memset(out, 0, sizeof *out);
    out->id = mem_array(most, sizeof *out->id);
    out->genres = mem_array(most, sizeof *out->genres);
    out->year = mem_array(most, sizeof *out->year);
    out->title = mem_array(most, sizeof *out->title);
    out->title_bytes = mem_alloc(title_bytes(a) + title_bytes(b) + 1);
    char *free_at = out->title_bytes;
    int32_t i = 0, j = 0;
    while (i < a->count || j < b->count) {
        if (j == b->count || (i < a->count && a->id[i] <= b->id[j])) {
            j += j < b->count && a->id[i] == b->id[j];
            film_copy(out, a, i++, &free_at);
        } else {
            film_copy(out, b, j++, &free_at);
        }
    }
}

static int32_t *item_map(const struct catalogue *from, const struct catalogue *into)
{
    int32_t *map = mem_array((size_t)from->count + 1, sizeof *map);
    for (int32_t i = 0; i < from->count; i++) {
        map[i] = catalogue_index(into, from->id[i]);
    }
    return map;
}

static int posted_by_user(const void *a, const void *b)
{
    const struct posted_rating *left = a, *right = b;
    if (left->user_id != right->user_id) {
        return left->user_id < right->user_id ? -1 : 1;
    }
    return (left->time_s > right->time_s) - (left->time_s < right->time_s);
}

/* Posted ratings as rows of a rating matrix whose items are already the joined catalogue's. */
static void posted_as_ratings(struct ratings *out, const struct posted_rating *posted, size_t count,
                              const struct catalogue *catalogue)
{
    struct posted_rating *sorted = mem_array(count + 1, sizeof *sorted);
    if (count > 0) {
        memcpy(sorted, posted, count * sizeof *sorted);
        qsort(sorted, count, sizeof *sorted, posted_by_user);
    }
    *out = (struct ratings){.items = catalogue->count,
                            .user_id = mem_array(count + 1, sizeof *out->user_id),
                            .start = mem_zalloc(count + 2, sizeof *out->start),
                            .item = mem_array(count + 1, sizeof *out->item),
                            .half_stars = mem_array(count + 1, sizeof *out->half_stars),
                            .time_s = mem_array(count + 1, sizeof *out->time_s)};
    for (size_t i = 0; i < count; i++) {
        if (out->users == 0 || out->user_id[out->users - 1] != sorted[i].user_id) {
            out->user_id[out->users++] = sorted[i].user_id;
        }
        out->item[i] = catalogue_index(catalogue, sorted[i].movie_id);
        out->half_stars[i] = sorted[i].half_stars;
        out->time_s[i] = sorted[i].time_s;
        out->start[out->users] = (int64_t)i + 1;
    }
    out->count = (int64_t)count;
    mem_free(sorted);
}

static int row_by_time(const void *a, const void *b)
{
    const struct row *left = a, *right = b;
    if (left->time_s != right->time_s) {
        return left->time_s < right->time_s ? -1 : 1;
    }
    return (left->order > right->order) - (left->order < right->order);
}

/* Adds a part's ratings of one person to rows[count...]; returns the new count. */
static int64_t gather(struct join *join, const struct part *part, int32_t user, int64_t count)
{
    const struct ratings *ratings = part->ratings;
    int64_t first = ratings->start[user], end = ratings->start[user + 1];
    if (count + end - first > join->row_capacity) {
        join->row_capacity = 2 * (count + end - first);
        join->rows = mem_resize(join->rows, (size_t)join->row_capacity, sizeof *join->rows);
    }
    for (int64_t i = first; i < end; i++) {
        int32_t item = part->item_map != NULL ? part->item_map[ratings->item[i]] : ratings->item[i];
        if (item >= 0) {
            join->rows[count] =
                (struct row){ratings->time_s[i], (int32_t)count, item, ratings->half_stars[i]};
            count++;
        }
    }
    return count;
}

/* Writes one person's rows, oldest first, without the older ratings of films rated again. */
static void emit(struct join *join, int32_t user_id, int64_t count)
{
    bool in_order = true;
    for (int64_t i = 1; i < count && in_order; i++) {
        in_order = join->rows[i - 1].time_s <= join->rows[i].time_s;
    }
    if (!in_order) {
        qsort(join->rows, (size_t)count, sizeof *join->rows, row_by_time);
    }
    struct ratings *out = &join->out;
    int32_t serial = out->users + 1;
    int64_t kept = count; /* rows[kept...count-1] stay */
    for (int64_t i = count - 1; i >= 0; i--) {
        if (join->last_person[join->rows[i].item] != serial) {
            join->last_person[join->rows[i].item] = serial;
            join->rows[--kept] = join->rows[i];
        }
    }
    for (int64_t i = kept; i < count; i++) {
        out->item[out->count] = join->rows[i].item;
        out->half_stars[out->count] = join->rows[i].half_stars;
        out->time_s[out->count++] = join->rows[i].time_s;
    }
    out->user_id[out->users++] = user_id;
    out->start[out->users] = out->count;
}

static void output_init(struct join *join, int32_t items)
{
    size_t users = 0, count = 0;
    for (int p = 0; p < join->part_count; p++) {
        users += (size_t)join->parts[p].ratings->users;
        count += (size_t)join->parts[p].ratings->count;
    }
    join->out = (struct ratings){.items = items,
                                 .user_id = mem_array(users + 1, sizeof *join->out.user_id),
                                 .start = mem_zalloc(users + 1, sizeof *join->out.start),
                                 .item = mem_array(count + 1, sizeof *join->out.item),
                                 .half_stars = mem_array(count + 1, sizeof *join->out.half_stars),
                                 .time_s = mem_array(count + 1, sizeof *join->out.time_s)};
    join->last_person = mem_zalloc((size_t)items + 1, sizeof *join->last_person);
}

static void join_people(struct join *join)
{
    for (;;) {
        bool any = false;
        int32_t user_id = 0;
        for (int p = 0; p < join->part_count; p++) {
            const struct part *part = &join->parts[p];
            if (part->next_user < part->ratings->users) {
                int32_t id = part->ratings->user_id[part->next_user];
                user_id = !any || id < user_id ? id : user_id;
                any = true;
            }
        }
        if (!any) {
            return;
        }
        int64_t count = 0;
        for (int p = 0; p < join->part_count; p++) {
            struct part *part = &join->parts[p];
            if (part->next_user < part->ratings->users &&
                part->ratings->user_id[part->next_user] == user_id) {
                count = gather(join, part, part->next_user++, count);
            }
        }
        if (count > 0) {
            emit(join, user_id, count);
        }
    }
}

static void join_tags(struct corpus *out, const struct corpus *former,
                      const struct dataset *further, const struct part *parts)
{
    struct tags_builder builder = {.largest = true};
    tags_builder_add_all(&builder, &former->tags, parts[0].item_map);
    if (further != NULL) {
        tags_builder_add_all(&builder, &further->tags, parts[1].item_map);
    }
    tags_builder_finish(&builder, out->catalogue.count, &out->tags);
}

void corpus_join(struct corpus *out, const struct corpus *former, const struct dataset *further,
                 const struct posted_rating *posted, size_t posted_count)
{
    static const struct catalogue no_films;
    struct join join = {0};
    struct ratings posted_rows;
    memset(out, 0, sizeof *out);
    catalogue_join(&out->catalogue, &former->catalogue,
                   further != NULL ? &further->catalogue : &no_films);
    join.parts[join.part_count++] = (struct part){
        .ratings = &former->ratings, .item_map = item_map(&former->catalogue, &out->catalogue)};
    if (further != NULL) {
        join.parts[join.part_count++] =
            (struct part){.ratings = &further->ratings,
                          .item_map = item_map(&further->catalogue, &out->catalogue)};
    }
    join_tags(out, former, further, join.parts);
    posted_as_ratings(&posted_rows, posted, posted_count, &out->catalogue);
    join.parts[join.part_count++] = (struct part){.ratings = &posted_rows};

    output_init(&join, out->catalogue.count);
    join_people(&join);
    out->ratings = join.out;
    out->newest_s = newest_time(&out->ratings);

    for (int p = 0; p < join.part_count; p++) {
        mem_free(join.parts[p].item_map);
    }
    mem_free(join.rows);
    mem_free(join.last_person);
    ratings_deinit(&posted_rows);
}

void corpus_deinit(struct corpus *corpus)
{
    catalogue_deinit(&corpus->catalogue);
    ratings_deinit(&corpus->ratings);
    tags_deinit(&corpus->tags);
}
