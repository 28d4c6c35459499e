/*
 * What is wrong with a dashboard: classic JSON, as Grafana 9.4 to 13 load it, read as a plain
 * document so that every finding has its line and nothing needs to be understood that is not
 * judged.
 */
#ifndef OBSERVE_LINT_DASHBOARD_H
#define OBSERVE_LINT_DASHBOARD_H

#include "base/yaml.h"
#include "observe/lint_query.h"

#include <jansson.h>

/* `boards` as lint_boards_add makes them; `seen`, an object, keeps uids and titles, which must
 * differ between all dashboards it is given for. */
void lint_dashboard(const struct lint *lint, const char *path, const json_t *document,
                    const struct yaml_lines *lines, const json_t *boards, json_t *seen);

#endif
