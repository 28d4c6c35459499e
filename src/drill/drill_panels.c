/* The dashboards of a drill: checked before it, looked at when it ends. */
#include "drill/drill_int.h"

/* A window of fewer scrapes is empty half of the time: what rate() needs at the least. */
#define SCRAPES_A_WINDOW 4

static struct panel_boards_request request_of(const struct drill *drill, const char *folder)
{
    return (struct panel_boards_request){.home = drill->config->home,
                                         .glob = drill->config->dashboards_glob,
                                         .folder = folder,
                                         .time_scale = drill->scenario.time_scale,
                                         .min_range_ns =
                                             SCRAPES_A_WINDOW * drill->scenario.scrape_ns};
}

enum err drill_read_boards(const struct drill *drill, struct panel_boards *out, struct error *error)
{
    const struct panel_boards_request request = request_of(drill, NULL);
    struct faults faults;
    faults_init(&faults);
    enum err code = panel_boards_load(&request, out, &faults, error);
    faults_print(&faults);
    faults_deinit(&faults);
    return code;
}

enum err drill_check_panels(const struct drill *drill, struct error *error)
{
    const struct panel_boards_request request = request_of(drill, NULL);
    struct panel_boards boards;
    struct faults faults;
    faults_init(&faults);
    enum err code = panel_boards_load(&request, &boards, &faults, error);
    if (code == ERR_OK) {
        panel_boards_check(&boards, &drill->scenario, &faults);
        if (faults.count > 0) {
            code = error_set(error, ERR_INPUT, drill->config->scenario_path, 0,
                             "the scenario expects of panels what the dashboards do not have");
        }
        panel_boards_deinit(&boards);
    }
    faults_print(&faults);
    faults_deinit(&faults);
    return code;
}

enum err drill_load_boards(struct drill *drill, struct error *error)
{
    const struct panel_boards_request request = request_of(drill, drill->config->folder);
    struct faults faults;
    faults_init(&faults);
    enum err code = panel_boards_load(&request, &drill->boards, &faults, error);
    faults_print(&faults);
    faults_deinit(&faults);
    return code;
}

void drill_collect_panels(struct drill *drill)
{
    const struct panels_request request = {.boards = &drill->boards,
                                           .scenario = &drill->scenario,
                                           .origin_unix_s = drill->play.origin_unix_s,
                                           .end_s = drill->play.end_s,
                                           .query = panel_query_prometheus,
                                           .context = stack_prometheus(drill->stack)};
    panels_collect(&request, &drill->panels);
    for (size_t i = 0; i < drill->panels.course_count; i++) {
        struct panel_course *course = &drill->panels.course[i];
        (void)applicable_query(&drill->applicable, course->query, course->lacks,
                               sizeof course->lacks);
    }
}
