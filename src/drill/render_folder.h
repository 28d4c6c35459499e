/*
 * The folder a rendering goes to. What is there already is replaced only if an earlier rendering
 * left it (a marker tells), and only when the new files are complete: they are made in a folder
 * inside and moved.
 */
#ifndef DRILL_RENDER_FOLDER_H
#define DRILL_RENDER_FOLDER_H

#include "base/error.h"

#include <limits.h>

#define RENDER_MARKER ".driftdrill-render"

struct render_folder {
    const char *path;       /* borrowed */
    char staging[PATH_MAX]; /* "" until open */
};

/* Makes the folder if it is absent and an empty one inside to render into. ERR_USAGE if it holds
 * something that would be replaced and that no rendering has left. */
enum err render_folder_open(struct render_folder *folder, const char *path, struct error *error)
    __attribute__((warn_unused_result));
/* ERR_USAGE if the file is one of those that would be replaced. */
enum err render_folder_spares(const struct render_folder *folder, const char *source,
                              struct error *error) __attribute__((warn_unused_result));
/* Puts what was rendered in the place of the former and marks the folder. */
enum err render_folder_commit(const struct render_folder *folder, struct error *error)
    __attribute__((warn_unused_result));
/* Removes what has not been committed. */
void render_folder_close(struct render_folder *folder);

#endif
