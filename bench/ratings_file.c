/*
 * Writes a folder of MovieLens 25M's shape to measure loading with: as many ratings as asked for,
 * grouped by user, inside a user by film as in the distributed files, with ids, stars and times of
 * the usual widths. Nothing of it is MovieLens' and none of it means anything; `data synth` makes
 * data that do.
 *     ratings_file FOLDER [ROWS [SEED]]
 */
#include "base/mem.h"
#include "base/rng.h"
#include "movielens/dataset.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define FILMS 62000
#define FILM_ID_STEP 3 /* ids are sparse and reach 200,000 */
#define ROWS_A_USER_MIN 20
#define ROWS_A_USER_SPREAD 140.0
#define FIRST_S 825000000 /* 1996 */
#define SPAN_S 750000000

static struct catalogue make_films(void)
{
    struct catalogue films = {.count = FILMS, .genre_count = 1};
    films.id = mem_array(FILMS, sizeof *films.id);
    films.genres = mem_zalloc(FILMS, sizeof *films.genres);
    films.year = mem_zalloc(FILMS, sizeof *films.year);
    films.title = mem_array(FILMS, sizeof *films.title);
    films.title_bytes = mem_text("A film (1999)");
    films.genre_name[0] = mem_text("Drama");
    for (int32_t i = 0; i < FILMS; i++) {
        films.id[i] = 1 + i * FILM_ID_STEP;
        films.genres[i] = (uint32_t)(i % 7 != 0);
        films.title[i] = films.title_bytes;
    }
    return films;
}

/* One user's rows: strides through the catalogue that are short among the first, most-rated films.
 */
static int64_t write_user(struct dataset_writer *writer, const struct catalogue *films,
                          int32_t user_id, int64_t rows_max, struct rng *rng)
{
    int64_t rows = ROWS_A_USER_MIN + (int64_t)(ROWS_A_USER_SPREAD * rng_exponential(rng));
    double scale = exp(log(FILMS) / (double)rows), at = 0;
    int64_t time_s = FIRST_S + (int64_t)(rng_uniform(rng) * SPAN_S), written = 0;
    while (written < rows && written < rows_max) {
        at = (at + 1) * (1 + (scale - 1) * rng_exponential(rng));
        if (at >= FILMS) {
            break;
        }
        uint8_t half_stars = (uint8_t)(1 + rng_below(rng, 10));
        dataset_writer_rate(writer, user_id, films->id[(int32_t)at], half_stars,
                            time_s + rng_below(rng, 40000));
        written++;
    }
    return written;
}

int main(int argc, char **argv)
{
    struct dataset_writer *writer = NULL;
    struct error error = {0};
    int64_t rows = argc > 2 ? strtoll(argv[2], NULL, 10) : 25000000;
    struct rng rng = rng_stream(argc > 3 ? strtoull(argv[3], NULL, 10) : 1, 0, 0);
    if (argc < 2 || rows < 1 || dataset_writer_open(argv[1], &writer, &error) != ERR_OK) {
        (void)fprintf(stderr, "ratings_file FOLDER [ROWS [SEED]]: %s\n", error.text);
        return 2;
    }
    struct catalogue films = make_films();
    int64_t written = 0;
    for (int32_t user_id = 1; written < rows; user_id++) {
        written += write_user(writer, &films, user_id, rows - written, &rng);
    }
    enum err code = dataset_writer_close(writer, &films, &error);
    if (code != ERR_OK) {
        (void)fprintf(stderr, "%s: %s\n", error.where, error.text);
    }
    catalogue_deinit(&films);
    return err_exit_status(code);
}
