#include "recommender/train.h"

#include "recommender/recommend.h"
#include "taste_world.h"

#include <criterion/criterion.h>
#include <math.h>

static const int64_t now_s = 1700000000;

static int list_for(const struct model *model, int32_t user_id, const struct posted_rating *posted,
                    size_t posted_count, int n, struct ranker_place *places)
{
    struct recommend_scratch *scratch = recommend_scratch_new(model);
    cr_assert(scratch != NULL);
    int count = recommend_list(model, user_id, posted, posted_count, n, scratch, places);
    recommend_scratch_free(scratch);
    return count;
}

/* Share of list places, over all people, that hold a film of the group the person liked when
 * taste_data was called with `turned`. */
static double share_liked(const struct model *model, int turned)
{
    int liked = 0, places_seen = 0;
    for (int32_t user = 1; user <= TASTE_USERS; user++) {
        struct ranker_place places[10];
        int count = list_for(model, user, NULL, 0, 10, places);
        for (int p = 0; p < count; p++) {
            liked += places[p].item % 2 == (user + turned) % 2;
        }
        places_seen += count;
    }
    return (double)liked / places_seen;
}

Test(train, lists_follow_taste)
{
    struct model *model = taste_model(0, now_s, 1);
    cr_expect(share_liked(model, 0) > 0.8, "%g", share_liked(model, 0));
    model_free(model);
}

Test(train, a_film_already_rated_is_never_recommended)
{
    struct model *model = taste_model(0, now_s, 1);
    const struct ratings *ratings = &model->corpus.ratings;
    for (int32_t u = 0; u < ratings->users; u++) {
        struct ranker_place places[RECOMMEND_LENGTH_MAX];
        const struct posted_rating posted[] = {
            {ratings->user_id[u], taste_movie_id(0), 8, now_s},
            {ratings->user_id[u], taste_movie_id(1), 2, now_s},
        };
        int count = list_for(model, ratings->user_id[u], posted, 2, RECOMMEND_LENGTH_MAX, places);
        cr_assert(count == RECOMMEND_LENGTH_MAX);
        for (int p = 0; p < count; p++) {
            cr_expect(places[p].item > 1, "posted film for person %d", u);
            for (int64_t i = ratings->start[u]; i < ratings->start[u + 1]; i++) {
                cr_assert(places[p].item != ratings->item[i], "person %d", u);
            }
        }
    }
    model_free(model);
}

Test(train, somebody_unknown_gets_the_popular_films)
{
    struct model *model = taste_model(0, now_s, 1);
    struct ranker_place places[RECOMMEND_LENGTH_MAX];
    double mean = 0; /* low numbers are the popular films */
    cr_assert(list_for(model, 999999, NULL, 0, RECOMMEND_LENGTH_MAX, places) ==
              RECOMMEND_LENGTH_MAX);
    for (int p = 0; p < RECOMMEND_LENGTH_MAX; p++) {
        cr_expect(places[p].source == SOURCE_POPULAR);
        mean += (double)places[p].item / RECOMMEND_LENGTH_MAX;
    }
    cr_expect(mean < TASTE_FILMS / 4.0, "%g", mean);
    model_free(model);
}

Test(train, ratings_just_posted_by_somebody_unknown_bring_similar_films)
{
    struct model *model = taste_model(0, now_s, 1);
    struct posted_rating posted[6];
    struct ranker_place places[10];
    for (int32_t i = 0; i < 6; i++) {
        posted[i] = (struct posted_rating){999999, taste_movie_id(2 * i + 1), 10, now_s};
    }
    int count = list_for(model, 999999, posted, 6, 10, places), similar = 0, odd = 0;
    for (int p = 0; p < count; p++) {
        similar += places[p].source == SOURCE_SIMILAR;
        odd += places[p].source == SOURCE_SIMILAR && places[p].item % 2 == 1;
    }
    cr_expect(similar > 0 && odd == similar, "%d of %d", odd, similar);
    model_free(model);
}

static struct model *retrain(const struct model *former, double half_life_s)
{
    struct dataset later;
    struct corpus joined;
    struct train_config config = taste_config();
    config.half_life_s = half_life_s;
    taste_data(&later, 1, now_s, 2);
    corpus_join(&joined, &former->corpus, &later, NULL, 0);
    dataset_deinit(&later);
    return train_model(&config, &joined, former, NULL, NULL);
}

Test(train, retraining_on_later_data_turns_the_lists_towards_them)
{
    struct model *stale = taste_model(0, now_s - 120 * TASTE_DAY_S, 1);
    struct model *fresh = retrain(stale, 30.0 * (double)TASTE_DAY_S);
    double before = share_liked(stale, 1), after = share_liked(fresh, 1);
    cr_expect(before < 0.2 && after > 0.7, "%g, then %g", before, after);
    cr_expect(fresh->version == 2 && stale->version == 1);
    model_free(stale);
    model_free(fresh);
}

Test(train, popularity_counts_a_rating_half_after_a_half_life)
{
    struct model *old = taste_model(0, now_s - 30 * TASTE_DAY_S, 1);
    struct corpus joined;
    struct train_config config = taste_config();
    const struct posted_rating newest = {1, taste_movie_id(199), 8, now_s};
    corpus_join(&joined, &old->corpus, NULL, &newest, 1);
    struct model *aged = train_model(&config, &joined, old, NULL, NULL);
    for (int32_t f = 0; f < 20; f++) {
        cr_expect(fabs((double)aged->trending.weight[f] / (double)old->trending.weight[f] - 0.5) <
                      1e-3,
                  "film %d: %g of %g", f, (double)aged->trending.weight[f],
                  (double)old->trending.weight[f]);
    }
    model_free(old);
    model_free(aged);
}

static bool same_bits(const struct model *a, const struct model *b)
{
    const struct towers *towers = &a->retrieval.towers;
    size_t numbers = (size_t)towers->films * (size_t)towers->components;
    size_t pairs = (size_t)a->together.start[a->together.items];
    return memcmp(towers->item, b->retrieval.towers.item, numbers * sizeof(float)) == 0 &&
           memcmp(a->together.item, b->together.item, pairs * sizeof(int32_t)) == 0 &&
           memcmp(a->together.weight, b->together.weight, pairs * sizeof(float)) == 0 &&
           memcmp(&a->ranker, &b->ranker, sizeof a->ranker) == 0 &&
           memcmp(a->source_share, b->source_share, sizeof a->source_share) == 0;
}

Test(train, the_number_of_threads_changes_nothing)
{
    struct model *models[2];
    for (unsigned threads = 1; threads <= 2; threads++) {
        struct dataset data;
        struct corpus corpus;
        struct train_config config = taste_config();
        config.parallel.threads = threads;
        taste_data(&data, 0, now_s, 1);
        corpus_take(&corpus, &data);
        dataset_deinit(&data);
        models[threads - 1] = train_model(&config, &corpus, NULL, NULL, NULL);
    }
    cr_expect(same_bits(models[0], models[1]));
    model_free(models[0]);
    model_free(models[1]);
}

static bool stop_half_way(void *context, double share)
{
    *(double *)context = share;
    return share < 0.4;
}

Test(train, progress_can_stop_it)
{
    struct dataset data;
    struct corpus corpus;
    struct train_config config = taste_config();
    double share = 0;
    taste_data(&data, 0, now_s, 1);
    corpus_take(&corpus, &data);
    dataset_deinit(&data);
    cr_expect(train_model(&config, &corpus, NULL, stop_half_way, &share) == NULL);
    cr_expect(share >= 0.4 && share < 1);
}

Test(train, predictions_follow_the_film_and_the_person)
{
    struct model *model = taste_model(0, now_s, 1);
    for (int32_t f = 0; f < TASTE_FILMS; f++) {
        double stars = model_predict_stars(model, 999999, f);
        cr_assert(stars >= 0.5 && stars <= 5);
        cr_expect(fabs(stars - model->opinions.mean - (double)model->opinions.item_bias[f]) <
                      1e-6 ||
                  stars == 5);
    }
    model->opinions.user_bias[0] = -10;
    cr_expect(model_predict_stars(model, 1, 0) == 0.5, "never off the scale");
    model_free(model);
}
