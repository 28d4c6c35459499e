/*
 * The reference rows of offline quality (recommender/evaluate.h) on a MovieLens folder.
 *     evaluate FOLDER [MAX_PEOPLE [HELD_FROM_END [SEEDS]]]
 */
#include "recommender/evaluate.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/parallel.h"
#include "base/text.h"
#include "movielens/dataset.h"

#include <stdio.h>
#include <stdlib.h>

static void print_rows(const struct ratings *ratings, int32_t max_people, int held_from_end,
                       uint64_t seed)
{
    const struct parallel parallel = parallel_all_cores();
    struct evaluate_split split;
    evaluate_split_init(&split, ratings, held_from_end, max_people, seed);
    struct evaluate_person *people = mem_array((size_t)split.people + 1, sizeof *people);
    for (int r = 0; r < EVALUATE_REFERENCES; r++) {
        int64_t since_ns = clock_mono_ns();
        evaluate_reference_people(&split, (enum evaluate_reference)r, seed, &parallel, people);
        struct evaluate_hit hit = evaluate_mean(people, split.people);
        printf("%-24s %6d people  HR@10 %.4f +- %.4f  MRR@10 %.4f +- %.4f  %.2f s\n",
               evaluate_reference_name((enum evaluate_reference)r), hit.people, hit.hr10,
               hit.hr10_se, hit.mrr10, hit.mrr10_se, (double)(clock_mono_ns() - since_ns) / 1e9);
    }
    mem_free(people);
    evaluate_split_deinit(&split);
}

int main(int argc, char **argv)
{
    const struct dataset_options options = {0};
    struct dataset data;
    struct error error = {0};
    if (argc < 2 || dataset_load(argv[1], &options, &data, NULL, &error) != ERR_OK) {
        (void)fprintf(stderr, "evaluate FOLDER [MAX_PEOPLE [HELD_FROM_END [SEEDS]]]: %s\n",
                      error.text);
        return 2;
    }
    long max_people = argc > 2 ? strtol(argv[2], NULL, 10) : 0;
    long held_from_end = argc > 3 ? strtol(argv[3], NULL, 10) : 1;
    long seeds = argc > 4 ? strtol(argv[4], NULL, 10) : 1;
    for (long seed = 1; seed <= seeds; seed++) {
        print_rows(&data.ratings, (int32_t)max_people, (int)held_from_end, (uint64_t)seed);
    }
    dataset_deinit(&data);
    return 0;
}
