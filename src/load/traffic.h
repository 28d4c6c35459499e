/*
 * From how traffic is asked for (a scenario, options) to what arrivals walk by: reads recorded
 * files, looks up the hours of the data, weighs people by activity. Main thread only.
 */
#ifndef LOAD_TRAFFIC_H
#define LOAD_TRAFFIC_H

#include "base/error.h"
#include "load/arrivals.h"
#include "load/engine.h"
#include "load/recording.h"
#include "movielens/dataset.h"
#include "population/population.h"

#include <stdbool.h>
#include <stdint.h>

enum traffic_arrivals {
    TRAFFIC_POISSON,
    TRAFFIC_CONSTANT,
    TRAFFIC_DIURNAL,
    TRAFFIC_REPLAY,  /* the data's own time stamps */
    TRAFFIC_RECORDED /* a file */
};

struct traffic_wish { /* zeroed = a plain Poisson process of people who are all alike */
    enum traffic_arrivals arrivals;
    const char *file;   /* recorded */
    double time_scale;  /* recorded: what the file's seconds are divided by; 0 = 1 */
    bool by_activity;   /* people come as often as they have rated; needs `seen` */
    int64_t day_ns;     /* diurnal: length of a day, drill time */
    int32_t start_hour; /* diurnal: of the week */
    double joins_per_s;
    struct arrivals_leaving leaving;
};

struct traffic { /* what the finished configuration borrows; zeroed = nothing */
    double hour_weight[ARRIVALS_WEEK_HOURS];
    bool published_hours; /* the data were too few to tell the hours */
    struct recording recording;
    struct alias mix;
};

/* Completes a configuration that holds seed, rate, steps, pauses, people and end. *out must stay
 * where it is as long as that is used. Malformed lines of a file go to `faults`. ERR_INPUT also if
 * newcomers should join and there are none, or data to be replayed hold no visit. */
enum err traffic_prepare(const struct traffic_wish *wish, const struct dataset *data,
                         const struct population *population, const struct engine_seen *seen,
                         struct arrivals_config *config, struct traffic *out, struct faults *faults,
                         struct error *error) __attribute__((warn_unused_result));
void traffic_deinit(struct traffic *traffic);

#endif
