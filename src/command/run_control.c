/*
 * Everything is waited for in one poll: the signals, which are blocked and arrive by a descriptor,
 * the listening socket and its clients. Commands are a line, answers are a line, so `nc -U` will
 * do. A client that does not read its answers is hung up on; nothing here ever blocks the run.
 *
 * A change takes effect a moment ahead, so that all workers begin it together.
 */
#include "command/run_control.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define CLIENTS_MAX 8
#define LINE_MAX_BYTES 128
#define AHEAD_NS (50 * CLOCK_NS_PER_MS)
#define SIGNAL_STEP 0.1
#define RATE_MAX 1e9

struct client {
    int fd; /* -1 = free */
    char line[LINE_MAX_BYTES];
    size_t len;
};

struct run_control {
    int signals, listener; /* -1 = none */
    char path[sizeof((struct sockaddr_un *)0)->sun_path];
    struct client client[CLIENTS_MAX];
    double held; /* the factor before a hold; < 0 = not held */
    bool stop, interrupted;
};

/* ---- commands ---- */

static bool read_percent(char *text, double *out)
{
    double percent;
    size_t len = strlen(text);
    if (len > 0 && text[len - 1] == '%') {
        text[len - 1] = '\0';
    }
    bool plus = text[0] == '+';
    if (!text_to_f64(text + plus, &percent) || percent < (plus ? 0 : -100)) {
        return false;
    }
    *out = 1 + percent / 100;
    return true;
}

bool run_command_read(const char *line, struct run_command *out, const char **problem)
{
    static const struct {
        const char *word;
        enum run_command_kind kind;
        bool has_value;
        const char *expected;
    } rows[] = {
        {"rate", RUN_COMMAND_RATE, true, "rate: steps a second are expected"},
        {"factor", RUN_COMMAND_FACTOR, true, "factor: a number from 0 to 1000 is expected"},
        {"step", RUN_COMMAND_STEP, true, "step: a percentage from -100 on is expected"},
        {"hold", RUN_COMMAND_HOLD, false, "hold takes nothing"},
        {"resume", RUN_COMMAND_RESUME, false, "resume takes nothing"},
        {"status", RUN_COMMAND_STATUS, false, "status takes nothing"},
        {"stop", RUN_COMMAND_STOP, false, "stop takes nothing"},
    };
    char value[LINE_MAX_BYTES];
    size_t word = strcspn(line, " "), gap = strspn(line + word, " ");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (strlen(rows[i].word) != word || memcmp(rows[i].word, line, word) != 0) {
            continue;
        }
        *problem = rows[i].expected;
        *out = (struct run_command){.kind = rows[i].kind};
        if (!text_copy(value, sizeof value, line + word + gap)) {
            return false;
        }
        if (!rows[i].has_value) {
            return value[0] == '\0';
        }
        if (out->kind == RUN_COMMAND_STEP) {
            return read_percent(value, &out->value);
        }
        double most = out->kind == RUN_COMMAND_FACTOR ? PACE_FACTOR_MAX : RATE_MAX;
        return text_to_f64(value, &out->value) && out->value >= 0 && out->value <= most;
    }
    *problem = "expected rate, factor, step, hold, resume, status or stop";
    return false;
}

static bool change(const struct run_controlled *run, double factor, const char **problem)
{
    int64_t now_ns = clock_mono_ns() - run->start_mono_ns;
    if (factor > PACE_FACTOR_MAX) {
        *problem = "more than a thousand times the rate at the start";
        return false;
    }
    if (!engine_set_rate_factor(run->engine, factor, now_ns + AHEAD_NS)) {
        *problem = "no further change of rate is possible";
        return false;
    }
    log_write(LOG_INFO, "run", "%.1f s: %.1f steps/s from here on", (double)now_ns * 1e-9,
              factor * run->rate_per_s);
    return true;
}

static bool obey(struct run_control *control, const struct run_controlled *run,
                 const struct run_command *command, const char **problem)
{
    double now = engine_rate_factor(run->engine);
    switch (command->kind) {
    case RUN_COMMAND_RATE:
        control->held = -1;
        return change(run, command->value / run->rate_per_s, problem);
    case RUN_COMMAND_FACTOR:
        control->held = -1;
        return change(run, command->value, problem);
    case RUN_COMMAND_STEP:
        *problem = "nothing is played that could be more or less";
        return now > 0 && change(run, now * command->value, problem);
    case RUN_COMMAND_HOLD:
        control->held = control->held < 0 ? now : control->held;
        return change(run, 0, problem);
    case RUN_COMMAND_RESUME:
        if (control->held < 0) {
            *problem = "nothing is held";
            return false;
        }
        now = control->held;
        control->held = -1;
        return change(run, now, problem);
    case RUN_COMMAND_STOP:
        control->stop = true;
        return true;
    case RUN_COMMAND_STATUS:
        return true;
    }
    return false;
}

/* ---- clients ---- */

static void hang_up(struct client *client)
{
    close(client->fd);
    client->fd = -1;
    client->len = 0;
}

static void answer(struct client *client, const struct run_controlled *run, bool done,
                   const char *problem)
{
    char text[512];
    int len;
    if (done) {
        struct engine_live live;
        engine_live(run->engine, &live);
        int64_t now_ns = clock_mono_ns() - run->start_mono_ns;
        double factor = engine_rate_factor(run->engine);
        len = snprintf(
            text, sizeof text,
            "{\"ok\":true,\"drill_s\":%.3f,\"schedule_s\":%.3f,\"factor\":%.6g,"
            "\"rate\":%.6g,\"visits\":%" PRId64 ",\"steps\":%" PRId64 ",\"lists\":%" PRId64
            ",\"ratings\":%" PRId64 ",\"failed\":%" PRId64 ",\"unanswered\":%" PRId64
            ",\"in_flight\":%" PRId64 ",\"late\":%" PRId64 ",\"lag_max_s\":%.6f}\n",
            (double)now_ns * 1e-9, (double)engine_schedule_ns(run->engine, now_ns) * 1e-9, factor,
            factor * run->rate_per_s, live.visits, live.steps, live.lists, live.rated, live.failed,
            live.unknown, live.in_flight, live.steps_late, (double)live.lag_max_ns * 1e-9);
    } else {
        len = snprintf(text, sizeof text, "{\"ok\":false,\"problem\":\"%s\"}\n", problem);
    }
    assert(len > 0 && (size_t)len < sizeof text);
    if (send(client->fd, text, (size_t)len, MSG_NOSIGNAL | MSG_DONTWAIT) != len) {
        hang_up(client);
    }
}

static void take_line(struct run_control *control, struct client *client,
                      const struct run_controlled *run, char *line)
{
    struct run_command command;
    const char *problem = "";
    size_t len = strlen(line);
    while (len > 0 && (line[len - 1] == '\r' || line[len - 1] == ' ')) {
        line[--len] = '\0';
    }
    bool done =
        run_command_read(line, &command, &problem) && obey(control, run, &command, &problem);
    answer(client, run, done, problem);
}

static void take_bytes(struct run_control *control, struct client *client,
                       const struct run_controlled *run)
{
    ssize_t got = recv(client->fd, client->line + client->len,
                       sizeof client->line - 1 - client->len, MSG_DONTWAIT);
    if (got <= 0) {
        if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
            hang_up(client);
        }
        return;
    }
    client->len += (size_t)got;
    char *from = client->line, *end;
    while (client->fd >= 0 &&
           (end = memchr(from, '\n', client->len - (size_t)(from - client->line))) != NULL) {
        *end = '\0';
        take_line(control, client, run, from);
        from = end + 1;
    }
    if (client->fd < 0) {
        return;
    }
    client->len -= (size_t)(from - client->line);
    memmove(client->line, from, client->len);
    if (client->len == sizeof client->line - 1) {
        answer(client, run, false, "a command is shorter");
        hang_up(client);
    }
}

static void welcome(struct run_control *control)
{
    int fd = accept4(control->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    for (int i = 0; i < CLIENTS_MAX && fd >= 0; i++) {
        if (control->client[i].fd < 0) {
            control->client[i] = (struct client){.fd = fd};
            return;
        }
    }
    if (fd >= 0) {
        close(fd);
    }
}

/* ---- waiting ---- */

static void take_signal(struct run_control *control, const struct run_controlled *run)
{
    struct signalfd_siginfo info;
    const char *problem = "";
    if (read(control->signals, &info, sizeof info) != (ssize_t)sizeof info) {
        return;
    }
    if (info.ssi_signo != SIGUSR1 && info.ssi_signo != SIGUSR2) {
        control->interrupted = true;
        return;
    }
    double by = info.ssi_signo == SIGUSR1 ? 1 + SIGNAL_STEP : 1 - SIGNAL_STEP;
    struct run_command command = {.kind = RUN_COMMAND_STEP, .value = by};
    if (!obey(control, run, &command, &problem)) {
        log_write(LOG_WARN, "run", "the rate stays as it is: %s", problem);
    }
}

static void wait_once(struct run_control *control, const struct run_controlled *run,
                      int64_t timeout_ns)
{
    struct pollfd polled[2 + CLIENTS_MAX] = {{.fd = control->signals, .events = POLLIN},
                                             {.fd = control->listener, .events = POLLIN}};
    struct timespec timeout = {.tv_sec = timeout_ns / CLOCK_NS_PER_S,
                               .tv_nsec = timeout_ns % CLOCK_NS_PER_S};
    for (int i = 0; i < CLIENTS_MAX; i++) {
        polled[2 + i] = (struct pollfd){.fd = control->client[i].fd, .events = POLLIN};
    }
    if (ppoll(polled, 2 + CLIENTS_MAX, &timeout, NULL) <= 0) {
        return;
    }
    if (polled[0].revents != 0) {
        take_signal(control, run);
    }
    for (int i = 0; i < CLIENTS_MAX; i++) {
        if (polled[2 + i].revents != 0) {
            take_bytes(control, &control->client[i], run);
        }
    }
    if (polled[1].revents != 0) {
        welcome(control);
    }
}

enum run_control_event run_control_wait(struct run_control *control,
                                        const struct run_controlled *run, int64_t timeout_ns)
{
    int64_t until_ns = clock_mono_ns() + timeout_ns;
    do {
        int64_t left_ns = until_ns - clock_mono_ns();
        wait_once(control, run, left_ns > 0 ? left_ns : 0);
    } while (!control->interrupted && !control->stop && clock_mono_ns() < until_ns);
    if (control->interrupted) {
        return RUN_CONTROL_INTERRUPTED;
    }
    return control->stop ? RUN_CONTROL_STOP : RUN_CONTROL_NOTHING;
}

/* ---- life ---- */

static enum err fail(const char *path, const char *what, struct error *error)
{
    char text[64];
    return error_set(error, ERR_IO, path, 0, "%s: %s", what,
                     err_errno_text(errno, text, sizeof text));
}

/* Removes a socket that nobody listens to any more; whatever else is there stays. */
static enum err clear_path(const struct sockaddr_un *address, struct error *error)
{
    struct stat status;
    const char *path = address->sun_path;
    if (lstat(path, &status) != 0) {
        return errno == ENOENT ? ERR_OK : fail(path, "cannot look", error);
    }
    if (!S_ISSOCK(status.st_mode)) {
        return error_set(error, ERR_USAGE, path, 0, "is there and no socket");
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return fail(path, "cannot make a socket", error);
    }
    bool lives = connect(fd, (const struct sockaddr *)address, sizeof *address) == 0;
    close(fd);
    if (lives) {
        return error_set(error, ERR_USAGE, path, 0, "another run listens there");
    }
    return unlink(path) == 0 ? ERR_OK : fail(path, "cannot remove the old socket", error);
}

static enum err listen_at(struct run_control *control, const char *path, struct error *error)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (!text_copy(address.sun_path, sizeof address.sun_path, path) || path[0] == '\0') {
        return error_set(error, ERR_USAGE, path, 0, "a socket's path has 1 to %zu bytes",
                         sizeof address.sun_path - 1);
    }
    enum err code = clear_path(&address, error);
    if (code != ERR_OK) {
        return code;
    }
    control->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (control->listener < 0) {
        return fail(path, "cannot make a socket", error);
    }
    mode_t before = umask(077);
    int bound = bind(control->listener, (const struct sockaddr *)&address, sizeof address);
    umask(before);
    if (bound != 0) {
        return fail(path, "cannot be listened to", error);
    }
    (void)text_copy(control->path, sizeof control->path, path);
    return listen(control->listener, CLIENTS_MAX) == 0 ? ERR_OK
                                                       : fail(path, "cannot listen", error);
}

enum err run_control_open(const char *socket_path, struct run_control **out, struct error *error)
{
    sigset_t waited;
    struct run_control *control = mem_zalloc(1, sizeof *control);
    control->held = -1;
    control->listener = -1;
    for (int i = 0; i < CLIENTS_MAX; i++) {
        control->client[i].fd = -1;
    }
    sigemptyset(&waited);
    sigaddset(&waited, SIGINT);
    sigaddset(&waited, SIGTERM);
    sigaddset(&waited, SIGUSR1);
    sigaddset(&waited, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &waited, NULL);
    control->signals = signalfd(-1, &waited, SFD_NONBLOCK | SFD_CLOEXEC);
    enum err code = control->signals < 0 ? fail("signals", "cannot be waited for", error) : ERR_OK;
    if (code == ERR_OK && socket_path != NULL) {
        code = listen_at(control, socket_path, error);
    }
    if (code != ERR_OK) {
        run_control_close(control);
        return code;
    }
    *out = control;
    return ERR_OK;
}

void run_control_close(struct run_control *control)
{
    if (control == NULL) {
        return;
    }
    for (int i = 0; i < CLIENTS_MAX; i++) {
        if (control->client[i].fd >= 0) {
            close(control->client[i].fd);
        }
    }
    if (control->path[0] != '\0') {
        unlink(control->path);
    }
    if (control->listener >= 0) {
        close(control->listener);
    }
    if (control->signals >= 0) {
        close(control->signals);
    }
    mem_free(control);
}
