/*
 * Properties: a child dies with the thread that started it (PR_SET_PDEATHSIG; the parent is asked
 * for once more after the request, because it may have died before), it starts from a clean slate,
 * and a program that cannot be executed is an error of child_start, carried back through a pipe
 * that exec closes. Between fork and exec only async-signal-safe calls are made: the process may
 * have threads.
 *
 * The child is not reaped before child_stop: while it is a zombie its id, which is also the id of
 * its group, cannot be given to somebody else, so the group may be signalled at any time.
 *
 * Captured stdout is read by a thread of its own (the pump) from start to end, so that a child that
 * goes on printing after its first line never blocks on a full pipe. The pump copies everything to
 * the log and keeps up to UNREAD_BYTES for child_read_line; what does not fit is in the log only.
 * Rejected: letting child_read_line read the pipe (nobody drains it afterwards), a file instead
 * of a pipe (nothing to wait on).
 *
 * A grandchild is caught by the group kill in child_stop. If we are killed, it is on its own: the
 * kernel's death signal is not inherited over fork.
 */
#include "base/child.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* EXEC_FAULT_FD: where the forked process keeps the pipe, so that one close_range gets the rest. */
enum { UNREAD_BYTES = 64 * 1024, WAIT_STEP_MS = 2, EXEC_FAULT_FD = 3 };

struct pump {
    pthread_t thread;
    int read_fd, stop_fd;   /* stop_fd: an eventfd, readable once the pump is to end */
    pthread_mutex_t mutex;  /* guards what follows */
    pthread_cond_t changed; /* runs on the monotonic clock */
    bool ended;
    size_t unread_len;
    char unread[UNREAD_BYTES];
};

struct child {
    pid_t pid;
    int log_fd;
    struct pump *pump; /* NULL unless stdout is captured */
    char name[64];
    char log_path[256];
};

/* What the forked process needs, all made before the fork. */
struct launch {
    const char *program;
    char *const *argv;
    int null_fd, stdout_fd, log_fd, fault_fd;
    pid_t parent;
};

static void close_fd(int *fd)
{
    if (*fd >= 0) {
        close(*fd);
    }
    *fd = -1;
}

/* A name with a slash is a path, as for the shell. An empty element of PATH is the current folder.
 */
bool child_find(const char *program, char *out, size_t size)
{
    if (strchr(program, '/') != NULL) {
        return access(program, X_OK) == 0 && text_copy(out, size, program);
    }
    const char *path = getenv("PATH");
    while (path != NULL && *path != '\0') {
        size_t len = strcspn(path, ":");
        struct stat info;
        int written = snprintf(out, size, "%.*s/%s", (int)len, len > 0 ? path : ".", program);
        if (written > 0 && (size_t)written < size && access(out, X_OK) == 0 &&
            stat(out, &info) == 0 && S_ISREG(info.st_mode)) {
            return true;
        }
        path += len + (path[len] == ':');
    }
    return false;
}

static void reset_signals(void)
{
    struct sigaction fallback;
    memset(&fallback, 0, sizeof(fallback));
    fallback.sa_handler = SIG_DFL;
    for (int number = 1; number < NSIG; number++) {
        sigaction(number, &fallback, NULL); /* SIGKILL, SIGSTOP refuse: they are default anyway */
    }
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* The forked process; never returns. No descriptor of the launch is below 3 (lift), so that none
 * is overwritten before it is used. */
static void become_program(const struct launch *launch)
{
    reset_signals();
    setpgid(0, 0);
    bool good = prctl(PR_SET_PDEATHSIG, SIGKILL) == 0;
    if (getppid() != launch->parent) {
        _exit(127); /* the parent died before the request: no signal will come */
    }
    good = good && dup2(launch->null_fd, STDIN_FILENO) >= 0;
    good = good && dup2(launch->stdout_fd, STDOUT_FILENO) >= 0;
    good = good && dup2(launch->log_fd, STDERR_FILENO) >= 0;
    int fault_fd = launch->fault_fd;
    if (good && fault_fd != EXEC_FAULT_FD) {
        good = dup3(fault_fd, EXEC_FAULT_FD, O_CLOEXEC) >= 0;
        if (good) {
            fault_fd = EXEC_FAULT_FD;
        }
    }
    good = good && close_range(EXEC_FAULT_FD + 1, ~0U, 0) == 0;
    if (good) {
        execv(launch->program, launch->argv);
    }
    int reason = errno;
    ssize_t written = write(fault_fd, &reason, sizeof(reason));
    (void)written;
    _exit(127);
}

/* Moves a fresh descriptor above the standard three, should the caller have closed some of them. */
static int lift(int fd)
{
    if (fd < 0 || fd > STDERR_FILENO) {
        return fd;
    }
    int lifted = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    int reason = errno;
    close(fd);
    errno = reason;
    return lifted;
}

static bool open_pipe(int *read_fd, int *write_fd)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return false;
    }
    *read_fd = lift(ends[0]);
    *write_fd = lift(ends[1]);
    return *read_fd >= 0 && *write_fd >= 0;
}

static ssize_t read_again(int fd, void *out, size_t size)
{
    ssize_t got;
    do {
        got = read(fd, out, size);
    } while (got < 0 && errno == EINTR);
    return got;
}

static void write_log(int log_fd, const char *bytes, size_t count)
{
    while (count > 0) {
        ssize_t written = write(log_fd, bytes, count);
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            return; /* a full disk must not stop the child */
        }
        bytes += written;
        count -= (size_t)written;
    }
}

static void pump_keep(struct pump *pump, const char *bytes, size_t count)
{
    pthread_mutex_lock(&pump->mutex);
    size_t room = sizeof(pump->unread) - pump->unread_len;
    size_t kept = count < room ? count : room;
    memcpy(pump->unread + pump->unread_len, bytes, kept);
    pump->unread_len += kept;
    pthread_cond_broadcast(&pump->changed);
    pthread_mutex_unlock(&pump->mutex);
}

static void *pump_run(void *context)
{
    const struct child *child = context;
    struct pump *pump = child->pump;
    char bytes[4096];
    struct pollfd wanted[] = {{.fd = pump->read_fd, .events = POLLIN},
                              {.fd = pump->stop_fd, .events = POLLIN}};
    /* Once told to stop it takes what a full pipe can hold and no more: whoever still holds the
     * other end by then has left the group and is not ours to wait for. */
    int reads_left = UNREAD_BYTES / (int)sizeof(bytes);
    while (reads_left > 0) {
        if (poll(wanted, 2, -1) < 0) {
            continue;
        }
        bool stopping = wanted[1].revents != 0;
        ssize_t got = read_again(pump->read_fd, bytes, sizeof(bytes));
        if (got == 0 || (got < 0 && (errno != EAGAIN || stopping))) {
            break;
        }
        if (got > 0) {
            write_log(child->log_fd, bytes, (size_t)got);
            pump_keep(pump, bytes, (size_t)got);
        }
        reads_left -= stopping;
    }
    pthread_mutex_lock(&pump->mutex);
    pump->ended = true;
    pthread_cond_broadcast(&pump->changed);
    pthread_mutex_unlock(&pump->mutex);
    return NULL;
}

static struct pump *pump_new(int read_fd)
{
    struct pump *pump = mem_zalloc(1, sizeof(*pump));
    pump->read_fd = read_fd;
    pump->stop_fd = eventfd(0, EFD_CLOEXEC);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&pump->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_mutex_init(&pump->mutex, NULL);
    return pump;
}

static void pump_free(struct pump *pump)
{
    if (pump == NULL) {
        return;
    }
    close_fd(&pump->read_fd);
    close_fd(&pump->stop_fd);
    pthread_cond_destroy(&pump->changed);
    pthread_mutex_destroy(&pump->mutex);
    mem_free(pump);
}

static void pump_stop(struct pump *pump)
{
    if (pump == NULL) {
        return;
    }
    const uint64_t one = 1;
    ssize_t written = write(pump->stop_fd, &one, sizeof(one));
    assert(written == (ssize_t)sizeof(one));
    (void)written;
    pthread_join(pump->thread, NULL);
    pump_free(pump);
}

/* Forks, and waits until the program runs (0; exec has closed the pipe without a word) or could not
 * be run (an errno value). */
static int launch_program(struct launch *launch, int fault_read_fd, int *fault_write_fd, pid_t *out)
{
    launch->parent = getpid();
    pid_t pid = fork();
    if (pid < 0) {
        return errno;
    }
    if (pid == 0) {
        become_program(launch);
    }
    /* Both sides do it, so that the group exists for whoever looks first. */
    setpgid(pid, pid);
    close_fd(fault_write_fd);
    int reason = 0;
    ssize_t got = read_again(fault_read_fd, &reason, sizeof(reason));
    if (got != (ssize_t)sizeof(reason)) {
        *out = pid;
        return 0;
    }
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
        continue;
    }
    return reason;
}

struct descriptors {
    int null_fd, fault_read_fd, fault_write_fd, out_read_fd, out_write_fd;
};

static void close_descriptors(struct descriptors *fds)
{
    close_fd(&fds->null_fd);
    close_fd(&fds->fault_read_fd);
    close_fd(&fds->fault_write_fd);
    close_fd(&fds->out_read_fd);
    close_fd(&fds->out_write_fd);
}

static bool open_descriptors(struct descriptors *fds, bool capture)
{
    fds->null_fd = lift(open("/dev/null", O_RDONLY | O_CLOEXEC));
    if (fds->null_fd < 0 || !open_pipe(&fds->fault_read_fd, &fds->fault_write_fd)) {
        return false;
    }
    if (!capture) {
        return true;
    }
    return open_pipe(&fds->out_read_fd, &fds->out_write_fd) &&
           fcntl(fds->out_read_fd, F_SETFL, O_NONBLOCK) == 0;
}

/* Whether it has ended; leaves it a zombie. */
static bool has_ended(pid_t pid, siginfo_t *info)
{
    memset(info, 0, sizeof(*info));
    int failed;
    do {
        failed = waitid(P_PID, (id_t)pid, info, WEXITED | WNOHANG | WNOWAIT);
    } while (failed != 0 && errno == EINTR);
    return failed != 0 || info->si_pid == pid;
}

static void end_process(pid_t pid, int grace_ms)
{
    siginfo_t info;
    kill(-pid, SIGTERM);
    int64_t deadline_ns = clock_mono_ns() + grace_ms * CLOCK_NS_PER_MS;
    while (!has_ended(pid, &info) && clock_mono_ns() < deadline_ns) {
        clock_sleep_ns(WAIT_STEP_MS * CLOCK_NS_PER_MS);
    }
    /* Also when it went by itself: what it started may still be there. */
    kill(-pid, SIGKILL);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
        continue;
    }
}

/* With every signal blocked, so that no handler of ours runs in the forked process and the pump
 * never takes a signal meant for the thread that waits for it. */
static int launch_and_pump(struct child *child, struct launch *launch, struct descriptors *fds)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int reason = launch_program(launch, fds->fault_read_fd, &fds->fault_write_fd, &child->pid);
    if (reason == 0 && fds->out_read_fd >= 0) {
        child->pump = pump_new(fds->out_read_fd);
        fds->out_read_fd = -1;
        reason = pthread_create(&child->pump->thread, NULL, pump_run, child);
        if (reason != 0) {
            pump_free(child->pump);
            child->pump = NULL;
            end_process(child->pid, 0);
        }
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return reason;
}

static enum err run_spec(struct child *child, const struct child_spec *spec, const char *program,
                         struct error *error)
{
    char text[64];
    struct descriptors fds = {-1, -1, -1, -1, -1};
    if (!open_descriptors(&fds, spec->capture_stdout)) {
        int reason = errno;
        close_descriptors(&fds);
        return error_set(error, ERR_PROCESS, spec->name, 0, "cannot prepare its descriptors: %s",
                         err_errno_text(reason, text, sizeof(text)));
    }
    struct launch launch = {
        .program = program,
        .argv = (char *const *)(uintptr_t)spec->argv, /* execv does not write to it */
        .null_fd = fds.null_fd,
        .stdout_fd = spec->capture_stdout ? fds.out_write_fd : child->log_fd,
        .log_fd = child->log_fd,
        .fault_fd = fds.fault_write_fd,
    };
    int reason = launch_and_pump(child, &launch, &fds);
    close_descriptors(&fds);
    if (reason != 0) {
        return error_set(error, ERR_PROCESS, spec->name, 0, "cannot run %s: %s", program,
                         err_errno_text(reason, text, sizeof(text)));
    }
    return ERR_OK;
}

static void child_free(struct child *child)
{
    close_fd(&child->log_fd);
    mem_free(child);
}

enum err child_start(struct child **out, const struct child_spec *spec, struct error *error)
{
    char program[4096], text[64];
    if (!child_find(spec->argv[0], program, sizeof(program))) {
        return error_set(error, ERR_PROCESS, spec->name, 0, "no program %s %s", spec->argv[0],
                         strchr(spec->argv[0], '/') != NULL ? "there" : "in PATH");
    }
    const char *log_path = spec->log_path != NULL ? spec->log_path : "/dev/null";
    struct child *child = mem_zalloc(1, sizeof(*child));
    child->log_fd = lift(open(log_path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644));
    if (child->log_fd < 0) {
        int reason = errno;
        child_free(child);
        return error_set(error, ERR_IO, log_path, 0, "cannot open the log of %s: %s", spec->name,
                         err_errno_text(reason, text, sizeof(text)));
    }
    text_copy(child->name, sizeof(child->name), spec->name);
    text_copy(child->log_path, sizeof(child->log_path), log_path);
    enum err code = run_spec(child, spec, program, error);
    if (code != ERR_OK) {
        child_free(child);
        return code;
    }
    *out = child;
    return ERR_OK;
}

pid_t child_pid(const struct child *child)
{
    return child->pid;
}

/* Takes one line out of the unread bytes, or, once nothing more can come, the unfinished rest.
 * False if there is none yet. Called with the mutex held. */
static bool take_line(struct pump *pump, char *out, size_t size, bool *fits)
{
    const char *newline = memchr(pump->unread, '\n', pump->unread_len);
    bool full = pump->unread_len == sizeof(pump->unread);
    if (newline == NULL && !full && (!pump->ended || pump->unread_len == 0)) {
        return false;
    }
    size_t len = newline != NULL ? (size_t)(newline - pump->unread) : pump->unread_len;
    size_t taken = newline != NULL ? len + 1 : len;
    *fits = len < size;
    if (*fits) {
        memcpy(out, pump->unread, len);
        out[len] = '\0';
    }
    pump->unread_len -= taken;
    memmove(pump->unread, pump->unread + taken, pump->unread_len);
    return true;
}

enum err child_read_line(struct child *child, char *out, size_t size, int64_t deadline_mono_ns,
                         struct error *error)
{
    struct pump *pump = child->pump;
    assert(pump != NULL && size > 0);
    const struct timespec deadline = {.tv_sec = deadline_mono_ns / CLOCK_NS_PER_S,
                                      .tv_nsec = deadline_mono_ns % CLOCK_NS_PER_S};
    bool fits = true, taken;
    int waited = 0;
    pthread_mutex_lock(&pump->mutex);
    while (!(taken = take_line(pump, out, size, &fits)) && !pump->ended && waited == 0) {
        waited = pthread_cond_timedwait(&pump->changed, &pump->mutex, &deadline);
    }
    pthread_mutex_unlock(&pump->mutex);
    if (taken && fits) {
        return ERR_OK;
    }
    if (taken) {
        return error_set(error, ERR_PROCESS, child->name, 0,
                         "printed a line of %zu bytes or more (see %s)", size, child->log_path);
    }
    if (waited == 0) {
        return error_set(error, ERR_PROCESS, child->name, 0,
                         "ended before it printed a line (see %s)", child->log_path);
    }
    return error_set(error, ERR_TIMEOUT, child->name, 0, "has not printed a line in time (see %s)",
                     child->log_path);
}

bool child_running(struct child *child, int *status)
{
    siginfo_t info;
    if (!has_ended(child->pid, &info)) {
        return true;
    }
    *status = info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
    return false;
}

void child_ask_to_end(struct child *child)
{
    kill(-child->pid, SIGTERM);
}

void child_stop(struct child *child, int grace_ms)
{
    if (child == NULL) {
        return;
    }
    end_process(child->pid, grace_ms);
    pump_stop(child->pump);
    child_free(child);
}
