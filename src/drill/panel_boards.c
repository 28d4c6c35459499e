/* The dashboards of a drill: which files, rendered to its time scale, and what may be asked of
 * them.
 */
#include "drill/panels.h"

#include "base/fileio.h"
#include "base/mem.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

#define PATTERN_BYTES 1200

static enum err find_files(const struct panel_boards_request *request, char ***paths, size_t *count,
                           struct error *error)
{
    char quoted[PATTERN_BYTES - 64], pattern[PATTERN_BYTES];
    if (request->glob != NULL) {
        enum err code = file_glob(request->glob, paths, count, error);
        if (code == ERR_OK && *count == 0) {
            code = error_set(error, ERR_USAGE, request->glob, 0, "no dashboard fits this pattern");
        }
        return code;
    }
    (void)file_glob_quote(quoted, sizeof quoted, request->home);
    snprintf(pattern, sizeof pattern, "%s/grafana/dashboards/*.json", quoted);
    return file_glob(pattern, paths, count, error);
}

/* "grafana/dashboards/main.json" is "main". */
static void name_board(const char *path, char *out, size_t size)
{
    const char *slash = strrchr(path, '/');
    (void)text_copy(out, size, slash == NULL ? path : slash + 1);
    char *dot = strrchr(out, '.');
    if (dot != NULL && dot != out) {
        *dot = '\0';
    }
}

/* Without a folder they are read as they stand. */
static enum err load_board(const struct panel_boards_request *request, const char *path,
                           struct panel_boards *out, struct faults *faults, struct error *error)
{
    char rendered[700];
    char *name = out->name[out->count];
    enum err code = ERR_OK;
    name_board(path, name, sizeof out->name[0]);
    if (request->folder != NULL) {
        snprintf(rendered, sizeof rendered, "%s/dashboards/%s.json", request->folder, name);
        code = dashboard_render(path, request->time_scale, request->min_range_ns, rendered, faults,
                                error);
        path = rendered;
    }
    if (code == ERR_OK) {
        code = dashboard_read(path, &out->dashboard[out->count], faults, error);
    }
    out->count += code == ERR_OK;
    return code;
}

static enum err load_files(const struct panel_boards_request *request, const char *const *paths,
                           size_t count, struct panel_boards *out, struct faults *faults,
                           struct error *error)
{
    enum err code = ERR_OK;
    out->dashboard = mem_zalloc(count + 1, sizeof *out->dashboard);
    out->name = mem_zalloc(count + 1, sizeof *out->name);
    for (size_t i = 0; i < count && code == ERR_OK; i++) {
        code = load_board(request, paths[i], out, faults, error);
    }
    if (code != ERR_OK) {
        panel_boards_deinit(out);
    }
    return code;
}

enum err panel_boards_load(const struct panel_boards_request *request, struct panel_boards *out,
                           struct faults *faults, struct error *error)
{
    char folder[640];
    char **paths = NULL;
    size_t count = 0;
    *out = (struct panel_boards){0};
    enum err code = find_files(request, &paths, &count, error);
    if (code == ERR_OK && request->folder != NULL && count > 0) {
        snprintf(folder, sizeof folder, "%s/dashboards", request->folder);
        code = file_make_folders(folder, error);
    }
    if (code == ERR_OK) {
        code = load_files(request, (const char *const *)paths, count, out, faults, error);
    }
    file_glob_free(paths, count);
    return code;
}

enum err panel_boards_read(const char *const *paths, size_t count, struct panel_boards *out,
                           struct faults *faults, struct error *error)
{
    const struct panel_boards_request as_they_stand = {.folder = NULL};
    *out = (struct panel_boards){0};
    return load_files(&as_they_stand, paths, count, out, faults, error);
}

void panel_boards_deinit(struct panel_boards *boards)
{
    for (size_t i = 0; i < boards->count; i++) {
        dashboard_deinit(&boards->dashboard[i]);
    }
    mem_free(boards->dashboard);
    mem_free(boards->name);
    *boards = (struct panel_boards){0};
}

/* Titles may hold slashes, names of dashboards do not. */
static bool is_board(const struct panel_boards *boards, size_t index, const char *name, size_t len)
{
    const char *file = boards->name[index], *uid = boards->dashboard[index].uid;
    return (strlen(file) == len && strncmp(file, name, len) == 0) ||
           (strlen(uid) == len && strncmp(uid, name, len) == 0);
}

const struct dashboard_panel *panel_boards_find(const struct panel_boards *boards, const char *name,
                                                size_t *board)
{
    size_t len = strcspn(name, "/");
    for (size_t i = 0; i < boards->count && name[len] == '/'; i++) {
        if (is_board(boards, i, name, len)) {
            *board = i;
            return dashboard_panel_find(&boards->dashboard[i], name + len + 1);
        }
    }
    return NULL;
}

/* "Conversion, Request rate, ...", as far as they fit. */
static void list_titles(const struct dashboard *dashboard, char *out, size_t size)
{
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < dashboard->panel_count; i++) {
        const char *title = dashboard->panel[i].title;
        if (used + strlen(title) + 8 > size) {
            snprintf(out + used, size - used, ", ...");
            return;
        }
        used += (size_t)snprintf(out + used, size - used, "%s%s", used == 0 ? "" : ", ", title);
    }
}

static void list_boards(const struct panel_boards *boards, char *out, size_t size)
{
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < boards->count && used + 70 < size; i++) {
        used +=
            (size_t)snprintf(out + used, size - used, "%s%s", i == 0 ? "" : ", ", boards->name[i]);
    }
}

/* Where no panel has the name: is it the dashboard or the title that is not known? */
static void say_unknown(const struct panel_boards *boards, const struct scenario *scenario,
                        const struct scenario_expectation *wanted, const char *path,
                        struct faults *faults)
{
    const char *name = wanted->panel.name;
    size_t len = strcspn(name, "/");
    char known[200];
    if (name[len] == '\0') {
        faults_add(faults, scenario->path, wanted->line, path,
                   "'panel': expected a dashboard and a title, as in main/Conversion");
        return;
    }
    for (size_t i = 0; i < boards->count; i++) {
        if (is_board(boards, i, name, len)) {
            list_titles(&boards->dashboard[i], known, sizeof known);
            faults_add(faults, scenario->path, wanted->line, path,
                       "the dashboard '%.*s' has no panel '%s', but: %s", (int)len, name,
                       name + len + 1, known);
            return;
        }
    }
    list_boards(boards, known, sizeof known);
    faults_add(faults, scenario->path, wanted->line, path, "there is no dashboard '%.*s', but: %s",
               (int)len, name, known[0] == '\0' ? "none at all" : known);
}

static bool has_colour(const struct dashboard_panel *panel, const char *colour)
{
    for (size_t i = 0; i < panel->thresholds.count; i++) {
        if (panel_colour_is(panel->thresholds.step[i].colour, colour)) {
            return true;
        }
    }
    for (size_t i = 0; i < panel->field.mapping_count; i++) {
        if (panel_colour_is(panel->field.mapping[i].colour, colour)) {
            return true;
        }
    }
    return panel_colour_is(panel->field.fixed_colour, colour);
}

static void check_one(const struct panel_boards *boards, const struct scenario *scenario,
                      const struct scenario_expectation *wanted, struct faults *faults)
{
    char path[32];
    size_t board = 0;
    const struct dashboard_panel *panel = panel_boards_find(boards, wanted->panel.name, &board);
    bool by_way =
        wanted->panel.ask == SCENARIO_PANEL_MOVES &&
        (wanted->panel.way == SCENARIO_PANEL_WORSE || wanted->panel.way == SCENARIO_PANEL_BETTER);
    snprintf(path, sizeof path, "/expectations/%d", wanted->index);
    if (panel == NULL) {
        say_unknown(boards, scenario, wanted, path, faults);
    } else if (!dashboard_panel_type_queries(panel->type) || panel->target_count == 0) {
        faults_add(faults, scenario->path, wanted->line, path,
                   "the panel '%s' asks for no data, so it shows no value", wanted->panel.name);
    } else if (by_way && panel->worse == DASHBOARD_NO_WAY) {
        faults_add(faults, scenario->path, wanted->line, path,
                   "the description of the panel '%s' does not say which way is worse (\"Lower is "
                   "worse.\" or \"Higher is worse.\")",
                   wanted->panel.name);
    } else if (wanted->panel.ask == SCENARIO_PANEL_COLOUR &&
               !has_colour(panel, wanted->panel.colour)) {
        faults_add(faults, scenario->path, wanted->line, path,
                   "the panel '%s' has no threshold or mapping that is '%s'", wanted->panel.name,
                   wanted->panel.colour);
    }
}

void panel_boards_check(const struct panel_boards *boards, const struct scenario *scenario,
                        struct faults *faults)
{
    for (int i = 0; i < scenario->expectation_count; i++) {
        if (scenario->expectation[i].kind == SCENARIO_PANEL) {
            check_one(boards, scenario, &scenario->expectation[i], faults);
        }
    }
}
