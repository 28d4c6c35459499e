/* Shared by target_file.c, which reads a description, and target_file_call.c: its requests. */
#ifndef LOAD_TARGET_FILE_INT_H
#define LOAD_TARGET_FILE_INT_H

#include "base/fields.h"
#include "load/target_int.h"

bool target_file_has_control(const char *text);
/* A text with its environment variables in place; true if there is one. *held is set if one
 * was set. */
bool target_file_expanded(const struct fields_at *at, const char *key, enum fields_need need,
                          char *out, size_t size, bool *held);
/* Appends a header line, ending in CRLF. */
void target_file_header(const struct fields *fields, const char *path, const char *name,
                        const char *value, char *lines, size_t size);
void target_file_headers(const struct fields_at *at, char *lines, size_t size);
/* Method (`instead` if none is given; NULL: by the body), URL, body, headers after those in
 * `common`, statuses, form of the time. */
void target_file_call(const struct fields_at *at, const char *common, const char *instead,
                      struct target_call *call);

#endif
