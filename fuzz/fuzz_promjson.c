/* Answers of the Prometheus query API. The first byte chooses the HTTP status; what was read must
 * keep the promises of the header: every series has labels and samples, times rise. */
#include "observe/prometheus.h"

#include "base/mem.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct prometheus_matrix *matrix)
{
    for (size_t i = 0; i < matrix->count; i++) {
        const struct prometheus_series *series = &matrix->series[i];
        if (!json_is_object(series->labels) || series->count == 0) {
            abort();
        }
        for (size_t k = 1; k < series->count; k++) {
            if (!(series->point[k].time_s > series->point[k - 1].time_s)) {
                abort();
            }
        }
        if (prometheus_label(series, "__name__") == NULL) {
            abort();
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const long statuses[] = {200, 400, 422, 503};
    if (size == 0) {
        return 0;
    }
    /* A copy of the exact size, so that a sanitizer sees a read past the end. */
    char *text = mem_array(size, 1);
    memcpy(text, data + 1, size - 1);
    struct prometheus_matrix matrix;
    struct error error = {.code = ERR_OK};
    enum err code =
        prometheus_read_answer("fuzz", statuses[data[0] % 4], text, size - 1, &matrix, &error);
    if (code == ERR_OK) {
        check(&matrix);
    } else if (error.code != code || error.text[0] == '\0' || matrix.count != 0) {
        abort();
    }
    prometheus_matrix_deinit(&matrix);
    mem_free(text);
    return 0;
}
