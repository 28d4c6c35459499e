#include "drill/past_cache.h"

#include "base/buf.h"
#include "base/fileio.h"
#include "people_world.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define EIGHT_DAYS_S (8 * 86400)

struct setting {
    struct people_world world;
    char root[64], folder[600];
    bool reused;
    struct past_cache_request request;
};

static const struct parallel two = {.threads = 2};

static void begin(struct setting *setting)
{
    memset(setting, 0, sizeof *setting);
    people_world_small(&setting->world, 120, 2);
    snprintf(setting->root, sizeof setting->root, "/tmp/driftdrill-cache-XXXXXX");
    cr_assert_not_null(mkdtemp(setting->root));
    setting->request = (struct past_cache_request){.population = setting->world.population,
                                                   .fingerprint = setting->world.data.fingerprint,
                                                   .seed = 1,
                                                   .parallel = &two,
                                                   .root = setting->root};
}

static void end(struct setting *setting)
{
    people_world_end(&setting->world);
    cr_expect_eq(file_remove_tree(setting->root, NULL), ERR_OK);
}

static void ask(struct setting *setting)
{
    struct error error = {0};
    cr_assert_eq(past_cache_folder(&setting->request, setting->folder, sizeof setting->folder,
                                   &setting->reused, &error),
                 ERR_OK, "%s", error.text);
}

static size_t entries(const struct setting *setting)
{
    char pattern[128];
    char **paths;
    size_t count;
    snprintf(pattern, sizeof pattern, "%s/past-*", setting->root);
    cr_assert_eq(file_glob(pattern, &paths, &count, NULL), ERR_OK);
    file_glob_free(paths, count);
    return count;
}

static void read_ratings(const struct setting *setting, struct buf *out)
{
    char path[700];
    snprintf(path, sizeof path, "%s/ratings.csv", setting->folder);
    buf_init(out, 64u << 20);
    cr_assert_eq(file_read(path, out, NULL), ERR_OK, "%s", path);
    cr_assert_gt(out->len, 1000);
}

/* Makes a file or folder, and what is in it, look eight days old. */
static void age(const char *path)
{
    struct timespec now, times[2];
    cr_assert_eq(clock_gettime(CLOCK_REALTIME, &now), 0);
    times[0] = times[1] = (struct timespec){.tv_sec = now.tv_sec - EIGHT_DAYS_S};
    cr_assert_eq(utimensat(AT_FDCWD, path, times, 0), 0, "%s", path);
}

Test(past_cache, an_entry_is_written_once_and_used_again)
{
    struct setting s;
    char first[600];
    begin(&s);
    ask(&s);
    cr_expect_not(s.reused);
    snprintf(first, sizeof first, "%s", s.folder);
    ask(&s);
    cr_expect(s.reused);
    cr_expect_str_eq(s.folder, first);
    cr_expect_eq(entries(&s), 1, "nothing half-made lies beside it");
    end(&s);
}

Test(past_cache, the_same_people_have_the_same_past)
{
    struct setting s, other;
    struct buf mine, theirs;
    static const struct parallel one = {.threads = 1};
    begin(&s);
    begin(&other);
    other.request.parallel = &one;
    ask(&s);
    ask(&other);
    read_ratings(&s, &mine);
    read_ratings(&other, &theirs);
    cr_expect_eq(mine.len, theirs.len);
    cr_expect(mine.len == theirs.len && memcmp(mine.data, theirs.data, mine.len) == 0);
    buf_deinit(&mine);
    buf_deinit(&theirs);
    end(&s);
    end(&other);
}

Test(past_cache, whatever_changes_the_content_changes_the_entry)
{
    struct drift turn = {.count = 1, .injection = {{.kind = DRIFT_CHOICE_ROTATION, .size = 180}}};
    struct drift half = turn;
    struct setting s;
    begin(&s);
    half.injection[0].size = 90;
    const struct past_cache_request base = s.request;
    struct past_cache_request requests[7] = {base, base, base, base, base, base, base};
    requests[1].seed = 2;
    requests[2].fingerprint++;
    for (int i = 3; i < 7; i++) {
        requests[i].drift = i == 4 ? &half : &turn;
        requests[i].later = true;
        requests[i].films_min = 2;
        requests[i].films_max = i == 5 ? 4 : 3;
    }
    requests[6].films_min = 3;
    for (size_t i = 0; i < 7; i++) {
        s.request = requests[i];
        ask(&s);
        cr_expect_not(s.reused, "request %zu", i);
    }
    cr_expect_eq(entries(&s), 7);
    end(&s);
}

Test(past_cache, the_past_depends_on_no_drift_but_one_that_withholds_films)
{
    struct drift turn = {.count = 1, .injection = {{.kind = DRIFT_CHOICE_ROTATION, .size = 180}}};
    struct drift news = {.count = 1, .injection = {{.kind = DRIFT_NEW_FILMS, .size = 0.05}}};
    struct error error = {0};
    struct setting s;
    begin(&s);
    ask(&s);
    s.request.drift = &turn;
    ask(&s);
    cr_expect(s.reused, "a taste that will turn has not turned yet");
    cr_assert_eq(population_bind_drift(s.world.population, &news, &two, &error), ERR_OK, "%s",
                 error.text);
    s.request.drift = &news;
    ask(&s);
    cr_expect_not(s.reused);
    ask(&s);
    cr_expect(s.reused);
    cr_expect_eq(entries(&s), 2);
    drift_deinit(&news);
    end(&s);
}

/* An entry appears by rename, so one without ratings was made by somebody else or half removed. */
Test(past_cache, a_damaged_entry_is_made_anew)
{
    struct setting s;
    char path[700];
    begin(&s);
    ask(&s);
    snprintf(path, sizeof path, "%s/ratings.csv", s.folder);
    cr_assert_eq(unlink(path), 0);
    ask(&s);
    cr_expect_not(s.reused);
    cr_expect(file_exists(path));
    end(&s);
}

Test(past_cache, what_an_interrupted_write_left_is_never_taken_for_an_entry)
{
    struct setting s;
    char left[700], path[800];
    begin(&s);
    ask(&s);
    snprintf(left, sizeof left, "%s.tmp-1", s.folder);
    cr_assert_eq(rename(s.folder, left), 0);
    snprintf(path, sizeof path, "%s/movies.csv", left);
    cr_assert_eq(unlink(path), 0);
    ask(&s);
    cr_expect_not(s.reused);
    cr_expect(file_exists(left), "it may still be at work");
    age(left);
    ask(&s);
    cr_expect(s.reused);
    cr_expect_not(file_exists(left), "after a week it is not");
    end(&s);
}

Test(past_cache, an_old_entry_is_made_anew_and_nothing_else_is_removed)
{
    static const char *const others[] = {"past-papers", "past-later-summer", "notes"};
    struct setting s;
    char path[700], name[700];
    begin(&s);
    ask(&s);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        snprintf(name, sizeof name, "%s/%s", s.root, others[i]);
        cr_assert_eq(file_make_folders(name, NULL), ERR_OK);
        age(name);
    }
    snprintf(path, sizeof path, "%s/ratings.csv", s.folder);
    age(path);
    ask(&s);
    cr_expect_not(s.reused, "its dates are too old, although its folder is not");
    age(path);
    age(s.folder);
    ask(&s);
    cr_expect_not(s.reused);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        snprintf(name, sizeof name, "%s/%s", s.root, others[i]);
        cr_expect(file_exists(name), "%s", others[i]);
    }
    end(&s);
}

Test(past_cache, a_folder_that_cannot_be_made_is_an_error)
{
    struct setting s;
    struct error error = {0};
    char root[100], longer[2000];
    begin(&s);
    snprintf(root, sizeof root, "%s/file", s.root);
    cr_assert_eq(file_write(root, "", 0, NULL), ERR_OK);
    s.request.root = root;
    cr_expect_neq(past_cache_folder(&s.request, s.folder, sizeof s.folder, &s.reused, &error),
                  ERR_OK);
    cr_expect_neq(error.text[0], '\0');
    memset(longer, 'a', sizeof longer);
    longer[sizeof longer - 1] = '\0';
    s.request.root = longer;
    cr_expect_eq(past_cache_folder(&s.request, s.folder, sizeof s.folder, &s.reused, NULL),
                 ERR_USAGE);
    end(&s);
}
