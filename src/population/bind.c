#include "base/mem.h"
#include "population/population_int.h"

enum err population_bind_drift(const struct population *population, struct drift *drift,
                               const struct parallel *parallel, struct error *error)
{
    (void)population;
    (void)parallel;
    (void)error;
    drift_deinit(drift);
    for (int i = 0; i < drift->count; i++) {
        struct drift_injection *injection = &drift->injection[i];
        injection->parameter = injection->unit == DRIFT_BY_KIND ? injection->size : 0;
        if (injection->kind == DRIFT_CUT_POINTS && injection->unit == DRIFT_STARS) {
            injection->parameter = rating_shift(&population->rating, injection->size);
        }
        injection->bound = true;
    }
    return ERR_OK;
}

bool population_withheld(const struct drift *drift, int32_t film)
{
    for (int i = 0; drift != NULL && i < drift->count; i++) {
        const struct drift_injection *injection = &drift->injection[i];
        if (injection->kind == DRIFT_NEW_FILMS && injection->films != NULL &&
            (injection->films[film / 64] >> film % 64 & 1) != 0) {
            return true;
        }
    }
    return false;
}

bool population_withholds(const struct drift *drift)
{
    for (int i = 0; drift != NULL && i < drift->count; i++) {
        if (drift->injection[i].kind == DRIFT_NEW_FILMS && drift->injection[i].films != NULL) {
            return true;
        }
    }
    return false;
}
