#include "load/events.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_CAPACITY INT64_C(4096)

void events_deinit(struct events *events)
{
    mem_free(events->event);
    *events = (struct events){0};
}

static bool reach(struct events *events, int64_t count)
{
    if (count <= events->capacity) {
        return true;
    }
    int64_t capacity = events->capacity > 0 ? events->capacity : FIRST_CAPACITY;
    while (capacity < count) {
        capacity += capacity / 2;
    }
    struct event *grown = mem_try_resize(events->event, (size_t)capacity * sizeof *grown);
    if (grown == NULL) {
        events->complete = false;
        return false;
    }
    events->event = grown;
    events->capacity = capacity;
    return true;
}

int64_t events_add(struct events *events, const struct event *event, int64_t most)
{
    if (events->count >= most) {
        events->complete = false;
        return -1;
    }
    if (!reach(events, events->count + 1)) {
        return -1;
    }
    events->event[events->count] = *event;
    return events->count++;
}

void events_merge(struct events *into, struct events *from)
{
    if (from->count > 0 && reach(into, into->count + from->count)) {
        memcpy(into->event + into->count, from->event, (size_t)from->count * sizeof *from->event);
        into->count += from->count;
    }
    into->complete = into->complete && from->complete;
    events_deinit(from);
}

void events_rename_sources(struct events *events, const uint8_t *map)
{
    for (int64_t i = 0; i < events->count; i++) {
        events->event[i].source = map[events->event[i].source];
    }
}

static int compare(const void *a, const void *b)
{
    const struct event *x = a, *y = b;
    if (x->listed_ns != y->listed_ns) {
        return x->listed_ns < y->listed_ns ? -1 : 1;
    }
    if (x->visit != y->visit) {
        return x->visit < y->visit ? -1 : 1;
    }
    return (x->step > y->step) - (x->step < y->step);
}

void events_sort(struct events *events)
{
    if (events->count > 1) {
        qsort(events->event, (size_t)events->count, sizeof *events->event, compare);
    }
}
