/* The files of one `driftdrill check`, and what is wrong with each. Main thread only. */
#ifndef COMMAND_CHECK_FILES_H
#define COMMAND_CHECK_FILES_H

#include "base/error.h"
#include "base/yaml.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct check_file {
    char *path;
    bool readable; /* it is there, and what it says it is: YAML, JSON, objectives */
    struct faults faults, warnings;
};

struct check_list {
    size_t count, capacity;
    struct check_file *file;
};

/* Borrowed until the next one is added. */
struct check_file *check_file_add(struct check_list *list, const char *path);
void check_files_add(struct check_list *list, char **paths, size_t count);
/* Moves a file of another list, whose entry is void afterwards. */
void check_file_take(struct check_list *list, const struct check_file *file);
void check_file_free(struct check_file *file);
void check_files_free(struct check_list *list);

/* What is wrong with the file as a whole. */
void check_file_error(struct check_file *file, const struct error *error);
/* The document, a new reference; NULL, with the fault noted, if it is not YAML. `lines` may be
 * NULL. */
json_t *check_file_read(struct check_file *file, struct yaml_lines **lines);
/* The same for JSON: the fault is JSON's own, and the file stays readable if it is only that. */
json_t *check_file_read_json(struct check_file *file, struct yaml_lines **lines);

#endif
