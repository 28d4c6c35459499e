/* The options of `verify` about what runs already, the target or the whole stack, and how a drill
 * reaches it. */
#ifndef COMMAND_VERIFY_EXTERNAL_H
#define COMMAND_VERIFY_EXTERNAL_H

#include "base/error.h"
#include "base/option.h"
#include "drill/drill.h"

#include <stdbool.h>

struct verify_external {
    bool wanted; /* is the stack external? */
    struct drill_external drill;
    const char *target; /* URL without closing slash, or a target file; NULL = not given */
    const char *admin_token, *past_folder, *past_in_target; /* NULL = none */
    char token[256], grafana_token[256], url[4][256];       /* what it points at */
};

/* Reads and checks them; `out` must outlive the options' use. */
enum err verify_external_read(const struct options *options, struct verify_external *out,
                              struct error *error) __attribute__((warn_unused_result));

#endif
