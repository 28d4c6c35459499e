/*
 * What an expectation wants of a panel, against what the panel showed. It must hold at the panel's
 * usual size and, if the expectation names widths and ranges, at each of them, where the value must
 * also be nearly the same: a query whose window follows the zoom shows another number to each
 * reader. A panel without data, or whose value is not a number, shows nothing and fails; so does
 * one that loses a series on the way from one size, or phase, to another. One that nobody answered
 * for cannot be judged.
 */
#include "drill/judge_int.h"

#include "base/clock.h"
#include "base/text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define STILL 1e-9 /* of a value that should be 0 */

struct panel_judge {
    const struct judge_case *at;
    const struct scenario_expectation *wanted;
    const struct panel_sight *sight;
    double truth; /* of `agrees` */
    struct judge_row *row;
};

static void fail(const struct panel_judge *judge, const char *text)
{
    judge_observe(judge->row, "%s", text);
    judge_worsen(judge->row, JUDGE_FAIL);
}

/* "at 300 px over 5m: ", nothing for the usual size. */
static const char *place(const struct panel_judge *judge, const struct panel_glance *glance,
                         char *out, size_t size)
{
    char range[32];
    out[0] = '\0';
    if (glance != &judge->sight->glance[0]) {
        text_from_duration_ns(glance->range_ns * judge->at->scenario->time_scale, range,
                              sizeof range);
        snprintf(out, size, "at %d px over %s: ", glance->width_px, range);
    }
    return out;
}

static const struct panel_shown *find_series(const struct panel_glance *glance, const char *legend)
{
    for (size_t i = 0; i < glance->count; i++) {
        if (strcmp(glance->shown[i].legend, legend) == 0) {
            return &glance->shown[i];
        }
    }
    return NULL;
}

static bool is_judged(const struct panel_judge *judge, const struct panel_shown *shown)
{
    const char *only = judge->wanted->panel.series;
    return only[0] == '\0' || strcmp(only, shown->legend) == 0;
}

/* The series' name where there are several to tell apart. */
static const char *legend_of(const struct panel_glance *glance, const struct panel_shown *shown)
{
    return glance->count > 1 ? shown->legend : "";
}

static bool is_met(const struct panel_judge *judge, const struct panel_shown *shown, char *observed,
                   size_t size)
{
    const struct scenario_expectation *wanted = judge->wanted;
    double off;
    switch (wanted->panel.ask) {
    case SCENARIO_PANEL_SHOWS:
        snprintf(observed, size, "%s", shown->text);
        return shown->value >= wanted->least && shown->value <= wanted->most;
    case SCENARIO_PANEL_COLOUR:
        snprintf(observed, size, "%s, %s", shown->colour, shown->text);
        return panel_colour_is(shown->colour, wanted->panel.colour);
    case SCENARIO_PANEL_AGREES:
        off = (shown->value - judge->truth) / fabs(judge->truth);
        snprintf(observed, size, "%.4g, ledger %.4g (%+.1f %%)", shown->value, judge->truth,
                 100 * off);
        return fabs(off) <= wanted->tolerance;
    case SCENARIO_PANEL_MOVES:
    case SCENARIO_PANEL_HAS_DATA:
        break;
    }
    snprintf(observed, size, "%s", shown->text);
    return true;
}

/* Where the value must lie of the other: -1 below, 1 above, 0 near. */
static int wanted_sign(const struct panel_judge *judge)
{
    int worse = judge->sight->worse == PANEL_HIGHER ? 1 : -1;
    switch (judge->wanted->panel.way) {
    case SCENARIO_PANEL_WORSE:
        return worse;
    case SCENARIO_PANEL_BETTER:
        return -worse;
    case SCENARIO_PANEL_UP:
        return 1;
    case SCENARIO_PANEL_DOWN:
        return -1;
    case SCENARIO_PANEL_STAYS:
        break;
    }
    return 0;
}

static bool has_moved(const struct panel_judge *judge, const struct panel_shown *shown,
                      char *observed, size_t size)
{
    const struct panel_shown *rest = find_series(&judge->sight->rest, shown->legend);
    double by = judge->wanted->panel.by;
    if (rest == NULL || !isfinite(rest->value)) {
        snprintf(observed, size, "it showed nothing in %s",
                 judge->at->scenario->phase[judge->wanted->rest_phase].name);
        return false;
    }
    double moved = shown->value - rest->value;
    int sign = wanted_sign(judge);
    snprintf(observed, size, "%s to %s (%+.3g)", rest->text, shown->text, moved);
    return sign == 0 ? fabs(moved) < by : sign * moved >= by && sign * moved > 0;
}

static void judge_series(const struct panel_judge *judge, const struct panel_glance *glance,
                         const struct panel_shown *shown)
{
    char observed[192], where[64];
    const char *legend = legend_of(glance, shown);
    bool met;
    place(judge, glance, where, sizeof where);
    if (!isfinite(shown->value)) {
        judge_observe(judge->row, "%s%s%sshows no number", where, legend, *legend ? " " : "");
        judge_worsen(judge->row, JUDGE_FAIL);
        return;
    }
    met = judge->wanted->panel.ask == SCENARIO_PANEL_MOVES
              ? has_moved(judge, shown, observed, sizeof observed)
              : is_met(judge, shown, observed, sizeof observed);
    if (!met || glance == &judge->sight->glance[0]) {
        judge_observe(judge->row, "%s%s%s%s", where, legend, *legend ? ": " : "", observed);
    }
    if (!met) {
        judge_worsen(judge->row, JUDGE_FAIL);
    }
}

/* The same number for every reader, whatever the size of the window. */
static void judge_steadiness(const struct panel_judge *judge, const struct panel_glance *glance,
                             const struct panel_shown *shown)
{
    const struct panel_shown *usual = find_series(&judge->sight->glance[0], shown->legend);
    char where[64];
    if (usual == NULL || !isfinite(usual->value) || !isfinite(shown->value)) {
        return; /* said where it is judged */
    }
    double off = fabs(shown->value - usual->value);
    if (off > judge->wanted->panel.steady * fabs(usual->value) + STILL) {
        judge_observe(judge->row, "%s%s, but %s at %d px over the usual range",
                      place(judge, glance, where, sizeof where), shown->text, usual->text,
                      judge->sight->glance[0].width_px);
        judge_worsen(judge->row, JUDGE_FAIL);
    }
}

/* Where nobody answered the panel is not to blame. */
static bool is_unseen(const struct panel_judge *judge, const struct panel_glance *glance,
                      const char *where)
{
    bool unanswered = panel_glance_unanswered(glance);
    if (glance->ok) {
        return false;
    }
    judge_observe(judge->row, "%s%s: %s", where, unanswered ? "no answer" : "cannot be evaluated",
                  glance->why);
    judge_worsen(judge->row, unanswered ? JUDGE_INVALID : JUDGE_FAIL);
    return true;
}

/* Every series that `before` shows must be in `now`: one that is gone has no value to be wrong. */
static void judge_lost(const struct panel_judge *judge, const struct panel_glance *before,
                       const struct panel_glance *now, const char *where, const char *there)
{
    for (size_t i = 0; i < before->count; i++) {
        const struct panel_shown *shown = &before->shown[i];
        if (is_judged(judge, shown) && isfinite(shown->value) &&
            find_series(now, shown->legend) == NULL) {
            judge_observe(judge->row, "%sno series %s, which is there %s", where, shown->legend,
                          there);
            judge_worsen(judge->row, JUDGE_FAIL);
        }
    }
}

static void judge_series_kept(const struct panel_judge *judge, const struct panel_glance *glance,
                              const char *where)
{
    const struct panel_sight *sight = judge->sight;
    char there[96];
    if (glance != &sight->glance[0]) {
        judge_lost(judge, &sight->glance[0], glance, where, "at the usual size");
    } else if (judge->wanted->panel.ask == SCENARIO_PANEL_MOVES) {
        snprintf(there, sizeof there, "in %s",
                 judge->at->scenario->phase[judge->wanted->rest_phase].name);
        judge_lost(judge, &sight->rest, glance, where, there);
    }
}

static void judge_glance(const struct panel_judge *judge, const struct panel_glance *glance)
{
    size_t judged = 0;
    char where[64], text[320];
    place(judge, glance, where, sizeof where);
    if (is_unseen(judge, glance, where)) {
        return;
    }
    for (size_t i = 0; i < glance->count; i++) {
        if (is_judged(judge, &glance->shown[i])) {
            judge_series(judge, glance, &glance->shown[i]);
            judge_steadiness(judge, glance, &glance->shown[i]);
            judged++;
        }
    }
    if (judged == 0) {
        bool other = glance->count > 0;
        snprintf(text, sizeof text, "%sno data%s%s", where, other ? " of " : "",
                 other ? judge->wanted->panel.series : "");
        fail(judge, text);
        return;
    }
    judge_series_kept(judge, glance, where);
}

/* A value that is not a number is no data: Grafana draws nothing there. */
static void judge_data(const struct panel_judge *judge, const struct panel_glance *glance)
{
    size_t shown = 0;
    char where[64];
    place(judge, glance, where, sizeof where);
    if (is_unseen(judge, glance, where)) {
        return;
    }
    for (size_t i = 0; i < glance->count; i++) {
        shown += is_judged(judge, &glance->shown[i]) && isfinite(glance->shown[i].value);
    }
    bool met = (shown > 0) == judge->wanted->panel.has_data;
    if (!met || glance == &judge->sight->glance[0]) {
        judge_observe(judge->row, "%s%zu series with a value", where, shown);
    }
    if (!met) {
        judge_worsen(judge->row, JUDGE_FAIL);
    } else if (glance != &judge->sight->glance[0]) {
        judge_lost(judge, &judge->sight->glance[0], glance, where, "at the usual size");
    }
}

/* What `moves` starts from. */
static bool is_rest_unseen(const struct panel_judge *judge)
{
    char where[64];
    snprintf(where, sizeof where,
             "in %s: ", judge->at->scenario->phase[judge->wanted->rest_phase].name);
    return judge->wanted->panel.ask == SCENARIO_PANEL_MOVES &&
           is_unseen(judge, &judge->sight->rest, where);
}

static void say_wanted(const struct panel_judge *judge)
{
    static const char *const ways[] = {"below", "about", "above"};
    const struct scenario_expectation *wanted = judge->wanted;
    struct judge_row *row = judge->row;
    size_t sizes = judge->sight == NULL ? 0 : judge->sight->count;
    char what[96] = "";
    switch (wanted->panel.ask) {
    case SCENARIO_PANEL_SHOWS:
        snprintf(what, sizeof what, isfinite(wanted->least) ? "%.4g or more" : "%.4g or less",
                 isfinite(wanted->least) ? wanted->least : wanted->most);
        if (isfinite(wanted->least) && isfinite(wanted->most)) {
            snprintf(what, sizeof what, "%.4g to %.4g", wanted->least, wanted->most);
        }
        break;
    case SCENARIO_PANEL_COLOUR:
        snprintf(what, sizeof what, "%s", wanted->panel.colour);
        break;
    case SCENARIO_PANEL_MOVES:
        snprintf(what, sizeof what, "%s that of %s, by %.3g",
                 judge->sight == NULL ? "off" : ways[1 + wanted_sign(judge)],
                 judge->at->scenario->phase[wanted->rest_phase].name, wanted->panel.by);
        break;
    case SCENARIO_PANEL_HAS_DATA:
        snprintf(what, sizeof what, "%s", wanted->panel.has_data ? "data" : "no data");
        break;
    case SCENARIO_PANEL_AGREES:
        snprintf(what, sizeof what, "%s within %.3g %%", scenario_quantity_name(wanted->quantity),
                 100 * wanted->tolerance);
        break;
    }
    snprintf(row->wanted, sizeof row->wanted, "%s", what);
    if (sizes > 1) {
        snprintf(row->wanted, sizeof row->wanted, "%s, at %zu sizes", what, sizes);
    }
}

bool judge_scrape_hole(const struct judge_case *at, double end_s, struct judge_row *row)
{
    const struct scenario *scenario = at->scenario;
    double scrape = judge_seconds(scenario->scrape_ns / scenario->time_scale);
    double window = judge_seconds(SCENARIO_PANEL_RANGE_NS / scenario->time_scale);
    double bound = fmax(window / 10, 3 * scrape);
    double from = fmax(0, end_s - window);
    double gap = from >= end_s ? 0 : timeline_longest_gap(&at->evidence->scrapes, from, end_s);
    if (gap <= bound || at->unscraped) {
        return false;
    }
    judge_observe(row, "no scrape for %.2f s before %.1f s (bound %.2f s)", gap, end_s, bound);
    judge_worsen(row, JUDGE_INVALID);
    return true;
}

/* The ledger over the window that the panel's query averages over; false if it holds nothing. */
static bool find_truth(struct panel_judge *judge)
{
    const struct scenario_expectation *wanted = judge->wanted;
    if (wanted->panel.ask != SCENARIO_PANEL_AGREES) {
        return true;
    }
    int64_t to_ns = (int64_t)(judge->sight->glance[0].at_s * (double)CLOCK_NS_PER_S);
    struct ledger_counts counts =
        ledger_window(judge->at->ledger, to_ns - wanted->window_ns, to_ns);
    judge->truth = judge_value(judge->at, wanted->quantity, &counts);
    if (isnan(judge->truth)) {
        judge_observe(judge->row, "the ledger holds nothing to compare with");
        judge_worsen(judge->row, JUDGE_INVALID);
        return false;
    }
    return true;
}

void judge_panel(const struct judge_case *at, const struct scenario_expectation *wanted,
                 const struct panel_sight *sight, struct judge_row *row)
{
    struct panel_judge judge = {.at = at, .wanted = wanted, .sight = sight, .row = row};
    double after = judge_seconds(wanted->panel.after_ns);
    say_wanted(&judge);
    if (judge_not_reached(at, wanted->phase, row) || judge_unanswered(at, row) ||
        (wanted->panel.after_ns >= 0 &&
         judge_cut_short(at, wanted->phase, after, "its moment had not come", row))) {
        return;
    }
    if (sight == NULL || !sight->known || sight->count == 0) {
        judge_observe(row, "the panel was not looked at");
        judge_worsen(row, JUDGE_INVALID);
        return;
    }
    if (judge_scrape_hole(at, sight->glance[0].at_s, row) || is_rest_unseen(&judge) ||
        !find_truth(&judge)) {
        return;
    }
    for (size_t i = 0; i < sight->count; i++) {
        if (wanted->panel.ask == SCENARIO_PANEL_HAS_DATA) {
            judge_data(&judge, &sight->glance[i]);
        } else {
            judge_glance(&judge, &sight->glance[i]);
        }
    }
}
