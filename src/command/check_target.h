/* driftdrill check --target: is the description right, and does the service answer like that? */
#ifndef COMMAND_CHECK_TARGET_H
#define COMMAND_CHECK_TARGET_H

#include "base/error.h"
#include "base/option.h"

/* Reads `target`, `probe` and `user` of the options. Prints what is known of the target, with
 * `probe` also one request and what was made of its answer. */
enum err check_target(const struct options *options, struct error *error)
    __attribute__((warn_unused_result));

#endif
