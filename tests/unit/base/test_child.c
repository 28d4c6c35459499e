#include "base/child.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/fileio.h"
#include "base/mem.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LONG_MS = 20000 };

/* Each test has a folder and becomes the reaper of what its children leave behind. */
struct place {
    char folder[64];
    char log[96];
};

static struct place place(void)
{
    struct place out = {.folder = "/tmp/test_child_XXXXXX"};
    cr_assert_not_null(mkdtemp(out.folder));
    snprintf(out.log, sizeof(out.log), "%s/log", out.folder);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    return out;
}

static void leave(const struct place *place)
{
    struct error error = {.code = ERR_OK};
    cr_expect_eq(file_remove_tree(place->folder, &error), ERR_OK);
}

static struct child *shell(const struct place *place, const char *script, bool capture)
{
    const char *const argv[] = {"sh", "-c", script, NULL};
    const struct child_spec spec = {
        .name = "test shell", .argv = argv, .log_path = place->log, .capture_stdout = capture};
    struct child *child = NULL;
    struct error error = {.code = ERR_OK};
    cr_assert_eq(child_start(&child, &spec, &error), ERR_OK, "%s", error.text);
    return child;
}

static int64_t far_off(void)
{
    return clock_mono_ns() + LONG_MS * CLOCK_NS_PER_MS;
}

static void read_line(struct child *child, char *out, size_t size)
{
    struct error error = {.code = ERR_OK};
    cr_assert_eq(child_read_line(child, out, size, far_off(), &error), ERR_OK, "%s", error.text);
}

static int wait_status(struct child *child)
{
    int status = -1;
    int64_t deadline = far_off();
    while (child_running(child, &status) && clock_mono_ns() < deadline) {
        clock_sleep_ns(CLOCK_NS_PER_MS);
    }
    return status;
}

static void read_log(const struct place *place, struct buf *out)
{
    struct error error = {.code = ERR_OK};
    buf_init(out, 64 << 20);
    cr_assert_eq(file_read(place->log, out, &error), ERR_OK, "%s", error.text);
}

static int open_descriptors(void)
{
    int count = 0;
    DIR *folder = opendir("/proc/self/fd");
    while (readdir(folder) != NULL) {
        count++;
    }
    closedir(folder);
    return count;
}

/* How an adopted process ended: the signal that killed it. */
static int death_of(pid_t pid)
{
    int status = 0;
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

/* Signals 32 and 33 are glibc's own: its posix_spawn, which make uses, leaves them ignored, and its
 * sigaction refuses to change them. */
#define LIBC_SIGNALS (3ULL << 31)

/* Value of a hexadecimal field of /proc/PID/status. */
static unsigned long long status_mask(pid_t pid, const char *field)
{
    char path[64], line[256];
    unsigned long long mask = ~0ULL;
    snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    FILE *status = fopen(path, "r");
    cr_assert_not_null(status);
    while (fgets(line, sizeof(line), status) != NULL) {
        if (strncmp(line, field, strlen(field)) == 0) {
            mask = strtoull(line + strlen(field) + 1, NULL, 16) & ~LIBC_SIGNALS;
        }
    }
    fclose(status);
    return mask;
}

Test(child, exit_status_and_signal_are_told_apart)
{
    static const struct {
        const char *script;
        int status;
    } rows[] = {{"exit 0", 0}, {"exit 3", 3}, {"kill -KILL $$", 137}, {"kill -TERM $$", 143}};
    struct place here = place();
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct child *child = shell(&here, rows[i].script, false);
        cr_expect_eq(wait_status(child), rows[i].status, "%s", rows[i].script);
        cr_expect_eq(wait_status(child), rows[i].status, "asked twice: %s", rows[i].script);
        child_stop(child, LONG_MS);
    }
    struct child *child = shell(&here, "exec sleep 1000", false);
    int status = -1;
    cr_expect(child_running(child, &status));
    cr_expect_eq(status, -1);
    child_stop(child, LONG_MS);
    leave(&here);
}

Test(child, a_program_that_cannot_be_run_is_named)
{
    struct place here = place();
    char broken[128], folder_program[128];
    snprintf(broken, sizeof(broken), "%s/broken", here.folder);
    snprintf(folder_program, sizeof(folder_program), "%s/", here.folder);
    struct error written = {.code = ERR_OK};
    cr_assert_eq(file_write(broken, "\x7fNOT", 4, &written), ERR_OK);
    cr_assert_eq(chmod(broken, 0755), 0);
    const struct {
        const char *program, *text;
    } rows[] = {
        {"no-such-program-anywhere", "no program no-such-program-anywhere in PATH"},
        {"/no/such/program", "no program /no/such/program there"},
        {broken, "Exec format error"},
        {folder_program, "Permission denied"},
    };
    int before = open_descriptors();
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (int capture = 0; capture < 2; capture++) {
            const char *const argv[] = {rows[i].program, NULL};
            const struct child_spec spec = {.name = "thing",
                                            .argv = argv,
                                            .log_path = here.log,
                                            .capture_stdout = capture == 1};
            struct child *child = NULL;
            struct error error = {.code = ERR_OK};
            cr_expect_eq(child_start(&child, &spec, &error), ERR_PROCESS, "%s", rows[i].program);
            cr_expect_not_null(strstr(error.text, rows[i].program), "%s", error.text);
            cr_expect_not_null(strstr(error.text, rows[i].text), "%s", error.text);
            cr_expect_str_eq(error.where, "thing");
        }
    }
    cr_expect_eq(open_descriptors(), before, "a failed start leaks no descriptor");
    cr_expect_eq(waitpid(-1, NULL, WNOHANG), -1, "a failed start leaves no process");
    leave(&here);
}

Test(child, a_log_that_cannot_be_opened_is_an_error)
{
    const char *const argv[] = {"true", NULL};
    const struct child_spec spec = {.name = "thing", .argv = argv, .log_path = "/no/such/log"};
    struct child *child = NULL;
    struct error error = {.code = ERR_OK};
    cr_expect_eq(child_start(&child, &spec, &error), ERR_IO);
    cr_expect_str_eq(error.where, "/no/such/log");
}

Test(child, output_is_appended_to_the_log_and_captured_lines_are_read)
{
    struct place here = place();
    char line[64];
    struct child *child = shell(&here, "echo first; echo second >&2", false);
    wait_status(child);
    child_stop(child, LONG_MS);
    child = shell(&here, "echo http://here; echo more; printf rest; echo third >&2", true);
    read_line(child, line, sizeof(line));
    cr_expect_str_eq(line, "http://here");
    read_line(child, line, sizeof(line));
    cr_expect_str_eq(line, "more");
    read_line(child, line, sizeof(line));
    cr_expect_str_eq(line, "rest", "the last line may lack its newline");
    child_stop(child, LONG_MS);
    struct buf log;
    read_log(&here, &log);
    static const char *const wanted[] = {"first\n", "second\n", "http://here\n", "rest", "third\n"};
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        cr_expect_not_null(strstr(log.data, wanted[i]), "%s in: %s", wanted[i], log.data);
    }
    buf_deinit(&log);
    leave(&here);
}

Test(child, a_line_that_does_not_come_is_told_from_one_that_cannot)
{
    struct place here = place();
    char line[8];
    struct error error = {.code = ERR_OK};
    struct child *child = shell(&here, "exec sleep 1000", true);
    int64_t soon = clock_mono_ns() + 20 * CLOCK_NS_PER_MS;
    cr_expect_eq(child_read_line(child, line, sizeof(line), soon, &error), ERR_TIMEOUT);
    cr_expect_geq(clock_mono_ns(), soon);
    child_stop(child, LONG_MS);

    child = shell(&here, "exit 1", true);
    error = (struct error){.code = ERR_OK};
    cr_expect_eq(child_read_line(child, line, sizeof(line), far_off(), &error), ERR_PROCESS);
    cr_expect_not_null(strstr(error.text, "ended before it printed a line"), "%s", error.text);
    cr_expect_not_null(strstr(error.text, here.log), "%s", error.text);
    child_stop(child, LONG_MS);

    child = shell(&here, "echo 12345678; echo 1234567", true);
    error = (struct error){.code = ERR_OK};
    cr_expect_eq(child_read_line(child, line, sizeof(line), far_off(), &error), ERR_PROCESS);
    cr_expect_not_null(strstr(error.text, "a line of 8 bytes or more"), "%s", error.text);
    read_line(child, line, sizeof(line));
    cr_expect_str_eq(line, "1234567");
    child_stop(child, LONG_MS);
    leave(&here);
}

Test(child, output_nobody_reads_does_not_block_the_child)
{
    struct place here = place();
    char line[64];
    struct child *child = shell(&here, "echo ready; head -c 3000000 /dev/zero; exit 7", true);
    read_line(child, line, sizeof(line));
    cr_expect_str_eq(line, "ready");
    cr_expect_eq(wait_status(child), 7);
    child_stop(child, LONG_MS);
    struct buf log;
    read_log(&here, &log);
    cr_expect_eq(log.len, 3000006, "%zu", log.len);
    buf_deinit(&log);
    leave(&here);
}

static long highest_descriptor(pid_t pid)
{
    char path[64];
    long highest = -1;
    snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
    DIR *folder = opendir(path);
    const struct dirent *entry;
    cr_assert_not_null(folder);
    while ((entry = readdir(folder)) != NULL) {
        long descriptor = entry->d_name[0] == '.' ? -1 : strtol(entry->d_name, NULL, 10);
        highest = descriptor > highest ? descriptor : highest;
    }
    closedir(folder);
    return highest;
}

Test(child, it_starts_from_a_clean_slate)
{
    struct place here = place();
    char path[64], target[64] = "";
    sigset_t blocked;
    sigfillset(&blocked);
    signal(SIGINT, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    for (int i = 0; i < 20; i++) {
        cr_assert_geq(dup(STDERR_FILENO), 0);
    }
    pthread_sigmask(SIG_SETMASK, &blocked, NULL);
    struct child *child = shell(&here, "echo $$; exec sleep 1000", true);
    read_line(child, target, sizeof(target));
    pid_t pid = child_pid(child);
    cr_expect_eq(strtol(target, NULL, 10), pid);
    cr_expect_eq(status_mask(pid, "SigBlk:"), 0);
    cr_expect_eq(status_mask(pid, "SigIgn:"), 0);
    cr_expect_eq(getpgid(pid), pid);

    /* A program that is still loading holds its libraries open for a moment. */
    long highest = highest_descriptor(pid);
    for (int turn = 0; turn < 200 && highest > 2; turn++) {
        clock_sleep_ns(10 * CLOCK_NS_PER_MS);
        highest = highest_descriptor(pid);
    }
    cr_expect_eq(highest, 2, "descriptor %ld leaked", highest);
    snprintf(path, sizeof(path), "/proc/%d/fd/0", (int)pid);
    ssize_t len = readlink(path, target, sizeof(target) - 1);
    cr_assert_geq(len, 0);
    target[len] = '\0';
    cr_expect_str_eq(target, "/dev/null");
    child_stop(child, LONG_MS);
    leave(&here);
}

Test(child, stopping_gives_a_graceful_program_its_time)
{
    struct place here = place();
    char line[64];
    struct child *child = shell(
        &here, "trap 'sleep .1; echo bye; exit 0' TERM; echo ready; while :; do sleep .01; done",
        true);
    read_line(child, line, sizeof(line));
    child_stop(child, LONG_MS);
    struct buf log;
    read_log(&here, &log);
    cr_expect_not_null(strstr(log.data, "bye\n"), "what it printed on the way out is in the log");
    buf_deinit(&log);
    leave(&here);
}

Test(child, it_can_be_asked_to_end_without_waiting_for_it)
{
    struct place here = place();
    char line[64];
    int status = -1;
    struct child *child =
        shell(&here, "trap 'exit 3' TERM; echo ready; while :; do sleep .01; done", true);
    read_line(child, line, sizeof(line));
    cr_expect(child_running(child, &status), "not asked yet");
    child_ask_to_end(child);
    int64_t deadline_ns = clock_mono_ns() + LONG_MS * CLOCK_NS_PER_MS;
    while (child_running(child, &status) && clock_mono_ns() < deadline_ns) {
        clock_sleep_ns(CLOCK_NS_PER_MS);
    }
    cr_expect_eq(status, 3, "%d", status);
    child_stop(child, 0);
    leave(&here);
}

Test(child, stopping_kills_what_ignores_the_polite_signal)
{
    struct place here = place();
    char line[64];
    struct child *child = shell(&here, "trap '' TERM; echo ready; while :; do sleep 1; done", true);
    read_line(child, line, sizeof(line));
    pid_t pid = child_pid(child);
    child_stop(child, 20);
    cr_expect_eq(kill(pid, 0), -1);
    cr_expect_eq(errno, ESRCH);
    leave(&here);
}

Test(child, stopping_catches_grandchildren, .timeout = 60)
{
    static const struct {
        const char *name, *script;
    } rows[] = {
        {"running parent", "sleep 1000 & echo $!; wait"},
        {"parent that has ended", "sleep 1000 & echo $!"},
    };
    struct place here = place();
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char line[64];
        struct child *child = shell(&here, rows[i].script, true);
        read_line(child, line, sizeof(line));
        pid_t grandchild = (pid_t)strtol(line, NULL, 10);
        cr_assert_eq(kill(grandchild, 0), 0, "%s", rows[i].name);
        child_stop(child, LONG_MS);
        int number = death_of(grandchild);
        cr_expect(number == SIGTERM || number == SIGKILL, "%s: %d", rows[i].name, number);
    }
    leave(&here);
}

Test(child, it_dies_with_its_parent, .timeout = 60)
{
    struct place here = place();
    int ends[2];
    cr_assert_eq(pipe(ends), 0);
    pid_t parent = fork();
    if (parent == 0) {
        pid_t pid = child_pid(shell(&here, "exec sleep 1000", false));
        if (write(ends[1], &pid, sizeof(pid)) == sizeof(pid)) {
            pause();
        }
        _exit(1);
    }
    pid_t orphan = 0;
    cr_assert_eq(read(ends[0], &orphan, sizeof(orphan)), (ssize_t)sizeof(orphan));
    cr_assert_eq(kill(orphan, 0), 0);
    cr_assert_eq(kill(parent, SIGKILL), 0);
    cr_expect_eq(death_of(parent), SIGKILL);
    cr_expect_eq(death_of(orphan), SIGKILL);
    leave(&here);
}

Test(child, it_starts_without_standard_descriptors, .timeout = 60)
{
    struct place here = place();
    pid_t bare = fork();
    if (bare == 0) {
        char line[64] = "";
        struct error error = {.code = ERR_OK};
        close(0);
        close(1);
        close(2);
        struct child *child = shell(&here, "echo out; echo err >&2", true);
        enum err code = child_read_line(child, line, sizeof(line), far_off(), &error);
        wait_status(child);
        child_stop(child, LONG_MS);
        _exit(code == ERR_OK && strcmp(line, "out") == 0 ? 0 : 1);
    }
    int status = -1;
    cr_assert_eq(waitpid(bare, &status, 0), bare);
    cr_expect_eq(status, 0);
    struct buf log;
    read_log(&here, &log);
    cr_expect_not_null(strstr(log.data, "err\n"));
    buf_deinit(&log);
    leave(&here);
}

Test(child, starting_and_stopping_leaks_no_descriptor)
{
    struct place here = place();
    int before = open_descriptors();
    for (int i = 0; i < 10; i++) {
        child_stop(shell(&here, "exec sleep 1000", i % 2 == 0), LONG_MS);
    }
    cr_expect_eq(open_descriptors(), before);
    leave(&here);
}

Test(child, programs_are_found_in_the_path)
{
    char path[256], small[4];
    cr_expect(child_find("sh", path, sizeof(path)));
    cr_expect_eq(access(path, X_OK), 0);
    cr_expect_eq(path[0], '/');
    cr_expect_not(child_find("no-such-program-anywhere", path, sizeof(path)));
    cr_expect_not(child_find("sh", small, sizeof(small)), "a path that does not fit is not found");
    setenv("PATH", "", 1);
    cr_expect_not(child_find("sh", path, sizeof(path)));
}

Test(child, stop_accepts_null)
{
    child_stop(NULL, 0);
}
