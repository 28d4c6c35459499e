/*
 * Why these margins: a recovery by retraining brings back 92 to 104 % of both ratios, so an
 * objective above that would never be met again; a swap of tastes costs about 40 %. The live mean
 * rating moves up under taste drift, a little down after retraining, and down by about .37 stars
 * when people become .4 stars harsher; the margin lies between.
 */
#include "drill/objectives.h"

#include "base/buf.h"
#include "base/fileio.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RATIO_MARGIN 0.80
#define MEAN_RATING_MARGIN 0.25
#define HEAD_MARK "# driftdrill objectives, version 1"

enum err objectives_write(const char *path, const struct objectives_head *head, struct error *error)
{
    struct buf text;
    buf_init(&text, 16384);
    buf_printf(&text,
               HEAD_MARK "\n"
                         "# Measured at rest by `driftdrill verify --calibrate`; measure again "
                         "when the data or the target change.\n"
                         "# scenario: %s\n# data: %s\n# fingerprint: %016" PRIx64 "\n"
                         "# people: %" PRId32 "\n# seed: %" PRIu64 "\n# target: %s\n"
                         "# lists: %" PRId64 "\n# ratings: %" PRId64 "\n"
                         "# conversion: %.4f\n# reciprocal_rank: %.4f\n# mean_rating: %.4f\n",
               head->scenario, head->data, head->fingerprint, head->people, head->seed,
               head->target, head->lists, head->ratings, head->conversion, head->reciprocal_rank,
               head->mean_rating);
    buf_printf(&text,
               "groups:\n"
               "  - name: objectives\n"
               "    interval: 30s\n"
               "    rules:\n"
               "      - record: objective:recommendation_conversion:min\n"
               "        expr: vector(%.4f)\n"
               "      - record: objective:recommendation_reciprocal_rank:min\n"
               "        expr: vector(%.4f)\n"
               "      - record: objective:user_rating_mean:min\n"
               "        expr: vector(%.3f)\n",
               RATIO_MARGIN * head->conversion, RATIO_MARGIN * head->reciprocal_rank,
               head->mean_rating - MEAN_RATING_MARGIN);
    enum err code = file_write(path, text.data, text.len, error);
    buf_deinit(&text);
    return code;
}

/* The text after "# key: " up to the end of its line; false if there is no such line. */
static bool head_value(const char *text, const char *key, char *out, size_t size)
{
    char wanted[64];
    snprintf(wanted, sizeof wanted, "\n# %s: ", key);
    const char *line = strstr(text, wanted);
    if (line == NULL) {
        return false;
    }
    line += strlen(wanted);
    size_t len = strcspn(line, "\r\n");
    if (len >= size) {
        return false;
    }
    memcpy(out, line, len);
    out[len] = '\0';
    return true;
}

static bool head_number(const char *text, const char *key, double *out)
{
    char value[64];
    return head_value(text, key, value, sizeof value) && text_to_f64(value, out);
}

static bool parse_head(const char *text, struct objectives_head *out)
{
    char hex[32], *end = NULL;
    double people, seed, lists, ratings;
    if (!head_value(text, "scenario", out->scenario, sizeof out->scenario) ||
        !head_value(text, "data", out->data, sizeof out->data) ||
        !head_value(text, "fingerprint", hex, sizeof hex) ||
        !head_value(text, "target", out->target, sizeof out->target) ||
        !head_number(text, "people", &people) || !head_number(text, "seed", &seed) ||
        !head_number(text, "lists", &lists) || !head_number(text, "ratings", &ratings) ||
        !head_number(text, "conversion", &out->conversion) ||
        !head_number(text, "reciprocal_rank", &out->reciprocal_rank) ||
        !head_number(text, "mean_rating", &out->mean_rating)) {
        return false;
    }
    out->fingerprint = strtoull(hex, &end, 16);
    out->people = (int32_t)people;
    out->seed = (uint64_t)seed;
    out->lists = (int64_t)lists;
    out->ratings = (int64_t)ratings;
    return end != hex && *end == '\0';
}

enum err objectives_read(const char *path, bool *is_objectives, struct objectives_head *out,
                         struct error *error)
{
    struct buf text;
    buf_init(&text, 1u << 20);
    enum err code = file_read(path, &text, error);
    *is_objectives = code == ERR_OK && text.len > 0 && text_starts(text.data, HEAD_MARK);
    if (*is_objectives && !parse_head(text.data, out)) {
        code = error_set(error, ERR_INPUT, path, 1,
                         "the head of this objectives file is incomplete; write it again with "
                         "driftdrill verify --calibrate");
    }
    buf_deinit(&text);
    return code;
}

bool objectives_fit(const struct objectives_head *head, uint64_t fingerprint, int32_t people,
                    const char *target)
{
    return head->fingerprint == fingerprint && head->people == people &&
           strcmp(head->target, target) == 0;
}
