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
#include "base/fileio.h"
#include "base/rng.h"
#include "base/version.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

static void entry_path(const char *past_folder, uint64_t seed, char *out, size_t size)
{
    snprintf(out, size, "%s.model-%016" PRIx64, past_folder, build_key(seed));
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

bool model_cache_fetch(const char *past_folder, uint64_t seed, const char *model_path)
{
    char entry[700];
    entry_path(past_folder, seed, entry, sizeof entry);
    return is_of_this_past(entry, past_folder) && copy_file(entry, model_path);
}

void model_cache_keep(const char *past_folder, uint64_t seed, const char *model_path)
{
    char entry[700], scratch[760];
    entry_path(past_folder, seed, entry, sizeof entry);
    snprintf(scratch, sizeof scratch, "%s.tmp-%ld", entry, (long)getpid());
    if (!copy_file(model_path, scratch) || rename(scratch, entry) != 0) {
        remove(scratch);
    }
}
