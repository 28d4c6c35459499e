#include "files.h"
#include "invalid.h"

#include "base/mem.h"
#include "base/rng.h"

#include <unistd.h>

#define FILMS                                                                                      \
    FILES_FILMS "10,Film 10 (1999),Drama\n20,\"Film 20, The (2001)\",Action|Comedy\n"              \
                "3000000,Film 3000000 (2010),Drama\n"

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

/* The fatal error or, one a line, every bad row and how much was good. */
static void message_of(const char *folder, char *out, size_t size)
{
    struct dataset data;
    struct faults faults;
    struct error error = {0};
    struct dataset_options options = {.reports_max = 100};
    int used = 0;
    faults_init(&faults);
    enum err code = dataset_load(folder, &options, &data, &faults, &error);
    for (size_t i = 0; i < faults.count && used >= 0 && (size_t)used < size; i++) {
        used += snprintf(out + used, size - (size_t)used, "%s:%d: %s\n",
                         base_name(faults.list[i].where), faults.list[i].line, faults.list[i].text);
    }
    if (code != ERR_OK) {
        (void)snprintf(out + used, size - (size_t)used, "%s: %s:%d: %s", err_text(code),
                       base_name(error.where), error.line, error.text);
    } else {
        (void)snprintf(out + used, size - (size_t)used, "bad %lld, films %d, ratings %lld",
                       (long long)data.bad_rows, (int)data.catalogue.count,
                       (long long)data.ratings.count);
    }
    if (code == ERR_OK) {
        dataset_deinit(&data);
    }
    faults_deinit(&faults);
}

Test(dataset, malformed_folders_give_the_expected_messages)
{
    cr_expect_eq(invalid_each("movielens", message_of), 0);
}

static void write_folder(const struct files_folder *folder, const char *ratings)
{
    files_write_text(folder, "ratings.csv", ratings);
    files_write_text(folder, "movies.csv", FILMS);
}

Test(dataset, strict_stops_at_the_first_bad_row)
{
    struct files_folder folder = files_folder();
    struct dataset_options options = {.strict = true};
    struct dataset data;
    struct error error = {0};
    write_folder(&folder, FILES_RATINGS "1,10,4.0,100\n1,20,3.3,101\n1,20,x,102\n");
    cr_expect_eq(dataset_load(folder.path, &options, &data, NULL, &error), ERR_INPUT);
    cr_expect_eq(error.line, 3);
    cr_expect_str_eq(base_name(error.where), "ratings.csv");
    cr_expect_str_eq(error.text, "rating '3.3' is not one of 0.5, 1.0, 1.5 ... 5.0");
    cr_expect_eq(data.ratings.count, 0, "a failed load leaves nothing behind");
    files_remove(&folder);
}

Test(dataset, strict_stops_at_a_film_that_movies_csv_lacks)
{
    struct files_folder folder = files_folder();
    struct dataset_options options = {.strict = true};
    struct dataset data;
    struct error error = {0};
    write_folder(&folder, FILES_RATINGS "1,10,4.0,100\n1,11,3.0,101\n");
    cr_expect_eq(dataset_load(folder.path, &options, &data, NULL, &error), ERR_INPUT);
    cr_expect_eq(error.line, 3);
    files_remove(&folder);
}

Test(dataset, reports_are_bounded_and_all_bad_rows_counted)
{
    struct files_folder folder = files_folder();
    struct dataset_options options = {.reports_max = 2};
    struct dataset data;
    struct faults faults;
    write_folder(&folder, FILES_RATINGS "1,10,4.0,100\na\nb\nc\n1,11,3.0,5\n");
    faults_init(&faults);
    cr_assert_eq(dataset_load(folder.path, &options, &data, &faults, NULL), ERR_OK);
    cr_expect_eq(faults.count, 2);
    cr_expect_eq(data.bad_rows, 4);
    cr_expect_eq(data.bad_rating_rows, 4);
    cr_expect_eq(data.unknown_films, 1);
    cr_expect_eq(data.ratings.count, 1);
    faults_deinit(&faults);
    dataset_deinit(&data);
    files_remove(&folder);
}

/* Both parsers read the same: the usual shape and everything else that is valid. */
Test(dataset, every_valid_spelling_of_a_row_is_read)
{
    static const struct {
        const char *row;
        int half_stars;
    } rows[] = {
        {"1,20,0.5,7", 1},     {"1,20,5.0,7", 10},  {"1,20,5,7", 10},
        {"1,20,3.50,7", 7},    {"1,20,4.000,7", 8}, {"\"1\",\"20\",\"2.5\",\"7\"", 5},
        {"01,020,1.0,007", 2}, {"1,20,1.5,7\r", 3},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct files_folder folder = files_folder();
        struct dataset data;
        char text[128];
        (void)snprintf(text, sizeof text, FILES_RATINGS "%s\n", rows[i].row);
        write_folder(&folder, text);
        files_load(folder.path, &data);
        cr_expect_eq(data.ratings.half_stars[0], rows[i].half_stars, "%s", rows[i].row);
        cr_expect_eq(data.ratings.user_id[0], 1, "%s", rows[i].row);
        cr_expect_eq(data.ratings.item[0], 1, "%s", rows[i].row);
        cr_expect_eq(data.ratings.time_s[0], 7, "%s", rows[i].row);
        dataset_deinit(&data);
        files_remove(&folder);
    }
}

Test(dataset, rows_are_grouped_by_user_and_ordered_by_time_then_place)
{
    static const char text[] = FILES_RATINGS "2147483647,10,1.0,4294967295\n"
                                             "5,3000000,2.0,50\n"
                                             "3,10,3.0,0\n"
                                             "5,10,4.0,40\n"
                                             "3,20,3.5,0\n"
                                             "5,20,5.0,50";
    struct files_folder folder = files_folder();
    struct dataset data;
    write_folder(&folder, text);
    files_load(folder.path, &data);
    const struct ratings *r = &data.ratings;
    static const int32_t items[] = {0, 1, 0, 2, 1, 0};
    static const uint8_t half_stars[] = {6, 7, 8, 4, 10, 2};
    cr_assert_eq(r->users, 3);
    cr_assert_eq(r->count, 6);
    cr_expect_eq(r->user_id[0], 3);
    cr_expect_eq(r->user_id[1], 5);
    cr_expect_eq(r->user_id[2], 2147483647);
    cr_expect_eq(r->start[1], 2);
    cr_expect_eq(r->start[2], 5);
    cr_expect_eq(r->start[3], 6);
    cr_expect_arr_eq(r->item, items, sizeof items);
    cr_expect_arr_eq(r->half_stars, half_stars, sizeof half_stars);
    cr_expect_eq(r->time_s[5], INT64_C(4294967295));
    cr_expect_eq(ratings_user(r, 5), 1);
    cr_expect_eq(ratings_user(r, 4), -1);
    dataset_deinit(&data);
    files_remove(&folder);
}

Test(dataset, of_a_repeated_pair_the_last_row_in_the_file_stays)
{
    struct files_folder folder = files_folder();
    struct dataset data;
    write_folder(&folder, FILES_RATINGS "1,10,1.0,900\n1,20,3.0,500\n2,10,2.0,100\n"
                                        "1,10,4.5,400\n2,10,2.0,100\n");
    files_load(folder.path, &data);
    cr_expect_eq(data.duplicate_rows, 2);
    cr_expect_eq(data.bad_rows, 0);
    cr_assert_eq(data.ratings.count, 3);
    cr_expect_eq(data.ratings.half_stars[0], 9, "the later row, though earlier in time");
    cr_expect_eq(data.ratings.time_s[0], 400);
    dataset_deinit(&data);
    files_remove(&folder);
}

Test(dataset, film_ids_too_large_for_a_table_are_found)
{
    struct files_folder folder = files_folder();
    struct dataset data;
    files_write_text(&folder, "movies.csv",
                     FILES_FILMS "2147483647,Film (1999),Drama\n5,Film (1998),Drama\n");
    files_write_text(&folder, "ratings.csv",
                     FILES_RATINGS "1,2147483647,4.0,1\n1,5,3.0,2\n1,6,3.0,2\n");
    files_load(folder.path, &data);
    cr_expect_eq(data.ratings.count, 2);
    cr_expect_eq(data.ratings.item[0], 1);
    cr_expect_eq(data.unknown_films, 1);
    dataset_deinit(&data);
    files_remove(&folder);
}

Test(dataset, fingerprint_ignores_order_quoting_and_line_ends_and_nothing_else)
{
    static const struct {
        const char *name, *ratings, *films;
        bool same;
    } rows[] = {
        {"other order", FILES_RATINGS "2,10,3.0,5\n1,20,4.0,7\n1,10,3.5,6\n", FILMS, true},
        {"CRLF and quotes", FILES_RATINGS "1,\"10\",3.5,6\r\n1,20,4,7\r\n2,10,3.0,5\r\n",
         FILES_FILMS "3000000,Film 3000000 (2010),Drama\r\n20,Another title,Comedy|Action\r\n"
                     "10,\"Film 10 (1999)\",Drama\r\n",
         true},
        {"other stars", FILES_RATINGS "1,10,3.0,6\n1,20,4.0,7\n2,10,3.0,5\n", FILMS, false},
        {"other time", FILES_RATINGS "1,10,3.5,7\n1,20,4.0,7\n2,10,3.0,5\n", FILMS, false},
        {"other user", FILES_RATINGS "1,10,3.5,6\n1,20,4.0,7\n3,10,3.0,5\n", FILMS, false},
        {"values exchanged", FILES_RATINGS "1,10,4.0,6\n1,20,3.5,7\n2,10,3.0,5\n", FILMS, false},
        {"other genre", FILES_RATINGS "1,10,3.5,6\n1,20,4.0,7\n2,10,3.0,5\n",
         FILES_FILMS "10,Film 10 (1999),Drama\n20,Film 20 (2001),Action|Crime\n"
                     "3000000,Film 3000000 (2010),Drama\n",
         false},
        {"one film more", FILES_RATINGS "1,10,3.5,6\n1,20,4.0,7\n2,10,3.0,5\n",
         FILMS "7,Film 7 (1999),\n", false},
    };
    struct files_folder folder = files_folder();
    struct dataset data;
    write_folder(&folder, FILES_RATINGS "1,10,3.5,6\n1,20,4.0,7\n2,10,3.0,5\n");
    files_load(folder.path, &data);
    uint64_t reference = data.fingerprint;
    dataset_deinit(&data);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        files_write_text(&folder, "ratings.csv", rows[i].ratings);
        files_write_text(&folder, "movies.csv", rows[i].films);
        files_load(folder.path, &data);
        cr_expect_eq(data.fingerprint == reference, rows[i].same, "%s", rows[i].name);
        dataset_deinit(&data);
    }
    files_remove(&folder);
}

struct scan {
    int64_t rows, stop_at, last_row;
    uint64_t sum;
};

static bool add_row(void *context, const struct dataset_row *row)
{
    struct scan *scan = context;
    scan->rows++;
    scan->last_row = row->row;
    scan->sum += rng_mix((uint64_t)row->user_id << 32 | (uint64_t)row->movie_id,
                         (uint64_t)row->time_s << 8 | row->half_stars);
    return scan->rows != scan->stop_at;
}

/* Rows of many lengths over several blocks of the reader, in the order of no column. */
Test(dataset, scanning_and_loading_see_every_row_of_a_large_file)
{
    struct files_folder folder = files_folder();
    struct dataset data;
    struct scan scan = {0};
    struct buf text;
    char path[PATH_MAX];
    uint64_t sum = 0;
    int64_t rows = 30000;
    buf_init(&text, 4 * 1024 * 1024);
    cr_assert(buf_text(&text, FILES_RATINGS));
    for (int64_t i = 0; i < rows; i++) {
        static const int32_t films[] = {10, 20, 3000000};
        uint32_t user = 1 + (uint32_t)(rng_mix(3, (uint64_t)i / 3) >> (40 + i % 20));
        uint32_t time_s = (uint32_t)(rng_mix(4, (uint64_t)i) >> (32 + i % 31));
        unsigned half_stars = 1 + (unsigned)(i % 10);
        sum += rng_mix((uint64_t)user << 32 | (uint64_t)films[i % 3],
                       (uint64_t)time_s << 8 | half_stars);
        cr_assert(buf_printf(&text, "%u,%d,%u.%c,%u\n", user, films[i % 3], half_stars / 2,
                             half_stars % 2 ? '5' : '0', time_s));
    }
    files_write(&folder, "ratings.csv", text.data, text.len);
    files_write_text(&folder, "movies.csv", FILMS);
    buf_deinit(&text);
    cr_assert(text_join_path(path, sizeof path, folder.path, "ratings.csv"));
    cr_assert_eq(dataset_scan_ratings(path, add_row, &scan, NULL, NULL), ERR_OK);
    cr_expect_eq(scan.rows, rows);
    cr_expect_eq(scan.sum, sum);
    files_load(folder.path, &data);
    cr_expect_eq(data.ratings.count + data.duplicate_rows, rows);
    cr_expect_gt(data.ratings.users, 1000);
    dataset_deinit(&data);
    files_remove(&folder);
}

Test(dataset, scanning_stops_when_told_and_counts_bad_rows_in_the_row_number)
{
    struct files_folder folder = files_folder();
    struct scan scan = {.stop_at = 2};
    struct faults faults;
    char path[PATH_MAX];
    write_folder(&folder, FILES_RATINGS "1,10,3.5,6\nbad\n\n1,99,4.0,7\n2,10,3.0,5\n");
    cr_assert(text_join_path(path, sizeof path, folder.path, "ratings.csv"));
    faults_init(&faults);
    cr_expect_eq(dataset_scan_ratings(path, add_row, &scan, &faults, NULL), ERR_OK);
    cr_expect_eq(scan.rows, 2);
    cr_expect_eq(scan.last_row, 2, "the bad row is row 1, the empty line none");
    cr_expect_eq(faults.count, 1);
    faults_deinit(&faults);
    files_remove(&folder);
}

Test(dataset, overlong_lines_are_bad_rows_and_the_next_line_is_read)
{
    struct files_folder folder = files_folder();
    struct dataset data;
    struct buf text;
    buf_init(&text, 1024 * 1024);
    cr_assert(buf_text(&text, FILES_RATINGS "1,10,4.0,"));
    for (int i = 0; i < 70000; i++) {
        cr_assert(buf_text(&text, "9"));
    }
    cr_assert(buf_text(&text, "\n2,20,1.5,77\n"));
    files_write(&folder, "ratings.csv", text.data, text.len);
    files_write_text(&folder, "movies.csv", FILMS);
    buf_deinit(&text);
    files_load(folder.path, &data);
    cr_expect_eq(data.bad_rows, 1);
    cr_expect_eq(data.ratings.count, 1);
    cr_expect_eq(data.ratings.time_s[0], 77);
    dataset_deinit(&data);
    files_remove(&folder);
}

Test(dataset, what_is_written_is_read_back_the_same)
{
    struct files_folder folder = files_folder();
    struct dataset data, again;
    char copy[PATH_MAX];
    files_write_text(&folder, "movies.csv",
                     FILES_FILMS "10,\"Film \"\"10\"\", A (1999)\",Action|Drama\n"
                                 "20, Film 20 ,(no genres listed)\n30,F\xFClm 30 (2001),Comedy\n");
    files_write_text(&folder, "ratings.csv",
                     FILES_RATINGS "1,10,0.5,0\n1,20,5.0,4294967295\n2147483647,30,2.5,9\n");
    files_load(folder.path, &data);
    cr_assert(text_join_path(copy, sizeof copy, folder.path, "deeper/copy"));
    files_write_dataset(&data, copy);
    files_load(copy, &again);
    cr_expect_eq(again.bad_rows, 0);
    files_expect_same(&data, &again);
    dataset_deinit(&data);
    dataset_deinit(&again);
    files_remove(&folder);
}

Test(dataset, a_writer_that_cannot_write_says_so)
{
    struct files_folder folder = files_folder();
    struct dataset_writer *writer = NULL;
    struct error error = {0};
    char path[PATH_MAX];
    files_write_text(&folder, "file", "x");
    cr_assert(text_join_path(path, sizeof path, folder.path, "file/below"));
    cr_expect_neq(dataset_writer_open(path, &writer, &error), ERR_OK);
    cr_expect_null(writer);
    cr_expect_neq(error.code, ERR_OK);
    files_remove(&folder);
}

Test(dataset, a_full_disk_is_told_at_close_and_leaves_no_data_set)
{
    struct files_folder folder = files_folder();
    struct dataset_writer *writer = NULL;
    struct catalogue none = {0};
    struct error error = {0};
    char partial[PATH_MAX], ratings[PATH_MAX];
    cr_assert(text_join_path(partial, sizeof partial, folder.path, "ratings.csv.partial"));
    cr_assert(text_join_path(ratings, sizeof ratings, folder.path, "ratings.csv"));
    cr_assert_eq(symlink("/dev/full", partial), 0);
    cr_assert_eq(dataset_writer_open(folder.path, &writer, &error), ERR_OK);
    for (int32_t i = 1; i < 50000; i++) {
        dataset_writer_rate(writer, i, 1, 2, 3);
    }
    cr_expect_eq(dataset_writer_close(writer, &none, &error), ERR_IO);
    cr_expect(strstr(error.text, "No space left") != NULL, "%s", error.text);
    cr_expect_not(file_exists(ratings));
    files_remove(&folder);
}

static void find(const char *wanted, const char *home, enum err expected, const char *folder)
{
    char out[PATH_MAX] = "";
    bool found = false;
    struct error error = {0};
    cr_expect_eq(dataset_find(wanted, home, out, sizeof out, &found, &error), expected, "%s",
                 error.text);
    cr_expect_eq(found, folder != NULL);
    if (folder != NULL) {
        cr_expect_str_eq(out, folder);
    }
}

Test(dataset, data_are_looked_for_in_the_stated_order)
{
    struct files_folder named = files_folder(), variable = files_folder(), home = files_folder(),
                        empty = files_folder();
    char usual[PATH_MAX];
    cr_assert(text_join_path(usual, sizeof usual, home.path, "data/ml-latest-small"));
    cr_assert_eq(file_make_folders(usual, NULL), ERR_OK);
    cr_assert_eq(chdir(empty.path), 0);
    unsetenv("MOVIELENS_DIR");
    find(NULL, home.path, ERR_OK, NULL);
    files_write_text(&home, "data/ml-latest-small/ratings.csv", FILES_RATINGS);
    find(NULL, NULL, ERR_OK, NULL);
    find(NULL, home.path, ERR_OK, usual);
    cr_assert_eq(chdir(home.path), 0);
    find(NULL, NULL, ERR_OK, "data/ml-latest-small");
    setenv("MOVIELENS_DIR", variable.path, 1);
    find(NULL, home.path, ERR_INPUT, NULL);
    files_write_text(&variable, "ratings.csv", FILES_RATINGS);
    find(NULL, home.path, ERR_OK, variable.path);
    find(named.path, home.path, ERR_INPUT, NULL);
    files_write_text(&named, "ratings.csv", FILES_RATINGS);
    find(named.path, home.path, ERR_OK, named.path);
    setenv("MOVIELENS_DIR", "", 1);
    find(NULL, home.path, ERR_OK, "data/ml-latest-small");
    cr_assert_eq(chdir("/"), 0);
    files_remove(&named);
    files_remove(&variable);
    files_remove(&home);
    files_remove(&empty);
}

/* The published figures of ml-latest-small. Skipped unless MOVIELENS_DIR names a copy of it. */
Test(dataset, ml_latest_small_has_the_published_counts)
{
    static const int64_t published[10] = {1370,  2811,  1791,  7551, 5550,
                                          20047, 13136, 26818, 8551, 13211};
    const char *folder = getenv("MOVIELENS_DIR");
    if (folder == NULL || folder[0] == '\0') {
        cr_skip_test("MOVIELENS_DIR is not set");
    }
    struct dataset data;
    int64_t counts[10] = {0};
    double sum = 0;
    int32_t no_genres = 0, no_year = 0;
    files_load(folder, &data);
    if (data.ratings.users != 610) {
        dataset_deinit(&data);
        cr_skip_test("MOVIELENS_DIR holds another edition");
    }
    for (int64_t i = 0; i < data.ratings.count; i++) {
        counts[data.ratings.half_stars[i] - 1]++;
        sum += 0.5 * data.ratings.half_stars[i];
    }
    for (int32_t i = 0; i < data.catalogue.count; i++) {
        no_genres += data.catalogue.genres[i] == 0;
        no_year += data.catalogue.year[i] == 0;
    }
    cr_expect_eq(data.ratings.count, 100836);
    cr_expect_eq(data.catalogue.count, 9742);
    cr_expect_eq(data.catalogue.genre_count, 19);
    cr_expect_eq(no_genres, 34);
    cr_expect_eq(no_year, 12);
    cr_expect_eq(data.bad_rows, 0);
    cr_expect_eq(data.duplicate_rows, 0);
    cr_expect_arr_eq(counts, published, sizeof published);
    cr_expect_float_eq(sum / 100836.0, 3.50156, 0.000005);
    dataset_deinit(&data);
}
