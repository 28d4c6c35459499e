/*
 * Which record stands for a quantity? That of an `agrees` expectation if there is one: it is what
 * the drill judged. Otherwise the alert tells the series by which it recovers
 * ("job:user_rating:mean3m") and the window that it judges (15m), and by the convention of names
 * the series of that window is called mean15m. If Prometheus has no such series, the first is
 * taken.
 */
#include "drill/report_tracks.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "drill/judge_int.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define TRUTH_POINTS 400

/* Where the duration at the end of a name begins; its length if it ends with none. */
static size_t duration_at(const char *name)
{
    size_t at = strlen(name);
    while (at > 0 && (isdigit((unsigned char)name[at - 1]) || strchr("smhdwy", name[at - 1]))) {
        at--;
    }
    while (name[at] != '\0' && !isdigit((unsigned char)name[at])) {
        at++;
    }
    return at;
}

int64_t report_tracks_window(const char *record)
{
    int64_t ns = 0;
    const char *duration = record + duration_at(record);
    return *duration != '\0' && text_to_duration_ns(duration, &ns) ? ns : 0;
}

/* "job:user_rating:mean3m" and 15m make "job:user_rating:mean15m". */
static void with_window(const char *record, int64_t window_ns, char *out, size_t size)
{
    char duration[32];
    size_t stem = duration_at(record);
    if (record[stem] == '\0' || window_ns <= 0) {
        text_copy(out, size, record);
        return;
    }
    snprintf(out, size, "%.*s%s", (int)stem, record,
             text_from_duration_ns(window_ns, duration, sizeof duration));
}

static void copy_points(const struct prometheus_series *series, double origin_s,
                        struct report_track *track)
{
    track->recorded = mem_array(series->count + 1, sizeof *track->recorded);
    track->recorded_count = series->count;
    for (size_t i = 0; i < series->count; i++) {
        track->recorded[i] = series->point[i];
        track->recorded[i].time_s -= origin_s;
    }
}

/* Raw samples of the whole drill; of several series that with the most. */
static bool fetch(const struct report_tracks_request *at, const char *record,
                  struct report_track *track)
{
    struct prometheus_matrix found = {0};
    char selector[240];
    size_t best = 0;
    if (at->prometheus == NULL || record[0] == '\0') {
        return false;
    }
    snprintf(selector, sizeof selector, "%s[%lldms]", record,
             (long long)ceil(at->end_s * 1000) + 1);
    if (prometheus_query(at->prometheus, selector, at->origin_unix_s + at->end_s, &found, NULL) !=
        ERR_OK) {
        return false;
    }
    for (size_t i = 0; i < found.count; i++) {
        best = found.series[i].count > found.series[best].count ? i : best;
    }
    bool any = found.count > 0 && found.series[best].count > 0;
    if (any) {
        copy_points(&found.series[best], at->origin_unix_s, track);
        text_copy(track->record, sizeof track->record, record);
    }
    prometheus_matrix_deinit(&found);
    return any;
}

static bool take_judged(const struct report_tracks_request *at, struct report_track *track)
{
    for (int i = 0; i < at->scenario->expectation_count; i++) {
        const struct scenario_expectation *e = &at->scenario->expectation[i];
        if (e->kind == SCENARIO_AGREES && e->quantity == track->quantity) {
            track->window_ns = e->window_ns;
            text_copy(track->record, sizeof track->record, e->record);
            copy_points(&at->evidence->record[i], 0, track);
            return true;
        }
    }
    return false;
}

static void take_watched(const struct report_tracks_request *at, const struct rules_alert *rule,
                         struct report_track *track)
{
    char record[160];
    with_window(rule->recovered, rule->window_ns, record, sizeof record);
    if (fetch(at, record, track) || fetch(at, rule->recovered, track)) {
        track->window_ns = report_tracks_window(track->record) / at->scenario->time_scale;
    } else if (track->window_ns == 0) {
        track->window_ns = rule->window_ns / at->scenario->time_scale;
    }
}

static void follow_truth(const struct report_tracks_request *at, struct report_track *track)
{
    const struct judge_case judge_case = {
        .scenario = at->scenario, .ledger = at->ledger, .evidence = at->evidence};
    double window_s = (double)track->window_ns / (double)CLOCK_NS_PER_S;
    if (track->window_ns <= 0 || !(at->end_s > window_s)) {
        return;
    }
    track->truth = mem_array(TRUTH_POINTS, sizeof *track->truth);
    for (int i = 0; i < TRUTH_POINTS; i++) {
        double to_s = window_s + (at->end_s - window_s) * i / (TRUTH_POINTS - 1);
        int64_t to_ns = (int64_t)(to_s * (double)CLOCK_NS_PER_S);
        struct ledger_counts counts = ledger_window(at->ledger, to_ns - track->window_ns, to_ns);
        track->truth[i] =
            (struct prometheus_point){to_s, judge_value(&judge_case, track->quantity, &counts)};
    }
    track->truth_count = TRUTH_POINTS;
}

static void collect(const struct report_tracks_request *at, struct report_track *track)
{
    bool judged = take_judged(at, track);
    for (size_t i = 0; i < at->evidence->alert_count; i++) {
        const struct evidence_alert *alert = &at->evidence->alert[i];
        if (scenario_quantity_named(alert->rule->quantity) != track->quantity) {
            continue;
        }
        if (isnan(track->objective)) {
            track->objective = alert->objective;
        }
        if (!judged && track->recorded == NULL) {
            take_watched(at, alert->rule, track);
        }
    }
    follow_truth(at, track);
}

void report_tracks_collect(const struct report_tracks_request *request, struct report_tracks *out)
{
    static const enum scenario_quantity quantities[REPORT_TRACKS_MAX] = {
        SCENARIO_CONVERSION, SCENARIO_RECIPROCAL_RANK, SCENARIO_MEAN_RATING, SCENARIO_RATING_PSI};
    *out = (struct report_tracks){0};
    for (int i = 0; i < REPORT_TRACKS_MAX; i++) {
        struct report_track *track = &out->track[out->count];
        *track = (struct report_track){.quantity = quantities[i], .objective = NAN};
        collect(request, track);
        if (track->recorded_count > 0 || track->truth_count > 0) {
            out->count++;
        } else {
            mem_free(track->recorded);
            mem_free(track->truth);
        }
    }
}

void report_tracks_deinit(struct report_tracks *tracks)
{
    for (int i = 0; i < tracks->count; i++) {
        mem_free(tracks->track[i].recorded);
        mem_free(tracks->track[i].truth);
    }
    *tracks = (struct report_tracks){0};
}

const struct report_track *report_tracks_find(const struct report_tracks *tracks,
                                              enum scenario_quantity quantity)
{
    for (int i = 0; i < tracks->count; i++) {
        if (tracks->track[i].quantity == quantity) {
            return &tracks->track[i];
        }
    }
    return NULL;
}
