/* Which dashboards there are, and whether a link leads to one of them. */
#ifndef OBSERVE_LINT_LINKS_H
#define OBSERVE_LINT_LINKS_H

#include "observe/lint_query.h"

#include <jansson.h>
#include <stddef.h>

/* Adds a dashboard to `boards`, an object that maps uids to what links may name: the ids of panels,
 * the variables, the tags. One without a uid is left out. */
void lint_boards_add(json_t *boards, const json_t *dashboard);

/* Faults of a link: a dashboard, panel or variable that is not there. A link elsewhere has none,
 * nor has any if `boards` is empty. */
void lint_link(const struct lint *lint, const struct lint_place *place, const json_t *boards,
               const char *url);

/* The names in the queries of the panel that a link leads to, labels among them: an object; NULL if
 * it leads to none. Borrowed. */
const json_t *lint_link_panel(const json_t *boards, const char *url);

#endif
