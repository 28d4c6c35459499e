/* What is wrong with the rules of one file beyond what rules_render refuses. */
#ifndef OBSERVE_LINT_RULES_H
#define OBSERVE_LINT_RULES_H

#include "base/yaml.h"
#include "observe/lint_query.h"

#include <jansson.h>

/* Adds every rule of the document to `series`; parts of another shape are passed over. */
void lint_rules_collect(struct lint_series *series, const json_t *document);
/* `boards` as lint_boards_add makes them. */
void lint_rules(const struct lint *lint, const char *path, const json_t *document,
                const struct yaml_lines *lines, const json_t *boards);

#endif
