/*
 * What the lists are worth, by the protocol of evaluate.h, on the data of MOVIELENS_DIR, else on
 * the built-in synthetic data.
 */
#include "recommender/quality.h"

#include "movielens/synth.h"
#include "recommender/recommend.h"
#include "taste_world.h"

#include <criterion/criterion.h>
#include <gsl/gsl_errno.h>
#include <math.h>
#include <stdlib.h>

static void load(struct corpus *corpus)
{
    const char *folder = getenv("MOVIELENS_DIR");
    const struct dataset_options options = {0};
    const struct parallel one = {1};
    struct synth_config synth = synth_defaults();
    struct error error = {0};
    struct dataset data;
    enum err code = folder != NULL ? dataset_load(folder, &options, &data, NULL, &error)
                                   : synth_make(&synth, &one, &data, &error);
    cr_assert(code == ERR_OK, "%s", error.text);
    corpus_take(corpus, &data);
    dataset_deinit(&data);
    gsl_set_error_handler_off();
}

/* Few passes: what is compared here differs by far more than the rest of the training brings. */
static struct train_config quick(void)
{
    struct train_config config = train_defaults();
    config.towers.epochs_cold = 3;
    config.towers.epochs_warm = 1;
    config.parallel.threads = 2;
    return config;
}

Test(quality, the_pipeline_beats_its_sources_and_what_anybody_would_do)
{
    struct corpus corpus;
    struct quality quality;
    struct evaluate_hit hit[QUALITY_ROWS];
    const struct train_config config = quick();
    load(&corpus);
    cr_assert(quality_measure(&quality, &corpus, &config, 0, 1));
    fprintf(stderr, "quality on %s:\n",
            getenv("MOVIELENS_DIR") != NULL ? "MOVIELENS_DIR" : "synthetic data");
    for (int r = 0; r < QUALITY_ROWS; r++) {
        hit[r] = evaluate_mean(quality.of[r], quality.people);
        fprintf(stderr, "  %-26s %.4f %.4f\n", quality_row_name((enum quality_row)r), hit[r].hr10,
                hit[r].mrr10);
    }
    cr_expect(hit[QUALITY_BASE].hr10 > 1.25 * hit[QUALITY_POPULARITY].hr10);
    cr_expect(hit[QUALITY_PIPELINE].hr10 > 1.25 * hit[QUALITY_POPULARITY].hr10);
    for (int r = 0; r < QUALITY_PIPELINE; r++) {
        cr_expect(hit[QUALITY_PIPELINE].mrr10 > hit[r].mrr10, "no better than %s",
                  quality_row_name((enum quality_row)r));
    }
    struct evaluate_hit gain = evaluate_difference(quality.of[QUALITY_PIPELINE],
                                                   quality.of[QUALITY_BLEND], quality.people);
    cr_expect(gain.mrr10 > gain.mrr10_se, "%g +- %g", gain.mrr10, gain.mrr10_se);
    quality_deinit(&quality);
    corpus_deinit(&corpus);
}

static uint64_t trained_bits(const struct corpus *corpus)
{
    struct quality quality;
    struct train_config config = taste_config();
    cr_assert(quality_measure(&quality, corpus, &config, 0, 1));
    cr_expect(quality.people == TASTE_USERS);
    uint64_t bits = quality.model_bits;
    quality_deinit(&quality);
    return bits;
}

static void taste_corpus(struct corpus *corpus)
{
    struct dataset data;
    taste_data(&data, 0, 1600000000, 1);
    corpus_take(corpus, &data);
    dataset_deinit(&data);
    gsl_set_error_handler_off();
}

Test(quality, the_pipeline_is_trained_without_the_ratings_held_out)
{
    struct corpus corpus;
    taste_corpus(&corpus);
    uint64_t bits = trained_bits(&corpus);
    const struct ratings *ratings = &corpus.ratings;
    for (int32_t u = 0; u < ratings->users; u++) { /* the last ratings go round */
        int64_t last = ratings->start[u + 1] - 1;
        ratings->item[last] = (ratings->item[last] + 2 * u + 1) % TASTE_FILMS;
        ratings->half_stars[last] = (uint8_t)(1 + u % 10);
    }
    cr_expect(trained_bits(&corpus) == bits, "a rating held out has been learned from");
    int64_t before = ratings->start[1] - 2; /* not held out */
    ratings->half_stars[before] = (uint8_t)(ratings->half_stars[before] == 1 ? 10 : 1);
    ratings->item[before] = (ratings->item[before] + 1) % TASTE_FILMS;
    cr_expect(trained_bits(&corpus) != bits, "the hash would not tell");
    corpus_deinit(&corpus);
}

Test(quality, means_over_seeds_are_taken_person_by_person)
{
    struct evaluate_person ones[QUALITY_ROWS][2], halves[QUALITY_ROWS][2];
    struct quality mean = {.people = 2}, other = {.people = 2, .training_s = 4};
    for (int r = 0; r < QUALITY_ROWS; r++) {
        mean.of[r] = ones[r];
        other.of[r] = halves[r];
        for (int n = 0; n < 2; n++) {
            ones[r][n] = (struct evaluate_person){n, 0};
            halves[r][n] = (struct evaluate_person){0.5, 0.25};
        }
    }
    quality_add(&mean, &other, 2);
    cr_expect(ones[3][0].hit == 0.25 && ones[3][1].hit == 1.25 && ones[3][1].reciprocal == 0.125);
    cr_expect(mean.training_s == 2);
}
