/*
 * Typed reading of a JSON document with every fault collected: file, line, path, what was expected.
 * A getter that finds a fault records it and leaves *out as it was, so reading goes on.
 */
#ifndef BASE_FIELDS_H
#define BASE_FIELDS_H

#include "base/error.h"
#include "base/yaml.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fields { /* a document under examination */
    const char *file;
    const struct yaml_lines *lines;
    struct faults *faults;
};

struct fields_at { /* one object in it, borrowed */
    const struct fields *fields;
    const json_t *object;
    char path[160];
};

enum fields_need { FIELDS_OPTIONAL, FIELDS_REQUIRED };

void fields_fault(const struct fields *fields, const char *path, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
int fields_line(const struct fields_at *at);

/* False (with a fault) unless value is an object whose keys all stand in `known`, a list ended by
 * NULL. An unknown key alone is a fault but still true. */
bool fields_object(const struct fields *fields, const json_t *value, const char *path,
                   const char *const *known, struct fields_at *out);
bool fields_has(const struct fields_at *at, const char *key);
/* True if *out was set. */
bool fields_text(const struct fields_at *at, const char *key, enum fields_need need, char *out,
                 size_t size);
bool fields_int(const struct fields_at *at, const char *key, enum fields_need need, int64_t min,
                int64_t max, int64_t *out);
bool fields_real(const struct fields_at *at, const char *key, enum fields_need need, double min,
                 double max, double *out);
bool fields_bool(const struct fields_at *at, const char *key, bool *out);
/* A Prometheus duration such as "15m", at least min_ns. */
bool fields_duration(const struct fields_at *at, const char *key, enum fields_need need,
                     int64_t min_ns, int64_t *out_ns);
/* Index of the text in `words` (ended by NULL). */
bool fields_choice(const struct fields_at *at, const char *key, enum fields_need need,
                   const char *const *words, int *out);
/* The value at key if it is an array; a fault and NULL if it is something else. */
const json_t *fields_array(const struct fields_at *at, const char *key, enum fields_need need);
/* Path of a member: "/phases/2/name". */
void fields_path(const struct fields_at *at, const char *key, char *out, size_t size);

#endif
