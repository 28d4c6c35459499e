/*
 * Prometheus text exposition 0.0.4, the reading half.
 *
 * The snapshot keeps one copy of the text; names and label values are terminated and unescaped in
 * place (unescaping only shortens), so a scrape costs three allocations however many series it
 * holds. It is stricter than a scrape where leniency would falsify a count: a last line without
 * its newline (a reply cut short), a series given twice and a label given twice are errors.
 */
#include "base/mem.h"
#include "base/metrics.h"
#include "base/text.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct series {
    const char *metric;
    size_t first_label, label_count;
    double value;
    int line;
};

struct family {
    const char *name, *type;
};

struct metrics_snapshot {
    char *text;
    struct family *family;
    size_t family_count, family_capacity;
    struct series *series;
    size_t count, capacity;
    struct metrics_label *label; /* those of one series are neighbours, sorted by name */
    size_t label_total, label_capacity;
};

struct scanner {
    struct metrics_snapshot *snapshot;
    const char *name;
    struct error *error;
    int line;
    char *at; /* inside the current line, which ends in '\0' */
};

static bool is_name_start(char c, bool colon)
{
    return isalpha((unsigned char)c) || c == '_' || (colon && c == ':');
}

static size_t name_length(const char *text, bool colon)
{
    size_t len = 0;
    while (is_name_start(text[len], colon) || (len > 0 && isdigit((unsigned char)text[len]))) {
        len++;
    }
    return len;
}

static void skip_blanks(struct scanner *scanner)
{
    scanner->at += strspn(scanner->at, " \t");
}

/* Always false, so that scanning functions can return it. */
static bool expected(const struct scanner *scanner, const char *what)
{
    (void)error_set(scanner->error, ERR_INPUT, scanner->name, scanner->line,
                    "expected %s, got \"%.40s\"", what, scanner->at);
    return false;
}

static char *take_word(struct scanner *scanner, size_t len)
{
    char *word = scanner->at;
    scanner->at += len;
    return word;
}

/* Copies the quoted value at `at` over itself without escapes; *value is terminated. */
static bool scan_label_value(struct scanner *scanner, const char **value)
{
    if (*scanner->at != '"') {
        return expected(scanner, "a label value in double quotes");
    }
    char *from = ++scanner->at;
    char *to = from;
    *value = to;
    while (*from != '"') {
        if (*from == '\0') {
            return expected(scanner, "a closing double quote");
        }
        if (*from == '\\') {
            from++;
            if (*from != '\\' && *from != '"' && *from != 'n') {
                return expected(scanner, "one of the escapes \\\\, \\\" and \\n");
            }
            *to++ = *from == 'n' ? '\n' : *from;
        } else {
            *to++ = *from;
        }
        from++;
    }
    scanner->at = from + 1;
    *to = '\0';
    return true;
}

static void append_label(struct metrics_snapshot *snapshot, struct metrics_label label)
{
    if (snapshot->label_total == snapshot->label_capacity) {
        snapshot->label_capacity = snapshot->label_capacity ? 2 * snapshot->label_capacity : 64;
        snapshot->label =
            mem_resize(snapshot->label, snapshot->label_capacity, sizeof *snapshot->label);
    }
    snapshot->label[snapshot->label_total++] = label;
}

/* Labels are sorted so that series differing in their order only compare equal. */
static int compare_labels(const void *a, const void *b)
{
    return strcmp(((const struct metrics_label *)a)->name, ((const struct metrics_label *)b)->name);
}

static bool scan_label(struct scanner *scanner)
{
    size_t len = name_length(scanner->at, false);
    if (len == 0) {
        return expected(scanner, "a label name or }");
    }
    char *name = take_word(scanner, len);
    skip_blanks(scanner);
    if (*scanner->at != '=') {
        return expected(scanner, "= behind the label name");
    }
    scanner->at++;
    skip_blanks(scanner);
    struct metrics_label label = {.name = name};
    if (!scan_label_value(scanner, &label.value)) {
        return false;
    }
    name[len] = '\0';
    append_label(scanner->snapshot, label);
    skip_blanks(scanner);
    if (*scanner->at == ',') {
        scanner->at++;
        skip_blanks(scanner);
    } else if (*scanner->at != '}') {
        return expected(scanner, ", or } behind the label");
    }
    return true;
}

static bool scan_labels(struct scanner *scanner, struct series *series)
{
    struct metrics_snapshot *snapshot = scanner->snapshot;
    series->first_label = snapshot->label_total;
    if (*scanner->at != '{') {
        return true;
    }
    scanner->at++;
    skip_blanks(scanner);
    while (*scanner->at != '}') {
        if (!scan_label(scanner)) {
            return false;
        }
    }
    scanner->at++;
    series->label_count = snapshot->label_total - series->first_label;
    if (series->label_count == 0) {
        return true;
    }
    struct metrics_label *labels = snapshot->label + series->first_label;
    qsort(labels, series->label_count, sizeof *labels, compare_labels);
    for (size_t i = 1; i < series->label_count; i++) {
        if (strcmp(labels[i - 1].name, labels[i].name) == 0) {
            (void)error_set(scanner->error, ERR_INPUT, scanner->name, scanner->line,
                            "label %.80s is there twice", labels[i].name);
            return false;
        }
    }
    return true;
}

/* What Go's ParseFloat takes, but for hexadecimal numbers, which no exposition has. */
static bool number_value(const char *text, double *out)
{
    const char *digits = text + (*text == '+');
    const char *word = text + (*text == '+' || *text == '-');
    if (strcasecmp(text, "nan") == 0) {
        *out = NAN;
        return true;
    }
    if (strcasecmp(word, "inf") == 0 || strcasecmp(word, "infinity") == 0) {
        *out = *text == '-' ? -INFINITY : INFINITY;
        return true;
    }
    return !(*text == '+' && *digits == '-') && text_to_f64(digits, out);
}

/* Value and optional timestamp up to the end of the line. */
static bool scan_value(struct scanner *scanner, double *value)
{
    size_t len = strcspn(scanner->at, " \t");
    char *word = scanner->at;
    char *rest = word + len + (word[len] != '\0');
    word[len] = '\0';
    if (!number_value(word, value)) {
        return expected(scanner, "a number");
    }
    scanner->at = rest;
    skip_blanks(scanner);
    len = strcspn(scanner->at, " \t");
    if (scanner->at[len + strspn(scanner->at + len, " \t")] != '\0') {
        scanner->at += len;
        return expected(scanner, "the end of the line behind the timestamp");
    }
    scanner->at[len] = '\0';
    int64_t timestamp_ms;
    if (len > 0 && !text_to_i64(scanner->at + (*scanner->at == '+'), &timestamp_ms)) {
        return expected(scanner, "a timestamp in whole milliseconds");
    }
    return true;
}

/* One line `name{labels} value timestamp`. The name is terminated last, because the byte behind it
 * may be the brace or blank that is still to be read. */
static bool scan_sample(struct scanner *scanner)
{
    struct metrics_snapshot *snapshot = scanner->snapshot;
    struct series series = {.line = scanner->line};
    size_t len = name_length(scanner->at, true);
    if (len == 0) {
        return expected(scanner, "a metric name");
    }
    char *metric = take_word(scanner, len);
    bool blank = *scanner->at == ' ' || *scanner->at == '\t';
    skip_blanks(scanner);
    if (!blank && *scanner->at != '{') {
        return expected(scanner, "{ or a blank behind the metric name");
    }
    if (!scan_labels(scanner, &series)) {
        return false;
    }
    skip_blanks(scanner);
    if (!scan_value(scanner, &series.value)) {
        return false;
    }
    metric[len] = '\0';
    series.metric = metric;
    if (snapshot->count == snapshot->capacity) {
        snapshot->capacity = snapshot->capacity ? 2 * snapshot->capacity : 64;
        snapshot->series =
            mem_resize(snapshot->series, snapshot->capacity, sizeof *snapshot->series);
    }
    snapshot->series[snapshot->count++] = series;
    return true;
}

static bool is_type(const char *text)
{
    static const char *const types[] = {"counter", "gauge", "histogram", "summary", "untyped"};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        size_t len = strlen(types[i]);
        if (strncmp(text, types[i], len) == 0 && text[len + strspn(text + len, " \t")] == '\0') {
            return true;
        }
    }
    return false;
}

static void append_family(struct metrics_snapshot *snapshot, struct family family)
{
    if (snapshot->family_count == snapshot->family_capacity) {
        snapshot->family_capacity = snapshot->family_capacity ? 2 * snapshot->family_capacity : 64;
        snapshot->family =
            mem_resize(snapshot->family, snapshot->family_capacity, sizeof *snapshot->family);
    }
    snapshot->family[snapshot->family_count++] = family;
}

/* Any comment is fine, but "# HELP" and "# TYPE" must be about a metric. */
static bool scan_comment(struct scanner *scanner)
{
    scanner->at++;
    skip_blanks(scanner);
    bool help = text_starts(scanner->at, "HELP") && strchr(" \t", scanner->at[4]) != NULL;
    bool type = text_starts(scanner->at, "TYPE") && strchr(" \t", scanner->at[4]) != NULL;
    if (!help && !type) {
        return true;
    }
    scanner->at += 4;
    skip_blanks(scanner);
    size_t len = name_length(scanner->at, true);
    if (len == 0 || strchr(" \t", scanner->at[len]) == NULL) {
        return expected(scanner, "a metric name");
    }
    char *name = take_word(scanner, len);
    skip_blanks(scanner);
    if (type && !is_type(scanner->at)) {
        return expected(scanner, "counter, gauge, histogram, summary or untyped");
    }
    if (type) {
        name[len] = '\0';
        scanner->at[strcspn(scanner->at, " \t")] = '\0';
        append_family(scanner->snapshot, (struct family){name, scanner->at});
    }
    return true;
}

static bool scan_line(struct scanner *scanner)
{
    skip_blanks(scanner);
    if (*scanner->at == '\0') {
        return true;
    }
    return *scanner->at == '#' ? scan_comment(scanner) : scan_sample(scanner);
}

static bool scan_text(struct scanner *scanner, size_t len)
{
    char *line = scanner->snapshot->text;
    char *end = line + len;
    while (line < end) {
        scanner->line++;
        scanner->at = line;
        char *newline = memchr(line, '\n', (size_t)(end - line));
        if (newline == NULL) {
            return expected(scanner, "a newline at the end of the last line");
        }
        *newline = '\0';
        if (strlen(line) != (size_t)(newline - line)) {
            (void)error_set(scanner->error, ERR_INPUT, scanner->name, scanner->line,
                            "the line holds a zero byte");
            return false;
        }
        if (!scan_line(scanner)) {
            return false;
        }
        line = newline + 1;
    }
    return true;
}

static int compare_series(const void *a, const void *b, void *context)
{
    const struct metrics_snapshot *snapshot = context;
    const struct series *one = a;
    const struct series *other = b;
    int order = strcmp(one->metric, other->metric);
    if (order == 0 && one->label_count != other->label_count) {
        order = one->label_count < other->label_count ? -1 : 1;
    }
    for (size_t i = 0; order == 0 && i < one->label_count; i++) {
        const struct metrics_label *left = &snapshot->label[one->first_label + i];
        const struct metrics_label *right = &snapshot->label[other->first_label + i];
        order = strcmp(left->name, right->name);
        order = order != 0 ? order : strcmp(left->value, right->value);
    }
    return order;
}

/* Sorts the series and compares neighbours. A series given twice would be counted twice by
 * metrics_sum, which Prometheus, keeping one of them, would not do. */
static bool series_differ(const struct scanner *scanner)
{
    struct metrics_snapshot *snapshot = scanner->snapshot;
    if (snapshot->count == 0) {
        return true;
    }
    qsort_r(snapshot->series, snapshot->count, sizeof *snapshot->series, compare_series, snapshot);
    for (size_t i = 1; i < snapshot->count; i++) {
        const struct series *one = &snapshot->series[i - 1];
        const struct series *other = &snapshot->series[i];
        if (compare_series(one, other, snapshot) == 0) {
            (void)error_set(scanner->error, ERR_INPUT, scanner->name,
                            one->line > other->line ? one->line : other->line,
                            "a series of %.80s is there twice", one->metric);
            return false;
        }
    }
    return true;
}

enum err metrics_parse(const char *name, const char *text, size_t len,
                       struct metrics_snapshot **out, struct error *error)
{
    struct metrics_snapshot *snapshot = mem_zalloc(1, sizeof *snapshot);
    struct scanner scanner = {.snapshot = snapshot, .name = name, .error = error};
    *out = NULL;
    snapshot->text = mem_try_alloc(len + 1);
    if (snapshot->text == NULL) {
        metrics_snapshot_free(snapshot);
        return error_set(error, ERR_MEMORY, name, 0, "no memory for %zu bytes", len);
    }
    if (len > 0) {
        memcpy(snapshot->text, text, len);
    }
    snapshot->text[len] = '\0';
    if (!scan_text(&scanner, len) || !series_differ(&scanner)) {
        metrics_snapshot_free(snapshot);
        return ERR_INPUT;
    }
    *out = snapshot;
    return ERR_OK;
}

void metrics_snapshot_free(struct metrics_snapshot *snapshot)
{
    if (snapshot != NULL) {
        mem_free(snapshot->text);
        mem_free(snapshot->family);
        mem_free(snapshot->series);
        mem_free(snapshot->label);
        mem_free(snapshot);
    }
}

/* Whether the series has the wanted label with the wanted value. */
static bool carries(const struct metrics_snapshot *snapshot, const struct series *series,
                    const struct metrics_label *wanted)
{
    for (size_t i = 0; i < series->label_count; i++) {
        const struct metrics_label *label = &snapshot->label[series->first_label + i];
        if (strcmp(label->name, wanted->name) == 0) {
            return strcmp(label->value, wanted->value) == 0;
        }
    }
    return false;
}

double metrics_sum(const struct metrics_snapshot *snapshot, const char *metric,
                   const struct metrics_label *labels, size_t label_count, bool *found)
{
    double sum = 0;
    *found = false;
    for (size_t i = 0; i < snapshot->count; i++) {
        const struct series *series = &snapshot->series[i];
        bool matches = strcmp(series->metric, metric) == 0;
        for (size_t k = 0; matches && k < label_count; k++) {
            matches = carries(snapshot, series, &labels[k]);
        }
        if (matches) {
            *found = true;
            sum += series->value;
        }
    }
    return sum;
}

size_t metrics_series_count(const struct metrics_snapshot *snapshot)
{
    return snapshot->count;
}

const char *metrics_series_at(const struct metrics_snapshot *snapshot, size_t index,
                              const struct metrics_label **labels, size_t *label_count)
{
    const struct series *series = &snapshot->series[index];
    *label_count = series->label_count;
    *labels = series->label_count > 0 ? &snapshot->label[series->first_label] : NULL;
    return series->metric;
}

double metrics_series_value(const struct metrics_snapshot *snapshot, size_t index)
{
    return snapshot->series[index].value;
}

size_t metrics_family_count(const struct metrics_snapshot *snapshot)
{
    return snapshot->family_count;
}

const char *metrics_family_at(const struct metrics_snapshot *snapshot, size_t index,
                              const char **type)
{
    *type = snapshot->family[index].type;
    return snapshot->family[index].name;
}
