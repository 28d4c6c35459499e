/* driftdrill serve: the bundled recommender as an HTTP service, until SIGTERM or SIGINT. */
#include "base/fileio.h"
#include "base/httpd.h"
#include "base/log.h"
#include "base/text.h"
#include "command/command.h"
#include "movielens/dataset.h"
#include "recommender/admin_gate.h"
#include "recommender/service.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define CONNECTIONS_MAX 4096
#define READY_POLL_MS 20

static const struct option_row rows[] = {
    {"data", OPTION_TEXT, "DIR", NULL, 0, 0,
     "MovieLens folder to train on (else MOVIELENS_DIR, data/ml-latest-small, built-in data)."},
    {"listen", OPTION_TEXT, "HOST:PORT", "127.0.0.1:8000", 0, 0,
     "Address to serve on; port 0 takes a free one."},
    {"threads", OPTION_INT, "N", "2", 1, SERVICE_THREADS_MAX, "Threads that answer requests."},
    {"train-threads", OPTION_INT, "N", NULL, 1, 64, "Threads that train (else one a core)."},
    {"factors", OPTION_INT, "K", "32", 8, 64, "Factors of the base source, a multiple of 8."},
    {"half-life", OPTION_DURATION, "TIME", "30d", 0, 0,
     "Age at which a rating weighs half, counted from the newest rating; 0 = no ageing."},
    {"popular-half-life", OPTION_DURATION, "TIME", "30d", 0, 0,
     "The same for the source popular alone; 0 = plain counts."},
    {"embeddings", OPTION_TEXT, "FILE", NULL, 0, 0,
     "Vectors of films for the source similar: CSV (movie id, numbers) or .npy (id first)."},
    {"model", OPTION_TEXT, "FILE", NULL, 0, 0,
     "Starts from the model in it, if it is there; every model trained is written to it."},
    {"last-metrics", OPTION_TEXT, "FILE", NULL, 0, 0,
     "Written when the service ends: what /metrics would answer then."},
    {"store", OPTION_TEXT, "FILE", NULL, 0, 0, "SQLite file for posted ratings (else in memory)."},
    {"attribution-window", OPTION_DURATION, "TIME", "1h", 0, 0,
     "A rating counts for a list served at most so long before; later ones are counted apart."},
    {"history-ratings", OPTION_INT, "N", "1048576", 1024, 1e8,
     "Posted ratings kept at hand, so that rated films are not recommended; 40 bytes each."},
    {"retrain-every", OPTION_DURATION, "TIME", "0", 0, 0,
     "Trains again so long after the last training began; 0 = only when asked."},
    {"retrain-on-ratings", OPTION_INT, "N", "0", 0, 1e9,
     "Trains again after so many ratings posted since the last training began; 0 = never."},
    {"admin-token", OPTION_TEXT, "TOKEN", NULL, 0, 0,
     "Who sends it may use /admin from anywhere, others may not; every process can see it here."},
    {"admin-token-file", OPTION_TEXT, "FILE", NULL, 0, 0,
     "The same, the token being the file's only line."},
    {"enable-faults", OPTION_FLAG, NULL, NULL, 0, 0,
     "Lets /admin/fault make the service slow, wrong or deaf, for drills."},
    {"fault-seed", OPTION_INT, "S", "1", 0, 9e15, "Seed of the random numbers of faults."},
    {"seed", OPTION_INT, "S", "1", 0, 9e15, "Seed of training and of the built-in data."},
    {NULL, OPTION_FLAG, NULL, NULL, 0, 0, NULL},
};

/* Reads the admin token, if one is given, into out. */
static enum err read_token(const struct options *options, char *out, size_t size,
                           struct error *error)
{
    const char *path = options_text(options, "admin-token-file");
    const char *token = options_text(options, "admin-token");
    struct buf file;
    enum err code = ERR_OK;
    if (path != NULL && token != NULL) {
        return error_set(error, ERR_USAGE, "--admin-token", 0,
                         "expected this or --admin-token-file, not both");
    }
    buf_init(&file, size);
    if (path != NULL) {
        code = file_read(path, &file, error);
        token = file.len > 0 ? file.data : "";
    }
    out[0] = '\0';
    if (code == ERR_OK && token != NULL) {
        const char *end = token + strcspn(token, "\r\n");
        bool one_line = end[strspn(end, "\r\n")] == '\0';
        bool whole = text_copy(out, size, token);
        out[strcspn(out, "\r\n")] = '\0';
        if (!whole || !one_line || !admin_token_valid(out)) {
            code = error_set(error, ERR_USAGE, path != NULL ? path : "--admin-token", 0,
                             "expected one line of letters, digits and -._~+/, at most %zu bytes",
                             size - 1);
        }
    }
    buf_deinit(&file);
    return code;
}

/* What the configuration borrows. */
struct texts {
    char folder[1024], token[256];
};

static enum err read_config(const struct options *options, struct service_config *config,
                            struct texts *texts, struct error *error)
{
    char home[1024];
    bool found = false;
    enum err code =
        dataset_find(options_text(options, "data"), command_home(home, sizeof home) ? home : NULL,
                     texts->folder, sizeof texts->folder, &found, error);
    if (code == ERR_OK) {
        code = read_token(options, texts->token, sizeof texts->token, error);
    }
    if (code != ERR_OK) {
        return code;
    }
    if (!found) {
        log_write(LOG_WARN, "serve",
                  "no MovieLens data found: training on built-in synthetic data");
    }
    *config = service_defaults();
    config->store_path = options_text(options, "store");
    config->trainer.data_folder = found ? texts->folder : NULL;
    config->attribution_ns = options_duration_ns(options, "attribution-window");
    config->ratings_max = (size_t)options_int(options, "history-ratings");
    config->trainer.embeddings_path = options_text(options, "embeddings");
    config->trainer.model_path = options_text(options, "model");
    config->trainer.retrain_every_ns = options_duration_ns(options, "retrain-every");
    config->trainer.retrain_on_ratings = (uint64_t)options_int(options, "retrain-on-ratings");
    config->admin_token = texts->token[0] != '\0' ? texts->token : NULL;
    config->enable_faults = options_flag(options, "enable-faults");
    config->fault_seed = (uint64_t)options_int(options, "fault-seed");
    config->delayed_max = CONNECTIONS_MAX;
    struct train_config *train = &config->trainer.train;
    train->factors = (int)options_int(options, "factors");
    train->half_life_s = (double)options_duration_ns(options, "half-life") * 1e-9;
    train->popular_half_life_s = (double)options_duration_ns(options, "popular-half-life") * 1e-9;
    train->seed = (uint64_t)options_int(options, "seed");
    train->parallel = parallel_all_cores();
    if (options_is_set(options, "train-threads")) {
        train->parallel.threads = (unsigned)options_int(options, "train-threads");
    }
    if (train->factors % 8 != 0) {
        return error_set(error, ERR_USAGE, "--factors", 0, "expected a multiple of 8, got %d",
                         train->factors);
    }
    return ERR_OK;
}

/* Waits at most timeout_ms for SIGTERM or SIGINT; below 0 waits for ever. */
static bool stop_asked(int timeout_ms)
{
    sigset_t waited;
    sigemptyset(&waited);
    sigaddset(&waited, SIGINT);
    sigaddset(&waited, SIGTERM);
    if (timeout_ms < 0) {
        int number;
        return sigwait(&waited, &number) == 0;
    }
    const struct timespec timeout = {.tv_sec = timeout_ms / 1000,
                                     .tv_nsec = timeout_ms % 1000 * 1000000L};
    return sigtimedwait(&waited, NULL, &timeout) > 0;
}

/* Prints the address once the first model is in service, then serves until a signal. */
static enum err serve(struct service *service, const struct httpd *httpd, struct error *error)
{
    struct trainer_status status;
    for (service_training(service, &status);
         status.state == TRAINER_TRAINING && status.model_version == 0;
         service_training(service, &status)) {
        if (stop_asked(READY_POLL_MS)) {
            return ERR_OK;
        }
    }
    if (status.model_version == 0) {
        *error = status.error;
        return status.error.code;
    }
    printf("%s\n", httpd_url(httpd));
    fflush(stdout);
    stop_asked(-1);
    return ERR_OK;
}

/* The server has stopped: every request that was taken is in these counts, which no scrape sees. */
static enum err write_last_metrics(struct service *service, const char *path, struct error *error)
{
    struct buf text;
    buf_init(&text, SERVICE_REPLY_MAX_BYTES);
    service_write_metrics(service, &text);
    enum err code = text.failed ? error_set(error, ERR_MEMORY, path, 0, "no memory for metrics")
                                : file_write(path, text.data, text.len, error);
    buf_deinit(&text);
    return code;
}

static enum err run(const struct options *options, struct error *error)
{
    struct service_config config;
    struct service *service = NULL;
    struct httpd *httpd = NULL;
    struct texts texts;
    enum err code = read_config(options, &config, &texts, error);
    if (code == ERR_OK) {
        code = service_open(&service, &config, error);
    }
    if (code == ERR_OK) {
        const struct httpd_config server = {.listen = options_text(options, "listen"),
                                            .threads = (unsigned)options_int(options, "threads"),
                                            .body_max_bytes = SERVICE_BODY_MAX_BYTES,
                                            .reply_max_bytes = SERVICE_REPLY_MAX_BYTES,
                                            .connections_max = CONNECTIONS_MAX,
                                            .tell_refused = true,
                                            .let_go = service_let_go};
        code = httpd_start(&httpd, &server, service_handle, service, error);
    }
    if (code == ERR_OK) {
        code = serve(service, httpd, error);
    }
    httpd_stop(httpd);
    if (code == ERR_OK && options_is_set(options, "last-metrics")) {
        code = write_last_metrics(service, options_text(options, "last-metrics"), error);
    }
    service_close(service);
    return code;
}

const struct command command_serve = {
    .name = "serve",
    .usage = "serve [options]",
    .summary = "run the bundled recommender as an HTTP service",
    .options = rows,
    .run = run,
};
