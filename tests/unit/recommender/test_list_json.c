#include "recommender/list_json.h"

#include "base/mem.h"
#include "recommender/recommend.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <math.h>

static struct model *films(const int32_t *ids, int32_t count)
{
    struct model *model = model_new();
    model->corpus.catalogue.count = count;
    model->corpus.catalogue.id = mem_zalloc((size_t)count, sizeof(int32_t));
    for (int32_t i = 0; i < count; i++) {
        model->corpus.catalogue.id[i] = ids[i];
    }
    return model;
}

Test(list_json, is_spelled_as_documented)
{
    static const int32_t ids[] = {2, 2147483647};
    struct model *model = films(ids, 2);
    const struct ranker_place places[] = {{1, 1.18768f, SOURCE_SIMILAR},
                                          {0, -0.00004f, SOURCE_BASE}};
    struct buf out;
    buf_init(&out, 1024);
    list_json_write(&out, model, 42, "0123456789abcdef", places, 2);
    cr_expect_str_eq(out.data,
                     "{\"user_id\":42,\"request_id\":\"0123456789abcdef\",\"recommendations\":["
                     "{\"movie_id\":2147483647,\"rank\":1,\"score\":1.1877,"
                     "\"recommender\":\"similar\"},"
                     "{\"movie_id\":2,\"rank\":2,\"score\":0.0000,\"recommender\":\"base\"}]}");
    buf_reset(&out);
    list_json_write(&out, model, 0, "0123456789abcdef", places, 0);
    cr_expect_str_eq(out.data, "{\"user_id\":0,\"request_id\":\"0123456789abcdef\","
                               "\"recommendations\":[]}");
    buf_deinit(&out);
    model_free(model);
}

/* jansson is the judge: numbers of every size, and the longest list. */
Test(list_json, every_list_is_valid_json_with_the_numbers_given)
{
    static const float scores[] = {0,     1,      0.5f, -0.25f,   0.00005f, 123456.789f,
                                   -1e9f, 1e-30f, 9e8f, 3.14159f, -0.9999f};
    int32_t ids[RECOMMEND_LENGTH_MAX];
    struct ranker_place places[RECOMMEND_LENGTH_MAX];
    for (int32_t i = 0; i < RECOMMEND_LENGTH_MAX; i++) {
        ids[i] = (int32_t)((uint32_t)2654435761u * (uint32_t)(i + 1) >> (1 + i % 30));
        places[i] = (struct ranker_place){i, scores[(size_t)i % (sizeof scores / sizeof scores[0])],
                                          (enum source)(i % 3)};
    }
    struct model *model = films(ids, RECOMMEND_LENGTH_MAX);
    struct buf out;
    buf_init(&out, 16384);
    list_json_write(&out, model, 2147483647, "0123456789abcdef", places, RECOMMEND_LENGTH_MAX);
    json_t *json = json_loadb(out.data, out.len, 0, NULL);
    const json_t *list = json_object_get(json, "recommendations");
    cr_assert(json_array_size(list) == RECOMMEND_LENGTH_MAX);
    cr_expect(json_integer_value(json_object_get(json, "user_id")) == 2147483647);
    for (size_t i = 0; i < RECOMMEND_LENGTH_MAX; i++) {
        const json_t *place = json_array_get(list, i);
        double score = json_number_value(json_object_get(place, "score"));
        cr_expect(json_integer_value(json_object_get(place, "movie_id")) == ids[i]);
        cr_expect(json_integer_value(json_object_get(place, "rank")) == (json_int_t)i + 1);
        cr_expect(fabs(score - (double)places[i].score) <= 0.5001e-4, "%g as %g",
                  (double)places[i].score, score);
        cr_expect_str_eq(json_string_value(json_object_get(place, "recommender")),
                         source_name(places[i].source));
    }
    json_decref(json);
    buf_deinit(&out);
    model_free(model);
}

Test(list_json, numbers_that_json_cannot_spell_are_bounded)
{
    static const int32_t ids[] = {7};
    struct model *model = films(ids, 1);
    const struct ranker_place places[] = {
        {0, INFINITY, SOURCE_BASE}, {0, -INFINITY, SOURCE_BASE}, {0, NAN, SOURCE_BASE}};
    static const double wanted[] = {1e9, -1e9, 0};
    struct buf out;
    buf_init(&out, 1024);
    list_json_write(&out, model, 1, "0123456789abcdef", places, 3);
    json_t *json = json_loadb(out.data, out.len, 0, NULL);
    cr_assert(json != NULL);
    for (size_t i = 0; i < 3; i++) {
        const json_t *place = json_array_get(json_object_get(json, "recommendations"), i);
        cr_expect(json_number_value(json_object_get(place, "score")) == wanted[i]);
    }
    json_decref(json);
    buf_deinit(&out);
    buf_init(&out, 40);
    list_json_write(&out, model, 1, "0123456789abcdef", places, 3);
    cr_expect(out.failed && out.len == 0, "what does not fit is left out whole");
    buf_deinit(&out);
    model_free(model);
}
