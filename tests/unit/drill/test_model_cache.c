#include "drill/model_cache.h"

#include "base/buf.h"
#include "base/fileio.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct place {
    char root[64], past[96], model[96], other[96];
};

static void write_text(const char *path, const char *text)
{
    cr_assert(file_write(path, text, strlen(text), NULL) == ERR_OK);
}

static void date(const char *path, time_t seconds)
{
    const struct timespec times[2] = {{.tv_sec = seconds}, {.tv_sec = seconds}};
    cr_assert(utimensat(AT_FDCWD, path, times, 0) == 0);
}

static void make_place(struct place *place)
{
    char ratings[128];
    snprintf(place->root, sizeof place->root, "/tmp/driftdrill-models.XXXXXX");
    cr_assert(mkdtemp(place->root) != NULL);
    snprintf(place->past, sizeof place->past, "%s/past-early-x", place->root);
    snprintf(place->model, sizeof place->model, "%s/mine", place->root);
    snprintf(place->other, sizeof place->other, "%s/yours", place->root);
    cr_assert(file_make_folders(place->past, NULL) == ERR_OK);
    snprintf(ratings, sizeof ratings, "%s/ratings.csv", place->past);
    write_text(ratings, "userId,movieId,rating,timestamp\n");
    date(ratings, 1700000000);
}

static bool holds(const char *path, const char *text)
{
    struct buf bytes;
    buf_init(&bytes, 1024);
    bool same = file_read(path, &bytes, NULL) == ERR_OK && bytes.len == strlen(text) &&
                memcmp(bytes.data, text, bytes.len) == 0;
    buf_deinit(&bytes);
    return same;
}

static struct model_cache claim(const struct place *place, uint64_t seed, const char *model)
{
    struct model_cache cache;
    model_cache_claim(&cache, place->past, seed, model, NULL);
    return cache;
}

static void train(const struct place *place, uint64_t seed, const char *text)
{
    struct model_cache cache = claim(place, seed, place->model);
    cr_assert(!cache.found && cache.lock_fd >= 0);
    write_text(place->model, text);
    model_cache_keep(&cache, place->model);
    model_cache_release(&cache);
    model_cache_release(&cache);
}

Test(model_cache, a_model_is_found_by_its_past_and_seed_and_retraining_does_not_touch_it)
{
    struct place place;
    make_place(&place);
    train(&place, 1, "one");
    write_text(place.model, "retrained"); /* beside and renamed over, as the service does */
    struct model_cache again = claim(&place, 1, place.other);
    cr_expect(again.found && again.lock_fd == -1 && holds(place.other, "one"));
    remove(place.other);
    struct model_cache seed = claim(&place, 2, place.other);
    cr_expect(!seed.found && !file_exists(place.other));
    model_cache_release(&seed);
    file_remove_tree(place.root, NULL);
}

Test(model_cache, a_past_written_anew_has_no_model)
{
    struct place place;
    char ratings[128];
    make_place(&place);
    train(&place, 1, "one");
    snprintf(ratings, sizeof ratings, "%s/ratings.csv", place.past);
    date(ratings, time(NULL) + 60);
    struct model_cache cache = claim(&place, 1, place.other);
    cr_expect(!cache.found);
    model_cache_release(&cache);
    file_remove_tree(place.root, NULL);
}

static bool at_once(int64_t timeout_ns)
{
    (void)timeout_ns;
    return true;
}

Test(model_cache, who_waits_for_a_model_can_be_interrupted)
{
    struct place place;
    struct model_cache waiting;
    make_place(&place);
    struct model_cache first = claim(&place, 1, place.model);
    model_cache_claim(&waiting, place.past, 1, place.other, at_once);
    cr_expect(!waiting.found);
    model_cache_release(&waiting);
    model_cache_release(&first);
    file_remove_tree(place.root, NULL);
}

/* Of processes that want the same model one trains, whatever the order of events. */
Test(model_cache, of_many_at_once_one_trains)
{
    enum { PROCESSES = 6 };
    struct place place;
    int trained = 0;
    make_place(&place);
    for (int p = 0; p < PROCESSES; p++) {
        if (fork() == 0) {
            char mine[128];
            snprintf(mine, sizeof mine, "%s/model-%d", place.root, p);
            struct model_cache cache = claim(&place, 1, mine);
            if (!cache.found) {
                write_text(mine, "trained");
                model_cache_keep(&cache, mine);
            }
            bool good = holds(mine, "trained");
            model_cache_release(&cache);
            _exit(!good ? 2 : cache.found ? 0 : 1);
        }
    }
    for (int p = 0; p < PROCESSES; p++) {
        int status = 0;
        cr_assert(wait(&status) > 0);
        cr_expect(WIFEXITED(status) && WEXITSTATUS(status) < 2);
        trained += WEXITSTATUS(status) == 1;
    }
    cr_expect(trained == 1, "%d trained", trained);
    file_remove_tree(place.root, NULL);
}
