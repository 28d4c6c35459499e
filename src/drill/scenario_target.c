/*
 * Who the scenario is played against, if it says so. The target's description is load/'s own
 * language: it is checked here, so that every fault is told with its line, and kept as it stands
 * until there is a catalogue to compile it with.
 */
#include "drill/scenario_int.h"

#include "base/text.h"
#include "drill/target_metrics.h"
#include "load/target.h"

#include <stdlib.h>

/* Only here are the names of our metrics known. */
static void check_metrics(const struct fields_at *root, const struct target *target)
{
    struct metric_map *map = NULL;
    struct error error = {0};
    if (target_metrics_map(target, &map, &error) != ERR_OK) {
        fields_fault(root->fields, "/target/metrics/names", "%s", error.text);
    }
    metric_map_free(map);
}

void scenario_read_target(const struct fields_at *root, struct scenario *out)
{
    const json_t *value = json_object_get(root->object, "target");
    const struct target_block block = {.file = root->fields->file,
                                       .lines = root->fields->lines,
                                       .value = value,
                                       .path = "/target"};
    struct target *target = NULL;
    if (value == NULL) {
        return;
    }
    if (!json_is_object(value)) {
        fields_fault(root->fields, "/target",
                     "'target': expected a mapping with the keys of a target file, address and "
                     "list among them (docs/TARGETS.md)");
        return;
    }
    if (target_from_json(&block, NULL, SCENARIO_LIST_LENGTH, &target, root->fields->faults, NULL) !=
        ERR_OK) {
        return;
    }
    check_metrics(root, target);
    target_free(target);
    char *text = json_dumps(value, JSON_COMPACT);
    if (text == NULL || !text_copy(out->target, sizeof out->target, text)) {
        fields_fault(root->fields, "/target", "'target': expected at most %zu bytes of JSON",
                     sizeof out->target - 1);
    }
    free(text);
}
