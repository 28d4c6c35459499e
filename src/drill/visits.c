/*
 * Replaying twenty years in two minutes: what is kept of the data's own moments is their order and
 * their relative gaps, so that quiet and busy years follow each other in seconds. The mean rate is
 * the scenario's. Moments that do not last for the drill begin anew, a mean gap after the last.
 *
 * A recorded file holds a line a visit: its moment in seconds from any origin, not falling, and
 * after a comma the user id of who came, if that is known. Lines that begin with # are comments.
 */
#include "drill/visits.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/fileio.h"
#include "base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX_BYTES ((size_t)256 << 20)
#define MOMENT_UNITS_A_SECOND 1e6 /* recorded moments are kept in millionths of a second */

/* ---- the data's own habits ---- */

typedef void each_visit(void *context, int64_t start_s);

/* Ratings of a user are in order of time. */
static void each_session(const struct ratings *ratings, each_visit *each, void *context)
{
    for (int32_t u = 0; u < ratings->users; u++) {
        for (int64_t k = ratings->start[u]; k < ratings->start[u + 1]; k++) {
            if (k == ratings->start[u] ||
                ratings->time_s[k] - ratings->time_s[k - 1] >= VISITS_PAUSE_S) {
                each(context, ratings->time_s[k]);
            }
        }
    }
}

static void count_hour(void *context, int64_t start_s)
{
    double *count = context;
    /* The first day of 1970 was a Thursday. */
    int64_t hour = (start_s / 3600 + (int64_t)3 * 24) % ARRIVALS_WEEK_HOURS;
    count[hour < 0 ? hour + ARRIVALS_WEEK_HOURS : hour]++;
}

void visits_hours(const struct ratings *ratings, double weight[ARRIVALS_WEEK_HOURS])
{
    double sum = 0;
    memset(weight, 0, ARRIVALS_WEEK_HOURS * sizeof *weight);
    each_session(ratings, count_hour, weight);
    for (int h = 0; h < ARRIVALS_WEEK_HOURS; h++) {
        sum += weight[h];
    }
    for (int h = 0; h < ARRIVALS_WEEK_HOURS; h++) {
        weight[h] = sum > 0 ? weight[h] * ARRIVALS_WEEK_HOURS / sum : 1;
    }
}

struct moments {
    int64_t *at;
    int64_t count;
};

static void add_moment(void *context, int64_t start_s)
{
    struct moments *moments = context;
    moments->at[moments->count++] = start_s;
}

static int rising(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

int64_t visits_moments(const struct ratings *ratings, int64_t **out)
{
    struct moments moments = {.at = mem_zalloc((size_t)ratings->count + 1, sizeof *moments.at)};
    each_session(ratings, add_moment, &moments);
    qsort(moments.at, (size_t)moments.count, sizeof *moments.at, rising);
    *out = moments.at;
    return moments.count;
}

int64_t visits_compress(const int64_t *moment, int64_t count, double per_s, int64_t end_ns,
                        int64_t **out)
{
    double span = count > 0 ? (double)(moment[count - 1] - moment[0]) : 0;
    double gap_ns = (double)CLOCK_NS_PER_S / per_s, round_ns = gap_ns * (double)count;
    double scale = span > 0 ? gap_ns * (double)(count - 1) / span : 0;
    int64_t rounds = count > 0 ? (int64_t)((double)end_ns / round_ns) + 1 : 0;
    int64_t kept = 0;
    *out = mem_zalloc((size_t)(rounds * count) + 1, sizeof **out);
    for (int64_t i = 0; i < rounds * count; i++) {
        double at_ns =
            round_ns * (double)(i / count) + scale * (double)(moment[i % count] - moment[0]);
        if (at_ns >= (double)end_ns) {
            break;
        }
        (*out)[kept++] = llrint(at_ns);
    }
    return kept;
}

/* ---- a recorded file ---- */

struct recording {
    int64_t *moment; /* in units of MOMENT_UNITS_A_SECOND */
    int32_t *person; /* -1 = not told */
    int64_t count, capacity;
};

static void record(struct recording *recording, int64_t moment, int32_t person)
{
    if (recording->count == recording->capacity) {
        recording->capacity = 2 * recording->capacity + 1024;
        size_t size = (size_t)recording->capacity;
        recording->moment = mem_resize(recording->moment, size, sizeof *recording->moment);
        recording->person = mem_resize(recording->person, size, sizeof *recording->person);
    }
    recording->moment[recording->count] = moment;
    recording->person[recording->count++] = person;
}

/* "12.5" or "12.5,42" */
static bool read_visit(const char *line, int32_t people, struct recording *recording)
{
    char *end;
    double at_s = strtod(line, &end);
    long user = 0;
    if (end == line || !(at_s >= 0 && at_s < 1e12)) {
        return false;
    }
    if (*end == ',') {
        const char *number = end + 1;
        user = strtol(number, &end, 10);
        if (end == number || user < 1 || user > people) {
            return false;
        }
    }
    end += strspn(end, " \t\r");
    int64_t moment = llrint(at_s * MOMENT_UNITS_A_SECOND);
    if ((*end != '\0' && *end != '\n') ||
        (recording->count > 0 && moment < recording->moment[recording->count - 1])) {
        return false;
    }
    record(recording, moment, (int32_t)user - 1);
    return true;
}

static enum err read_recording(const char *path, int32_t people, struct recording *out,
                               struct error *error)
{
    struct buf text;
    buf_init(&text, FILE_MAX_BYTES);
    enum err code = file_read(path, &text, error);
    int number = 0;
    for (const char *line = text.len > 0 ? text.data : ""; code == ERR_OK && *line != '\0';) {
        const char *end = strchrnul(line, '\n');
        number++;
        if (*line != '#' && line + strspn(line, " \t\r") != end && !read_visit(line, people, out)) {
            code = error_set(error, ERR_INPUT, path, number,
                             "expected the seconds at which a visit begins, not before the visit "
                             "above, and perhaps ',' and a user id of 1 to %d",
                             (int)people);
        }
        line = *end == '\n' ? end + 1 : end;
    }
    if (code == ERR_OK && out->count == 0) {
        code = error_set(error, ERR_INPUT, path, 0, "there is no visit in it");
    }
    buf_deinit(&text);
    return code;
}

/* ---- the plan ---- */

static void weigh_people(const struct people *people, struct visits *out)
{
    int32_t users = population_users(people->population);
    double *weight = mem_zalloc((size_t)users, sizeof *weight), sum = 0;
    int32_t known = 0;
    for (int32_t p = 0; p < users; p++) {
        weight[p] = (double)(people->seen_start[p + 1] - people->seen_start[p]);
        sum += weight[p];
        known += weight[p] > 0;
    }
    /* Whoever has no past yet will be as active as the others. */
    for (int32_t p = 0; p < users; p++) {
        weight[p] = weight[p] > 0 ? weight[p] : known > 0 ? sum / known : 1;
    }
    alias_init(&out->mix, weight, users);
    mem_free(weight);
    out->config.mix = &out->mix;
}

static enum err plan_moments(const struct visits_request *request, struct visits *out,
                             struct error *error)
{
    const struct scenario_traffic *traffic = &request->scenario->traffic;
    struct recording recording = {0};
    enum err code = ERR_OK;
    if (traffic->arrivals == SCENARIO_REPLAY) {
        recording.count = visits_moments(&request->people->data.ratings, &recording.moment);
    } else {
        code = read_recording(traffic->file, population_users(request->people->population),
                              &recording, error);
    }
    if (code == ERR_OK) {
        struct arrivals_config *config = &out->config;
        config->moment_count =
            visits_compress(recording.moment, recording.count, config->visits_per_s,
                            request->end_ns, &out->moment_ns);
        config->moment_ns = out->moment_ns;
        if (recording.person != NULL) {
            size_t size = (size_t)config->moment_count + 1;
            out->moment_person = mem_zalloc(size, sizeof *out->moment_person);
            for (int64_t i = 0; i < config->moment_count; i++) {
                out->moment_person[i] = recording.person[i % recording.count];
            }
            config->moment_person = out->moment_person;
        }
    }
    mem_free(recording.moment);
    mem_free(recording.person);
    return code;
}

enum err visits_plan(const struct visits_request *request, struct visits *out, struct error *error)
{
    static const enum arrivals_process process[] = {[SCENARIO_POISSON] = ARRIVALS_POISSON,
                                                    [SCENARIO_CONSTANT] = ARRIVALS_CONSTANT,
                                                    [SCENARIO_DIURNAL] = ARRIVALS_DIURNAL,
                                                    [SCENARIO_REPLAY] = ARRIVALS_REPLAY,
                                                    [SCENARIO_RECORDED] = ARRIVALS_REPLAY};
    const struct scenario *scenario = request->scenario;
    const struct scenario_traffic *traffic = &scenario->traffic;
    memset(out, 0, sizeof *out);
    out->config = (struct arrivals_config){
        .seed = request->seed,
        .visits_per_s = scenario->lists_per_s / scenario->steps_per_visit,
        .steps_per_visit = scenario->steps_per_visit,
        .think_median_s = scenario->think_median_s,
        .think_sigma = scenario->think_sigma,
        .people = population_users(request->people->population),
        .end_ns = request->end_ns,
        .process = process[traffic->arrivals],
        .day_ns = traffic->day_ns,
        .start_hour = traffic->start_hour,
        .newcomers = population_newcomers(request->people->population),
        .joins_per_s = traffic->joins_per_s,
        .leaving = {.after_steps = traffic->leave_after, .probability = traffic->leave_probability},
        .drift = request->drift};
    if (traffic->arrivals == SCENARIO_DIURNAL) {
        visits_hours(&request->people->data.ratings, out->hour_weight);
        out->config.hour_weight = out->hour_weight;
    }
    if (traffic->by_activity) {
        weigh_people(request->people, out);
    }
    bool at_moments =
        traffic->arrivals == SCENARIO_REPLAY || traffic->arrivals == SCENARIO_RECORDED;
    return at_moments ? plan_moments(request, out, error) : ERR_OK;
}

void visits_deinit(struct visits *visits)
{
    alias_deinit(&visits->mix);
    mem_free(visits->moment_ns);
    mem_free(visits->moment_person);
    memset(visits, 0, sizeof *visits);
}
