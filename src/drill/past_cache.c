#include "drill/past_cache.h"

#include "base/clock.h"
#include "base/fileio.h"
#include "base/rng.h"
#include "base/text.h"
#include "drill/past_files.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

/* Raise when the people or the form of their past change: older entries are then not found. */
#define PAST_VERSION 2
#define ENTRY_LIFE_NS (7 * 86400 * CLOCK_NS_PER_S)
/* A drill that found an entry just before its end may still be playing. */
#define IN_USE_NS (86400 * CLOCK_NS_PER_S)
#define LOCK_POLL_NS (CLOCK_NS_PER_S / 10)

static enum err cache_root(const char *wanted, char *out, size_t size, struct error *error)
{
    const char *base = getenv("XDG_CACHE_HOME");
    const char *home = getenv("HOME");
    bool fits = false;
    if (wanted != NULL) {
        fits = text_copy(out, size, wanted);
    } else if (base != NULL && base[0] == '/') {
        fits = text_join_path(out, size, base, "driftdrill");
    } else if (home != NULL && home[0] == '/') {
        fits = text_join_path(out, size, home, ".cache/driftdrill");
    } else {
        return error_set(error, ERR_USAGE, "HOME", 0,
                         "no place for the cache: set HOME, XDG_CACHE_HOME or --cache");
    }
    return fits ? file_make_folders(out, error)
                : error_set(error, ERR_USAGE, out, 0, "the path of the cache is too long");
}

static uint64_t bits_of(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static uint64_t mix_text(uint64_t key, const char *text)
{
    for (; *text != '\0'; text++) {
        key = rng_mix(key, (uint64_t)*text);
    }
    return rng_mix(key, 0);
}

/* What a complete and lasting injection does; when and how it comes about changes no past. */
static uint64_t mix_injection(uint64_t key, const struct drift_injection *injection)
{
    key = rng_mix(key, (uint64_t)injection->kind << 16 | (uint64_t)injection->towards << 8 |
                           (uint64_t)injection->unit);
    key = rng_mix(key, bits_of(injection->size));
    key = rng_mix(key, bits_of(injection->bound ? injection->parameter : injection->size));
    key = mix_text(key, injection->genre);
    key = rng_mix(key, (uint64_t)injection->cohort.kind << 8 | (uint64_t)injection->narrows);
    key = rng_mix(key, bits_of(injection->cohort.share));
    key = rng_mix(key, bits_of(injection->cohort.from));
    key = rng_mix(key, bits_of(injection->cohort.to));
    return mix_text(key, injection->cohort.genre);
}

static uint64_t mix_withheld(uint64_t key, const struct past_cache_request *request)
{
    int32_t films = population_catalogue(request->population)->count;
    if (request->drift == NULL || !population_withholds(request->drift)) {
        return key;
    }
    for (int32_t film = 0; film < films; film++) {
        key = population_withheld(request->drift, film) ? rng_mix(key, (uint64_t)film) : key;
    }
    return key;
}

/* Everything the content depends on. What is not asked for leaves the key as it is. */
static uint64_t request_key(const struct past_cache_request *request)
{
    uint64_t key = rng_mix(request->fingerprint, request->seed);
    int32_t newcomers = population_newcomers(request->population);
    key = rng_mix(key, (uint64_t)population_users(request->population));
    key = rng_mix(key, PAST_VERSION);
    key = newcomers > 0 ? rng_mix(key, (uint64_t)newcomers) : key;
    key = mix_withheld(key, request);
    if (request->later) {
        key = rng_mix(key, (uint64_t)request->films_min << 32 | (uint64_t)request->films_max);
        for (int i = 0; request->drift != NULL && i < request->drift->count; i++) {
            key = mix_injection(key, &request->drift->injection[i]);
        }
    }
    return key;
}

static bool is_fresh(const char *folder)
{
    char ratings[600];
    if (!text_join_path(ratings, sizeof ratings, folder, "ratings.csv")) {
        return false;
    }
    int64_t modified_ns = file_modified_ns(ratings);
    return modified_ns >= 0 && clock_wall_ns() - modified_ns < ENTRY_LIFE_NS;
}

/* Sixteen hexadecimal digits follow the prefix, and a process id if the entry was never finished:
 * nobody else's file is called so. */
#define DIGIT "[0-9a-f]"
#define DIGITS DIGIT DIGIT DIGIT DIGIT DIGIT DIGIT DIGIT DIGIT

/* Removes entries past their life, whoever made them. */
static void prune(const char *root)
{
    char quoted[1024], pattern[1200];
    char **paths = NULL;
    size_t count = 0;
    if (!file_glob_quote(quoted, sizeof quoted, root)) {
        return;
    }
    snprintf(pattern, sizeof pattern, "%s/past-[el]???[yr]-" DIGITS DIGITS "*", quoted);
    if (file_glob(pattern, &paths, &count, NULL) != ERR_OK) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        if (clock_wall_ns() - file_modified_ns(paths[i]) >= ENTRY_LIFE_NS + IN_USE_NS) {
            file_remove_tree(paths[i], NULL);
        }
    }
    file_glob_free(paths, count);
}

/* Midnight of today, so that every entry made today is dated alike. */
static int64_t drill_day_s(void)
{
    int64_t now_s = clock_wall_ns() / CLOCK_NS_PER_S;
    return now_s - now_s % 86400;
}

static enum err write_entry(const struct past_cache_request *request, const char *folder,
                            struct error *error)
{
    char scratch[640];
    struct past_files_report report;
    snprintf(scratch, sizeof scratch, "%s.tmp-%ld", folder, (long)getpid());
    static const struct drift unchanged = {0};
    const struct drift *drift = request->drift != NULL ? request->drift : &unchanged;
    enum err code =
        request->later
            ? past_files_write(request->population, drift, request->films_min, request->films_max,
                               drill_day_s(), request->parallel, scratch, &report, error)
            : past_files_write_early(request->population, drift, drill_day_s(), request->parallel,
                                     scratch, &report, error);
    past_files_report_deinit(&report);
    if (code == ERR_OK && file_exists(folder) && !is_fresh(folder)) {
        code = file_remove_tree(folder, error);
    }
    if (code == ERR_OK && rename(scratch, folder) != 0 && !is_fresh(folder)) {
        char text[64];
        code = error_set(error, ERR_IO, folder, 0, "cannot rename the finished folder: %s",
                         err_errno_text(errno, text, sizeof text));
    }
    if (file_exists(scratch)) {
        file_remove_tree(scratch, NULL);
    }
    return code;
}

/* One lock for all entries with the same last digits: they are never removed, so they must be few.
 */
static enum err take_lock(const struct past_cache_request *request, const char *root, int *fd,
                          struct error *error)
{
    char path[600], text[64];
    snprintf(path, sizeof path, "%s/lock-%02x", root, (unsigned)(request_key(request) & 0xff));
    *fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (*fd < 0) {
        return error_set(error, ERR_IO, path, 0, "cannot open: %s",
                         err_errno_text(errno, text, sizeof text));
    }
    while (flock(*fd, LOCK_EX | LOCK_NB) != 0) {
        if (request->interrupted != NULL && request->interrupted(0)) {
            return error_set(error, ERR_INTERRUPTED, NULL, 0, "interrupted before the drill began");
        }
        clock_sleep_ns(LOCK_POLL_NS);
    }
    return ERR_OK;
}

/* Two drills that want the same entry write it once, and none removes what the other has made. */
static enum err write_alone(const struct past_cache_request *request, const char *root,
                            const char *folder, bool *reused, struct error *error)
{
    int fd = -1;
    enum err code = take_lock(request, root, &fd, error);
    *reused = code == ERR_OK && is_fresh(folder);
    if (code == ERR_OK && !*reused) {
        code = write_entry(request, folder, error);
    }
    if (fd >= 0) {
        close(fd);
    }
    return code;
}

enum err past_cache_folder(const struct past_cache_request *request, char *out, size_t size,
                           bool *reused, struct error *error)
{
    char root[512], name[64];
    enum err code = cache_root(request->root, root, sizeof root, error);
    if (code != ERR_OK) {
        return code;
    }
    prune(root);
    snprintf(name, sizeof name, "past-%s-%016" PRIx64, request->later ? "later" : "early",
             request_key(request));
    if (!text_join_path(out, size, root, name)) {
        return error_set(error, ERR_USAGE, root, 0, "the path of the cache is too long");
    }
    *reused = is_fresh(out);
    return *reused ? ERR_OK : write_alone(request, root, out, reused, error);
}
