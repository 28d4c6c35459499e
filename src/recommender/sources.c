#include "recommender/sources.h"

#include <string.h>

#define LIKED_FILMS_MAX 100 /* the latest of the well-rated films that shape the liking */
#define LIKED_HALF_STARS 7  /* 3.5 stars is the mean of MovieLens: from there up is "well rated" */

size_t sources_seen_words(const struct model *model)
{
    return (size_t)model->corpus.catalogue.count / 64 + 1;
}

static void mark_seen(struct source_query *query, int32_t item)
{
    query->seen[item / 64] |= UINT64_C(1) << (item % 64);
}

static bool add_liking(struct source_query *query, int32_t item, uint8_t half_stars)
{
    if (half_stars < LIKED_HALF_STARS) {
        return false;
    }
    const float *genre = query->model->genre + (size_t)item * MODEL_GENRES;
    float weight = (float)(half_stars - LIKED_HALF_STARS + 1);
    for (int g = 0; g < MODEL_GENRES; g++) {
        query->liking[g] += weight * genre[g];
    }
    return true;
}

void sources_prepare(struct source_query *query, const struct model *model, int32_t user_id,
                     const struct posted_rating *posted, size_t posted_count, uint64_t *seen)
{
    const struct ratings *ratings = &model->corpus.ratings;
    *query =
        (struct source_query){.model = model, .user = ratings_user(ratings, user_id), .seen = seen};
    memset(seen, 0, sources_seen_words(model) * sizeof *seen);
    int liked = 0;
    for (size_t i = posted_count; i-- > 0;) {
        int32_t item = catalogue_index(&model->corpus.catalogue, posted[i].movie_id);
        if (item >= 0 && !source_seen(query, item)) {
            mark_seen(query, item);
            liked += liked < LIKED_FILMS_MAX && add_liking(query, item, posted[i].half_stars);
        }
    }
    if (query->user < 0) {
        return;
    }
    for (int64_t i = ratings->start[query->user + 1]; i-- > ratings->start[query->user];) {
        /* A film posted since training may already be counted; retraining puts it here, too. */
        if (!source_seen(query, ratings->item[i])) {
            mark_seen(query, ratings->item[i]);
            liked += liked < LIKED_FILMS_MAX &&
                     add_liking(query, ratings->item[i], ratings->half_stars[i]);
        }
    }
}
