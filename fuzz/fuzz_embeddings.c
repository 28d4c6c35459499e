/* Files of film vectors, CSV or .npy by their first bytes. What is read must hold what the contract
 * promises. */
#include "base/mem.h"
#include "recommender/embeddings.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void check_vectors(const struct embeddings *read)
{
    check(read->count > 0 && read->dims > 0 && read->dims <= EMBEDDINGS_DIMS_MAX);
    check(read->file_dims >= read->dims && read->file_dims <= EMBEDDINGS_FILE_DIMS_MAX);
    for (int32_t i = 0; i < read->count; i++) {
        double norm = 0;
        check(read->id[i] > (i > 0 ? read->id[i - 1] : 0));
        for (int c = 0; c < read->dims; c++) {
            double number = (double)read->vector[(size_t)i * (size_t)read->dims + (size_t)c];
            check(isfinite(number));
            norm += number * number;
        }
        check(norm == 0 || fabs(norm - 1) < 1e-3);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct parallel one = {1};
    char path[64];
    struct embeddings read;
    struct faults faults;
    struct error error = {.code = ERR_OK};
    int fd = memfd_create("embeddings", MFD_CLOEXEC);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size) {
        return 0;
    }
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    faults_init(&faults);
    if (embeddings_read(path, &one, &read, &faults, &error) == ERR_OK) {
        check(faults.count == 0);
        check_vectors(&read);
        embeddings_deinit(&read);
    } else {
        check(error.code == ERR_INPUT && error.text[0] != '\0');
        check(faults.count <= EMBEDDINGS_FAULTS_MAX);
    }
    faults_deinit(&faults);
    close(fd);
    return 0;
}
