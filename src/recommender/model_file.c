/* Tables laid out for scoring are not kept: they are made anew in less time than reading takes. */
#include "recommender/model_file.h"

#include "base/mem.h"
#include "recommender/features.h"
#include "recommender/model_file_int.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define NAME_BYTES SECTION_NAME_BYTES
#define FILM_NUMBERS (sizeof(struct film) / sizeof(float))

static bool ok(const struct section_reader *reader)
{
    return section_failed(reader, NULL) == ERR_OK;
}

/* ---- neighbours ---- */

/* "together start" and so on; out holds NAME_BYTES. */
static const char *part_name(char *out, const char *which, const char *part)
{
    (void)snprintf(out, NAME_BYTES, "%s %s", which, part);
    return out;
}

static void add_neighbours(struct section_writer *writer, const char *which,
                           const struct neighbours *neighbours)
{
    char name[NAME_BYTES];
    size_t films = (size_t)neighbours->items, count = (size_t)neighbours->start[films];
    section_add(writer, part_name(name, which, "start"), SECTION_I64, neighbours->start, films + 1);
    section_add(writer, part_name(name, which, "film"), SECTION_I32, neighbours->item, count);
    section_add(writer, part_name(name, which, "weight"), SECTION_F32, neighbours->weight, count);
}

static void expect_positive(struct section_reader *reader, const char *name, const float *number,
                            size_t count)
{
    for (size_t i = 0; i < count && ok(reader); i++) {
        if (!(number[i] > 0)) {
            section_refuse(reader, name, "holds %g, expected more than 0", (double)number[i]);
        }
    }
}

static void restore_neighbours(struct section_reader *reader, const char *which, int32_t films,
                               struct neighbours *out)
{
    char name[NAME_BYTES];
    size_t count = section_count(reader, part_name(name, which, "film"), SECTION_I32);
    memset(out, 0, sizeof *out);
    out->item = section_take(reader, name, SECTION_I32, count);
    model_file_expect_below(reader, name, out->item, count, films);
    out->weight = model_file_take_f32(reader, part_name(name, which, "weight"), count);
    expect_positive(reader, name, out->weight, count);
    out->start =
        section_take(reader, part_name(name, which, "start"), SECTION_I64, (size_t)films + 1);
    model_file_expect_starts(reader, name, out->start, (size_t)films, count);
    out->items = films;
}

/* ---- what the ranker knows ---- */

static void add_films(struct section_writer *writer, const struct films *films)
{
    size_t count = (size_t)films->count;
    section_add(writer, "films", SECTION_F32, films->film, count * FILM_NUMBERS);
    section_add(writer, "films by fame", SECTION_I32, films->by_fame, count);
}

/* Every film stands once in the order. */
static void expect_order(struct section_reader *reader, const char *name, const int32_t *order,
                         int32_t films)
{
    bool *met = mem_zalloc((size_t)films + 1, sizeof *met);
    model_file_expect_below(reader, name, order, (size_t)films, films);
    for (int32_t i = 0; i < films && ok(reader); i++) {
        if (met[order[i]]) {
            section_refuse(reader, name, "holds %d twice", (int)order[i]);
        } else {
            met[order[i]] = true;
        }
    }
    mem_free(met);
}

static void restore_films(struct section_reader *reader, int32_t films, struct films *out)
{
    float *numbers = model_file_take_f32(reader, "films", (size_t)films * FILM_NUMBERS);
    memset(out, 0, sizeof *out);
    out->film = mem_array((size_t)films + 1, sizeof *out->film);
    if (ok(reader)) {
        memcpy(out->film, numbers, (size_t)films * sizeof *out->film);
    }
    mem_free(numbers);
    out->by_fame = section_take(reader, "films by fame", SECTION_I32, (size_t)films);
    out->count = films;
    expect_order(reader, "films by fame", out->by_fame, films);
}

static void add_opinions(struct section_writer *writer, const struct model *model)
{
    const struct opinions *opinions = &model->opinions;
    section_add_f64(writer, "stars mean", opinions->mean);
    section_add(writer, "stars of user", SECTION_F32, opinions->user_bias,
                (size_t)model->corpus.ratings.users);
    section_add(writer, "stars of film", SECTION_F32, opinions->item_bias,
                (size_t)model->corpus.catalogue.count);
}

static void restore_opinions(struct section_reader *reader, const struct corpus *corpus,
                             struct opinions *out)
{
    out->mean = section_f64(reader, "stars mean", 0, 10);
    out->user_bias = model_file_take_f32(reader, "stars of user", (size_t)corpus->ratings.users);
    out->item_bias = model_file_take_f32(reader, "stars of film", (size_t)corpus->catalogue.count);
}

static void restore_ranker(struct section_reader *reader, struct ranker *out)
{
    float *weight = model_file_take_f32(reader, "ranker weight", FEATURE_COUNT);
    *out = (struct ranker){.features = FEATURE_COUNT};
    if (ok(reader)) {
        memcpy(out->weight, weight, FEATURE_COUNT * sizeof *weight);
    }
    mem_free(weight);
}

static void restore_shares(struct section_reader *reader, double share[SOURCE_COUNT])
{
    double *kept = section_take(reader, "source share", SECTION_F64, SOURCE_COUNT);
    for (int s = 0; s < SOURCE_COUNT && ok(reader); s++) {
        if (!(kept[s] >= 0 && kept[s] <= 1)) {
            section_refuse(reader, "source share", "holds %g", kept[s]);
        }
        share[s] = kept[s];
    }
    mem_free(kept);
}

/* ---- all of it ---- */

enum err model_file_write(const struct model *model, const char *path, struct error *error)
{
    struct section_writer *writer = section_writer_new();
    section_add_i64(writer, "model version", model->version);
    section_add_i64(writer, "trained at", model->trained_at_s);
    section_add_f64(writer, "trained for", model->training_s);
    section_add(writer, "source share", SECTION_F64, model->source_share, SOURCE_COUNT);
    section_add(writer, "ranker weight", SECTION_F32, model->ranker.weight, FEATURE_COUNT);
    model_file_add_corpus(writer, &model->corpus);
    model_file_add_towers(writer, &model->retrieval.towers);
    model_file_add_content(writer, &model->content);
    model_file_add_trending(writer, &model->trending);
    add_neighbours(writer, "together", &model->together);
    add_neighbours(writer, "followers", &model->followers);
    add_films(writer, &model->films);
    add_opinions(writer, model);
    enum err code = section_write(writer, MODEL_FILE_VERSION, path, error);
    section_writer_free(writer);
    return code;
}

/* Parts after the corpus rely on its numbers of people and films being sound. */
static void restore(struct section_reader *reader, struct model *model)
{
    model->version = (int)section_i64(reader, "model version", 1, INT32_MAX - 1);
    model->trained_at_s = section_i64(reader, "trained at", 0, INT64_C(1) << 40);
    model->training_s = section_f64(reader, "trained for", 0, 1e9);
    restore_shares(reader, model->source_share);
    restore_ranker(reader, &model->ranker);
    model_file_restore_corpus(reader, &model->corpus);
    if (!ok(reader)) {
        return;
    }
    int32_t films = model->corpus.catalogue.count;
    model_file_restore_towers(reader, films, &model->retrieval.towers);
    model_file_restore_content(reader, films, &model->content);
    model_file_restore_trending(reader, films, &model->trending);
    restore_neighbours(reader, "together", films, &model->together);
    restore_neighbours(reader, "followers", films, &model->followers);
    restore_films(reader, films, &model->films);
    restore_opinions(reader, &model->corpus, &model->opinions);
    if (ok(reader)) {
        retrieval_arrange(&model->retrieval, model->films.by_fame);
    }
}

enum err model_file_read(const char *path, struct model **out, struct error *error)
{
    struct section_reader *reader = NULL;
    enum err code = section_open(path, MODEL_FILE_VERSION, &reader, error);
    if (code != ERR_OK) {
        return code;
    }
    struct model *model = model_new();
    restore(reader, model);
    code = section_failed(reader, error);
    section_close(reader);
    if (code != ERR_OK) {
        model_free(model);
        return code;
    }
    *out = model;
    return ERR_OK;
}
