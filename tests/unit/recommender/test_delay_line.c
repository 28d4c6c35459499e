#include "recommender/delay_line.h"

#include "base/clock.h"

#include <criterion/criterion.h>
#include <stdatomic.h>

enum { ITEMS = 200 };

struct log {
    atomic_int count;
    int order[ITEMS];
    int64_t late_ns[ITEMS]; /* negative = too early */
};

struct item {
    struct log *log;
    int number;
    int64_t due_ns;
};

static void run_item(void *argument)
{
    const struct item *item = argument;
    int at = atomic_load(&item->log->count);
    item->log->order[at] = item->number;
    item->log->late_ns[at] = clock_mono_ns() - item->due_ns;
    atomic_store(&item->log->count, at + 1);
}

static struct delay_line *start(size_t max)
{
    struct delay_line *line = NULL;
    cr_assert(delay_line_start(&line, max, run_item, NULL) == ERR_OK);
    return line;
}

static void wait_for(struct log *log, int count)
{
    int64_t until_ns = clock_mono_ns() + 30 * CLOCK_NS_PER_S;
    while (atomic_load(&log->count) < count && clock_mono_ns() < until_ns) {
        clock_sleep_ns(CLOCK_NS_PER_MS);
    }
    cr_assert(atomic_load(&log->count) == count);
}

Test(delay_line, items_run_in_order_of_due_and_never_early)
{
    static struct log log;
    struct item items[ITEMS];
    struct delay_line *line = start(ITEMS);
    int64_t now_ns = clock_mono_ns() + 20 * CLOCK_NS_PER_MS;
    for (int i = 0; i < ITEMS; i++) {
        int place = i * 77 % ITEMS / 2; /* two of each, in a shuffled order */
        items[i] = (struct item){&log, 2 * place, now_ns + place * CLOCK_NS_PER_MS / 4};
        for (int j = 0; j < i; j++) {
            items[i].number |= items[j].number == items[i].number;
        }
        cr_assert(delay_line_put(line, items[i].due_ns, 0, &items[i]));
    }
    wait_for(&log, ITEMS);
    for (int i = 0; i < ITEMS; i++) {
        cr_expect(log.order[i] == i, "place %d: %d", i, log.order[i]);
        cr_expect(log.late_ns[i] >= 0);
    }
    cr_expect(delay_line_count(line) == 0);
    delay_line_stop(line);
    delay_line_free(line);
}

Test(delay_line, a_full_line_takes_no_more)
{
    static struct log log;
    struct delay_line *line = start(2);
    struct item items[3];
    int64_t far_ns = clock_mono_ns() + 3600 * CLOCK_NS_PER_S;
    for (int i = 0; i < 3; i++) {
        items[i] = (struct item){&log, i, far_ns};
        cr_expect(delay_line_put(line, far_ns, 0, &items[i]) == (i < 2), "%d", i);
    }
    delay_line_stop(line);
    cr_expect(atomic_load(&log.count) == 2, "what is left runs when it is stopped");
    cr_expect(!delay_line_put(line, 0, 0, &items[2]), "a stopped line takes nothing");
    delay_line_stop(line);
    delay_line_free(line);
}

Test(delay_line, what_carries_a_tag_can_be_released)
{
    static struct log log;
    struct delay_line *line = start(ITEMS);
    struct item items[6];
    int64_t far_ns = clock_mono_ns() + 3600 * CLOCK_NS_PER_S;
    for (int i = 0; i < 6; i++) {
        items[i] = (struct item){&log, i, far_ns};
        cr_assert(delay_line_put(line, far_ns, i % 2, &items[i]));
    }
    delay_line_release(line, 1);
    wait_for(&log, 3);
    cr_expect(log.order[0] == 1 && log.order[1] == 3 && log.order[2] == 5);
    cr_expect(delay_line_count(line) == 3);
    delay_line_stop(line);
    cr_expect(log.order[3] == 0 && log.order[5] == 4);
    delay_line_free(line);
}
