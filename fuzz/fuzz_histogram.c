/* A histogram's text: what is read is written as it was, and its figures hold together. */
#include "base/buf.h"
#include "base/histogram.h"
#include "base/mem.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
    if (!holds) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct histogram *histogram = NULL, *again = NULL;
    struct error error = {.code = ERR_OK};
    struct buf text, twice;
    char *line = mem_alloc(size + 1);
    memcpy(line, data, size);
    line[size] = '\0';
    if (histogram_read_text(line, &histogram, &error) != ERR_OK) {
        check(error.text[0] != '\0' && histogram == NULL);
        mem_free(line);
        return 0;
    }
    uint64_t middle = histogram_quantile(histogram, 0.5), most = histogram_max(histogram);
    check(histogram_count(histogram) == 0 || middle >= histogram_min(histogram));
    check(middle <= most && histogram_quantile(histogram, 1) == most);
    check(histogram_above(histogram, most) == 0);
    buf_init(&text, (size_t)1 << 24);
    buf_init(&twice, (size_t)1 << 24);
    histogram_write_text(histogram, &text);
    check(histogram_read_text(text.data, &again, &error) == ERR_OK);
    histogram_write_text(again, &twice);
    check(text.len == twice.len && memcmp(text.data, twice.data, text.len) == 0);
    histogram_merge(again, histogram);
    check(histogram_max(again) == most && histogram_min(again) == histogram_min(histogram));
    histogram_free(histogram);
    histogram_free(again);
    buf_deinit(&text);
    buf_deinit(&twice);
    mem_free(line);
    return 0;
}
