/*
 * Two-tower retrieval, the source "base". The item tower holds a vector and a bias for every film;
 * the user tower is a function of a person's history alone, so whoever rated something a moment ago
 * is served like anybody else, and no number is kept for a person. The score of a film is the dot
 * product of both vectors; the last component of a user's vector is 1, that of a film its bias.
 * Scores estimate log-probabilities of the next choice, up to a constant a person.
 *
 * The user tower adds two pools over the films of the history, each with embeddings of its own:
 *     slow   sum of w slow[film], w = floor + (1 - floor) 2^(-age / half-life), age being counted
 *            from the person's newest rating, over (offset + sum of w)^power: lasting taste
 *     fast   sum of decay^n fast[film], n films after it: what the person is at just now
 *
 * Trained by sampled softmax with correction for the sampling probability (numeric/softmax.h), each
 * rating being a choice to be told from the history before it. Pure; results do not depend on the
 * number of threads.
 */
#ifndef RECOMMENDER_TOWERS_H
#define RECOMMENDER_TOWERS_H

#include "base/parallel.h"
#include "recommender/corpus.h"
#include "recommender/event.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TOWERS_FACTORS_MAX 64
#define TOWERS_COMPONENTS_MAX (TOWERS_FACTORS_MAX + 1)
#define TOWERS_NEGATIVES_MAX 1024

/* Plain numbers, to be written to and read from a file as they are. Constant once trained. */
struct towers {
    int32_t films;
    int factors;        /* multiple of 8 */
    int components;     /* factors + 1, the length of a user's or film's vector */
    float *item;        /* [films x components] */
    float *slow;        /* [films x factors] */
    float *fast;        /* [films x factors] */
    double half_life_s; /* 0 = ratings do not age */
    double slow_floor, slow_offset, slow_power;
    double fast_decay;
};

/* Zeroed embeddings and biases; the numbers below them are the caller's to set. */
void towers_init(struct towers *towers, int32_t films, int factors);
void towers_deinit(struct towers *towers); /* accepts a zeroed one */

/* The user tower: vector [components] from events whose items are films of `towers`, oldest first.
 * Without events all components but the last are 0. */
void towers_user(const struct towers *towers, const struct event *history, size_t count,
                 float *vector);

struct towers_config {
    int factors;        /* multiple of 8, 8 to TOWERS_FACTORS_MAX */
    double half_life_s; /* of a rating, in the loss (age.h) and in the slow pool; 0 = no ageing */
    int negatives;      /* films a batch is told from; multiple of 64, at most ..._MAX */
    int batch_targets;  /* choices a batch, about; fewer on small data */
    int64_t targets_cold, targets_warm; /* choices learned from in all, without and with a former
                                           model, about; bounds the time */
    int epochs_cold, epochs_warm;       /* at most so many passes over the people */
    int start_sweeps;                   /* of the factorisation that starts the embeddings */
    float learning_rate;  /* of Adagrad at the start, for each pass of a cold training: data small
                             enough for many passes also bear longer steps */
    float shrink;         /* pull of an embedding towards 0 each time it is touched */
    float start_strength; /* of the scores that the factorisation gives, in log-probability */
    float start_fast;     /* share of it that the fast pool has for one film */
    double slow_floor, slow_offset, slow_power, fast_decay; /* of the pools, see above */
    uint64_t seed;
};

struct towers_config towers_defaults(void);

/* Called on the training thread with the share done, 0 to 1; false stops the training. */
typedef bool towers_progress(void *context, double share);

/* Trains on a corpus. `former` (may be NULL) lends its numbers if it has as many factors; then
 * former_item [films of the corpus] names the film of `former` that each film is, -1 if none.
 * False when stopped by `progress` (may be NULL), *out being zeroed then; else *out is the
 * caller's (towers_deinit). */
bool towers_train(const struct towers_config *config, const struct corpus *corpus,
                  const struct towers *former, const int32_t *former_item,
                  const struct parallel *parallel, towers_progress *progress, void *context,
                  struct towers *out) __attribute__((warn_unused_result));

#endif
