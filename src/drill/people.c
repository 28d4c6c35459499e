#include "drill/people.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "drill/past_cache.h"
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

static enum err write_pasts(const struct people_request *request, struct people *out,
                            struct error *error)
{
    struct parallel parallel = parallel_all_cores();
    bool reused = false;
    struct past_cache_request past = {.population = out->population,
                                      .fingerprint = out->data.fingerprint,
                                      .seed = request->seed,
                                      .parallel = &parallel,
                                      .root = request->cache_root};
    enum err code =
        past_cache_folder(&past, out->past_folder, sizeof out->past_folder, &reused, error);
    if (code == ERR_OK) {
        log_write(LOG_INFO, "drill", "their past %s %s", reused ? "lies in" : "was written to",
                  out->past_folder);
    }
    for (int i = 0; code == ERR_OK && i < request->scenario->phase_count; i++) {
        const struct scenario_phase *phase = &request->scenario->phase[i];
        if (phase->retrains && !request->without_later_past) {
            code = unless_interrupted(request, error);
        }
        if (code == ERR_OK && phase->retrains && !request->without_later_past) {
            past.drift = &request->scenario->drift;
            past.films_min = phase->films_min;
            past.films_max = phase->films_max;
            code = past_cache_folder(&past, out->later_folder, sizeof out->later_folder, &reused,
                                     error);
        }
    }
    return code;
}

enum err people_prepare(const struct people_request *request, struct people *out,
                        struct error *error)
{
    struct parallel parallel = parallel_all_cores();
    struct population_config config = population_defaults();
    enum err code = people_load_data(request->data, request->home, out, error);
    if (code != ERR_OK) {
        return code;
    }
    config.users = request->scenario->people;
    config.seed = request->seed;
    code = population_build(&config, &out->data, &parallel, &out->population, error);
    if (code == ERR_OK) {
        code = unless_interrupted(request, error);
    }
    if (code != ERR_OK) {
        return code;
    }
    log_write(LOG_INFO, "drill", "%" PRId32 " people, %" PRId32 " of them from %s",
              population_users(out->population), out->data.ratings.users, out->data_name);
    return write_pasts(request, out, error);
}

static int by_index(const void *a, const void *b)
{
    int32_t left = *(const int32_t *)a, right = *(const int32_t *)b;
    return (left > right) - (left < right);
}

enum err people_read_seen(struct people *people, struct error *error)
{
    struct dataset_options options = {.strict = true, .reports_max = 0};
    struct dataset past = {0};
    enum err code = dataset_load(people->past_folder, &options, &past, NULL, error);
    if (code != ERR_OK) {
        return code;
    }
    int32_t users = population_users(people->population);
    if (past.ratings.users != users || past.ratings.user_id[0] != 1 ||
        past.ratings.user_id[users - 1] != users) {
        dataset_deinit(&past);
        return error_set(error, ERR_INPUT, people->past_folder, 0,
                         "the cached past is damaged: remove the folder and start again");
    }
    /* Both catalogues hold the same films, so indexes carry over; the arrays change owner. */
    people->seen_start = past.ratings.start;
    people->seen_item = past.ratings.item;
    past.ratings.start = NULL;
    past.ratings.item = NULL;
    for (int32_t u = 0; u < users; u++) {
        int64_t first = people->seen_start[u], end = people->seen_start[u + 1];
        qsort(people->seen_item + first, (size_t)(end - first), sizeof(int32_t), by_index);
    }
    dataset_deinit(&past);
    return ERR_OK;
}

void people_deinit(struct people *people)
{
    population_free(people->population);
    dataset_deinit(&people->data);
    mem_free(people->seen_start);
    mem_free(people->seen_item);
}
