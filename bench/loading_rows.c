/*
 * One of the ways to read a ratings.csv, timed on one thread; prints one line of JSON.
 *     loading_rows scan|columns|build FOLDER
 * scan checks every row and keeps none; columns keeps them as the file has them, which is what
 * data-frame libraries mean by reading; build is all of dataset_load: films looked up, repetitions
 * dropped, rows grouped by user and in order of time, fingerprint.
 */
#include "base/clock.h"
#include "base/text.h"
#include "movielens/dataset.h"
#include "movielens/ratings_builder.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

static bool count_row(void *context, const struct dataset_row *row)
{
    *(int64_t *)context += row->time_s >= 0;
    return true;
}

static bool keep_row(void *context, const struct dataset_row *row)
{
    ratings_builder_add(context, row->user_id, row->movie_id, row->half_stars, row->time_s);
    return true;
}

static enum err read_rows(const char *what, const char *folder, const char *path, int64_t *rows,
                          struct error *error)
{
    struct ratings_builder builder = {0};
    struct dataset data;
    if (strcmp(what, "scan") == 0) {
        return dataset_scan_ratings(path, count_row, rows, NULL, error);
    }
    if (strcmp(what, "columns") == 0) {
        enum err code = dataset_scan_ratings(path, keep_row, &builder, NULL, error);
        *rows = (int64_t)builder.count;
        ratings_builder_deinit(&builder);
        return code;
    }
    enum err code = dataset_load(folder, &(struct dataset_options){0}, &data, NULL, error);
    if (code == ERR_OK) {
        *rows = data.ratings.count + data.duplicate_rows;
        dataset_deinit(&data);
    }
    return code;
}

static double seconds(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

int main(int argc, char **argv)
{
    char path[PATH_MAX];
    struct stat status;
    struct rusage usage;
    struct error error = {0};
    int64_t rows = 0;
    if (argc != 3 || !text_join_path(path, sizeof path, argv[2], "ratings.csv") ||
        stat(path, &status) != 0) {
        (void)fprintf(stderr, "loading_rows scan|columns|build FOLDER\n");
        return 2;
    }
    int64_t since_ns = clock_mono_ns();
    enum err code = read_rows(argv[1], argv[2], path, &rows, &error);
    double wall_s = (double)(clock_mono_ns() - since_ns) / 1e9;
    if (code != ERR_OK) {
        (void)fprintf(stderr, "%s: %s\n", error.where, error.text);
        return err_exit_status(code);
    }
    (void)getrusage(RUSAGE_SELF, &usage);
    printf("{\"who\":\"driftdrill\",\"what\":\"%s\",\"rows\":%lld,\"bytes\":%lld,\"cpu_s\":%.3f,"
           "\"wall_s\":%.3f,\"peak_mib\":%ld}\n",
           argv[1], (long long)rows, (long long)status.st_size,
           seconds(usage.ru_utime) + seconds(usage.ru_stime), wall_s, usage.ru_maxrss / 1024);
    return 0;
}
