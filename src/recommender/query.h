/*
 * What is known about the person who asks for a list: their ratings in the model's corpus joined
 * with those posted since. Pure; made anew for each list, in memory handed in.
 */
#ifndef RECOMMENDER_QUERY_H
#define RECOMMENDER_QUERY_H

#include "recommender/event.h"
#include "recommender/model.h"

#include <stdint.h>

/* The latest events that the sources look at; older ones only mark their films as seen. */
#define QUERY_EVENTS_MAX 512

/* A borrowed view of somebody's ratings in the model's catalogue; oldest first. */
struct query {
    const struct model *model;
    int32_t user_id;
    const uint64_t *seen;       /* bit i = film i is never proposed */
    const struct event *events; /* at most QUERY_EVENTS_MAX, one a film */
    int32_t count;
    int32_t activity; /* films seen, older ones among them */
};

/* Memory of a query: seen has seen_words(films) words. */
struct query_memory {
    uint64_t *seen;
    struct event events[QUERY_EVENTS_MAX];
};

/* The query of user_id with the ratings posted (oldest first; of a film rated again the latest
 * rating stays). */
void query_of_user(struct query *query, const struct model *model, int32_t user_id,
                   const struct posted_rating *posted, size_t posted_count,
                   struct query_memory *memory);

/* The query of a person of `ratings`, whose films are the model's, before entry `end` of theirs. */
void query_of_history(struct query *query, const struct model *model, const struct ratings *ratings,
                      int32_t user, int64_t end, struct query_memory *memory);

#endif
