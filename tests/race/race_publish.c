/*
 * Readers ask for lists and post ratings while models are published one after the other and others
 * scrape. Every list must come whole from one model: the films of version v carry ids that only v
 * has. Run under ThreadSanitizer.
 */
#include "recommender/history.h"
#include "recommender/publish.h"
#include "recommender/recommend.h"
#include "recommender/served.h"
#include "recommender/service_metrics.h"
#include "taste_world.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

enum {
    READERS = 3,
    VERSIONS = 10,
    LISTS_LEAST = 50,
    ID_STEP = 100000,
    PEOPLE_EACH = TASTE_USERS / READERS,
    RATINGS_EACH = 10 * PEOPLE_EACH, /* then a reader only asks, or people would run out of films */
    FAULTS_TOLD = 10
};

struct shared {
    struct publish publish;
    struct history *history;
    struct served *served;
    struct service_metrics *metrics;
    atomic_bool done;
    atomic_int faults;
};

struct reader {
    struct shared *shared;
    int index, lists;
    pthread_t thread;
};

static void fault(struct shared *shared, const char *text)
{
    if (atomic_fetch_add(&shared->faults, 1) < FAULTS_TOLD) {
        (void)fprintf(stderr, "race_publish: %s\n", text);
    }
}

/* A rating of the first film shown, as the service takes it. */
static void rate(struct shared *shared, const struct model *model, int32_t user_id, int32_t item,
                 const char *request_id)
{
    const struct posted_rating rating = {user_id, model->corpus.catalogue.id[item], 8, 1};
    struct attribution attribution =
        served_rate(shared->served, user_id, rating.movie_id, rating.half_stars, request_id);
    if (!attribution.attributed || !attribution.converts) {
        fault(shared, "a rating was not attributed");
    }
    service_metrics_rating(shared->metrics, &attribution, rating.half_stars,
                           model_predict_stars(model, user_id, item));
    if (!history_add(shared->history, &rating)) {
        fault(shared, "no memory");
    }
}

/* One list, as the service makes it. */
static void ask(struct shared *shared, int32_t user_id, bool then_rate, int *version)
{
    struct ranker_place places[10];
    struct served_place shown[10];
    struct history_copy posted;
    char request_id[SERVED_ID_SIZE];
    struct publish_reader reader = publish_enter(&shared->publish);
    const struct model *model = reader.model;
    struct recommend_scratch *scratch = recommend_scratch_new(model);
    if (!history_copy(shared->history, user_id, &posted)) {
        fault(shared, "no memory");
    }
    int count = recommend_list(model, user_id, posted.ratings, posted.count, 10, scratch, places);
    for (int p = 0; p < count; p++) {
        shown[p].movie_id = model->corpus.catalogue.id[places[p].item];
        shown[p].source = places[p].source;
        if (shown[p].movie_id / ID_STEP != model->version) {
            fault(shared, "a list holds a film of another model");
        }
    }
    if (count != 10 || model->version < *version) {
        fault(shared, "a list is short, or of a model older than the last");
    }
    *version = model->version;
    served_add(shared->served, user_id, shown, count, request_id);
    service_metrics_list(shared->metrics, places, count);
    if (then_rate && count > 0) {
        rate(shared, model, user_id, places[0].item, request_id);
    }
    history_copy_deinit(&posted);
    recommend_scratch_free(scratch);
    publish_leave(&shared->publish, &reader);
}

static void *read_lists(void *argument)
{
    struct reader *reader = argument;
    int version = 0;
    while (!atomic_load(&reader->shared->done) || reader->lists < LISTS_LEAST) {
        int32_t user_id = 1 + reader->index + READERS * (reader->lists % PEOPLE_EACH);
        ask(reader->shared, user_id, reader->lists < RATINGS_EACH, &version);
        reader->lists++;
    }
    return NULL;
}

/* A model whose films' ids tell its version. */
static struct model *make_model(int version)
{
    struct model *model = taste_model(0, 1600000000, 1);
    model->version = version;
    for (int32_t f = 0; f < model->corpus.catalogue.count; f++) {
        model->corpus.catalogue.id[f] += version * ID_STEP;
    }
    return model;
}

static void scrape(struct shared *shared)
{
    struct buf text;
    struct publish_reader reader = publish_enter(&shared->publish);
    const struct model *model = reader.model;
    const struct service_gauges gauges = {.model = model};
    buf_init(&text, 1 << 20);
    service_metrics_write(shared->metrics, &gauges, &text);
    if (text.failed) {
        fault(shared, "a scrape failed");
    }
    buf_deinit(&text);
    publish_leave(&shared->publish, &reader);
}

int main(void)
{
    struct shared shared = {.history = history_new(),
                            .served = served_new(1024, 1024, 1),
                            .metrics = service_metrics_new()};
    struct reader readers[READERS];
    publish_init(&shared.publish);
    publish_swap(&shared.publish, make_model(1));
    for (int r = 0; r < READERS; r++) {
        readers[r] = (struct reader){.shared = &shared, .index = r};
        if (pthread_create(&readers[r].thread, NULL, read_lists, &readers[r]) != 0) {
            return 1;
        }
    }
    for (int version = 2; version <= VERSIONS; version++) {
        publish_swap(&shared.publish, make_model(version));
        scrape(&shared);
    }
    atomic_store(&shared.done, true);
    int lists = 0;
    for (int r = 0; r < READERS; r++) {
        pthread_join(readers[r].thread, NULL);
        lists += readers[r].lists;
    }
    publish_deinit(&shared.publish);
    history_free(shared.history);
    served_free(shared.served);
    service_metrics_free(shared.metrics);
    printf("race_publish: %d lists while %d models were published\n", lists, VERSIONS);
    return atomic_load(&shared.faults) == 0 ? 0 : 1;
}
