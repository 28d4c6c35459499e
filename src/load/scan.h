/* Strings of a JSON answer as they are spelled between their quotes, borrowed from it. */
#ifndef LOAD_SCAN_H
#define LOAD_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Objects and arrays inside each other, at most; an answer nested deeper is none. */
#define SCAN_DEPTH_MAX 32

struct scan_text { /* escapes included; pick_read has checked them */
    const char *bytes;
    size_t len;
};

/* Does the string spell `name` (ASCII), escapes taken into account? */
bool scan_text_is(const struct scan_text *text, const char *name);
/* The string with its escapes undone, in UTF-8; false, and "", if it did not fit, holds a NUL or
 * half a surrogate pair. */
bool scan_text_copy(const struct scan_text *text, char *out, size_t size);

#endif
