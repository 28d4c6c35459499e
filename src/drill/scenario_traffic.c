/* How people come, what they do with a list, and who has no past: traffic, behaviour, newcomers. */
#include "drill/scenario_int.h"

#include "base/clock.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

#define HOURS_OF_A_WEEK 168

static void read_think(const struct fields_at *traffic, struct scenario *out)
{
    static const char *const known[] = {"median", "sigma", NULL};
    struct fields_at at;
    if (!scenario_read_object(traffic, "think", known, &at)) {
        return;
    }
    int64_t median_ns = 0;
    if (scenario_read_duration(&at, "median", FIELDS_REQUIRED, 0, out->time_scale, &median_ns)) {
        out->think_median_s = (double)median_ns / (double)CLOCK_NS_PER_S;
    }
    fields_real(&at, "sigma", FIELDS_OPTIONAL, 0, 3, &out->think_sigma);
}

/* A file's place is relative to the scenario, so that both can be moved together. */
static void place_file(const struct fields_at *at, const struct scenario *scenario,
                       const char *file, struct scenario_traffic *out)
{
    const char *slash = strrchr(scenario->path, '/');
    int folder = slash == NULL || file[0] == '/' ? 0 : (int)(slash - scenario->path) + 1;
    int len = snprintf(out->file, sizeof out->file, "%.*s%s", folder, scenario->path, file);
    if (len < 0 || (size_t)len >= sizeof out->file) {
        fields_fault(at->fields, at->path, "'file': its path is longer than %zu bytes",
                     sizeof out->file - 1);
    }
}

/* A word, or a file to play back. */
static void read_arrivals(const struct fields_at *traffic, struct scenario *out)
{
    static const char *const known[] = {"file", NULL};
    static const char *const words[] = {"poisson", "constant", "diurnal", "replay", NULL};
    const json_t *value = json_object_get(traffic->object, "arrivals");
    struct fields_at at;
    char file[sizeof out->traffic.file];
    int word = 0;
    if (!json_is_object(value)) {
        if (scenario_choose(traffic, "arrivals", FIELDS_OPTIONAL, words,
                            "one of poisson, constant, diurnal, replay, or {file: NAME}", &word)) {
            out->traffic.arrivals = (enum scenario_arrivals)word;
        }
    } else if (scenario_read_object(traffic, "arrivals", known, &at) &&
               fields_text(&at, "file", FIELDS_REQUIRED, file, sizeof file)) {
        out->traffic.arrivals = SCENARIO_RECORDED;
        place_file(&at, out, file, &out->traffic);
    }
}

static void read_day(const struct fields_at *traffic, struct scenario *out)
{
    int64_t hour = 0;
    out->traffic.day_ns = 24 * 3600 * CLOCK_NS_PER_S / out->time_scale;
    bool has_day = fields_has(traffic, "day"), has_hour = fields_has(traffic, "start_hour");
    scenario_read_duration(traffic, "day", FIELDS_OPTIONAL, out->time_scale * CLOCK_NS_PER_S,
                           out->time_scale, &out->traffic.day_ns);
    fields_int(traffic, "start_hour", FIELDS_OPTIONAL, 0, HOURS_OF_A_WEEK - 1, &hour);
    out->traffic.start_hour = (int32_t)hour;
    if (out->traffic.arrivals != SCENARIO_DIURNAL && (has_day || has_hour)) {
        fields_fault(traffic->fields, traffic->path, "'%s' belongs to diurnal arrivals",
                     has_day ? "day" : "start_hour");
    }
}

static void read_leaving(const struct fields_at *traffic, struct scenario_traffic *out)
{
    static const char *const known[] = {"after", "probability", NULL};
    struct fields_at at;
    int64_t after = 0;
    if (!scenario_read_object(traffic, "leaving", known, &at)) {
        return;
    }
    if (fields_int(&at, "after", FIELDS_REQUIRED, 1, 1000, &after)) {
        out->leave_after = (int32_t)after;
    }
    out->leave_probability = 1;
    fields_real(&at, "probability", FIELDS_OPTIONAL, 0, 1, &out->leave_probability);
}

void scenario_read_traffic(const struct fields_at *root, struct scenario *out)
{
    static const char *const known[] = {
        "lists_per_s", "steps_per_visit", "think",       "arrivals", "people",
        "day",         "start_hour",      "joins_per_s", "leaving",  NULL};
    static const char *const mixes[] = {"uniform", "activity", NULL};
    struct fields_at at;
    int mix = 0;
    if (!fields_has(root, "traffic")) {
        fields_fault(root->fields, "", "'traffic' is missing");
        return;
    }
    if (!scenario_read_object(root, "traffic", known, &at)) {
        return;
    }
    fields_real(&at, "lists_per_s", FIELDS_REQUIRED, 0.1, 1e6, &out->lists_per_s);
    fields_real(&at, "steps_per_visit", FIELDS_OPTIONAL, 1, 100, &out->steps_per_visit);
    read_think(&at, out);
    read_arrivals(&at, out);
    fields_choice(&at, "people", FIELDS_OPTIONAL, mixes, &mix);
    out->traffic.by_activity = mix == 1;
    read_day(&at, out);
    fields_real(&at, "joins_per_s", FIELDS_OPTIONAL, 0, 1e6, &out->traffic.joins_per_s);
    read_leaving(&at, &out->traffic);
    if (out->traffic.joins_per_s > 0 && out->newcomers == 0) {
        fields_fault(root->fields, at.path, "'joins_per_s' needs 'newcomers'");
    }
}

void scenario_read_behaviour(const struct fields_at *root, struct scenario_behaviour *out)
{
    static const char *const known[] = {"examination", "cascade_stop", "abandon_share",
                                        "rating_share", NULL};
    static const char *const examinations[] = {"position", "cascade", NULL};
    struct fields_at at;
    int examination = 0;
    if (!scenario_read_object(root, "behaviour", known, &at)) {
        return;
    }
    fields_choice(&at, "examination", FIELDS_OPTIONAL, examinations, &examination);
    out->cascade = examination == 1;
    fields_real(&at, "cascade_stop", FIELDS_OPTIONAL, 0, 1, &out->cascade_stop);
    if (!out->cascade && fields_has(&at, "cascade_stop")) {
        fields_fault(root->fields, at.path, "'cascade_stop' belongs to a cascade");
    }
    fields_real(&at, "abandon_share", FIELDS_OPTIONAL, 0, 0.99, &out->abandon_share);
    fields_real(&at, "rating_share", FIELDS_OPTIONAL, 0.01, 1, &out->rating_share);
}
