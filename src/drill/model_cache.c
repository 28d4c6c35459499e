/*
 * The name of an entry begins with that of the past, so the past's own clearing of old entries
 * removes it, too. It ends in a hash over what the training depends on beside the data: the seed,
 * the version and the program itself, by its size and time, because a developer's next build may
 * train differently under the same version.
 *
 * Copies are hard links where the file system allows it: a model is never written in place, but
 * beside and renamed over (model_file.h), so whoever holds a link keeps what it was.
 */
#include "drill/model_cache.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/fileio.h"
#include "base/rng.h"
#include "base/version.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOCK_POLL_NS (CLOCK_NS_PER_S / 10)
#define MODEL_MAX_BYTES ((size_t)4 << 30)

static uint64_t build_key(uint64_t seed)
{
    struct stat program;
    uint64_t key = rng_mix(seed, sizeof DRIFTDRILL_VERSION);
    for (const char *c = DRIFTDRILL_VERSION; *c != '\0'; c++) {
        key = rng_mix(key, (uint64_t)*c);
    }
    if (stat("/proc/self/exe", &program) == 0) {
        key = rng_mix(key, (uint64_t)program.st_size);
        key = rng_mix(key, (uint64_t)program.st_mtim.tv_sec);
        key = rng_mix(key, (uint64_t)program.st_mtim.tv_nsec);
    }
    return key;
}

static bool copy_file(const char *from, const char *to)
{
    struct buf bytes;
    if (link(from, to) == 0) {
        return true;
    }
    buf_init(&bytes, MODEL_MAX_BYTES);
    bool copied = file_read(from, &bytes, NULL) == ERR_OK &&
                  file_write(to, bytes.data, bytes.len, NULL) == ERR_OK;
    buf_deinit(&bytes);
    return copied;
}

/* A past that has been written anew since has made its model worthless. */
static bool is_of_this_past(const char *entry, const char *past_folder)
{
    char ratings[700];
    snprintf(ratings, sizeof ratings, "%s/ratings.csv", past_folder);
    int64_t model_ns = file_modified_ns(entry);
    return model_ns >= 0 && model_ns >= file_modified_ns(ratings);
}

static bool fetch(const struct model_cache *cache, const char *past_folder, const char *model_path)
{
    return is_of_this_past(cache->entry, past_folder) && copy_file(cache->entry, model_path);
}

static int open_lock(const char *past_folder, uint64_t key)
{
    char path[700];
    const char *slash = strrchr(past_folder, '/');
    int root = slash == NULL ? 0 : (int)(slash - past_folder) + 1;
    snprintf(path, sizeof path, "%.*slock-model-%x", root, past_folder, (unsigned)(key & 0xf));
    return open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
}

void model_cache_claim(struct model_cache *cache, const char *past_folder, uint64_t seed,
                       const char *model_path, bool (*interrupted)(int64_t timeout_ns))
{
    uint64_t key = build_key(seed);
    snprintf(cache->entry, sizeof cache->entry, "%s.model-%016" PRIx64, past_folder, key);
    cache->lock_fd = -1;
    cache->found = fetch(cache, past_folder, model_path);
    if (cache->found) {
        return;
    }
    for (const char *c = past_folder; *c != '\0'; c++) {
        key = rng_mix(key, (uint64_t)*c);
    }
    cache->lock_fd = open_lock(past_folder, key);
    while (cache->lock_fd >= 0 && flock(cache->lock_fd, LOCK_EX | LOCK_NB) != 0) {
        if (interrupted != NULL && interrupted(0)) {
            return;
        }
        clock_sleep_ns(LOCK_POLL_NS);
    }
    cache->found = fetch(cache, past_folder, model_path);
    if (cache->found) {
        model_cache_release(cache);
    }
}

void model_cache_keep(const struct model_cache *cache, const char *model_path)
{
    char scratch[760];
    snprintf(scratch, sizeof scratch, "%s.tmp-%ld", cache->entry, (long)getpid());
    if (!cache->found && (!copy_file(model_path, scratch) || rename(scratch, cache->entry) != 0)) {
        remove(scratch);
    }
}

void model_cache_release(struct model_cache *cache)
{
    if (cache->lock_fd >= 0) {
        close(cache->lock_fd);
    }
    cache->lock_fd = -1;
}
