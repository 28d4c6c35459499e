/* Shared by the parts of render. */
#ifndef DRILL_RENDER_INT_H
#define DRILL_RENDER_INT_H

#include "base/error.h"

#include <jansson.h>
#include <stdint.h>

/* Divides one duration member in place, down to whole milliseconds; an absent one stays absent.
 * `file` is named in the error. */
enum err render_divide(json_t *object, const char *key, int64_t time_scale, const char *file,
                       struct error *error) __attribute__((warn_unused_result));

#endif
