/* What planted rules and dashboards are judged by: the files of tests/data/lint. */
#ifndef SUPPORT_LINT_WORLD_H
#define SUPPORT_LINT_WORLD_H

#include "observe/lint_query.h"

#include <stddef.h>

struct lint_world {
    struct lint_series *series; /* the exposition; with `rules`, what they record; settled */
    struct faults faults, warnings;
    struct lint lint;
};

/* Judged beside the rules of the file `rules`, or of tests/data/lint if it is NULL. Runbooks are
 * there unless their name holds "NotWritten". */
void lint_world_init(struct lint_world *world, const char *rules);
void lint_world_deinit(struct lint_world *world);
/* All faults, a line each: LINE PATH: TEXT; LINE TEXT of the whole file. */
void lint_world_print(const struct lint_world *world, char *out, size_t size);

#endif
