#include "recommender/model.h"

#include "base/mem.h"

#include <math.h>

struct model *model_new(void)
{
    return mem_zalloc(1, sizeof(struct model));
}

void model_free(struct model *model)
{
    if (model == NULL) {
        return;
    }
    corpus_deinit(&model->corpus);
    mem_free(model->user_factor);
    mem_free(model->item_factor);
    tiles_deinit(&model->item_tiles);
    mem_free(model->genre);
    mem_free(model->prior);
    mem_free(model->pool);
    tiles_deinit(&model->pool_genre);
    mem_free(model->popularity);
    mem_free(model->by_popularity);
    mem_free(model->user_bias);
    mem_free(model->item_bias);
    mem_free(model);
}

double model_predict_stars(const struct model *model, int32_t user_id, int32_t item)
{
    int32_t user = ratings_user(&model->corpus.ratings, user_id);
    double stars = model->mean_stars + (double)model->item_bias[item];
    stars += user >= 0 ? (double)model->user_bias[user] : 0;
    return fmin(fmax(stars, 0.5), 5.0);
}
