/*
 * Feeds the files named on the command line, and those in the folders named there, to a fuzz
 * target, once each, so that a corpus is replayed with any compiler. For real fuzzing link the
 * target with -fsanitize=fuzzer instead.
 */
#include "base/buf.h"
#include "base/fileio.h"
#include "base/mem.h"
#include "base/text.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define INPUT_MAX_BYTES (16U << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool replay_file(const char *path, struct buf *input)
{
    struct error error = {0};
    if (file_read(path, input, &error) != ERR_OK) {
        fprintf(stderr, "%s: %s\n", error.where, error.text);
        return false;
    }
    /* A copy of exactly that size lets AddressSanitizer see a read behind the last byte. */
    uint8_t *exact = mem_alloc(input->len);
    if (input->len > 0) {
        memcpy(exact, input->data, input->len);
    }
    LLVMFuzzerTestOneInput(exact, input->len);
    mem_free(exact);
    return true;
}

/* Returns the number of inputs, -1 if one could not be read. */
static long replay_folder(const char *folder, struct buf *input)
{
    char pattern[4096];
    char **paths = NULL;
    size_t count = 0;
    struct error error = {0};
    if (!text_join_path(pattern, sizeof pattern, folder, "*") ||
        file_glob(pattern, &paths, &count, &error) != ERR_OK) {
        fprintf(stderr, "%s: %s\n", folder, error.text);
        return -1;
    }
    bool ok = true;
    for (size_t i = 0; ok && i < count; i++) {
        ok = replay_file(paths[i], input);
    }
    file_glob_free(paths, count);
    return ok ? (long)count : -1;
}

int main(int argc, char **argv)
{
    struct buf input;
    long replayed = 0;
    bool ok = true;
    buf_init(&input, INPUT_MAX_BYTES);
    for (int i = 1; ok && i < argc; i++) {
        long inputs = 1;
        if (file_is_folder(argv[i])) {
            inputs = replay_folder(argv[i], &input);
            ok = inputs >= 0;
        } else {
            ok = replay_file(argv[i], &input);
        }
        replayed += inputs;
    }
    buf_deinit(&input);
    if (!ok) {
        return 1;
    }
    printf("%ld inputs replayed\n", replayed);
    return 0;
}
