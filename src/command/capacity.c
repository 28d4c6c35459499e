/* driftdrill capacity: how many steps a second a target holds within what it promises. */
#include "base/clock.h"
#include "base/document.h"
#include "base/log.h"
#include "command/capacity_int.h"
#include "command/capacity_report.h"
#include "command/command.h"
#include "drill/play.h"
#include "load/target.h"
#include "load/transport_pick.h"

#include <curl/curl.h>
#include <jansson.h>
#include <stdio.h>

/* ---- getting ready ---- */

static enum err make_people(const struct options *options, struct capacity *capacity,
                            struct error *error)
{
    char home[1024];
    bool has_home = command_home(home, sizeof home);
    struct parallel parallel = parallel_all_cores();
    struct population_config config = population_defaults();
    struct people *people = &capacity->people;
    enum err code =
        people_load_data(options_text(options, "data"), has_home ? home : NULL, people, error);
    if (code != ERR_OK) {
        return code;
    }
    config.users = (int32_t)options_int(options, "users");
    config.seed = capacity->config.seed;
    code = population_build(&config, &people->data, &parallel, &people->population, error);
    if (code == ERR_OK) {
        seen_build(people->population, NULL, &parallel, &capacity->seen);
    }
    return code;
}

static enum err open_target(const struct options *options, struct capacity *capacity,
                            struct error *error)
{
    struct faults faults;
    size_t count;
    faults_init(&faults);
    enum err code =
        target_open(capacity->target_text, population_catalogue(capacity->people.population),
                    (int)options_int(options, "list-length"), &capacity->target, &faults, error);
    faults_print(&faults);
    faults_deinit(&faults);
    if (code != ERR_OK) {
        return code;
    }
    const struct request_shape *const *shapes = target_shapes(capacity->target, &count);
    capacity->stand.transport =
        transport_pick(options_text(options, "transport"), shapes, count, error);
    if (capacity->stand.transport == NULL) {
        return error != NULL ? error->code : ERR_USAGE;
    }
    if (!target_has(capacity->target)->ratings && !capacity->stand.lists_only) {
        log_write(LOG_INFO, "capacity", "%s takes no ratings: only lists are asked for",
                  target_name(capacity->target));
        capacity->stand.lists_only = true;
    }
    if (!target_has(capacity->target)->sources &&
        capacity_promises(&capacity->config.slo, SLO_FALLBACK)) {
        return error_set(error, ERR_USAGE, "--quality", 0,
                         "%s does not tell what proposed a film: nothing is known of fallbacks",
                         target_name(capacity->target));
    }
    return ERR_OK;
}

/* ---- the search ---- */

static json_t *describe_reference(const struct capacity *capacity)
{
    const struct capacity_stand *stand = &capacity->stand;
    const struct capacity_people *people = &stand->people;
    json_t *sources = json_array();
    for (int s = 0; s < stand->sources; s++) {
        json_array_append_new(sources, json_string(stand->source[s]));
    }
    return json_pack("{s:I,s:I,s:o,s:o,s:o,s:o,s:o,s:o}", "lists", (json_int_t)people->lists,
                     "people", (json_int_t)people->seen, "hit_rate_first",
                     document_number(people->hit_first), "hit_rate_change",
                     document_number(people->hit_change), "hit_rate_error",
                     document_number(people->hit_error), "known_steps",
                     people->worn ? json_integer(capacity_people_reach(people)) : json_null(),
                     "fallback_share", document_number(people->fallback_share), "sources", sources);
}

static json_t *describe_generator(const struct capacity *capacity)
{
    const struct capacity_stand *stand = &capacity->stand;
    json_t *proofs = json_array();
    for (int i = 0; i < capacity->proofs; i++) {
        json_array_append_new(proofs, capacity_proof_json(&capacity->proof[i]));
    }
    return json_pack("{s:s,s:s,s:i,s:i,s:i,s:f,s:f,s:o,s:I,s:o}", "transport",
                     stand->transport->name, "libcurl", curl_version(), "threads",
                     (int)stand->threads, "connections", stand->connections, "connections_most",
                     stand->connections > 0 ? stand->connections : stand->connections_most,
                     "timeout_s", (double)stand->timeout_ms * 1e-3, "think_median_s",
                     stand->think_median_s, "reference", describe_reference(capacity), "steps_made",
                     (json_int_t)stand->people.steps, "alone", proofs);
}

/* What the search itself cannot know. */
static void note_more(struct capacity *capacity)
{
    const struct capacity_people *people = &capacity->stand.people;
    bool compared = capacity_promises(&capacity->config.slo, SLO_HIT_RATE_KEPT);
    if (compared && people->steps > capacity_people_reach(people)) {
        capacity_note(&capacity->result,
                      "people were worn further than the reference shows, from then "
                      "on hit_rate_kept is not known: more --users");
    }
    for (int i = 0; i < capacity->proofs; i++) {
        char text[96];
        (void)snprintf(text, sizeof text, "the generator alone was not fit at %.5g/s",
                       capacity->proof[i].rate_per_s);
        if (!capacity->proof[i].fit) {
            capacity_note(&capacity->result, text);
        }
    }
}

static enum err write_reports(const struct options *options, const struct capacity *capacity,
                              const struct capacity_report *report, struct error *error)
{
    const char *json = options_text(options, "json"), *html = options_text(options, "html");
    for (int i = 0; i < capacity->proofs; i++) {
        capacity_proof_print(&capacity->proof[i]);
    }
    capacity_report_print(report);
    (void)fflush(stdout);
    enum err code = ERR_OK;
    if (json != NULL) {
        code = capacity_report_write_json(report, json, error);
    }
    if (code == ERR_OK && html != NULL) {
        code = capacity_report_write_html(report, html, error);
    }
    return code;
}

/* However the search ended, what it found by then is told: it may have taken hours. */
static enum err search_and_report(const struct options *options, struct capacity *capacity,
                                  struct error *error)
{
    enum err code = capacity_search(&capacity->config, &capacity->result, error);
    if (code == ERR_OK) {
        code = capacity_prove_again(options, capacity, error);
    }
    note_more(capacity);
    json_t *generator = describe_generator(capacity);
    struct capacity_report report = {.config = &capacity->config,
                                     .result = &capacity->result,
                                     .target = capacity->target_text,
                                     .data_name = capacity->people.data_name,
                                     .data_fingerprint = capacity->people.data.fingerprint,
                                     .people = population_users(capacity->people.population),
                                     .lists_only = capacity->stand.lists_only,
                                     .interrupted = code == ERR_INTERRUPTED,
                                     .started_unix_s = capacity->started_unix_s,
                                     .generator = generator};
    capacity_status_clear(&capacity->status);
    struct error unwritten = {0};
    enum err written = write_reports(options, capacity, &report, &unwritten);
    if (written != ERR_OK && code == ERR_OK) {
        code = written;
        *error = unwritten;
    } else if (written != ERR_OK) {
        log_write(LOG_ERROR, "capacity", "%s", unwritten.text);
    }
    if (code == ERR_OK) {
        code = capacity_report_verdict(&report, error);
    }
    json_decref(generator);
    return code;
}

static enum err prepare(const struct options *options, struct capacity *capacity,
                        struct error *error)
{
    struct capacity_stand *stand = &capacity->stand;
    enum err code = make_people(options, capacity, error);
    if (code == ERR_OK) {
        code = open_target(options, capacity, error);
    }
    if (code != ERR_OK) {
        return code;
    }
    stand->population = capacity->people.population;
    stand->target = capacity->target;
    stand->seen = capacity->seen;
    stand->interrupted = play_interrupted;
    stand->show = capacity_status_live;
    stand->show_context = &capacity->status;
    capacity_people_init(&stand->people, population_users(stand->population), stand->lists_only);
    capacity->config.trial = capacity_trial_play;
    capacity->config.trial_context = stand;
    capacity->config.progress = capacity_status_progress;
    capacity->config.progress_context = &capacity->status;
    capacity_status_init(&capacity->status);
    capacity->started_unix_s = clock_wall_ns() / CLOCK_NS_PER_S;
    int64_t from_ns = clock_mono_ns();
    code = capacity_reference(options, capacity, error);
    if (code == ERR_OK) {
        code = capacity_prove_first(options, capacity, error);
    }
    capacity->config.spent_s = (double)(clock_mono_ns() - from_ns) / (double)CLOCK_NS_PER_S;
    return code;
}

static enum err run_capacity(const struct options *options, struct error *error)
{
    struct capacity capacity = {0};
    enum err code = capacity_read_options(options, &capacity, error);
    if (code == ERR_OK) {
        code = prepare(options, &capacity, error);
    }
    if (code == ERR_OK) {
        code = search_and_report(options, &capacity, error);
    }
    capacity_result_deinit(&capacity.result);
    target_free(capacity.target);
    seen_deinit(&capacity.seen);
    people_deinit(&capacity.people);
    return code;
}

const struct command command_capacity = {
    .name = "capacity",
    .usage = "capacity --target URL|FILE [--slo LIST] [--quality LIST] [--want RATE] [options]",
    .summary = "find how many steps a second a recommender holds within what it promises",
    .options = capacity_options,
    .run = run_capacity,
};
