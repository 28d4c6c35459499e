#include "drill/render.h"

#include "base/yaml.h"
#include "drill/render_int.h"

#include <jansson.h>
#include <stdbool.h>

static enum err compress_route(json_t *route, int64_t time_scale, const char *file,
                               struct error *error)
{
    static const char *const keys[] = {"group_wait", "group_interval", "repeat_interval"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        enum err code = render_divide(route, keys[i], time_scale, file, error);
        if (code != ERR_OK) {
            return code;
        }
    }
    size_t index;
    json_t *child;
    json_array_foreach(json_object_get(route, "routes"), index, child)
    {
        enum err code = compress_route(child, time_scale, file, error);
        if (code != ERR_OK) {
            return code;
        }
    }
    return ERR_OK;
}

static bool has_named_receivers(const json_t *document)
{
    const json_t *receivers = json_object_get(document, "receivers");
    for (size_t i = 0; i < json_array_size(receivers); i++) {
        if (!json_is_string(json_object_get(json_array_get(receivers, i), "name"))) {
            return false;
        }
    }
    return json_array_size(receivers) > 0;
}

static void point_receivers_at(json_t *document, const char *url)
{
    size_t index;
    json_t *receiver;
    json_t *rendered = json_array();
    json_array_foreach(json_object_get(document, "receivers"), index, receiver)
    {
        json_array_append_new(
            rendered, json_pack("{s:O,s:[{s:s,s:b}]}", "name", json_object_get(receiver, "name"),
                                "webhook_configs", "url", url, "send_resolved", 1));
    }
    json_object_set_new(document, "receivers", rendered);
}

enum err render_alertmanager(const char *production, int64_t time_scale, const char *webhook_url,
                             const char *path, struct error *error)
{
    json_t *document = NULL;
    enum err code = yaml_read_file(production, &document, NULL, error);
    if (code != ERR_OK) {
        return code;
    }
    json_t *route = json_object_get(document, "route");
    if (!json_is_object(route) || !has_named_receivers(document)) {
        code = error_set(error, ERR_INPUT, production, 0,
                         "expected 'route' and 'receivers', each of these with a name");
    } else {
        code = compress_route(route, time_scale, production, error);
    }
    if (code == ERR_OK && webhook_url != NULL) {
        json_object_del(document, "templates");
        point_receivers_at(document, webhook_url);
    }
    if (code == ERR_OK) {
        code = yaml_write_file(path,
                               webhook_url == NULL
                                   ? "# Rendered: durations divided by time_scale.\n"
                                   : "# Rendered for this drill: durations divided by time_scale, "
                                     "every receiver is the drill.\n",
                               document, error);
    }
    json_decref(document);
    return code;
}
