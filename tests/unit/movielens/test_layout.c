#include "files.h"
#include "movielens/layout.h"

#include "base/rng.h"

/* Two films, the second without a genre, in the spelling of each layout. */
static const char *const films_text[LAYOUT_COUNT] = {
    FILES_FILMS "7,Film 7 (1995),Children's|War\n20,\"Mis\xC3\xA9rables, Les (1998)\",\n",
    "20::Mis\xE9rables, Les (1998)::(no genres listed)\n7::Film 7 (1995)::Children's|War\n",
    "7|Film 7 (1995)|01-Jan-1995|||0|0|0|0|1|0|0|0|0|0|0|0|0|0|0|0|0|1|0\n"
    "20|Mis\xE9rables, Les (1998)|||http://example.org/|1|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0\n",
};

static const char *const ratings_text[LAYOUT_COUNT] = {
    FILES_RATINGS "1,7,4.0,978300760\r\n1,20,3,978300000\r\n12,7,1.0,20\r\n",
    "1::7::4::978300760\n1::20::3.0::978300000\n12::7::1::20\n",
    "12\t7\t1\t20\n1\t7\t4\t978300760\n1\t20\t3\t978300000",
};

static void write_layout(const struct files_folder *folder, int layout)
{
    files_write_text(folder, layout_table[layout].ratings_file, ratings_text[layout]);
    files_write_text(folder, layout_table[layout].films_file, films_text[layout]);
}

Test(layout, the_same_data_are_read_from_every_layout)
{
    struct dataset first;
    struct files_folder folder = files_folder();
    write_layout(&folder, LAYOUT_CSV);
    files_load(folder.path, &first);
    files_remove(&folder);
    cr_expect_eq(first.layout, &layout_table[LAYOUT_CSV]);
    cr_expect_str_eq(first.catalogue.title[1], "Mis\xC3\xA9rables, Les (1998)");
    cr_expect_eq(first.catalogue.genres[1], 0);
    for (int i = LAYOUT_CSV + 1; i < LAYOUT_COUNT; i++) {
        struct dataset data;
        folder = files_folder();
        write_layout(&folder, i);
        files_load(folder.path, &data);
        cr_expect_eq(data.layout, &layout_table[i]);
        cr_expect_eq(data.bad_rows, 0, "%s", layout_table[i].name);
        files_expect_same(&first, &data);
        dataset_deinit(&data);
        files_remove(&folder);
    }
    dataset_deinit(&first);
}

/* Numbers of all lengths, over several blocks of the reader, so that both parsers read some. */
Test(layout, rows_of_all_lengths_are_read_exactly)
{
    enum { ROWS = 60000 };
    for (int layout = 0; layout < LAYOUT_COUNT; layout++) {
        struct files_folder folder = files_folder();
        struct dataset data;
        const char *between = layout_table[layout].ratings_separator;
        struct buf text;
        buf_init(&text, 8 * 1024 * 1024);
        cr_assert(buf_text(&text, layout == LAYOUT_CSV ? FILES_RATINGS : ""));
        for (uint32_t i = 0; i < ROWS; i++) {
            uint32_t time_s = (uint32_t)(rng_mix(4, i) >> (32 + i % 32));
            /* Ids rise by at least one, from 1 digit to 10. */
            uint32_t user = 1 + i + (i > ROWS / 2 ? (i - ROWS / 2) * 71000 : 0);
            unsigned half_stars = 1 + i % 10;
            cr_assert(buf_printf(&text, "%u%s7%s%u.%c%s%u%s\n", user, between, between,
                                 half_stars / 2, half_stars % 2 ? '5' : '0', between, time_s,
                                 i % 3 == 0 ? "\r" : ""));
        }
        files_write(&folder, layout_table[layout].ratings_file, text.data, text.len);
        files_write_text(&folder, layout_table[layout].films_file, films_text[layout]);
        buf_deinit(&text);
        files_load(folder.path, &data);
        cr_assert_eq(data.ratings.users, ROWS, "%s", layout_table[layout].name);
        cr_assert_eq(data.bad_rows, 0);
        for (uint32_t i = 0; i < ROWS; i++) {
            cr_assert_eq(data.ratings.time_s[i], (uint32_t)(rng_mix(4, i) >> (32 + i % 32)));
            cr_assert_eq(data.ratings.half_stars[i], 1 + i % 10);
            cr_assert_eq(data.ratings.user_id[i],
                         1 + (int64_t)i + (i > ROWS / 2 ? (i - ROWS / 2) * INT64_C(71000) : 0));
        }
        dataset_deinit(&data);
        files_remove(&folder);
    }
}

Test(layout, text_becomes_utf8)
{
    static const struct {
        const char *name, *text, *expected;
    } rows[] = {
        {"ASCII", "Film (1995)", "Film (1995)"},
        {"one accent", "Mis\xE9rables", "Mis\xC3\xA9rables"},
        {"first and last byte", "\xC0 \xFF", "\xC3\x80 \xC3\xBF"},
        {"a sign of the C1 block's neighbour", "\xA0", "\xC2\xA0"},
        {"already UTF-8", "Mis\xC3\xA9rables", "Mis\xC3\xA9rables"},
        {"a replacement character", "Mis\xEF\xBF\xBDrables", "Mis\xEF\xBF\xBDrables"},
        {"four bytes", "\xF0\x9F\x8E\xAC", "\xF0\x9F\x8E\xAC"},
        {"cut character", "\xC3", "\xC3\x83"},
        {"overlong slash", "\xC0\xAF", "\xC3\x80\xC2\xAF"},
        {"overlong in three", "\xE0\x80\xAF", "\xC3\xA0\xC2\x80\xC2\xAF"},
        {"surrogate", "\xED\xA0\x80", "\xC3\xAD\xC2\xA0\xC2\x80"},
        {"beyond the last character", "\xF4\x90\x80\x80", "\xC3\xB4\xC2\x90\xC2\x80\xC2\x80"},
        {"nothing", "", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char out[64];
        size_t len = layout_to_utf8(rows[i].text, strlen(rows[i].text), out);
        cr_assert_leq(len, 2 * strlen(rows[i].text), "%s", rows[i].name);
        out[len] = '\0';
        cr_expect_str_eq(out, rows[i].expected, "%s", rows[i].name);
    }
}

Test(layout, the_first_layout_with_both_files_is_taken)
{
    struct files_folder folder = files_folder();
    cr_expect_null(layout_find(folder.path));
    files_write_text(&folder, "movies.csv", "");
    cr_expect_eq(layout_find(folder.path), &layout_table[LAYOUT_CSV]);
    files_write_text(&folder, "u.data", "");
    cr_expect_eq(layout_find(folder.path), &layout_table[LAYOUT_U_DATA], "ratings before films");
    files_write_text(&folder, "u.item", "");
    files_write_text(&folder, "ratings.dat", "");
    cr_expect_eq(layout_find(folder.path), &layout_table[LAYOUT_U_DATA], "both before one");
    files_write_text(&folder, "movies.dat", "");
    cr_expect_eq(layout_find(folder.path), &layout_table[LAYOUT_DAT]);
    files_write_text(&folder, "ratings.csv", "");
    cr_expect_eq(layout_find(folder.path), &layout_table[LAYOUT_CSV]);
    files_remove(&folder);
}

Test(layout, data_of_every_layout_are_found)
{
    for (int i = 0; i < LAYOUT_COUNT; i++) {
        struct files_folder folder = files_folder();
        char out[PATH_MAX] = "";
        bool found = false;
        files_write_text(&folder, layout_table[i].films_file, films_text[i]);
        struct error error = {0};
        cr_expect_eq(dataset_find(folder.path, NULL, out, sizeof out, &found, &error), ERR_INPUT,
                     "films alone are no data");
        write_layout(&folder, i);
        cr_expect_eq(dataset_find(folder.path, NULL, out, sizeof out, &found, NULL), ERR_OK);
        cr_expect(found, "%s", layout_table[i].name);
        files_remove(&folder);
    }
}
