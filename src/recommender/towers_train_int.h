/*
 * What the files of the towers' training share: its state, one batch of it, and the calls between
 * towers_train.c (the descent), towers_batch.c (what a batch holds) and towers_start.c.
 */
#ifndef RECOMMENDER_TOWERS_TRAIN_INT_H
#define RECOMMENDER_TOWERS_TRAIN_INT_H

#include "recommender/towers_int.h"

/* Rows of floats, one a film, with Adagrad's sums of squares. */
struct towers_table {
    float *value, *square; /* [films x width] */
    int width;
};

struct towers_training {
    const struct towers_config *config;
    const struct ratings *ratings;
    int64_t newest_s;
    const struct parallel *parallel;
    towers_progress *progress; /* may be NULL */
    void *context;
    struct towers *towers; /* whose slow and fast are trained in place; item is made at the end */
    int k;
    struct towers_table item, bias, slow, fast;
    float rate, rate_start;
    double weight_scale;   /* makes the mean weight of a rating 1 */
    int32_t batch_choices; /* a batch, about */
    double *draw_up_to;    /* [films], running sum of the shares of the negatives */
    float *draw_log;       /* [films], logarithm of a film's share */
    int32_t *order;        /* [users], of this epoch */
    int32_t choices_max;   /* a person and epoch */
};

/* Everything of one batch; arrays grow as needed and are reused. */
struct towers_batch {
    int32_t people, events, choices, slices;
    int32_t person_capacity, event_capacity, choice_capacity;
    int32_t *person;       /* [people], index of the user */
    int32_t *event_first;  /* [people + 1] */
    int32_t *choice_first; /* [people + 1] */

    int32_t *choice_place; /* [choices], in the person's history */
    int32_t *choice_film;  /* [choices + negatives], of each row of gradients below */
    const float **chosen;  /* [choices] */
    float *chosen_bias, *weight;
    uint64_t *mask_words;                 /* [choices x negatives / 64] */
    const uint64_t **mask;                /* [choices] */
    float *user, *user_gradient;          /* [choices x k] */
    float *slow_scale;                    /* [choices] */
    float *item_gradient, *bias_gradient; /* [choices + negatives][k], [choices + negatives] */

    int32_t *event_film;                  /* [events] */
    float *slow_gradient, *fast_gradient; /* [events x k] */

    int32_t *negative;                       /* [negatives] */
    int32_t *first_negative, *next_negative; /* [films], [negatives]: the negatives of a film */
    float *by_class, *by_factor, *offset;    /* see softmax.h */
    float *slice_gradient, *slice_bias;      /* [slices][negatives x k], [slices][negatives] */
    double *slice_loss;
    float *scratch; /* [threads][SOFTMAX_SLICE x negatives] */

    struct towers_rows {
        int32_t *row;   /* rows of gradients, those of a film together, in order */
        int32_t *first; /* [touched + 1] */
        int32_t *film;  /* [touched] */
        int32_t touched;
    } events_of, choices_of;
    int32_t *count; /* [films], scratch of the grouping */
};

/* ---- towers_train.c ---- */

/* Tells the caller how far it is; false stops the training. */
bool towers_report(const struct towers_training *training, double share);
/* Weight of a rating of that time relative to the mean, at most `most`. */
float towers_weight(const struct towers_training *training, int64_t time_s, float most);
/* From config, ratings, newest_s, parallel and towers, which the caller has set. */
void towers_training_init(struct towers_training *training);
void towers_training_deinit(struct towers_training *training);
/* Draws the batch's choices and negatives (the same ones for the same seed, epoch and serial) and
 * leaves the gradients of its loss in its rows, grouped by film. */
void towers_batch_gradients(struct towers_training *training, struct towers_batch *batch,
                            uint64_t epoch, uint64_t serial);

/* ---- towers_start.c ---- */

/* Share of a cold training's time that the factorisation takes, about. */
#define TOWERS_START_SHARE 0.25
/* Embeddings and biases from a factorisation; false if stopped. */
bool towers_start_cold(struct towers_training *training);
/* The same from a former model; films it lacks start from nothing. */
void towers_start_warm(struct towers_training *training, const struct towers *former,
                       const int32_t *former_item);
/* The shares by which negatives are drawn. */
void towers_start_draws(struct towers_training *training);

/* ---- towers_batch.c ---- */

void towers_batch_init(struct towers_batch *batch, const struct towers_training *training);
void towers_batch_deinit(struct towers_batch *batch);
/* Takes people from order[at] on until there are choices enough; returns where to go on. */
int32_t towers_batch_take(struct towers_batch *batch, const struct towers_training *training,
                          int32_t at);
/* Draws the negatives and copies what softmax.h wants of them; towers_batch_forget afterwards. */
void towers_batch_draw(struct towers_batch *batch, const struct towers_training *training,
                       uint64_t serial);
void towers_batch_forget(struct towers_batch *batch, const struct towers_training *training);
/* Puts the rows of events and those of choices together by the film they belong to. */
void towers_batch_group(struct towers_batch *batch, const struct towers_training *training);

static inline int32_t towers_history_length(const struct towers_training *training, int32_t user)
{
    return (int32_t)(training->ratings->start[user + 1] - training->ratings->start[user]);
}

#endif
