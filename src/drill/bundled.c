#include "drill/bundled.h"

#include "base/child.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

#define STOP_GRACE_MS 3000
#define ARGUMENTS_MAX 24

struct bundled {
    struct child *child; /* NULL while paused */
    int64_t kill_ns;     /* monotonic, while it is being paused; else 0 */
    char url[128];       /* "" until it has told it */
    char listen[128];
    char data_folder[600], log_path[600], model_path[600], store_path[600], last_metrics_path[600];
    char seed[32];
    bool enable_faults;
};

struct arguments {
    const char *argv[ARGUMENTS_MAX + 1];
    size_t count;
};

static void add(struct arguments *arguments, const char *text)
{
    arguments->argv[arguments->count++] = text;
}

static void add_path(struct arguments *arguments, const char *option, const char *path)
{
    if (path[0] != '\0') {
        add(arguments, option);
        add(arguments, path);
    }
}

static enum err start_child(struct bundled *bundled, struct error *error)
{
    /* Not a path: the program is still this one after a rebuild has replaced the file. */
    struct arguments arguments = {
        .argv = {"/proc/self/exe", "serve", "--listen", bundled->listen, "--seed", bundled->seed},
        .count = 6};
    add_path(&arguments, "--data", bundled->data_folder);
    add_path(&arguments, "--model", bundled->model_path);
    add_path(&arguments, "--store", bundled->store_path);
    add_path(&arguments, "--last-metrics", bundled->last_metrics_path);
    if (bundled->enable_faults) {
        add(&arguments, "--enable-faults");
    }
    struct child_spec spec = {.name = "the recommender",
                              .argv = arguments.argv,
                              .log_path = bundled->log_path,
                              .capture_stdout = true};
    return child_start(&bundled->child, &spec, error);
}

enum err bundled_start(const struct bundled_config *config, struct bundled **out,
                       struct error *error)
{
    struct bundled *bundled = mem_zalloc(1, sizeof *bundled);
    const struct {
        const char *from;
        char *to;
    } paths[] = {{config->data_folder, bundled->data_folder},
                 {config->log_path, bundled->log_path},
                 {config->model_path, bundled->model_path},
                 {config->store_path, bundled->store_path},
                 {config->last_metrics_path, bundled->last_metrics_path}};
    bool fits = true;
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        fits = fits && (paths[i].from == NULL ||
                        text_copy(paths[i].to, sizeof bundled->log_path, paths[i].from));
    }
    snprintf(bundled->seed, sizeof bundled->seed, "%llu", (unsigned long long)config->seed);
    text_copy(bundled->listen, sizeof bundled->listen, "127.0.0.1:0");
    bundled->enable_faults = config->enable_faults;
    enum err code = fits ? start_child(bundled, error)
                         : error_set(error, ERR_USAGE, config->data_folder, 0,
                                     "a path of the recommender is too long");
    if (code != ERR_OK) {
        mem_free(bundled);
        return code;
    }
    *out = bundled;
    return ERR_OK;
}

enum err bundled_url(struct bundled *bundled, int64_t deadline_mono_ns, const char **url,
                     struct error *error)
{
    char line[sizeof bundled->url];
    enum err code = child_read_line(bundled->child, line, sizeof line, deadline_mono_ns, NULL);
    if (code != ERR_OK) {
        return error_set(error, code, bundled->log_path, 0,
                         "the recommender did not become ready; its log tells more");
    }
    text_copy(bundled->url, sizeof bundled->url, line);
    const char *address = strstr(bundled->url, "://");
    text_copy(bundled->listen, sizeof bundled->listen,
              address != NULL ? address + strlen("://") : bundled->url);
    *url = bundled->url;
    return ERR_OK;
}

bool bundled_alive(struct bundled *bundled, char *what, size_t size)
{
    int status = 0;
    if (bundled->child == NULL || bundled->kill_ns != 0 || child_running(bundled->child, &status)) {
        return true;
    }
    if (status > 128) {
        snprintf(what, size, "the recommender was killed by signal %d", status - 128);
    } else {
        snprintf(what, size, "the recommender ended with status %d", status);
    }
    return false;
}

void bundled_pause(struct bundled *bundled)
{
    child_ask_to_end(bundled->child);
    bundled->kill_ns = clock_mono_ns() + STOP_GRACE_MS * CLOCK_NS_PER_MS;
}

bool bundled_paused(struct bundled *bundled)
{
    int status = 0;
    if (bundled->child != NULL && child_running(bundled->child, &status) &&
        clock_mono_ns() < bundled->kill_ns) {
        return false;
    }
    child_stop(bundled->child, 0);
    bundled->child = NULL;
    bundled->kill_ns = 0;
    return true;
}

enum err bundled_resume(struct bundled *bundled, struct error *error)
{
    return start_child(bundled, error);
}

void bundled_stop(struct bundled *bundled)
{
    if (bundled != NULL) {
        child_stop(bundled->child, STOP_GRACE_MS);
        mem_free(bundled);
    }
}
