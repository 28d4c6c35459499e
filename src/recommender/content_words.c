/*
 * The problem: which films are of a kind, from a catalogue that has a title, a few genres and now
 * and then a tag for each.
 *
 * The method: a row of weighted terms a film (latent semantic analysis). Terms of four fields,
 * rare ones weighing more (log of films over films that have it), each field brought to its own
 * fixed weight, so that a long title does not outweigh the genres; then a truncated singular value
 * decomposition, whose leading components keep what many films share, and unit rows. Words and tags
 * of one film alone resemble nothing and are left out. Time of release is spread over neighbouring
 * spans of years, so that 1989 and 1990 are close whatever the decade.
 *
 * Rejected: random projection (with so few dimensions its noise is as large as most similarities),
 * hashing of terms (a dictionary of a few thousand is no burden).
 */
#include "recommender/content_words.h"

#include "base/mem.h"
#include "numeric/sparse.h"
#include "numeric/svd.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Weights of the fields, chosen like the constants of content.c; time of release matters most
 * beside the genres (without it HR@10 falls by a fifth to a third), words and tags hardly, but they
 * are what tells the sequels of a film. */
#define WEIGHT_GENRE 1.0
#define WEIGHT_YEAR 1.0
#define WEIGHT_WORD 0.5
#define WEIGHT_TAG 0.7
#define SPAN_YEARS 3 /* a span of years; a film lies in SPANS consecutive ones */
#define SPANS 3
#define ITERATIONS 2
#define SEED 1
#define ROW_TERMS_MAX 512 /* of one film and field; further ones are left out */
#define YEARS_END 2400

/* Columns of the four fields, one behind the other. */
struct columns {
    int32_t genre, span, word, tag, end;
};

struct table {
    const struct catalogue *catalogue;
    const struct tags *words, *tags;
    struct columns at;
    double *rarity; /* [at.end] */
    struct sparse matrix;
};

static bool is_word_byte(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (unsigned char)c >= 0x80;
}

/* Words up to the year in brackets, which is a field of its own. */
static void add_words(struct tags_builder *builder, int32_t film, const char *title, int year)
{
    const char *at = title, *end = title + strlen(title);
    char year_text[16];
    if (year > 0) {
        (void)snprintf(year_text, sizeof year_text, "(%d", year);
        for (const char *found = title; (found = strstr(found, year_text)) != NULL; found++) {
            end = found;
        }
    }
    while (at < end) {
        const char *first = at;
        while (at < end && is_word_byte(*at)) {
            at++;
        }
        size_t len = (size_t)(at - first);
        if (len > 0 && len <= TAGS_TEXT_MAX_BYTES) {
            (void)tags_builder_add(builder, film, first, len, 1);
        }
        at += at < end;
    }
}

static void title_words(const struct catalogue *catalogue, struct tags *out)
{
    struct tags_builder builder = {0};
    for (int32_t i = 0; i < catalogue->count; i++) {
        add_words(&builder, i, catalogue->title[i], catalogue->year[i]);
    }
    tags_builder_finish(&builder, catalogue->count, out);
}

/* ---- one film ---- */

/* Appends one field of a film, its values scaled to a length of `weight`. */
static void add_field(struct sparse *matrix, const int32_t *col, const double *value, int count,
                      double weight)
{
    double norm = 0;
    for (int i = 0; i < count; i++) {
        norm += value[i] * value[i];
    }
    for (int i = 0; i < count && norm > 0; i++) {
        if (value[i] > 0) {
            matrix->col[matrix->count] = col[i];
            matrix->value[matrix->count++] = (float)(weight * value[i] / sqrt(norm));
        }
    }
}

static void add_named(struct table *table, const struct tags *names, int32_t first_col,
                      int32_t film, double weight)
{
    int32_t col[ROW_TERMS_MAX];
    double value[ROW_TERMS_MAX];
    int count = 0;
    if (names->count == 0) {
        return;
    }
    for (int64_t i = names->start[film]; i < names->start[film + 1] && count < ROW_TERMS_MAX; i++) {
        col[count] = first_col + names->name[i];
        value[count] = table->rarity[col[count]] * (1 + log((double)names->times[i]));
        count++;
    }
    add_field(&table->matrix, col, value, count, weight);
}

static void add_genres(struct table *table, int32_t film)
{
    int32_t col[CATALOGUE_GENRES_MAX];
    double value[CATALOGUE_GENRES_MAX];
    int count = 0;
    for (int g = 0; g < table->catalogue->genre_count; g++) {
        if ((table->catalogue->genres[film] >> g & 1) != 0) {
            col[count] = table->at.genre + g;
            value[count] = table->rarity[col[count]];
            count++;
        }
    }
    add_field(&table->matrix, col, value, count, WEIGHT_GENRE);
}

static void add_year(struct table *table, int32_t film)
{
    int32_t col[SPANS];
    double value[SPANS];
    int year = table->catalogue->year[film];
    if (year <= 0 || year >= YEARS_END) {
        return;
    }
    for (int s = 0; s < SPANS; s++) {
        col[s] = table->at.span + year / SPAN_YEARS + s;
        value[s] = 1;
    }
    add_field(&table->matrix, col, value, SPANS, WEIGHT_YEAR);
}

/* ---- the table ---- */

/* log(films / films that have the term); 0 for a term of one film alone. */
static void count_named(double *rarity, const struct tags *names)
{
    for (int64_t i = 0; i < names->count; i++) {
        rarity[names->name[i]] += 1;
    }
}

static void make_rarity(struct table *table)
{
    const struct catalogue *films = table->catalogue;
    table->rarity = mem_zalloc((size_t)table->at.end + 1, sizeof *table->rarity);
    for (int32_t i = 0; i < films->count; i++) {
        for (int g = 0; g < films->genre_count; g++) {
            table->rarity[table->at.genre + g] += films->genres[i] >> g & 1;
        }
    }
    count_named(table->rarity + table->at.word, table->words);
    count_named(table->rarity + table->at.tag, table->tags);
    for (int32_t c = 0; c < table->at.end; c++) {
        double count = table->rarity[c];
        table->rarity[c] = count > 1 ? log(((double)films->count + 1) / count) : 0;
    }
}

static void fill(struct table *table)
{
    const struct catalogue *films = table->catalogue;
    size_t most = (size_t)films->count * (CATALOGUE_GENRES_MAX + SPANS) +
                  (size_t)table->words->count + (size_t)table->tags->count;
    sparse_init(&table->matrix, films->count, table->at.end, (int64_t)most);
    table->matrix.count = 0;
    for (int32_t i = 0; i < films->count; i++) {
        table->matrix.start[i] = table->matrix.count;
        add_genres(table, i);
        add_year(table, i);
        add_named(table, table->words, table->at.word, i, WEIGHT_WORD);
        add_named(table, table->tags, table->at.tag, i, WEIGHT_TAG);
    }
    table->matrix.start[films->count] = table->matrix.count;
}

/* Rows of left times singular values, scaled to length 1. */
static void unit_rows(const double *left, const double *singular, int32_t films, int rank,
                      float *vector)
{
    for (int32_t i = 0; i < films; i++) {
        const double *row = left + (size_t)i * (size_t)rank;
        double norm = 0;
        for (int c = 0; c < rank; c++) {
            norm += row[c] * singular[c] * row[c] * singular[c];
        }
        for (int c = 0; c < rank && norm > 0; c++) {
            vector[(size_t)i * CONTENT_WORDS_DIMS + (size_t)c] =
                (float)(row[c] * singular[c] / sqrt(norm));
        }
    }
}

static void decompose(const struct table *table, const struct parallel *parallel, float *vector)
{
    int32_t films = table->matrix.rows, cols = table->matrix.cols;
    int32_t shorter = films < cols ? films : cols;
    int rank = shorter < CONTENT_WORDS_DIMS ? (int)shorter : CONTENT_WORDS_DIMS;
    if (rank == 0) {
        return;
    }
    struct sparse transposed;
    double *left = mem_array((size_t)films * (size_t)rank, sizeof *left);
    double *right = mem_array((size_t)cols * (size_t)rank, sizeof *right);
    double singular[CONTENT_WORDS_DIMS];
    sparse_transpose(&table->matrix, &transposed);
    svd_truncated(&table->matrix, &transposed, rank, ITERATIONS, SEED, parallel, left, singular,
                  right);
    unit_rows(left, singular, films, rank, vector);
    sparse_deinit(&transposed);
    mem_free(left);
    mem_free(right);
}

void content_words(const struct catalogue *catalogue, const struct tags *tags,
                   const struct parallel *parallel, float *vector)
{
    struct tags words;
    memset(vector, 0, (size_t)catalogue->count * CONTENT_WORDS_DIMS * sizeof *vector);
    title_words(catalogue, &words);
    struct table table = {.catalogue = catalogue, .words = &words, .tags = tags};
    table.at.span = catalogue->genre_count;
    table.at.word = table.at.span + YEARS_END / SPAN_YEARS + SPANS;
    table.at.tag = table.at.word + words.names;
    table.at.end = table.at.tag + tags->names;
    make_rarity(&table);
    fill(&table);
    decompose(&table, parallel, vector);
    sparse_deinit(&table.matrix);
    mem_free(table.rarity);
    tags_deinit(&words);
}
