/*
 * Every seed has people, a past and a model of its own, which nobody will ask for again: what a
 * seed beyond the first puts into the caches would fill the disk with a gigabyte for twenty drills.
 * These seeds therefore get a cache in the result folder, which goes when the seed has been played.
 */
#include "drill/null_run.h"

#include "base/clock.h"
#include "base/document.h"
#include "base/fileio.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "drill/evidence.h"
#include "drill/judge.h"
#include "drill/nulls.h"
#include "drill/play.h"
#include "drill/report.h"
#include "drill/results.h"
#include "drill/scenario.h"
#include "drill/virtual_null.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define SAMPLES 4

struct null_work {
    uint64_t seed;
    int played, invalid, alarmed; /* drills; of these, that could not measure; with a false alarm */
    double drill_s;               /* of all valid ones */
    int64_t time_scale, lists;
    struct nulls_tallies alerts;
    struct nulls_clusters clusters[SAMPLES];
    char scenario[64], data[160], target[128];
    json_t *drills;
    /* For the virtual hours: what was played, and the rules it was played under. */
    double virtual_hours;
    size_t part_count, rule_count;
    struct virtual_null_part *part;
    struct events *kept; /* [part_count], not sorted anew, freed here */
    int64_t kept_events; /* at most EVENTS_MAX, or twenty long drills would fill the memory */
    char **rules;
    int64_t scrape_ns;
    struct virtual_null virtual;
    bool incomplete; /* not every list of a drill was kept */
};

static const struct {
    const char *name;
    enum nulls_value value;
    enum nulls_by by;
} samples[SAMPLES] = {{"stars of ratings by person", NULLS_STARS, NULLS_BY_PERSON},
                      {"stars of ratings by visit", NULLS_STARS, NULLS_BY_VISIT},
                      {"conversion of lists by person", NULLS_CONVERSION, NULLS_BY_PERSON},
                      {"conversion of lists by visit", NULLS_CONVERSION, NULLS_BY_VISIT}};

/* The drill frees its events when it ends. Visits of the first phase are left out: counters and
 * people are only warming up. */
static void keep_part(struct null_work *work, const struct drill_facts *facts)
{
    const struct events *events = &facts->play->engine.events;
    const struct scenario *scenario = facts->scenario;
    if (work->kept_events + events->count > EVENTS_MAX) {
        log_write(LOG_WARN, "drill", "virtual hours leave out seed %" PRIu64 ": too many lists",
                  work->seed);
        return;
    }
    work->kept_events += events->count;
    size_t number = work->part_count++;
    int64_t warm_ns = scenario->phase_count > 1 ? scenario->phase[1].start_ns : 0;
    work->kept = mem_resize(work->kept, work->part_count, sizeof *work->kept);
    work->part = mem_resize(work->part, work->part_count, sizeof *work->part);
    struct event *copy = mem_array((size_t)events->count + 1, sizeof *copy);
    memcpy(copy, events->event, (size_t)events->count * sizeof *copy);
    work->kept[number] =
        (struct events){.count = events->count, .event = copy, .complete = events->complete};
    work->part[number] = (struct virtual_null_part){
        .from_ns = warm_ns, .until_ns = llrint(facts->play->end_s * (double)CLOCK_NS_PER_S)};
    work->scrape_ns = scenario->scrape_ns;
    if (work->rules == NULL) {
        work->rule_count = facts->rule_count;
        work->rules = mem_zalloc(facts->rule_count + 1, sizeof *work->rules);
        for (size_t i = 0; i < facts->rule_count; i++) {
            work->rules[i] = mem_text(facts->rules[i]);
        }
    }
}

static void free_parts(struct null_work *work)
{
    for (size_t i = 0; i < work->part_count; i++) {
        mem_free(work->kept[i].event);
    }
    for (size_t i = 0; i < work->rule_count; i++) {
        mem_free(work->rules[i]);
    }
    mem_free(work->kept);
    mem_free(work->part);
    mem_free(work->rules);
    virtual_null_deinit(&work->virtual);
}

static void take_facts(void *context, const struct drill_facts *facts)
{
    struct null_work *work = context;
    const struct events *events = &facts->play->engine.events;
    text_copy(work->scenario, sizeof work->scenario, facts->scenario->name);
    text_copy(work->data, sizeof work->data, facts->data_name);
    text_copy(work->target, sizeof work->target, facts->target_version);
    work->time_scale = facts->scenario->time_scale;
    if (facts->judgement->outcome == JUDGE_INVALID) {
        return;
    }
    int fired = nulls_count_alarms(&work->alerts, facts->evidence);
    work->played++;
    work->alarmed += fired > 0;
    work->drill_s += facts->play->end_s;
    work->lists += events->count;
    for (int s = 0; s < SAMPLES; s++) {
        work->incomplete |=
            !nulls_add_events(&work->clusters[s], events, samples[s].value, samples[s].by);
    }
    if (work->virtual_hours > 0 && !work->incomplete) {
        keep_part(work, facts);
    }
    json_array_append_new(work->drills,
                          json_pack("{s:I,s:i,s:I}", "seed", (json_int_t)work->seed, "alerts_fired",
                                    fired, "lists", (json_int_t)events->count));
}

/* ---- playing ---- */

static enum err play_seed(const struct drill_config *config, int number, struct null_work *work,
                          struct error *error)
{
    char folder[512], cache[560];
    struct drill_config one = *config;
    work->seed = config->seed + (uint64_t)number;
    snprintf(folder, sizeof folder, "%s/seed-%" PRIu64, config->folder, work->seed);
    snprintf(cache, sizeof cache, "%s/cache", config->folder);
    one.seed = work->seed;
    one.folder = folder;
    one.cache_root = number == 0 ? config->cache_root : cache;
    one.without_injections = true;
    one.inspect = take_facts;
    one.inspect_context = work;
    int played = work->played;
    enum err code = drill_run(&one, error);
    if (number > 0) {
        (void)file_remove_tree(cache, NULL);
    }
    if (code == ERR_INVALID && work->played == played) {
        work->invalid++;
    }
    /* A false alarm is what is counted. */
    return code == ERR_FAILED && work->played > played ? ERR_OK : code;
}

/* A drill that could not measure is played once more; a false alarm is not. */
static enum err play_all(const struct drill_config *config, int drills, struct null_work *work,
                         struct error *error)
{
    enum err code = ERR_OK;
    for (int i = 0; i < drills && code == ERR_OK; i++) {
        struct error first = {0};
        printf("\nnull drill %d of %d, seed %" PRIu64 "\n", i + 1, drills,
               config->seed + (uint64_t)i);
        fflush(stdout);
        code = play_seed(config, i, work, &first);
        if (code == ERR_INVALID) {
            log_write(LOG_WARN, "drill", "seed %" PRIu64 " could not be measured, once more",
                      work->seed);
            first = (struct error){0};
            code = play_seed(config, i, work, &first);
        }
        if (code == ERR_INVALID) {
            return error_set(error, code, config->folder, 0,
                             "the drill of seed %" PRIu64 " could not be measured, twice",
                             work->seed);
        }
        if (code != ERR_OK && error != NULL) {
            *error = first;
        }
        if (code == ERR_OK && work->incomplete) {
            return error_set(error, ERR_INVALID, config->folder, 0,
                             "more lists than can be kept for the statistics");
        }
    }
    return code;
}

/* ---- telling ---- */

static void print_alarms(const struct null_work *work)
{
    printf("\n%s, %d null drills of %.1f production hours in all, %" PRId64
           " lists (%d drills repeated)\n\n%-34s %-16s %8s %8s %22s\n",
           work->scenario, work->played, work->drill_s * (double)work->time_scale / 3600,
           work->lists, work->invalid, "alert", "group", "pending", "fired", "at most, 95 % sure");
    for (size_t i = 0; i < work->alerts.count; i++) {
        const struct nulls_tally *tally = &work->alerts.tally[i];
        printf("%-34s %-16s %8d %8d %15.1f %% a drill\n", tally->alert, tally->group,
               tally->pending_drills, tally->drills,
               100 * nulls_upper_bound(tally->drills, work->played, NULLS_CONFIDENCE));
    }
    printf("%-34s %-16s %8s %8d %15.1f %% a drill\n", "any", "", "", work->alarmed,
           100 * nulls_upper_bound(work->alarmed, work->played, NULLS_CONFIDENCE));
}

static void print_clusters(const struct null_work *work)
{
    printf("\n%-30s %9s %9s %12s %14s %14s\n", "clusters", "values", "clusters", "correlation",
           "design effect", "effective size");
    for (int s = 0; s < SAMPLES; s++) {
        const struct nulls_clusters *c = &work->clusters[s];
        printf("%-30s %9.0f %9.0f %12.4f %14.3f %14.0f\n", samples[s].name, c->values, c->clusters,
               nulls_icc(c), nulls_design_effect(c), nulls_effective_size(c));
    }
}

static json_t *alarms_json(const struct null_work *work)
{
    json_t *alarms = json_array();
    for (size_t i = 0; i < work->alerts.count; i++) {
        const struct nulls_tally *tally = &work->alerts.tally[i];
        json_array_append_new(
            alarms, json_pack("{s:s,s:s,s:i,s:i,s:f}", "alert", tally->alert, "group", tally->group,
                              "pending_drills", tally->pending_drills, "fired_drills",
                              tally->drills, "fired_share_at_most",
                              nulls_upper_bound(tally->drills, work->played, NULLS_CONFIDENCE)));
    }
    return alarms;
}

static json_t *clusters_json(const struct null_work *work)
{
    json_t *clusters = json_array();
    for (int s = 0; s < SAMPLES; s++) {
        const struct nulls_clusters *c = &work->clusters[s];
        json_array_append_new(
            clusters, json_pack("{s:s,s:f,s:f,s:o,s:o,s:o}", "of", samples[s].name, "values",
                                c->values, "clusters", c->clusters, "intraclass_correlation",
                                document_number(nulls_icc(c)), "design_effect",
                                document_number(nulls_design_effect(c)), "effective_size",
                                document_number(nulls_effective_size(c))));
    }
    return clusters;
}

/* ---- virtual hours ---- */

static enum err simulate(struct null_work *work, uint64_t seed, struct error *error)
{
    struct parallel parallel = parallel_all_cores();
    if (work->virtual_hours <= 0) {
        return ERR_OK;
    }
    log_write(LOG_INFO, "drill", "simulating %.0f hours from %zu drills", work->virtual_hours,
              work->part_count);
    for (size_t i = 0; i < work->part_count; i++) {
        work->part[i].events = &work->kept[i];
    }
    struct virtual_null_request request = {.part = work->part,
                                           .part_count = work->part_count,
                                           .time_scale = work->time_scale,
                                           .scrape_ns = work->scrape_ns,
                                           .rules = (const char *const *)work->rules,
                                           .rule_count = work->rule_count,
                                           .hours = work->virtual_hours,
                                           .seed = seed};
    return virtual_null_run(&request, &parallel, &work->virtual, error);
}

static enum err write_json(const struct drill_config *config, const struct null_work *work,
                           struct error *error)
{
    char path[512];
    snprintf(path, sizeof path, "%s/nulls.json", config->folder);
    json_t *document = json_pack(
        "{s:o,s:I,s:o,s:o,s:i,s:i,s:i,s:f,s:f,s:f,s:O,s:o,s:o}", "scenario",
        report_text(work->scenario), "seed", (json_int_t)config->seed, "data",
        report_text(work->data), "target", report_text(work->target), "drills", work->played,
        "repeated", work->invalid, "alarmed_drills", work->alarmed, "confidence", NULLS_CONFIDENCE,
        "alarmed_share_at_most", nulls_upper_bound(work->alarmed, work->played, NULLS_CONFIDENCE),
        "production_hours", work->drill_s * (double)work->time_scale / 3600, "seeds", work->drills,
        "alerts", alarms_json(work), "clusters", clusters_json(work));
    json_object_set_new(document, "virtual",
                        work->virtual_hours > 0 ? virtual_null_json(&work->virtual) : json_null());
    enum err code = document_write(document, 0, path, error);
    json_decref(document);
    return code;
}

static enum err tell(const struct drill_config *config, const struct null_work *work,
                     struct error *error)
{
    print_alarms(work);
    print_clusters(work);
    if (work->virtual_hours > 0) {
        virtual_null_print(stdout, &work->virtual);
    }
    enum err code = write_json(config, work, error);
    if (code == ERR_OK) {
        printf("\nevidence: %s/nulls.json\n", config->folder);
    }
    if (code == ERR_OK && work->virtual_hours > 0) {
        code = virtual_null_verdict(&work->virtual, config->folder, error);
    }
    if (code == ERR_OK && work->alarmed > 0) {
        code = error_set(error, ERR_FAILED, config->folder, 0,
                         "%d of %d null drills had a false alarm", work->alarmed, work->played);
    }
    return code;
}

enum err null_run(const struct drill_config *config, int drills, double virtual_hours,
                  struct error *error)
{
    struct results *results = NULL;
    struct null_work work = {.drills = json_array(), .virtual_hours = virtual_hours};
    enum err code = results_open(config->folder, &results, error);
    if (code == ERR_OK) {
        code = play_all(config, drills, &work, error);
    }
    if (code == ERR_OK) {
        code = simulate(&work, config->seed, error);
    }
    if (code == ERR_OK) {
        code = tell(config, &work, error);
    }
    json_decref(work.drills);
    nulls_tallies_deinit(&work.alerts);
    free_parts(&work);
    results_close(results);
    return code;
}
