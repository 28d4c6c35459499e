/*
 * Scenarios are read on a floor that knows targets by HTTP alone, and fault bodies are the bundled
 * recommender's own language. Here both are known, so a misspelt fault is found before anything
 * starts and not in the middle of a drill.
 */
#include "command/fault_bodies.h"

#include "base/clock.h"
#include "recommender/fault.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The body as the drill will send it, with its duration; to be freed. */
static char *body_of(const struct scenario_disturbance *disturbance)
{
    json_t *body = json_loads(disturbance->fault, 0, NULL);
    double lasts_s = (double)disturbance->lasts_ns / (double)CLOCK_NS_PER_S;
    json_object_set_new(body, "duration_s", json_real(lasts_s));
    char *text = json_dumps(body, JSON_COMPACT);
    json_decref(body);
    return text;
}

void fault_bodies_check(const struct scenario *scenario, struct faults *faults)
{
    for (int i = 0; i < scenario->disturbance_count; i++) {
        const struct scenario_disturbance *disturbance = &scenario->disturbance[i];
        if (disturbance->kind != SCENARIO_TARGET_FAULT) {
            continue;
        }
        struct faults complaints;
        struct fault_spec spec;
        char *text = body_of(disturbance);
        faults_init(&complaints);
        (void)fault_spec_read(text, strlen(text), &spec, &complaints);
        for (size_t k = 0; k < complaints.count; k++) {
            char path[256];
            (void)snprintf(path, sizeof path, "/disturbances/%d/fault%s", i,
                           complaints.list[k].path);
            faults_add(faults, scenario->path, disturbance->line, path, "%s",
                       complaints.list[k].text);
        }
        faults_deinit(&complaints);
        free(text);
    }
}
