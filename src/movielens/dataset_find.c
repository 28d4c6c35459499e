#include "base/text.h"
#include "movielens/dataset.h"

#include <limits.h>
#include <stdlib.h>

#define USUAL_PLACE "data/ml-latest-small"

static bool holds_ratings(const char *folder)
{
    const struct layout *layout = layout_find(folder);
    return layout != NULL && layout_has_ratings(layout, folder);
}

/* A folder somebody asked for by name must be one. */
static enum err take_named(const char *folder, const char *named_by, char *out, size_t size,
                           struct error *error)
{
    if (!holds_ratings(folder)) {
        return error_set(error, ERR_INPUT, folder, 0,
                         "%s names this folder, but it holds no ratings.csv, ratings.dat or u.data",
                         named_by);
    }
    if (!text_copy(out, size, folder)) {
        return error_set(error, ERR_INPUT, folder, 0, "the path is too long");
    }
    return ERR_OK;
}

enum err dataset_find(const char *wanted, const char *home, char *out, size_t size, bool *found,
                      struct error *error)
{
    const char *variable = getenv("MOVIELENS_DIR");
    char below_home[PATH_MAX];
    const char *usual = NULL;
    *found = false;
    enum err code = ERR_OK;
    if (wanted != NULL) {
        code = take_named(wanted, "the command line", out, size, error);
        *found = code == ERR_OK;
        return code;
    }
    if (variable != NULL && variable[0] != '\0') {
        code = take_named(variable, "MOVIELENS_DIR", out, size, error);
        *found = code == ERR_OK;
        return code;
    }
    if (holds_ratings(USUAL_PLACE)) {
        usual = USUAL_PLACE;
    } else if (home != NULL && text_join_path(below_home, sizeof below_home, home, USUAL_PLACE) &&
               holds_ratings(below_home)) {
        usual = below_home;
    }
    *found = usual != NULL && text_copy(out, size, usual);
    return ERR_OK;
}
