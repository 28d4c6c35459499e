#include "drill/people.h"

#include "base/fileio.h"
#include "base/mem.h"
#include "drill/past_files.h"
#include "people_world.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PEOPLE = 140, NEWCOMERS = 20 };

struct setting { /* a small data set as a folder, people made of it, a cache */
    char root[64], data[96], cache[96];
    struct scenario scenario;
    struct people_request request;
    struct people people;
};

static void write_data(const struct setting *setting)
{
    struct parallel one = {.threads = 1};
    struct past_files_report report;
    struct people_world world;
    struct error error = {0};
    people_world_small(&world, 100, 1);
    cr_assert(past_files_write(world.population, NULL, 0, 0, INT64_C(1700000000), &one,
                               setting->data, &report, &error) == ERR_OK,
              "%s", error.text);
    past_files_report_deinit(&report);
    people_world_end(&world);
}

static void begin(struct setting *setting)
{
    struct error error = {0};
    memset(setting, 0, sizeof *setting);
    snprintf(setting->root, sizeof setting->root, "/tmp/driftdrill-people-XXXXXX");
    cr_assert_not_null(mkdtemp(setting->root));
    snprintf(setting->data, sizeof setting->data, "%s/data", setting->root);
    snprintf(setting->cache, sizeof setting->cache, "%s/cache", setting->root);
    write_data(setting);
    setting->scenario.people = PEOPLE;
    setting->scenario.newcomers = NEWCOMERS;
    setting->scenario.behaviour.rating_share = 1;
    setting->request = (struct people_request){.data = setting->data,
                                               .cache_root = setting->cache,
                                               .scenario = &setting->scenario,
                                               .seed = 1};
    cr_assert(people_prepare(&setting->request, &setting->people, &error) == ERR_OK, "%s",
              error.text);
}

static void end(struct setting *setting)
{
    people_deinit(&setting->people);
    cr_expect(file_remove_tree(setting->root, NULL) == ERR_OK);
}

static void read_past(struct setting *setting, const struct drift *drift)
{
    struct error error = {0};
    struct people *people = &setting->people;
    mem_free(people->seen_start);
    mem_free(people->seen_item);
    people->seen_start = NULL;
    people->seen_item = NULL;
    cr_assert(people_write_pasts(&setting->request, drift, false, people, &error) == ERR_OK, "%s",
              error.text);
    cr_assert(people_read_seen(people, drift, &error) == ERR_OK, "%s", error.text);
}

/* Everybody's films as the population makes them, against what was read back. */
static int64_t expect_seen(const struct setting *setting, const struct drift *drift)
{
    const struct people *people = &setting->people;
    struct past past = {0};
    int64_t withheld = 0;
    for (int32_t p = 0; p < PEOPLE; p++) {
        int64_t first = people->seen_start[p], count = people->seen_start[p + 1] - first;
        population_past(people->population, p, INT64_C(1700000000), &past);
        int32_t whole = past.count;
        past_withhold(&past, drift);
        withheld += whole - past.count;
        cr_expect(count == past.count, "person %d: %lld of %d", p, (long long)count, past.count);
        for (int64_t k = 1; k < count; k++) {
            cr_expect(people->seen_item[first + k - 1] < people->seen_item[first + k]);
        }
        for (int32_t k = 0; k < past.count; k++) {
            bool found = false;
            for (int64_t i = first; i < first + count; i++) {
                found = found || people->seen_item[i] == past.item[k];
            }
            cr_expect(found, "person %d has seen film %d", p, past.item[k]);
        }
    }
    past_deinit(&past);
    return withheld;
}

Test(people, newcomers_have_seen_nothing_and_all_others_what_they_rated)
{
    static const struct drift none = {0};
    struct setting s;
    begin(&s);
    read_past(&s, &none);
    cr_expect(expect_seen(&s, &none) == 0);
    cr_expect(s.people.seen_start[PEOPLE] == s.people.seen_start[PEOPLE - NEWCOMERS]);
    cr_expect(s.people.seen_start[PEOPLE] > PEOPLE);
    end(&s);
}

Test(people, films_that_are_not_out_yet_are_known_to_nobody)
{
    struct drift news = {.count = 1, .injection = {{.kind = DRIFT_NEW_FILMS, .size = 0.1}}};
    struct dataset_options options = {.strict = true};
    struct parallel one = {.threads = 1};
    struct error error = {0};
    struct dataset past;
    struct setting s;
    begin(&s);
    cr_assert(population_bind_drift(s.people.population, &news, &one, &error) == ERR_OK, "%s",
              error.text);
    read_past(&s, &news);
    cr_expect(expect_seen(&s, &news) > 0, "somebody's film is withheld");
    cr_assert(dataset_load(s.people.past_folder, &options, &past, NULL, &error) == ERR_OK, "%s",
              error.text);
    const struct catalogue *all = population_catalogue(s.people.population);
    cr_expect(past.catalogue.count < all->count);
    for (int32_t i = 0; i < all->count; i++) {
        bool known = catalogue_index(&past.catalogue, all->id[i]) >= 0;
        cr_expect(known != population_withheld(&news, i), "film %d", all->id[i]);
    }
    dataset_deinit(&past);
    drift_deinit(&news);
    end(&s);
}

Test(people, a_damaged_past_is_refused)
{
    static const struct drift none = {0};
    struct setting s;
    struct error error = {0};
    char path[700];
    static const char row[] = "userId,movieId,rating,timestamp\n1,1,4.0,1000000000\n";
    begin(&s);
    read_past(&s, &none);
    snprintf(path, sizeof path, "%s/ratings.csv", s.people.past_folder);
    cr_assert(file_write(path, row, strlen(row), NULL) == ERR_OK);
    mem_free(s.people.seen_start);
    mem_free(s.people.seen_item);
    s.people.seen_start = NULL;
    s.people.seen_item = NULL;
    cr_expect(people_read_seen(&s.people, &none, &error) == ERR_INPUT);
    cr_expect(strstr(error.text, "damaged") != NULL, "%s", error.text);
    end(&s);
}

Test(people, a_shared_past_is_written_once_and_must_be_theirs)
{
    struct setting setting;
    char shared[96], again[128];
    struct error error = {0};
    static const struct drift none = {0};
    begin(&setting);
    snprintf(shared, sizeof shared, "%s/shared", setting.root);
    setting.request.past_folder = shared;
    read_past(&setting, &none);
    cr_expect_str_eq(setting.people.past_folder, shared);
    cr_expect(expect_seen(&setting, &none) == 0);

    snprintf(again, sizeof again, "%s/ratings.csv", shared);
    int64_t written_ns = file_modified_ns(again);
    read_past(&setting, &none);
    cr_expect_eq(file_modified_ns(again), written_ns);

    struct people others = {0};
    setting.request.seed = 2;
    cr_assert(people_prepare(&setting.request, &others, &error) == ERR_OK, "%s", error.text);
    cr_assert(people_write_pasts(&setting.request, &none, false, &others, &error) == ERR_OK);
    cr_expect_eq(people_read_seen(&others, &none, &error), ERR_INPUT);
    cr_expect(strstr(error.text, "not the past of these 140 people") != NULL, "%s", error.text);
    people_deinit(&others);
    end(&setting);
}

Test(people, a_later_past_lies_below_the_shared_one)
{
    struct setting setting;
    char shared[96], later[128];
    struct error error = {0};
    static const struct drift none = {0};
    begin(&setting);
    snprintf(shared, sizeof shared, "%s/shared", setting.root);
    setting.request.past_folder = shared;
    setting.scenario.phase_count = 1;
    setting.scenario.phase[0].retrains = true;
    setting.scenario.phase[0].films_min = 2;
    setting.scenario.phase[0].films_max = 3;
    cr_assert(people_write_pasts(&setting.request, &none, true, &setting.people, &error) == ERR_OK,
              "%s", error.text);
    snprintf(later, sizeof later, "%s/later", shared);
    cr_expect_str_eq(setting.people.later_folder, later);
    snprintf(later, sizeof later, "%s/later/ratings.csv", shared);
    cr_expect(file_exists(later));
    end(&setting);
}
