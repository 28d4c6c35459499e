/*
 * Hazard pointers. A reader loads `current`, writes it into its lane, and loads `current` again. If
 * it is still the same, the model cannot be freed before the reader leaves: the publisher first
 * changes `current` and then looks at the lanes. All four accesses are sequentially consistent, so
 * either the reader's second load sees the change, or the publisher's look sees the reader's lane.
 * A reader repeats this only when a model was published in between, so retrying is bounded by the
 * number of publications, and none of it waits for anybody.
 *
 * A model freed and another allocated at its address cannot be confused: the second load compares
 * with `current`, and whatever is current is alive.
 *
 * Rejected: a mutex around a reference count (readers on several cores queue for it, and one that
 * loses its processor inside stops all), and reference counts alone (the count lies in the memory
 * that may be freed between loading the pointer and counting).
 */
#include "recommender/publish.h"

#include "base/clock.h"

#define RETRY_NS (CLOCK_NS_PER_MS / 2) /* a list takes a fraction of it */

void publish_init(struct publish *publish)
{
    atomic_init(&publish->current, NULL);
    lanes_init(&publish->lanes);
    for (unsigned lane = 0; lane < LANES_MAX; lane++) {
        atomic_init(&publish->reading[lane].model, NULL);
    }
}

void publish_deinit(struct publish *publish)
{
    model_free(atomic_load(&publish->current));
    atomic_store(&publish->current, NULL);
}

struct publish_reader publish_enter(struct publish *publish)
{
    struct publish_reader reader = {.lane = lanes_enter(&publish->lanes)};
    struct model *model = atomic_load(&publish->current);
    for (;;) {
        atomic_store(&publish->reading[reader.lane].model, model);
        struct model *now = atomic_load(&publish->current);
        if (now == model) {
            break;
        }
        model = now;
    }
    reader.model = model;
    return reader;
}

void publish_leave(struct publish *publish, const struct publish_reader *reader)
{
    /* Release: what was read of the model was read before. */
    atomic_store_explicit(&publish->reading[reader->lane].model, NULL, memory_order_release);
    lanes_leave(&publish->lanes, reader->lane);
}

void publish_swap(struct publish *publish, struct model *model)
{
    struct model *former = atomic_exchange(&publish->current, model);
    for (unsigned lane = 0; lane < LANES_MAX && former != NULL; lane++) {
        while (atomic_load(&publish->reading[lane].model) == former) {
            clock_sleep_ns(RETRY_NS);
        }
    }
    model_free(former);
}

const struct model *publish_own(struct publish *publish)
{
    return atomic_load(&publish->current);
}
