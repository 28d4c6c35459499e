#include "base/mem.h"
#include "recommender/model_file_int.h"

#include <math.h>
#include <string.h>

#define NUMBER_MAX 1e6F /* of any embedding, weight or bias; keeps their products finite */

float *model_file_take_f32(struct section_reader *reader, const char *name, size_t count)
{
    float *number = section_take(reader, name, SECTION_F32, count);
    for (size_t i = 0; i < count && section_failed(reader, NULL) == ERR_OK; i++) {
        if (!(fabsf(number[i]) <= NUMBER_MAX)) {
            section_refuse(reader, name, "holds %g", (double)number[i]);
        }
    }
    return number;
}

void model_file_add_content(struct section_writer *writer, const struct content *content)
{
    size_t films = (size_t)content->films;
    section_add_i64(writer, "content dims", content->dims);
    section_add(writer, "content vector", SECTION_F32, content->vector,
                films * (size_t)content->dims);
    section_add(writer, "content prior", SECTION_F32, content->prior, films);
}

void model_file_restore_content(struct section_reader *reader, int32_t films, struct content *out)
{
    size_t count = (size_t)films;
    memset(out, 0, sizeof *out);
    int dims = (int)section_i64(reader, "content dims", 1, CONTENT_DIMS_MAX);
    out->vector = model_file_take_f32(reader, "content vector", count * (size_t)dims);
    out->prior = model_file_take_f32(reader, "content prior", count);
    if (section_failed(reader, NULL) == ERR_OK) {
        out->films = films;
        out->dims = dims;
        content_arrange(out);
    }
}

void model_file_add_trending(struct section_writer *writer, const struct trending *trending)
{
    section_add(writer, "trending weight", SECTION_F32, trending->weight, (size_t)trending->films);
}

void model_file_restore_trending(struct section_reader *reader, int32_t films, struct trending *out)
{
    memset(out, 0, sizeof *out);
    out->weight = section_take(reader, "trending weight", SECTION_F32, (size_t)films);
    for (int32_t i = 0; i < films && section_failed(reader, NULL) == ERR_OK; i++) {
        if (!(out->weight[i] >= 0 && isfinite(out->weight[i]))) {
            section_refuse(reader, "trending weight", "holds %g", (double)out->weight[i]);
        }
    }
    if (section_failed(reader, NULL) == ERR_OK) {
        out->films = films;
        trending_arrange(out);
    }
}

void model_file_add_towers(struct section_writer *writer, const struct towers *towers)
{
    size_t films = (size_t)towers->films;
    section_add_i64(writer, "towers factors", towers->factors);
    section_add(writer, "towers item", SECTION_F32, towers->item,
                films * (size_t)towers->components);
    section_add(writer, "towers slow", SECTION_F32, towers->slow, films * (size_t)towers->factors);
    section_add(writer, "towers fast", SECTION_F32, towers->fast, films * (size_t)towers->factors);
    section_add_f64(writer, "towers half-life", towers->half_life_s);
    section_add_f64(writer, "towers slow floor", towers->slow_floor);
    section_add_f64(writer, "towers slow offset", towers->slow_offset);
    section_add_f64(writer, "towers slow power", towers->slow_power);
    section_add_f64(writer, "towers fast decay", towers->fast_decay);
}

void model_file_restore_towers(struct section_reader *reader, int32_t films, struct towers *out)
{
    size_t count = (size_t)films;
    memset(out, 0, sizeof *out);
    out->factors = (int)section_i64(reader, "towers factors", 8, TOWERS_FACTORS_MAX);
    if (out->factors % 8 != 0) {
        section_refuse(reader, "towers factors", "is %d, expected a multiple of 8", out->factors);
    }
    out->components = out->factors + 1;
    out->films = films;
    out->item = model_file_take_f32(reader, "towers item", count * (size_t)out->components);
    out->slow = model_file_take_f32(reader, "towers slow", count * (size_t)out->factors);
    out->fast = model_file_take_f32(reader, "towers fast", count * (size_t)out->factors);
    out->half_life_s = section_f64(reader, "towers half-life", 0, 1e12);
    out->slow_floor = section_f64(reader, "towers slow floor", 0, 1);
    out->slow_offset = section_f64(reader, "towers slow offset", 0, 1e9);
    out->slow_power = section_f64(reader, "towers slow power", 0, 10);
    out->fast_decay = section_f64(reader, "towers fast decay", 0, 1);
}
