/* The target of a drill as its user describes it: what it lacks, and how it is spoken to. */
#include "drill/drill_int.h"

#include "base/fileio.h"

static enum err open_link(struct drill *drill, const struct catalogue *catalogue,
                          struct target_link **out, struct error *error)
{
    char log[600];
    struct faults faults;
    const struct target_link_request request = {
        .target = drill_starts_target(drill) ? drill->bundled_url : drill->config->target,
        .block = drill->scenario.target,
        .block_file = drill->scenario.path,
        .catalogue = catalogue,
        .list_length = SCENARIO_LIST_LENGTH,
        .admin_token = drill->config->admin_token,
        .log_path = log};
    drill_path(drill, "retrain.log", log, sizeof log);
    faults_init(&faults);
    enum err code = target_link_open(&request, out, &faults, error);
    faults_print(&faults);
    faults_deinit(&faults);
    return code;
}

enum err drill_open_link(struct drill *drill, struct error *error)
{
    return open_link(drill, population_catalogue(drill->people.population), &drill->link, error);
}

static enum err reduce(struct drill *drill, const struct panel_boards *boards, struct error *error)
{
    const struct watch_rules_request rules = {.home = drill->config->home,
                                              .glob = drill->config->rules_glob};
    const struct target_has *has = target_has(target_link_target(drill->described));
    char **paths = NULL;
    size_t count = 0;
    struct faults faults;
    enum err code = watch_rules_files(&rules, &paths, &count, error);
    if (code != ERR_OK) {
        return code;
    }
    const struct applicable_request request = {.map = target_link_metric_map(drill->described),
                                               .ratings = has->ratings,
                                               .retrains = has->retrain,
                                               .breaks = has->bundled,
                                               .rules = (const char *const *)paths,
                                               .rule_count = count,
                                               .boards = boards};
    faults_init(&faults);
    code = applicable_reduce(&request, &drill->scenario, &drill->applicable, &faults, error);
    faults_print(&faults);
    faults_deinit(&faults);
    file_glob_free(paths, count);
    return code;
}

/* A calibration expects nothing, and plays no phase that a target could lack anything for. */
enum err drill_reduce(struct drill *drill, struct error *error)
{
    struct panel_boards boards = {0};
    enum err code = open_link(drill, NULL, &drill->described, error);
    if (code == ERR_OK && drill_is_watched(drill)) {
        code = drill_read_boards(drill, &boards, error);
        if (code == ERR_OK) {
            code = reduce(drill, &boards, error);
        }
        panel_boards_deinit(&boards);
    }
    return code;
}
