/* Shared by lint_dashboard.c and lint_panel.c only. */
#ifndef OBSERVE_LINT_DASHBOARD_INT_H
#define OBSERVE_LINT_DASHBOARD_INT_H

#include "observe/lint_dashboard.h"

#define LINT_PATH_BYTES 160 /* as in struct fault */

struct lint_board_work {
    const struct lint *lint;
    const char *file;
    const struct yaml_lines *lines;
    const json_t *boards;
    json_t *values;       /* variable -> value */
    json_t *ids, *titles; /* of panels -> line */
    json_t *said;         /* limits that this panel's colours are blamed for */
};

/* base + "/" + key, or base if key is empty; cut to LINT_PATH_BYTES, as faults are. */
void lint_path(char *out, const char *base, const char *key);
/* The same with "/" + index behind. */
void lint_path_index(char *out, const char *base, const char *key, size_t index);
/* The place of `key` below `base`, or of `base` if key is empty; `path` holds LINT_PATH_BYTES. */
struct lint_place lint_board_place(const struct lint_board_work *work, const char *base,
                                   const char *key, const char *who, char *path);
/* Unknown variables in every text of the value at the pointer but queries, which are read as
 * such, and what lies below the key `skip` (or NULL). */
void lint_board_texts(const struct lint_board_work *work, const json_t *value, const char *path,
                      const char *who, const char *skip);
/* Links of a list that leave the time range behind, or lead nowhere. */
void lint_board_links(const struct lint_board_work *work, const json_t *links, const char *path,
                      const char *who);
/* A list of panels, and those of folded rows. */
void lint_panels(struct lint_board_work *work, const json_t *panels, const char *path);

#endif
