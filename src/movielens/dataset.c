#include "movielens/dataset.h"

#include "base/fileio.h"
#include "base/mem.h"
#include "base/text.h"
#include "movielens/bad_rows.h"
#include "movielens/films_file.h"
#include "movielens/fingerprint.h"
#include "movielens/rating_rows.h"
#include "movielens/ratings_builder.h"

#include <limits.h>
#include <string.h>

#define SCAN_REPORTS_MAX 20

/* Film ids up to here are looked up in a plain table (MovieLens 32M ends at 292,757). */
#define DIRECT_ID_MAX (4 * 1024 * 1024)

struct film_lookup {
    const struct catalogue *catalogue;
    int32_t *direct; /* [direct_count] index by id, -1 = unknown; NULL if ids are too large */
    int32_t direct_count;
};

static void film_lookup_init(struct film_lookup *lookup, const struct catalogue *catalogue)
{
    int32_t last = catalogue->id[catalogue->count - 1];
    *lookup = (struct film_lookup){.catalogue = catalogue};
    if (last > DIRECT_ID_MAX) {
        return;
    }
    lookup->direct_count = last + 1;
    lookup->direct = mem_array((size_t)lookup->direct_count, sizeof *lookup->direct);
    memset(lookup->direct, 0xff, (size_t)lookup->direct_count * sizeof *lookup->direct);
    for (int32_t i = 0; i < catalogue->count; i++) {
        lookup->direct[catalogue->id[i]] = i;
    }
}

static int32_t film_lookup_index(const struct film_lookup *lookup, int32_t id)
{
    if (lookup->direct == NULL) {
        return catalogue_index(lookup->catalogue, id);
    }
    return id < lookup->direct_count ? lookup->direct[id] : -1;
}

static enum err read_ratings(const char *path, struct bad_rows *bad, struct dataset *out,
                             struct error *error)
{
    struct rating_rows reader;
    struct ratings_builder builder = {0};
    struct film_lookup lookup;
    struct dataset_row row;
    enum err code = rating_rows_open(&reader, out->layout, path, bad, error);
    if (code != ERR_OK) {
        return code;
    }
    film_lookup_init(&lookup, &out->catalogue);
    while (code == ERR_OK && rating_rows_next(&reader, &row)) {
        int32_t item = film_lookup_index(&lookup, row.movie_id);
        if (item >= 0) {
            ratings_builder_add(&builder, row.user_id, item, row.half_stars, row.time_s);
        } else {
            out->unknown_films++;
            code = bad_rows_add(bad, path, reader.line_number, "movieId %d is not in %s",
                                (int)row.movie_id, out->layout->films_file);
        }
    }
    enum err closed = rating_rows_close(&reader, code == ERR_OK ? error : NULL);
    code = code != ERR_OK ? code : closed;
    if (code == ERR_OK && builder.count == 0) {
        code = bad_rows_none_good(bad, path, error);
    }
    if (code == ERR_OK) {
        out->duplicate_rows = ratings_builder_finish(&builder, out->catalogue.count, &out->ratings);
    }
    ratings_builder_deinit(&builder);
    mem_free(lookup.direct);
    return code;
}

/* Chooses the layout and joins its paths. If a file is missing, says all that is. */
static enum err choose_layout(const char *folder, const struct layout **layout, char *ratings_path,
                              char *films_path, struct error *error)
{
    *layout = layout_find(folder);
    if (*layout == NULL && !file_is_folder(folder)) {
        return error_set(error, ERR_IO, folder, 0, "%s, expected a folder with MovieLens files",
                         file_exists(folder) ? "is not a folder" : "no such folder");
    }
    if (*layout == NULL) {
        return error_set(error, ERR_IO, folder, 0,
                         "holds no MovieLens files, expected ratings.csv and movies.csv, "
                         "ratings.dat and movies.dat, or u.data and u.item");
    }
    if (!text_join_path(ratings_path, PATH_MAX, folder, (*layout)->ratings_file) ||
        !text_join_path(films_path, PATH_MAX, folder, (*layout)->films_file)) {
        return error_set(error, ERR_IO, folder, 0, "the path is too long");
    }
    if (!file_exists(ratings_path) || !file_exists(films_path)) {
        bool ratings = file_exists(ratings_path);
        return error_set(error, ERR_IO, folder, 0, "holds no %s",
                         ratings ? (*layout)->films_file : (*layout)->ratings_file);
    }
    return ERR_OK;
}

static enum err load(const char *folder, const struct dataset_options *options, struct dataset *out,
                     struct faults *faults, struct error *error)
{
    char ratings_path[PATH_MAX], films_path[PATH_MAX], tags_path[PATH_MAX];
    enum err code = choose_layout(folder, &out->layout, ratings_path, films_path, error);
    if (code != ERR_OK) {
        return code;
    }
    struct bad_rows films_bad = {.strict = options->strict,
                                 .reports_left = options->reports_max,
                                 .faults = faults,
                                 .error = error};
    code = films_file_read(out->layout, films_path, &films_bad, &out->catalogue, error);
    if (code != ERR_OK) {
        return code;
    }
    struct bad_rows ratings_bad = {.strict = options->strict,
                                   .reports_left = films_bad.reports_left,
                                   .faults = faults,
                                   .error = error};
    code = read_ratings(ratings_path, &ratings_bad, out, error);
    out->bad_rating_rows = ratings_bad.count;
    out->bad_rows = films_bad.count + ratings_bad.count;
    if (code == ERR_OK && out->layout->kind == LAYOUT_CSV &&
        text_join_path(tags_path, sizeof tags_path, folder, "tags.csv") && file_exists(tags_path)) {
        struct bad_rows tags_bad = {.strict = options->strict,
                                    .reports_left = ratings_bad.reports_left,
                                    .faults = faults,
                                    .error = error};
        code = tags_read(tags_path, &out->catalogue, &tags_bad, &out->tags, error);
        out->bad_rows += tags_bad.count;
    }
    return code;
}

enum err dataset_load(const char *folder, const struct dataset_options *options,
                      struct dataset *out, struct faults *faults, struct error *error)
{
    memset(out, 0, sizeof *out);
    enum err code = load(folder, options, out, faults, error);
    if (code == ERR_OK) {
        out->fingerprint = fingerprint_of(&out->catalogue, &out->ratings);
    } else {
        dataset_deinit(out);
    }
    return code;
}

void dataset_deinit(struct dataset *dataset)
{
    catalogue_deinit(&dataset->catalogue);
    ratings_deinit(&dataset->ratings);
    tags_deinit(&dataset->tags);
    memset(dataset, 0, sizeof *dataset);
}

enum err dataset_scan_ratings(const char *path, dataset_each *each, void *context,
                              struct faults *faults, struct error *error)
{
    struct bad_rows bad = {.reports_left = SCAN_REPORTS_MAX, .faults = faults};
    struct rating_rows reader;
    struct dataset_row row;
    bool any = false, wanted = true;
    enum err code = rating_rows_open(&reader, &layout_table[LAYOUT_CSV], path, &bad, error);
    if (code != ERR_OK) {
        return code;
    }
    while (wanted && rating_rows_next(&reader, &row)) {
        any = true;
        wanted = each(context, &row);
    }
    code = rating_rows_close(&reader, error);
    return code != ERR_OK || any ? code : bad_rows_none_good(&bad, path, error);
}
