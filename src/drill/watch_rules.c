#include "drill/watch_rules.h"

#include "base/fileio.h"
#include "base/log.h"
#include "base/mem.h"

#include <inttypes.h>
#include <stdio.h>

#define PATTERN_BYTES 1200

static enum err no_objectives(const struct watch_rules_request *request, const char *path,
                              const struct objectives_head *head, struct error *error)
{
    return error_set(error, ERR_INPUT, path, 0,
                     "these objectives were measured on %s with %" PRId32 " people and %s, this "
                     "drill has %s with %" PRId32 " people and %s; measure its own: driftdrill "
                     "verify --calibrate %s%s%s",
                     head->data, head->people, head->target, request->data_name, request->people,
                     request->target, request->scenario_path,
                     request->target_option != NULL ? " --target " : "",
                     request->target_option != NULL ? request->target_option : "");
}

/* The folder itself is no pattern, whatever its name holds. */
static void home_pattern(const struct watch_rules_request *request, const char *below, char *out)
{
    char quoted[PATTERN_BYTES - 64];
    (void)file_glob_quote(quoted, sizeof quoted, request->home);
    snprintf(out, PATTERN_BYTES, "%s/%s", quoted, below);
}

/* Looks among the shipped objectives for one that fits; *fitting is heap, or NULL. */
static enum err find_fitting(const struct watch_rules_request *request, char **fitting,
                             struct objectives_head *head, struct error *error)
{
    char pattern[PATTERN_BYTES];
    char **paths = NULL;
    size_t count = 0;
    home_pattern(request, "prometheus/objectives/*.yml", pattern);
    enum err code = file_glob(pattern, &paths, &count, error);
    *fitting = NULL;
    for (size_t i = 0; i < count && code == ERR_OK && *fitting == NULL; i++) {
        struct objectives_head candidate;
        bool is_objectives = false;
        code = objectives_read(paths[i], &is_objectives, &candidate, error);
        if (code == ERR_OK && is_objectives &&
            objectives_fit(&candidate, request->fingerprint, request->people, request->target)) {
            *fitting = mem_text(paths[i]);
            *head = candidate;
        }
    }
    file_glob_free(paths, count);
    return code;
}

/* Keeps the path, or puts fitting objectives in its place. */
static enum err take(const struct watch_rules_request *request, const char *path,
                     struct watch_rules *out, struct error *error)
{
    struct objectives_head head = {0};
    bool is_objectives = false;
    char *fitting = NULL;
    enum err code = objectives_read(path, &is_objectives, &head, error);
    if (code == ERR_OK && is_objectives && request->objectives_path != NULL) {
        path = request->objectives_path;
        code = objectives_read(path, &is_objectives, &head, error);
        if (code == ERR_OK && !is_objectives) {
            code = error_set(error, ERR_INPUT, path, 0,
                             "expected objectives as verify --calibrate writes them");
        }
    }
    if (code != ERR_OK) {
        return code;
    }
    if (is_objectives &&
        !objectives_fit(&head, request->fingerprint, request->people, request->target)) {
        struct objectives_head found;
        code = find_fitting(request, &fitting, &found, error);
        if (code != ERR_OK || fitting == NULL) {
            return code != ERR_OK ? code : no_objectives(request, path, &head, error);
        }
        log_write(LOG_INFO, "drill", "objectives of %s: %s", found.data, fitting);
        head = found;
    }
    if (is_objectives) {
        out->has_objectives = true;
        out->objectives = head;
    }
    out->path[out->count++] = fitting != NULL ? fitting : mem_text(path);
    return ERR_OK;
}

enum err watch_rules_files(const struct watch_rules_request *request, char ***paths, size_t *count,
                           struct error *error)
{
    char pattern[PATTERN_BYTES];
    home_pattern(request, "prometheus/rules/[a-z]*.yml", pattern);
    const char *glob = request->glob != NULL ? request->glob : pattern;
    enum err code = file_glob(glob, paths, count, error);
    if (code == ERR_OK && *count == 0) {
        file_glob_free(*paths, *count);
        code = error_set(error, ERR_USAGE, glob, 0, "no rule file matches");
    }
    return code;
}

enum err watch_rules_choose(const struct watch_rules_request *request, struct watch_rules *out,
                            struct error *error)
{
    char **paths = NULL;
    size_t count = 0;
    enum err code = watch_rules_files(request, &paths, &count, error);
    if (code != ERR_OK) {
        return code;
    }
    out->path = mem_zalloc(count + 1, sizeof *out->path);
    for (size_t i = 0; i < count && code == ERR_OK; i++) {
        code = take(request, paths[i], out, error);
    }
    file_glob_free(paths, count);
    return code;
}

void watch_rules_deinit(struct watch_rules *rules)
{
    for (size_t i = 0; i < rules->count; i++) {
        mem_free((void *)(uintptr_t)rules->path[i]);
    }
    mem_free(rules->path);
}
