#include "drill/results.h"

#include "base/fileio.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* Leaves room for the names below, and for options that hold a path, in buffers of 512 bytes. */
#define FOLDER_MAX_BYTES 400

#define MARKER_TEXT                                                                                \
    "This folder holds the results of a driftdrill drill. The next drill here replaces them.\n"

struct results {
    int marker_fd; /* locked; the kernel lets go of it however this process ends */
};

/* All that a drill writes. */
static const char *const names[] = {
    "verdict.json",     "junit.xml",      "report.html", "notifications.jsonl", "ledger.jsonl",
    "prometheus.yml",   "prometheus.log", "paired.json", "nulls.json",          "alertmanager.yml",
    "alertmanager.log", "target.log",     "rules",       "dashboards",          ".data",
};

#define NAMES (sizeof names / sizeof names[0])

/* Is any of our names taken? A link that leads nowhere takes it, too. */
static const char *find_taken(const char *folder)
{
    char path[512];
    struct stat info;
    for (size_t i = 0; i < NAMES; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        if (lstat(path, &info) == 0) {
            return names[i];
        }
    }
    return NULL;
}

static enum err take_marker(const char *folder, const char *marker, int *fd, struct error *error)
{
    char text[64];
    const char *taken = file_exists(marker) ? NULL : find_taken(folder);
    if (taken != NULL) {
        return error_set(error, ERR_USAGE, folder, 0,
                         "'%s' in it was not written by a drill and would be replaced: choose "
                         "another folder with --out",
                         taken);
    }
    *fd = open(marker, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    if (*fd < 0) {
        return error_set(error, ERR_IO, marker, 0, "cannot write: %s",
                         err_errno_text(errno, text, sizeof text));
    }
    if (flock(*fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
        return error_set(error, ERR_USAGE, folder, 0,
                         "another drill is writing into this folder: choose another with --out");
    }
    if (write(*fd, MARKER_TEXT, strlen(MARKER_TEXT)) < 0) {
        return error_set(error, ERR_IO, marker, 0, "cannot write: %s",
                         err_errno_text(errno, text, sizeof text));
    }
    return ERR_OK;
}

/* Evidence of an earlier drill must not be taken for this one's. */
static enum err remove_earlier(const char *folder, struct error *error)
{
    enum err code = ERR_OK;
    for (size_t i = 0; i < NAMES && code == ERR_OK; i++) {
        char path[512];
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        code = file_remove_tree(path, error);
    }
    return code;
}

enum err results_open(const char *folder, struct results **out, struct error *error)
{
    char marker[512];
    *out = NULL;
    if (folder[0] == '\0' || strlen(folder) > FOLDER_MAX_BYTES) {
        return error_set(error, ERR_USAGE, "--out", 0, "expected a path of 1 to %d bytes",
                         FOLDER_MAX_BYTES);
    }
    enum err code = file_make_folders(folder, error);
    if (code != ERR_OK) {
        return code;
    }
    struct results *results = mem_zalloc(1, sizeof *results);
    snprintf(marker, sizeof marker, "%s/" RESULTS_MARKER, folder);
    results->marker_fd = -1;
    code = take_marker(folder, marker, &results->marker_fd, error);
    if (code == ERR_OK) {
        code = remove_earlier(folder, error);
    }
    if (code != ERR_OK) {
        results_close(results);
        return code;
    }
    *out = results;
    return ERR_OK;
}

void results_close(struct results *results)
{
    if (results == NULL) {
        return;
    }
    if (results->marker_fd >= 0) {
        close(results->marker_fd);
    }
    mem_free(results);
}
