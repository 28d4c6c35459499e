#include "drill/target_metrics.h"

#include <stdio.h>

static const char *find_metric(const void *target, const char *ours)
{
    return target_metric(target, ours);
}

/* A misspelt name would otherwise be a metric that the target lacks. */
static enum err check_names(const struct target *target, struct error *error)
{
    const json_t *names = target_metric_names(target);
    for (void *at = json_object_iter((json_t *)(uintptr_t)names); at != NULL;
         at = json_object_iter_next((json_t *)(uintptr_t)names, at)) {
        const char *name = json_object_iter_key(at);
        if (!metric_map_knows(name)) {
            return error_set(error, ERR_INPUT, NULL, 0,
                             "%.100s: expected the name of a metric of docs/METRICS.md", name);
        }
    }
    return ERR_OK;
}

enum err target_metrics_map(const struct target *target, struct metric_map **out,
                            struct error *error)
{
    const struct target_has *has = target_has(target);
    /* A target that says what it calls a metric has it, however it learns of lists. */
    const struct metric_map_told told = {.ratings = has->ratings,
                                         .lists =
                                             has->request_id || target_metric_names(target) != NULL,
                                         .places = has->rank};
    *out = NULL;
    if (!has->metrics) {
        return ERR_OK;
    }
    enum err code = check_names(target, error);
    if (code == ERR_OK) {
        code = metric_map_new(find_metric, target, out, error);
    }
    if (code == ERR_OK) {
        metric_map_leave_out(*out, &told);
    }
    return code;
}
