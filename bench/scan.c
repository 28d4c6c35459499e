/*
 * What reading a list costs: a pick compiled from pointers, beside jansson's parse of the same
 * bytes with the same fields looked up. CPU time of this thread, median of rounds in turn, so that
 * both meet the same machine.
 *
 *     build/release/bench/scan [FILMS] [ROUNDS]
 */
#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "load/pick.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define READS 2000
#define ROUNDS_MAX 1000

static const struct pick_plan bundled = {.films = "/recommendations",
                                         .film = "/movie_id",
                                         .source = "/recommender",
                                         .score = "/score",
                                         .request_id = "/request_id"};

/* An answer as the bundled recommender spells it. */
static void write_answer(struct buf *out, int films)
{
    static const char *const sources[] = {"base", "similar", "popular"};
    buf_text(out, "{\"user_id\":4711,\"request_id\":\"5f3c9a1e77aa0b42-19\",\"model_version\":3,"
                  "\"recommendations\":[");
    for (int i = 0; i < films; i++) {
        buf_printf(out, "%s{\"movie_id\":%d,\"rank\":%d,\"score\":%.6f,\"recommender\":\"%s\"}",
                   i > 0 ? "," : "", 7919 * (i + 1) % 193609, i + 1, 1.0 / (i + 1.37),
                   sources[i % 3]);
    }
    buf_text(out, "]}");
}

/* Sums of what was read, so that nothing is left out as unused. */
static uint64_t by_pick(const struct pick *pick, const struct buf *text)
{
    struct pick_answer answer = {.request_id_max = 95};
    uint64_t sum = 0;
    if (!pick_read(pick, text->data, text->len, &answer)) {
        abort();
    }
    for (int32_t i = 0; i < answer.count; i++) {
        sum += (uint64_t)answer.film_id[i] + answer.source[i].len;
    }
    return sum + answer.request_id.len;
}

static uint64_t by_jansson(const struct pick *pick, const struct buf *text)
{
    (void)pick;
    json_t *root = json_loadb(text->data, text->len, 0, NULL);
    const json_t *films = json_object_get(root, "recommendations");
    uint64_t sum = 0;
    for (size_t i = 0; i < json_array_size(films); i++) {
        const json_t *film = json_array_get(films, i);
        sum += (uint64_t)json_integer_value(json_object_get(film, "movie_id")) +
               json_string_length(json_object_get(film, "recommender"));
    }
    sum += json_string_length(json_object_get(root, "request_id"));
    json_decref(root);
    return sum;
}

typedef uint64_t reader_fn(const struct pick *pick, const struct buf *text);

static double time_ns(reader_fn *reader, const struct pick *pick, const struct buf *text,
                      uint64_t *sum)
{
    int64_t start = clock_thread_cpu_ns();
    for (int i = 0; i < READS; i++) {
        *sum += reader(pick, text);
    }
    return (double)(clock_thread_cpu_ns() - start) / READS;
}

static int by_size(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

static double median(double *values, int64_t count)
{
    qsort(values, (size_t)count, sizeof *values, by_size);
    return values[count / 2];
}

int main(int argc, char **argv)
{
    static reader_fn *const readers[] = {by_pick, by_jansson};
    static const char *const names[] = {"pick_read", "jansson"};
    double ns[2][ROUNDS_MAX], middle[2];
    uint64_t sum[2] = {0, 0};
    int64_t films = 10, rounds = 51;
    if ((argc > 1 && (!text_to_i64(argv[1], &films) || films < 1 || films > PICK_PLACES_MAX)) ||
        (argc > 2 && (!text_to_i64(argv[2], &rounds) || rounds < 1 || rounds > ROUNDS_MAX))) {
        (void)fprintf(stderr, "usage: scan [FILMS 1..%d] [ROUNDS 1..%d]\n", PICK_PLACES_MAX,
                      ROUNDS_MAX);
        return 2;
    }
    struct buf text;
    struct pick *pick = NULL;
    buf_init(&text, 1 << 20);
    write_answer(&text, (int)films);
    if (pick_new(&bundled, &pick, NULL) != ERR_OK) {
        return 1;
    }
    for (int64_t round = 0; round < rounds; round++) {
        for (size_t r = 0; r < 2; r++) {
            ns[r][round] = time_ns(readers[r], pick, &text, &sum[r]);
        }
    }
    printf("%zu bytes, %" PRId64 " films, %" PRId64 " rounds of %d readings\n", text.len, films,
           rounds, READS);
    for (size_t r = 0; r < 2; r++) {
        middle[r] = median(ns[r], rounds);
        printf("%-10s %8.0f ns  (%.0f to %.0f)  %.2f ns a byte\n", names[r], middle[r], ns[r][0],
               ns[r][rounds - 1], middle[r] / (double)text.len);
    }
    printf("ratio      %8.1f\n", middle[1] / middle[0]);
    pick_free(pick);
    buf_deinit(&text);
    return sum[0] == sum[1] ? 0 : 1;
}
