#include "drill/metric_map.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define NAME_BYTES 160
#define LABELS_MAX 4
#define OURS_MAX 96
#define TEXT_MAX_BYTES ((size_t)64 << 20)
/* Prometheus keeps what begins so free for such use; it must be dropped by hand. */
#define SCRATCH_LABEL "__tmp_driftdrill"

const char *const metric_map_ours[] = {"recommendation_lists_total",
                                       "recommendation_lists_rated_total",
                                       "recommendation_lists_converted_total",
                                       "recommendation_lists_without_history_total",
                                       "recommendation_reciprocal_rank_total",
                                       "recommendation_rating_reciprocal_rank_total",
                                       "recommendation_items_total",
                                       "recommendation_candidates_total",
                                       "count_in_top5_total",
                                       "user_rating_count",
                                       "user_rating_sum",
                                       "user_rating_bucket",
                                       "recommendation_rating_stars_count",
                                       "recommendation_rating_stars_sum",
                                       "recommendation_rating_stars_bucket",
                                       "item_rank_count",
                                       "item_rank_sum",
                                       "predicted_rating_count",
                                       "predicted_rating_sum",
                                       "recommendation_ratings_late_total",
                                       "recommendation_ratings_unattributed_total",
                                       "ratings_unknown_film_total",
                                       "ratings_kept_total",
                                       "ratings_repeated_total",
                                       "ratings_lost_total",
                                       "ratings_turned_away_total",
                                       "ratings_waiting",
                                       "ratings_since_training",
                                       "rating_store_commits_total",
                                       "rating_store_failed_commits_total",
                                       "recommendation_history_ratings",
                                       "http_requests_total",
                                       "http_request_duration_seconds_count",
                                       "http_request_duration_seconds_sum",
                                       "http_request_duration_seconds_bucket",
                                       "http_request_duration_highr_seconds_count",
                                       "http_request_duration_highr_seconds_sum",
                                       "http_request_duration_highr_seconds_bucket",
                                       "http_request_size_bytes_count",
                                       "http_request_size_bytes_sum",
                                       "http_response_size_bytes_count",
                                       "http_response_size_bytes_sum",
                                       "recommendation_stage_duration_seconds_count",
                                       "recommendation_stage_duration_seconds_sum",
                                       "recommendation_stage_duration_seconds_bucket",
                                       "model_version",
                                       "model_trained_timestamp_seconds",
                                       "model_training_seconds",
                                       "model_source_share",
                                       "model_films_without_embedding",
                                       "trainings_total",
                                       "training_ratings_left_out",
                                       "retrain_failures_total",
                                       "retrain_in_progress",
                                       "fault_active",
                                       "fault_applied_total",
                                       NULL};

/* What must be told for a metric to say anything, by the beginning of its name; first match. */
enum need { NEED_NOTHING, NEED_RATINGS, NEED_LISTS, NEED_LISTS_OR_PLACES };
static const struct {
    const char *prefix;
    enum need need;
} needs[] = {{"recommendation_lists_rated_", NEED_LISTS},
             {"recommendation_lists_converted_", NEED_LISTS},
             {"recommendation_reciprocal_rank_", NEED_LISTS},
             {"recommendation_rating_reciprocal_rank_", NEED_LISTS_OR_PLACES},
             {"recommendation_ratings_", NEED_LISTS},
             {"item_rank_", NEED_LISTS_OR_PLACES},
             {"recommendation_rating_stars_", NEED_RATINGS},
             {"recommendation_history_ratings", NEED_RATINGS},
             {"user_rating_", NEED_RATINGS},
             {"predicted_rating_", NEED_RATINGS},
             {"ratings_", NEED_RATINGS},
             {"rating_store_", NEED_RATINGS},
             {"training_ratings_", NEED_RATINGS}};

struct entry {
    const char *ours; /* NULL: the target has no such metric */
    const char *why;  /* it says nothing all the same; NULL = it does */
    char theirs[NAME_BYTES];
    char label_text[NAME_BYTES]; /* holds the labels' names and values */
    struct metrics_label label[LABELS_MAX];
    size_t label_count;
};

struct metric_map {
    struct entry entry[OURS_MAX]; /* as metric_map_ours */
    size_t count;
};

static int index_of(const char *name)
{
    for (int i = 0; metric_map_ours[i] != NULL; i++) {
        if (strcmp(metric_map_ours[i], name) == 0) {
            return i;
        }
    }
    return -1;
}

/* A whole histogram is known by its count. */
static int index_of_family(const char *name)
{
    char count[NAME_BYTES];
    int index = index_of(name);
    if (index < 0) {
        (void)snprintf(count, sizeof count, "%s_count", name);
        index = index_of(count);
    }
    return index;
}

bool metric_map_knows(const char *name)
{
    return index_of_family(name) >= 0;
}

bool metric_map_is_ours(const char *name)
{
    return index_of(name) >= 0;
}

/* ---- selectors ---- */

static size_t name_length(const char *text)
{
    size_t len = 0;
    while (isalpha((unsigned char)text[len]) || text[len] == '_' || text[len] == ':' ||
           (len > 0 && isdigit((unsigned char)text[len]))) {
        len++;
    }
    return len;
}

static const char *skip_blanks(const char *at)
{
    return at + strspn(at, " \t");
}

/* Copies one `name="value"` into the entry's text, of which *used bytes are taken; returns where
 * the selector goes on, NULL if there is no such thing. */
static const char *read_label(const char *at, struct entry *out, size_t *used)
{
    size_t name_len = name_length(at);
    const char *sign = skip_blanks(at + name_len);
    const char *value = sign[0] == '=' ? skip_blanks(sign + 1) : sign;
    char *to = out->label_text + *used;
    if (name_len == 0 || sign[0] != '=' || value[0] != '"' || out->label_count == LABELS_MAX ||
        *used + name_len + strlen(value) + 1 > sizeof out->label_text) {
        return NULL;
    }
    struct metrics_label *label = &out->label[out->label_count++];
    label->name = to;
    memcpy(to, at, name_len);
    to[name_len] = '\0';
    to += name_len + 1;
    label->value = to;
    for (value++; *value != '"'; value++) {
        value += *value == '\\';
        if (*value == '\0') {
            return NULL;
        }
        *to++ = *value;
    }
    *to++ = '\0';
    *used = (size_t)(to - out->label_text);
    return skip_blanks(value + 1);
}

/* `name` or `name{a="b",c="d"}`; `suffix` goes behind the name. */
static bool read_selector(const char *text, const char *suffix, struct entry *out)
{
    const char *at = skip_blanks(text);
    size_t len = name_length(at), used = 0;
    if (len == 0 || len + strlen(suffix) >= sizeof out->theirs) {
        return false;
    }
    (void)snprintf(out->theirs, sizeof out->theirs, "%.*s%s", (int)len, at, suffix);
    at = skip_blanks(at + len);
    if (*at == '\0') {
        return true;
    }
    if (*at != '{') {
        return false;
    }
    at = skip_blanks(at + 1);
    while (*at != '}') {
        at = read_label(at, out, &used);
        if (at == NULL || (*at != ',' && *at != '}')) {
            return false;
        }
        at = *at == ',' ? skip_blanks(at + 1) : at;
    }
    return *skip_blanks(at + 1) == '\0';
}

/* ---- making ---- */

/* "user_rating" and "_bucket" of "user_rating_bucket"; false if it is no part of a family. */
static bool split_family(const char *ours, char *family, size_t size, const char **suffix)
{
    static const char *const suffixes[] = {"_bucket", "_count", "_sum"};
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        if (text_ends(ours, suffixes[i])) {
            (void)snprintf(family, size, "%.*s", (int)(strlen(ours) - strlen(suffixes[i])), ours);
            *suffix = suffixes[i];
            return true;
        }
    }
    return false;
}

static enum err add(metric_map_find *find, const void *context, const char *ours, struct entry *out,
                    struct error *error)
{
    char family[NAME_BYTES];
    const char *suffix = "", *text = find(context, ours);
    if (text == NULL && split_family(ours, family, sizeof family, &suffix)) {
        text = find(context, family);
    }
    if (text == NULL) {
        return ERR_OK;
    }
    out->ours = ours;
    return read_selector(text, suffix, out)
               ? ERR_OK
               : error_set(error, ERR_INPUT, NULL, 0,
                           "%s: expected the name of a metric, with labels or without, as in "
                           "name{label=\"value\"}, got '%.100s'",
                           ours, text);
}

enum err metric_map_new(metric_map_find *find, const void *context, struct metric_map **out,
                        struct error *error)
{
    struct metric_map *map = mem_zalloc(1, sizeof *map);
    enum err code = ERR_OK;
    _Static_assert(sizeof metric_map_ours / sizeof metric_map_ours[0] <= OURS_MAX, "");
    for (size_t i = 0; metric_map_ours[i] != NULL && code == ERR_OK; i++) {
        code = add(find, context, metric_map_ours[i], &map->entry[map->count++], error);
    }
    if (code != ERR_OK) {
        metric_map_free(map);
        return code;
    }
    *out = map;
    return ERR_OK;
}

void metric_map_free(struct metric_map *map)
{
    mem_free(map);
}

static enum need need_of(const char *ours)
{
    for (size_t i = 0; i < sizeof needs / sizeof needs[0]; i++) {
        if (text_starts(ours, needs[i].prefix)) {
            return needs[i].need;
        }
    }
    return NEED_NOTHING;
}

void metric_map_leave_out(struct metric_map *map, const struct metric_map_told *told)
{
    for (size_t i = 0; i < map->count; i++) {
        enum need need = need_of(metric_map_ours[i]);
        bool placed = told->lists || (told->places && need == NEED_LISTS_OR_PLACES);
        if (need != NEED_NOTHING && !told->ratings) {
            map->entry[i].why = "the target takes no ratings";
        } else if (need > NEED_RATINGS && !placed) {
            map->entry[i].why = "ratings do not tell the target their list";
        }
    }
}

static bool has_names_of_ours(const struct metric_map *map)
{
    for (size_t i = 0; i < map->count; i++) {
        const struct entry *entry = &map->entry[i];
        if (entry->ours == NULL || strcmp(entry->ours, entry->theirs) != 0 ||
            entry->label_count > 0) {
            return false;
        }
    }
    return true;
}

bool metric_map_is_plain(const struct metric_map *map)
{
    bool whole = true;
    for (size_t i = 0; i < map->count; i++) {
        whole = whole && map->entry[i].why == NULL;
    }
    return whole && has_names_of_ours(map);
}

/* NULL if it is no metric of ours. */
static const struct entry *entry_of(const struct metric_map *map, const char *ours)
{
    int index = index_of_family(ours);
    return index >= 0 ? &map->entry[index] : NULL;
}

bool metric_map_has(const struct metric_map *map, const char *ours)
{
    const struct entry *entry = entry_of(map, ours);
    return entry != NULL && entry->ours != NULL && entry->why == NULL;
}

void metric_map_explain(const struct metric_map *map, const char *ours, char *out, size_t size)
{
    const struct entry *entry = map != NULL ? entry_of(map, ours) : NULL;
    if (map == NULL) {
        (void)snprintf(out, size, "the target has no metrics");
    } else if (entry != NULL && entry->ours != NULL && entry->why != NULL) {
        (void)snprintf(out, size, "%s, and %s needs that", entry->why, ours);
    } else {
        (void)snprintf(out, size, "the target does not export %s", ours);
    }
}

/* ---- renaming ---- */

static bool carries(const struct metrics_label *label, size_t count,
                    const struct metrics_label *wanted)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(label[i].name, wanted->name) == 0) {
            return strcmp(label[i].value, wanted->value) == 0;
        }
    }
    return wanted->value[0] == '\0';
}

/* What Prometheus will call the series; NULL if it drops it. */
static const char *new_name(const struct metric_map *map, const char *metric,
                            const struct metrics_label *label, size_t label_count)
{
    for (size_t i = 0; i < map->count; i++) {
        const struct entry *entry = &map->entry[i];
        bool fits = entry->ours != NULL && strcmp(entry->theirs, metric) == 0;
        for (size_t k = 0; k < entry->label_count && fits; k++) {
            fits = carries(label, label_count, &entry->label[k]);
        }
        if (fits) {
            return entry->why == NULL ? entry->ours : NULL;
        }
    }
    return metric_map_is_ours(metric) ? NULL : metric;
}

enum err metric_map_rename(const struct metric_map *map, const struct metrics_snapshot *theirs,
                           struct metrics_snapshot **out, struct error *error)
{
    struct buf text;
    buf_init(&text, TEXT_MAX_BYTES);
    for (size_t i = 0; i < metrics_series_count(theirs); i++) {
        const struct metrics_label *label;
        size_t count;
        double value;
        const char *metric = metrics_series_at(theirs, i, &label, &count);
        const char *name = new_name(map, metric, label, count);
        if (name != NULL) {
            value = metrics_series_value(theirs, i);
            metrics_sample(&text, name, label, count, value);
        }
    }
    enum err code = metrics_parse("the target's metrics in our names",
                                  text.len > 0 ? text.data : "", text.len, out, error);
    buf_deinit(&text);
    return code;
}

/* ---- the same for Prometheus ---- */

/* A text that a regular expression matches and nothing else. */
static void add_literal(struct buf *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (strchr("\\.+*?()|[]{}^$", *text) != NULL) {
            (void)buf_text(out, "\\");
        }
        (void)buf_add(out, text, 1);
    }
}

/* Notes in the scratch label what a series will be called. */
static json_t *note_name(const struct entry *entry)
{
    struct buf regex;
    json_t *sources = json_pack("[s]", "__name__");
    buf_init(&regex, TEXT_MAX_BYTES);
    add_literal(&regex, entry->theirs);
    for (size_t i = 0; i < entry->label_count; i++) {
        json_array_append_new(sources, json_string(entry->label[i].name));
        (void)buf_text(&regex, ";");
        add_literal(&regex, entry->label[i].value);
    }
    json_t *step =
        json_pack("{s:o,s:s#,s:s,s:s}", "source_labels", sources, "regex", regex.data,
                  (int)regex.len, "target_label", SCRATCH_LABEL, "replacement", entry->ours);
    buf_deinit(&regex);
    return step;
}

/* Drops what has one of our names and was not noted. */
static json_t *drop_strangers(void)
{
    struct buf regex;
    buf_init(&regex, TEXT_MAX_BYTES);
    (void)buf_text(&regex, ";(");
    for (size_t i = 0; metric_map_ours[i] != NULL; i++) {
        (void)buf_printf(&regex, "%s%s", i > 0 ? "|" : "", metric_map_ours[i]);
    }
    (void)buf_text(&regex, ")");
    json_t *step = json_pack("{s:[s,s],s:s#,s:s}", "source_labels", SCRATCH_LABEL, "__name__",
                             "regex", regex.data, (int)regex.len, "action", "drop");
    buf_deinit(&regex);
    return step;
}

json_t *metric_map_relabel(const struct metric_map *map)
{
    if (has_names_of_ours(map)) {
        return NULL;
    }
    json_t *steps = json_array();
    /* The last step that fits wins, in the table the first. */
    for (size_t i = map->count; i > 0; i--) {
        if (map->entry[i - 1].ours != NULL) {
            json_array_append_new(steps, note_name(&map->entry[i - 1]));
        }
    }
    json_array_append_new(steps, drop_strangers());
    json_array_append_new(steps,
                          json_pack("{s:[s],s:s,s:s,s:s}", "source_labels", SCRATCH_LABEL, "regex",
                                    "(.+)", "target_label", "__name__", "replacement", "$1"));
    json_array_append_new(steps,
                          json_pack("{s:s,s:s}", "action", "labeldrop", "regex", SCRATCH_LABEL));
    return steps;
}
