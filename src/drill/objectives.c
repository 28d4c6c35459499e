/*
 * Why these margins: a recovery by retraining brings back 92 to 104 % of both ratios, so an
 * objective above that would never be met again; a swap of tastes costs about 40 %. The live mean
 * rating moves up under taste drift, a little down after retraining, and down by about .37 stars
 * when people become .4 stars harsher; the margin lies between. The index of the histogram is .02
 * to .04 under taste drift, give or take .013, and about .18 when people become .5 stars harsher;
 * below .1 a distribution is commonly called stable; the same holds for the shares of the sources,
 * which a wave of newcomers moves by more than 1 and a retraining by some hundredths.
 *
 * A source's conversion falls to .43 of what it was under taste drift, to .6 and less when people
 * look at the first places only, and to .8 by itself, as people run out of films: .6 tells a taste
 * from that. The mean place of what is rated lies between 4.1 and 4.5 whatever people's taste is;
 * 1.1 is beyond that. The calibration gap moves as the mean rating does.
 */
#include "drill/objectives.h"

#include "base/buf.h"
#include "base/fileio.h"
#include "base/text.h"

#include <inttypes.h>
#include <jansson.h>
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
#define ITEM_RANK_MARGIN 1.1
#define SOURCE_CONVERSION_MARGIN 0.6
#define CALIBRATION_GAP_MARGIN 0.25
#define WITHOUT_HISTORY_MARGIN 0.2
#define SOURCE_PSI_MAX 0.1
#define UNKNOWN "unknown"
#define HEAD_VERSION "3" /* 2: with shares of ratings; 3: with ranks, sources, predictions */

/* "key: 0.1234", or that it is unknown. */
static void write_known(struct buf *text, const char *key, double value)
{
    if (isnan(value)) {
        buf_printf(text, "# %s: " UNKNOWN "\n", key);
    } else {
        buf_printf(text, "# %s: %.4f\n", key, value);
    }
}

/* Names are JSON, which is YAML too, whatever they hold. */
static void write_name(struct buf *text, const char *name)
{
    json_t *string = json_string(name);
    char *dumped = json_dumps(string, JSON_ENCODE_ANY);
    buf_text(text, dumped != NULL ? dumped : "\"\"");
    free(dumped);
    json_decref(string);
}

static void write_sources(struct buf *text, const struct objectives_head *head)
{
    buf_text(text, "# source_conversion: {");
    for (int s = 0; s < head->source_count; s++) {
        buf_text(text, s > 0 ? ", " : "");
        write_name(text, head->source[s].name);
        buf_printf(text, ": %.5f", head->source[s].conversion);
    }
    buf_text(text, "}\n");
}

static void write_bound(struct buf *text, const char *record, double value)
{
    if (!isnan(value)) {
        buf_printf(text, "      - record: objective:%s\n        expr: vector(%.4f)\n", record,
                   value);
    }
}

/* What version 3 added; a value that is not a number has no record, and its alert stays silent. */
static void write_newer_records(struct buf *text, const struct objectives_head *head)
{
    write_bound(text, "item_rank_mean:max",
                head->item_rank >= 1 ? ITEM_RANK_MARGIN * head->item_rank : NAN);
    write_bound(text, "recommendation_source_psi:max", SOURCE_PSI_MAX);
    write_bound(text, "rating_calibration_gap:rest", head->calibration_gap);
    write_bound(text, "rating_calibration_gap:max",
                isnan(head->calibration_gap) ? NAN : CALIBRATION_GAP_MARGIN);
    write_bound(text, "recommendation_lists_without_history:max",
                isnan(head->without_history)
                    ? NAN
                    : fmin(WITHOUT_HISTORY_MARGIN + head->without_history, 1));
    for (int s = 0; s < head->source_count; s++) {
        buf_text(text,
                 "      - record: objective:source_conversion:min\n        labels: {recommender: ");
        write_name(text, head->source[s].name);
        buf_printf(text, "}\n        expr: vector(%.5f)\n",
                   SOURCE_CONVERSION_MARGIN * head->source[s].conversion);
    }
}

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
    write_known(&text, "item_rank", head->item_rank);
    write_known(&text, "calibration_gap", head->calibration_gap);
    write_known(&text, "lists_without_history", head->without_history);
    write_sources(&text, head);
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
    write_newer_records(&text, head);
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

/* A number or "unknown", which is NaN. */
static bool head_known(const char *text, const char *key, double *out)
{
    char value[64];
    if (head_value(text, key, value, sizeof value) && strcmp(value, UNKNOWN) == 0) {
        *out = NAN;
        return true;
    }
    return head_number(text, key, out);
}

static bool head_sources(const char *text, struct objectives_head *out)
{
    char value[LEDGER_SOURCES_MAX * (6 * LEDGER_SOURCE_SIZE + 16) + 8];
    const char *name;
    json_t *number;
    out->source_count = 0;
    if (!head_value(text, "source_conversion", value, sizeof value)) {
        return false;
    }
    json_t *sources = json_loads(value, JSON_REJECT_DUPLICATES, NULL);
    bool whole = json_is_object(sources) && json_object_size(sources) <= LEDGER_SOURCES_MAX;
    json_object_foreach(sources, name, number)
    {
        struct objectives_source *source = &out->source[out->source_count];
        whole = whole && json_is_number(number) && json_number_value(number) >= 0 &&
                json_number_value(number) <= 1 &&
                text_copy(source->name, sizeof source->name, name);
        if (!whole) {
            break;
        }
        source->conversion = json_number_value(number);
        out->source_count++;
    }
    json_decref(sources);
    return whole;
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
    bool whole =
        head_value(text, "scenario", out->scenario, sizeof out->scenario) &&
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
        head_shares(text, out->rating_share) && head_known(text, "item_rank", &out->item_rank) &&
        head_known(text, "calibration_gap", &out->calibration_gap) &&
        head_known(text, "lists_without_history", &out->without_history) && head_sources(text, out);
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
