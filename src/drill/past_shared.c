#include "drill/past_shared.h"

#include "base/clock.h"
#include "base/fileio.h"
#include "base/text.h"
#include "drill/past_files.h"

#include <stdlib.h>

#define SAMPLE 400

static int64_t today_s(void)
{
    int64_t now_s = clock_wall_ns() / CLOCK_NS_PER_S;
    return now_s - now_s % 86400;
}

enum err past_shared_early(const struct past_shared *shared, bool *written, struct error *error)
{
    static const struct drift unchanged = {0};
    char ratings[640];
    struct past_files_report report;
    if (!text_join_path(ratings, sizeof ratings, shared->folder, "ratings.csv")) {
        return error_set(error, ERR_USAGE, shared->folder, 0, "the path is too long");
    }
    *written = !file_exists(ratings);
    if (!*written) {
        return ERR_OK;
    }
    enum err code = past_files_write_early(
        shared->population, shared->drift != NULL ? shared->drift : &unchanged, today_s(),
        shared->parallel, shared->folder, &report, error);
    past_files_report_deinit(&report);
    return code;
}

enum err past_shared_later(const struct past_shared *shared, int32_t films_min, int32_t films_max,
                           char *out, size_t size, struct error *error)
{
    static const struct drift unchanged = {0};
    struct past_files_report report;
    if (!text_join_path(out, size, shared->folder, "later")) {
        return error_set(error, ERR_USAGE, shared->folder, 0, "the path is too long");
    }
    enum err code =
        past_files_write(shared->population, shared->drift != NULL ? shared->drift : &unchanged,
                         films_min, films_max, today_s(), shared->parallel, out, &report, error);
    past_files_report_deinit(&report);
    return code;
}

static int by_index(const void *a, const void *b)
{
    int32_t left = *(const int32_t *)a, right = *(const int32_t *)b;
    return (left > right) - (left < right);
}

bool past_shared_is_theirs(const struct past_shared *shared, const int64_t *start,
                           const int32_t *item)
{
    int32_t people = population_users(shared->population);
    int32_t step = people > SAMPLE ? people / SAMPLE : 1;
    struct past past = {0};
    bool theirs = true;
    for (int32_t p = 0; p < people && theirs; p += step) {
        const int32_t *read = item + start[p];
        population_past(shared->population, p, today_s(), &past);
        if (shared->drift != NULL) {
            past_withhold(&past, shared->drift);
        }
        if (past.count > 0) {
            qsort(past.item, (size_t)past.count, sizeof *past.item, by_index);
        }
        theirs = past.count == (int32_t)(start[p + 1] - start[p]);
        for (int32_t k = 0; k < past.count && theirs; k++) {
            theirs = past.item[k] == read[k];
        }
    }
    past_deinit(&past);
    return theirs;
}
