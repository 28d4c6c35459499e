/*
 * Trains in the background, one training at a time: first on the service's own data, later on what
 * it has, the ratings in the store and, if named, a further data set. A finished model is published
 * (publish.h); a failed training leaves the former one in service. Any thread may call.
 */
#ifndef RECOMMENDER_TRAINER_H
#define RECOMMENDER_TRAINER_H

#include "recommender/publish.h"
#include "recommender/store.h"
#include "recommender/train.h"

#include <stdbool.h>
#include <stdint.h>

struct trainer;

struct trainer_config {
    const char *data_folder; /* borrowed for the trainer's life; NULL = built-in synthetic data */
    struct train_config train;
};

enum trainer_state { TRAINER_IDLE, TRAINER_TRAINING, TRAINER_FAILED };

struct trainer_status {
    enum trainer_state state; /* FAILED until the next training begins */
    int model_version;        /* of the model in service, 0 before the first */
    double progress;          /* of the training under way, 0 to 1; 1 after one */
    double seconds;           /* spent in the training under way or the last one */
    uint64_t failures;        /* trainings that failed so far */
    struct error error;       /* of the last failure, when state is FAILED */
};

/* Starts the thread and the first training. publish and store outlive the trainer. */
enum err trainer_start(struct trainer **out, const struct trainer_config *config,
                       struct publish *publish, struct store *store, struct error *error)
    __attribute__((warn_unused_result));
/* Stops a training under way at its next sweep; accepts NULL. */
void trainer_stop(struct trainer *trainer);

/* False if a training is under way or there is no model to improve. data_folder may be NULL. */
bool trainer_retrain(struct trainer *trainer, const char *data_folder);
void trainer_status(struct trainer *trainer, struct trainer_status *out);
const char *trainer_state_name(enum trainer_state state); /* "idle", "training", "failed" */

#endif
