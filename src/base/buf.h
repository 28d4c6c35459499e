/*
 * A byte buffer with a hard maximum. A failed append (maximum reached, memory exhausted) leaves
 * the content as it was and sets `failed`, which stays until buf_reset, so a caller may append
 * many times and check once. Always NUL-terminated when len > 0. Owned by one thread.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>

struct buf {
    char *data;
    size_t len, capacity, max;
    bool failed;
};

void buf_init(struct buf *buf, size_t max_bytes);
void buf_deinit(struct buf *buf);
void buf_reset(struct buf *buf); /* keeps the memory */
bool buf_add(struct buf *buf, const void *bytes, size_t count);
bool buf_text(struct buf *buf, const char *text);
bool buf_printf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Moves the memory out (free with mem_free); the buffer is empty afterwards. "" if it was empty. */
char *buf_take(struct buf *buf);

#endif
