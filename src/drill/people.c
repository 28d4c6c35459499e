#include "drill/people.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "drill/past_cache.h"
#include "drill/past_shared.h"
#include "drill/wish.h"
#include "movielens/synth.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum err load_folder(const char *folder, struct people *out, struct error *error)
{
    struct dataset_options options = {.strict = false, .reports_max = 10};
    struct faults faults;
    faults_init(&faults);
    enum err code = dataset_load(folder, &options, &out->data, &faults, error);
    faults_print(&faults);
    faults_deinit(&faults);
    size_t len = strlen(folder);
    while (len > 1 && folder[len - 1] == '/') {
        len--;
    }
    size_t start = len;
    while (start > 0 && folder[start - 1] != '/') {
        start--;
    }
    snprintf(out->data_name, sizeof out->data_name, "%.*s", (int)(len - start), folder + start);
    text_make_utf8(out->data_name); /* it will stand in YAML and JSON */
    return code;
}

static enum err make_synthetic(struct people *out, struct error *error)
{
    struct synth_config config = synth_defaults();
    struct parallel parallel = parallel_all_cores();
    log_write(LOG_WARN, "drill",
              "no MovieLens data found (--data, MOVIELENS_DIR, data/ml-latest-small): the people "
              "come from the built-in synthetic data");
    text_copy(out->data_name, sizeof out->data_name, "built-in synthetic data");
    return synth_make(&config, &parallel, &out->data, error);
}

enum err people_load_data(const char *data, const char *home, struct people *out,
                          struct error *error)
{
    char folder[600];
    bool found = false;
    enum err code = dataset_find(data, home, folder, sizeof folder, &found, error);
    if (code != ERR_OK) {
        return code;
    }
    return found ? load_folder(folder, out, error) : make_synthetic(out, error);
}

static enum err unless_interrupted(const struct people_request *request, struct error *error)
{
    return request->interrupted != NULL && request->interrupted(0)
               ? error_set(error, ERR_INTERRUPTED, NULL, 0, "interrupted before the drill began")
               : ERR_OK;
}

static enum err write_shared(const struct people_request *request, const struct drift *drift,
                             bool later, struct people *people, struct error *error)
{
    struct parallel parallel = parallel_all_cores();
    struct past_shared shared = {.population = people->population,
                                 .drift = drift,
                                 .parallel = &parallel,
                                 .folder = request->past_folder};
    bool written = false;
    people->past_shared = true;
    if (!text_copy(people->past_folder, sizeof people->past_folder, request->past_folder)) {
        return error_set(error, ERR_USAGE, "--past", 0, "the path is too long");
    }
    enum err code = past_shared_early(&shared, &written, error);
    if (code == ERR_OK) {
        log_write(LOG_INFO, "drill", "their past %s %s", written ? "was written to" : "lies in",
                  people->past_folder);
    }
    for (int i = 0; code == ERR_OK && later && i < request->scenario->phase_count; i++) {
        const struct scenario_phase *phase = &request->scenario->phase[i];
        if (phase->retrains) {
            code = unless_interrupted(request, error);
        }
        if (phase->retrains && code == ERR_OK) {
            code = past_shared_later(&shared, phase->films_min, phase->films_max,
                                     people->later_folder, sizeof people->later_folder, error);
        }
    }
    return code;
}

enum err people_write_pasts(const struct people_request *request, const struct drift *drift,
                            bool later, struct people *people, struct error *error)
{
    if (request->past_folder != NULL) {
        return write_shared(request, drift, later, people, error);
    }
    struct parallel parallel = parallel_all_cores();
    bool reused = false;
    struct past_cache_request past = {.population = people->population,
                                      .fingerprint = people->data.fingerprint,
                                      .seed = request->seed,
                                      .drift = drift,
                                      .parallel = &parallel,
                                      .root = request->cache_root,
                                      .interrupted = request->interrupted};
    enum err code =
        past_cache_folder(&past, people->past_folder, sizeof people->past_folder, &reused, error);
    if (code == ERR_OK) {
        log_write(LOG_INFO, "drill", "their past %s %s", reused ? "lies in" : "was written to",
                  people->past_folder);
    }
    for (int i = 0; code == ERR_OK && later && i < request->scenario->phase_count; i++) {
        const struct scenario_phase *phase = &request->scenario->phase[i];
        if (!phase->retrains) {
            continue;
        }
        past.later = true;
        past.films_min = phase->films_min;
        past.films_max = phase->films_max;
        code = unless_interrupted(request, error);
        if (code == ERR_OK) {
            code = past_cache_folder(&past, people->later_folder, sizeof people->later_folder,
                                     &reused, error);
        }
    }
    return code;
}

enum err people_prepare(const struct people_request *request, struct people *out,
                        struct error *error)
{
    struct parallel parallel = parallel_all_cores();
    struct population_config config = wish_people(request->scenario, request->seed);
    enum err code = people_load_data(request->data, request->home, out, error);
    if (code != ERR_OK) {
        return code;
    }
    code = population_build(&config, &out->data, &parallel, &out->population, error);
    if (code == ERR_OK) {
        code = unless_interrupted(request, error);
    }
    if (code != ERR_OK) {
        return code;
    }
    log_write(LOG_INFO, "drill", "%" PRId32 " people, %" PRId32 " of them from %s",
              population_users(out->population), out->data.ratings.users, out->data_name);
    return ERR_OK;
}

static int by_index(const void *a, const void *b)
{
    int32_t left = *(const int32_t *)a, right = *(const int32_t *)b;
    return (left > right) - (left < right);
}

/* The films of a past that misses people (newcomers) or films (withheld ones) are known by other
 * indexes than the population's; -1 = a film the population does not know. */
static int32_t *film_map(const struct dataset *past, const struct catalogue *catalogue)
{
    int32_t *map = mem_zalloc((size_t)past->catalogue.count + 1, sizeof *map);
    for (int32_t i = 0; i < past->catalogue.count; i++) {
        map[i] = catalogue_index(catalogue, past->catalogue.id[i]);
    }
    return map;
}

/* False if somebody or something in it is not of this population. */
static bool take_seen(struct people *people, const struct dataset *past, const int32_t *map)
{
    const struct ratings *ratings = &past->ratings;
    int32_t users = population_users(people->population), next = 0;
    int64_t count = 0;
    people->seen_start = mem_zalloc((size_t)users + 1, sizeof *people->seen_start);
    people->seen_item = mem_zalloc((size_t)ratings->count + 1, sizeof *people->seen_item);
    for (int32_t u = 0; u < ratings->users; u++) {
        int32_t person = ratings->user_id[u] - 1;
        if (person < next || person >= users) {
            return false;
        }
        for (; next < person; next++) {
            people->seen_start[next + 1] = count;
        }
        for (int64_t k = ratings->start[u]; k < ratings->start[u + 1]; k++) {
            int32_t film = map[ratings->item[k]];
            if (film < 0) {
                return false;
            }
            people->seen_item[count++] = film;
        }
        people->seen_start[++next] = count;
    }
    for (; next < users; next++) {
        people->seen_start[next + 1] = count;
    }
    return true;
}

/* Only they may be missing in the past: whoever is not new has rated something, unless every film
 * of theirs is withheld. */
static bool misses_nobody(const struct people *people, const struct drift *drift)
{
    int32_t users = population_users(people->population);
    bool all = true;
    for (int32_t p = 0; p < users && !population_withholds(drift); p++) {
        all = all && (people->seen_start[p + 1] > people->seen_start[p] ||
                      population_is_newcomer(people->population, p));
    }
    return all;
}

static void sort_seen(struct people *people)
{
    int32_t users = population_users(people->population);
    for (int32_t u = 0; u < users; u++) {
        int64_t first = people->seen_start[u], end = people->seen_start[u + 1];
        qsort(people->seen_item + first, (size_t)(end - first), sizeof(int32_t), by_index);
    }
}

static bool is_theirs(const struct people *people, const struct drift *drift)
{
    const struct past_shared shared = {.population = people->population, .drift = drift};
    return past_shared_is_theirs(&shared, people->seen_start, people->seen_item);
}

enum err people_read_seen(struct people *people, const struct drift *drift, struct error *error)
{
    struct dataset_options options = {.strict = true, .reports_max = 0};
    struct dataset past = {0};
    enum err code = dataset_load(people->past_folder, &options, &past, NULL, error);
    if (code != ERR_OK) {
        return code;
    }
    int32_t *map = film_map(&past, population_catalogue(people->population));
    bool sound = take_seen(people, &past, map) && misses_nobody(people, drift);
    mem_free(map);
    dataset_deinit(&past);
    if (sound) {
        sort_seen(people);
    } else if (!people->past_shared) {
        return error_set(error, ERR_INPUT, people->past_folder, 0,
                         "the cached past is damaged: remove the folder and start again");
    }
    if (people->past_shared && !(sound && is_theirs(people, drift))) {
        return error_set(error, ERR_INPUT, people->past_folder, 0,
                         "not the past of these %" PRId32
                         " people: data, seed or scenario differ from those it was written with",
                         population_users(people->population));
    }
    return ERR_OK;
}

void people_deinit(struct people *people)
{
    population_free(people->population);
    dataset_deinit(&people->data);
    mem_free(people->seen_start);
    mem_free(people->seen_item);
}
