#include "drill/applicable.h"

#include "base/text.h"
#include "drill/needs.h"

#include <stdio.h>
#include <string.h>

#define NAME_BYTES 128

/* Counts that the ledger knows, too, whatever labels they have. */
static const char *const countable[] = {"recommendation_lists_total",
                                        "recommendation_lists_rated_total",
                                        "recommendation_lists_converted_total",
                                        "recommendation_reciprocal_rank_total",
                                        "recommendation_items_total",
                                        "count_in_top5_total",
                                        "user_rating_count",
                                        "recommendation_rating_stars_count",
                                        "item_rank_count",
                                        "predicted_rating_count",
                                        "ratings_kept_total",
                                        "recommendation_ratings_unattributed_total"};

struct reduction {
    const struct applicable_request *request;
    struct scenario *scenario;
    struct needs *needs;
    int phases;       /* that are played */
    char cut_why[96]; /* why no more are */
    char why[192];    /* why the expectation at hand cannot be judged */
};

/* ---- phases ---- */

static const char *lacking(const struct applicable_request *request, enum scenario_disturb kind)
{
    switch (kind) {
    case SCENARIO_RESTART_TARGET:
        return request->restarts ? NULL : "the target cannot be started again from here";
    case SCENARIO_TARGET_FAULT:
        return request->breaks ? NULL : "the target has no faults on demand";
    case SCENARIO_FAILED_RETRAIN:
        return request->breaks ? NULL : "the target cannot be asked for a training that fails";
    case SCENARIO_STALL_PROMETHEUS:
        break;
    }
    return NULL;
}

static void cut_at(struct reduction *at, int phase, const char *why)
{
    if (phase < at->phases) {
        at->phases = phase;
        (void)text_copy(at->cut_why, sizeof at->cut_why, why);
    }
}

static void find_cut(struct reduction *at)
{
    const struct scenario *scenario = at->scenario;
    at->phases = scenario->phase_count;
    for (int i = 0; i < scenario->phase_count; i++) {
        if (scenario->phase[i].retrains && !at->request->retrains) {
            cut_at(at, i, "the target cannot be retrained");
        }
    }
    for (int i = 0; i < scenario->disturbance_count; i++) {
        const struct scenario_disturbance *disturbance = &scenario->disturbance[i];
        const char *why = lacking(at->request, disturbance->kind);
        if (why != NULL) {
            cut_at(at, scenario_phase_at(scenario, disturbance->at_ns), why);
        }
    }
}

static void cut(struct reduction *at)
{
    struct scenario *scenario = at->scenario;
    int kept = 0;
    if (at->phases == scenario->phase_count || at->phases == 0) {
        return;
    }
    scenario->end_ns = scenario->phase[at->phases].start_ns;
    scenario->phase_count = at->phases;
    for (int i = 0; i < scenario->disturbance_count; i++) {
        if (scenario->disturbance[i].at_ns < scenario->end_ns) {
            scenario->disturbance[kept++] = scenario->disturbance[i];
        }
    }
    scenario->disturbance_count = kept;
}

/* ---- one expectation: false, with the reason in at->why, if it cannot be judged ---- */

static bool lacks_metric(struct reduction *at, const char *missing)
{
    metric_map_explain(at->request->map, missing, at->why, sizeof at->why);
    return false;
}

static bool is_played(struct reduction *at, int phase)
{
    if (phase < at->phases) {
        return true;
    }
    (void)snprintf(at->why, sizeof at->why, "%s is not played: %s", at->scenario->phase[phase].name,
                   at->cut_why);
    return false;
}

/* Leaves the phases that are played. */
static bool some_played(struct reduction *at, uint32_t *phases)
{
    uint32_t played = *phases & ((UINT32_C(1) << at->phases) - 1);
    for (int i = 0; played == 0 && i < at->scenario->phase_count; i++) {
        if ((*phases >> i & 1) != 0) {
            return is_played(at, i);
        }
    }
    *phases = played;
    return true;
}

static bool has_alert(struct reduction *at, const char *alert)
{
    char missing[NAME_BYTES];
    return needs_met_by_alert(at->needs, alert, missing, sizeof missing) ||
           lacks_metric(at, missing);
}

/* Of an alert, or of any alert of a group; both "" = any at all. */
static bool has_alerts(struct reduction *at, const struct scenario_expectation *wanted)
{
    char missing[NAME_BYTES];
    if (wanted->alert[0] != '\0') {
        return has_alert(at, wanted->alert);
    }
    return needs_met_by_group(at->needs, wanted->group[0] != '\0' ? wanted->group : NULL, missing,
                              sizeof missing) ||
           lacks_metric(at, missing);
}

static bool has_counts(struct reduction *at)
{
    for (size_t i = 0; i < sizeof countable / sizeof countable[0]; i++) {
        if (at->request->map != NULL && metric_map_has(at->request->map, countable[i])) {
            return true;
        }
    }
    (void)text_copy(at->why, sizeof at->why, "the target exports nothing that the ledger counts");
    return false;
}

static bool takes_ratings(struct reduction *at)
{
    if (!at->request->ratings) {
        (void)text_copy(at->why, sizeof at->why, "the target takes no ratings");
    }
    return at->request->ratings;
}

/* The part of a legend before its first template. */
static bool may_be_called(const struct dashboard_target *target, const char *series)
{
    size_t plain = strlen(target->legend);
    const char *template_at = strstr(target->legend, "{{");
    if (template_at != NULL) {
        plain = (size_t)(template_at - target->legend);
    }
    return target->legend[0] != '\0' && strncmp(target->legend, series, plain) == 0;
}

/* What the drill tells of itself is always there, but without ratings some of it says nothing. */
static bool has_query(struct reduction *at, const char *query)
{
    char missing[NAME_BYTES];
    bool of_ratings = strstr(query, "driftdrill_ratings_") != NULL ||
                      strstr(query, "driftdrill_lists_converted_") != NULL;
    return (!of_ratings || takes_ratings(at)) &&
           (needs_met_by_query(at->needs, query, missing, sizeof missing) ||
            lacks_metric(at, missing));
}

/* The panel's first query, which is what it is about; or those that may make the series. */
static bool has_panel(struct reduction *at, const struct scenario_expectation *wanted)
{
    size_t board;
    const struct dashboard_panel *panel =
        at->request->boards == NULL
            ? NULL
            : panel_boards_find(at->request->boards, wanted->panel.name, &board);
    bool named = false;
    for (size_t i = 0; panel != NULL && i < panel->target_count; i++) {
        bool is_meant = wanted->panel.series[0] != '\0' &&
                        may_be_called(&panel->target[i], wanted->panel.series);
        named = named || is_meant;
        if (is_meant && !has_query(at, panel->target[i].expr)) {
            return false;
        }
    }
    return named || panel == NULL || panel->target_count == 0 ||
           has_query(at, panel->target[0].expr);
}

static bool has_record(struct reduction *at, const char *record)
{
    char missing[NAME_BYTES];
    return needs_met_by_series(at->needs, record, missing, sizeof missing) ||
           lacks_metric(at, missing);
}

/* Its number follows from what is left of the alerts; that less is played must be told. */
static void say_how_far(const struct reduction *at, struct scenario_expectation *wanted)
{
    size_t used = strlen(wanted->name);
    if (at->phases < at->scenario->phase_count) {
        (void)snprintf(wanted->name + used, sizeof wanted->name - used, " before %s",
                       at->scenario->phase[at->phases].name);
    }
}

static bool is_applicable(struct reduction *at, struct scenario_expectation *wanted)
{
    switch (wanted->kind) {
    case SCENARIO_FIRES:
    case SCENARIO_RESOLVES:
    case SCENARIO_DELAY_FLOOR:
        return is_played(at, wanted->phase) && has_alert(at, wanted->alert);
    case SCENARIO_SILENT:
    case SCENARIO_UNNOTIFIED:
        return some_played(at, &wanted->phases) && has_alerts(at, wanted);
    case SCENARIO_NOTIFICATIONS:
        say_how_far(at, wanted);
        return has_alerts(at, wanted);
    case SCENARIO_AGREES:
        return some_played(at, &wanted->phases) && has_record(at, wanted->record) &&
               takes_ratings(at);
    case SCENARIO_LEVEL:
    case SCENARIO_MOVES:
        return is_played(at, wanted->phase) && is_played(at, wanted->rest_phase) &&
               takes_ratings(at);
    case SCENARIO_RECONCILES:
        return has_counts(at);
    case SCENARIO_PANEL:
        return is_played(at, wanted->phase) &&
               (wanted->panel.ask != SCENARIO_PANEL_MOVES || is_played(at, wanted->rest_phase)) &&
               has_panel(at, wanted);
    }
    return true;
}

/* ---- all ---- */

static void reduce(struct reduction *at, struct applicable *out)
{
    struct scenario *scenario = at->scenario;
    int kept = 0;
    for (int i = 0; i < scenario->expectation_count; i++) {
        struct scenario_expectation *wanted = &scenario->expectation[i];
        at->why[0] = '\0';
        if (is_applicable(at, wanted)) {
            if (kept != i) {
                scenario->expectation[kept] = *wanted;
            }
            kept++;
        } else {
            struct applicable_gap *gap = &out->gap[out->count++];
            (void)text_copy(gap->name, sizeof gap->name, wanted->name);
            (void)text_copy(gap->why, sizeof gap->why, at->why);
            gap->line = wanted->line;
        }
    }
    scenario->expectation_count = kept;
}

static enum err refuse(const struct applicable *applicable, const struct scenario *scenario,
                       struct faults *faults, struct error *error)
{
    for (int i = 0; i < applicable->count; i++) {
        faults_add(faults, scenario->path, applicable->gap[i].line, "",
                   "'%s' is not applicable: %s", applicable->gap[i].name, applicable->gap[i].why);
    }
    return error_set(error, ERR_INPUT, scenario->path, 0,
                     "no expectation of the scenario can be judged with this target");
}

enum err applicable_reduce(const struct applicable_request *request, struct scenario *scenario,
                           struct applicable *out, struct faults *faults, struct error *error)
{
    struct reduction at = {.request = request, .scenario = scenario};
    int before = scenario->expectation_count;
    *out = (struct applicable){.map = request->map};
    enum err code =
        needs_new(request->rules, request->rule_count, request->map, &out->needs, error);
    if (code != ERR_OK) {
        return code;
    }
    at.needs = out->needs;
    find_cut(&at);
    reduce(&at, out);
    cut(&at);
    bool none = at.phases == 0 || (before > 0 && scenario->expectation_count == 0);
    return none ? refuse(out, scenario, faults, error) : ERR_OK;
}

static bool explain(const struct applicable *applicable, bool is_met, const char *missing,
                    char *why, size_t size)
{
    why[0] = '\0';
    if (!is_met) {
        metric_map_explain(applicable->map, missing, why, size);
    }
    return is_met;
}

bool applicable_alert(const struct applicable *applicable, const char *alert, char *why,
                      size_t size)
{
    char missing[NAME_BYTES] = "";
    bool is_met = applicable->needs == NULL ||
                  needs_met_by_alert(applicable->needs, alert, missing, sizeof missing);
    return explain(applicable, is_met, missing, why, size);
}

bool applicable_query(const struct applicable *applicable, const char *query, char *why,
                      size_t size)
{
    char missing[NAME_BYTES] = "";
    bool is_met = applicable->needs == NULL ||
                  needs_met_by_query(applicable->needs, query, missing, sizeof missing);
    return explain(applicable, is_met, missing, why, size);
}

void applicable_deinit(struct applicable *applicable)
{
    needs_free(applicable->needs);
    applicable->needs = NULL;
}
