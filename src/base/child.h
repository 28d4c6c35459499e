/*
 * Child processes that cannot outlive us: own process group, PR_SET_PDEATHSIG SIGKILL, stdin from
 * /dev/null, all other descriptors closed, default signal mask. The kernel ties the death signal to
 * the *thread* that forked, so start children from a thread that lives as long as the drill (main).
 * Captured stdout is read by a thread of the module until it ends, so that a child which goes on
 * printing is never blocked; it is copied to the log, and the first 64 KiB nobody has asked for yet
 * are kept for child_read_line. One thread at a time may use a child.
 */
#ifndef BASE_CHILD_H
#define BASE_CHILD_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct child;

struct child_spec {
    const char *name;        /* for messages */
    const char *const *argv; /* argv[0] looked up in PATH; NULL-terminated */
    const char *log_path;    /* stderr, and stdout unless captured, are appended here */
    bool capture_stdout;     /* read with child_read_line */
};

/* ERR_PROCESS naming the program if it is not there or cannot be executed. */
enum err child_start(struct child **out, const struct child_spec *spec, struct error *error);
pid_t child_pid(const struct child *child);
/* One line of captured stdout without its newline, waiting at most until deadline_mono_ns:
 * ERR_TIMEOUT; ERR_PROCESS if it ended without one, or the line does not fit. */
enum err child_read_line(struct child *child, char *out, size_t size, int64_t deadline_mono_ns,
                         struct error *error);
/* False once it has ended; *status then holds the exit status, or 128 + signal. */
bool child_running(struct child *child, int *status);
/* SIGTERM to the group, without waiting for anything; child_running tells when it has ended, and
 * child_stop is still needed. */
void child_ask_to_end(struct child *child);
/* SIGTERM to the group, SIGKILL to the group once the child has ended or after grace_ms, reaps,
 * frees. Accepts NULL. */
void child_stop(struct child *child, int grace_ms);
/* Full path of a program in PATH; false if absent. */
bool child_find(const char *program, char *out, size_t size);

#endif
