/* Grafana's addresses: [HOST]/d/UID[/SLUG][?viewPanel=N&var-NAME=...]. */
#include "observe/lint_links.h"

#include "base/text.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define UID_BYTES 64

static json_t *name_set(json_t *board, const char *key)
{
    json_t *set = json_object();
    (void)json_object_set_new(board, key, set);
    return set;
}

/* Every name in the panel's queries that can be one of a series; labels are no harm. */
static json_t *names_of(const json_t *panel)
{
    json_t *names = json_object();
    size_t index;
    json_t *target;
    json_array_foreach(json_object_get(panel, "targets"), index, target)
    {
        const char *at = json_string_value(json_object_get(target, "expr"));
        while (at != NULL && *at != '\0') {
            char name[LINT_NAME_BYTES];
            size_t len = 0;
            if (*at == '"' || *at == '\'' || *at == '`') {
                len = 1 + strcspn(at + 1, (char[]){*at, '\0'});
                at += at[len] != '\0' ? len + 1 : len;
                continue;
            }
            while (isalnum((unsigned char)at[len]) || at[len] == '_' || at[len] == ':') {
                len++;
            }
            if (len > 0 && len < sizeof name && !isdigit((unsigned char)*at)) {
                (void)snprintf(name, sizeof name, "%.*s", (int)len, at);
                (void)json_object_set_new(names, name, json_true());
            }
            at += len > 0 ? len : 1;
        }
    }
    return names;
}

static void add_panels(json_t *ids, const json_t *panels)
{
    size_t index;
    json_t *panel;
    json_array_foreach(panels, index, panel)
    {
        char text[24];
        json_t *id = json_object_get(panel, "id");
        if (json_is_integer(id)) {
            (void)snprintf(text, sizeof text, "%lld", (long long)json_integer_value(id));
            (void)json_object_set_new(ids, text, names_of(panel));
        }
        add_panels(ids, json_object_get(panel, "panels")); /* of a row that is folded */
    }
}

void lint_boards_add(json_t *boards, const json_t *dashboard)
{
    const char *uid = json_string_value(json_object_get(dashboard, "uid"));
    const json_t *list = json_object_get(json_object_get(dashboard, "templating"), "list");
    size_t index;
    json_t *item;
    if (uid == NULL || *uid == '\0') {
        return;
    }
    json_t *board = json_object();
    (void)json_object_set_new(boards, uid, board);
    json_t *variables = name_set(board, "variables");
    json_t *tags = name_set(board, "tags");
    add_panels(name_set(board, "ids"), json_object_get(dashboard, "panels"));
    json_array_foreach(list, index, item)
    {
        const char *name = json_string_value(json_object_get(item, "name"));
        if (name != NULL) {
            (void)json_object_set_new(variables, name, json_true());
        }
    }
    json_array_foreach(json_object_get(dashboard, "tags"), index, item)
    {
        if (json_is_string(item)) {
            (void)json_object_set_new(tags, json_string_value(item), json_true());
        }
    }
}

/* One NAME=VALUE of the query; a panel is called 3 or panel-3. */
static void check_parameter(const struct lint *lint, const struct lint_place *place,
                            const json_t *board, const char *uid, const char *text, size_t len)
{
    char parameter[LINT_NAME_BYTES + 64];
    (void)snprintf(parameter, sizeof parameter, "%.*s", (int)len, text);
    char *value = strchr(parameter, '=');
    if (value == NULL) {
        return;
    }
    *value++ = '\0';
    if (text_starts(parameter, "var-")) {
        if (json_object_get(json_object_get(board, "variables"), parameter + 4) == NULL) {
            lint_fault(lint, place, "dead link: the dashboard %s has no variable %s", uid,
                       parameter + 4);
        }
    } else if (strcmp(parameter, "viewPanel") == 0 || strcmp(parameter, "panelId") == 0 ||
               strcmp(parameter, "editPanel") == 0) {
        value += text_starts(value, "panel-") ? strlen("panel-") : 0;
        if (json_object_get(json_object_get(board, "ids"), value) == NULL) {
            lint_fault(lint, place, "dead link: the dashboard %s has no panel with the id %s", uid,
                       value);
        }
    }
}

const json_t *lint_link_panel(const json_t *boards, const char *url)
{
    char uid[UID_BYTES], id[24];
    const char *at = strstr(url, "/d/");
    const char *panel = strstr(url, "viewPanel=");
    if (at == NULL || panel == NULL) {
        return NULL;
    }
    at += strlen("/d/");
    panel += strlen("viewPanel=");
    panel += text_starts(panel, "panel-") ? strlen("panel-") : 0;
    (void)snprintf(uid, sizeof uid, "%.*s", (int)strcspn(at, "/?#&"), at);
    (void)snprintf(id, sizeof id, "%.*s", (int)strcspn(panel, "&#"), panel);
    return json_object_get(json_object_get(json_object_get(boards, uid), "ids"), id);
}

void lint_link(const struct lint *lint, const struct lint_place *place, const json_t *boards,
               const char *url)
{
    char uid[UID_BYTES];
    const char *at = strstr(url, "/d/");
    const char *solo = strstr(url, "/d-solo/");
    if (json_object_size(boards) == 0 || (at == NULL && solo == NULL)) {
        return;
    }
    at = at != NULL ? at + strlen("/d/") : solo + strlen("/d-solo/");
    (void)snprintf(uid, sizeof uid, "%.*s", (int)strcspn(at, "/?#&"), at);
    if (strpbrk(uid, "${") != NULL) {
        return;
    }
    const json_t *board = json_object_get(boards, uid);
    if (board == NULL) {
        lint_fault(lint, place, "dead link: there is no dashboard with the uid \"%s\"", uid);
        return;
    }
    at += strcspn(at, "?");
    while (*at == '?' || *at == '&') {
        at++;
        size_t len = strcspn(at, "&#");
        check_parameter(lint, place, board, uid, at, len);
        at += len;
    }
}
