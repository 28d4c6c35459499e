#include "recommender/query.h"

#include <string.h>

static void begin(struct query *query, const struct model *model, int32_t user_id,
                  struct query_memory *memory)
{
    *query = (struct query){.model = model, .user_id = user_id, .seen = memory->seen};
    memset(memory->seen, 0, seen_words(model->corpus.catalogue.count) * sizeof *memory->seen);
}

/* Events are gathered from the latest backwards, at the end of the memory. */
static void take(struct query *query, struct query_memory *memory, int32_t item, uint8_t half_stars,
                 int64_t time_s)
{
    if (seen_has(memory->seen, item)) {
        return;
    }
    seen_mark(memory->seen, item);
    query->activity++;
    if (query->count < QUERY_EVENTS_MAX) {
        query->count++;
        memory->events[QUERY_EVENTS_MAX - query->count] = (struct event){item, half_stars, time_s};
    }
}

static void take_history(struct query *query, struct query_memory *memory,
                         const struct ratings *ratings, int64_t first, int64_t end)
{
    for (int64_t i = end; i-- > first;) {
        take(query, memory, ratings->item[i], ratings->half_stars[i], ratings->time_s[i]);
    }
}

static void finish(struct query *query, const struct query_memory *memory)
{
    query->events = memory->events + QUERY_EVENTS_MAX - query->count;
}

void query_of_user(struct query *query, const struct model *model, int32_t user_id,
                   const struct posted_rating *posted, size_t posted_count,
                   struct query_memory *memory)
{
    const struct ratings *ratings = &model->corpus.ratings;
    begin(query, model, user_id, memory);
    /* Posted ratings are later than the corpus, or in it already: retraining has put them there. */
    for (size_t i = posted_count; i-- > 0;) {
        int32_t item = catalogue_index(&model->corpus.catalogue, posted[i].movie_id);
        if (item >= 0) {
            take(query, memory, item, posted[i].half_stars, posted[i].time_s);
        }
    }
    int32_t user = ratings_user(ratings, user_id);
    if (user >= 0) {
        take_history(query, memory, ratings, ratings->start[user], ratings->start[user + 1]);
    }
    finish(query, memory);
}

void query_of_history(struct query *query, const struct model *model, const struct ratings *ratings,
                      int32_t user, int64_t end, struct query_memory *memory)
{
    begin(query, model, ratings->user_id[user], memory);
    take_history(query, memory, ratings, ratings->start[user], end);
    finish(query, memory);
}
