/*
 * When people rate and in which order. A visit is a session: half of all people come once, the
 * others come back at heavy-tailed intervals for much shorter sessions. Before 2003 the site sent a
 * page of ratings at once, so half of the gaps inside a session are zero; later ones are log-normal
 * seconds. A Poisson process has none of these properties.
 */
#include "movielens/synth_int.h"

#include "base/mem.h"
#include "movielens/sort.h"

#include <math.h>
#include <string.h>

#define DAY_S 86400
#define SESSION_BREAK_S 1800 /* a longer gap starts a new session */
#define LAST_RATING_S 1537799250

/* Pauses between sessions, ln seconds: published over all of them 12.48, deviation 2.07; the busy
 * come back sooner. Somebody who would come back after the data end uses this share of what is left
 * of them instead: some are active to the end, most are not, and four fifths of what is rated last
 * are newcomers' ratings. */
#define PACE_MEAN 14.5
#define PACE_BUSY 0.45
#define PACE_SD 0.4
#define PAUSE_SD 2.01
#define ROOM_USED 0.74

/* First sessions: ln ratings of a person of usual activity, and the share of all their ratings from
 * which on the rest is rated at once, too. */
#define FIRST_MEAN 4.19
#define FIRST_ALL 0.64

/* Order of a history: liking counts, by the film's quality in stars, against noise of deviation 1.
 * Quality rises with fame, and busy people, who alone have long histories, see rarer films; fame
 * takes back some of that, so that popularity falls by half between the 10th and the 200th film. */
#define ORDER_LIKED 0.38
#define ORDER_FAME (-0.24)

/* Session starts by hour of the day (UTC), percent, ml-latest-small. */
static const double hours[24] = {3.3, 2.9, 3.1, 2.7, 2.2, 2.3, 2.7, 2.9, 2.7, 2.6, 2.4, 3.1,
                                 4.1, 5.1, 5.6, 5.9, 5.7, 5.7, 6.8, 7.0, 6.8, 5.8, 4.6, 3.9};

/* The site as it was until 2003. */
#define OLD_SITE_LAST_YEAR 2002
#define OLD_SITE_ZERO_GAPS 0.5

static double lognormal(struct rng *rng, double mean, double sd)
{
    return exp(mean + sd * rng_normal(rng));
}

static int64_t at_usual_hour(int64_t time_s, struct rng *rng)
{
    double total = 0.0;
    for (int h = 0; h < 24; h++) {
        total += hours[h];
    }
    double left = rng_uniform(rng) * total;
    int h = 0;
    while (h < 23 && left > hours[h]) {
        left -= hours[h];
        h++;
    }
    return time_s / DAY_S * DAY_S + h * 3600 + (int64_t)rng_below(rng, 3600);
}

/* Published: ln mu 3.88, sigma .99. A rest that is short against it is rated at once, too, which
 * makes half of the people one-session people. */
static int32_t first_length(struct rng *rng, int32_t count)
{
    double length = fmax(1.0, round(lognormal(rng, FIRST_MEAN + 0.75 * (log(count) - 4.45), 0.90)));
    return length >= FIRST_ALL * count ? count : (int32_t)length;
}

/* Later sessions: median 2, but a twentieth is longer than 36; one log-normal cannot do both. */
static int32_t later_length(struct rng *rng)
{
    double length = rng_uniform(rng) < 0.8 ? lognormal(rng, 0.25, 0.75) : lognormal(rng, 2.7, 1.15);
    return (int32_t)fmax(1.0, round(length));
}

static int64_t gap_inside(struct rng *rng, bool old_site)
{
    if (old_site && rng_uniform(rng) < OLD_SITE_ZERO_GAPS) {
        return 0;
    }
    double gap = lognormal(rng, old_site ? 2.9 : 2.65, old_site ? 1.2 : 1.33);
    return (int64_t)fmin(SESSION_BREAK_S - 1, fmax(1.0, round(gap)));
}

/* Share of the drawn intervals between sessions that lets the history end before the data do. */
static double interval_share(const int64_t *gap, int32_t count, int64_t start_s)
{
    double inside = 0.0, between = 0.0;
    for (int32_t i = 0; i < count; i++) {
        *(gap[i] > SESSION_BREAK_S ? &between : &inside) += (double)gap[i];
    }
    double room = (double)(LAST_RATING_S - start_s) - inside - 2 * DAY_S;
    return between > room ? fmax(0.0, ROOM_USED * room / between) : 1.0;
}

void synth_times(const struct synth_people *people, int32_t person, uint64_t seed, int64_t *time_s,
                 int32_t *session)
{
    struct rng rng = rng_stream(seed, (uint64_t)person, SYNTH_TIMES);
    int32_t count = people->ratings[person], number = 0;
    int32_t left = first_length(&rng, count);
    bool old_site = people->year[person] <= OLD_SITE_LAST_YEAR;
    double pace =
        PACE_MEAN - PACE_BUSY * log(1 + 0.15 * (count - left)) + PACE_SD * rng_normal(&rng);
    /* First the gap before each rating, in place of its time. */
    for (int32_t i = 0; i < count; i++, left--) {
        bool opens = left == 0;
        if (opens) {
            number++;
            left = later_length(&rng);
        }
        session[i] = number;
        double between = SESSION_BREAK_S + 1 + lognormal(&rng, pace, PAUSE_SD);
        time_s[i] = i == 0 ? 0 : opens ? (int64_t)fmin(between, 1e9) : gap_inside(&rng, old_site);
    }
    double share = interval_share(time_s, count, people->start_s[person]);
    int64_t now = at_usual_hour(people->start_s[person], &rng);
    for (int32_t i = 0; i < count; i++) {
        int64_t gap = time_s[i];
        if (gap > SESSION_BREAK_S) {
            int64_t earliest = now + SESSION_BREAK_S + 1;
            int64_t drawn = now + (int64_t)(share * (double)gap);
            int64_t usual = at_usual_hour(drawn, &rng);
            now = usual >= earliest ? usual : drawn >= earliest ? drawn : earliest;
        } else {
            now += gap;
        }
        time_s[i] = now;
    }
}

/* People begin with well-known, well-liked films and work down. */
void synth_order(const struct synth_films *films, const struct synth_people *people, int32_t person,
                 uint64_t seed, int32_t *items)
{
    struct rng rng = rng_stream(seed, (uint64_t)person, SYNTH_ORDER);
    size_t count = (size_t)people->ratings[person];
    uint64_t *keys = mem_array(count, sizeof *keys);
    uint64_t *scratch = mem_array(count, sizeof *scratch);
    for (size_t i = 0; i < count; i++) {
        double first = ORDER_FAME * log(films->share[items[i]]) +
                       ORDER_LIKED * films->quality[items[i]] + rng_normal(&rng);
        /* First comes the largest; the value stays well inside +-100. */
        uint64_t key = (uint64_t)((100.0 - first) * 0x1p24);
        keys[i] = key << 32 | (uint32_t)items[i];
    }
    sort_u64(keys, scratch, count);
    for (size_t i = 0; i < count; i++) {
        items[i] = (int32_t)(keys[i] & UINT32_MAX);
    }
    mem_free(keys);
    mem_free(scratch);
}
