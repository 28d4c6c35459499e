#include "load/slot_wait.h"

#include <string.h>

void slot_wait_full(struct slot_wait *slots, int64_t now_ns)
{
    if (slots->full) {
        return;
    }
    slots->full = true;
    if (slots->count > 0 && now_ns - slots->spell[slots->count - 1].to_ns < SLOT_WAIT_GAP_NS) {
        return;
    }
    if (slots->count == SLOT_WAIT_SPELLS) {
        slots->spell[1].from_ns = slots->spell[0].from_ns;
        slots->count--;
        memmove(slots->spell, slots->spell + 1, (size_t)slots->count * sizeof *slots->spell);
    }
    slots->spell[slots->count++].from_ns = now_ns;
}

void slot_wait_freed(struct slot_wait *slots, int64_t now_ns)
{
    if (slots->full) {
        struct slot_spell *last = &slots->spell[slots->count - 1];
        last->to_ns = now_ns > last->from_ns ? now_ns : last->from_ns;
        slots->full = false;
    }
}

int64_t slot_wait_ns(const struct slot_wait *slots, int64_t due_ns, int64_t now_ns)
{
    int64_t sum_ns = 0;
    for (int i = slots->count - 1; i >= 0; i--) {
        bool open = slots->full && i == slots->count - 1;
        int64_t to_ns = open || slots->spell[i].to_ns > now_ns ? now_ns : slots->spell[i].to_ns;
        int64_t from_ns = slots->spell[i].from_ns > due_ns ? slots->spell[i].from_ns : due_ns;
        if (to_ns <= due_ns) {
            break;
        }
        sum_ns += to_ns > from_ns ? to_ns - from_ns : 0;
    }
    return sum_ns;
}
