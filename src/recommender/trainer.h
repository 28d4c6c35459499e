/*
 * Trains in the background, one training at a time: first on the service's own data (unless there
 * is a model in a file), later on what it has, the ratings in the store and, if named, a further
 * data set, which stays part of what later trainings start from. A finished model is published
 * (publish.h); a failed training leaves the former one in service, and what the former one was
 * trained on. Any thread may call.
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
    /* Vectors of films (embeddings.h), read before the first training; NULL = the built-in ones. */
    const char *embeddings_path;
    /* If the file is there, its model is put into service instead of a first training, and the data
     * are not read; every model trained is written there. NULL = none. */
    const char *model_path;
    int64_t retrain_every_ns;    /* from the beginning of one training to the next; 0 = never */
    uint64_t retrain_on_ratings; /* so many posted since a training began start one; 0 = never */
    /* Asked before a training begins by itself; NULL = always. On the trainer's thread. */
    bool (*may_begin)(void *context);
    void *context;
};

enum trainer_state { TRAINER_IDLE, TRAINER_TRAINING, TRAINER_FAILED };
/* Why a training began: the service did, somebody asked, it was time, enough ratings had come. */
enum trainer_cause { CAUSE_START, CAUSE_REQUEST, CAUSE_TIME, CAUSE_RATINGS, TRAINER_CAUSES };

struct trainer_status {
    enum trainer_state state; /* FAILED until the next training begins */
    int model_version;        /* of the model in service, 0 before the first */
    double progress;          /* of the training under way, 0 to 1; 1 after one */
    double seconds;           /* spent in the training under way or the last one */
    uint64_t trained;         /* trainings that ended well so far */
    uint64_t failures;        /* trainings that failed so far */
    enum trainer_cause cause; /* of the training under way or the last one */
    uint64_t ratings;         /* posted since it began */
    uint64_t left_out;        /* stored ratings of films that the last one did not know */
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
/* A posted rating has been kept. Takes no lock, but when it is the one that starts a training. */
void trainer_rated(struct trainer *trainer);
void trainer_status(struct trainer *trainer, struct trainer_status *out);
const char *trainer_state_name(enum trainer_state state); /* "idle", "training", "failed" */
const char *
trainer_cause_name(enum trainer_cause cause); /* "start", "request", "time", "ratings" */

#endif
