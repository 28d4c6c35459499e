#include "recommender/sources.h"

int source_popular(const struct source_query *query, int max, struct candidate *out)
{
    const struct model *model = query->model;
    int count = 0;
    for (int32_t i = 0; i < model->corpus.catalogue.count && count < max; i++) {
        int32_t item = model->by_popularity[i];
        if (!source_seen(query, item)) {
            out[count++] = (struct candidate){item, model->popularity[item]};
        }
    }
    return count;
}
