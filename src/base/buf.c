#include "base/buf.h"

#include "base/mem.h"

#include <assert.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define FIRST_CAPACITY 64

void buf_init(struct buf *buf, size_t max_bytes)
{
    assert(max_bytes < SIZE_MAX / 2);
    *buf = (struct buf){.max = max_bytes};
}

void buf_deinit(struct buf *buf)
{
    mem_free(buf->data);
    buf_init(buf, buf->max);
}

void buf_reset(struct buf *buf)
{
    buf->len = 0;
    buf->failed = false;
    if (buf->data != NULL) {
        buf->data[0] = '\0';
    }
}

/* Makes room for `count` more bytes and the terminator. A buffer that failed once takes nothing
 * more, else a small append after a refused one would leave a hole in the middle. */
static bool make_room(struct buf *buf, size_t count)
{
    if (buf->failed || count > buf->max - buf->len) {
        buf->failed = true;
        return false;
    }
    size_t wanted = buf->len + count + 1;
    if (wanted <= buf->capacity) {
        return true;
    }
    size_t capacity = buf->capacity > 0 ? buf->capacity : FIRST_CAPACITY;
    while (capacity < wanted) {
        capacity *= 2;
    }
    if (capacity > buf->max + 1) {
        capacity = buf->max + 1;
    }
    char *data = mem_try_resize(buf->data, capacity);
    if (data == NULL) {
        buf->failed = true;
        return false;
    }
    buf->data = data;
    buf->capacity = capacity;
    return true;
}

bool buf_add(struct buf *buf, const void *bytes, size_t count)
{
    if (!make_room(buf, count)) {
        return false;
    }
    if (count > 0) {
        memcpy(buf->data + buf->len, bytes, count);
    }
    buf->len += count;
    buf->data[buf->len] = '\0';
    return true;
}

bool buf_text(struct buf *buf, const char *text)
{
    return buf_add(buf, text, strlen(text));
}

bool buf_printf(struct buf *buf, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    /* Most appends fit what is there; only the others are formatted twice. */
    size_t space = buf->capacity - buf->len;
    int length = vsnprintf(space > 0 ? buf->data + buf->len : NULL, space, format, args);
    va_end(args);
    assert(length >= 0);
    bool fits = make_room(buf, (size_t)length);
    if (fits && (size_t)length >= space) {
        vsnprintf(buf->data + buf->len, (size_t)length + 1, format, again);
    }
    va_end(again);
    if (fits) {
        buf->len += (size_t)length;
    } else if (buf->data != NULL) {
        buf->data[buf->len] = '\0';
    }
    return fits;
}

char *buf_take(struct buf *buf)
{
    char *data = buf->data != NULL ? buf->data : mem_text("");
    buf->data = NULL;
    buf->len = 0;
    buf->capacity = 0;
    return data;
}
