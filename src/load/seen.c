/*
 * People are dealt to the threads, and each writes the entries of its people only. The lists are
 * put behind one another afterwards, in order of the people, so the dealing leaves no trace.
 */
#include "load/seen.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

struct build {
    const struct population *population;
    const struct drift *drift;
    struct past *scratch; /* [lanes] */
    int32_t **films;      /* [people], of each person, rising */
    int32_t *count;       /* [people] */
};

static int by_index(const void *a, const void *b)
{
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

static void withhold(struct past *past, const struct drift *drift)
{
    int32_t kept = 0;
    for (int32_t k = 0; k < past->count; k++) {
        if (!population_withheld(drift, past->item[k])) {
            past->item[kept++] = past->item[k];
        }
    }
    past->count = kept;
}

static void build_rows(void *context, int64_t first, int64_t end, unsigned lane)
{
    struct build *build = context;
    struct past *past = &build->scratch[lane];
    for (int64_t person = first; person < end; person++) {
        population_past_films(build->population, (int32_t)person, past);
        if (build->drift != NULL) {
            withhold(past, build->drift);
        }
        size_t bytes = (size_t)past->count * sizeof(int32_t);
        build->films[person] = mem_alloc(bytes + 1);
        build->count[person] = past->count;
        if (past->count > 0) {
            memcpy(build->films[person], past->item, bytes);
            qsort(build->films[person], (size_t)past->count, sizeof(int32_t), by_index);
        }
    }
}

void seen_build(const struct population *population, const struct drift *drift,
                const struct parallel *parallel, struct engine_seen *out)
{
    int32_t people = population_users(population);
    struct build build = {.population = population,
                          .drift = drift,
                          .scratch = mem_zalloc(parallel->threads, sizeof(struct past)),
                          .films = mem_zalloc((size_t)people, sizeof(int32_t *)),
                          .count = mem_zalloc((size_t)people, sizeof(int32_t))};
    parallel_for(parallel, people, 0, build_rows, &build);
    int64_t *start = mem_zalloc((size_t)people + 1, sizeof *start);
    for (int32_t p = 0; p < people; p++) {
        start[p + 1] = start[p] + build.count[p];
    }
    int32_t *item = mem_array((size_t)start[people] + 1, sizeof *item);
    for (int32_t p = 0; p < people; p++) {
        memcpy(item + start[p], build.films[p], (size_t)build.count[p] * sizeof *item);
        mem_free(build.films[p]);
    }
    for (unsigned lane = 0; lane < parallel->threads; lane++) {
        past_deinit(&build.scratch[lane]);
    }
    mem_free(build.scratch);
    mem_free(build.films);
    mem_free(build.count);
    *out = (struct engine_seen){.start = start, .item = item};
}

void seen_deinit(struct engine_seen *seen)
{
    mem_free((void *)seen->start);
    mem_free((void *)seen->item);
    *seen = (struct engine_seen){0};
}
