/*
 * Child processes that cannot outlive us: own process group, PR_SET_PDEATHSIG SIGKILL, stdin from
 * /dev/null, all other descriptors closed, default signal mask. The kernel ties the death signal to
 * the *thread* that forked, so start children from a thread that lives as long as the drill (main).
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

enum err child_start(struct child **out, const struct child_spec *spec, struct error *error);
pid_t child_pid(const struct child *child);
/* One line of captured stdout without its newline, waiting at most until deadline_mono_ns. */
enum err child_read_line(struct child *child, char *out, size_t size, int64_t deadline_mono_ns,
                         struct error *error);
/* False once it has ended; *status then holds the exit status, or 128 + signal. */
bool child_running(struct child *child, int *status);
/* SIGTERM to the group, SIGKILL after grace_ms, reaps, frees. Accepts NULL. */
void child_stop(struct child *child, int grace_ms);
/* Full path of a program in PATH; false if absent. */
bool child_find(const char *program, char *out, size_t size);

#endif
