/* Tokens for a target's /admin. */
#ifndef COMMAND_TOKEN_H
#define COMMAND_TOKEN_H

#include "base/error.h"

#include <stddef.h>

/* The only line of a file; "" if path is NULL. */
enum err token_read(const char *path, char *out, size_t size, struct error *error)
    __attribute__((warn_unused_result));

#endif
