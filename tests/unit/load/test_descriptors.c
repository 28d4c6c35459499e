/* Room for connections is made or refused before any of them is opened, and what is reckoned is
 * what the transports take. Servers run in processes of their own: their descriptors do not count.
 */
#include "load/descriptors.h"

#include "base/clock.h"
#include "base/fileio.h"
#include "base/mem.h"
#include "load/curl_failure.h"
#include "load/stub_server.h"
#include "load/transport.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define CERTIFICATE "tests/data/tls/certificate.pem"
#define KEY "tests/data/tls/key.pem"
#define ANSWER_MAX ((size_t)4096)
#define TIMEOUT_MS 60000L
#define BURST 200

Test(descriptors, the_need_is_added_up_and_held_against_the_limits)
{
    static const struct {
        const char *row;
        struct descriptors_world world;
        unsigned threads;
        int connections;
        enum err code;
        bool raised;
        const char *told;
    } rows[] = {
        {"few connections", {10, 1024, 4096, 28232}, 1, 64, ERR_OK, false, NULL},
        {"the soft limit is raised", {10, 1024, 4096, 28232}, 2, 600, ERR_OK, true, NULL},
        {"the hard one is not",
         {10, 1024, 4096, 28232},
         2,
         2000,
         ERR_USAGE,
         false,
         "may have 4096"},
        {"no limit at all", {10, 1024, INT64_MAX, 60000}, 4, 5000, ERR_OK, true, NULL},
        {"files already open count",
         {920, 1024, 1024, 28232},
         1,
         64,
         ERR_USAGE,
         false,
         "open files"},
        {"more than there are ports",
         {10, INT64_MAX, INT64_MAX, 28232},
         1,
         30000,
         ERR_USAGE,
         false,
         "28232 local ports"},
        {"256 threads with 65536 each do not overflow",
         {10, 1024, INT64_MAX, INT64_MAX},
         256,
         65536,
         ERR_OK,
         true,
         NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct error error = {0};
        int64_t soft = -1;
        enum err code =
            descriptors_decide(&rows[i].world, rows[i].threads, rows[i].connections, &soft, &error);
        cr_expect_eq(code, rows[i].code, "%s", rows[i].row);
        if (code == ERR_OK) {
            int64_t sockets = (int64_t)rows[i].threads * rows[i].connections;
            cr_expect_eq(soft > rows[i].world.soft, rows[i].raised, "%s", rows[i].row);
            cr_expect_geq(soft, 3 * sockets, "%s", rows[i].row);
            cr_expect_leq(soft, rows[i].world.hard, "%s", rows[i].row);
        } else {
            cr_expect_not_null(strstr(error.text, rows[i].told), "%s: %s", rows[i].row, error.text);
            cr_expect_str_eq(error.where, "--connections", "%s", rows[i].row);
        }
    }
}

Test(descriptors, the_limit_of_the_process_is_raised_when_there_is_room)
{
    struct rlimit limit;
    struct error error = {0};
    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    rlim_t hard = limit.rlim_max;
    if (hard < 2048) {
        cr_log_warn("the hard limit is too low to test anything");
        return;
    }
    limit.rlim_cur = 128;
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    cr_expect_eq(descriptors_reserve(2, 200, &error), ERR_OK, "%s", error.text);
    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    cr_expect_gt(limit.rlim_cur, 1200);
    cr_expect_eq(limit.rlim_max, hard);
    limit.rlim_cur = 128;
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    cr_expect_eq(descriptors_reserve_server(1000, &error), ERR_OK, "%s", error.text);
    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    cr_expect(limit.rlim_cur > 1000 && limit.rlim_cur < 2000, "%ju", (uintmax_t)limit.rlim_cur);
    limit.rlim_cur = limit.rlim_max = 256;
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    cr_expect_eq(descriptors_reserve(2, 200, &error), ERR_USAGE);
    cr_expect_not_null(strstr(error.text, "may have 256"), "%s", error.text);
    cr_expect_eq(descriptors_reserve_server(1000, &error), ERR_USAGE);
    cr_expect_not_null(strstr(error.text, "may have 256"), "%s", error.text);
}

/* ---- what the transports take ---- */

struct server {
    pid_t pid;
    char url[320];
};

static void serve_plain(char *url, size_t size)
{
    struct stub *stub = NULL;
    const struct stub_config config = {.films = 60};
    (void)snprintf(url, size, "%s",
                   stub_start(&stub, &config, NULL) == ERR_OK ? stub_url(stub) : "");
}

static enum MHD_Result answer(void *context, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *body,
                              size_t *body_len, void **state)
{
    (void)context, (void)url, (void)method, (void)version, (void)body, (void)body_len, (void)state;
    struct MHD_Response *response =
        MHD_create_response_from_buffer(2, (void *)(uintptr_t) "ok", MHD_RESPMEM_PERSISTENT);
    enum MHD_Result result = MHD_queue_response(connection, MHD_HTTP_OK, response);
    MHD_destroy_response(response);
    return result;
}

static void serve_encrypted(char *url, size_t size)
{
    struct buf certificate, key;
    buf_init(&certificate, 65536);
    buf_init(&key, 65536);
    if (file_read(CERTIFICATE, &certificate, NULL) != ERR_OK ||
        file_read(KEY, &key, NULL) != ERR_OK) {
        return;
    }
    struct MHD_Daemon *daemon =
        MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_EPOLL | MHD_USE_TLS, 0, NULL,
                         NULL, answer, NULL, MHD_OPTION_HTTPS_MEM_KEY, key.data,
                         MHD_OPTION_HTTPS_MEM_CERT, certificate.data, MHD_OPTION_CONNECTION_LIMIT,
                         2u * BURST, MHD_OPTION_LISTEN_BACKLOG_SIZE, 2u * BURST, MHD_OPTION_END);
    if (daemon != NULL) {
        unsigned port = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
        (void)snprintf(url, size, "https://127.0.0.1:%u", port);
    }
}

static void serve(struct server *server, void (*start)(char *url, size_t size))
{
    int pipes[2];
    cr_assert_eq(pipe(pipes), 0);
    memset(server, 0, sizeof *server);
    server->pid = fork();
    cr_assert_geq(server->pid, 0);
    if (server->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        start(server->url, sizeof server->url);
        ssize_t written = write(pipes[1], server->url, sizeof server->url);
        while (written > 0) {
            pause();
        }
        _exit(1);
    }
    cr_assert_eq(read(pipes[0], server->url, sizeof server->url), (ssize_t)sizeof server->url);
    cr_assert_neq(server->url[0], '\0');
    close(pipes[0]);
    close(pipes[1]);
}

static void stop(const struct server *server)
{
    kill(server->pid, SIGKILL);
    cr_assert_eq(waitpid(server->pid, NULL, 0), server->pid);
}

static int64_t count_open(void)
{
    int64_t count = 0;
    DIR *folder = opendir("/proc/self/fd");
    cr_assert_not_null(folder);
    while (readdir(folder) != NULL) {
        count++;
    }
    (void)closedir(folder);
    return count - 3;
}

/* No more files than this from now on; returns what was allowed before. */
static int64_t allow(int64_t files)
{
    struct rlimit limit;
    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    int64_t before = (int64_t)limit.rlim_cur;
    limit.rlim_cur = (rlim_t)files;
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0, "%lld files", (long long)files);
    return before;
}

/* The fewest files that the decision takes for enough. */
static int64_t reckoned(unsigned threads, int connections)
{
    int64_t soft;
    struct descriptors_world world = {.open = count_open(), .soft = 1, .ports = INT64_MAX};
    while (descriptors_decide(&world, threads, connections, &soft, NULL) != ERR_OK) {
        world.hard++;
    }
    return world.hard;
}

/* Starts `count` requests at once and counts how they ended. */
static void burst(const struct transport_class *class, struct transport *transport,
                  struct exchange *exchange, int count, int *ended)
{
    static struct exchange *done[BURST];
    for (int i = 0; i < count; i++) {
        class->start(transport, &exchange[i]);
    }
    for (int left = count; left > 0;) {
        int came = class->wait(transport, clock_mono_ns() + CLOCK_NS_PER_S, done);
        for (int i = 0; i < came; i++) {
            ended[done[i]->failure]++;
        }
        left -= came;
    }
}

/* `files`: allowed beyond those open when the transport stands; 0 = what is reckoned. */
static void play(const struct transport_class *class, const char *url, int64_t files, int *ended,
                 const char **reason)
{
    struct request_shape shape = {.method = "GET", .base_url = url, .headers = ""};
    const struct request_shape *shapes[] = {&shape};
    const struct transport_config config = {.slots = BURST,
                                            .timeout_ms = TIMEOUT_MS,
                                            .shape = shapes,
                                            .shape_count = 1,
                                            .answer_max_bytes = ANSWER_MAX};
    struct transport *transport = NULL;
    struct exchange *exchange = mem_zalloc(BURST, sizeof *exchange);
    int64_t need = reckoned(1, BURST);
    for (int i = 0; i < BURST; i++) {
        exchange[i].slot = i;
        exchange[i].shape = &shape;
        exchange[i].path_len = (size_t)snprintf(exchange[i].path, sizeof exchange[i].path, "%s",
                                                "/recommendations/?user_id=1&n=10");
        buf_init(&exchange[i].answer, ANSWER_MAX);
    }
    cr_assert_eq(class->open(&config, &transport, NULL), ERR_OK);
    int64_t before = allow(files > 0 ? count_open() + files : need);
    burst(class, transport, exchange, BURST, ended);
    (void)allow(before);
    for (int i = 0; i < BURST; i++) {
        *reason = exchange[i].failure == EXCHANGE_OTHER ? exchange[i].reason : *reason;
    }
    class->close(transport);
    for (int i = 0; i < BURST; i++) {
        buf_deinit(&exchange[i].answer);
    }
    mem_free(exchange);
}

static const struct transport_class *const classes[] = {&transport_http1, &transport_curl};

Test(descriptors, what_is_reckoned_is_enough_for_all_connections_at_once)
{
    void (*const starts[])(char *, size_t) = {serve_plain, serve_encrypted};
    setenv("SSL_CERT_FILE", CERTIFICATE, 1);
    for (size_t s = 0; s < 2; s++) {
        for (size_t c = 0; c < 2; c++) {
            struct server server;
            const char *reason = NULL;
            int ended[EXCHANGE_FAILURES] = {0};
            serve(&server, starts[s]);
            play(classes[c], server.url, 0, ended, &reason);
            cr_expect_eq(ended[EXCHANGE_ANSWERED], BURST, "%s, %s: %d answered, %s", server.url,
                         classes[c]->name, ended[EXCHANGE_ANSWERED], reason);
            stop(&server);
        }
    }
}

Test(descriptors, want_of_descriptors_is_not_taken_for_a_target_that_refuses)
{
    for (size_t c = 0; c < 2; c++) {
        struct server server;
        const char *reason = NULL;
        int ended[EXCHANGE_FAILURES] = {0};
        serve(&server, serve_plain);
        play(classes[c], server.url, 12, ended, &reason);
        cr_expect_gt(ended[EXCHANGE_OTHER], 0, "%s", classes[c]->name);
        cr_expect_eq(ended[EXCHANGE_ANSWERED] + ended[EXCHANGE_OTHER], BURST, "%s: %d and %d",
                     classes[c]->name, ended[EXCHANGE_ANSWERED], ended[EXCHANGE_OTHER]);
        cr_expect_str_eq(reason, curl_no_descriptor_text, "%s", classes[c]->name);
        stop(&server);
    }
}
