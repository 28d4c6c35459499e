/* The parts of a result file's document, written and read one by one. For result_file.c. */
#ifndef LOAD_RESULT_PARTS_H
#define LOAD_RESULT_PARTS_H

#include "base/buf.h"
#include "base/error.h"
#include "load/engine.h"
#include "load/ledger.h"

#include <jansson.h>
#include <stdbool.h>

/* Each appends a comma and its member. */
void result_write_failures(const struct engine_result *result, struct buf *out);
void result_write_histograms(const struct engine_result *result, struct buf *out);
void result_write_blocks(const struct engine_result *result, struct buf *out);
void result_write_pace(const struct engine_result *result, struct buf *out);
void result_write_ledger(const struct ledger *ledger, struct buf *out);

/* Each reads what its counterpart wrote into a result that is zero so far. `path` is the file's,
 * for errors. What was read before an error is the result's and freed with it. A value of NULL is
 * an error where the counterpart always writes something. */
enum err result_read_failures(const char *path, const json_t *value, struct engine_result *out,
                              struct error *error) __attribute__((warn_unused_result));
enum err result_read_histograms(const char *path, const json_t *value, struct engine_result *out,
                                struct error *error) __attribute__((warn_unused_result));
enum err result_read_blocks(const char *path, const json_t *value, struct engine_result *out,
                            struct error *error) __attribute__((warn_unused_result));
enum err result_read_pace(const char *path, const json_t *value, struct engine_result *out,
                          struct error *error) __attribute__((warn_unused_result));
enum err result_read_ledger(const char *path, const json_t *value, struct ledger **out,
                            struct error *error) __attribute__((warn_unused_result));

/* May the results be added up? */
bool result_fit_together(const struct engine_result *a, const struct engine_result *b);
void result_merge_results(struct engine_result *into, struct engine_result *from);

#endif
