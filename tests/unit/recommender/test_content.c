#include "recommender/content.h"

#include "base/mem.h"
#include "recommender/content_words.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { FILMS = 240, SPACE = 6, WEST = 7 };

static const struct parallel one = {1}, three = {3};

/*
 * Films of two kinds by turns: even ones "Space" science fiction of the nineties, odd ones "West"
 * westerns of the sixties. Film 6 and 8 are a film and its sequel; 10 and 11 are tagged alike.
 */
static void world(struct corpus *out)
{
    struct catalogue *films = &out->catalogue;
    memset(out, 0, sizeof *out);
    films->count = FILMS;
    films->id = mem_zalloc(FILMS, sizeof *films->id);
    films->genres = mem_zalloc(FILMS, sizeof *films->genres);
    films->year = mem_zalloc(FILMS, sizeof *films->year);
    films->title = mem_zalloc(FILMS, sizeof *films->title);
    films->title_bytes = mem_zalloc(FILMS, 64);
    films->genre_count = 3;
    films->genre_name[0] = mem_text("Sci-Fi");
    films->genre_name[1] = mem_text("Western");
    films->genre_name[2] = mem_text("Drama");
    for (int32_t i = 0; i < FILMS; i++) {
        char *title = films->title_bytes + (size_t)i * 64;
        films->id[i] = 5 * i + 3;
        films->year[i] = (int16_t)(i % 2 == 0 ? 1990 + i % 9 : 1960 + i % 9);
        films->genres[i] = (i % 2 == 0 ? 1U : 2U) | (i % 3 == 0 ? 4U : 0U);
        (void)snprintf(title, 64, "%s Number%d, The (%d)", i % 2 == 0 ? "Space" : "West",
                       i == 8 ? 6 : i, films->year[i]);
        films->title[i] = title;
    }
    out->ratings = (struct ratings){.users = 1,
                                    .items = FILMS,
                                    .count = FILMS,
                                    .user_id = mem_zalloc(1, sizeof(int32_t)),
                                    .start = mem_zalloc(2, sizeof(int64_t)),
                                    .item = mem_zalloc(FILMS, sizeof(int32_t)),
                                    .half_stars = mem_zalloc(FILMS, 1),
                                    .time_s = mem_zalloc(FILMS, sizeof(int64_t))};
    out->ratings.start[1] = FILMS;
    for (int32_t i = 0; i < FILMS; i++) {
        out->ratings.item[i] = i;
        out->ratings.half_stars[i] = 8;
        out->ratings.time_s[i] = 1000;
    }
    out->newest_s = 1000;
}

static float cosine(const float *vector, int dims, int32_t a, int32_t b)
{
    float sum = 0;
    for (int c = 0; c < dims; c++) {
        sum += vector[(size_t)a * (size_t)dims + (size_t)c] *
               vector[(size_t)b * (size_t)dims + (size_t)c];
    }
    return sum;
}

Test(content, films_of_a_kind_have_a_larger_cosine)
{
    struct corpus corpus;
    world(&corpus);
    float *vector = mem_array(FILMS * CONTENT_WORDS_DIMS, sizeof *vector);
    content_words(&corpus.catalogue, &corpus.tags, &one, vector);
    int wrong = 0;
    for (int32_t i = 0; i < FILMS; i++) {
        cr_assert_float_eq(cosine(vector, CONTENT_WORDS_DIMS, i, i), 1, 1e-5, "film %d", (int)i);
        float alike = cosine(vector, CONTENT_WORDS_DIMS, i, (i + 2) % FILMS);
        float unlike = cosine(vector, CONTENT_WORDS_DIMS, i, (i + 1) % FILMS);
        wrong += alike <= unlike;
    }
    cr_expect_eq(wrong, 0);
    cr_expect_gt(cosine(vector, CONTENT_WORDS_DIMS, 6, 8),
                 cosine(vector, CONTENT_WORDS_DIMS, 6, 10),
                 "a word that only a film and its sequel share counts");
    mem_free(vector);
    corpus_deinit(&corpus);
}

Test(content, tags_in_common_draw_films_together)
{
    struct corpus corpus;
    struct tags_builder builder = {0};
    world(&corpus);
    float *without = mem_array(FILMS * CONTENT_WORDS_DIMS, sizeof *without);
    float *with = mem_array(FILMS * CONTENT_WORDS_DIMS, sizeof *with);
    content_words(&corpus.catalogue, &corpus.tags, &one, without);
    cr_assert(tags_builder_add(&builder, 10, "slow", 4, 3));
    cr_assert(tags_builder_add(&builder, 11, "slow", 4, 1));
    cr_assert(tags_builder_add(&builder, 12, "alone", 5, 1));
    tags_builder_finish(&builder, FILMS, &corpus.tags);
    content_words(&corpus.catalogue, &corpus.tags, &one, with);
    cr_expect_gt(cosine(with, CONTENT_WORDS_DIMS, 10, 11),
                 cosine(without, CONTENT_WORDS_DIMS, 10, 11) + 0.1F);
    mem_free(without);
    mem_free(with);
    corpus_deinit(&corpus);
}

Test(content, vectors_do_not_depend_on_threads)
{
    struct corpus corpus;
    struct content a, b;
    world(&corpus);
    content_train(&a, &corpus, NULL, 0, &one);
    content_train(&b, &corpus, NULL, 0, &three);
    cr_expect_arr_eq(a.vector, b.vector, FILMS * CONTENT_WORDS_DIMS * sizeof(float));
    content_deinit(&a);
    content_deinit(&b);
    corpus_deinit(&corpus);
}

Test(content, a_film_of_which_nothing_is_known_is_counted_and_never_proposed)
{
    struct corpus corpus;
    struct content content;
    struct content_taste taste;
    struct candidate out[FILMS];
    uint64_t seen[FILMS / 64 + 1] = {0};
    world(&corpus);
    corpus.catalogue.genres[4] = 0;
    corpus.catalogue.year[4] = 0;
    corpus.catalogue.title[4] = "!?";
    content_train(&content, &corpus, NULL, 0, &one);
    cr_expect_eq(content.without, 1);
    const struct event liked[] = {{.item = 2, .half_stars = 9}};
    content_taste(&content, liked, 1, &taste);
    int count = content_candidates(&content, &taste, seen, FILMS, out);
    cr_expect_gt(count, FILMS / 2 - 10);
    for (int i = 0; i < count; i++) {
        cr_assert_neq(out[i].item, 4);
    }
    const struct event unknown[] = {{.item = 4, .half_stars = 10}};
    content_taste(&content, unknown, 1, &taste);
    cr_expect_not(taste.known);
    cr_expect_eq(content_score(&content, &taste, 2), 0);
    cr_expect_eq(content_candidates(&content, &taste, seen, FILMS, out), 0);
    content_deinit(&content);
    corpus_deinit(&corpus);
}

Test(content, candidates_resemble_what_was_rated_well_lately)
{
    struct corpus corpus;
    struct content content;
    struct content_taste taste;
    struct candidate out[10];
    uint64_t seen[FILMS / 64 + 1] = {0};
    world(&corpus);
    content_train(&content, &corpus, NULL, 0, &one);
    struct event history[20];
    for (int i = 0; i < 20; i++) { /* westerns hated, and ten each of both kinds, space first */
        history[i] = (struct event){.item = i < 10 ? 2 * i : 2 * i + 1, .half_stars = 8};
        seen_mark(seen, history[i].item);
    }
    content_taste(&content, history, 20, &taste);
    cr_assert(taste.known);
    int count = content_candidates(&content, &taste, seen, 10, out);
    cr_assert_eq(count, 10);
    for (int i = 0; i < count; i++) {
        cr_expect_eq(out[i].item % 2, WEST % 2, "the late westerns weigh more");
        cr_expect_not(seen_has(seen, out[i].item));
        cr_expect(i == 0 || out[i - 1].score >= out[i].score);
        /* Candidates are scored from shortened numbers (tiles.h). */
        float score = content_score(&content, &taste, out[i].item);
        cr_expect_float_eq(out[i].score, score, 0.01F * (score + 0.1F));
    }
    for (int i = 10; i < 20; i++) {
        history[i].half_stars = 4;
    }
    content_taste(&content, history, 20, &taste);
    cr_assert_eq(content_candidates(&content, &taste, seen, 10, out), 10);
    cr_expect_eq(out[0].item % 2, SPACE % 2, "what was rated badly is no taste");
    content_deinit(&content);
    corpus_deinit(&corpus);
}

Test(content, of_equal_films_the_one_worth_more_comes_first)
{
    struct corpus corpus;
    struct content content;
    struct content_taste taste;
    struct candidate out[1];
    uint64_t seen[FILMS / 64 + 1] = {0};
    world(&corpus);
    corpus.catalogue.title[20] = corpus.catalogue.title[38]; /* the same year, genres and words */
    corpus.ratings.half_stars[20] = 1;
    content_train(&content, &corpus, NULL, 0, &one);
    cr_assert_float_eq(cosine(content.vector, content.dims, 20, 38), 1, 1e-4);
    cr_expect_gt(content.prior[38], content.prior[20]);
    const struct event liked[] = {{.item = 20, .half_stars = 9}};
    content_taste(&content, liked, 1, &taste);
    cr_assert_eq(content_candidates(&content, &taste, seen, 1, out), 1);
    cr_expect_eq(out[0].item, 38);
    content_deinit(&content);
    corpus_deinit(&corpus);
}

Test(content, given_vectors_replace_the_built_in_ones)
{
    struct corpus corpus;
    struct content content;
    struct content_taste taste;
    struct candidate out[FILMS];
    uint64_t seen[FILMS / 64 + 1] = {0};
    int32_t id[] = {8, 13, 18, 9999}; /* films 1, 2, 3 and one unknown */
    float vector[] = {1, 0, 0.6F, 0.8F, 0, 1, 1, 0};
    struct embeddings given = {.count = 4, .dims = 2, .id = id, .vector = vector};
    world(&corpus);
    content_train(&content, &corpus, &given, 0, &one);
    cr_expect_eq(content.dims, 2);
    cr_expect_eq(content.without, FILMS - 3);
    const struct event liked[] = {{.item = 1, .half_stars = 9}};
    seen_mark(seen, 1);
    content_taste(&content, liked, 1, &taste);
    cr_assert_eq(content_candidates(&content, &taste, seen, FILMS, out), 1);
    cr_expect_eq(out[0].item, 2);
    cr_expect_float_eq(out[0].score, 0.6F * content.prior[2], 0.005F);
    content_deinit(&content);
    corpus_deinit(&corpus);
}
