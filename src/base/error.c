#include "base/error.h"

#include "base/mem.h"
#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum err error_set(struct error *error, enum err code, const char *where, int line,
                   const char *format, ...)
{
    if (error == NULL || error->code != ERR_OK) {
        return code;
    }
    error->code = code;
    error->line = line;
    text_copy(error->where, sizeof error->where, where != NULL ? where : "");
    va_list args;
    va_start(args, format);
    vsnprintf(error->text, sizeof error->text, format, args);
    va_end(args);
    return code;
}

void error_format(const struct error *error, char *out, size_t size)
{
    if (error->where[0] == '\0') {
        snprintf(out, size, "%s", error->text);
    } else if (error->line > 0) {
        snprintf(out, size, "%s:%d: %s", error->where, error->line, error->text);
    } else {
        snprintf(out, size, "%s: %s", error->where, error->text);
    }
}

const char *err_text(enum err code)
{
    static const char *const texts[] = {
#define X(name, exit_status, text) text,
        ERROR_CODES(X)
#undef X
    };
    return texts[code];
}

int err_exit_status(enum err code)
{
    static const int statuses[] = {
#define X(name, exit_status, text) exit_status,
        ERROR_CODES(X)
#undef X
    };
    return statuses[code];
}

const char *err_errno_text(int errno_value, char *out, size_t size)
{
    /* The GNU variant may return a static text instead of filling the buffer. */
    const char *text = strerror_r(errno_value, out, size);
    if (text != out) {
        text_copy(out, size, text);
    }
    return out;
}

void faults_init(struct faults *faults)
{
    *faults = (struct faults){0};
}

void faults_deinit(struct faults *faults)
{
    mem_free(faults->list);
    faults_init(faults);
}

void faults_add(struct faults *faults, const char *where, int line, const char *path,
                const char *format, ...)
{
    if (faults->count == faults->capacity) {
        faults->capacity = faults->capacity == 0 ? 8 : 2 * faults->capacity;
        faults->list = mem_resize(faults->list, faults->capacity, sizeof *faults->list);
    }
    struct fault *fault = &faults->list[faults->count++];
    fault->line = line;
    text_copy(fault->where, sizeof fault->where, where != NULL ? where : "");
    text_copy(fault->path, sizeof fault->path, path != NULL ? path : "");
    va_list args;
    va_start(args, format);
    vsnprintf(fault->text, sizeof fault->text, format, args);
    va_end(args);
}

static void print_fault(const struct fault *fault)
{
    struct error error = {.code = ERR_INPUT, .line = fault->line};
    text_copy(error.where, sizeof error.where, fault->where);
    snprintf(error.text, sizeof error.text, "%s%s%s", fault->path,
             fault->path[0] != '\0' ? ": " : "", fault->text);
    char line[sizeof error.where + sizeof error.text + 32];
    error_format(&error, line, sizeof line);
    fprintf(stderr, "%s\n", line);
}

/* Insertion sort: it is stable, faults of one line keep the order in which they were found, and a
 * validator that walks a document from the top adds them nearly sorted. */
void faults_print(const struct faults *faults)
{
    size_t *order = mem_array(faults->count, sizeof *order);
    for (size_t i = 0; i < faults->count; i++) {
        size_t at = i;
        for (; at > 0 && faults->list[order[at - 1]].line > faults->list[i].line; at--) {
            order[at] = order[at - 1];
        }
        order[at] = i;
    }
    for (size_t i = 0; i < faults->count; i++) {
        print_fault(&faults->list[order[i]]);
    }
    mem_free(order);
}
