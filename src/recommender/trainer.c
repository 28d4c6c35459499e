/*
 * One thread, which waits for a job. The first job runs at normal priority, because nobody can be
 * served without it; before the second the thread makes itself "nice", and with it the threads that
 * the factorisation starts, so that lists keep their latency while a model trains beside them on
 * the same cores.
 *
 * Trainings that begin by themselves are begun by this thread, which wakes when the next is due;
 * ratings only count, and the one that reaches the wanted number wakes it. Ratings that come while
 * it trains count for the next training: they may or may not be part of this one.
 *
 * It is the only thread that publishes, so the former model stays whole while its corpus is joined
 * with the new data.
 */
#include "recommender/trainer.h"

#include "base/clock.h"
#include "base/fileio.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "movielens/synth.h"
#include "recommender/model_file.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define RETRAIN_NICENESS 5  /* a third of a share: lists come first, a busy machine still trains */
#define PROGRESS_LOADED 0.1 /* reported once the data are read and joined */
#define BAD_ROWS_SHOWN 5
#define PROGRESS_TOLD_NS (2 * CLOCK_NS_PER_S)
#define RETRY_NS CLOCK_NS_PER_S /* between asking whether a training that is due may begin */

struct trainer {
    struct trainer_config config;
    struct publish *publish;
    struct store *store;
    pthread_t thread;
    atomic_bool stop;
    atomic_uint_fast64_t ratings; /* posted since the last training began */
    int64_t told_ns;              /* when progress was last printed; the trainer's thread only */
    bool loaded;                  /* the job under way read its model; the trainer's thread only */
    struct embeddings embeddings; /* the trainer's thread only; count 0 = not read yet */

    pthread_mutex_t mutex; /* guards all below */
    pthread_cond_t wake;   /* a job came, enough ratings came, or stop */
    bool job;
    char job_folder[1024]; /* "" = none */
    struct trainer_status status;
    int64_t began_ns; /* monotonic */
    int64_t retry_ns; /* before that no training begins by itself: it was not allowed to */
};

const char *trainer_state_name(enum trainer_state state)
{
    static const char *const names[] = {"idle", "training", "failed"};
    return names[state];
}

const char *trainer_cause_name(enum trainer_cause cause)
{
    static const char *const names[TRAINER_CAUSES] = {"start", "request", "time", "ratings"};
    return names[cause];
}

static void tell_progress(struct trainer *trainer, const struct trainer_status *status)
{
    int64_t now_ns = clock_mono_ns();
    if (now_ns - trainer->told_ns >= PROGRESS_TOLD_NS && status->progress < 1) {
        trainer->told_ns = now_ns;
        log_write(LOG_INFO, "serve", "training: %.0f %%", 100 * status->progress);
    }
}

static bool on_progress(void *context, double share)
{
    struct trainer *trainer = context;
    pthread_mutex_lock(&trainer->mutex);
    trainer->status.progress = PROGRESS_LOADED + (1 - PROGRESS_LOADED) * share;
    const struct trainer_status status = trainer->status;
    pthread_mutex_unlock(&trainer->mutex);
    tell_progress(trainer, &status);
    return !atomic_load(&trainer->stop);
}

static void tell_faults(const struct faults *faults)
{
    for (size_t i = 0; i < faults->count; i++) {
        log_write(LOG_WARN, "serve", "%s:%d: %s", faults->list[i].where, faults->list[i].line,
                  faults->list[i].text);
    }
}

static enum err load(const char *folder, struct dataset *out, struct error *error)
{
    const struct dataset_options options = {.reports_max = BAD_ROWS_SHOWN};
    struct faults faults;
    faults_init(&faults);
    enum err code = dataset_load(folder, &options, out, &faults, error);
    tell_faults(&faults);
    if (code == ERR_OK && out->bad_rows > 0) {
        log_write(LOG_WARN, "serve", "%s: %lld bad rows left out", folder,
                  (long long)out->bad_rows);
    }
    faults_deinit(&faults);
    return code;
}

static enum err first_corpus(const struct trainer *trainer, struct corpus *out, struct error *error)
{
    struct dataset dataset;
    enum err code;
    if (trainer->config.data_folder != NULL) {
        code = load(trainer->config.data_folder, &dataset, error);
    } else {
        struct synth_config synth = synth_defaults();
        synth.seed = trainer->config.train.seed;
        code = synth_make(&synth, &trainer->config.train.parallel, &dataset, error);
    }
    if (code != ERR_OK) {
        return code;
    }
    corpus_take(out, &dataset);
    dataset_deinit(&dataset);
    return ERR_OK;
}

/* A data set of a former run, or a film that has left the catalogue: such ratings stay in the store
 * and teach nothing. */
static void count_left_out(struct trainer *trainer, const struct catalogue *films,
                           const struct posted_rating *posted, size_t count)
{
    uint64_t left_out = 0;
    for (size_t i = 0; i < count; i++) {
        left_out += catalogue_index(films, posted[i].movie_id) < 0;
    }
    if (left_out > 0) {
        log_write(LOG_WARN, "serve", "%llu stored ratings of films that are not in the data",
                  (unsigned long long)left_out);
    }
    pthread_mutex_lock(&trainer->mutex);
    trainer->status.left_out = left_out;
    pthread_mutex_unlock(&trainer->mutex);
}

/* former + data set + posted ratings; `former` is left as it is. */
static enum err join_corpus(struct trainer *trainer, const struct corpus *former,
                            const char *folder, struct corpus *out, struct error *error)
{
    struct dataset dataset;
    struct posted_rating *posted = NULL;
    size_t posted_count = 0;
    memset(&dataset, 0, sizeof dataset);
    enum err code = folder[0] != '\0' ? load(folder, &dataset, error) : ERR_OK;
    if (code == ERR_OK) {
        code = store_read(trainer->store, &posted, &posted_count, error);
    }
    if (code == ERR_OK) {
        corpus_join(out, former, folder[0] != '\0' ? &dataset : NULL, posted, posted_count);
        count_left_out(trainer, &out->catalogue, posted, posted_count);
    }
    mem_free(posted);
    if (folder[0] != '\0') {
        dataset_deinit(&dataset);
    }
    return code;
}

static enum err make_corpus(struct trainer *trainer, const struct model *former, const char *folder,
                            struct corpus *out, struct error *error)
{
    if (former != NULL) {
        return join_corpus(trainer, &former->corpus, folder, out, error);
    }
    struct corpus first;
    struct posted_rating *posted = NULL;
    size_t posted_count = 0;
    enum err code = store_read(trainer->store, &posted, &posted_count, error);
    code = code != ERR_OK ? code : first_corpus(trainer, &first, error);
    if (code == ERR_OK && posted_count > 0) {
        corpus_join(out, &first, NULL, posted, posted_count);
        corpus_deinit(&first);
        count_left_out(trainer, &out->catalogue, posted, posted_count);
    } else if (code == ERR_OK) {
        *out = first;
    }
    mem_free(posted);
    return code;
}

static enum err read_embeddings(struct trainer *trainer, struct error *error)
{
    struct faults faults;
    faults_init(&faults);
    enum err code =
        embeddings_read(trainer->config.embeddings_path, &trainer->config.train.parallel,
                        &trainer->embeddings, &faults, error);
    tell_faults(&faults);
    faults_deinit(&faults);
    if (code == ERR_OK) {
        trainer->config.train.embeddings = &trainer->embeddings;
    }
    return code;
}

/* Reads the vectors of films unless they are there, and tells how they fit the films. */
static enum err use_embeddings(struct trainer *trainer, const struct catalogue *films,
                               struct error *error)
{
    const struct embeddings *embeddings = &trainer->embeddings;
    const char *path = trainer->config.embeddings_path;
    int32_t matched;
    if (path == NULL) {
        return ERR_OK;
    }
    enum err code = embeddings->count > 0 ? ERR_OK : read_embeddings(trainer, error);
    if (code == ERR_OK) {
        code = embeddings_match(embeddings, path, films, &matched, error);
    }
    if (code == ERR_OK) {
        log_write(LOG_INFO, "serve",
                  "%s: %d vectors of %d numbers; %d films without one, %d ids of unknown films",
                  path, embeddings->count, embeddings->file_dims, films->count - matched,
                  embeddings->count - matched);
    }
    return code;
}

/* The corpus is moved into the model, or freed. */
static enum err train_on(struct trainer *trainer, struct corpus *corpus, const struct model *former,
                         struct model **out, struct error *error)
{
    enum err code = ERR_OK;
    if (corpus->ratings.count == 0) {
        code = error_set(error, ERR_INPUT, "", 0, "there is no rating to train on");
    } else {
        code = use_embeddings(trainer, &corpus->catalogue, error);
    }
    if (code != ERR_OK) {
        corpus_deinit(corpus);
        return code;
    }
    (void)on_progress(trainer, 0);
    *out = train_model(&trainer->config.train, corpus, former, on_progress, trainer);
    return *out != NULL ? ERR_OK
                        : error_set(error, ERR_INTERRUPTED, "", 0, "the training was stopped");
}

/* A model that cannot be written is served all the same. */
static void keep_model(const struct trainer *trainer, const struct model *model)
{
    struct error error = {0};
    char text[1024];
    if (trainer->config.model_path != NULL &&
        model_file_write(model, trainer->config.model_path, &error) != ERR_OK) {
        error_format(&error, text, sizeof text);
        log_write(LOG_ERROR, "serve", "the model is not written: %s", text);
    }
}

static enum err load_model(struct trainer *trainer, struct error *error)
{
    struct model *model = NULL;
    const char *path = trainer->config.model_path;
    int64_t began_ns = clock_mono_ns();
    enum err code = model_file_read(path, &model, error);
    if (code == ERR_OK) {
        log_write(LOG_INFO, "serve",
                  "model %d of %s: %d people, %d films, %lld ratings, read in %.2f s; the data "
                  "themselves are not read",
                  model->version, path, model->corpus.ratings.users, model->corpus.catalogue.count,
                  (long long)model->corpus.ratings.count,
                  (double)(clock_mono_ns() - began_ns) * 1e-9);
        publish_swap(trainer->publish, model);
        trainer->loaded = true;
    }
    return code;
}

static enum err run_job(struct trainer *trainer, const char *folder, struct error *error)
{
    struct corpus corpus;
    int64_t began_ns = clock_mono_ns();
    const struct model *former = publish_own(trainer->publish);
    if (former == NULL && trainer->config.model_path != NULL &&
        file_exists(trainer->config.model_path)) {
        return load_model(trainer, error);
    }
    struct model *model = NULL;
    enum err code = make_corpus(trainer, former, folder, &corpus, error);
    if (code == ERR_OK) {
        code = train_on(trainer, &corpus, former, &model, error);
    }
    if (code == ERR_OK) {
        model->trained_at_s = clock_wall_ns() / CLOCK_NS_PER_S;
        model->training_s = (double)(clock_mono_ns() - began_ns) * 1e-9;
        log_write(LOG_INFO, "serve",
                  "model %d: %d people, %d films, %lld ratings, trained in %.1f s", model->version,
                  model->corpus.ratings.users, model->corpus.catalogue.count,
                  (long long)model->corpus.ratings.count, model->training_s);
        publish_swap(trainer->publish, model);
        keep_model(trainer, model);
    }
    return code;
}

static void finish_job(struct trainer *trainer, enum err code, const struct error *error)
{
    const struct model *model = publish_own(trainer->publish);
    pthread_mutex_lock(&trainer->mutex);
    struct trainer_status *status = &trainer->status;
    status->seconds = (double)(clock_mono_ns() - trainer->began_ns) * 1e-9;
    status->model_version = model != NULL ? model->version : 0;
    status->state = code == ERR_OK ? TRAINER_IDLE : TRAINER_FAILED;
    if (code == ERR_OK) {
        status->progress = 1;
        status->trained += !trainer->loaded;
        trainer->loaded = false;
    } else {
        status->failures++;
        status->error = *error;
    }
    pthread_mutex_unlock(&trainer->mutex);
    if (code != ERR_OK && code != ERR_INTERRUPTED) { /* interrupted: the service is stopping */
        char text[1024];
        error_format(error, text, sizeof text);
        log_write(LOG_ERROR, "serve", "training failed: %s", text);
    }
}

/* Caller holds the mutex, or is alone. */
static void begin_job(struct trainer *trainer, enum trainer_cause cause, const char *folder)
{
    trainer->job = true;
    text_copy(trainer->job_folder, sizeof trainer->job_folder, folder);
    trainer->status.state = TRAINER_TRAINING;
    trainer->status.cause = cause;
    trainer->status.progress = 0;
    trainer->status.error = (struct error){0};
    trainer->began_ns = clock_mono_ns();
    trainer->retry_ns = 0;
    atomic_store(&trainer->ratings, 0);
}

/* When the next training is due by itself, INT64_MAX if none is in sight, and why. Caller holds the
 * mutex. */
static int64_t next_due_ns(struct trainer *trainer, enum trainer_cause *cause)
{
    const struct trainer_config *config = &trainer->config;
    int64_t due_ns = INT64_MAX;
    if (trainer->status.model_version == 0) {
        return due_ns;
    }
    if (config->retrain_every_ns > 0) {
        due_ns = trainer->began_ns + config->retrain_every_ns;
        *cause = CAUSE_TIME;
    }
    if (config->retrain_on_ratings > 0 &&
        atomic_load(&trainer->ratings) >= config->retrain_on_ratings) {
        due_ns = 0;
        *cause = CAUSE_RATINGS;
    }
    return due_ns > trainer->retry_ns ? due_ns : trainer->retry_ns;
}

/* Begins a training that is due, if it may. Caller holds the mutex, which is released meanwhile, so
 * that nobody is asked with it held. */
static void begin_by_itself(struct trainer *trainer, enum trainer_cause cause)
{
    pthread_mutex_unlock(&trainer->mutex);
    bool may =
        trainer->config.may_begin == NULL || trainer->config.may_begin(trainer->config.context);
    pthread_mutex_lock(&trainer->mutex);
    if (!may) {
        trainer->retry_ns = clock_mono_ns() + RETRY_NS;
    } else if (!trainer->job) {
        begin_job(trainer, cause, "");
    }
}

/* Copies the folder of the next job; false to end. */
static bool wait_for_job(struct trainer *trainer, char *folder, size_t size)
{
    pthread_mutex_lock(&trainer->mutex);
    while (!trainer->job && !atomic_load(&trainer->stop)) {
        enum trainer_cause cause = CAUSE_START;
        int64_t due_ns = next_due_ns(trainer, &cause);
        if (due_ns == INT64_MAX) {
            pthread_cond_wait(&trainer->wake, &trainer->mutex);
        } else if (due_ns <= clock_mono_ns()) {
            begin_by_itself(trainer, cause);
        } else {
            const struct timespec until = {.tv_sec = due_ns / CLOCK_NS_PER_S,
                                           .tv_nsec = due_ns % CLOCK_NS_PER_S};
            pthread_cond_timedwait(&trainer->wake, &trainer->mutex, &until);
        }
    }
    trainer->job = false;
    text_copy(folder, size, trainer->job_folder);
    pthread_mutex_unlock(&trainer->mutex);
    return !atomic_load(&trainer->stop);
}

static void *train_thread(void *argument)
{
    struct trainer *trainer = argument;
    char folder[sizeof trainer->job_folder];
    for (int jobs = 0; wait_for_job(trainer, folder, sizeof folder); jobs++) {
        if (jobs == 1) {
            /* On Linux this is the thread's own, and inherited by the threads it starts. */
            setpriority(PRIO_PROCESS, (id_t)gettid(), RETRAIN_NICENESS);
        }
        struct error error = {0};
        trainer->told_ns = clock_mono_ns();
        enum err code = run_job(trainer, folder, &error);
        finish_job(trainer, code, &error);
    }
    return NULL;
}

enum err trainer_start(struct trainer **out, const struct trainer_config *config,
                       struct publish *publish, struct store *store, struct error *error)
{
    struct trainer *trainer = mem_zalloc(1, sizeof *trainer);
    trainer->config = *config;
    trainer->publish = publish;
    trainer->store = store;
    atomic_init(&trainer->stop, false);
    pthread_mutex_init(&trainer->mutex, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&trainer->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    begin_job(trainer, CAUSE_START, "");
    int reason = pthread_create(&trainer->thread, NULL, train_thread, trainer);
    if (reason != 0) {
        char text[64];
        pthread_cond_destroy(&trainer->wake);
        pthread_mutex_destroy(&trainer->mutex);
        mem_free(trainer);
        return error_set(error, ERR_PROCESS, "", 0, "cannot start the training thread: %s",
                         err_errno_text(reason, text, sizeof text));
    }
    *out = trainer;
    return ERR_OK;
}

void trainer_stop(struct trainer *trainer)
{
    if (trainer == NULL) {
        return;
    }
    pthread_mutex_lock(&trainer->mutex);
    atomic_store(&trainer->stop, true);
    pthread_cond_signal(&trainer->wake);
    pthread_mutex_unlock(&trainer->mutex);
    pthread_join(trainer->thread, NULL);
    pthread_cond_destroy(&trainer->wake);
    pthread_mutex_destroy(&trainer->mutex);
    embeddings_deinit(&trainer->embeddings);
    mem_free(trainer);
}

bool trainer_retrain(struct trainer *trainer, const char *data_folder)
{
    pthread_mutex_lock(&trainer->mutex);
    bool free_now = trainer->status.state != TRAINER_TRAINING && trainer->status.model_version > 0;
    if (free_now) {
        begin_job(trainer, CAUSE_REQUEST, data_folder != NULL ? data_folder : "");
        pthread_cond_signal(&trainer->wake);
    }
    pthread_mutex_unlock(&trainer->mutex);
    return free_now;
}

void trainer_rated(struct trainer *trainer)
{
    if (atomic_fetch_add(&trainer->ratings, 1) + 1 == trainer->config.retrain_on_ratings) {
        pthread_mutex_lock(&trainer->mutex);
        pthread_cond_signal(&trainer->wake);
        pthread_mutex_unlock(&trainer->mutex);
    }
}

void trainer_status(struct trainer *trainer, struct trainer_status *out)
{
    pthread_mutex_lock(&trainer->mutex);
    *out = trainer->status;
    out->ratings = atomic_load(&trainer->ratings);
    if (out->state == TRAINER_TRAINING) {
        out->seconds = (double)(clock_mono_ns() - trainer->began_ns) * 1e-9;
    }
    pthread_mutex_unlock(&trainer->mutex);
}
