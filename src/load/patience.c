#include "load/patience.h"

#include "base/clock.h"

#include <string.h>

static const char *const names[] = {[PATIENCE_POLITE] = "polite",
                                    [PATIENCE_IMPATIENT] = "impatient",
                                    [PATIENCE_STUBBORN] = "stubborn"};

bool patience_shed(long status)
{
    return status == 429 || status == 503;
}

int64_t patience_wait_ns(const struct engine_patience *patience, int made, int32_t retry_after_s)
{
    int tries = patience->tries > 0 ? patience->tries : PATIENCE_TRIES;
    int64_t most_ns = patience->wait_max_ns > 0 ? patience->wait_max_ns : PATIENCE_WAIT_MAX_NS;
    if (patience->kind == PATIENCE_IMPATIENT || made > tries) {
        return -1;
    }
    if (patience->kind == PATIENCE_STUBBORN) {
        return patience->again_ns > 0 ? patience->again_ns : PATIENCE_AGAIN_NS;
    }
    int64_t told_ns = retry_after_s * CLOCK_NS_PER_S;
    return retry_after_s >= 0 && told_ns <= most_ns ? told_ns : -1;
}

const char *patience_name(enum patience_kind kind)
{
    return names[kind];
}

bool patience_from_name(const char *name, enum patience_kind *kind)
{
    for (int k = PATIENCE_POLITE; k <= PATIENCE_STUBBORN; k++) {
        if (strcmp(name, names[k]) == 0) {
            *kind = (enum patience_kind)k;
            return true;
        }
    }
    return false;
}
