/* The reference rows are checked on the data of MOVIELENS_DIR too, where it is given. */
#include "recommender/evaluate.h"

#include "base/mem.h"
#include "base/rng.h"
#include "movielens/dataset.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { USERS = 40, FILMS = 60, EACH = 12 };

/* Two crowds with half of the films each; user u rated EACH films, the first user one only. */
static void make_ratings(struct ratings *out)
{
    *out = (struct ratings){.users = USERS,
                            .items = FILMS,
                            .user_id = mem_zalloc(USERS, sizeof(int32_t)),
                            .start = mem_zalloc(USERS + 1, sizeof(int64_t)),
                            .item = mem_zalloc(USERS * EACH, sizeof(int32_t)),
                            .half_stars = mem_zalloc(USERS * EACH, sizeof(uint8_t)),
                            .time_s = mem_zalloc(USERS * EACH, sizeof(int64_t))};
    for (int32_t u = 0; u < USERS; u++) {
        bool rated[FILMS] = {false};
        struct rng rng = rng_stream(3, (uint64_t)u, 1);
        out->user_id[u] = 10 * u + 1;
        for (int n = 0; n < (u == 0 ? 1 : EACH); n++) {
            int32_t film;
            do {
                film = 2 * (int32_t)rng_below(&rng, FILMS / 2) + u % 2;
            } while (rated[film]);
            rated[film] = true;
            out->item[out->count] = film;
            out->half_stars[out->count] = (uint8_t)(1 + n % 10);
            out->time_s[out->count++] = 1000 + n;
        }
        out->start[u + 1] = out->count;
    }
}

static bool rated_in(const struct ratings *ratings, int32_t user, int32_t film)
{
    for (int64_t i = ratings->start[user]; i < ratings->start[user + 1]; i++) {
        if (ratings->item[i] == film) {
            return true;
        }
    }
    return false;
}

Test(evaluate, ties_count_as_in_a_random_order)
{
    static const struct {
        const char *name;
        int64_t better, ties;
        double hit, reciprocal;
    } rows[] = {
        {"first, alone", 0, 0, 1, 1},
        {"tenth, alone", 9, 0, 1, 0.1},
        {"eleventh", 10, 0, 0, 0},
        {"first of two", 0, 1, 1, (1 + 1 / 2.0) / 2},
        {"tenth of three equals", 9, 2, 1 / 3.0, 0.1 / 3},
        {"all twenty equal", 0, 19, 0.5, 2.9289682539682538 / 20},
        {"ties beyond the list", 10, 5, 0, 0},
    };
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        struct evaluate_person got = evaluate_rank(rows[r].better, rows[r].ties);
        cr_expect(fabs(got.hit - rows[r].hit) < 1e-12, "%s: hit %g", rows[r].name, got.hit);
        cr_expect(fabs(got.reciprocal - rows[r].reciprocal) < 1e-12, "%s: reciprocal %g",
                  rows[r].name, got.reciprocal);
    }
}

Test(evaluate, the_held_out_rating_and_all_after_it_are_not_in_the_training_part)
{
    struct ratings ratings;
    make_ratings(&ratings);
    for (int held_from_end = 1; held_from_end <= 2; held_from_end++) {
        struct evaluate_split split;
        evaluate_split_init(&split, &ratings, held_from_end, 0, 1);
        cr_assert_eq(split.people, USERS - 1, "everybody who has something left");
        cr_expect_eq(split.train.count, ratings.count - (USERS - 1) * held_from_end);
        for (int32_t n = 0; n < split.people; n++) {
            int32_t user = split.user[n];
            int64_t place = ratings.start[user + 1] - held_from_end;
            cr_expect_eq(split.item[n], ratings.item[place]);
            cr_expect_eq(split.half_stars[n], ratings.half_stars[place]);
            cr_expect_eq(split.time_s[n], ratings.time_s[place]);
            for (int64_t i = place; i < ratings.start[user + 1]; i++) {
                cr_expect(!rated_in(&split.train, user, ratings.item[i]), "user %d", user);
            }
            for (int64_t i = ratings.start[user]; i < place; i++) {
                cr_expect(rated_in(&split.train, user, ratings.item[i]), "user %d", user);
            }
        }
        cr_expect(rated_in(&split.train, 0, ratings.item[0]), "a single rating stays");
        evaluate_split_deinit(&split);
    }
    ratings_deinit(&ratings);
}

Test(evaluate, a_sample_leaves_the_others_whole_and_depends_on_the_seed)
{
    struct ratings ratings;
    struct evaluate_split split, same, other;
    make_ratings(&ratings);
    evaluate_split_init(&split, &ratings, 1, 10, 1);
    evaluate_split_init(&same, &ratings, 1, 10, 1);
    evaluate_split_init(&other, &ratings, 1, 10, 2);
    cr_assert_eq(split.people, 10);
    cr_expect_eq(split.train.count, ratings.count - 10);
    cr_expect_arr_eq(split.user, same.user, 10 * sizeof *split.user);
    cr_expect_neq(memcmp(split.user, other.user, 10 * sizeof *split.user), 0);
    for (int32_t n = 1; n < split.people; n++) {
        cr_expect_lt(split.user[n - 1], split.user[n]);
    }
    evaluate_split_deinit(&split);
    evaluate_split_deinit(&same);
    evaluate_split_deinit(&other);
    ratings_deinit(&ratings);
}

Test(evaluate, rated_films_do_not_take_places)
{
    struct ratings ratings;
    struct evaluate_split split;
    float score[FILMS] = {0};
    make_ratings(&ratings);
    evaluate_split_init(&split, &ratings, 1, 0, 1);
    int32_t user = split.user[3], held = split.item[3];
    for (int64_t i = split.train.start[user]; i < split.train.start[user + 1]; i++) {
        score[split.train.item[i]] = 9;
    }
    score[held] = 5;
    cr_expect_eq(evaluate_scores(&split, 3, score).reciprocal, 1);
    int better = 0;
    for (int32_t i = 0; i < FILMS && better < 3; i++) {
        if (!rated_in(&split.train, user, i) && i != held) {
            score[i] = 6;
            better++;
        }
    }
    cr_expect_eq(evaluate_scores(&split, 3, score).reciprocal, 0.25);
    const int32_t list[] = {held == 0, held == 1 ? 2 : 1, held};
    cr_expect_eq(evaluate_list(&split, 3, list, 3).reciprocal, 1 / 3.0);
    cr_expect_eq(evaluate_list(&split, 3, list, 2).hit, 0);
    evaluate_split_deinit(&split);
    ratings_deinit(&ratings);
}

Test(evaluate, differences_are_paired)
{
    const struct evaluate_person a[4] = {{1, 1}, {1, 0.5}, {0, 0}, {1, 0.25}};
    const struct evaluate_person b[4] = {{1, 0.5}, {0, 0}, {0, 0}, {1, 0.25}};
    struct evaluate_hit mean = evaluate_mean(a, 4), gap = evaluate_difference(a, b, 4);
    cr_expect_eq(mean.people, 4);
    cr_expect_float_eq(mean.hr10, 0.75, 1e-12);
    cr_expect_float_eq(mean.hr10_se, 0.25, 1e-12);
    cr_expect_float_eq(gap.hr10, 0.25, 1e-12);
    cr_expect_float_eq(gap.hr10_se, 0.25, 1e-12);
    cr_expect_float_eq(gap.mrr10, 0.25, 1e-12);
    cr_expect_float_eq(gap.mrr10_se, sqrt(0.25 / 12), 1e-12);
}

/* Cosines by definition, without transposes and blocks. */
static void plain_cosine(const struct evaluate_split *split, struct evaluate_person *out)
{
    const struct ratings *train = &split->train;
    for (int32_t n = 0; n < split->people; n++) {
        float score[FILMS] = {0};
        int64_t first = train->start[split->user[n]], end = train->start[split->user[n] + 1];
        for (int64_t i = end - 5 > first ? end - 5 : first; i < end; i++) {
            for (int32_t f = 0; f < FILMS; f++) {
                int own = 0, other = 0, both = 0;
                for (int32_t u = 0; u < train->users; u++) {
                    own += rated_in(train, u, train->item[i]);
                    other += rated_in(train, u, f);
                    both += rated_in(train, u, train->item[i]) && rated_in(train, u, f);
                }
                score[f] += other > 0 ? (float)(both / sqrt((double)own * other)) : 0;
            }
        }
        out[n] = evaluate_scores(split, n, score);
    }
}

Test(evaluate, the_reference_rows_do_not_depend_on_threads_and_cosine_is_as_defined)
{
    struct ratings ratings;
    struct evaluate_split split;
    struct evaluate_person one[USERS], three[USERS], plain[USERS];
    make_ratings(&ratings);
    evaluate_split_init(&split, &ratings, 1, 0, 1);
    size_t bytes = (size_t)split.people * sizeof *one;
    for (int r = 0; r < EVALUATE_REFERENCES; r++) {
        evaluate_reference_people(&split, (enum evaluate_reference)r, 1, &(struct parallel){1},
                                  one);
        evaluate_reference_people(&split, (enum evaluate_reference)r, 1, &(struct parallel){3},
                                  three);
        cr_expect_arr_eq(one, three, bytes, "%s",
                         evaluate_reference_name((enum evaluate_reference)r));
    }
    evaluate_reference_people(&split, EVALUATE_COSINE, 1, &(struct parallel){1}, one);
    plain_cosine(&split, plain);
    cr_expect_arr_eq(one, plain, bytes);
    /* Half of the films are nobody's of the other crowd, which only the personal rows know. */
    evaluate_reference_people(&split, EVALUATE_POPULARITY, 1, &(struct parallel){1}, three);
    cr_expect_gt(evaluate_difference(one, three, split.people).mrr10, 0);
    evaluate_split_deinit(&split);
    ratings_deinit(&ratings);
}

Test(evaluate, a_random_order_has_its_expected_value)
{
    struct ratings ratings;
    struct evaluate_split split;
    struct evaluate_person people[USERS];
    make_ratings(&ratings);
    evaluate_split_init(&split, &ratings, 1, 0, 1);
    evaluate_reference_people(&split, EVALUATE_RANDOM, 1, &(struct parallel){1}, people);
    for (int32_t n = 0; n < split.people; n++) {
        cr_expect_float_eq(people[n].hit, 10.0 / (FILMS - EACH + 1), 1e-12);
    }
    evaluate_split_deinit(&split);
    ratings_deinit(&ratings);
}

Test(evaluate, the_training_corpus_keeps_all_films_and_people)
{
    struct corpus whole = {0}, training;
    struct evaluate_split split;
    make_ratings(&whole.ratings);
    whole.catalogue =
        (struct catalogue){.count = FILMS,
                           .id = mem_zalloc(FILMS, sizeof *whole.catalogue.id),
                           .genres = mem_zalloc(FILMS, sizeof *whole.catalogue.genres),
                           .year = mem_zalloc(FILMS, sizeof *whole.catalogue.year),
                           .title = mem_zalloc(FILMS, sizeof *whole.catalogue.title),
                           .title_bytes = mem_text("A Film (1999)")};
    for (int32_t i = 0; i < FILMS; i++) {
        whole.catalogue.id[i] = 7 * i + 1;
        whole.catalogue.title[i] = whole.catalogue.title_bytes;
    }
    evaluate_split_init(&split, &whole.ratings, 2, 0, 1);
    evaluate_corpus(&split, &whole, &training);
    cr_expect_eq(training.catalogue.count, FILMS);
    cr_assert_eq(training.ratings.users, USERS);
    cr_assert_eq(training.ratings.count, split.train.count);
    cr_expect_arr_eq(training.ratings.item, split.train.item,
                     (size_t)split.train.count * sizeof(int32_t));
    cr_expect_eq(training.newest_s, 1000 + EACH - 3, "nothing of the held-out times is left");
    evaluate_split_deinit(&split);
    corpus_deinit(&training);
    corpus_deinit(&whole);
}

Test(evaluate, the_reference_rows_of_movielens)
{
    static const double hr10[EVALUATE_REFERENCES] = {0.001, 0.041, 0.069, 0.107};
    static const double mrr10[EVALUATE_REFERENCES] = {0.0003, 0.0123, 0.0195, 0.0363};
    const char *folder = getenv("MOVIELENS_DIR");
    const struct dataset_options options = {0};
    struct dataset data;
    struct evaluate_split split;
    if (folder == NULL || dataset_load(folder, &options, &data, NULL, NULL) != ERR_OK) {
        (void)fprintf(stderr, "evaluate: no MOVIELENS_DIR, synthetic data only\n");
        return;
    }
    (void)fprintf(stderr, "evaluate: the data of MOVIELENS_DIR\n");
    evaluate_split_init(&split, &data.ratings, 1, 0, 1);
    struct evaluate_person *people = mem_array((size_t)split.people, sizeof *people);
    for (int r = 0; r < EVALUATE_REFERENCES && data.ratings.users == 610; r++) {
        evaluate_reference_people(&split, (enum evaluate_reference)r, 1, &(struct parallel){2},
                                  people);
        struct evaluate_hit got = evaluate_mean(people, split.people);
        const char *name = evaluate_reference_name((enum evaluate_reference)r);
        /* Only the factors of ALS depend on a seed. */
        double slack = r == EVALUATE_ALS ? 0.008 : 0.001;
        cr_expect(fabs(got.hr10 - hr10[r]) < slack, "%s: HR@10 %g", name, got.hr10);
        cr_expect(fabs(got.mrr10 - mrr10[r]) < slack, "%s: MRR@10 %g", name, got.mrr10);
    }
    mem_free(people);
    evaluate_split_deinit(&split);
    dataset_deinit(&data);
}
