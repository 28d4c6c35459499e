/*
 * The plays share people, past and model by what drills share anyway: the caches. Neither retrains,
 * because a target that learns from one play would not be the target of the other; a scenario's
 * phases from the first retraining on are therefore left out.
 *
 * Until the first onset both plays are the same, so their difference there tells how well the
 * machine repeats itself: only requests that one play answered and the other did not, or answered
 * in another order, can make any.
 */
#include "drill/paired_run.h"

#include "base/clock.h"
#include "base/document.h"
#include "base/mem.h"
#include "base/text.h"
#include "drill/paired.h"
#include "drill/play.h"
#include "drill/report.h"
#include "drill/results.h"
#include "drill/scenario.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>

struct paired_work {
    enum paired_play play;
    bool ready; /* the windows are known */
    struct paired before, after;
    int64_t onset_ns, end_ns;
    char scenario[64], data[160], target[128];
    bool incomplete; /* not every list was kept */
};

static const char *const play_names[PAIRED_PLAYS] = {"without", "with"};

static void take_facts(void *context, const struct drill_facts *facts)
{
    struct paired_work *work = context;
    const struct events *events = &facts->play->engine.events;
    if (!work->ready) {
        work->ready = true;
        work->onset_ns = facts->onset_ns;
        work->end_ns = llrint(facts->play->end_s * (double)CLOCK_NS_PER_S);
        paired_init(&work->before, 0, work->onset_ns);
        paired_init(&work->after, work->onset_ns, INT64_MAX);
        text_copy(work->scenario, sizeof work->scenario, facts->scenario->name);
        text_copy(work->data, sizeof work->data, facts->data_name);
        text_copy(work->target, sizeof work->target, facts->target_version);
    }
    work->incomplete = work->incomplete || !events->complete;
    paired_add(&work->before, work->play, events);
    paired_add(&work->after, work->play, events);
}

static enum err play_one(const struct drill_config *config, enum paired_play play,
                         struct paired_work *work, struct error *error)
{
    char folder[512];
    struct drill_config one = *config;
    snprintf(folder, sizeof folder, "%s/%s", config->folder, play_names[play]);
    one.folder = folder;
    one.unwatched = true;
    one.without_injections = play == PAIRED_WITHOUT;
    one.inspect = take_facts;
    one.inspect_context = work;
    work->play = play;
    return drill_run(&one, error);
}

/* ---- telling ---- */

static void print_row(enum paired_metric metric, const struct paired_difference *one)
{
    printf("%-28s %10.5f %10.5f %+11.5f %10.5f %8.1f\n", paired_metric_name(metric), one->without,
           one->with, one->difference, one->standard_error,
           one->standard_error > 0 ? one->difference / one->standard_error : 0.0);
}

static void print_table(const struct paired_work *work)
{
    printf("\n%s, paired: %" PRId64 " lists without and %" PRId64
           " with the injections, from %.1f to %.1f s\n\n%-28s %10s %10s %11s %10s %8s\n",
           work->scenario, work->after.lists[PAIRED_WITHOUT], work->after.lists[PAIRED_WITH],
           (double)work->onset_ns / (double)CLOCK_NS_PER_S,
           (double)work->end_ns / (double)CLOCK_NS_PER_S, "metric", "without", "with", "difference",
           "std error", "ratio");
    for (int m = 0; m < PAIRED_METRICS; m++) {
        struct paired_difference one = paired_difference(&work->after, (enum paired_metric)m);
        print_row((enum paired_metric)m, &one);
    }
    struct paired_difference before = paired_difference(&work->before, PAIRED_CONVERSION);
    printf("\nStandard errors are clustered by person. ");
    if (work->onset_ns > 0) {
        printf("Before the onset the plays differ by %+.5f in conversion (%" PRId64 " and %" PRId64
               " lists).",
               before.difference, work->before.lists[PAIRED_WITHOUT],
               work->before.lists[PAIRED_WITH]);
    }
    printf("\n");
}

static json_t *metrics_json(const struct paired *paired)
{
    json_t *metrics = json_object();
    for (int m = 0; m < PAIRED_METRICS; m++) {
        struct paired_difference one = paired_difference(paired, (enum paired_metric)m);
        json_object_set_new(
            metrics, paired_metric_name((enum paired_metric)m),
            json_pack("{s:o,s:o,s:o,s:o,s:i}", "without", document_number(one.without), "with",
                      document_number(one.with), "difference", document_number(one.difference),
                      "standard_error", document_number(one.standard_error), "people",
                      (int)one.people));
    }
    return metrics;
}

static json_t *window_json(const struct paired *paired, int64_t from_ns, int64_t to_ns)
{
    return json_pack("{s:f,s:f,s:{s:I,s:I},s:o}", "from_s",
                     (double)from_ns / (double)CLOCK_NS_PER_S, "to_s",
                     (double)to_ns / (double)CLOCK_NS_PER_S, "lists", "without",
                     (json_int_t)paired->lists[PAIRED_WITHOUT], "with",
                     (json_int_t)paired->lists[PAIRED_WITH], "metrics", metrics_json(paired));
}

static enum err write_json(const struct drill_config *config, const struct paired_work *work,
                           struct error *error)
{
    char path[512];
    snprintf(path, sizeof path, "%s/paired.json", config->folder);
    json_t *document = json_pack(
        "{s:o,s:I,s:o,s:o,s:o,s:o}", "scenario", report_text(work->scenario), "seed",
        (json_int_t)config->seed, "data", report_text(work->data), "target",
        report_text(work->target), "before", window_json(&work->before, 0, work->onset_ns),
        "injected", window_json(&work->after, work->onset_ns, work->end_ns));
    enum err code = document_write(document, 0, path, error);
    json_decref(document);
    return code;
}

/* False also for a scenario that cannot be read: the drill tells what is wrong with it. */
static bool injects_nothing(const char *path)
{
    struct scenario *scenario = mem_zalloc(1, sizeof *scenario);
    struct faults faults;
    struct error error = {0};
    faults_init(&faults);
    bool nothing =
        scenario_read(path, scenario, &faults, &error) == ERR_OK && scenario->drift.count == 0;
    faults_deinit(&faults);
    mem_free(scenario);
    return nothing;
}

static enum err run_both(const struct drill_config *config, struct paired_work *work,
                         struct error *error)
{
    if (injects_nothing(config->scenario_path)) {
        return error_set(error, ERR_INPUT, config->scenario_path, 0,
                         "nothing is injected, so there is nothing to compare");
    }
    enum err code = play_one(config, PAIRED_WITHOUT, work, error);
    if (code == ERR_OK) {
        code = play_one(config, PAIRED_WITH, work, error);
    }
    if (code == ERR_OK && work->incomplete) {
        code = error_set(error, ERR_INVALID, config->scenario_path, 0,
                         "more lists than can be kept for a comparison");
    }
    return code;
}

enum err paired_run(const struct drill_config *config, struct error *error)
{
    struct results *results = NULL;
    struct paired_work work = {.ready = false};
    enum err code = results_open(config->folder, &results, error);
    if (code == ERR_OK) {
        code = run_both(config, &work, error);
    }
    if (code == ERR_OK) {
        print_table(&work);
        code = write_json(config, &work, error);
    }
    if (code == ERR_OK) {
        printf("evidence: %s/paired.json\n", config->folder);
    }
    paired_deinit(&work.before);
    paired_deinit(&work.after);
    results_close(results);
    return code;
}
