#include "program.h"

#include "base/child.h"
#include "base/clock.h"

#include <stdio.h>

#define POLL_NS (5 * CLOCK_NS_PER_MS)
/* Against a program that hangs; promtool with a day of rules may take a minute beside others. */
#define LIMIT_NS (600 * CLOCK_NS_PER_S)

int program_run(const char *const *argv, const char *log)
{
    struct child_spec spec = {.name = argv[0], .argv = argv, .log_path = log};
    struct child *child = NULL;
    struct error error = {.code = ERR_OK};
    int status = -1;
    if (child_start(&child, &spec, &error) != ERR_OK) {
        (void)fprintf(stderr, "%s: %s\n", argv[0], error.text);
        return -1;
    }
    int64_t deadline = clock_mono_ns() + LIMIT_NS;
    bool running = child_running(child, &status);
    while (running && clock_mono_ns() < deadline) {
        clock_sleep_ns(POLL_NS);
        running = child_running(child, &status);
    }
    child_stop(child, 0);
    if (running) {
        (void)fprintf(stderr, "%s did not end\n", argv[0]);
        return -1;
    }
    return status;
}
