#include "load/due_heap.h"

#include "base/mem.h"

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>

void due_heap_init(struct due_heap *heap, int32_t capacity)
{
    assert(capacity >= 0);
    *heap = (struct due_heap){.capacity = capacity};
    heap->entry = mem_array((size_t)capacity + 1, sizeof *heap->entry);
}

void due_heap_deinit(struct due_heap *heap)
{
    mem_free(heap->entry);
    *heap = (struct due_heap){0};
}

static bool before(const struct due *a, const struct due *b)
{
    return a->time_ns < b->time_ns || (a->time_ns == b->time_ns && a->owner < b->owner);
}

void due_heap_push(struct due_heap *heap, int64_t time_ns, int32_t owner)
{
    assert(heap->count < heap->capacity);
    struct due added = {.time_ns = time_ns, .owner = owner};
    int32_t hole = heap->count++;
    while (hole > 0 && before(&added, &heap->entry[(hole - 1) / 2])) {
        heap->entry[hole] = heap->entry[(hole - 1) / 2];
        hole = (hole - 1) / 2;
    }
    heap->entry[hole] = added;
}

struct due due_heap_pop(struct due_heap *heap)
{
    assert(heap->count > 0);
    struct due smallest = heap->entry[0];
    struct due moved = heap->entry[--heap->count];
    int32_t hole = 0;
    for (;;) {
        int32_t child = 2 * hole + 1;
        if (child >= heap->count) {
            break;
        }
        if (child + 1 < heap->count && before(&heap->entry[child + 1], &heap->entry[child])) {
            child++;
        }
        if (!before(&heap->entry[child], &moved)) {
            break;
        }
        heap->entry[hole] = heap->entry[child];
        hole = child;
    }
    heap->entry[hole] = moved;
    return smallest;
}

int64_t due_heap_next_ns(const struct due_heap *heap)
{
    return heap->count > 0 ? heap->entry[0].time_ns : INT64_MAX;
}

/* Below an entry that is not due, none is. Its depth is the heap's: 31 at most. */
static int32_t due_below(const struct due_heap *heap, int32_t at, int64_t now_ns)
{
    if (at >= heap->count || heap->entry[at].time_ns > now_ns) {
        return 0;
    }
    int32_t left = 2 * at + 1;
    return 1 + due_below(heap, left, now_ns) + due_below(heap, left + 1, now_ns);
}

int32_t due_heap_due(const struct due_heap *heap, int64_t now_ns)
{
    return due_below(heap, 0, now_ns);
}
