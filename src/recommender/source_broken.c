#include "recommender/source_broken.h"

#include "base/rng.h"

/* A draw is given up for a seen or repeated film at most so often; the list then gets shorter. */
#define DRAWS_A_PLACE 32

static bool may_stand(const struct query *query, const struct candidate *list, int count,
                      int32_t item)
{
    bool good = !seen_has(query->seen, item);
    for (int i = 0; i < count && good; i++) {
        good = list[i].item != item;
    }
    return good;
}

int source_broken(const struct query *query, const struct source_states *states, enum source source,
                  struct candidate *list, int count)
{
    enum source_state state = states->of[source];
    if (state == SOURCE_WHOLE || count == 0) {
        return count;
    }
    if (state == SOURCE_EMPTY) {
        return 0;
    }
    struct rng rng = rng_stream(states->seed, (uint64_t)query->user_id, (uint32_t)source);
    uint32_t films = (uint32_t)query->model->corpus.catalogue.count;
    for (int place = 0; place < count; place++) {
        int32_t item;
        int draws = 0;
        do {
            item = (int32_t)rng_below(&rng, films);
            draws++;
        } while (draws <= DRAWS_A_PLACE && !may_stand(query, list, place, item));
        if (draws > DRAWS_A_PLACE) {
            return place;
        }
        list[place].item = item;
    }
    return count;
}
