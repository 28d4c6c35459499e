/*
 * The model in service. Readers never lock and never wait: they name the model they use in a lane
 * of their own and take it away when done. One thread at a time publishes; it waits, sleeping,
 * until nobody names the former model, and frees it.
 */
#ifndef RECOMMENDER_PUBLISH_H
#define RECOMMENDER_PUBLISH_H

#include "recommender/lanes.h"
#include "recommender/model.h"

#include <stdatomic.h>

struct publish {
    _Atomic(struct model *) current; /* NULL before the first model */
    struct lanes lanes;
    struct {
        _Atomic(struct model *) model;   /* in use by the lane's holder, or NULL */
        char apart[64 - sizeof(void *)]; /* readers on different cores share no line of the cache */
    } reading[LANES_MAX];
};

/* One use of the model. `lane` tells concurrent readers apart: scratch memory may be kept by it. */
struct publish_reader {
    const struct model *model; /* NULL = none yet */
    unsigned lane;
};

void publish_init(struct publish *publish);
void publish_deinit(struct publish *publish); /* frees the model; nobody may read any more */

/* The current model, whole and unchanged until publish_leave, whatever is published meanwhile. A
 * reader keeps it for one request, not longer. Any thread. */
struct publish_reader publish_enter(struct publish *publish);
void publish_leave(struct publish *publish, const struct publish_reader *reader);

/* Puts `model` into service, takes it over, and frees the former one when its last reader has left.
 * Only one thread publishes. */
void publish_swap(struct publish *publish, struct model *model);
/* The current model, for the thread that publishes: nobody else can take it away. */
const struct model *publish_own(struct publish *publish);

#endif
