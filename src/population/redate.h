/*
 * Dates of a past. Real histories lie between 1996 and 2018; what a recommender that forgets sees
 * of them must lie shortly before the drill. Times are seconds relative to the drill's start, so a
 * drill at another time shifts dates and changes nothing else. Pure.
 */
#ifndef POPULATION_REDATE_H
#define POPULATION_REDATE_H

#include "base/rng.h"

#include <stdint.h>

#define REDATE_DAY_S INT64_C(86400)
#define REDATE_SESSION_GAP_S INT64_C(1800) /* a longer pause begins a new session */

/* Moves a history (times in rising order) into [begin_s, end_s], begin_s being a midnight (UTC).
 * Order, sessions and the gaps inside them stay, and sessions begin at their hours of the day; if
 * the whole is too long, there are fewer days between them, in proportion. Where it lands in the
 * window is drawn (two draws). */
void redate_history(const int64_t *time_s, int32_t count, int64_t begin_s, int64_t end_s,
                    struct rng *rng, int64_t *out_s);
/* Invents `count` rising times in [begin_s, end_s]: a few sessions at random moments, in them the
 * lognormal gaps of MovieLens (median 14 s). */
void redate_sessions(int32_t count, int64_t begin_s, int64_t end_s, struct rng *rng,
                     int64_t *out_s);

#endif
