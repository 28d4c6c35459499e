/*
 * A strict JSON scanner over a borrowed byte range: one pass, no memory, values skipped unless
 * asked for. The first fault sticks: every later call fails, `problem` says what was expected and
 * `at` stands where. Bytes above 0x7f pass as they are. Owned by one thread.
 *
 *     struct scan scan = scan_start(text, len);
 *     if (scan_open(&scan, '{')) {
 *         while (scan_key(&scan, &key)) { ... exactly one value is read or skipped ... }
 *     }
 *     scan_finish(&scan)
 */
#ifndef LOAD_SCAN_H
#define LOAD_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SCAN_DEPTH_MAX 32

struct scan {
    const char *start, *at, *end;
    int depth;
    bool opened;         /* an object or array was just opened: no comma before its first member */
    const char *problem; /* static text; NULL while all is well */
};

struct scan_text { /* a string as spelled between its quotes, escapes included; borrowed */
    const char *bytes;
    size_t len;
};

struct scan scan_start(const char *text, size_t len); /* text may be NULL when len is 0 */
/* Enters an object ('{') or an array ('['). */
bool scan_open(struct scan *scan, char bracket);
/* The next key of the object; false at its closing brace (which is passed) or on a fault. */
bool scan_key(struct scan *scan, struct scan_text *key);
/* True if another element follows in the array; false at its closing bracket or on a fault. */
bool scan_element(struct scan *scan);
bool scan_skip(struct scan *scan); /* any value */
bool scan_string(struct scan *scan, struct scan_text *out);
/* A whole number; one outside int64 becomes INT64_MIN or INT64_MAX. 3.0 and 3e2 are refused. */
bool scan_integer(struct scan *scan, int64_t *out);
bool scan_string_follows(struct scan *scan);
bool scan_null(struct scan *scan); /* passes a null if one comes next; false is no fault */
/* True if nothing but blanks is left and no fault was met. */
bool scan_finish(struct scan *scan);
/* Records a fault found by the caller; returns false. */
bool scan_fail(struct scan *scan, const char *problem);
/* Does the string spell `name` (ASCII), escapes taken into account? */
bool scan_text_is(const struct scan_text *text, const char *name);
/* The string with its escapes undone, in UTF-8; false, and "", if it did not fit, holds a NUL or
 * half a surrogate pair. */
bool scan_text_copy(const struct scan_text *text, char *out, size_t size);

#endif
