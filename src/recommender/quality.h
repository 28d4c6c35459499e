/*
 * The table of offline quality: reference rows, each source alone, the best fixed blend of the
 * three, and the whole pipeline, all on the same people by the protocol of evaluate.h.
 *
 * The blend orders the candidates by base + a similar + b popular, each source's scores brought to
 * 1 (its best candidate) to 0 (its last, and films it did not propose). a and b are those of a grid
 * with the highest MRR@10 on the second to last ratings, under sources trained without the last
 * two.
 */
#ifndef RECOMMENDER_QUALITY_H
#define RECOMMENDER_QUALITY_H

#include "recommender/evaluate.h"
#include "recommender/train.h"

enum quality_row {
    QUALITY_RANDOM,
    QUALITY_POPULARITY,
    QUALITY_ALS,
    QUALITY_COSINE,
    QUALITY_BASE,
    QUALITY_SIMILAR,
    QUALITY_POPULAR,
    QUALITY_BLEND,
    QUALITY_PIPELINE,
    QUALITY_ROWS
};

const char *quality_row_name(enum quality_row row);

/* One seed's results. */
struct quality {
    int32_t people;
    struct evaluate_person *of[QUALITY_ROWS]; /* [people] each */
    float blend[SOURCE_COUNT];                /* weights chosen */
    double training_s;                        /* of the pipeline, wall time */
    uint64_t model_bits;                      /* hash of what was learned */
};

/* Trains by config->seed and measures `people` people (0 = all), drawn by `people_seed`. False when
 * memory for the lists is exhausted. *out is the caller's (quality_deinit) in any case. */
bool quality_measure(struct quality *out, const struct corpus *whole,
                     const struct train_config *config, int32_t people, uint64_t people_seed);
void quality_deinit(struct quality *quality);

/* Adds b's results to a's, person by person, and divides by `by`: means over seeds of the same
 * people. */
void quality_add(struct quality *a, const struct quality *b, double by);

#endif
