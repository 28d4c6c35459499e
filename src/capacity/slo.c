#include "capacity/slo.h"

#include "base/text.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum { NAME_MAX_BYTES = 32 };

struct word { /* a part of the text, not terminated */
    const char *at;
    size_t len;
};

struct reader {
    const char *where;
    struct slo *slo;
    struct faults *faults;
    bool quality;
    size_t wrong;
};

/* ---- words ---- */

static struct word trim(struct word word)
{
    while (word.len > 0 && (word.at[0] == ' ' || word.at[0] == '\t')) {
        word.at++;
        word.len--;
    }
    while (word.len > 0 && (word.at[word.len - 1] == ' ' || word.at[word.len - 1] == '\t')) {
        word.len--;
    }
    return word;
}

static bool copy(char *out, size_t size, struct word word)
{
    if (word.len >= size) {
        return false;
    }
    memcpy(out, word.at, word.len);
    out[word.len] = '\0';
    return true;
}

/* Takes `suffix` off the end of a text. */
static bool cut(char *text, const char *suffix)
{
    if (!text_ends(text, suffix)) {
        return false;
    }
    text[strlen(text) - strlen(suffix)] = '\0';
    return true;
}

/* ---- values ---- */

/* "0.1%" or "0.001". */
static bool read_share(struct word word, double *out)
{
    char text[NAME_MAX_BYTES];
    if (!copy(text, sizeof text, word)) {
        return false;
    }
    double scale = cut(text, "%") ? 0.01 : 1.0;
    if (!text_to_f64(text, out)) {
        return false;
    }
    *out *= scale;
    return true;
}

/* "50ms", "0.5s", "800us". */
static bool read_latency(struct word word, int64_t *out_ns)
{
    static const struct {
        const char *suffix;
        double ns;
    } units[] = {{"us", 1e3}, {"ms", 1e6}, {"s", 1e9}};
    char text[NAME_MAX_BYTES];
    double number = 0;
    if (!copy(text, sizeof text, word)) {
        return false;
    }
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (!cut(text, units[i].suffix)) {
            continue;
        }
        if (!text_to_f64(text, &number) || number <= 0 || number * units[i].ns > 3.6e12) {
            return false;
        }
        *out_ns = (int64_t)llround(number * units[i].ns);
        return *out_ns > 0;
    }
    return false;
}

/* ---- objectives ---- */

static void fault(struct reader *reader, struct word item, const char *expected)
{
    char text[sizeof reader->slo->objective[0].text];
    item.len = item.len < sizeof text ? item.len : sizeof text - 1;
    (void)copy(text, sizeof text, item);
    faults_add(reader->faults, reader->where, 0, "", "'%s': %s", text, expected);
    reader->wrong++;
}

static const char *latency_objective(const char *name, struct word value,
                                     struct slo_objective *objective)
{
    double quantile;
    if (!text_to_f64(name + 1, &quantile) || quantile <= 0 || quantile >= 100) {
        return "a quantile is p50, p99 or p99.9: above 0, below 100";
    }
    objective->kind = SLO_LATENCY;
    objective->allowed = (100 - quantile) / 100;
    return read_latency(value, &objective->latency_ns)
               ? NULL
               : "a latency is a number with us, ms or s, an hour at most: p99<50ms";
}

static const char *share_objective(const char *name, struct word value,
                                   struct slo_objective *objective)
{
    double share;
    if (!read_share(value, &share) || share <= 0 || share >= 1) {
        return "a share lies above 0 and below 1: 0.3 or 30%";
    }
    objective->allowed = 1 - share;
    if (strcmp(name, "errors") == 0 || strcmp(name, "fallback") == 0) {
        objective->kind = name[0] == 'e' ? SLO_ERRORS : SLO_FALLBACK;
        objective->allowed = share;
    } else if (strcmp(name, "hit_rate") == 0) {
        objective->kind = SLO_HIT_RATE;
    } else {
        assert(strcmp(name, "hit_rate_kept") == 0);
        objective->kind = SLO_HIT_RATE_KEPT;
        objective->kept = share;
    }
    return NULL;
}

/* What is wrong with one objective, or NULL. */
static const char *understand(const struct reader *reader, struct word item,
                              struct slo_objective *out)
{
    char name[NAME_MAX_BYTES];
    const char *metric = name;
    size_t len = 0;
    while (len < item.len && item.at[len] != '<' && item.at[len] != '>') {
        len++;
    }
    if (len == item.len || !copy(name, sizeof name, trim((struct word){item.at, len})) ||
        !copy(out->text, sizeof out->text, item)) {
        return reader->quality ? "expected an objective like hit_rate>0.3 or fallback<5%"
                               : "expected an objective like p99<50ms or errors<0.1%";
    }
    bool below = item.at[len] == '<';
    struct word value = trim((struct word){item.at + len + 1, item.len - len - 1});
    out->endpoint = SLO_ANY;
    if (!reader->quality && (text_starts(name, "list.") || text_starts(name, "rating."))) {
        out->endpoint = name[0] == 'l' ? SLO_LIST : SLO_RATING;
        metric = strchr(name, '.') + 1;
    }
    if (reader->quality) {
        bool hits = strcmp(metric, "hit_rate") == 0 || strcmp(metric, "hit_rate_kept") == 0;
        if (!hits && strcmp(metric, "fallback") != 0) {
            return "quality is hit_rate, hit_rate_kept or fallback";
        }
        if (below == hits) {
            return hits ? "a hit rate has a lower bound: hit_rate>0.3"
                        : "a fallback share has an upper bound: fallback<5%";
        }
        return share_objective(metric, value, out);
    }
    if (metric[0] != 'p' && strcmp(metric, "errors") != 0) {
        return "an objective is about a quantile (p99) or errors, perhaps behind list. or rating.; "
               "what lists are worth is a quality";
    }
    if (!below) {
        return "it has an upper bound: p99<50ms, errors<0.1%";
    }
    return metric[0] == 'p' ? latency_objective(metric, value, out)
                            : share_objective(metric, value, out);
}

static void take(struct reader *reader, struct word item)
{
    struct slo_objective objective = {0};
    const char *wrong = understand(reader, item, &objective);
    if (wrong == NULL && reader->slo->count == SLO_OBJECTIVES_MAX) {
        wrong = "too many objectives, 8 at most";
    }
    for (size_t i = 0; wrong == NULL && i < reader->slo->count; i++) {
        const struct slo_objective *other = &reader->slo->objective[i];
        if (other->kind == objective.kind && other->endpoint == objective.endpoint &&
            (objective.kind != SLO_LATENCY || other->allowed == objective.allowed)) {
            wrong = "said twice";
        }
    }
    if (wrong != NULL) {
        fault(reader, item, wrong);
        return;
    }
    reader->slo->objective[reader->slo->count++] = objective;
}

static enum err read_all(const char *text, struct reader *reader)
{
    for (const char *at = text;; at++) {
        size_t len = strcspn(at, ",");
        take(reader, trim((struct word){at, len}));
        at += len;
        if (*at == '\0') {
            break;
        }
    }
    return reader->wrong > 0 ? ERR_USAGE : ERR_OK;
}

enum err slo_read(const char *text, const char *where, struct slo *slo, struct faults *faults)
{
    struct reader reader = {.where = where, .slo = slo, .faults = faults};
    return read_all(text, &reader);
}

enum err slo_read_quality(const char *text, const char *where, struct slo *slo,
                          struct faults *faults)
{
    struct reader reader = {.where = where, .slo = slo, .faults = faults, .quality = true};
    return read_all(text, &reader);
}

bool slo_is_quality(const struct slo_objective *objective)
{
    return objective->kind != SLO_LATENCY && objective->kind != SLO_ERRORS;
}

double slo_allowed(const struct slo_objective *objective, double hit_rate_expected)
{
    if (objective->kind != SLO_HIT_RATE_KEPT) {
        return objective->allowed;
    }
    double needed = objective->kept * hit_rate_expected;
    return needed > 0 && needed < 1 ? 1 - needed : NAN;
}
