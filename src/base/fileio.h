/* Files and folders. Paths are UTF-8 byte strings. Any thread. */
#ifndef BASE_FILEIO_H
#define BASE_FILEIO_H

#include "base/buf.h"
#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

/* Replaces what `out` held; ERR_INPUT if the file is larger than its maximum. */
enum err file_read(const char *path, struct buf *out, struct error *error);
/* Written beside and renamed over, so that a reader never sees half a file. */
enum err file_write(const char *path, const void *bytes, size_t count, struct error *error);
/* The same for bytes that lie in several places. Durable: they and their name are on the disk when
 * it returns, so that a power cut leaves the former file or this one, whole. */
struct file_part {
    const void *bytes;
    size_t count;
};
enum err file_write_parts(const char *path, const struct file_part *parts, size_t part_count,
                          bool durable, struct error *error);
enum err file_make_folders(const char *path, struct error *error); /* like mkdir -p */
bool file_exists(const char *path);
bool file_is_folder(const char *path);
int64_t file_modified_ns(const char *path); /* -1 if absent */
/* Removes a folder and all below it; refuses "" and "/"; an absent one is ERR_OK. */
enum err file_remove_tree(const char *path, struct error *error);
/* Sorted matches of a shell pattern; free with file_glob_free. count 0 is not an error. */
enum err file_glob(const char *pattern, char ***paths, size_t *count, struct error *error);
/* Spells a path so that it stands for itself inside a pattern; false if it does not fit. */
bool file_glob_quote(char *out, size_t size, const char *path);
void file_glob_free(char **paths, size_t count);
/* Folder holding the running program (from /proc/self/exe); false if unknown. */
bool file_program_path(char *out, size_t size);

#endif
