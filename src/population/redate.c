/*
 * Why pauses shrink and sessions do not: what a recommender or a metric can feel of a history is
 * its order and the bursts of ratings in a sitting; whether somebody came back after a month or a
 * year is lost anyway once all lies in one quarter.
 */
#include "population/redate.h"

#include <math.h>

#define SESSION_RATINGS 15 /* mean ratings a session of an invented history */
#define SESSIONS_MAX 16
#define GAP_LOG_MEAN 2.65 /* ln seconds */
#define GAP_LOG_SD 1.33

/* The share `keep` of what each pause between sessions exceeds the session gap by, chosen so that
 * the history lasts `length_s`; 1 if it is short enough as it is. */
static double pause_factor(const int64_t *time_s, int32_t count, double length_s)
{
    double fixed = 0, excess = 0;
    for (int32_t k = 1; k < count; k++) {
        int64_t gap = time_s[k] - time_s[k - 1];
        if (gap > REDATE_SESSION_GAP_S) {
            fixed += (double)REDATE_SESSION_GAP_S;
            excess += (double)(gap - REDATE_SESSION_GAP_S);
        } else {
            fixed += (double)gap;
        }
    }
    if (fixed + excess <= length_s) {
        return 1;
    }
    return fmax(0, length_s - fixed) / excess;
}

void redate_history(const int64_t *time_s, int32_t count, int64_t begin_s, int64_t end_s,
                    struct rng *rng, int64_t *out_s)
{
    double window = (double)(end_s - begin_s);
    /* Long histories fill four fifths or more of the window: ending all on the same day would show
     * as a cliff in decayed counts. */
    double longest = window * (.8 + .2 * rng_uniform(rng));
    double place = rng_uniform(rng);
    if (count == 0) {
        return;
    }
    double factor = pause_factor(time_s, count, longest);
    out_s[0] = 0;
    for (int32_t k = 1; k < count; k++) {
        int64_t gap = time_s[k] - time_s[k - 1];
        if (factor < 1 && gap > REDATE_SESSION_GAP_S) {
            gap = REDATE_SESSION_GAP_S + (int64_t)((double)(gap - REDATE_SESSION_GAP_S) * factor);
        }
        out_s[k] = out_s[k - 1] + gap;
    }
    double length = (double)out_s[count - 1];
    /* Thousands of sessions could fill the window with session gaps alone: then all shrinks. */
    double squeeze = length > window ? window / length : 1;
    int64_t first = begin_s + (int64_t)(place * (window - length * squeeze));
    for (int32_t k = 0; k < count; k++) {
        out_s[k] = first + (squeeze < 1 ? (int64_t)((double)out_s[k] * squeeze) : out_s[k]);
    }
}

void redate_sessions(int32_t count, int64_t begin_s, int64_t end_s, struct rng *rng, int64_t *out_s)
{
    int32_t sessions = 1 + count / SESSION_RATINGS;
    sessions = sessions < SESSIONS_MAX ? sessions : SESSIONS_MAX;
    int64_t start[SESSIONS_MAX];
    for (int32_t s = 0; s < sessions; s++) {
        int64_t drawn = begin_s + (int64_t)(rng_uniform(rng) * (double)(end_s - begin_s));
        int32_t place = s;
        for (; place > 0 && start[place - 1] > drawn; place--) {
            start[place] = start[place - 1];
        }
        start[place] = drawn;
    }
    int64_t now = begin_s;
    for (int32_t k = 0, s = -1; k < count; k++) {
        double gap = exp(GAP_LOG_MEAN + GAP_LOG_SD * rng_normal(rng));
        now += k > 0 ? (int64_t)gap : 0;
        /* Rating k belongs to session k * sessions / count; a new one never starts in the past. */
        int32_t session = (int32_t)((int64_t)k * sessions / count);
        if (session != s) {
            s = session;
            now = now > start[s] ? now : start[s];
        }
        now = now < end_s ? now : end_s;
        out_s[k] = now;
    }
}
