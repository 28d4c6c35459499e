/*
 * The plan in a result file holds whatever decides what is played, and nothing else: two files
 * whose plans are equal are parts of one schedule. How a process played its part (threads, host,
 * transport) is the part's. Files that shape the schedule stand in it by a hash of what they say,
 * because on another machine they may lie elsewhere.
 */
#include "command/run_result.h"

#include "base/clock.h"
#include "base/fileio.h"
#include "base/rng.h"
#include "base/text.h"
#include "base/version.h"

#include <curl/curl.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#define SCHEDULE_FILE_MAX_BYTES ((size_t)1 << 30)
#define FORM "%016" PRIx64

/* ---- options ---- */

static char *look_up(const char *name)
{
    return getenv(name);
}

static enum err read_shard(const struct options *options, struct shard *out, struct error *error)
{
    const char *which = options_text(options, "shard");
    int64_t count = options_int(options, "shards");
    if (which != NULL && options_is_set(options, "shards")) {
        return error_set(error, ERR_USAGE, "--shards", 0,
                         "--shard says already how many there are");
    }
    if (which != NULL) {
        return shard_parse(which, out, error);
    }
    *out = (struct shard){0, 1};
    return count > 1 ? shard_from_environment((unsigned)count, look_up, out, error) : ERR_OK;
}

enum err run_sharing_read(const struct options *options, struct run_sharing *out,
                          struct error *error)
{
    double start_s = options_real(options, "start-at");
    *out = (struct run_sharing){.result_path = options_text(options, "result"),
                                .start_wall_ns = (int64_t)(start_s * 1e9)};
    return read_shard(options, &out->shard, error);
}

bool run_sharing_wanted(const struct run_sharing *sharing)
{
    return sharing->shard.count > 1 || sharing->start_wall_ns != 0 || sharing->result_path != NULL;
}

enum err run_sharing_start(const struct run_sharing *sharing, int64_t lead_ns,
                           int64_t *start_mono_ns, struct error *error)
{
    int64_t wall_ns = clock_wall_ns();
    *start_mono_ns = clock_mono_ns() + lead_ns;
    if (sharing->start_wall_ns == 0) {
        return ERR_OK;
    }
    if (sharing->start_wall_ns < wall_ns + lead_ns) {
        return error_set(error, ERR_INVALID, "--start-at", 0,
                         "that was %.1f s ago: the people were not ready in time",
                         (double)(wall_ns + lead_ns - sharing->start_wall_ns) * 1e-9);
    }
    *start_mono_ns += sharing->start_wall_ns - wall_ns - lead_ns;
    return ERR_OK;
}

/* ---- writing ---- */

/* A hash of what a file says; "" without a file, "?" if it cannot be read any more. */
static const char *hash_of(const char *path, char *out, size_t size)
{
    struct buf text;
    uint64_t hash = 0;
    out[0] = '\0';
    if (path == NULL) {
        return out;
    }
    buf_init(&text, SCHEDULE_FILE_MAX_BYTES);
    if (file_read(path, &text, NULL) != ERR_OK) {
        (void)snprintf(out, size, "?");
    } else {
        for (size_t i = 0; i < text.len; i++) {
            hash = rng_mix(hash, (unsigned char)text.data[i]);
        }
        (void)snprintf(out, size, FORM, hash);
    }
    buf_deinit(&text);
    return out;
}

static json_t *plan_json(const struct run_outcome *outcome)
{
    const struct run_settings *s = outcome->settings;
    const struct run_ways *w = outcome->ways;
    char data[24], scenario[24], visits[24];
    (void)snprintf(data, sizeof data, FORM, outcome->data_fingerprint);
    bool recorded = s->wish.arrivals == TRAFFIC_RECORDED;
    json_t *plan =
        json_pack("{s:s,s:s,s:f,s:I,s:i,s:i,s:I,s:i,s:f,s:f,s:f,s:I,s:s,s:s,s:s}", "version",
                  DRIFTDRILL_VERSION, "target", s->target, "rate", s->rate, "duration_ns",
                  (json_int_t)s->duration_ns, "people", (int)s->people, "newcomers",
                  (int)s->newcomers, "seed", (json_int_t)s->seed, "list_length", s->list_length,
                  "steps_per_visit", s->steps_per_visit, "think_median_s", s->think_median_s,
                  "think_sigma", s->think_sigma, "timeout_ms", (json_int_t)s->timeout_ms, "data",
                  data, "scenario", hash_of(s->scenario_path, scenario, sizeof scenario), "visits",
                  hash_of(recorded ? s->wish.file : NULL, visits, sizeof visits));
    json_t *traffic = json_pack(
        "{s:i,s:b,s:I,s:i,s:f,s:i,s:f,s:i,s:b,s:i,s:I}", "arrivals", (int)s->wish.arrivals,
        "by_activity", s->wish.by_activity, "day_ns", (json_int_t)s->wish.day_ns, "start_hour",
        (int)s->wish.start_hour, "joins_per_s", s->wish.joins_per_s, "leave_after",
        (int)s->wish.leaving.after_steps, "leave_probability", s->wish.leaving.probability,
        "closed_users", w->closed_users, "lists_only", w->lists_only, "patience",
        (int)w->patience.kind, "warmup_ns", (json_int_t)w->warmup_ns);
    json_object_update(plan, traffic);
    json_decref(traffic);
    return plan;
}

static json_t *part_json(const struct run_outcome *outcome, const struct run_sharing *sharing,
                         int64_t start_mono_ns)
{
    const struct run_settings *s = outcome->settings;
    struct utsname machine = {.release = "?"};
    int64_t start_wall_ns = clock_wall_ns() - (clock_mono_ns() - start_mono_ns);
    json_t *changes = json_array();
    (void)uname(&machine);
    for (int i = 0; i < outcome->result->rate_changes; i++) {
        const struct pace_change *change = &outcome->result->rate_change[i];
        json_array_append_new(changes,
                              json_pack("[I,f]", (json_int_t)change->at_ns, change->factor));
    }
    text_make_utf8(machine.nodename);
    return json_pack(
        "{s:i,s:s,s:s,s:s,s:i,s:s,s:i,s:i,s:s,s:I,s:I,s:b,s:b,s:f,s:o}", "shard",
        (int)sharing->shard.index, "data_name", outcome->data_name, "host", machine.nodename,
        "kernel", machine.release, "cores", (int)sysconf(_SC_NPROCESSORS_ONLN), "libcurl",
        curl_version(), "threads", (int)s->threads, "connections", s->connections, "transport",
        outcome->ways->transport, "start_unix_ns", (json_int_t)start_wall_ns, "played_ns",
        (json_int_t)outcome->played_ns, "interrupted", outcome->interrupted, "stopped",
        outcome->stopped, "cpu_s", outcome->cpu_s, "rate_changes", changes);
}

enum err run_result_write(const struct run_outcome *outcome, const struct run_sharing *sharing,
                          int64_t start_mono_ns, struct error *error)
{
    struct result_file file = {
        .shards = sharing->shard.count, .plan = plan_json(outcome), .parts = json_array()};
    file.result = *outcome->result; /* lent */
    json_array_append_new(file.parts, part_json(outcome, sharing, start_mono_ns));
    enum err code = ERR_MEMORY;
    if (file.plan == NULL || json_array_size(file.parts) != 1) {
        error_set(error, code, sharing->result_path, 0, "the plan cannot be written down");
    } else {
        code = result_write(&file, sharing->result_path, error);
    }
    json_decref(file.plan);
    json_decref(file.parts);
    return code;
}

/* ---- reading ---- */

static enum err read_plan(const json_t *plan, const char *path, struct run_merged *out,
                          struct error *error)
{
    struct run_settings *s = &out->settings;
    json_int_t duration_ns, seed, timeout_ms, day_ns, warmup_ns;
    int arrivals, by_activity, lists_only, patience;
    const char *data;
    json_error_t why;
    if (json_unpack_ex(
            (json_t *)plan, &why, 0,
            "{s:s,s:F,s:I,s:i,s:i,s:I,s:i,s:F,s:F,s:F,s:I,s:s,s:i,s:b,s:I,s:i,s:F,s:i,s:F,s:i,s:b,"
            "s:i,s:I}",
            "target", &s->target, "rate", &s->rate, "duration_ns", &duration_ns, "people",
            &s->people, "newcomers", &s->newcomers, "seed", &seed, "list_length", &s->list_length,
            "steps_per_visit", &s->steps_per_visit, "think_median_s", &s->think_median_s,
            "think_sigma", &s->think_sigma, "timeout_ms", &timeout_ms, "data", &data, "arrivals",
            &arrivals, "by_activity", &by_activity, "day_ns", &day_ns, "start_hour",
            &s->wish.start_hour, "joins_per_s", &s->wish.joins_per_s, "leave_after",
            &s->wish.leaving.after_steps, "leave_probability", &s->wish.leaving.probability,
            "closed_users", &out->ways.closed_users, "lists_only", &lists_only, "patience",
            &patience, "warmup_ns", &warmup_ns) != 0) {
        return error_set(error, ERR_INPUT, path, 0, "/plan: %s", why.text);
    }
    if (arrivals < 0 || arrivals > TRAFFIC_RECORDED || patience < 0 ||
        patience > PATIENCE_STUBBORN || duration_ns <= 0 || timeout_ms <= 0) {
        return error_set(error, ERR_INPUT, path, 0, "/plan: not the plan of a run");
    }
    s->duration_ns = duration_ns;
    s->seed = (uint64_t)seed;
    s->timeout_ms = (long)timeout_ms;
    s->wish.arrivals = (enum traffic_arrivals)arrivals;
    s->wish.by_activity = by_activity != 0;
    s->wish.day_ns = day_ns;
    out->ways.lists_only = lists_only != 0;
    out->ways.patience.kind = (enum patience_kind)patience;
    out->ways.warmup_ns = warmup_ns;
    out->outcome.data_fingerprint = strtoull(data, NULL, 16);
    return ERR_OK;
}

static enum err add_part(const json_t *part, const char *path, struct run_merged *out,
                         struct error *error)
{
    int threads, connections, interrupted, stopped;
    json_int_t played_ns, start_ns;
    double cpu_s;
    json_error_t why;
    if (json_unpack_ex((json_t *)part, &why, 0, "{s:s,s:i,s:i,s:s,s:I,s:I,s:b,s:b,s:F}",
                       "data_name", &out->outcome.data_name, "threads", &threads, "connections",
                       &connections, "transport", &out->ways.transport, "played_ns", &played_ns,
                       "start_unix_ns", &start_ns, "interrupted", &interrupted, "stopped", &stopped,
                       "cpu_s", &cpu_s) != 0) {
        return error_set(error, ERR_INPUT, path, 0, "/parts: %s", why.text);
    }
    if (threads < 1 || connections < 1 || played_ns < 0) {
        return error_set(error, ERR_INPUT, path, 0, "/parts: not the part of a run");
    }
    out->settings.threads += (unsigned)threads;
    out->settings.connections =
        connections > out->settings.connections ? connections : out->settings.connections;
    out->outcome.interrupted |= interrupted != 0;
    out->outcome.stopped |= stopped != 0;
    out->outcome.cpu_s += cpu_s;
    if (out->outcome.started_wall_ns == 0 || start_ns < out->outcome.started_wall_ns) {
        out->outcome.started_wall_ns = start_ns;
    }
    if (played_ns > out->outcome.played_ns) {
        out->outcome.played_ns = played_ns;
    }
    return ERR_OK;
}

enum err run_result_describe(const struct result_file *file, const char *path,
                             struct run_merged *out, struct error *error)
{
    size_t i;
    json_t *part;
    *out = (struct run_merged){.settings = {.phase_count = 1}};
    enum err code = read_plan(file->plan, path, out, error);
    json_array_foreach(file->parts, i, part)
    {
        if (code == ERR_OK) {
            code = add_part(part, path, out, error);
        }
    }
    out->outcome.share = (double)json_array_size(file->parts) / file->shards;
    out->outcome.settings = &out->settings;
    out->outcome.ways = &out->ways;
    out->outcome.result = &file->result;
    return code;
}

double run_result_skew_s(const struct result_file *file)
{
    json_int_t first = INT64_MAX, last = INT64_MIN;
    size_t i;
    json_t *part;
    json_array_foreach(file->parts, i, part)
    {
        json_int_t start = json_integer_value(json_object_get(part, "start_unix_ns"));
        first = start < first ? start : first;
        last = start > last ? start : last;
    }
    return last > first ? ((double)last - (double)first) * 1e-9 : 0;
}
