#include "recommender/source_broken.h"

#include "base/rng.h"

#include <math.h>

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

void source_broken_vector(const struct source_states *states, int32_t user_id, float *vector,
                          int components)
{
    struct rng rng = rng_stream(states->seed, (uint64_t)user_id, SOURCE_COUNT);
    float length = 0, drawn = 0;
    for (int c = 0; c < components; c++) {
        length += vector[c] * vector[c];
        vector[c] = (float)rng_normal(&rng);
        drawn += vector[c] * vector[c];
    }
    for (int c = 0; c < components; c++) {
        vector[c] *= sqrtf(length / drawn);
    }
}
