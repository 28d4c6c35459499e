/*
 * Errors as values. A failing function returns a code and, if the caller passed one, fills a
 * struct error; nothing is allocated and the first error wins. The world's faults are codes,
 * our own bugs are asserts. Only main() turns a code into a process exit status.
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <stddef.h>

/* name, process exit status, text */
#define ERROR_CODES(X)                                                                             \
    X(OK, 0, "ok")                                                                                 \
    X(FAILED, 1, "failed")                                                                         \
    X(USAGE, 2, "bad command line")                                                                \
    X(INPUT, 2, "bad input")                                                                       \
    X(IO, 2, "file error")                                                                         \
    X(INVALID, 3, "invalid run")                                                                   \
    X(NETWORK, 3, "network error")                                                                 \
    X(TIMEOUT, 3, "timed out")                                                                     \
    X(PROCESS, 3, "process error")                                                                 \
    X(MEMORY, 3, "out of memory")                                                                  \
    X(INTERRUPTED, 130, "interrupted")

enum err {
#define X(name, exit_status, text) ERR_##name,
    ERROR_CODES(X)
#undef X
};

struct error {
    enum err code;
    int line;        /* 1-based line in `where`, 0 if it has none */
    char where[256]; /* file, URL or option the error is about; may be empty */
    char text[512];
};

/* Fills *error unless it already holds an error or is NULL; returns `code` so that callers can
 * write `return error_set(...)`. `where` may be NULL. */
enum err error_set(struct error *error, enum err code, const char *where, int line,
                   const char *format, ...) __attribute__((format(printf, 5, 6)));

/* Writes "where:line: text" (what is known of it) into out. */
void error_format(const struct error *error, char *out, size_t size);

const char *err_text(enum err code);
int err_exit_status(enum err code);

/* Text of an errno value, thread-safe; `out` holds at least 64 bytes. Returns out. */
const char *err_errno_text(int errno_value, char *out, size_t size);

/* A list of everything wrong with one input, so that all faults are reported at once. */
struct fault {
    char where[256];
    int line;
    char path[160]; /* place inside the document, e.g. "/phases/2/duration"; may be empty */
    char text[320];
};

struct faults {
    struct fault *list;
    size_t count, capacity;
};

void faults_init(struct faults *faults);
void faults_deinit(struct faults *faults);
void faults_add(struct faults *faults, const char *where, int line, const char *path,
                const char *format, ...) __attribute__((format(printf, 5, 6)));
/* Writes one line a fault to the FILE-like sink stderr, in order of line. */
void faults_print(const struct faults *faults);

#endif
