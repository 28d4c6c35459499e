#include "base/fileio.h"

#include "base/mem.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_BYTES 65536
#define WALK_DESCRIPTORS 16

static enum err io_error(struct error *error, const char *path, const char *what, int errno_value)
{
    char reason[64];
    return error_set(error, ERR_IO, path, 0, "cannot %s: %s", what,
                     err_errno_text(errno_value, reason, sizeof reason));
}

static enum err read_all(int fd, const char *path, struct buf *out, struct error *error)
{
    char block[READ_BYTES];
    for (;;) {
        ssize_t got = read(fd, block, sizeof block);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return io_error(error, path, "read", errno);
        }
        if (got == 0) {
            return ERR_OK;
        }
        if ((size_t)got > out->max - out->len) {
            return error_set(error, ERR_INPUT, path, 0, "larger than the %zu bytes allowed",
                             out->max);
        }
        if (!buf_add(out, block, (size_t)got)) {
            return error_set(error, ERR_MEMORY, path, 0, "out of memory while reading");
        }
    }
}

enum err file_read(const char *path, struct buf *out, struct error *error)
{
    buf_reset(out);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return io_error(error, path, "open", errno);
    }
    enum err code = read_all(fd, path, out, error);
    close(fd);
    return code;
}

static int write_all(int fd, const char *bytes, size_t count)
{
    while (count > 0) {
        ssize_t put = write(fd, bytes, count);
        if (put < 0 && errno != EINTR) {
            return errno;
        }
        if (put > 0) {
            bytes += put;
            count -= (size_t)put;
        }
    }
    return 0;
}

enum err file_write(const char *path, const void *bytes, size_t count, struct error *error)
{
    return file_write_parts(path, &(struct file_part){bytes, count}, 1, false, error);
}

/* Has the disk keep the new name, too. */
static int sync_folder(const char *path)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    size_t len = slash == NULL ? 0 : slash == path ? 1 : (size_t)(slash - path);
    snprintf(folder, sizeof folder, "%.*s", len > 0 ? (int)len : 1, len > 0 ? path : ".");
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return errno;
    }
    int failed = fsync(fd) != 0 && errno != EINVAL ? errno : 0; /* EINVAL: cannot be synced */
    close(fd);
    return failed;
}

enum err file_write_parts(const char *path, const struct file_part *parts, size_t part_count,
                          bool durable, struct error *error)
{
    /* A thread's id is its own as long as it runs, so two writers of one path do not meet here. */
    char temporary[PATH_MAX];
    int length = snprintf(temporary, sizeof temporary, "%s.%d.tmp", path, (int)gettid());
    if (length < 0 || (size_t)length >= sizeof temporary) {
        return io_error(error, path, "write", ENAMETOOLONG);
    }
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0) {
        return io_error(error, path, "create", errno);
    }
    int failed = 0;
    for (size_t i = 0; i < part_count && failed == 0; i++) {
        failed = write_all(fd, parts[i].bytes, parts[i].count);
    }
    if (durable && failed == 0 && fsync(fd) != 0) {
        failed = errno;
    }
    if (close(fd) != 0 && failed == 0) {
        failed = errno;
    }
    if (failed == 0 && rename(temporary, path) != 0) {
        failed = errno;
    }
    if (durable && failed == 0) {
        failed = sync_folder(path);
    }
    if (failed != 0) {
        unlink(temporary);
        return io_error(error, path, "write", failed);
    }
    return ERR_OK;
}

static enum err make_folder(const char *path, struct error *error)
{
    if (mkdir(path, 0777) == 0 || (errno == EEXIST && file_is_folder(path))) {
        return ERR_OK;
    }
    return io_error(error, path, "make the folder", errno == EEXIST ? ENOTDIR : errno);
}

enum err file_make_folders(const char *path, struct error *error)
{
    char part[PATH_MAX];
    if (!text_copy(part, sizeof part, path)) {
        return io_error(error, path, "make the folder", ENAMETOOLONG);
    }
    for (char *slash = part; (slash = strchr(slash + 1, '/')) != NULL;) {
        *slash = '\0';
        enum err code = make_folder(part, error);
        if (code != ERR_OK) {
            return code;
        }
        *slash = '/';
    }
    return make_folder(part, error);
}

bool file_exists(const char *path)
{
    return access(path, F_OK) == 0;
}

bool file_is_folder(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

int64_t file_modified_ns(const char *path)
{
    struct stat info;
    if (stat(path, &info) != 0) {
        return -1;
    }
    return (int64_t)info.st_mtim.tv_sec * INT64_C(1000000000) + info.st_mtim.tv_nsec;
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *place)
{
    (void)info;
    (void)kind;
    (void)place;
    return remove(path);
}

enum err file_remove_tree(const char *path, struct error *error)
{
    struct stat info;
    if (path[0] != '\0' && lstat(path, &info) != 0 && errno == ENOENT) {
        return ERR_OK;
    }
    char resolved[PATH_MAX];
    if (path[0] == '\0' || (realpath(path, resolved) != NULL && strcmp(resolved, "/") == 0)) {
        return error_set(error, ERR_IO, path, 0, "will not remove this folder");
    }
    /* Depth first, and links are removed, not followed. */
    if (nftw(path, remove_one, WALK_DESCRIPTORS, FTW_DEPTH | FTW_PHYS) != 0) {
        return io_error(error, path, "remove", errno);
    }
    return ERR_OK;
}

enum err file_glob(const char *pattern, char ***paths, size_t *count, struct error *error)
{
    glob_t found = {0};
    int result = glob(pattern, 0, NULL, &found);
    *paths = NULL;
    *count = 0;
    if (result != 0 && result != GLOB_NOMATCH) {
        globfree(&found);
        return io_error(error, pattern, "list", result == GLOB_NOSPACE ? ENOMEM : EIO);
    }
    *count = result == 0 ? found.gl_pathc : 0;
    *paths = mem_array(*count, sizeof **paths);
    for (size_t i = 0; i < *count; i++) {
        (*paths)[i] = mem_text(found.gl_pathv[i]);
    }
    globfree(&found);
    return ERR_OK;
}

bool file_glob_quote(char *out, size_t size, const char *path)
{
    size_t used = 0;
    for (; *path != '\0' && used + 2 < size; path++) {
        if (strchr("*?[\\", *path) != NULL) {
            out[used++] = '\\';
        }
        out[used++] = *path;
    }
    if (size > 0) {
        out[used] = '\0';
    }
    return size > 0 && *path == '\0';
}

void file_glob_free(char **paths, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        mem_free(paths[i]);
    }
    mem_free((void *)paths);
}

bool file_program_path(char *out, size_t size)
{
    char program[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    if (length <= 0) {
        return false;
    }
    program[length] = '\0';
    char *slash = strrchr(program, '/');
    if (slash == NULL) {
        return false;
    }
    slash[slash == program ? 1 : 0] = '\0';
    return text_copy(out, size, program);
}
