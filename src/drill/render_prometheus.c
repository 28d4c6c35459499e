#include "drill/render.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/fileio.h"
#include "base/text.h"
#include "base/yaml.h"
#include "drill/render_int.h"
#include "drill/scrape_job.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#define DEFAULT_INTERVAL_NS (60 * CLOCK_NS_PER_S)
#define LOOKBACK_NS (300 * CLOCK_NS_PER_S)
#define HEAD "# Rendered: durations divided by time_scale.\n"

enum err render_divide(json_t *object, const char *key, int64_t time_scale, const char *file,
                       struct error *error)
{
    const char *text = json_string_value(json_object_get(object, key));
    char divided[32];
    int64_t ns = 0;
    if (json_object_get(object, key) == NULL) {
        return ERR_OK;
    }
    if (text == NULL || !text_to_duration_ns(text, &ns)) {
        return error_set(error, ERR_INPUT, file, 0, "'%s': expected a duration, found '%s'", key,
                         text == NULL ? "no text" : text);
    }
    int64_t drill_ns = ns / time_scale / CLOCK_NS_PER_MS * CLOCK_NS_PER_MS;
    json_object_set_new(object, key,
                        json_string(text_from_duration_ns(drill_ns, divided, sizeof divided)));
    return ERR_OK;
}

static int64_t interval_ns(const json_t *section, const char *key, int64_t unsaid_ns)
{
    const char *text = json_string_value(json_object_get(section, key));
    int64_t ns = 0;
    return text != NULL && text_to_duration_ns(text, &ns) && ns > 0 ? ns : unsaid_ns;
}

/* A time to answer in is real time, like every latency: it is not divided, but may not outlast the
 * interval. */
static void cap_timeout(json_t *section, int64_t limit_ns)
{
    const char *text = json_string_value(json_object_get(section, "scrape_timeout"));
    char capped[32];
    int64_t ns = 0;
    if (text != NULL && text_to_duration_ns(text, &ns) && ns > limit_ns) {
        json_object_set_new(section, "scrape_timeout",
                            json_string(text_from_duration_ns(limit_ns, capped, sizeof capped)));
    }
}

/* `wide_ns`: production interval of scrapes where the section says none. */
static enum err divide_intervals(json_t *section, int64_t wide_ns, int64_t time_scale,
                                 const char *file, struct error *error)
{
    static const char *const keys[] = {"scrape_interval", "evaluation_interval"};
    int64_t scrape_ns = interval_ns(section, "scrape_interval", wide_ns);
    enum err code = ERR_OK;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0] && code == ERR_OK; i++) {
        code = render_divide(section, keys[i], time_scale, file, error);
    }
    cap_timeout(section, scrape_ns / time_scale / CLOCK_NS_PER_MS * CLOCK_NS_PER_MS);
    return code;
}

/* What Prometheus takes where nothing is said would not be divided. */
static void say_intervals(json_t *document)
{
    static const char *const keys[] = {"scrape_interval", "evaluation_interval"};
    if (!json_is_object(json_object_get(document, "global"))) {
        json_object_set_new(document, "global", json_object());
    }
    json_t *global = json_object_get(document, "global");
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        if (json_object_get(global, keys[i]) == NULL) {
            json_object_set_new(global, keys[i], json_string("1m"));
        }
    }
}

enum err render_prometheus(const char *production, int64_t time_scale, const char *path,
                           int64_t *scrape_ns, int64_t *evaluation_ns, struct error *error)
{
    json_t *document = NULL, *job;
    size_t index;
    enum err code = yaml_read_file(production, &document, NULL, error);
    if (code != ERR_OK) {
        return code;
    }
    if (!json_is_array(json_object_get(document, "scrape_configs"))) {
        code = error_set(error, ERR_INPUT, production, 0, "expected a list 'scrape_configs'");
    }
    say_intervals(document);
    json_t *global = json_object_get(document, "global");
    *scrape_ns = interval_ns(global, "scrape_interval", DEFAULT_INTERVAL_NS);
    *evaluation_ns = interval_ns(global, "evaluation_interval", DEFAULT_INTERVAL_NS);
    if (code == ERR_OK) {
        code = divide_intervals(global, *scrape_ns, time_scale, production, error);
    }
    json_array_foreach(json_object_get(document, "scrape_configs"), index, job)
    {
        if (code == ERR_OK) {
            code = divide_intervals(job, *scrape_ns, time_scale, production, error);
        }
    }
    if (code == ERR_OK) {
        json_object_set_new(document, "rule_files", json_pack("[s]", "rules/*.yml"));
        code = yaml_write_file(path, HEAD, document, error);
    }
    json_decref(document);
    return code;
}

/* What else the job says, such as its interval, stays; but how the former target was found goes,
 * also where nothing is said in its place. */
static void point_job(json_t *job, json_t *wanted)
{
    static const char *const old[] = {"scheme", "metrics_path", "params", "metric_relabel_configs"};
    for (size_t i = 0; i < sizeof old / sizeof old[0]; i++) {
        (void)json_object_del(job, old[i]);
    }
    json_object_update(job, wanted);
}

enum err render_prometheus_target(const char *path, const char *metrics_url, const json_t *relabel,
                                  struct error *error)
{
    json_t *document = NULL, *job, *wanted = scrape_job(SCRAPE_JOB_TARGET, metrics_url, relabel);
    size_t index;
    bool found = false;
    enum err code = yaml_read_file(path, &document, NULL, error);
    json_array_foreach(json_object_get(document, "scrape_configs"), index, job)
    {
        const char *name = json_string_value(json_object_get(job, "job_name"));
        if (name != NULL && strcmp(name, SCRAPE_JOB_TARGET) == 0) {
            found = true;
            point_job(job, wanted);
        }
    }
    if (code == ERR_OK) {
        code = found ? yaml_write_file(path, HEAD, document, error)
                     : error_set(error, ERR_INPUT, path, 0,
                                 "no job is called '" SCRAPE_JOB_TARGET "'");
    }
    json_decref(wanted);
    json_decref(document);
    return code;
}

enum err render_prometheus_flags(int64_t time_scale, const char *path, struct error *error)
{
    char lookback[32], flags[128] = "";
    if (time_scale > 1) {
        int64_t ns = LOOKBACK_NS / time_scale / CLOCK_NS_PER_MS * CLOCK_NS_PER_MS;
        (void)snprintf(flags, sizeof flags,
                       "--query.lookback-delta=%s\n--rules.alert.resend-delay=5s\n",
                       text_from_duration_ns(ns, lookback, sizeof lookback));
    }
    return file_write(path, flags, strlen(flags), error);
}
