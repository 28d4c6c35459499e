/*
 * What is due when: a binary heap of (time, owner), smallest time first, smaller owner first among
 * equals, so that the order never depends on the order of insertion. Fixed capacity: a person has
 * at most one action waiting. Owned by one thread.
 */
#ifndef LOAD_DUE_HEAP_H
#define LOAD_DUE_HEAP_H

#include <stdint.h>

struct due {
    int64_t time_ns;
    int32_t owner;
};

struct due_heap {
    int32_t count, capacity;
    struct due *entry; /* [capacity], entry[0] is the smallest */
};

void due_heap_init(struct due_heap *heap, int32_t capacity); /* dies when memory is exhausted */
void due_heap_deinit(struct due_heap *heap);
void due_heap_push(struct due_heap *heap, int64_t time_ns, int32_t owner); /* asserts room */
struct due due_heap_pop(struct due_heap *heap);                            /* asserts count > 0 */
/* Time of the smallest entry; INT64_MAX if there is none. */
int64_t due_heap_next_ns(const struct due_heap *heap);
/* Entries that are due by now_ns; looks at them and at as many others at most. */
int32_t due_heap_due(const struct due_heap *heap, int64_t now_ns);

#endif
