#include "files.h"
#include "movielens/csv.h"

struct split_row {
    const char *name, *line;
    int count; /* -1: a fault */
    const char *first, *last;
};

Test(csv, a_line_is_split_by_the_rules_of_rfc_4180)
{
    static const struct split_row rows[] = {
        {"plain", "1,two,3", 3, "1", "3"},
        {"one field", "alone", 1, "alone", "alone"},
        {"quoted comma", "1,\"a, b\"", 2, "1", "a, b"},
        {"doubled quotes", "\"11'09\"\"01 - September\",x", 2, "11'09\"01 - September", "x"},
        {"only doubled quotes", "\"\"\"\"", 1, "\"", "\""},
        {"starts with a quoted word", "\"\"\"Great\"\" Cats (1998)\",x", 2, "\"Great\" Cats (1998)",
         "x"},
        {"empty fields", ",,", 3, "", ""},
        {"empty quoted field", "\"\",x", 2, "", "x"},
        {"a quote inside an unquoted field stays", "a\"b,c", 2, "a\"b", "c"},
        {"quote not closed", "1,\"abc", -1, "", ""},
        {"ends inside a doubled quote", "\"abc\"\"", -1, "", ""},
        {"text behind a quote", "\"abc\"d,e", -1, "", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[64];
        struct csv_field field[3];
        const char *fault = NULL;
        cr_assert(text_copy(text, sizeof text, rows[i].line));
        struct csv_line line = {.text = text, .len = strlen(text)};
        int count = csv_split(&line, field, 3, &fault);
        cr_expect_eq(count, rows[i].count, "%s: %d fields", rows[i].name, count);
        if (count < 0) {
            cr_expect_not_null(fault, "%s", rows[i].name);
        } else {
            cr_expect(csv_field_is(&field[0], rows[i].first), "%s: first field", rows[i].name);
            cr_expect(csv_field_is(&field[count - 1], rows[i].last), "%s: last field",
                      rows[i].name);
        }
    }
}

Test(csv, fields_beyond_the_room_are_counted)
{
    char text[] = "1,2,3,4,5";
    struct csv_line line = {.text = text, .len = strlen(text)};
    struct csv_field field[2];
    const char *fault = NULL;
    cr_expect_eq(csv_split(&line, field, 2, &fault), 5);
    cr_expect(csv_field_is(&field[1], "2"));
}

Test(csv, numbers_are_digits_within_a_bound)
{
    static const struct {
        const char *text;
        bool good;
        uint64_t value;
    } rows[] = {
        {"0", true, 0},     {"100", true, 100}, {"0100", true, 100},
        {"101", false, 0},  {"", false, 0},     {"-1", false, 0},
        {"+1", false, 0},   {" 1", false, 0},   {"1 ", false, 0},
        {"1.0", false, 0},  {"1e1", false, 0},  {"18446744073709551617", false, 0},
        {"0x10", false, 0}, {"9/", false, 0},   {"00000000000000000000001", false, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct csv_field field = {.text = rows[i].text, .len = strlen(rows[i].text)};
        uint64_t value = 0;
        cr_expect_eq(csv_field_number(&field, 100, &value), rows[i].good, "'%s'", rows[i].text);
        cr_expect_eq(value, rows[i].value, "'%s'", rows[i].text);
    }
}

Test(csv, line_ends_and_byte_order_mark_are_not_content)
{
    static const char text[] = "\xEF\xBB\xBF"
                               "first\r\n\r\n\nsecond\nthird\r";
    struct files_folder folder = files_folder();
    char path[PATH_MAX];
    struct csv csv;
    struct csv_line line;
    static const struct {
        const char *text;
        int64_t number;
    } expected[] = {{"first", 1}, {"second", 4}, {"third", 5}};
    files_write(&folder, "x.csv", text, sizeof text - 1);
    cr_assert(text_join_path(path, sizeof path, folder.path, "x.csv"));
    cr_assert_eq(csv_open(&csv, path, NULL), ERR_OK);
    for (size_t i = 0; i < 3; i++) {
        cr_assert(csv_next(&csv, &line));
        struct csv_field whole = {.text = line.text, .len = line.len};
        cr_expect(csv_field_is(&whole, expected[i].text), "line %zu", i);
        cr_expect_eq(line.number, expected[i].number);
    }
    cr_expect_not(csv_next(&csv, &line));
    cr_expect_eq(csv_close(&csv, NULL), ERR_OK);
    files_remove(&folder);
}

/* Lines of all lengths around the sizes of block and limit, so that every way of lying across a
 * block's edge occurs. */
Test(csv, lines_across_block_edges_are_whole_and_overlong_ones_are_told)
{
    static const size_t lengths[] = {1,      65535, 65536,  65537, 3,     262143, 262144, 262145,
                                     600000, 5,     196607, 65536, 65536, 65536,  65536,  7};
    struct files_folder folder = files_folder();
    char path[PATH_MAX];
    struct csv csv;
    struct csv_line line;
    struct buf text;
    buf_init(&text, 8 * 1024 * 1024);
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        for (size_t k = 0; k < lengths[i]; k++) {
            char c = (char)('a' + (i + k) % 26);
            cr_assert(buf_add(&text, &c, 1));
        }
        cr_assert(buf_text(&text, "\n"));
    }
    files_write(&folder, "x.csv", text.data, text.len);
    buf_deinit(&text);
    cr_assert(text_join_path(path, sizeof path, folder.path, "x.csv"));
    cr_assert_eq(csv_open(&csv, path, NULL), ERR_OK);
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        cr_assert(csv_next(&csv, &line), "line %zu", i);
        cr_expect_eq(line.number, (int64_t)i + 1);
        cr_expect_eq(line.overlong, lengths[i] > CSV_LINE_MAX_BYTES, "line %zu", i);
        if (!line.overlong) {
            cr_assert_eq(line.len, lengths[i], "line %zu has %zu bytes", i, line.len);
            for (size_t k = 0; k < line.len; k++) {
                cr_assert_eq(line.text[k], (char)('a' + (i + k) % 26), "line %zu byte %zu", i, k);
            }
        }
    }
    cr_expect_not(csv_next(&csv, &line));
    cr_expect_eq(csv_close(&csv, NULL), ERR_OK);
    files_remove(&folder);
}

Test(csv, an_excerpt_is_printable_and_says_that_it_is_cut)
{
    char out[8];
    struct csv_field bytes = {.text = "a\x01\xE9z", .len = 4};
    struct csv_field longer = {.text = "abcdefghij", .len = 10};
    cr_expect_str_eq(csv_field_excerpt(&bytes, out, sizeof out), "a??z");
    cr_expect_str_eq(csv_field_excerpt(&longer, out, sizeof out), "abcd...");
}
