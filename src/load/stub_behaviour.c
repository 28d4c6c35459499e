/* The names of the stub server's behaviours, and what its settings are worth. */
#include "load/stub_server.h"

#include <assert.h>
#include <math.h>
#include <string.h>

static const struct {
    const char *name, *text;
} behaviours[STUB_BEHAVIOUR_COUNT] = {
#define X(name, typed, text) {typed, text},
    STUB_BEHAVIOURS(X)
#undef X
};

const char *stub_behaviour_name(enum stub_behaviour behaviour)
{
    assert((int)behaviour >= 0 && behaviour < STUB_BEHAVIOUR_COUNT);
    return behaviours[behaviour].name;
}

const char *stub_behaviour_text(enum stub_behaviour behaviour)
{
    assert((int)behaviour >= 0 && behaviour < STUB_BEHAVIOUR_COUNT);
    return behaviours[behaviour].text;
}

bool stub_behaviour_find(const char *name, enum stub_behaviour *out)
{
    for (int i = 0; i < STUB_BEHAVIOUR_COUNT; i++) {
        if (strcmp(behaviours[i].name, name) == 0) {
            *out = (enum stub_behaviour)i;
            return true;
        }
    }
    return false;
}

bool stub_behaviour_is_sound(enum stub_behaviour behaviour)
{
    return behaviour <= STUB_OLD && behaviour != STUB_SECOND_LOST;
}

double stub_capacity_per_s(const struct stub_config *config)
{
    return config->workers > 0 && config->service_ns > 0
               ? config->workers * 1e9 / (double)config->service_ns
               : INFINITY;
}
