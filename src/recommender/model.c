#include "recommender/model.h"

#include "base/mem.h"

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
    retrieval_deinit(&model->retrieval);
    content_deinit(&model->content);
    trending_deinit(&model->trending);
    neighbours_deinit(&model->together);
    neighbours_deinit(&model->followers);
    films_deinit(&model->films);
    opinions_deinit(&model->opinions);
    mem_free(model);
}

double model_predict_stars(const struct model *model, int32_t user_id, int32_t item)
{
    return model_predict_stars_of(model, user_id, NULL, 0, item);
}

double model_predict_stars_of(const struct model *model, int32_t user_id,
                              const struct posted_rating *posted, size_t posted_count, int32_t item)
{
    const struct ratings *ratings = &model->corpus.ratings;
    struct opinions_bias bias = {0};
    int32_t user = ratings_user(ratings, user_id);
    if (user >= 0) {
        opinions_known(&model->opinions, user, ratings->start[user + 1] - ratings->start[user],
                       &bias);
    }
    for (size_t p = 0; p < posted_count; p++) {
        int32_t film = catalogue_index(&model->corpus.catalogue, posted[p].movie_id);
        if (film >= 0) {
            opinions_add(&model->opinions, film, posted[p].half_stars, &bias);
        }
    }
    return opinions_stars(&model->opinions, &bias, item);
}
