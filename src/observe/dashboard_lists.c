/* The parts of a dashboard around its panels: variables, links, annotations. */
#include "base/mem.h"
#include "base/text.h"
#include "observe/dashboard_int.h"
#include "observe/interval.h"

#include <string.h>

#define ALL "$__all"

/* "value" of a choice is a text or a list of them; numbers are not written by Grafana. */
static size_t read_values(const json_t *value, const char ***out)
{
    size_t count = 0;
    size_t index;
    const json_t *one;
    *out = mem_array(json_array_size(value) + 1, sizeof **out);
    if (json_is_string(value) && *json_string_value(value) != '\0') {
        (*out)[count++] = json_string_value(value);
    }
    json_array_foreach(value, index, one)
    {
        if (json_is_string(one)) {
            (*out)[count++] = json_string_value(one);
        }
    }
    return count;
}

static void read_choices(struct dashboard_reader *reader, const char *pointer, const json_t *json,
                         struct dashboard_variable *out)
{
    size_t index;
    const json_t *option;
    const json_t *options = dashboard_list(reader, pointer, json, "options");
    out->current_count =
        read_values(json_object_get(json_object_get(json, "current"), "value"), &out->current);
    out->option = mem_array(json_array_size(options) + 1, sizeof *out->option);
    json_array_foreach(options, index, option)
    {
        const char *value = dashboard_text(NULL, "", option, "value", "");
        if (*value != '\0' && strcmp(value, ALL) != 0) {
            out->option[out->option_count++] = value;
        }
    }
}

static void read_variable(struct dashboard_reader *reader, const char *pointer, const json_t *json,
                          const struct dashboard *dashboard, struct dashboard_variable *out)
{
    const json_t *query = json_object_get(json, "query");
    dashboard_copy_text(reader, pointer, json, "name", out->name, sizeof out->name);
    dashboard_copy_text(reader, pointer, json, "type", out->type, sizeof out->type);
    out->query = json_is_object(query) ? dashboard_text(reader, pointer, query, "query", "")
                                       : dashboard_text(reader, pointer, json, "query", "");
    out->all_value = dashboard_text(reader, pointer, json, "allValue", NULL);
    if (out->all_value != NULL && *out->all_value == '\0') {
        out->all_value = NULL;
    }
    out->multi = dashboard_bool(reader, pointer, json, "multi", false);
    out->include_all = dashboard_bool(reader, pointer, json, "includeAll", false);
    read_choices(reader, pointer, json, out);
    out->line = dashboard_line(dashboard, pointer);
    if (out->name[0] == '\0') {
        dashboard_fault(reader, pointer, "expected a variable with a name");
    }
}

void dashboard_variables_read(struct dashboard_reader *reader, const json_t *root,
                              struct dashboard *out)
{
    size_t index;
    const json_t *variable;
    char path[DASHBOARD_POINTER_BYTES];
    const json_t *list =
        dashboard_list(reader, "/templating", json_object_get(root, "templating"), "list");
    out->variable = mem_zalloc(json_array_size(list) + 1, sizeof *out->variable);
    json_array_foreach(list, index, variable)
    {
        struct dashboard_variable *to = &out->variable[out->variable_count];
        (void)dashboard_below_index(path, "/templating/list", index);
        read_variable(reader, path, variable, out, to);
        if (to->name[0] != '\0' && dashboard_variable_find(out, to->name) != NULL) {
            dashboard_fault(reader, path, "expected a name of its own, got %s twice", to->name);
        }
        out->variable_count++;
    }
}

static void read_link(struct dashboard_reader *reader, const char *pointer, const json_t *json,
                      const struct dashboard_panel *panel, struct dashboard *out)
{
    size_t index;
    const json_t *tag;
    out->link = mem_resize(out->link, out->link_count + 1, sizeof *out->link);
    struct dashboard_link *to = &out->link[out->link_count++];
    *to = (struct dashboard_link){
        .title = dashboard_text(reader, pointer, json, "title", ""),
        .url = dashboard_text(reader, pointer, json, "url", ""),
        .panel = panel,
        .keep_time = dashboard_bool(reader, pointer, json, "keepTime", false),
        .include_vars = dashboard_bool(reader, pointer, json, "includeVars", false),
        .line = dashboard_line(out, pointer)};
    dashboard_copy_text(reader, pointer, json, "type", to->type, sizeof to->type);
    if (to->type[0] == '\0') {
        (void)text_copy(to->type, sizeof to->type, "link");
    }
    const json_t *tags = dashboard_list(reader, pointer, json, "tags");
    to->tag = mem_array(json_array_size(tags) + 1, sizeof *to->tag);
    json_array_foreach(tags, index, tag)
    {
        if (json_is_string(tag)) {
            to->tag[to->tag_count++] = json_string_value(tag);
        }
    }
}

static void read_links(struct dashboard_reader *reader, const char *pointer, const json_t *object,
                       const struct dashboard_panel *panel, struct dashboard *out)
{
    size_t index;
    const json_t *link;
    char path[DASHBOARD_POINTER_BYTES];
    char below[DASHBOARD_POINTER_BYTES];
    const json_t *links = dashboard_list(reader, pointer, object, "links");
    (void)dashboard_below(path, pointer, "links");
    json_array_foreach(links, index, link)
    {
        read_link(reader, dashboard_below_index(below, path, index), link, panel, out);
    }
}

void dashboard_links_read(struct dashboard_reader *reader, const json_t *root,
                          struct dashboard *out)
{
    read_links(reader, "", root, NULL, out);
    for (size_t i = 0; i < out->panel_count; i++) {
        char path[DASHBOARD_POINTER_BYTES];
        const struct dashboard_panel *panel = &out->panel[i];
        const json_t *config = json_object_get(panel->json, "fieldConfig");
        read_links(reader, panel->pointer, panel->json, panel, out);
        read_links(reader, dashboard_below(path, panel->pointer, "fieldConfig/defaults"),
                   json_object_get(config, "defaults"), panel, out);
    }
}

void dashboard_annotations_read(struct dashboard_reader *reader, const json_t *root,
                                struct dashboard *out)
{
    size_t index;
    const json_t *annotation;
    char path[DASHBOARD_POINTER_BYTES];
    char step_path[DASHBOARD_POINTER_BYTES];
    const json_t *list =
        dashboard_list(reader, "/annotations", json_object_get(root, "annotations"), "list");
    out->annotation = mem_zalloc(json_array_size(list) + 1, sizeof *out->annotation);
    json_array_foreach(list, index, annotation)
    {
        struct dashboard_annotation *to = &out->annotation[out->annotation_count++];
        (void)dashboard_below_index(path, "/annotations/list", index);
        dashboard_copy_text(reader, path, annotation, "name", to->name, sizeof to->name);
        to->expr = dashboard_text(reader, path, annotation, "expr", "");
        to->enable = dashboard_bool(reader, path, annotation, "enable", true);
        to->line = dashboard_line(out, path);
        const char *step = dashboard_text(reader, path, annotation, "step", "");
        if (*step != '\0' && strchr(step, '$') == NULL && !interval_read_ms(step, &to->step_ms)) {
            dashboard_fault(reader, dashboard_below(step_path, path, "step"),
                            "expected one number and one unit such as 30s, got %s", step);
        }
    }
}
