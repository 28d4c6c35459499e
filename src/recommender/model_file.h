/*
 * A trained model in a file, with the corpus it was trained on, so that a service can start without
 * training and retrain from where it stopped. See section_file.h for the format; what a section
 * means is in model_file*.c. One thread a call.
 */
#ifndef RECOMMENDER_MODEL_FILE_H
#define RECOMMENDER_MODEL_FILE_H

#include "base/error.h"
#include "recommender/model.h"

/* Goes up whenever a section changes its meaning. */
#define MODEL_FILE_VERSION 1

/* Written beside and renamed over, so that the file is always a whole model. */
enum err model_file_write(const struct model *model, const char *path, struct error *error)
    __attribute__((warn_unused_result));

/* *out is the caller's (model_free) and serves the lists that the written one did. ERR_IO if the
 * file cannot be read; ERR_INPUT if it is no model, of another version, damaged, or holds numbers
 * that make no sense. */
enum err model_file_read(const char *path, struct model **out, struct error *error)
    __attribute__((warn_unused_result));

#endif
