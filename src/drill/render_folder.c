#include "drill/render_folder.h"

#include "base/fileio.h"
#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MARKER_TEXT                                                                                \
    "prometheus/, alertmanager/ and grafana/ in this folder were written by driftdrill render.\n"  \
    "The next rendering into it replaces them.\n"

/* As staging, inside the folder: a sibling may lie in another file system, where nothing can be
 * moved from, if the folder is a volume. */
#define STAGING "/.driftdrill-XXXXXX"

static const char *const owned[] = {"prometheus", "alertmanager", "grafana"};

/* What is replaced, so that other files beside, such as a grafana.ini, stay. */
static const char *const parts[] = {
    "prometheus/rules",
    "prometheus/flags",
    "prometheus/prometheus.yml",
    "alertmanager",
    "grafana/dashboards",
    "grafana/provisioning/datasources",
    "grafana/provisioning/dashboards",
    "grafana/provisioning/alerting",
};

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static enum err cannot(const char *what, const char *path, struct error *error)
{
    char reason[64];
    return error_set(error, ERR_IO, path, 0, "cannot %s: %s", what,
                     err_errno_text(errno, reason, sizeof reason));
}

static enum err below(const char *folder, const char *name, char out[PATH_MAX], struct error *error)
{
    return text_join_path(out, PATH_MAX, folder, name)
               ? ERR_OK
               : error_set(error, ERR_USAGE, folder, 0, "the path is too long");
}

/* A link that leads nowhere takes a name, too. */
static enum err check_owner(const char *folder, struct error *error)
{
    char path[PATH_MAX];
    struct stat info;
    enum err code = below(folder, RENDER_MARKER, path, error);
    if (code == ERR_OK && lstat(path, &info) == 0) {
        return ERR_OK;
    }
    for (size_t i = 0; i < COUNT(owned) && code == ERR_OK; i++) {
        code = below(folder, owned[i], path, error);
        if (code == ERR_OK && lstat(path, &info) == 0) {
            code = error_set(error, ERR_USAGE, folder, 0,
                             "'%s' in it was not written by render and would be replaced: choose "
                             "another folder with --out",
                             owned[i]);
        }
    }
    return code;
}

enum err render_folder_open(struct render_folder *folder, const char *path, struct error *error)
{
    *folder = (struct render_folder){.path = path};
    enum err code = path[0] == '\0'
                        ? error_set(error, ERR_USAGE, "--out", 0, "expected the name of a folder")
                        : check_owner(path, error);
    if (code == ERR_OK) {
        code = file_make_folders(path, error);
    }
    if (code != ERR_OK) {
        return code;
    }
    char name[PATH_MAX];
    if (strlen(path) + sizeof STAGING > sizeof name) {
        return error_set(error, ERR_USAGE, path, 0, "the path is too long");
    }
    snprintf(name, sizeof name, "%s" STAGING, path);
    if (mkdtemp(name) == NULL) {
        return cannot("make a folder in it", path, error);
    }
    text_copy(folder->staging, sizeof folder->staging, name);
    return ERR_OK;
}

enum err render_folder_spares(const struct render_folder *folder, const char *source,
                              struct error *error)
{
    char real_source[PATH_MAX], path[PATH_MAX], real_owned[PATH_MAX];
    if (realpath(source, real_source) == NULL) {
        return ERR_OK; /* not there: whoever reads it says so */
    }
    enum err code = ERR_OK;
    for (size_t i = 0; i < COUNT(owned) && code == ERR_OK; i++) {
        code = below(folder->path, owned[i], path, error);
        if (code != ERR_OK || realpath(path, real_owned) == NULL) {
            continue;
        }
        size_t len = strlen(real_owned);
        if (strncmp(real_source, real_owned, len) == 0 &&
            (real_source[len] == '/' || real_source[len] == '\0')) {
            code = error_set(error, ERR_USAGE, source, 0,
                             "is to be read, but lies in %s, which would be replaced: choose "
                             "another folder with --out",
                             path);
        }
    }
    return code;
}

/* Of a part that was not rendered nothing is left either. */
static enum err move_part(const struct render_folder *folder, const char *part, struct error *error)
{
    char from[PATH_MAX], to[PATH_MAX], parent[PATH_MAX];
    struct stat info;
    enum err code = below(folder->staging, part, from, error);
    if (code == ERR_OK) {
        code = below(folder->path, part, to, error);
    }
    if (code == ERR_OK) {
        code = file_remove_tree(to, error);
    }
    if (code != ERR_OK || lstat(from, &info) != 0) {
        return code;
    }
    text_copy(parent, sizeof parent, to);
    *strrchr(parent, '/') = '\0';
    code = file_make_folders(parent, error);
    return code == ERR_OK && rename(from, to) != 0 ? cannot("replace", to, error) : code;
}

/* The marker comes first: a commit that is cut short can then be done again. */
enum err render_folder_commit(const struct render_folder *folder, struct error *error)
{
    char marker[PATH_MAX];
    enum err code = below(folder->path, RENDER_MARKER, marker, error);
    if (code == ERR_OK) {
        code = file_write(marker, MARKER_TEXT, strlen(MARKER_TEXT), error);
    }
    for (size_t i = 0; i < COUNT(parts) && code == ERR_OK; i++) {
        code = move_part(folder, parts[i], error);
    }
    return code;
}

void render_folder_close(struct render_folder *folder)
{
    if (folder->staging[0] != '\0') {
        (void)file_remove_tree(folder->staging, NULL);
        folder->staging[0] = '\0';
    }
}
