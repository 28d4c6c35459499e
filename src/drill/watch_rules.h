/* Which rule files a drill renders: those of the glob, with the objectives that fit its data. */
#ifndef DRILL_WATCH_RULES_H
#define DRILL_WATCH_RULES_H

#include "base/error.h"
#include "drill/objectives.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct watch_rules_request { /* borrowed */
    const char *home;        /* holds prometheus/ */
    const char *glob;        /* NULL = home/prometheus/rules/[a-z]*.yml */
    uint64_t fingerprint;    /* of the drill's data */
    int32_t people;
    const char *data_name, *target;
    const char *scenario_path;   /* for the advice how to calibrate */
    const char *target_option;   /* the same: what --target was; NULL = not given */
    const char *objectives_path; /* in the place of those among the files; NULL = none */
};

struct watch_rules {
    size_t count;
    const char **path; /* heap texts */
    bool has_objectives;
    struct objectives_head objectives;
};

/* The files the request means, before objectives are chosen; ERR_USAGE if there is none. Free with
 * file_glob_free. Needs home and glob only. */
enum err watch_rules_files(const struct watch_rules_request *request, char ***paths, size_t *count,
                           struct error *error);
/* An objectives file of the glob that was measured on other data or another target is replaced by a
 * fitting one of home/prometheus/objectives/; if there is none, ERR_INPUT says what to run. */
enum err watch_rules_choose(const struct watch_rules_request *request, struct watch_rules *out,
                            struct error *error);
void watch_rules_deinit(struct watch_rules *rules);

#endif
