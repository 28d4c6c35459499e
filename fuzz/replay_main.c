/*
 * Feeds the files named on the command line to a fuzz target, once each, so that a corpus is
 * replayed with any compiler. For real fuzzing link the target with -fsanitize=fuzzer instead.
 */
#include "base/buf.h"
#include "base/fileio.h"
#include "base/mem.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define INPUT_MAX_BYTES (16U << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int main(int argc, char **argv)
{
    struct buf input;
    buf_init(&input, INPUT_MAX_BYTES);
    buf_text(&input, ""); /* so that an empty file has memory, too */
    for (int i = 1; i < argc; i++) {
        struct error error = {0};
        if (file_read(argv[i], &input, &error) != ERR_OK) {
            fprintf(stderr, "%s: %s\n", error.where, error.text);
            buf_deinit(&input);
            return 1;
        }
        /* A copy of exactly that size lets AddressSanitizer see a read behind the last byte. */
        uint8_t *exact = mem_alloc(input.len);
        memcpy(exact, input.data, input.len);
        LLVMFuzzerTestOneInput(exact, input.len);
        mem_free(exact);
    }
    buf_deinit(&input);
    printf("%d inputs replayed\n", argc - 1);
    return 0;
}
