#include "recommender/publish.h"

#include "base/clock.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdbool.h>

static struct model *model_of(int version)
{
    struct model *model = model_new();
    model->version = version;
    return model;
}

Test(publish, readers_get_the_latest_model)
{
    struct publish publish;
    publish_init(&publish);
    struct publish_reader reader = publish_enter(&publish);
    cr_expect(reader.model == NULL, "nothing is published yet");
    publish_leave(&publish, &reader);
    for (int version = 1; version <= 3; version++) {
        publish_swap(&publish, model_of(version));
        reader = publish_enter(&publish);
        cr_expect(reader.model->version == version);
        cr_expect(publish_own(&publish) == reader.model);
        publish_leave(&publish, &reader);
    }
    publish_deinit(&publish);
}

struct swap {
    struct publish *publish;
    atomic_bool done;
};

static void *swap_model(void *argument)
{
    struct swap *swap = argument;
    publish_swap(swap->publish, model_of(2));
    atomic_store(&swap->done, true);
    return NULL;
}

/* The address sanitiser would tell if the model were freed too early. */
Test(publish, a_reader_keeps_the_model_it_began_with_until_it_leaves)
{
    struct publish publish;
    struct swap swap = {.publish = &publish};
    pthread_t thread;
    publish_init(&publish);
    publish_swap(&publish, model_of(1));
    struct publish_reader early = publish_enter(&publish);
    cr_assert(pthread_create(&thread, NULL, swap_model, &swap) == 0);
    struct publish_reader late;
    for (;;) { /* new readers see the new model although the old one is held */
        late = publish_enter(&publish);
        if (late.model->version == 2) {
            break;
        }
        publish_leave(&publish, &late);
        clock_sleep_ns(CLOCK_NS_PER_MS / 10);
    }
    clock_sleep_ns(5 * CLOCK_NS_PER_MS);
    cr_expect(!atomic_load(&swap.done), "the publisher waits for the early reader");
    cr_expect(early.model->version == 1);
    publish_leave(&publish, &early);
    pthread_join(thread, NULL); /* the late reader, who has the new model, is not waited for */
    cr_expect(late.model->version == 2);
    publish_leave(&publish, &late);
    publish_deinit(&publish);
}
