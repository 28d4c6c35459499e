/*
 * Moments at which visits start, and who makes them: read from a file, or taken from the data's own
 * time stamps. Main thread only.
 */
#ifndef LOAD_RECORDING_H
#define LOAD_RECORDING_H

#include "base/error.h"
#include "movielens/ratings.h"

#include <stddef.h>
#include <stdint.h>

#define RECORDING_FAULTS_MAX 1000 /* malformed lines told one by one; of the rest the number */
#define RECORDING_SECONDS_MAX 1e9

struct recording { /* zeroed = empty */
    int64_t count, capacity;
    int64_t *moment_ns; /* [count], not falling; drill time */
    int32_t *person;    /* [count], -1 = anybody */
};

/*
 * Text of lines `seconds[,user id]`: seconds since the start, at least 0 and not falling, divided
 * by time_scale into drill time; a user id is 1 to `people`, the person's index plus 1. Blanks
 * around both, empty lines and lines that start with '#' are passed over; lines end with LF or
 * CRLF. Every malformed line goes to `faults` with its number, and the whole is then ERR_INPUT, as
 * is a text without a visit. `name` is what faults and errors call it.
 */
enum err recording_parse(const char *text, size_t len, const char *name, double time_scale,
                         int32_t people, struct recording *out, struct faults *faults,
                         struct error *error) __attribute__((warn_unused_result));
/* The same of a file. */
enum err recording_read(const char *path, double time_scale, int32_t people, struct recording *out,
                        struct faults *faults, struct error *error)
    __attribute__((warn_unused_result));
/*
 * The data's latest `visits` visits (hours_starts_visit), fewer if the data hold fewer, in order of
 * time, stretched or squeezed so that they fill [0, end_ns): the gaps between them keep their
 * proportions. A user's visits are made in turn by the user and by the look-alikes among the first
 * `people` people (population.h: person p resembles user p modulo the users of the data): years
 * become seconds, and nobody comes ten times in a minute.
 */
void recording_of_data(const struct ratings *ratings, int32_t people, int64_t visits,
                       int64_t end_ns, struct recording *out);
void recording_deinit(struct recording *recording);

#endif
