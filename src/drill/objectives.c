/*
 * Why these margins: a recovery by retraining brings back 92 to 104 % of both ratios, so an
 * objective above that would never be met again; a swap of tastes costs about 40 %. The live mean
 * rating moves up under taste drift, a little down after retraining, and down by about .37 stars
 * when people become .4 stars harsher; the margin lies between. The index of the histogram is .02
 * to .04 under taste drift, give or take .013, and about .18 when people become .5 stars harsher;
 * below .1 a distribution is commonly called stable.
 */
#include "drill/objectives.h"

#include "base/buf.h"
#include "base/fileio.h"
#include "base/text.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONVERSION_MARGIN 0.75
#define RECIPROCAL_RANK_MARGIN 0.78
#define MEAN_RATING_MARGIN 0.25
#define HEAD_MARK "# driftdrill objectives, version "
#define SHARE_MIN 1e-4 /* the index has no value with a share of 0 */
#define RATING_PSI_MAX 0.1
#define HEAD_VERSION "2" /* 2: with shares of ratings */

enum err objectives_write(const char *path, const struct objectives_head *head, struct error *error)
{
    struct buf text;
    buf_init(&text, 16384);
    buf_printf(&text,
               HEAD_MARK HEAD_VERSION
               "\n"
               "# Measured at rest by `driftdrill verify --calibrate`; measure again "
               "when the data or the target change.\n"
               "# scenario: %s\n# data: %s\n# fingerprint: %016" PRIx64 "\n"
               "# people: %" PRId32 "\n# seed: %" PRIu64 "\n# target: %s\n"
               "# lists: %" PRId64 "\n# ratings: %" PRId64 "\n"
               "# conversion: %.4f\n# reciprocal_rank: %.4f\n# mean_rating: %.4f\n"
               "# rating_shares: %.5f %.5f %.5f %.5f %.5f\n",
               head->scenario, head->data, head->fingerprint, head->people, head->seed,
               head->target, head->lists, head->ratings, head->conversion, head->reciprocal_rank,
               head->mean_rating, head->rating_share[0], head->rating_share[1],
               head->rating_share[2], head->rating_share[3], head->rating_share[4]);
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
               "        expr: vector(%.3f)\n"
               "      - record: objective:user_rating_psi:max\n"
               "        expr: vector(%.2f)\n",
               CONVERSION_MARGIN * head->conversion, RECIPROCAL_RANK_MARGIN * head->reciprocal_rank,
               head->mean_rating - MEAN_RATING_MARGIN, RATING_PSI_MAX);
    for (int i = 0; i < OBJECTIVES_SHARES; i++) {
        buf_printf(&text,
                   "      - record: objective:user_rating_share\n"
                   "        labels: {stars: \"%d\"}\n"
                   "        expr: vector(%.5f)\n",
                   i + 1, fmax(head->rating_share[i], SHARE_MIN));
    }
    enum err code = text.failed ? error_set(error, ERR_MEMORY, path, 0, "out of memory")
                                : file_write(path, text.data, text.len, error);
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

static bool head_whole(const char *text, const char *key, int64_t max, int64_t *out)
{
    char value[64];
    return head_value(text, key, value, sizeof value) && text_to_i64(value, out) && *out >= 0 &&
           *out <= max;
}

/* Five positive shares that add up to one, but for their rounding. */
static bool head_shares(const char *text, double share[OBJECTIVES_SHARES])
{
    char value[128];
    double sum = 0;
    if (!head_value(text, "rating_shares", value, sizeof value)) {
        return false;
    }
    char *at = value;
    for (int i = 0; i < OBJECTIVES_SHARES; i++) {
        size_t len = strcspn(at, " ");
        bool last = at[len] == '\0';
        at[len] = '\0';
        if (last != (i == OBJECTIVES_SHARES - 1) || !text_to_f64(at, &share[i]) || share[i] < 0) {
            return false;
        }
        sum += share[i];
        at += len + !last;
    }
    return fabs(sum - 1) < 0.001;
}

static bool head_fingerprint(const char *text, uint64_t *out)
{
    char hex[17];
    if (!head_value(text, "fingerprint", hex, sizeof hex) ||
        strspn(hex, "0123456789abcdef") != sizeof hex - 1) {
        return false;
    }
    *out = strtoull(hex, NULL, 16);
    return true;
}

static bool parse_head(const char *text, struct objectives_head *out)
{
    int64_t people = 0, seed = 0;
    bool whole = head_value(text, "scenario", out->scenario, sizeof out->scenario) &&
                 head_value(text, "data", out->data, sizeof out->data) &&
                 head_fingerprint(text, &out->fingerprint) &&
                 head_value(text, "target", out->target, sizeof out->target) &&
                 head_whole(text, "people", INT32_MAX, &people) &&
                 head_whole(text, "seed", INT64_MAX, &seed) &&
                 head_whole(text, "lists", INT64_MAX, &out->lists) &&
                 head_whole(text, "ratings", INT64_MAX, &out->ratings) &&
                 head_number(text, "conversion", &out->conversion) &&
                 head_number(text, "reciprocal_rank", &out->reciprocal_rank) &&
                 head_number(text, "mean_rating", &out->mean_rating) &&
                 head_shares(text, out->rating_share);
    out->people = (int32_t)people;
    out->seed = (uint64_t)seed;
    return whole;
}

enum err objectives_read(const char *path, bool *is_objectives, struct objectives_head *out,
                         struct error *error)
{
    static const char mark[] = HEAD_MARK, version[] = HEAD_VERSION;
    struct buf text;
    buf_init(&text, 1u << 20);
    enum err code = file_read(path, &text, error);
    *is_objectives = code == ERR_OK && text.len > 0 && text_starts(text.data, mark);
    if (*is_objectives) {
        const char *written = text.data + strlen(mark);
        size_t len = strcspn(written, "\r\n");
        if (len != strlen(version) || strncmp(written, version, len) != 0) {
            code = error_set(error, ERR_INPUT, path, 1,
                             "these objectives have a head of version %.*s, expected %s; write "
                             "them again with driftdrill verify --calibrate",
                             len > 16 ? 16 : (int)len, written, version);
        } else if (!parse_head(text.data, out)) {
            code = error_set(error, ERR_INPUT, path, 1,
                             "the head of this objectives file is incomplete; write it again with "
                             "driftdrill verify --calibrate");
        }
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
