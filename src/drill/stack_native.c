/*
 * Ports: neither program reports the port it got when asked for port 0, so a free one is found by
 * binding and closing, and a start that loses the race for it is repeated with another port.
 */
#include "drill/stack_int.h"

#include "base/child.h"
#include "base/clock.h"
#include "base/fileio.h"
#include "base/text.h"
#include "base/yaml.h"
#include "drill/refusal.h"
#include "drill/render.h"
#include "drill/scrape_job.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define START_ATTEMPTS 5
#define STOP_GRACE_MS 3000

static enum err free_port(int *port, struct error *error)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool bound = fd >= 0 && bind(fd, (struct sockaddr *)&address, size) == 0 &&
                 getsockname(fd, (struct sockaddr *)&address, &size) == 0;
    char text[64];
    enum err code = bound ? ERR_OK
                          : error_set(error, ERR_NETWORK, "127.0.0.1", 0, "no free port: %s",
                                      err_errno_text(errno, text, sizeof text));
    if (fd >= 0) {
        close(fd);
    }
    *port = ntohs(address.sin_port);
    return code;
}

static json_t *duration_json(int64_t ns)
{
    char text[32];
    return json_string(text_from_duration_ns(ns, text, sizeof text));
}

static enum err write_prometheus_file(const struct stack_config *config, const struct stack *stack,
                                      const char *path, struct error *error)
{
    int64_t scrape_ns = config->scrape_ns / config->time_scale;
    json_t *files = json_array();
    for (size_t i = 0; i < stack->rules.file_count; i++) {
        const char *name = strrchr(stack->rules.rendered[i], '/');
        json_t *relative = json_sprintf("rules/%s", name == NULL ? "" : name + 1);
        json_array_append_new(files, relative);
    }
    json_t *jobs = json_array();
    if (config->metrics_url != NULL) {
        json_array_append_new(jobs,
                              scrape_job(SCRAPE_JOB_TARGET, config->metrics_url, config->relabel));
    }
    if (config->own_metrics_url != NULL) {
        json_array_append_new(jobs, scrape_job("driftdrill", config->own_metrics_url, NULL));
    }
    json_t *document =
        json_pack("{s:{s:o,s:o,s:o},s:o,s:{s:[{s:[{s:[s]}]}]},s:o}", "global", "scrape_interval",
                  duration_json(scrape_ns), "scrape_timeout", duration_json(scrape_ns),
                  "evaluation_interval", duration_json(config->evaluation_ns / config->time_scale),
                  "rule_files", files, "alerting", "alertmanagers", "static_configs", "targets",
                  strstr(stack->alertmanager_url, "://") + 3, "scrape_configs", jobs);
    enum err code = yaml_write_file(path,
                                    "# Rendered for this drill: production durations divided "
                                    "by time_scale.\n",
                                    document, error);
    json_decref(document);
    return code;
}

static bool answers_ready(const char *base_url)
{
    struct buf body;
    bool ready = stack_fetch(base_url, "/-/ready", &body);
    buf_deinit(&body);
    return ready;
}

static bool is_interrupted(const struct stack_config *config)
{
    return config->interrupted != NULL && config->interrupted(0);
}

enum readiness { READY, ENDED, LATE, INTERRUPTED };

static enum readiness wait_ready(const struct stack_config *config, struct child *child,
                                 const char *url)
{
    int status;
    int64_t deadline_ns = clock_mono_ns() + config->ready_timeout_ns;
    while (clock_mono_ns() < deadline_ns) {
        if (!child_running(child, &status)) {
            return ENDED;
        }
        if (answers_ready(url)) {
            return READY;
        }
        if (is_interrupted(config)) {
            return INTERRUPTED;
        }
        clock_sleep_ns(50 * CLOCK_NS_PER_MS);
    }
    return LATE;
}

struct launch { /* one program of the stack */
    const char *name;
    const char *log_path;
    char listen[64];         /* its listen option with host and port, filled per attempt */
    const char *argv[12];    /* one entry is `listen` */
    const char *listen_flag; /* "--web.listen-address=" */
};

static enum err not_ready(const struct launch *launch, enum readiness readiness,
                          struct error *error)
{
    if (readiness == INTERRUPTED) {
        return error_set(error, ERR_INTERRUPTED, NULL, 0, "interrupted before the drill began");
    }
    return error_set(error, ERR_TIMEOUT, launch->log_path, 0,
                     "%s did not become ready; its log tells more", launch->name);
}

static enum err launch_ready(const struct stack_config *config, struct launch *launch, char *url,
                             size_t url_size, struct child **out, struct error *error)
{
    struct child_spec spec = {
        .name = launch->name, .argv = launch->argv, .log_path = launch->log_path};
    for (int attempt = 0; attempt < START_ATTEMPTS; attempt++) {
        int port = 0;
        enum err code = free_port(&port, error);
        snprintf(launch->listen, sizeof launch->listen, "%s127.0.0.1:%d", launch->listen_flag,
                 port);
        snprintf(url, url_size, "http://127.0.0.1:%d", port);
        if (code == ERR_OK) {
            code = child_start(out, &spec, error);
        }
        if (code != ERR_OK) {
            return code;
        }
        enum readiness readiness = wait_ready(config, *out, url);
        if (readiness == READY) {
            return ERR_OK;
        }
        child_stop(*out, STOP_GRACE_MS);
        *out = NULL;
        if (readiness != ENDED) {
            return not_ready(launch, readiness, error);
        }
        if (refusal_of_rules(launch->log_path, error)) {
            return ERR_INPUT;
        }
    }
    return error_set(error, ERR_PROCESS, launch->log_path, 0,
                     "%s ended at start %d times; its log tells why", launch->name, START_ATTEMPTS);
}

/* The first of the names that is a program in PATH. */
static bool find_program(const char *wanted, const char *const *names, char *out, size_t size)
{
    if (wanted != NULL) {
        return text_copy(out, size, wanted);
    }
    for (size_t i = 0; names[i] != NULL; i++) {
        if (child_find(names[i], out, size)) {
            return true;
        }
    }
    return false;
}

static enum err start_alertmanager(const struct stack_config *config, struct stack *stack,
                                   struct error *error)
{
    static const char *const names[] = {"alertmanager", "prometheus-alertmanager", NULL};
    char program[512], file[512], log[512], file_flag[600], storage_flag[600];
    if (!find_program(config->alertmanager_program, names, program, sizeof program)) {
        return error_set(error, ERR_USAGE, "PATH", 0,
                         "no alertmanager found (Debian package prometheus-alertmanager)");
    }
    snprintf(file, sizeof file, "%s/alertmanager.yml", config->folder);
    snprintf(log, sizeof log, "%s/alertmanager.log", config->folder);
    snprintf(file_flag, sizeof file_flag, "--config.file=%s", file);
    snprintf(storage_flag, sizeof storage_flag, "--storage.path=%s/alertmanager",
             stack->data_folder);
    enum err code = render_alertmanager(config->alertmanager_file, config->time_scale,
                                        webhook_url(stack->webhook), file, error);
    if (code != ERR_OK) {
        return code;
    }
    struct launch launch = {
        .name = "alertmanager", .log_path = log, .listen_flag = "--web.listen-address="};
    const char *argv[] = {
        program, file_flag, storage_flag, "--cluster.listen-address=", launch.listen, NULL};
    memcpy(launch.argv, argv, sizeof argv);
    return launch_ready(config, &launch, stack->alertmanager_url, sizeof stack->alertmanager_url,
                        &stack->alertmanager, error);
}

/* An alert sent before Alertmanager was discovered is lost until it is sent again, which the
 * default does after a minute: longer than a warm-up. Alerts then expire four times this later. */
#define RESEND_FLAG "--rules.alert.resend-delay=5s"

/* Prometheus looks five minutes back for a sample; compressed like every other duration. */
#define LOOKBACK_NS (300 * CLOCK_NS_PER_S)

static enum err start_prometheus(const struct stack_config *config, struct stack *stack,
                                 struct error *error)
{
    static const char *const names[] = {"prometheus", NULL};
    char program[512], file[512], log[512], file_flag[600], storage_flag[600];
    char lookback[32], lookback_flag[64];
    if (!find_program(config->prometheus_program, names, program, sizeof program)) {
        return error_set(error, ERR_USAGE, "PATH", 0,
                         "no prometheus found (Debian package prometheus)");
    }
    int64_t lookback_ns = LOOKBACK_NS / config->time_scale / CLOCK_NS_PER_MS * CLOCK_NS_PER_MS;
    snprintf(file, sizeof file, "%s/prometheus.yml", config->folder);
    snprintf(log, sizeof log, "%s/prometheus.log", config->folder);
    snprintf(file_flag, sizeof file_flag, "--config.file=%s", file);
    snprintf(storage_flag, sizeof storage_flag, "--storage.tsdb.path=%s/prometheus",
             stack->data_folder);
    snprintf(lookback_flag, sizeof lookback_flag, "--query.lookback-delta=%s",
             text_from_duration_ns(lookback_ns, lookback, sizeof lookback));
    enum err code = write_prometheus_file(config, stack, file, error);
    if (code != ERR_OK) {
        return code;
    }
    struct launch launch = {
        .name = "prometheus", .log_path = log, .listen_flag = "--web.listen-address="};
    const char *argv[] = {program,     file_flag,     storage_flag, lookback_flag,
                          RESEND_FLAG, launch.listen, NULL};
    memcpy(launch.argv, argv, sizeof argv);
    return launch_ready(config, &launch, stack->prometheus_url, sizeof stack->prometheus_url,
                        &stack->prometheus, error);
}

static bool knows_alertmanager(const char *prometheus_url)
{
    struct buf body;
    json_t *answer = NULL;
    if (stack_fetch(prometheus_url, "/api/v1/alertmanagers", &body)) {
        answer = json_loadb(body.data, body.len, 0, NULL);
    }
    bool known = json_array_size(
                     json_object_get(json_object_get(answer, "data"), "activeAlertmanagers")) > 0;
    json_decref(answer);
    buf_deinit(&body);
    return known;
}

static bool is_scraped(struct stack *stack)
{
    double up = 0, now_s = (double)clock_wall_ns() / (double)CLOCK_NS_PER_S;
    bool found = false;
    return prometheus_value(stack->client, "min(up{job=\"recommender\"})", now_s, &up, &found,
                            NULL) == ERR_OK &&
           found && up > 0;
}

/* Prometheus takes some five seconds after it is ready to look at its targets and Alertmanagers for
 * the first time. */
static enum err await_discovery(const struct stack_config *config, struct stack *stack,
                                struct error *error)
{
    int64_t deadline_ns = clock_mono_ns() + config->ready_timeout_ns;
    while (clock_mono_ns() < deadline_ns) {
        if ((config->metrics_url == NULL || is_scraped(stack)) &&
            knows_alertmanager(stack->prometheus_url)) {
            return ERR_OK;
        }
        if (is_interrupted(config)) {
            return error_set(error, ERR_INTERRUPTED, NULL, 0, "interrupted before the drill began");
        }
        clock_sleep_ns(100 * CLOCK_NS_PER_MS);
    }
    return error_set(error, ERR_TIMEOUT, config->target_url, 0,
                     "Prometheus did not scrape the target, or did not find Alertmanager; "
                     "prometheus.log tells more");
}

enum err stack_native_start(const struct stack_config *config, struct stack *stack,
                            struct error *error)
{
    snprintf(stack->data_folder, sizeof stack->data_folder, "%s/.data", config->folder);
    enum err code = file_make_folders(stack->data_folder, error);
    if (code == ERR_OK) {
        code = start_alertmanager(config, stack, error);
    }
    if (code == ERR_OK) {
        code = start_prometheus(config, stack, error);
    }
    if (code == ERR_OK) {
        stack->client = prometheus_new(stack->prometheus_url);
        code = await_discovery(config, stack, error);
    }
    return code;
}

static void describe_end(const char *name, int status, char *what, size_t size)
{
    if (status > 128) {
        snprintf(what, size, "%s was killed by signal %d", name, status - 128);
    } else {
        snprintf(what, size, "%s ended with status %d", name, status);
    }
}

bool stack_native_alive(struct stack *stack, char *what, size_t size)
{
    int status = 0;
    if (!child_running(stack->prometheus, &status)) {
        describe_end("prometheus", status, what, size);
        return false;
    }
    if (!child_running(stack->alertmanager, &status)) {
        describe_end("alertmanager", status, what, size);
        return false;
    }
    return true;
}

void stack_native_stall(struct stack *stack, bool stalled)
{
    (void)kill(child_pid(stack->prometheus), stalled ? SIGSTOP : SIGCONT);
}

void stack_native_stop(struct stack *stack)
{
    if (stack->prometheus != NULL) {
        stack_native_stall(stack, false); /* it would not hear that it is to end */
    }
    child_stop(stack->prometheus, STOP_GRACE_MS);
    child_stop(stack->alertmanager, STOP_GRACE_MS);
}
