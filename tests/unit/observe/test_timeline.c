#include "observe/timeline.h"

#include "base/mem.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define START_S 1700000000.0
#define STEP_S 0.5
#define POINTS_MAX 128

/*
 * One character an evaluation, half a second apart: '.' quiet, 'p' pending, 'f' firing, 'x' an
 * evaluation that was skipped, 'P' and 'F' the same states where the heartbeat is missing. What a
 * server would have recorded is built from that, stamps shifted by jitter_s * (-1)^n.
 */
struct recording {
    struct prometheus_point pending[POINTS_MAX], firing[POINTS_MAX], heartbeat[POINTS_MAX];
    struct prometheus_series series[3];
    struct prometheus_matrix matrix[3];
};

static double stamp(size_t index)
{
    return START_S + STEP_S * (double)index;
}

static void record(struct recording *recording, const char *states, double jitter_s)
{
    struct prometheus_point *points[] = {recording->pending, recording->firing,
                                         recording->heartbeat};
    size_t count[3] = {0, 0, 0};
    for (size_t i = 0; states[i] != '\0'; i++) {
        double alert_s = stamp(i) + (i % 2 ? jitter_s : -jitter_s);
        char state = states[i];
        if (state == 'p' || state == 'P') {
            points[0][count[0]++] = (struct prometheus_point){alert_s, 1};
        } else if (state == 'f' || state == 'F') {
            points[1][count[1]++] = (struct prometheus_point){alert_s, 1};
        }
        if (state == '.' || state == 'p' || state == 'f') {
            points[2][count[2]++] = (struct prometheus_point){stamp(i), 1};
        }
    }
    for (size_t k = 0; k < 3; k++) {
        recording->series[k] = (struct prometheus_series){NULL, count[k], points[k]};
        recording->matrix[k] = (struct prometheus_matrix){count[k] > 0, &recording->series[k]};
    }
}

/* "pending/firing/resolved" as numbers of evaluations, '-' for what did not happen. */
static void spell(const struct timeline *timeline, char *out, size_t size)
{
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < timeline->count; i++) {
        const struct timeline_episode *episode = &timeline->episode[i];
        const double times[] = {episode->pending_s, episode->firing_s, episode->resolved_s};
        for (size_t k = 0; k < 3 && used < size; k++) {
            const char *before = k > 0 ? "/" : i > 0 ? " " : "";
            double index = (times[k] - START_S) / STEP_S;
            used += (size_t)(isnan(times[k])
                                 ? snprintf(out + used, size - used, "%s-", before)
                                 : snprintf(out + used, size - used, "%s%g", before, index));
        }
    }
}

Test(timeline, episodes_are_read_from_recorded_series)
{
    static const struct {
        const char *name, *states, *episodes;
    } rows[] = {
        {"never", "..........", ""},
        {"nothing recorded", "", ""},
        {"pending, firing, resolved", "..pppff..", "2/5/7"},
        {"firing at once", "..fff..", "-/2/5"},
        {"two episodes", ".pff..ppfff.", "1/2/4 6/8/11"},
        {"never resolved", "..ppfff", "2/4/-"},
        {"pending without firing", "..pp....", "2/-/-"},
        {"pending dropped, then in earnest", ".pp.ppf.", "1/-/- 4/6/7"},
        {"still pending at the end", "...pp", "3/-/-"},
        {"skipped while firing", "..pffxxff..", "2/3/9"},
        {"skipped while pending", "..pxxpff..", "2/6/8"},
        {"skipped between pending and firing", "..ppxxff..", "2/6/8"},
        {"skipped at the resolve: known one later", "..pffxx..", "2/3/7"},
        {"skipped before the start", "..xxpf.", "4/5/6"},
        {"one quiet evaluation is a resolve", "..pff.ff.", "2/3/5 -/6/8"},
        {"back to pending is a resolve and a start", "..pffppf.", "2/3/5 5/7/8"},
        {"the server goes while it fires", "..pffxxxx", "2/3/-"},
        {"heartbeat missing, alert there", "..pFff.", "2/3/6"},
        {"heartbeat never there", "PPFF", "0/2/-"},
        {"firing from the first sample", "fff..", "-/0/3"},
    };
    static struct recording recording;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char episodes[256];
        struct timeline timeline;
        record(&recording, rows[i].states, 0);
        timeline_build(&recording.matrix[0], &recording.matrix[1], &recording.matrix[2], &timeline);
        spell(&timeline, episodes, sizeof episodes);
        cr_expect_str_eq(episodes, rows[i].episodes, "%s: got %s, expected %s", rows[i].name,
                         episodes, rows[i].episodes);
        timeline_deinit(&timeline);
    }
}

Test(timeline, stamps_that_miss_the_heartbeat_a_little_belong_to_it)
{
    static const double jitters_s[] = {0.0004, 0.001, -0.003, 0.1, 0.2};
    static struct recording recording;
    for (size_t i = 0; i < sizeof jitters_s / sizeof jitters_s[0]; i++) {
        char episodes[256];
        struct timeline timeline;
        record(&recording, "..pppffxxfff..pf..", jitters_s[i]);
        timeline_build(&recording.matrix[0], &recording.matrix[1], &recording.matrix[2], &timeline);
        spell(&timeline, episodes, sizeof episodes);
        cr_expect_str_eq(episodes, "2/5/12 14/15/16", "jitter %g: %s", jitters_s[i], episodes);
        timeline_deinit(&timeline);
    }
}

Test(timeline, an_alert_of_several_series_lasts_as_long_as_any_of_them)
{
    /* Series a fires at 2-5, series b is pending at 3-4 and fires at 5-7. */
    struct prometheus_point a[] = {
        {START_S + 2, 1}, {START_S + 3, 1}, {START_S + 4, 1}, {START_S + 5, 1}};
    struct prometheus_point b_pending[] = {{START_S + 3, 1}, {START_S + 4, 1}};
    struct prometheus_point b_firing[] = {{START_S + 5, 1}, {START_S + 6, 1}, {START_S + 7, 1}};
    struct prometheus_point beats[10];
    for (size_t i = 0; i < 10; i++) {
        beats[i] = (struct prometheus_point){START_S + (double)i, 1};
    }
    struct prometheus_series firing[] = {{NULL, 4, a}, {NULL, 3, b_firing}};
    struct prometheus_series pending = {NULL, 2, b_pending};
    /* A heartbeat may come in pieces, too. */
    struct prometheus_series heartbeat[] = {{NULL, 6, beats + 4}, {NULL, 4, beats}};
    struct prometheus_matrix firing_matrix = {2, firing};
    struct prometheus_matrix pending_matrix = {1, &pending};
    struct prometheus_matrix heartbeat_matrix = {2, heartbeat};
    struct timeline timeline;
    timeline_build(&pending_matrix, &firing_matrix, &heartbeat_matrix, &timeline);
    cr_assert_eq(timeline.count, 1);
    cr_expect(isnan(timeline.episode[0].pending_s));
    cr_expect_eq(timeline.episode[0].firing_s, START_S + 2);
    cr_expect_eq(timeline.episode[0].resolved_s, START_S + 8);
    timeline_deinit(&timeline);
}

Test(timeline, the_longest_gap_counts_the_edges)
{
    struct prometheus_point points[] = {{10, 1}, {11, 1}, {13.5, 1}, {14, 1}, {20, 1}};
    struct prometheus_series series = {NULL, 5, points};
    struct prometheus_series empty = {NULL, 0, NULL};
    static const struct {
        double from_s, to_s, gap_s;
    } rows[] = {
        {10, 14, 2.5},   /* inside */
        {10, 20, 6},     /* the last one */
        {5, 14, 5},      /* nothing at the beginning */
        {10, 26, 6},     /* as long at the end */
        {10, 27, 7},     /* nothing at the end */
        {11, 13, 2},     /* one point inside */
        {11.5, 13, 1.5}, /* none inside */
        {14, 14, 0},     /* no time at all */
        {21, 25, 4},     /* behind the last */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        double gap_s = timeline_longest_gap(&series, rows[i].from_s, rows[i].to_s);
        cr_expect_float_eq(gap_s, rows[i].gap_s, 1e-9, "%g-%g: %g", rows[i].from_s, rows[i].to_s,
                           gap_s);
    }
    cr_expect_float_eq(timeline_longest_gap(&empty, 3, 8), 5, 1e-9);
}
