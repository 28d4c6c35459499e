/*
 * Everything is read twice: first what rules record and which dashboards there are, because a rule
 * may read what a later file records and a link may lead to a later dashboard; then each file is
 * judged with that.
 */
#include "command/check_watch.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/fileio.h"
#include "base/http.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "base/text.h"
#include "observe/lint_dashboard.h"
#include "observe/lint_links.h"
#include "observe/lint_rules.h"
#include "observe/prometheus.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define SCRAPE_NS (15 * CLOCK_NS_PER_S)
#define EXPOSITION_MAX_BYTES ((size_t)64 << 20)
#define QUERY_MAX_BYTES 8192
#define TIMEOUT_MS 10000

struct work {
    const struct check_watch *watch;
    struct lint_series *series;
    json_t *boards; /* as lint_boards_add makes them */
    json_t *seen;   /* uids and titles */
    struct prometheus *prometheus;
    json_t *answers; /* selector -> whether it matched */
    double now_s;
    struct error failure; /* the first of Prometheus' */
};

static bool is_url(const char *text)
{
    return text_starts(text, "http://") || text_starts(text, "https://");
}

static enum err expose_text(struct work *work, const char *job, const char *name,
                            const struct buf *text, struct error *error)
{
    struct metrics_snapshot *snapshot = NULL;
    enum err code = metrics_parse(name, text->data, text->len, &snapshot, error);
    if (code == ERR_OK) {
        lint_series_expose(work->series, job, snapshot);
        metrics_snapshot_free(snapshot);
    }
    return code;
}

static enum err expose_url(struct work *work, const char *job, const char *url, struct error *error)
{
    struct http *http = http_new();
    struct http_reply reply = {0};
    buf_init(&reply.body, EXPOSITION_MAX_BYTES);
    enum err code = http_get(http, url, TIMEOUT_MS, &reply, error);
    if (code == ERR_OK && reply.status != 200) {
        code = error_set(error, ERR_NETWORK, url, 0, "answered %ld", reply.status);
    }
    if (code == ERR_OK) {
        code = expose_text(work, job, url, &reply.body, error);
    }
    buf_deinit(&reply.body);
    http_free(http);
    return code;
}

static enum err expose_files(struct work *work, const char *job, const char *pattern,
                             struct error *error)
{
    char **paths = NULL;
    size_t count = 0;
    enum err code = file_glob(pattern, &paths, &count, error);
    if (code == ERR_OK && count == 0) {
        code = error_set(error, ERR_USAGE, pattern, 0, "no such exposition");
    }
    for (size_t i = 0; code == ERR_OK && i < count; i++) {
        struct buf text;
        buf_init(&text, EXPOSITION_MAX_BYTES);
        code = file_read(paths[i], &text, error);
        if (code == ERR_OK) {
            code = expose_text(work, job, paths[i], &text, error);
        }
        buf_deinit(&text);
    }
    file_glob_free(paths, count);
    return code;
}

/* [JOB=]FILE or [JOB=]URL; what stands before = is a name if it is no part of a path. */
static enum err expose_one(struct work *work, char *text, struct error *error)
{
    char *equal = text + strcspn(text, "=/:");
    const char *job = NULL;
    if (*equal == '=') {
        *equal = '\0';
        job = text;
        text = equal + 1;
    }
    return is_url(text) ? expose_url(work, job, text, error) : expose_files(work, job, text, error);
}

static enum err expose_all(struct work *work, const char *metrics, struct error *error)
{
    enum err code = ERR_OK;
    char *list = mem_text(metrics != NULL ? metrics : "");
    char *rest = list;
    for (char *one; code == ERR_OK && (one = strsep(&rest, ",")) != NULL;) {
        if (*one != '\0') {
            code = expose_one(work, one, error);
        }
    }
    mem_free(list);
    return code;
}

static void collect_rules(struct work *work, const struct check_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        json_t *document = NULL;
        if (list->file[i].readable &&
            yaml_read_file(list->file[i].path, &document, NULL, NULL) == ERR_OK) {
            lint_rules_collect(work->series, document);
            json_decref(document);
        }
    }
}

static void collect_boards(struct work *work, const struct check_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        json_t *document = json_load_file(list->file[i].path, 0, NULL);
        lint_boards_add(work->boards, document);
        json_decref(document);
    }
}

/* Asked once for a selector; with an error nothing more is asked, and nobody blamed. */
static bool matched(void *context, const char *selector)
{
    struct work *work = context;
    struct buf query;
    double value = 0;
    bool found = false;
    json_t *known = json_object_get(work->answers, selector);
    if (known != NULL || work->failure.code != ERR_OK) {
        return known == NULL || json_is_true(known);
    }
    buf_init(&query, QUERY_MAX_BYTES);
    (void)buf_printf(&query, "count(count_over_time(%s[1h]))", selector);
    enum err code =
        prometheus_value(work->prometheus, query.data, work->now_s, &value, &found, &work->failure);
    buf_deinit(&query);
    (void)json_object_set_new(work->answers, selector, json_boolean(found));
    return code != ERR_OK || found;
}

static bool folder_has(const char *folder, const char *name)
{
    char path[PATH_MAX];
    return text_join_path(path, sizeof path, folder, name) && file_exists(path);
}

/* The folder at or above `path` that has docs/runbooks, in place; false if none has. */
static bool find_runbooks(char *path)
{
    for (char *slash; (slash = strrchr(path, '/')) != NULL && slash != path;) {
        *slash = '\0';
        if (folder_has(path, "docs/runbooks")) {
            return true;
        }
    }
    return false;
}

/* A runbook of this repository, or of the one the rules lie in, by its path; nobody can say whether
 * any other is there. */
static bool runbook(void *context, const char *file, const char *url)
{
    const struct work *work = context;
    char folder[PATH_MAX], name[512];
    const char *tail = strstr(url, "docs/runbooks/");
    if (tail == NULL || strstr(url, "{{") != NULL || !text_copy(name, sizeof name, tail)) {
        return true;
    }
    name[strcspn(name, "#?")] = '\0';
    if (realpath(file, folder) != NULL && find_runbooks(folder)) {
        return folder_has(folder, name);
    }
    return !folder_has(work->watch->home, "docs/runbooks") || folder_has(work->watch->home, name);
}

static struct lint lint_of(struct work *work, struct check_file *file)
{
    return (struct lint){.series = work->series,
                         .scrape_ns = SCRAPE_NS,
                         .faults = &file->faults,
                         .warnings = &file->warnings,
                         .matched = work->prometheus != NULL ? matched : NULL,
                         .runbook = runbook,
                         .context = work};
}

static void judge_rules(struct work *work, struct check_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        struct check_file *file = &list->file[i];
        struct yaml_lines *lines = NULL;
        json_t *document = file->readable ? check_file_read(file, &lines) : NULL;
        struct lint lint = lint_of(work, file);
        if (document != NULL) {
            lint_rules(&lint, file->path, document, lines, work->boards);
        }
        json_decref(document);
        yaml_lines_free(lines);
    }
}

static void judge_dashboards(struct work *work, struct check_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        struct check_file *file = &list->file[i];
        struct yaml_lines *lines = NULL;
        json_t *document = check_file_read_json(file, &lines);
        struct lint lint = lint_of(work, file);
        lint.ten_scrapes = true;
        if (document != NULL) {
            lint_dashboard(&lint, file->path, document, lines, work->boards, work->seen);
        }
        json_decref(document);
        yaml_lines_free(lines);
    }
}

static enum err ask_prometheus(struct work *work, struct error *error)
{
    const char *url = work->watch->prometheus;
    if (url == NULL) {
        return ERR_OK;
    }
    work->prometheus = prometheus_new(url);
    work->now_s = (double)clock_wall_ns() / (double)CLOCK_NS_PER_S;
    if (!prometheus_ready(work->prometheus)) {
        return error_set(error, ERR_NETWORK, url, 0, "no Prometheus is ready there");
    }
    return ERR_OK;
}

enum err check_watchers(const struct check_watch *watch, struct error *error)
{
    struct work work = {.watch = watch,
                        .series = lint_series_new(),
                        .boards = json_object(),
                        .seen = json_object(),
                        .answers = json_object()};
    enum err code = expose_all(&work, watch->metrics, error);
    if (code == ERR_OK) {
        code = ask_prometheus(&work, error);
    }
    if (code == ERR_OK) {
        collect_rules(&work, watch->rules);
        lint_series_settle(work.series);
        collect_boards(&work, watch->known);
        collect_boards(&work, watch->dashboards);
        judge_rules(&work, watch->rules);
        judge_rules(&work, watch->alternatives);
        judge_dashboards(&work, watch->dashboards);
        if (work.failure.code != ERR_OK) {
            *error = work.failure;
            code = work.failure.code;
        }
    }
    prometheus_free(work.prometheus);
    lint_series_free(work.series);
    json_decref(work.boards);
    json_decref(work.seen);
    json_decref(work.answers);
    return code;
}
