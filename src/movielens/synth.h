/*
 * The built-in look-alike: people and films drawn from the published aggregate statistics of
 * MovieLens (no row, title or history of it), so that a drill runs offline. Sources of the figures
 * are named in the .c file.
 */
#ifndef MOVIELENS_SYNTH_H
#define MOVIELENS_SYNTH_H

#include "movielens/dataset.h"

#define SYNTH_USERS_MIN 20
#define SYNTH_USERS_MAX 200000
#define SYNTH_MOVIES_MIN 200
#define SYNTH_MOVIES_MAX 200000

struct synth_config {
    int32_t users;  /* default 610 */
    int32_t movies; /* default 9742 */
    uint64_t seed;
};

struct synth_config synth_defaults(void);
/* Same config, same data, on any machine and thread count. */
enum err synth_make(const struct synth_config *config, const struct parallel *parallel,
                    struct dataset *out, struct error *error);

#endif
