/* The part of `driftdrill check` that looks at rules and dashboards. Main thread only. */
#ifndef COMMAND_CHECK_WATCH_H
#define COMMAND_CHECK_WATCH_H

#include "command/check_files.h"

struct check_watch {
    const char *home;
    struct check_list *rules;        /* judged together: they record what the others read */
    struct check_list *alternatives; /* objectives for other data, judged each for itself */
    struct check_list *dashboards;
    const struct check_list *known; /* dashboards that links may lead to, besides those */
    const char *metrics;            /* [JOB=]FILE, PATTERN or URL of expositions, by commas; NULL */
    const char *prometheus;         /* URL, or NULL */
};

/* Findings go to the files they are in. Errors are about the expositions and the Prometheus. */
enum err check_watchers(const struct check_watch *watch, struct error *error);

#endif
