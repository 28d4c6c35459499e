/*
 * The parts of a model file, for model_file*.c alone. Adding lends the numbers to the writer.
 * Restoring makes what training would have made; when the reader has failed, the part is safe to
 * deinit but not to use.
 */
#ifndef RECOMMENDER_MODEL_FILE_INT_H
#define RECOMMENDER_MODEL_FILE_INT_H

#include "recommender/content.h"
#include "recommender/corpus.h"
#include "recommender/section_file.h"
#include "recommender/towers.h"
#include "recommender/trending.h"

void model_file_add_corpus(struct section_writer *writer, const struct corpus *corpus);
void model_file_restore_corpus(struct section_reader *reader, struct corpus *out);

void model_file_add_content(struct section_writer *writer, const struct content *content);
void model_file_restore_content(struct section_reader *reader, int32_t films, struct content *out);

void model_file_add_trending(struct section_writer *writer, const struct trending *trending);
void model_file_restore_trending(struct section_reader *reader, int32_t films,
                                 struct trending *out);

void model_file_add_towers(struct section_writer *writer, const struct towers *towers);
void model_file_restore_towers(struct section_reader *reader, int32_t films, struct towers *out);

/* A section of `count` finite numbers. */
float *model_file_take_f32(struct section_reader *reader, const char *name, size_t count);
/* Fail the reader unless all indexes lie in 0 to bound - 1, or unless starts of rows go from 0 to
 * `end` without falling. */
void model_file_expect_below(struct section_reader *reader, const char *name, const int32_t *index,
                             size_t count, int32_t bound);
void model_file_expect_starts(struct section_reader *reader, const char *name, const int64_t *start,
                              size_t rows, size_t end);

#endif
