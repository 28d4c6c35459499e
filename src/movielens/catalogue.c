#include "movielens/catalogue.h"

#include "base/mem.h"

#include <string.h>

int32_t catalogue_index(const struct catalogue *catalogue, int32_t id)
{
    int32_t low = 0, high = catalogue->count;
    while (low < high) {
        int32_t middle = low + (high - low) / 2;
        if (catalogue->id[middle] < id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < catalogue->count && catalogue->id[low] == id ? low : -1;
}

void catalogue_deinit(struct catalogue *catalogue)
{
    mem_free(catalogue->id);
    mem_free(catalogue->genres);
    mem_free(catalogue->year);
    mem_free(catalogue->title);
    mem_free(catalogue->title_bytes);
    for (int i = 0; i < catalogue->genre_count; i++) {
        mem_free(catalogue->genre_name[i]);
    }
    memset(catalogue, 0, sizeof *catalogue);
}
