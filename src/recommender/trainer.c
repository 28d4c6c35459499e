/*
 * One thread, which waits for a job. The first job runs at normal priority, because nobody can be
 * served without it; before the second the thread makes itself "nice", and with it the threads that
 * the factorisation starts, so that lists keep their latency while a model trains beside them on
 * the same cores.
 *
 * It is the only thread that publishes, so the former model stays whole while its corpus is joined
 * with the new data.
 */
#include "recommender/trainer.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "movielens/synth.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define RETRAIN_NICENESS 5  /* a third of a share: lists come first, a busy machine still trains */
#define PROGRESS_LOADED 0.1 /* reported once the data are read and joined */
#define BAD_ROWS_SHOWN 5

struct trainer {
    struct trainer_config config;
    struct publish *publish;
    struct store *store;
    pthread_t thread;
    atomic_bool stop;

    pthread_mutex_t mutex; /* guards all below */
    pthread_cond_t wake;   /* a job came, or stop */
    bool job;
    char job_folder[1024]; /* "" = none */
    struct trainer_status status;
    int64_t began_ns; /* monotonic */
};

const char *trainer_state_name(enum trainer_state state)
{
    static const char *const names[] = {"idle", "training", "failed"};
    return names[state];
}

static bool on_progress(void *context, double share)
{
    struct trainer *trainer = context;
    pthread_mutex_lock(&trainer->mutex);
    trainer->status.progress = PROGRESS_LOADED + (1 - PROGRESS_LOADED) * share;
    pthread_mutex_unlock(&trainer->mutex);
    return !atomic_load(&trainer->stop);
}

static enum err load(const char *folder, struct dataset *out, struct error *error)
{
    const struct dataset_options options = {.reports_max = BAD_ROWS_SHOWN};
    struct faults faults;
    faults_init(&faults);
    enum err code = dataset_load(folder, &options, out, &faults, error);
    for (size_t i = 0; i < faults.count; i++) {
        log_write(LOG_WARN, "serve", "%s:%d: %s", faults.list[i].where, faults.list[i].line,
                  faults.list[i].text);
    }
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
    } else if (code == ERR_OK) {
        *out = first;
    }
    mem_free(posted);
    return code;
}

static enum err run_job(struct trainer *trainer, const char *folder, struct error *error)
{
    struct corpus corpus;
    int64_t began_ns = clock_mono_ns();
    const struct model *former = publish_own(trainer->publish);
    enum err code = make_corpus(trainer, former, folder, &corpus, error);
    struct model *model = NULL;
    if (code == ERR_OK && corpus.ratings.count == 0) {
        code = error_set(error, ERR_INPUT, folder, 0, "there is no rating to train on");
        corpus_deinit(&corpus);
    } else if (code == ERR_OK) {
        (void)on_progress(trainer, 0);
        model = train_model(&trainer->config.train, &corpus, former, on_progress, trainer);
        code = model != NULL ? ERR_OK
                             : error_set(error, ERR_INTERRUPTED, "", 0, "the training was stopped");
    }
    if (model != NULL) {
        model->trained_at_s = clock_wall_ns() / CLOCK_NS_PER_S;
        model->training_s = (double)(clock_mono_ns() - began_ns) * 1e-9;
        log_write(LOG_INFO, "serve",
                  "model %d: %d people, %d films, %lld ratings, trained in %.1f s", model->version,
                  model->corpus.ratings.users, model->corpus.catalogue.count,
                  (long long)model->corpus.ratings.count, model->training_s);
        publish_swap(trainer->publish, model);
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

static void *train_thread(void *argument)
{
    struct trainer *trainer = argument;
    char folder[sizeof trainer->job_folder];
    for (int jobs = 0;; jobs++) {
        pthread_mutex_lock(&trainer->mutex);
        while (!trainer->job && !atomic_load(&trainer->stop)) {
            pthread_cond_wait(&trainer->wake, &trainer->mutex);
        }
        trainer->job = false;
        memcpy(folder, trainer->job_folder, sizeof folder);
        pthread_mutex_unlock(&trainer->mutex);
        if (atomic_load(&trainer->stop)) {
            return NULL;
        }
        if (jobs == 1) {
            /* On Linux this is the thread's own, and inherited by the threads it starts. */
            setpriority(PRIO_PROCESS, (id_t)gettid(), RETRAIN_NICENESS);
        }
        struct error error = {0};
        enum err code = run_job(trainer, folder, &error);
        finish_job(trainer, code, &error);
    }
}

/* Caller holds the mutex, or is alone. */
static void begin_job(struct trainer *trainer)
{
    trainer->job = true;
    trainer->status.state = TRAINER_TRAINING;
    trainer->status.progress = 0;
    trainer->status.error = (struct error){0};
    trainer->began_ns = clock_mono_ns();
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
    pthread_cond_init(&trainer->wake, NULL);
    begin_job(trainer);
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
    mem_free(trainer);
}

bool trainer_retrain(struct trainer *trainer, const char *data_folder)
{
    pthread_mutex_lock(&trainer->mutex);
    bool free_now = trainer->status.state != TRAINER_TRAINING && trainer->status.model_version > 0;
    if (free_now) {
        text_copy(trainer->job_folder, sizeof trainer->job_folder,
                  data_folder != NULL ? data_folder : "");
        begin_job(trainer);
        pthread_cond_signal(&trainer->wake);
    }
    pthread_mutex_unlock(&trainer->mutex);
    return free_now;
}

void trainer_status(struct trainer *trainer, struct trainer_status *out)
{
    pthread_mutex_lock(&trainer->mutex);
    *out = trainer->status;
    if (out->state == TRAINER_TRAINING) {
        out->seconds = (double)(clock_mono_ns() - trainer->began_ns) * 1e-9;
    }
    pthread_mutex_unlock(&trainer->mutex);
}
