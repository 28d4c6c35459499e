#include "load/worker.h"

bool worker_read_pace(const struct worker_signals *signals, struct pace *pace)
{
    int count = atomic_load_explicit(&signals->rate_changes, memory_order_acquire);
    if (count == pace->count) {
        return false;
    }
    while (pace->count < count) {
        pace->change[pace->count] = signals->rate_change[pace->count];
        pace->count++;
    }
    return true;
}
