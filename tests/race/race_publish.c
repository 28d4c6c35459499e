/*
 * Readers ask for lists and post ratings, of their own people and of one they share, while models
 * are published one after the other and others scrape. Every list must come whole from one model:
 * the films of version v carry ids that only v has. The ratings of the history must be whole: stars
 * and time follow from the film. Of the ratings of one list, made by all readers at once, exactly
 * one is the first and one converts. Run under ThreadSanitizer.
 */
#include "base/clock.h"
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
    SHARED_USER = 100000,            /* whose lists all readers rate */
    SHARED_LISTS = 200,
    HISTORY_RATINGS = 512, /* a small ring, so that it turns over while it is read */
    LISTS_KEPT = 1024,
    FAULTS_TOLD = 10
};

#define WINDOW_NS (3600 * CLOCK_NS_PER_S)

struct shared {
    struct publish publish;
    struct history *history;
    struct served *served;
    struct service_metrics *metrics;
    char shared_id[SHARED_LISTS][SERVED_ID_SIZE];
    pthread_barrier_t barrier;
    atomic_int firsts, conversions, attributed;
    atomic_bool done;
    atomic_int faults;
};

struct reader {
    struct shared *shared;
    int index, lists, version;
    pthread_t thread;
    struct posted_rating posted[HISTORY_PERSON_MAX];
};

static void fault(struct shared *shared, const char *text)
{
    if (atomic_fetch_add(&shared->faults, 1) < FAULTS_TOLD) {
        (void)fprintf(stderr, "race_publish: %s\n", text);
    }
}

/* What must hold of a rating of the history, whoever reads it. */
static uint8_t stars_of(int32_t movie_id)
{
    return (uint8_t)(6 + movie_id % 5);
}

static int64_t time_of(int32_t user_id, int32_t movie_id)
{
    return (int64_t)user_id << 32 | movie_id;
}

/* A rating of the first film shown, as the service takes it. */
static void rate(struct shared *shared, const struct model *model, int32_t user_id, int32_t item,
                 const char *request_id)
{
    int32_t movie_id = model->corpus.catalogue.id[item];
    const struct posted_rating rating = {user_id, movie_id, stars_of(movie_id),
                                         time_of(user_id, movie_id)};
    struct attribution attribution = served_rate(shared->served, user_id, movie_id,
                                                 rating.half_stars, request_id, clock_mono_ns());
    /* A list is forgotten only when as many as are kept came after it. */
    if (!attribution.late && (!attribution.attributed || !attribution.converts)) {
        fault(shared, "a rating was not attributed");
    }
    service_metrics_rating(shared->metrics, &attribution, rating.half_stars,
                           model_predict_stars(model, user_id, item));
    history_add(shared->history, &rating);
}

static void check_history(struct shared *shared, int32_t user_id,
                          const struct posted_rating *posted, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (posted[i].user_id != user_id || posted[i].half_stars != stars_of(posted[i].movie_id) ||
            posted[i].time_s != time_of(user_id, posted[i].movie_id)) {
            fault(shared, "a rating of the history is torn");
        }
    }
}

/* One list, as the service makes it. */
static void ask(struct reader *reader, int32_t user_id, bool then_rate)
{
    struct shared *shared = reader->shared;
    struct ranker_place places[10];
    struct served_place shown[10];
    char request_id[SERVED_ID_SIZE];
    struct publish_reader current = publish_enter(&shared->publish);
    const struct model *model = current.model;
    struct recommend_scratch *scratch = recommend_scratch_new(model);
    recommend_scratch_clock(scratch, clock_mono_ns);
    size_t posted = history_read(shared->history, user_id, reader->posted);
    check_history(shared, user_id, reader->posted, posted);
    int count = recommend_list(model, user_id, reader->posted, posted, 10, scratch, places);
    for (int p = 0; p < count; p++) {
        shown[p].movie_id = model->corpus.catalogue.id[places[p].item];
        shown[p].source = places[p].source;
        if (shown[p].movie_id / ID_STEP != model->version) {
            fault(shared, "a list holds a film of another model");
        }
    }
    if (count != 10 || model->version < reader->version) {
        fault(shared, "a list is short, or of a model older than the last");
    }
    reader->version = model->version;
    served_add(shared->served, user_id, shown, count, clock_mono_ns(), request_id);
    service_metrics_list(shared->metrics, places, count, recommend_account(scratch));
    if (then_rate && count > 0) {
        rate(shared, model, user_id, places[0].item, request_id);
    }
    recommend_scratch_free(scratch);
    publish_leave(&shared->publish, &current);
}

/* All readers rate the same film of the same list as nearly at once as they can. */
static void rate_together(struct shared *shared)
{
    for (int i = 0; i < SHARED_LISTS; i++) {
        struct attribution got =
            served_rate(shared->served, SHARED_USER, i, 8, shared->shared_id[i], clock_mono_ns());
        atomic_fetch_add(&shared->attributed, got.attributed);
        atomic_fetch_add(&shared->firsts, got.first);
        atomic_fetch_add(&shared->conversions, got.converts);
    }
}

static void *read_lists(void *argument)
{
    struct reader *reader = argument;
    pthread_barrier_wait(&reader->shared->barrier);
    rate_together(reader->shared);
    pthread_barrier_wait(&reader->shared->barrier); /* later lists push the shared ones out */
    while (!atomic_load(&reader->shared->done) || reader->lists < LISTS_LEAST) {
        int32_t user_id = 1 + reader->index + READERS * (reader->lists % PEOPLE_EACH);
        ask(reader, user_id, reader->lists < RATINGS_EACH);
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

static void serve_shared_lists(struct shared *shared)
{
    for (int i = 0; i < SHARED_LISTS; i++) {
        const struct served_place place = {i, SOURCE_BASE};
        served_add(shared->served, SHARED_USER, &place, 1, clock_mono_ns(), shared->shared_id[i]);
    }
}

static void check_shared_lists(struct shared *shared)
{
    if (atomic_load(&shared->attributed) != READERS * SHARED_LISTS ||
        atomic_load(&shared->firsts) != SHARED_LISTS ||
        atomic_load(&shared->conversions) != SHARED_LISTS) {
        (void)fprintf(stderr, "%d attributed, %d first, %d conversions of %d lists\n",
                      atomic_load(&shared->attributed), atomic_load(&shared->firsts),
                      atomic_load(&shared->conversions), SHARED_LISTS);
        fault(shared, "ratings made at once are miscounted");
    }
}

int main(void)
{
    struct shared *shared = mem_zalloc(1, sizeof *shared);
    struct reader *readers = mem_zalloc(READERS, sizeof *readers);
    shared->history = history_new(HISTORY_RATINGS);
    shared->served = served_new(LISTS_KEPT, LISTS_KEPT, WINDOW_NS, 1);
    shared->metrics = service_metrics_new();
    publish_init(&shared->publish);
    publish_swap(&shared->publish, make_model(1));
    serve_shared_lists(shared);
    pthread_barrier_init(&shared->barrier, NULL, READERS);
    for (int r = 0; r < READERS; r++) {
        readers[r].shared = shared;
        readers[r].index = r;
        if (pthread_create(&readers[r].thread, NULL, read_lists, &readers[r]) != 0) {
            return 1;
        }
    }
    for (int version = 2; version <= VERSIONS; version++) {
        publish_swap(&shared->publish, make_model(version));
        scrape(shared);
    }
    atomic_store(&shared->done, true);
    int lists = 0;
    for (int r = 0; r < READERS; r++) {
        pthread_join(readers[r].thread, NULL);
        lists += readers[r].lists;
    }
    check_shared_lists(shared);
    publish_deinit(&shared->publish);
    history_free(shared->history);
    served_free(shared->served);
    service_metrics_free(shared->metrics);
    pthread_barrier_destroy(&shared->barrier);
    printf("race_publish: %d lists while %d models were published\n", lists, VERSIONS);
    bool good = atomic_load(&shared->faults) == 0;
    mem_free(readers);
    mem_free(shared);
    return good ? 0 : 1;
}
