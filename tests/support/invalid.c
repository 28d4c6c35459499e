#include "invalid.h"

#include "base/buf.h"
#include "base/fileio.h"
#include "base/text.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define MESSAGE_BYTES 8192

static bool as_expected(const char *path, invalid_reader *read)
{
    char expected_path[512];
    char message[MESSAGE_BYTES] = "";
    struct buf expected;
    (void)snprintf(expected_path, sizeof expected_path, "%s.expected", path);
    buf_init(&expected, MESSAGE_BYTES);
    (void)file_read(expected_path, &expected, NULL);
    while (expected.len > 0 && expected.data[expected.len - 1] == '\n') {
        expected.data[--expected.len] = '\0';
    }
    read(path, message, sizeof message);
    const char *wanted = expected.len > 0 ? expected.data : "(no message is expected anywhere)";
    bool same = strcmp(message, wanted) == 0;
    if (!same) {
        (void)fprintf(stderr, "%s:\n  got      %s\n  expected %s\n", path, message, wanted);
    }
    buf_deinit(&expected);
    return same;
}

size_t invalid_each(const char *what, invalid_reader *read)
{
    char pattern[256];
    char **paths = NULL;
    size_t count = 0;
    size_t inputs = 0;
    size_t wrong = 0;
    (void)snprintf(pattern, sizeof pattern, "tests/data/invalid/%s/*", what);
    (void)file_glob(pattern, &paths, &count, NULL);
    for (size_t i = 0; i < count; i++) {
        if (!text_ends(paths[i], ".expected")) {
            wrong += !as_expected(paths[i], read);
            inputs++;
        }
    }
    file_glob_free(paths, count);
    if (inputs == 0) {
        (void)fprintf(stderr, "%s matches no file\n", pattern);
        return 1;
    }
    return wrong;
}
