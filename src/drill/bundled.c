#include "drill/bundled.h"

#include "base/child.h"
#include "base/mem.h"
#include "base/text.h"

#include <stdio.h>

#define STOP_GRACE_MS 3000

struct bundled {
    struct child *child;
    char url[128];
    char log_path[600];
};

enum err bundled_start(const struct bundled_config *config, struct bundled **out,
                       struct error *error)
{
    char seed[32];
    snprintf(seed, sizeof seed, "%llu", (unsigned long long)config->seed);
    /* Not a path: the program is still this one after a rebuild has replaced the file. */
    const char *argv[] = {
        "/proc/self/exe", "serve", "--data", config->data_folder, "--listen", "127.0.0.1:0",
        "--seed",         seed,    NULL};
    struct child_spec spec = {.name = "the recommender",
                              .argv = argv,
                              .log_path = config->log_path,
                              .capture_stdout = true};
    struct bundled *bundled = mem_zalloc(1, sizeof *bundled);
    text_copy(bundled->log_path, sizeof bundled->log_path, config->log_path);
    enum err code = child_start(&bundled->child, &spec, error);
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
    enum err code =
        child_read_line(bundled->child, bundled->url, sizeof bundled->url, deadline_mono_ns, NULL);
    if (code != ERR_OK) {
        return error_set(error, code, bundled->log_path, 0,
                         "the recommender did not become ready; its log tells more");
    }
    *url = bundled->url;
    return ERR_OK;
}

bool bundled_alive(struct bundled *bundled, char *what, size_t size)
{
    int status = 0;
    if (child_running(bundled->child, &status)) {
        return true;
    }
    if (status > 128) {
        snprintf(what, size, "the recommender was killed by signal %d", status - 128);
    } else {
        snprintf(what, size, "the recommender ended with status %d", status);
    }
    return false;
}

void bundled_stop(struct bundled *bundled)
{
    if (bundled != NULL) {
        child_stop(bundled->child, STOP_GRACE_MS);
        mem_free(bundled);
    }
}
