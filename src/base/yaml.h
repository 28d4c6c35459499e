/*
 * YAML (libyaml) read into jansson values, so that everything above works on JSON. Plain scalars
 * become null, booleans, integers, reals by the YAML 1.2 core schema, everything else strings.
 * Duplicate keys, anchors that do not resolve and more than one document are errors, and so are
 * infinite numbers and text with a zero byte, which JSON cannot hold. Aliases become copies and
 * merge keys ("<<") are applied; how much they may add, and how deep a document nests, is bounded.
 * An empty document is null.
 */
#ifndef BASE_YAML_H
#define BASE_YAML_H

#include "base/buf.h"
#include "base/error.h"

#include <jansson.h>

#define YAML_DEPTH_MAX 64 /* lists and mappings inside each other, read or written */

struct yaml_lines; /* where each value stood in the file */

/* *out is a new reference; *lines may be NULL if the caller does not want it. `name` labels errors.
 */
enum err yaml_read_text(const char *name, const char *text, size_t len, json_t **out,
                        struct yaml_lines **lines, struct error *error);
enum err yaml_read_file(const char *path, json_t **out, struct yaml_lines **lines,
                        struct error *error);
void yaml_lines_free(struct yaml_lines *lines);
/* 1-based line of the value at a JSON pointer ("/phases/0/name"), of its nearest known ancestor
 * otherwise; 0 without lines. */
int yaml_line(const struct yaml_lines *lines, const char *pointer);
/* Spelling in the file of a plain scalar that was read as null, boolean or number ("1.50"), owned
 * by lines; NULL if the pointer leads to anything else. */
const char *yaml_source(const struct yaml_lines *lines, const char *pointer);
/* Block-style YAML that Prometheus and Alertmanager read back as the same values; `head` (comment
 * lines starting with '#', may be NULL) is written first. */
enum err yaml_write_file(const char *path, const char *head, const json_t *value,
                         struct error *error);
/* The same text appended to `out`. */
enum err yaml_write_text(struct buf *out, const char *head, const json_t *value,
                         struct error *error);

#endif
