/*
 * Whole numbers are not needed of counters, so each scrape adds exactly what is expected of fifteen
 * seconds. A world changes one thing, so that a panel which goes with another is not taken to be
 * right by accident.
 */
#include "drill/sign_worlds.h"

#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define LISTS_A_SCRAPE 75.0
#define SOURCES 3
#define RANKS 10
#define PLACES 10.0 /* of a list */
#define MEAN_AT_REST 3.71
#define NEW_AT_REST 0.05
#define FAILED_AT_REST 0.0005
#define SLOW_AT_REST 0.001
#define OTHERS_AT_REST 0.01
#define TARGET "job=\"recommender\",instance=\"a\""
#define SIMULATOR "job=\"driftdrill\",instance=\"b\""

#define CHOOSING .rated = 0.36
#define RATING .stars = {.05, .09, .22, .38, .26}

const struct sign_people sign_people_at_rest = {CHOOSING, RATING};

static const struct sign_world worlds[] = {
    {.name = "who choose elsewhere",
     .people = {.rated = 0.15, RATING},
     .makes_worse = {[SCENARIO_CONVERSION] = true, [SCENARIO_RECIPROCAL_RANK] = true},
     .reads = {"job:recommendation_conversion:cusum", "count(ALERTS"}},
    {.name = "half a star harsher",
     .people = {CHOOSING, .stars = {.10, .15, .28, .32, .15}},
     .makes_worse = {[SCENARIO_CONVERSION] = true,
                     [SCENARIO_MEAN_RATING] = true,
                     [SCENARIO_RATING_PSI] = true},
     .reads = {"job:rating_calibration_gap:deviation15m"}},
    {.name = "who look deeper",
     .people = {CHOOSING, RATING, .deeper = 0.4},
     .makes_worse = {[SCENARIO_RECIPROCAL_RANK] = true},
     .reads = {"job:item_rank:mean15m", "item_rank_sum"}},
    {.name = "shown more of one source",
     .people = {CHOOSING, RATING, .of_popular = 0.2},
     .reads = {"job:recommendation_source:psi15m"}},
    {.name = "of whom more are new",
     .people = {CHOOSING, RATING, .new_people = 0.3},
     .reads = {"job:recommendation_lists_without_history:ratio15m"}},
    {.name = "who rate what was not shown",
     .people = {CHOOSING, RATING, .unattributed = 0.1},
     .reads = {"recommendation_ratings_unattributed_total"}},
    {.name = "who are refused",
     .people = {CHOOSING, RATING, .failed = 0.05},
     .reads = {"http_requests_total", "job:http_requests_failed:ratio1h",
               "driftdrill_errors_total"}},
    {.name = "who wait",
     .people = {CHOOSING, RATING, .slow = 0.2},
     .reads = {"job:recommendation_list_slow:ratio15m", "http_request_duration_seconds_bucket",
               "recommendation_stage_duration_seconds_bucket",
               "driftdrill_request_seconds_bucket"}},
    {.name = "whom the simulator cannot keep up with",
     .people = {CHOOSING, RATING, .simulator_unfit = true},
     .reads = {"driftdrill_generator_fit", "driftdrill_schedule_lag_seconds_bucket"}},
    {.name = "of a service in trouble",
     .people = {CHOOSING, RATING, .service_in_trouble = true},
     .reads = {"up", "job_instance:up:avg15m", "process_start_time_seconds", "process_open_fds",
               "scrape_duration_seconds", "ratings_lost_total", "fault_active",
               "model_trained_timestamp_seconds"}},
};

const struct sign_world *sign_worlds(size_t *count)
{
    *count = sizeof worlds / sizeof worlds[0];
    return worlds;
}

/* As a whole name: `up` is not in `group`. */
static bool reads(const char *query, const char *name)
{
    size_t len = strlen(name);
    for (const char *at = query; (at = strstr(at, name)) != NULL; at += len) {
        char before = at == query ? ' ' : at[-1], after = at[len];
        if (!isalnum((unsigned char)before) && strchr("_:", before) == NULL &&
            !isalnum((unsigned char)after) && (after == '\0' || strchr("_:", after) == NULL)) {
            return true;
        }
    }
    return false;
}

bool sign_world_is_worse(const struct sign_world *world, enum scenario_quantity quantity,
                         const char *query)
{
    if (quantity != SCENARIO_NO_QUANTITY) {
        return world->makes_worse[quantity];
    }
    for (size_t i = 0; i < SIGN_READS_MAX && world->reads[i] != NULL; i++) {
        if (reads(query, world->reads[i])) {
            return true;
        }
    }
    return false;
}

/* ---- a scrape ---- */

/* The next series, which is made the first time round. */
static void put(struct sign_feed *feed, const char *text, double value)
{
    assert(feed->at < SIGN_SERIES_MAX);
    if (feed->at == feed->count) {
        feed->id[feed->count++] = rule_engine_series(feed->engine, text, NULL);
    }
    feed->total[feed->at] = value;
    rule_engine_sample(feed->engine, feed->id[feed->at], feed->now_ms, value);
    feed->at++;
}

static void add(struct sign_feed *feed, const char *text, double increment)
{
    put(feed, text, increment + (feed->at < feed->count ? feed->total[feed->at] : 0));
}

/* Of place 1 to RANKS, the sum over ratings of the place or of its reciprocal. */
static double places(const struct sign_people *people, bool reciprocal)
{
    double sum = 0;
    for (int rank = 1; rank <= RANKS; rank++) {
        double share = (1 - people->deeper) / RANKS + (rank == RANKS ? people->deeper : 0);
        sum += share * (reciprocal ? 1.0 / rank : (double)rank);
    }
    return sum;
}

static void add_stars(struct sign_feed *feed, const struct sign_people *people, const char *source,
                      double ratings)
{
    char text[160];
    double below = 0;
    for (int i = 0; i <= SIGN_STARS; i++) {
        char le[16] = "+Inf";
        if (i < SIGN_STARS) {
            snprintf(le, sizeof le, "%d.0", i + 1);
            below += people->stars[i];
        }
        snprintf(text, sizeof text, "user_rating_bucket{" TARGET ",recommender=\"%s\",le=\"%s\"}",
                 source, le);
        add(feed, text, ratings * (i < SIGN_STARS ? below : 1));
    }
    snprintf(text, sizeof text,
             "recommendation_rating_stars_bucket{" TARGET ",recommender=\"%s\",le=\"2.5\"}",
             source);
    add(feed, text, ratings * (people->stars[0] + people->stars[1]));
}

static void add_ratings(struct sign_feed *feed, const struct sign_people *people,
                        const char *source, double ratings, double share)
{
    char text[160];
    double sum = 0;
    for (int i = 0; i < SIGN_STARS; i++) {
        sum += (i + 1) * people->stars[i];
    }
    add_stars(feed, people, source, ratings);
    const struct {
        const char *name;
        double value;
    } rows[] = {{"user_rating_count", ratings},
                {"user_rating_sum", ratings * sum},
                {"predicted_rating_count", ratings},
                {"predicted_rating_sum", ratings * MEAN_AT_REST},
                {"recommendation_rating_stars_count", ratings},
                {"item_rank_count", ratings},
                {"item_rank_sum", ratings * places(people, false)},
                {"recommendation_items_total", LISTS_A_SCRAPE * PLACES * share}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        snprintf(text, sizeof text, "%s{" TARGET ",recommender=\"%s\"}", rows[i].name, source);
        add(feed, text, rows[i].value);
    }
    snprintf(text, sizeof text, "model_source_share{" TARGET ",recommender=\"%s\"}", source);
    put(feed, text, 1.0 / SOURCES);
}

/* Buckets of seconds: most below 0.05, the slow between 0.5 and 5. */
static void add_seconds(struct sign_feed *feed, const char *series, double count, double slow)
{
    const struct {
        const char *le;
        double share;
    } rows[] = {{"0.05", 1 - slow}, {"0.5", 1 - slow}, {"5.0", 1}, {"+Inf", 1}};
    char text[200];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        snprintf(text, sizeof text, "%.*s_bucket%s,le=\"%s\"}", (int)strcspn(series, "{"), series,
                 series + strcspn(series, "{"), rows[i].le);
        add(feed, text, count * rows[i].share);
    }
    snprintf(text, sizeof text, "%.*s_count%s}", (int)strcspn(series, "{"), series,
             series + strcspn(series, "{"));
    add(feed, text, count);
}

static void add_requests(struct sign_feed *feed, const struct sign_people *people, double ratings)
{
    double failed = LISTS_A_SCRAPE * (FAILED_AT_REST + people->failed);
    double slow = SLOW_AT_REST + people->slow;
#define REQUESTS "http_requests_total{" TARGET ",handler="
    add(feed, REQUESTS "\"/recommendations/\",method=\"GET\",status=\"2xx\"}", LISTS_A_SCRAPE);
    add(feed, REQUESTS "\"/recommendations/\",method=\"GET\",status=\"5xx\"}", failed);
    add(feed, REQUESTS "\"/ratings/\",method=\"POST\",status=\"2xx\"}", ratings);
#undef REQUESTS
    add_seconds(feed, "http_request_duration_seconds{" TARGET ",handler=\"/recommendations/\"",
                LISTS_A_SCRAPE, slow);
    add_seconds(feed, "recommendation_stage_duration_seconds{" TARGET ",stage=\"base\"",
                LISTS_A_SCRAPE, slow);
    add_seconds(feed, "driftdrill_request_seconds{" SIMULATOR ",from=\"intended\"", LISTS_A_SCRAPE,
                slow);
    add(feed, "driftdrill_requests_total{" SIMULATOR "}", LISTS_A_SCRAPE + ratings);
    add(feed, "driftdrill_errors_total{" SIMULATOR ",kind=\"failed\"}", failed);
}

static void put_service(struct sign_feed *feed, bool trouble)
{
    double now_s = (double)feed->now_ms / 1000, start_s = 1.6e9;
    size_t restarts = trouble ? feed->scrapes / 8 : 0; /* one in two minutes */
    put(feed, "up{" TARGET "}", trouble && feed->scrapes % 2 != 0 ? 0 : 1);
    put(feed, "scrape_duration_seconds{" TARGET "}", trouble ? 2 : 0.01);
    put(feed, "process_start_time_seconds{" TARGET "}", start_s + 120 * (double)restarts);
    put(feed, "process_open_fds{" TARGET "}", trouble ? 900 : 100);
    put(feed, "process_max_fds{" TARGET "}", 1024);
    put(feed, "fault_active{" TARGET ",kind=\"errors\"}", trouble ? 1 : 0);
    add(feed, "ratings_lost_total{" TARGET "}", trouble ? 1 : 0);
    /* Trained ever anew, until it no longer is. */
    put(feed, "model_trained_timestamp_seconds{" TARGET "}",
        !trouble || feed->scrapes == 0 ? now_s : feed->total[feed->at]);
}

void sign_scrape(struct sign_feed *feed, const struct sign_people *people)
{
    static const char *const sources[SOURCES] = {"base", "similar", "popular"};
    const double shifts[SOURCES] = {-people->of_popular, 0, people->of_popular};
    double ratings = LISTS_A_SCRAPE * people->rated;
    double liked = people->stars[2] + people->stars[3] + people->stars[4];
    feed->at = 0;
    put_service(feed, people->service_in_trouble);
    add(feed, "recommendation_lists_total{" TARGET "}", LISTS_A_SCRAPE);
    add(feed, "recommendation_lists_converted_total{" TARGET "}", ratings * liked);
    add(feed, "recommendation_reciprocal_rank_total{" TARGET "}", ratings * places(people, true));
    add(feed, "recommendation_lists_without_history_total{" TARGET "}",
        LISTS_A_SCRAPE * (NEW_AT_REST + people->new_people));
    add(feed, "recommendation_ratings_unattributed_total{" TARGET "}",
        LISTS_A_SCRAPE * (OTHERS_AT_REST + people->unattributed));
    add_requests(feed, people, ratings);
    add(feed, "driftdrill_lists_total{" SIMULATOR "}", LISTS_A_SCRAPE);
    add(feed, "driftdrill_lists_converted_total{" SIMULATOR "}", ratings * liked);
    put(feed, "driftdrill_generator_fit{" SIMULATOR "}", people->simulator_unfit ? 0 : 1);
    add_seconds(feed, "driftdrill_schedule_lag_seconds{" SIMULATOR, LISTS_A_SCRAPE,
                SLOW_AT_REST + (people->simulator_unfit ? 0.2 : 0));
    for (int i = 0; i < SOURCES; i++) {
        add_ratings(feed, people, sources[i], ratings / SOURCES, 1.0 / SOURCES + shifts[i]);
    }
    feed->scrapes++;
}
