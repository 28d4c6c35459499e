#include "base/mem.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* mem_try_* calls left until one fails; 0 or less means off. Atomic, so that a test can make an
 * allocation of another thread fail. */
static atomic_long calls_to_failure;

static bool must_fail(void)
{
    if (atomic_load_explicit(&calls_to_failure, memory_order_relaxed) <= 0) {
        return false;
    }
    return atomic_fetch_sub(&calls_to_failure, 1) == 1;
}

static void die(size_t count, size_t size)
{
    fprintf(stderr, "driftdrill: out of memory, wanted %zu x %zu bytes\n", count, size);
    abort();
}

void *mem_alloc(size_t size)
{
    return mem_array(1, size);
}

void *mem_zalloc(size_t count, size_t size)
{
    void *memory = calloc(count > 0 ? count : 1, size > 0 ? size : 1);
    if (memory == NULL) {
        die(count, size);
    }
    return memory;
}

void *mem_array(size_t count, size_t size)
{
    return mem_resize(NULL, count, size);
}

void *mem_resize(void *old, size_t count, size_t size)
{
    size_t bytes = 0;
    if (__builtin_mul_overflow(count, size, &bytes)) {
        die(count, size);
    }
    /* realloc to 0 bytes would free; one byte keeps "never NULL" true. */
    void *memory = realloc(old, bytes > 0 ? bytes : 1);
    if (memory == NULL) {
        die(count, size);
    }
    return memory;
}

void *mem_try_alloc(size_t size)
{
    return mem_try_resize(NULL, size);
}

void *mem_try_resize(void *old, size_t size)
{
    if (must_fail()) {
        return NULL;
    }
    return realloc(old, size > 0 ? size : 1);
}

char *mem_text(const char *text)
{
    if (text == NULL) {
        return NULL;
    }
    size_t size = strlen(text) + 1;
    return memcpy(mem_alloc(size), text, size);
}

void mem_free(void *pointer)
{
    free(pointer);
}

void mem_fail_after(long calls)
{
    atomic_store(&calls_to_failure, calls);
}
