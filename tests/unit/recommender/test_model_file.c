#include "recommender/model_file.h"

#include "base/fileio.h"
#include "model_bytes.h"
#include "recommender/recommend.h"
#include "taste_world.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

static const int64_t now_s = 1700000000;

struct kept {
    char path[64];
    struct model *model;
    struct buf file;
};

/* A model trained on the taste world with tags, and its file. */
static void make(struct kept *kept)
{
    struct error error = {0};
    struct dataset data;
    struct corpus corpus;
    struct tags_builder builder = {0};
    struct train_config config = taste_config();
    taste_data(&data, 0, now_s, 1);
    cr_assert(tags_builder_add(&builder, 3, "space", 5, 2));
    cr_assert(tags_builder_add(&builder, 5, "space", 5, 1));
    tags_builder_finish(&builder, TASTE_FILMS, &data.tags);
    corpus_take(&corpus, &data);
    dataset_deinit(&data);
    kept->model = train_model(&config, &corpus, NULL, NULL, NULL);
    kept->model->version = 41;
    kept->model->trained_at_s = now_s + 5;
    kept->model->training_s = 1.5;
    (void)snprintf(kept->path, sizeof kept->path, "/tmp/driftdrill-model-XXXXXX");
    int fd = mkstemp(kept->path);
    cr_assert(fd >= 0);
    close(fd);
    cr_assert_eq(model_file_write(kept->model, kept->path, &error), ERR_OK, "%s", error.text);
    buf_init(&kept->file, (size_t)1 << 26);
    cr_assert_eq(file_read(kept->path, &kept->file, NULL), ERR_OK);
}

static void drop(struct kept *kept)
{
    buf_deinit(&kept->file);
    unlink(kept->path);
    model_free(kept->model);
}

static void expect_same_lists(const struct model *a, const struct model *b)
{
    struct recommend_scratch *one = recommend_scratch_new(a), *other = recommend_scratch_new(b);
    const struct posted_rating posted[] = {
        {.user_id = 1, .movie_id = taste_movie_id(4), .half_stars = 9, .time_s = now_s + 10}};
    cr_assert(one != NULL && other != NULL);
    for (int32_t user_id = 1; user_id <= TASTE_USERS + 1; user_id++) {
        struct ranker_place left[10], right[10];
        size_t posts = (size_t)user_id % 2;
        int count = recommend_list(a, user_id, posted, posts, 10, one, left);
        cr_assert_eq(recommend_list(b, user_id, posted, posts, 10, other, right), count);
        for (int p = 0; p < count; p++) {
            cr_assert(left[p].item == right[p].item && left[p].score == right[p].score &&
                          left[p].source == right[p].source,
                      "person %d place %d", (int)user_id, p);
            cr_assert_eq(model_predict_stars(a, user_id, left[p].item),
                         model_predict_stars(b, user_id, left[p].item));
        }
    }
    recommend_scratch_free(one);
    recommend_scratch_free(other);
}

Test(model_file, a_model_read_back_serves_the_same_lists)
{
    struct kept kept;
    struct model *read = NULL;
    struct error error = {0};
    make(&kept);
    cr_assert_eq(model_file_read(kept.path, &read, &error), ERR_OK, "%s", error.text);
    expect_same_lists(kept.model, read);
    cr_expect_eq(read->version, 41);
    cr_expect_eq(read->trained_at_s, now_s + 5);
    cr_expect_eq(read->training_s, 1.5);
    for (int s = 0; s < SOURCE_COUNT; s++) {
        cr_expect_eq(read->source_share[s], kept.model->source_share[s]);
    }
    model_free(read);
    drop(&kept);
}

Test(model_file, the_corpus_is_kept_whole)
{
    struct kept kept;
    struct model *read = NULL;
    make(&kept);
    cr_assert_eq(model_file_read(kept.path, &read, NULL), ERR_OK);
    const struct corpus *a = &kept.model->corpus, *b = &read->corpus;
    cr_assert(b->catalogue.count == a->catalogue.count && b->ratings.users == a->ratings.users);
    cr_assert(b->ratings.count == a->ratings.count && b->ratings.items == a->ratings.items);
    size_t films = (size_t)a->catalogue.count, count = (size_t)a->ratings.count;
    cr_expect_arr_eq(b->catalogue.id, a->catalogue.id, films * sizeof *a->catalogue.id);
    cr_expect_arr_eq(b->catalogue.genres, a->catalogue.genres, films * sizeof(uint32_t));
    cr_expect_arr_eq(b->catalogue.year, a->catalogue.year, films * sizeof(int16_t));
    for (size_t i = 0; i < films; i++) {
        cr_assert_str_eq(b->catalogue.title[i], a->catalogue.title[i]);
    }
    cr_assert_eq(b->catalogue.genre_count, 2);
    cr_expect_str_eq(b->catalogue.genre_name[1], "Odd");
    cr_expect_arr_eq(b->ratings.item, a->ratings.item, count * sizeof(int32_t));
    cr_expect_arr_eq(b->ratings.half_stars, a->ratings.half_stars, count);
    cr_expect_arr_eq(b->ratings.time_s, a->ratings.time_s, count * sizeof(int64_t));
    cr_expect_eq(b->newest_s, a->newest_s);
    cr_assert_eq(b->tags.count, 2);
    cr_expect_eq(b->tags.times[b->tags.start[3]], 2);
    cr_expect_str_eq(b->tags.text[b->tags.name[b->tags.start[5]]], "space");
    model_free(read);
    drop(&kept);
}

Test(model_file, retraining_goes_on_from_a_file_as_from_the_model_itself)
{
    struct kept kept;
    struct model *read = NULL, *after[2];
    struct train_config config = taste_config();
    struct posted_rating posted = {
        .user_id = 5000, .movie_id = taste_movie_id(1), .half_stars = 8, .time_s = now_s + 60};
    make(&kept);
    cr_assert_eq(model_file_read(kept.path, &read, NULL), ERR_OK);
    const struct model *former[] = {kept.model, read};
    for (int i = 0; i < 2; i++) {
        struct corpus corpus;
        corpus_join(&corpus, &former[i]->corpus, NULL, &posted, 1);
        after[i] = train_model(&config, &corpus, former[i], NULL, NULL);
        cr_expect_eq(after[i]->version, 42);
    }
    expect_same_lists(after[0], after[1]);
    model_free(after[0]);
    model_free(after[1]);
    model_free(read);
    drop(&kept);
}

/* What reading a file of these bytes says; "" if it is accepted. */
static const char *refusal(const struct kept *kept, const unsigned char *bytes, size_t count,
                           struct error *error)
{
    struct model *read = NULL;
    *error = (struct error){0};
    cr_assert_eq(file_write(kept->path, bytes, count, NULL), ERR_OK);
    if (model_file_read(kept->path, &read, error) == ERR_OK) {
        model_free(read);
        return "";
    }
    cr_assert_eq(error->code, ERR_INPUT);
    cr_assert_null(read);
    return error->text;
}

Test(model_file, damage_anywhere_is_found)
{
    struct kept kept;
    struct error error;
    make(&kept);
    unsigned char *bytes = (unsigned char *)kept.file.data;
    size_t stride = kept.file.len / 120;
    for (size_t at = 0; at < kept.file.len; at += stride) {
        bytes[at] ^= 0x10;
        cr_assert_neq(*refusal(&kept, bytes, kept.file.len, &error), '\0', "byte %zu", at);
        bytes[at] ^= 0x10;
        cr_assert_neq(*refusal(&kept, bytes, at, &error), '\0', "cut to %zu", at);
    }
    cr_expect_str_eq(refusal(&kept, bytes, kept.file.len, &error), "");
    drop(&kept);
}

/* Index of a section's entry. */
static size_t find(const unsigned char *bytes, size_t count, const char *name)
{
    for (size_t s = 0; s < model_bytes_sections(bytes, count); s++) {
        const unsigned char *entry = bytes + SECTION_HEAD_BYTES + s * SECTION_ENTRY_BYTES;
        if (strcmp((const char *)entry, name) == 0) {
            return s;
        }
    }
    cr_assert_fail("no section '%s'", name);
    return 0;
}

/* Numbers that make no sense although every checksum is right. */
Test(model_file, senseless_numbers_are_refused_by_name)
{
    static const struct {
        const char *section;
        size_t at; /* bytes into the section */
        const char *bytes;
        size_t count;
        const char *text;
    } rows[] = {
        {"film id", 4, "\0\0\0\0", 4, "section 'film id' does not rise at 1"},
        {"film genres", 3, "\x80", 1, "section 'film genres' holds a genre that has no name"},
        {"film title", 3, "\0", 1, "section 'film title' holds more than 200 texts"},
        {"genres", 0, "\x21", 1, "section 'genres' is 33, expected 0 to 32"},
        {"genres", 0, "\x03", 1, "section 'genre name' does not hold 3 texts"},
        {"user id", 0, "\xff\xff\xff\xff", 4, "section 'user id' does not rise at 0"},
        {"user start", 8, "\xff\xff\xff\xff\xff\xff\xff\xff", 8,
         "section 'user start' does not divide 2880 entries"},
        {"rating film", 0, "\xc8\0\0\0", 4, "section 'rating film' holds 200, expected less than"},
        {"rating half stars", 7, "\x0b", 1, "section 'rating half stars' holds 11, expected 1 to"},
        {"rating time", 7, "\x80", 1, "section 'rating time' holds -"},
        {"rating time", 8, "\0\0\0\0", 4, "section 'rating time' falls inside a history"},
        {"tag name", 0, "\x05", 1, "section 'tag name' holds 5, expected less than 1"},
        {"tag times", 0, "\0", 1, "section 'tag times' holds 0"},
        {"tag text", 0, "\0", 1, "section 'tag text' holds more than 1 texts"},
        {"content dims", 0, "\x41", 1, "section 'content dims' is 65, expected 1 to 64"},
        {"content dims", 0, "\x10", 1, "section 'content vector' holds"},
        {"content vector", 0, "\0\0\xc0\x7f", 4, "section 'content vector' holds nan"},
        {"content prior", 0, "\0\0\x80\x7f", 4, "section 'content prior' holds inf"},
        {"trending weight", 0, "\0\0\x80\xbf", 4, "section 'trending weight' holds -1"},
        {"towers factors", 0, "\x09", 1, "section 'towers factors' is 9, expected a multiple"},
        {"towers item", 0, "\0\0\x80\x7f", 4, "section 'towers item' holds inf"},
        {"together film", 0, "\xff\xff\xff\xff", 4, "section 'together film' holds -1"},
        {"followers start", 0, "\x01", 1, "section 'followers start' does not divide"},
        {"films by fame", 0, "\xff\xff\xff\x7f", 4, "section 'films by fame' holds 2147483647"},
        {"stars mean", 7, "\x7f", 1, "section 'stars mean' is"},
        {"ranker weight", 0, "\0\0\xc0\x7f", 4, "section 'ranker weight' holds nan"},
        {"source share", 7, "\xbf", 1, "section 'source share' holds -"},
        {"model version", 0, "\0", 1, "section 'model version' is 0, expected 1 to"},
    };
    struct kept kept;
    struct error error;
    make(&kept);
    size_t count = kept.file.len, size;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        unsigned char *bytes = mem_alloc(count);
        memcpy(bytes, kept.file.data, count);
        size_t section = find(bytes, count, rows[i].section);
        unsigned char *numbers = model_bytes_section(bytes, count, section, &size);
        cr_assert(numbers != NULL && rows[i].at + rows[i].count <= size);
        memcpy(numbers + rows[i].at, rows[i].bytes, rows[i].count);
        model_bytes_repair(bytes, count);
        const char *text = refusal(&kept, bytes, count, &error);
        cr_expect_not_null(strstr(text, rows[i].text), "%s: got '%s', expected '%s'",
                           rows[i].section, text, rows[i].text);
        cr_expect_str_eq(error.where, kept.path);
        mem_free(bytes);
    }
    drop(&kept);
}

/* Each section in turn goes by another name, so that it is missing. */
Test(model_file, every_section_is_needed)
{
    struct kept kept;
    struct error error;
    make(&kept);
    size_t count = kept.file.len;
    unsigned char *bytes = (unsigned char *)kept.file.data;
    for (size_t s = 0; s < model_bytes_sections(bytes, count); s++) {
        unsigned char *entry = bytes + SECTION_HEAD_BYTES + s * SECTION_ENTRY_BYTES;
        unsigned char first = entry[0];
        entry[0] = '?';
        model_bytes_repair(bytes, count);
        cr_expect_not_null(strstr(refusal(&kept, bytes, count, &error), "is missing"),
                           "section %zu '%s'", s, (const char *)entry);
        entry[0] = first;
    }
    model_bytes_repair(bytes, count);
    cr_expect_str_eq(refusal(&kept, bytes, count, &error), "");
    drop(&kept);
}
