/*
 * A request keeps the model it began with alive by a reference, whatever is published meanwhile. A
 * reference is taken only under the slot's mutex, where the slot's own reference still holds the
 * count above 0, so a model on its way to be freed is never picked up again. The mutex is held for
 * one load and one addition; lock-free schemes (hazard pointers, RCU) would save nothing beside the
 * work of a list.
 */
#include "recommender/model.h"

#include "base/mem.h"

#include <math.h>

struct model *model_new(void)
{
    struct model *model = mem_zalloc(1, sizeof *model);
    atomic_init(&model->references, 1);
    return model;
}

void model_unref(struct model *model)
{
    if (model == NULL || atomic_fetch_sub(&model->references, 1) > 1) {
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

void model_slot_init(struct model_slot *slot)
{
    pthread_mutex_init(&slot->mutex, NULL);
    slot->current = NULL;
}

void model_slot_deinit(struct model_slot *slot)
{
    model_unref(slot->current);
    pthread_mutex_destroy(&slot->mutex);
}

struct model *model_slot_acquire(struct model_slot *slot)
{
    pthread_mutex_lock(&slot->mutex);
    struct model *model = slot->current;
    if (model != NULL) {
        atomic_fetch_add_explicit(&model->references, 1, memory_order_relaxed);
    }
    pthread_mutex_unlock(&slot->mutex);
    return model;
}

void model_slot_publish(struct model_slot *slot, struct model *model)
{
    pthread_mutex_lock(&slot->mutex);
    struct model *former = slot->current;
    slot->current = model;
    pthread_mutex_unlock(&slot->mutex);
    model_unref(former); /* outside the lock: freeing a model takes milliseconds */
}
