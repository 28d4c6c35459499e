#include "files.h"
#include "movielens/tags.h"

/* The tags of a film as "name*times name*times". */
static const char *film_tags(const struct tags *tags, int32_t film, char *out, size_t size)
{
    int used = 0;
    out[0] = '\0';
    for (int64_t i = tags->start[film]; i < tags->start[film + 1]; i++) {
        used += snprintf(out + used, size - (size_t)used, "%s%s*%d", used > 0 ? "|" : "",
                         tags->text[tags->name[i]], tags->times[i]);
    }
    return out;
}

static void add(struct tags_builder *builder, int32_t film, const char *text, int32_t times)
{
    cr_assert(tags_builder_add(builder, film, text, strlen(text), times), "'%s'", text);
}

Test(tags, each_film_has_its_tags_once_in_lower_case_with_counts)
{
    struct tags_builder builder = {0};
    struct tags tags;
    char text[100];
    add(&builder, 3, "Space ", 1);
    add(&builder, 1, "robots", 2);
    add(&builder, 3, " SPACE", 1);
    add(&builder, 3, "a long way", 1);
    cr_expect_not(tags_builder_add(&builder, 3, " \t ", 3, 1), "blanks are no tag");
    tags_builder_finish(&builder, 5, &tags);
    cr_expect_eq(tags.count, 3);
    cr_expect_eq(tags.names, 3);
    cr_expect_str_eq(film_tags(&tags, 0, text, sizeof text), "");
    cr_expect_str_eq(film_tags(&tags, 1, text, sizeof text), "robots*2");
    cr_expect_str_eq(film_tags(&tags, 2, text, sizeof text), "");
    cr_expect_str_eq(film_tags(&tags, 3, text, sizeof text), "a long way*1|space*2");
    cr_expect_str_eq(film_tags(&tags, 4, text, sizeof text), "");
    tags_deinit(&tags);
}

Test(tags, nothing_added_yields_none)
{
    struct tags_builder builder = {0};
    struct tags tags;
    tags_builder_finish(&builder, 5, &tags);
    cr_expect_eq(tags.count, 0);
    cr_expect_null(tags.start);
    tags_builder_add_all(&builder, &tags, NULL);
    cr_expect_eq(builder.count, 0);
    tags_deinit(&tags);
}

Test(tags, joined_tags_follow_their_films_and_counts_add_up_or_the_largest_stays)
{
    static const int32_t map[] = {2, -1, 0};
    for (int largest = 0; largest < 2; largest++) {
        struct tags_builder builder = {0};
        struct tags one, joined;
        char text[100];
        add(&builder, 0, "space", 3);
        add(&builder, 1, "lost", 1);
        add(&builder, 2, "kept", 1);
        tags_builder_finish(&builder, 3, &one);
        builder.largest = largest != 0;
        add(&builder, 2, "space", 2);
        tags_builder_add_all(&builder, &one, map);
        tags_builder_finish(&builder, 3, &joined);
        cr_expect_str_eq(film_tags(&joined, 0, text, sizeof text), "kept*1");
        cr_expect_str_eq(film_tags(&joined, 2, text, sizeof text),
                         largest != 0 ? "space*3" : "space*5");
        cr_expect_eq(joined.names, 2);
        tags_deinit(&joined);
        tags_deinit(&one);
    }
}

Test(tags, a_folder_may_have_a_tags_file_or_not)
{
    struct files_folder folder = files_folder();
    struct dataset data;
    char text[100];
    files_write_text(&folder, "movies.csv",
                     FILES_FILMS "10,Film 10 (1999),Drama\n20,Film 20 (2001),Comedy\n");
    files_write_text(&folder, "ratings.csv", FILES_RATINGS "1,10,4.0,100\n");
    files_load(folder.path, &data);
    cr_expect_eq(data.tags.count, 0);
    uint64_t fingerprint = data.fingerprint;
    dataset_deinit(&data);
    files_write_text(&folder, "tags.csv",
                     TAGS_HEADER "\r\n1,20,\"dark, really\",100\r\n2,20,Will Ferrell,5\r\n");
    files_load(folder.path, &data);
    cr_expect_eq(data.bad_rows, 0);
    cr_expect_eq(data.tags.films, 2);
    cr_expect_str_eq(film_tags(&data.tags, 1, text, sizeof text), "dark, really*1|will ferrell*1");
    cr_expect_eq(data.fingerprint, fingerprint, "tags are no part of the data's identity");
    dataset_deinit(&data);
    files_remove(&folder);
}

Test(tags, strict_reading_stops_at_a_bad_tag)
{
    struct files_folder folder = files_folder();
    struct dataset_options options = {.strict = true};
    struct dataset data;
    struct error error = {0};
    files_write_text(&folder, "movies.csv", FILES_FILMS "10,Film 10 (1999),Drama\n");
    files_write_text(&folder, "ratings.csv", FILES_RATINGS "1,10,4.0,100\n");
    files_write_text(&folder, "tags.csv", TAGS_HEADER "\n1,10,good,100\n1,10,,100\n");
    cr_expect_eq(dataset_load(folder.path, &options, &data, NULL, &error), ERR_INPUT);
    cr_expect_eq(error.line, 3);
    cr_expect_str_eq(error.text, "the tag is empty");
    files_remove(&folder);
}

Test(tags, ml_latest_small_has_its_published_tags)
{
    const char *folder = getenv("MOVIELENS_DIR");
    if (folder == NULL) {
        cr_log_info("MOVIELENS_DIR is not set, nothing judged");
        return;
    }
    struct dataset data;
    int32_t tagged = 0;
    int64_t times = 0;
    files_load(folder, &data);
    if (data.catalogue.count != 9742) {
        cr_log_info("MOVIELENS_DIR is not ml-latest-small, nothing judged");
        dataset_deinit(&data);
        return;
    }
    for (int32_t i = 0; i < data.tags.films; i++) {
        tagged += data.tags.start[i + 1] > data.tags.start[i];
    }
    for (int64_t i = 0; i < data.tags.count; i++) {
        times += data.tags.times[i];
    }
    cr_expect_eq(data.bad_rows, 0);
    cr_expect_eq(times, 3683);
    cr_expect_eq(tagged, 1572);
    cr_expect_eq(data.tags.names, 1475);
    dataset_deinit(&data);
}
