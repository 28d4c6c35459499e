/* What must be true of a stack that runs already before a drill is played against it, found out
 * without waiting. Main thread only. */
#ifndef DRILL_STACK_CHECKS_H
#define DRILL_STACK_CHECKS_H

#include "drill/stack_int.h"

/* Adds a fault, with the URL of whom it is about, for everything that is wrong. An error means that
 * it could not be found out for our own reasons. */
enum err stack_checks(const struct stack_config *config, struct stack *stack, struct faults *faults,
                      struct error *error) __attribute__((warn_unused_result));

#endif
