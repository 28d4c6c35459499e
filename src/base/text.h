/* Strict text-to-number conversions and small string helpers. No locale, no allocation. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whole text must be one number; false and *out untouched otherwise. No leading blanks. */
bool text_to_i64(const char *text, int64_t *out);
bool text_to_f64(const char *text, double *out); /* finite decimal numbers only */

/* Prometheus duration: "15m", "2m30s", "1h", "250ms", "1.5s" is refused. Units y w d h m s ms in
 * falling order, each at most once. "0" is zero. */
bool text_to_duration_ns(const char *text, int64_t *out_ns);
/* Shortest Prometheus spelling of a whole number of milliseconds ("2s500ms"); returns out. */
const char *text_from_duration_ns(int64_t ns, char *out, size_t size);

bool text_copy(char *out, size_t size, const char *text); /* false if it was cut */
/* Puts '?' for every byte that is not part of a UTF-8 character, in place. */
void text_make_utf8(char *text);
bool text_starts(const char *text, const char *prefix);
bool text_ends(const char *text, const char *suffix);
/* Joins with exactly one '/'; false if it did not fit. */
bool text_join_path(char *out, size_t size, const char *folder, const char *name);

#endif
