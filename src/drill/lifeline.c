#include "drill/lifeline.h"

#include "base/clock.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

bool lifeline_look(struct lifeline *line, bool answered, const char *started, int64_t now_ns,
                   char *what, size_t size)
{
    if (!answered) {
        line->misses++;
        int64_t silent_ns = now_ns - line->answered_ns;
        if (line->misses < LIFELINE_MISSES || silent_ns < LIFELINE_SILENCE_NS) {
            return true;
        }
        snprintf(what, size, "%s had not answered for %.1f s", line->name,
                 (double)silent_ns / (double)CLOCK_NS_PER_S);
        return false;
    }
    line->misses = 0;
    line->answered_ns = now_ns;
    if (started == NULL || started[0] == '\0') {
        return true;
    }
    if (line->started[0] == '\0') {
        text_copy(line->started, sizeof line->started, started);
    }
    if (strncmp(line->started, started, sizeof line->started - 1) != 0) {
        snprintf(what, size, "%s was started again", line->name);
        return false;
    }
    return true;
}
