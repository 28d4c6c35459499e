#include "drill/render.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/yaml.h"
#include "drill/render_int.h"
#include "observe/rules.h"

#include <math.h>

#define SCRAPES_A_WINDOW 10 /* fewer say nothing of a rate (observe/rules.h) */

/* Whole seconds, at least one of what was one: Grafana takes no fractions here. */
static void divide_seconds(json_t *range, const char *key, int64_t time_scale)
{
    json_t *seconds = json_object_get(range, key);
    if (json_is_number(seconds)) {
        double divided = ceil(json_number_value(seconds) / (double)time_scale);
        json_object_set_new(range, key, json_integer((json_int_t)divided));
    }
}

static enum err divide_query(const struct render_provisioning *request, json_t *query,
                             struct error *error)
{
    json_t *range = json_object_get(query, "relativeTimeRange");
    json_t *model = json_object_get(query, "model");
    json_t *step = json_object_get(model, "intervalMs");
    const char *expr = json_string_value(json_object_get(model, "expr"));
    divide_seconds(range, "from", request->time_scale);
    divide_seconds(range, "to", request->time_scale);
    if (json_is_integer(step) && json_integer_value(step) > request->time_scale) {
        json_object_set_new(model, "intervalMs",
                            json_integer(json_integer_value(step) / request->time_scale));
    }
    if (expr == NULL) {
        return ERR_OK;
    }
    char *divided = rules_compress_expr(expr, request->time_scale,
                                        SCRAPES_A_WINDOW * request->scrape_ns, error);
    if (divided == NULL) {
        (void)text_copy(error->where, sizeof error->where, request->production);
        return error->code;
    }
    json_object_set_new(model, "expr", json_string(divided));
    mem_free(divided);
    return ERR_OK;
}

static enum err divide_rule(const struct render_provisioning *request, json_t *rule,
                            struct error *error)
{
    static const char *const keys[] = {"for", "keep_firing_for", "keepFiringFor"};
    enum err code = ERR_OK;
    size_t index;
    json_t *query;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0] && code == ERR_OK; i++) {
        code = render_divide(rule, keys[i], request->time_scale, request->production, error);
    }
    json_array_foreach(json_object_get(rule, "data"), index, query)
    {
        code = code == ERR_OK ? divide_query(request, query, error) : code;
    }
    return code;
}

/* A group is evaluated at whole ticks only. */
static bool keeps_tick(const json_t *group, int64_t time_scale)
{
    const char *text = json_string_value(json_object_get(group, "interval"));
    int64_t ns = 0;
    return text != NULL && text_to_duration_ns(text, &ns) && ns > 0 &&
           ns % (time_scale * RENDER_GRAFANA_TICK_NS) == 0;
}

static enum err divide_group(const struct render_provisioning *request, json_t *group,
                             struct error *error)
{
    size_t index;
    json_t *rule;
    enum err code =
        render_divide(group, "interval", request->time_scale, request->production, error);
    json_array_foreach(json_object_get(group, "rules"), index, rule)
    {
        code = code == ERR_OK ? divide_rule(request, rule, error) : code;
    }
    return code;
}

/* Drops the groups that would fall off the tick; the others are divided. */
static enum err divide_groups(const struct render_provisioning *request, json_t *document,
                              size_t *left_out, struct error *error)
{
    json_t *groups = json_object_get(document, "groups"), *kept = json_array(), *group;
    enum err code = ERR_OK;
    size_t index;
    json_array_foreach(groups, index, group)
    {
        if (!keeps_tick(group, request->time_scale)) {
            ++*left_out;
        } else if (code == ERR_OK) {
            code = divide_group(request, group, error);
            json_array_append(kept, group);
        }
    }
    json_object_set_new(document, "groups", kept);
    return code;
}

static enum err divide_sources(json_t *document, int64_t time_scale, const char *file,
                               struct error *error)
{
    enum err code = ERR_OK;
    size_t index;
    json_t *source;
    json_array_foreach(json_object_get(document, "datasources"), index, source)
    {
        json_t *details = json_object_get(source, "jsonData");
        code =
            code == ERR_OK ? render_divide(details, "timeInterval", time_scale, file, error) : code;
    }
    return code;
}

static void move_dashboards(json_t *document, const char *path)
{
    size_t index;
    json_t *provider;
    json_array_foreach(json_object_get(document, "providers"), index, provider)
    {
        json_t *options = json_object_get(provider, "options");
        if (json_object_get(options, "path") != NULL) {
            json_object_set_new(options, "path", json_string(path));
        }
    }
}

enum err render_provisioning(const struct render_provisioning *request, bool *written,
                             size_t *left_out, struct error *error)
{
    json_t *document = NULL;
    *written = false;
    enum err code = yaml_read_file(request->production, &document, NULL, error);
    if (code == ERR_OK) {
        code = divide_sources(document, request->time_scale, request->production, error);
    }
    if (code == ERR_OK && request->dashboards_path != NULL) {
        move_dashboards(document, request->dashboards_path);
    }
    bool has_groups = json_is_array(json_object_get(document, "groups"));
    if (code == ERR_OK && has_groups) {
        code = divide_groups(request, document, left_out, error);
    }
    if (code == ERR_OK &&
        (!has_groups || json_array_size(json_object_get(document, "groups")) > 0)) {
        *written = true;
        code = yaml_write_file(request->path, "# Rendered: durations divided by time_scale.\n",
                               document, error);
    }
    json_decref(document);
    return code;
}
