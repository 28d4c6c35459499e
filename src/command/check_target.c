#include "command/check_target.h"

#include "drill/target_metrics.h"
#include "load/target.h"
#include "load/target_check.h"

#include <stdio.h>

#define LIST_LENGTH 10
#define PROBE_TIMEOUT_MS 10000L

/* What a drill would say of the names that it gives. */
static enum err check_metrics(const struct target *target, const char *named, struct error *error)
{
    struct metric_map *map = NULL;
    struct error why = {0};
    enum err code = target_metrics_map(target, &map, &why);
    metric_map_free(map);
    return code == ERR_OK ? ERR_OK : error_set(error, code, named, 0, "metrics: %s", why.text);
}

enum err check_target(const struct options *options, struct error *error)
{
    const char *named = options_text(options, "target");
    struct target *target = NULL;
    struct faults faults;
    faults_init(&faults);
    enum err code = target_open(named, NULL, LIST_LENGTH, &target, &faults, error);
    faults_print(&faults);
    faults_deinit(&faults);
    if (code == ERR_OK) {
        code = check_metrics(target, named, error);
    }
    if (code != ERR_OK) {
        target_free(target);
        return code;
    }
    printf("good    target    %s\n\n", named);
    target_describe(target, stdout);
    if (options_flag(options, "probe")) {
        const struct target_probe probe = {.user_id = (int32_t)options_int(options, "user"),
                                           .timeout_ms = PROBE_TIMEOUT_MS};
        putchar('\n');
        code = target_probe(target, &probe, stdout, error);
    }
    (void)fflush(stdout);
    target_free(target);
    return code;
}
