#include "recommender/towers.h"

#include "base/mem.h"
#include "base/rng.h"
#include "recommender/evaluate.h"
#include "recommender/towers_train_int.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#define DAY_S INT64_C(86400)

enum { CROWDS = 6 };

/* People of six crowds, each with a sixth of the films of its own, popular ones more; or, with
 * `chain`, people who go through neighbouring films in order, from a random one on. */
static void make_corpus(struct corpus *out, int32_t users, int32_t films, int each, bool chain)
{
    size_t count = (size_t)users * (size_t)each;
    bool *rated = mem_array((size_t)films, sizeof *rated);
    *out = (struct corpus){.catalogue = {.count = films},
                           .ratings = {.users = users,
                                       .items = films,
                                       .user_id = mem_array((size_t)users, sizeof(int32_t)),
                                       .start = mem_zalloc((size_t)users + 1, sizeof(int64_t)),
                                       .item = mem_array(count, sizeof(int32_t)),
                                       .half_stars = mem_array(count, sizeof(uint8_t)),
                                       .time_s = mem_array(count, sizeof(int64_t))}};
    struct ratings *ratings = &out->ratings;
    for (int32_t u = 0; u < users; u++) {
        struct rng rng = rng_stream(8, (uint64_t)u, 1);
        int32_t film = (int32_t)rng_below(&rng, (uint32_t)films);
        memset(rated, 0, (size_t)films * sizeof *rated);
        ratings->user_id[u] = 3 * u + 1;
        for (int n = 0; n < each; n++) {
            film = (film + 1) % films;
            while (!chain && (rated[film] || film % CROWDS != u % CROWDS)) {
                film = (int32_t)(rng_uniform(&rng) * rng_uniform(&rng) * films);
            }
            rated[film] = true;
            ratings->item[ratings->count] = film;
            ratings->half_stars[ratings->count] = (uint8_t)(1 + rng_below(&rng, 10));
            ratings->time_s[ratings->count++] = 1000000 * DAY_S / 100 + n * DAY_S * (1 + u % 3);
        }
        ratings->start[u + 1] = ratings->count;
    }
    out->newest_s = 1000000 * DAY_S / 100 + each * DAY_S * 3;
    mem_free(rated);
}

static void corpus_free(struct corpus *corpus)
{
    ratings_deinit(&corpus->ratings);
}

static struct towers_config small_config(void)
{
    struct towers_config config = towers_defaults();
    config.factors = 8;
    config.negatives = 64;
    config.batch_targets = 128;
    config.targets_cold = 40000;
    config.epochs_cold = 6;
    return config;
}

static size_t history_of(const struct ratings *ratings, int32_t user, struct event *out)
{
    size_t count = 0;
    for (int64_t i = ratings->start[user]; i < ratings->start[user + 1]; i++) {
        out[count++] = (struct event){ratings->item[i], ratings->half_stars[i], ratings->time_s[i]};
    }
    return count;
}

/* A batch of a tiny training with random embeddings. */
struct tiny {
    struct corpus corpus;
    struct towers_config config;
    struct towers towers;
    struct parallel one;
    struct towers_training training;
    struct towers_batch batch;
};

static void tiny_init(struct tiny *tiny, double half_life_s)
{
    enum { USERS = 6, FILMS = 40, EACH = 9 };
    make_corpus(&tiny->corpus, USERS, FILMS, EACH, true);
    tiny->config = small_config();
    tiny->config.half_life_s = half_life_s;
    tiny->one = (struct parallel){1};
    towers_init(&tiny->towers, FILMS, tiny->config.factors);
    tiny->towers.half_life_s = half_life_s;
    tiny->towers.slow_floor = 0.3;
    tiny->towers.slow_offset = 2;
    tiny->towers.slow_power = 0.6;
    tiny->towers.fast_decay = 0.7;
    tiny->training = (struct towers_training){.config = &tiny->config,
                                              .ratings = &tiny->corpus.ratings,
                                              .newest_s = tiny->corpus.newest_s,
                                              .parallel = &tiny->one,
                                              .towers = &tiny->towers,
                                              .k = tiny->config.factors};
    towers_training_init(&tiny->training);
    towers_start_draws(&tiny->training);
    struct rng rng = rng_stream(2, 2, 2);
    for (int c = 0; c < FILMS * tiny->config.factors; c++) {
        tiny->training.item.value[c] = (float)rng_normal(&rng);
        tiny->towers.slow[c] = (float)(0.5 * rng_normal(&rng));
        tiny->towers.fast[c] = (float)(0.5 * rng_normal(&rng));
    }
    for (int32_t u = 0; u < USERS; u++) {
        tiny->training.order[u] = u;
    }
    tiny->training.choices_max = 5;
    towers_batch_init(&tiny->batch, &tiny->training);
    int32_t end = towers_batch_take(&tiny->batch, &tiny->training, 0);
    cr_assert_eq(end, USERS);
    cr_assert_eq(tiny->batch.choices, USERS * 5);
}

static void tiny_deinit(struct tiny *tiny)
{
    towers_batch_deinit(&tiny->batch);
    towers_training_deinit(&tiny->training);
    towers_deinit(&tiny->towers);
    corpus_free(&tiny->corpus);
}

static double tiny_loss(struct tiny *tiny)
{
    double loss = 0;
    towers_batch_gradients(&tiny->training, &tiny->batch, 3, 4);
    for (int32_t s = 0; s < tiny->batch.slices; s++) {
        loss += tiny->batch.slice_loss[s];
    }
    return loss;
}

/* gradient[film x width] = sum of the rows of each film */
static void gather(const struct towers_rows *rows, const float *gradients, int width, float *out)
{
    for (int32_t n = 0; n < rows->touched; n++) {
        for (int32_t r = rows->first[n]; r < rows->first[n + 1]; r++) {
            for (int j = 0; j < width; j++) {
                out[rows->film[n] * width + j] += gradients[rows->row[r] * width + j];
            }
        }
    }
}

static void check_gradients(struct tiny *tiny, const char *name)
{
    enum { K = 8, FILMS = 40 };
    static float item[FILMS * K], slow[FILMS * K], fast[FILMS * K], bias[FILMS];
    float *const gathered[] = {item, slow, fast, bias};
    for (int g = 0; g < 4; g++) {
        memset(gathered[g], 0, (g < 3 ? sizeof item : sizeof bias));
    }
    tiny_loss(tiny);
    gather(&tiny->batch.choices_of, tiny->batch.item_gradient, K, item);
    gather(&tiny->batch.choices_of, tiny->batch.bias_gradient, 1, bias);
    gather(&tiny->batch.events_of, tiny->batch.slow_gradient, K, slow);
    gather(&tiny->batch.events_of, tiny->batch.fast_gradient, K, fast);
    const struct {
        const char *name;
        float *value, *gradient;
        int count;
    } parts[] = {{"item", tiny->training.item.value, item, FILMS * K},
                 {"slow", tiny->towers.slow, slow, FILMS * K},
                 {"fast", tiny->towers.fast, fast, FILMS * K},
                 {"bias", tiny->training.bias.value, bias, FILMS}};
    for (size_t p = 0; p < sizeof parts / sizeof *parts; p++) {
        double size = 0, error = 0;
        for (int c = 0; c < parts[p].count; c++) {
            float at = parts[p].value[c];
            volatile float above = at + 0.02f, below = at - 0.02f;
            parts[p].value[c] = above;
            double up = tiny_loss(tiny);
            parts[p].value[c] = below;
            double slope = (up - tiny_loss(tiny)) / ((double)above - (double)below);
            parts[p].value[c] = at;
            error = fmax(error, fabs(slope - (double)parts[p].gradient[c]));
            size = fmax(size, fabs(slope));
        }
        cr_expect_gt(size, 0.05, "%s, %s: nothing to learn", name, parts[p].name);
        cr_expect_lt(error, 0.01 * size + 2e-3, "%s, %s: off by %g of %g", name, parts[p].name,
                     error, size);
    }
}

Test(towers, gradients_agree_with_finite_differences)
{
    struct tiny tiny;
    tiny_init(&tiny, 0);
    check_gradients(&tiny, "no ageing");
    tiny_deinit(&tiny);
    tiny_init(&tiny, 3.0 * DAY_S);
    check_gradients(&tiny, "half-life of three days");
    tiny_deinit(&tiny);
}

Test(towers, a_stranger_with_the_same_history_gets_the_vector_that_was_trained)
{
    struct tiny tiny;
    struct event history[16];
    float vector[TOWERS_COMPONENTS_MAX];
    tiny_init(&tiny, 3.0 * DAY_S);
    tiny_loss(&tiny);
    for (int32_t p = 0; p < tiny.batch.people; p++) {
        history_of(&tiny.corpus.ratings, tiny.batch.person[p], history);
        for (int32_t r = tiny.batch.choice_first[p]; r < tiny.batch.choice_first[p + 1]; r++) {
            int32_t place = tiny.batch.choice_place[r];
            cr_expect_eq(history[place].item, tiny.batch.choice_film[r]);
            towers_user(&tiny.towers, history, (size_t)place, vector);
            for (int j = 0; j < tiny.towers.factors; j++) { /* summed in another order */
                float trained = tiny.batch.user[r * tiny.towers.factors + j];
                cr_expect_float_eq(vector[j], trained, 1e-5F, "row %d, component %d", r, j);
            }
            cr_expect_eq(vector[tiny.towers.factors], 1);
        }
    }
    towers_user(&tiny.towers, NULL, 0, vector);
    for (int j = 0; j < tiny.towers.factors; j++) {
        cr_expect_eq(vector[j], 0);
    }
    cr_expect_eq(vector[tiny.towers.factors], 1, "popularity is for everybody");
    tiny_deinit(&tiny);
}

Test(towers, choices_are_places_of_the_history_in_order)
{
    struct tiny tiny;
    tiny_init(&tiny, 0);
    for (int32_t most = 1; most < 12; most++) {
        tiny.training.choices_max = most;
        towers_batch_take(&tiny.batch, &tiny.training, 0);
        tiny_loss(&tiny);
        for (int32_t p = 0; p < tiny.batch.people; p++) {
            int32_t last = 0;
            cr_expect_eq(tiny.batch.choice_first[p + 1] - tiny.batch.choice_first[p],
                         most < 8 ? most : 8);
            for (int32_t r = tiny.batch.choice_first[p]; r < tiny.batch.choice_first[p + 1]; r++) {
                cr_expect(tiny.batch.choice_place[r] > last && tiny.batch.choice_place[r] < 9);
                last = tiny.batch.choice_place[r];
            }
        }
    }
    tiny_deinit(&tiny);
}

static bool same(const struct towers *a, const struct towers *b)
{
    size_t cells = (size_t)a->films * (size_t)a->factors * sizeof(float);
    size_t of_items = (size_t)a->films * (size_t)a->components * sizeof(float);
    return a->films == b->films && a->factors == b->factors &&
           memcmp(a->item, b->item, of_items) == 0 && memcmp(a->slow, b->slow, cells) == 0 &&
           memcmp(a->fast, b->fast, cells) == 0;
}

Test(towers, the_same_seed_gives_the_same_bits_on_any_number_of_threads)
{
    struct corpus corpus;
    struct towers_config config = small_config();
    struct towers one, three, other;
    make_corpus(&corpus, 90, 120, 12, false);
    cr_assert(towers_train(&config, &corpus, NULL, NULL, &(struct parallel){1}, NULL, NULL, &one));
    cr_assert(
        towers_train(&config, &corpus, NULL, NULL, &(struct parallel){3}, NULL, NULL, &three));
    cr_expect(same(&one, &three));
    config.seed = 2;
    cr_assert(
        towers_train(&config, &corpus, NULL, NULL, &(struct parallel){1}, NULL, NULL, &other));
    cr_expect_not(same(&one, &other));
    towers_deinit(&one);
    towers_deinit(&three);
    towers_deinit(&other);
    corpus_free(&corpus);
}

struct scoring {
    const struct towers *towers;
    const struct ratings *ratings;
};

static void score_films(void *context, int32_t user, unsigned lane, float *score)
{
    const struct scoring *scoring = context;
    const struct towers *towers = scoring->towers;
    struct event history[64];
    float vector[TOWERS_COMPONENTS_MAX];
    (void)lane;
    towers_user(towers, history, history_of(scoring->ratings, user, history), vector);
    for (int32_t f = 0; f < towers->films; f++) {
        score[f] = 0;
        for (int j = 0; j < towers->components; j++) {
            score[f] += vector[j] * towers->item[f * towers->components + j];
        }
    }
}

static struct evaluate_hit train_and_evaluate(const struct corpus *corpus,
                                              struct evaluate_hit *popularity)
{
    struct towers_config config = small_config();
    struct evaluate_split split;
    struct towers towers;
    const struct parallel one = {1};
    evaluate_split_init(&split, &corpus->ratings, 1, 0, 1);
    const struct corpus train = {
        .catalogue = corpus->catalogue, .ratings = split.train, .newest_s = corpus->newest_s};
    struct evaluate_person *people = mem_array((size_t)split.people, sizeof *people);
    config.half_life_s = 0;
    cr_assert(towers_train(&config, &train, NULL, NULL, &one, NULL, NULL, &towers));
    evaluate_everybody(&split, score_films, &(struct scoring){&towers, &split.train}, &one, people);
    struct evaluate_hit hit = evaluate_mean(people, split.people);
    evaluate_reference_people(&split, EVALUATE_POPULARITY, 1, &one, people);
    *popularity = evaluate_mean(people, split.people);
    mem_free(people);
    towers_deinit(&towers);
    evaluate_split_deinit(&split);
    return hit;
}

Test(towers, taste_is_learned)
{
    struct corpus corpus;
    struct evaluate_hit popularity;
    make_corpus(&corpus, 300, 240, 16, false);
    struct evaluate_hit hit = train_and_evaluate(&corpus, &popularity);
    cr_expect_gt(hit.hr10, 2 * popularity.hr10, "HR@10 %g, popularity %g", hit.hr10,
                 popularity.hr10);
    cr_expect_gt(hit.mrr10, 2 * popularity.mrr10, "MRR@10 %g, popularity %g", hit.mrr10,
                 popularity.mrr10);
    corpus_free(&corpus);
}

Test(towers, the_order_of_a_history_is_learned)
{
    struct corpus corpus;
    struct evaluate_hit popularity;
    make_corpus(&corpus, 300, 60, 16, true);
    struct evaluate_hit hit = train_and_evaluate(&corpus, &popularity);
    /* Whoever knows the set but not the order finds two candidates, one at each end. */
    cr_expect_gt(hit.mrr10, 0.6, "MRR@10 %g", hit.mrr10);
    corpus_free(&corpus);
}

Test(towers, a_former_model_lends_its_numbers_film_by_film)
{
    struct corpus corpus;
    struct towers_config config = small_config();
    struct towers former, warm;
    int32_t former_film[60];
    const struct parallel one = {1};
    make_corpus(&corpus, 60, 60, 10, false);
    cr_assert(towers_train(&config, &corpus, NULL, NULL, &one, NULL, NULL, &former));
    for (int32_t f = 0; f < 60; f++) {
        former_film[f] = f == 7 ? -1 : 59 - f;
    }
    config.epochs_warm = 0;
    cr_assert(towers_train(&config, &corpus, &former, former_film, &one, NULL, NULL, &warm));
    for (int32_t f = 0; f < 60; f++) {
        for (int j = 0; j < 8; j++) {
            cr_expect_eq(warm.slow[f * 8 + j], f == 7 ? 0 : former.slow[(59 - f) * 8 + j]);
            cr_expect_eq(warm.item[f * 9 + j], f == 7 ? 0 : former.item[(59 - f) * 9 + j]);
        }
    }
    towers_deinit(&warm);
    config.epochs_warm = 2;
    cr_assert(towers_train(&config, &corpus, &former, former_film, &one, NULL, NULL, &warm));
    cr_expect_neq(warm.slow[0], former.slow[59 * 8], "training goes on");
    towers_deinit(&warm);
    towers_deinit(&former);
    corpus_free(&corpus);
}

struct watch {
    double last, stop_at;
    int calls;
};

static bool watched(void *context, double share)
{
    struct watch *watch = context;
    cr_expect(share >= watch->last && share <= 1, "%g after %g", share, watch->last);
    watch->last = share;
    watch->calls++;
    return share < watch->stop_at;
}

Test(towers, progress_rises_to_1_and_stops_the_training)
{
    struct corpus corpus;
    struct towers_config config = small_config();
    struct towers towers;
    const struct parallel one = {1};
    make_corpus(&corpus, 60, 60, 10, false);
    const double stops[] = {2, 0.1, 0.6};
    for (int s = 0; s < 3; s++) {
        struct watch watch = {.stop_at = stops[s]};
        bool done = towers_train(&config, &corpus, NULL, NULL, &one, watched, &watch, &towers);
        cr_expect_eq(done, s == 0, "stop at %g", stops[s]);
        cr_expect_gt(watch.calls, s == 0 ? 10 : 0);
        if (s == 0) {
            cr_expect_eq(watch.last, 1);
        } else {
            cr_expect_null(towers.item);
        }
        towers_deinit(&towers);
    }
    corpus_free(&corpus);
}

Test(towers, people_with_one_rating_and_films_without_any_do_no_harm)
{
    struct corpus corpus;
    struct towers_config config = small_config();
    struct towers towers;
    make_corpus(&corpus, 10, 60, 1, false);
    cr_assert(
        towers_train(&config, &corpus, NULL, NULL, &(struct parallel){1}, NULL, NULL, &towers));
    for (int32_t c = 0; c < towers.films * towers.components; c++) {
        cr_expect(isfinite(towers.item[c]));
    }
    towers_deinit(&towers);
    corpus_free(&corpus);
}
