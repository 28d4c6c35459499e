/*
 * A dashboard for a drill: the same file with its durations divided. The JSON is changed in place
 * and written whole, so that what is not known here (options of panels, links) stays as it was. All
 * faults are collected, and with any nothing is written.
 */
#include "base/document.h"
#include "base/fileio.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/yaml.h"
#include "observe/dashboard_int.h"
#include "observe/interval.h"
#include "observe/rules.h"

#include <assert.h>
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define RENDERED_DIGITS 15 /* a double's decimal digits that always survive */
#define FILE_BYTES_MAX ((size_t)16 << 20)
#define ROW_DEPTH_MAX 2
#define REFRESH_MS_MIN 5000 /* Grafana's min_refresh_interval, unless it is told otherwise */

struct renderer {
    struct dashboard_reader reader;
    int64_t time_scale, min_range_ns;
};

/* "30s", also behind `before` ("now-6h"); variables and absolute times stay. */
static void divide(struct renderer *renderer, const char *pointer, json_t *object, const char *key,
                   const char *before)
{
    char path[DASHBOARD_POINTER_BYTES];
    char divided[48];
    char text[96];
    int64_t ms;
    const char *written = json_string_value(json_object_get(object, key));
    if (written == NULL || !text_starts(written, before)) {
        return;
    }
    const char *at = written + strlen(before);
    if (*at == '\0' || strchr(at, '$') != NULL || strstr(at, "[[") != NULL) {
        return;
    }
    (void)dashboard_below(path, pointer, key);
    if (!interval_read_ms(at, &ms)) {
        dashboard_fault(&renderer->reader, path,
                        "expected one number and one unit such as 30s, got %s", at);
    } else if (ms % renderer->time_scale != 0) {
        dashboard_fault(&renderer->reader, path,
                        "%s divided by %" PRId64 " is not a whole number of milliseconds", at,
                        renderer->time_scale);
    } else {
        (void)interval_write_ms(ms / renderer->time_scale, divided, sizeof divided);
        (void)snprintf(text, sizeof text, "%s%s%s", before, *at == '>' ? ">" : "", divided);
        (void)json_object_set_new(object, key, json_string(text));
    }
}

static void compress_expr(struct renderer *renderer, const char *pointer, json_t *object)
{
    char path[DASHBOARD_POINTER_BYTES];
    struct error error = {.code = ERR_OK};
    const char *expr = json_string_value(json_object_get(object, "expr"));
    if (expr == NULL || *expr == '\0') {
        return;
    }
    char *compressed =
        rules_compress_template(expr, renderer->time_scale, renderer->min_range_ns, &error);
    (void)dashboard_below(path, pointer, "expr");
    if (compressed == NULL) {
        dashboard_fault(&renderer->reader, path, "%s", error.text);
    } else {
        (void)json_object_set_new(object, "expr", json_string(compressed));
        mem_free(compressed);
    }
}

static void render_panels(struct renderer *renderer, const char *pointer, json_t *panels, int depth)
{
    size_t index;
    size_t target_index;
    json_t *panel;
    json_t *target;
    char path[DASHBOARD_POINTER_BYTES];
    char list_path[DASHBOARD_POINTER_BYTES];
    char below[DASHBOARD_POINTER_BYTES];
    json_array_foreach(panels, index, panel)
    {
        (void)dashboard_below_index(path, pointer, index);
        divide(renderer, path, panel, "interval", "");
        divide(renderer, path, panel, "timeFrom", "");
        divide(renderer, path, panel, "timeShift", "");
        (void)dashboard_below(list_path, path, "targets");
        json_array_foreach(json_object_get(panel, "targets"), target_index, target)
        {
            (void)dashboard_below_index(below, list_path, target_index);
            compress_expr(renderer, below, target);
            divide(renderer, below, target, "interval", "");
        }
        if (depth < ROW_DEPTH_MAX) {
            render_panels(renderer, dashboard_below(below, path, "panels"),
                          json_object_get(panel, "panels"), depth + 1);
        }
    }
}

static void render_annotations(struct renderer *renderer, json_t *root)
{
    size_t index;
    json_t *annotation;
    char path[DASHBOARD_POINTER_BYTES];
    json_array_foreach(json_object_get(json_object_get(root, "annotations"), "list"), index,
                       annotation)
    {
        (void)dashboard_below_index(path, "/annotations/list", index);
        compress_expr(renderer, path, annotation);
        divide(renderer, path, annotation, "step", "");
    }
}

/* A choice may also be a word ("auto"). */
static void divide_choice(struct renderer *renderer, const char *pointer, json_t *object,
                          const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    if (text != NULL && isdigit((unsigned char)*text)) {
        divide(renderer, pointer, object, key, "");
    }
}

/* The choices of an interval variable: its list, what is chosen, and the options made of the list.
 */
static void render_interval_query(struct renderer *renderer, const char *pointer, json_t *variable)
{
    struct buf out;
    const char *at = json_string_value(json_object_get(variable, "query"));
    buf_init(&out, FILE_BYTES_MAX);
    while (at != NULL && *at != '\0') {
        size_t len = strcspn(at, ",");
        json_t *one = json_pack("{s:s%}", "query", at, len);
        divide_choice(renderer, pointer, one, "query");
        (void)buf_printf(&out, "%s%s", out.len > 0 ? "," : "",
                         json_string_value(json_object_get(one, "query")));
        json_decref(one);
        at += len + (at[len] == ',');
    }
    if (out.len > 0) {
        (void)json_object_set_new(variable, "query", json_string(out.data));
    }
    buf_deinit(&out);
}

static void render_variables(struct renderer *renderer, json_t *root)
{
    size_t index;
    size_t option_index;
    json_t *variable;
    json_t *option;
    char path[DASHBOARD_POINTER_BYTES];
    json_array_foreach(json_object_get(json_object_get(root, "templating"), "list"), index,
                       variable)
    {
        const char *type = json_string_value(json_object_get(variable, "type"));
        if (type == NULL || strcmp(type, "interval") != 0) {
            continue;
        }
        (void)dashboard_below_index(path, "/templating/list", index);
        render_interval_query(renderer, path, variable);
        json_t *current = json_object_get(variable, "current");
        divide_choice(renderer, path, current, "value");
        divide_choice(renderer, path, current, "text");
        json_array_foreach(json_object_get(variable, "options"), option_index, option)
        {
            divide_choice(renderer, path, option, "value");
            divide_choice(renderer, path, option, "text");
        }
    }
}

/* Off, or a duration; of what is not a duration Grafana makes nothing either. */
static void render_refresh(const struct renderer *renderer, json_t *root)
{
    char text[48];
    int64_t ms;
    const char *written = json_string_value(json_object_get(root, "refresh"));
    if (renderer->time_scale == 1 || written == NULL || !interval_read_ms(written, &ms)) {
        return;
    }
    int64_t floor = ms < REFRESH_MS_MIN ? ms : REFRESH_MS_MIN;
    ms /= renderer->time_scale;
    (void)interval_write_ms(ms > floor ? ms : floor, text, sizeof text);
    (void)json_object_set_new(root, "refresh", json_string(text));
}

/* Titles and descriptions of panels speak of production time; the dashboard says how to read them.
 */
static void render_title(const struct renderer *renderer, json_t *root)
{
    const char *title = json_string_value(json_object_get(root, "title"));
    const char *description = json_string_value(json_object_get(root, "description"));
    if (renderer->time_scale == 1 || title == NULL) {
        return;
    }
    description = description != NULL ? description : "";
    json_t *said = json_sprintf(
        "%s%sA drill: time runs %" PRId64 " times as fast as the texts here say.", description,
        *description == '\0'                                          ? ""
        : strchr(".?!", description[strlen(description) - 1]) != NULL ? " "
                                                                      : ". ",
        renderer->time_scale);
    (void)json_object_set_new(root, "title",
                              json_sprintf("%s (time x %" PRId64 ")", title, renderer->time_scale));
    (void)json_object_set_new(root, "description", said);
}

static void render_root(struct renderer *renderer, json_t *root)
{
    json_t *time = json_object_get(root, "time");
    divide(renderer, "/time", time, "from", "now-");
    divide(renderer, "/time", time, "to", "now-");
    render_panels(renderer, "/panels", json_object_get(root, "panels"), 0);
    render_annotations(renderer, root);
    render_variables(renderer, root);
    render_refresh(renderer, root);
    render_title(renderer, root);
}

/* A file that is no dashboard is refused as dashboard_read does, before anything is divided. */
static enum err render_text(const char *path, const struct buf *text, struct renderer *renderer,
                            const char *out_path, struct error *error)
{
    struct dashboard dashboard;
    enum err code = dashboard_read_text(path, text->len > 0 ? text->data : "", text->len,
                                        &dashboard, renderer->reader.faults, error);
    if (code != ERR_OK) {
        return code;
    }
    renderer->reader.lines = dashboard.lines;
    render_root(renderer, dashboard.json);
    code = renderer->reader.fault_count > 0
               ? error_set(error, ERR_INPUT, path, 0, "%zu faults", renderer->reader.fault_count)
               : document_write(dashboard.json, RENDERED_DIGITS, out_path, error);
    dashboard_deinit(&dashboard);
    return code;
}

enum err dashboard_render(const char *path, int64_t time_scale, int64_t min_range_ns,
                          const char *out_path, struct faults *faults, struct error *error)
{
    struct buf text;
    struct renderer renderer = {.reader = {.name = path, .faults = faults},
                                .time_scale = time_scale,
                                .min_range_ns = min_range_ns};
    assert(time_scale >= 1);
    buf_init(&text, FILE_BYTES_MAX);
    enum err code = file_read(path, &text, error);
    if (code == ERR_OK) {
        code = render_text(path, &text, &renderer, out_path, error);
    }
    buf_deinit(&text);
    return code;
}
