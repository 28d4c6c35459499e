/* Expositions of a target. A series found with a label must also be found
 * without. */
#include "base/metrics.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error error = {.code = ERR_OK};
    struct metrics_snapshot *snapshot = NULL;
    const char *text = (const char *)data;
    enum err code = metrics_parse("fuzz", text, size, &snapshot, &error);
    if ((code == ERR_OK) != (snapshot != NULL) || (code == ERR_OK) != (error.code == ERR_OK)) {
        abort();
    }
    if (code == ERR_OK) {
        struct metrics_label label = {"a", "x"};
        bool any = false;
        bool labelled = false;
        (void)metrics_sum(snapshot, "m", NULL, 0, &any);
        (void)metrics_sum(snapshot, "m", &label, 1, &labelled);
        if (labelled && !any) {
            abort();
        }
    }
    metrics_snapshot_free(snapshot);
    return 0;
}
