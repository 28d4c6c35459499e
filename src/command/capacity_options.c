/* What a capacity search can be asked for. */
#include "base/clock.h"
#include "command/address.h"
#include "command/capacity_int.h"
#include "load/descriptors.h"
#include "load/transport_pick.h"

#include <string.h>

#define CONNECTIONS_MOST 32768 /* of all threads, unless more are asked for */
#define THINK_SIGMA 0.6        /* sd of the logarithm of a pause; as in a run */

const struct option_row capacity_options[] = {
    {"target", OPTION_TEXT, "URL|FILE", NULL, 0, 0,
     "The recommender to measure: its address, or a file that describes it (required)."},
    {"slo", OPTION_TEXT, "LIST", "p99<50ms,errors<0.1%", 0, 0,
     "What it promises: percentiles of latency (also list.p99, rating.p99) and shares of errors."},
    {"quality", OPTION_TEXT, "LIST", NULL, 0, 0,
     "What its lists must be worth: hit_rate>0.3, hit_rate_kept>90%, fallback<5%."},
    {"want", OPTION_REAL, "STEPS_PER_S", "0", 0, 1e7,
     "A rate it ought to hold: the exit status is 1 if it does not, 3 if that is not known."},
    {"lists-only", OPTION_FLAG, NULL, NULL, 0, 0,
     "Ask for lists and send no ratings; nobody's films are used up then."},
    {"users", OPTION_INT, "N", "20000", 100, 10000000,
     "People in all, the real users among them; they take turns."},
    {"seed", OPTION_INT, "S", "1", 0, 9e15, "The same seed gives the same people and schedules."},
    {"threads", OPTION_INT, "T", "1", 1, 256, "Worker threads."},
    {"connections", OPTION_INT, "N", "0", 0, 65536,
     "Connections a thread; 0 = as many as a rate needs if all answers take twice as long as the "
     "longest latency promised, 256 at least, as far as the limit on open files allows."},
    {"transport", OPTION_TEXT, "NAME", "auto", 0, 0, "How to talk to it: " TRANSPORT_NAMES "."},
    {"think", OPTION_DURATION, "TIME", "100ms", 0, 60, "Median pause before a rating."},
    {"list-length", OPTION_INT, "N", "10", 1, POPULATION_LIST_MAX, "Films asked for."},
    {"timeout", OPTION_DURATION, "TIME", "5s", 0.001, 3600, "When a request is given up."},
    {"lag-most", OPTION_DURATION, "TIME", "0", 0, 60,
     "How late the generator's own 99th percentile may be in a valid trial; it is part of the "
     "latencies. 0 = 1ms, or a twentieth of the tightest latency promised if that is longer."},
    {"data", OPTION_TEXT, "DIR", NULL, 0, 0,
     "MovieLens folder the people are learned from; else MOVIELENS_DIR, data/ml-latest-small or "
     "built-in synthetic data."},
    {"fallback", OPTION_TEXT, "NAMES", "popular", 0, 0,
     "Sources that lists fall back to, with commas; a list counts by its first film."},
    {"trial", OPTION_DURATION, "TIME", "10s", 1, 86400, "Shortest trial of a rate."},
    {"longest", OPTION_DURATION, "TIME", "60s", 1, 86400,
     "Longest time for one rate; undecided by then, it is the end of the search."},
    {"warmup", OPTION_DURATION, "TIME", "2s", 0, 3600, "Played before each trial, not counted."},
    {"ladder", OPTION_DURATION, "TIME", "3s", 0, 3600,
     "Time for each level of the ladder of 1, 2, 4 ... people at once; 0 = no ladder."},
    {"ladder-most", OPTION_INT, "N", "64", 1, 65536, "Most people at once on the ladder."},
    {"reference", OPTION_DURATION, "TIME", "5s", 1, 3600,
     "Time to learn what lists are worth while the target has nothing else to do."},
    {"proof", OPTION_DURATION, "TIME", "2s", 0, 3600,
     "Time to prove the generator alone, against a server built in, at --most or half of the rate "
     "it can reach, and in the end at the highest rate tried if that was higher; 0 = not."},
    {"soak", OPTION_DURATION, "TIME", "60s", 0, 604800,
     "The rate found is held for so long in the end; 0 = no confirmation."},
    {"budget", OPTION_DURATION, "TIME", "0", 0, 604800,
     "Time for reference, proof and search together; 0 = no limit."},
    {"precision", OPTION_REAL, "PERCENT", "2", 0.1, 50, "Width of the interval to stop at."},
    {"confidence", OPTION_REAL, "PERCENT", "95", 50, 99.99, "That the interval is right."},
    {"start", OPTION_REAL, "STEPS_PER_S", "0", 0, 1e7,
     "First rate tried; 0 = a quarter of what the ladder reached."},
    {"least", OPTION_REAL, "STEPS_PER_S", "1", 0.01, 1e7, "No lower rate is tried."},
    {"most", OPTION_REAL, "STEPS_PER_S", "0", 0, 1e7, "No higher rate is tried; 0 = no limit."},
    {"json", OPTION_TEXT, "FILE", NULL, 0, 0, "Write the whole outcome here."},
    {"html", OPTION_TEXT, "FILE", NULL, 0, 0, "Write a page with the curve here."},
    {NULL},
};

double capacity_option_s(const struct options *options, const char *name)
{
    return (double)options_duration_ns(options, name) / (double)CLOCK_NS_PER_S;
}

static enum err read_objectives(const struct options *options, struct slo *slo, struct error *error)
{
    struct faults faults;
    const char *quality = options_text(options, "quality");
    faults_init(&faults);
    enum err code = slo_read(options_text(options, "slo"), "--slo", slo, &faults);
    if (quality != NULL && slo_read_quality(quality, "--quality", slo, &faults) != ERR_OK) {
        code = ERR_USAGE;
    }
    if (code != ERR_OK) {
        error_set(error, code, NULL, 0, "%zu of the objectives cannot be read", faults.count);
    }
    faults_print(&faults);
    faults_deinit(&faults);
    return code == ERR_OK ? capacity_stand_check(slo, error) : code;
}

static enum err read_fallbacks(const char *names, struct capacity_stand *stand, struct error *error)
{
    while (*names != '\0') {
        size_t length = strcspn(names, ",");
        if (length == 0 || length >= LEDGER_SOURCE_SIZE ||
            stand->fallbacks == CAPACITY_FALLBACKS_MAX) {
            return error_set(error, ERR_USAGE, "--fallback", 0,
                             "expected at most %d names with commas between them, got '%.100s'",
                             CAPACITY_FALLBACKS_MAX, names);
        }
        memcpy(stand->fallback[stand->fallbacks++], names, length);
        names += length + (names[length] == ',');
    }
    return ERR_OK;
}

static enum err read_config(const struct options *options, struct capacity_config *config,
                            struct error *error)
{
    capacity_config_init(config);
    enum err code = read_objectives(options, &config->slo, error);
    if (code != ERR_OK) {
        return code;
    }
    config->confidence = options_real(options, "confidence") / 100;
    config->precision = options_real(options, "precision") / 100;
    config->trial_s = capacity_option_s(options, "trial");
    config->longest_s = capacity_option_s(options, "longest");
    config->warmup_s = capacity_option_s(options, "warmup");
    config->ladder_s = capacity_option_s(options, "ladder");
    config->soak_s = capacity_option_s(options, "soak");
    config->budget_s = capacity_option_s(options, "budget");
    config->start_per_s = options_real(options, "start");
    config->least_per_s = options_real(options, "least");
    config->most_per_s = options_real(options, "most");
    config->want_per_s = options_real(options, "want");
    config->seed = (uint64_t)options_int(options, "seed");
    config->users_most = (int)options_int(options, "ladder-most");
    if (config->longest_s < config->trial_s) {
        return error_set(error, ERR_USAGE, "--longest", 0, "shorter than --trial");
    }
    if (!(config->ladder_s > 0) && !(config->start_per_s > 0)) {
        return error_set(error, ERR_USAGE, "--start", 0,
                         "without a ladder somebody must say where to begin");
    }
    if (config->most_per_s > 0 && config->most_per_s <= config->least_per_s) {
        return error_set(error, ERR_USAGE, "--most", 0, "not above --least");
    }
    return ERR_OK;
}

/* Makes room for the connections asked for, or for as many as the limits allow. */
static enum err reserve(struct capacity_stand *stand, struct error *error)
{
    if (stand->connections > 0) {
        return descriptors_reserve(stand->threads, stand->connections, error);
    }
    int most = CONNECTIONS_MOST / (int)stand->threads;
    for (; most > CAPACITY_WINDOW_LEAST; most = most * 3 / 4) {
        struct error refused = {0};
        if (descriptors_reserve(stand->threads, most, &refused) == ERR_OK) {
            break;
        }
    }
    stand->connections_most = most > CAPACITY_WINDOW_LEAST ? most : CAPACITY_WINDOW_LEAST;
    return descriptors_reserve(stand->threads, stand->connections_most, error);
}

static enum err limit_ladder(const struct options *options, struct capacity *capacity,
                             struct error *error)
{
    const struct capacity_stand *stand = &capacity->stand;
    int each = stand->connections > 0 ? stand->connections : stand->connections_most;
    int64_t room = (int64_t)stand->threads * each;
    if (room < capacity->config.users_most && options_is_set(options, "ladder-most")) {
        return error_set(error, ERR_USAGE, "--ladder-most", 0,
                         "%d people at once need as many connections, there are %lld",
                         capacity->config.users_most, (long long)room);
    }
    if (room < capacity->config.users_most) {
        capacity->config.users_most = (int)room;
    }
    return ERR_OK;
}

static enum err read_stand(const struct options *options, struct capacity *capacity,
                           struct error *error)
{
    struct capacity_stand *stand = &capacity->stand;
    stand->threads = (unsigned)options_int(options, "threads");
    stand->connections = (int)options_int(options, "connections");
    stand->timeout_ms = (long)(options_duration_ns(options, "timeout") / CLOCK_NS_PER_MS);
    stand->lag_most_ns = options_duration_ns(options, "lag-most");
    stand->think_median_s = capacity_option_s(options, "think");
    stand->think_sigma = THINK_SIGMA;
    stand->lists_only = options_flag(options, "lists-only");
    stand->slo = &capacity->config.slo;
    enum err code = read_fallbacks(options_text(options, "fallback"), stand, error);
    if (code == ERR_OK) {
        code = reserve(stand, error);
    }
    return code == ERR_OK ? limit_ladder(options, capacity, error) : code;
}

static enum err read_target(const struct options *options, struct capacity *capacity,
                            struct error *error)
{
    capacity->target_text = options_text(options, "target");
    if (capacity->target_text == NULL) {
        return error_set(error, ERR_USAGE, "--target", 0,
                         "the URL of a target, or a file that describes one, is needed");
    }
    return target_is_url(capacity->target_text)
               ? address_without_secret("--target", capacity->target_text, "leave them away", error)
               : ERR_OK;
}

enum err capacity_read_options(const struct options *options, struct capacity *capacity,
                               struct error *error)
{
    enum err code = read_target(options, capacity, error);
    if (code == ERR_OK) {
        code = read_config(options, &capacity->config, error);
    }
    return code == ERR_OK ? read_stand(options, capacity, error) : code;
}
