#include "files.h"
#include "movielens/films_file.h"

Test(films_file, the_year_of_a_title_is_found_in_all_its_spellings)
{
    static const struct {
        const char *title;
        int year;
    } rows[] = {
        {"Film 1 (1995)", 1995},
        {"Film 2 (1995) ", 1995},
        {"Film 3 (1983))", 1983},
        {"(500) Film 4 (2009)", 2009},
        {"2001: Film 5 (1968)", 1968},
        {"Film 6 (2006\xE2\x80\x93"
         "2007)",
         2006},
        {"Film 7 (2006-2007)", 2006},
        {"Film 8 (1999) (TV)", 1999},
        {"Film 9 (The 1999 Film)", 0},
        {"Film 10", 0},
        {"Film 11 (1999", 0},
        {"Film 12 (0123)", 0},
        {"(1999)", 1999},
        {"", 0},
        {"(", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        cr_expect_eq(films_file_year(rows[i].title, strlen(rows[i].title)), rows[i].year, "'%s'",
                     rows[i].title);
    }
}

static void read_films(const char *text, struct catalogue *out, struct bad_rows *bad)
{
    struct files_folder folder = files_folder();
    struct error error = {0};
    char path[PATH_MAX];
    files_write_text(&folder, "movies.csv", text);
    cr_assert(text_join_path(path, sizeof path, folder.path, "movies.csv"));
    cr_assert_eq(films_file_read(&layout_table[LAYOUT_CSV], path, bad, out, &error), ERR_OK, "%s",
                 error.text);
    files_remove(&folder);
}

Test(films_file, films_in_any_order_come_out_by_id)
{
    struct bad_rows bad = {0};
    struct catalogue films;
    read_films(FILES_FILMS "193609,\"Film, The \"\"Last\"\" (2018)\",Comedy\r\n"
                           "7,Mis\xE9rables (1995),Drama|Comedy\r\n"
                           "42,Film 42,(no genres listed)\r\n"
                           "9,Film 9 (1931) ,",
               &films, &bad);
    cr_expect_eq(bad.count, 0);
    cr_assert_eq(films.count, 4);
    cr_expect_eq(films.id[0], 7);
    cr_expect_eq(films.id[3], 193609);
    cr_expect_str_eq(films.title[0], "Mis\xE9rables (1995)");
    cr_expect_str_eq(films.title[1], "Film 9 (1931) ");
    cr_expect_str_eq(films.title[3], "Film, The \"Last\" (2018)");
    cr_expect_eq(films.year[1], 1931);
    cr_expect_eq(films.year[2], 0);
    cr_expect_eq(films.genre_count, 2);
    cr_expect_str_eq(films.genre_name[0], "Comedy");
    cr_expect_str_eq(films.genre_name[1], "Drama");
    cr_expect_eq(films.genres[0], 3);
    cr_expect_eq(films.genres[1], 0);
    cr_expect_eq(films.genres[2], 0);
    cr_expect_eq(films.genres[3], 1);
    cr_expect_eq(catalogue_index(&films, 42), 2);
    cr_expect_eq(catalogue_index(&films, 41), -1);
    cr_expect_eq(catalogue_index(&films, 193610), -1);
    catalogue_deinit(&films);
}

Test(films_file, of_a_repeated_id_the_first_film_stays)
{
    struct bad_rows bad = {0};
    struct catalogue films;
    read_films(FILES_FILMS "5,First (1990),Drama\n3,Other (1991),Drama\n5,Second (1992),Drama\n",
               &films, &bad);
    cr_expect_eq(bad.count, 1);
    cr_expect_eq(bad.first_line, 4);
    cr_expect_eq(films.count, 2);
    cr_expect_str_eq(films.title[1], "First (1990)");
    catalogue_deinit(&films);
}
