#include "recommender/corpus.h"

#include "taste_world.h"

#include <criterion/criterion.h>

static struct corpus first_corpus(int64_t newest_s)
{
    struct dataset data;
    struct corpus corpus;
    taste_data(&data, 0, newest_s, 1);
    corpus_take(&corpus, &data);
    dataset_deinit(&data);
    return corpus;
}

static const struct posted_rating posted[] = {
    {.user_id = 5000, .movie_id = 17, .half_stars = 3, .time_s = 2000},
    {.user_id = 1, .movie_id = 999999, .half_stars = 3, .time_s = 2001},
    {.user_id = 5000, .movie_id = 7, .half_stars = 8, .time_s = 1500},
    {.user_id = 5000, .movie_id = 17, .half_stars = 10, .time_s = 2500},
};

Test(corpus, taking_moves_films_and_ratings)
{
    struct corpus corpus = first_corpus(1000);
    cr_expect(corpus.catalogue.count == TASTE_FILMS);
    cr_expect(corpus.ratings.count == TASTE_USERS * TASTE_EACH);
    cr_expect(corpus.newest_s == 1000);
    corpus_deinit(&corpus);
}

Test(corpus, posted_ratings_join_in_order_of_time_and_the_newest_of_a_film_stays)
{
    struct corpus former = first_corpus(1000), joined;
    corpus_join(&joined, &former, NULL, posted, 4);
    int32_t user = ratings_user(&joined.ratings, 5000);
    cr_assert(user >= 0);
    int64_t first = joined.ratings.start[user];
    cr_assert(joined.ratings.start[user + 1] - first == 2);
    cr_expect(joined.catalogue.id[joined.ratings.item[first]] == 7);
    cr_expect(joined.catalogue.id[joined.ratings.item[first + 1]] == 17);
    cr_expect(joined.ratings.half_stars[first + 1] == 10);
    cr_expect(joined.newest_s == 2500);
    cr_expect(joined.ratings.count == former.ratings.count + 2, "the unknown film is left out");
    cr_expect(ratings_user(&joined.ratings, 1) >= 0);
    corpus_deinit(&joined);
    corpus_deinit(&former);
}

Test(corpus, the_same_data_joined_again_add_nothing)
{
    struct corpus former = first_corpus(1000), joined;
    struct dataset again;
    taste_data(&again, 0, 1000, 1);
    corpus_join(&joined, &former, &again, NULL, 0);
    cr_expect(joined.ratings.count == former.ratings.count);
    cr_expect(joined.catalogue.count == former.catalogue.count);
    for (int64_t i = 0; i < joined.ratings.count; i++) {
        cr_assert(joined.ratings.item[i] == former.ratings.item[i], "rating %d", (int)i);
    }
    corpus_deinit(&joined);
    corpus_deinit(&former);
    dataset_deinit(&again);
}

Test(corpus, further_data_bring_their_own_films_people_and_genres)
{
    struct corpus former = first_corpus(1000), joined;
    struct dataset further;
    taste_data(&further, 0, 5000, 2);
    for (int32_t f = 0; f < TASTE_FILMS; f++) {
        further.catalogue.id[f] += f % 2; /* odd films are new ones */
    }
    mem_free(further.catalogue.genre_name[1]);
    further.catalogue.genre_name[1] = mem_text("New");
    for (int32_t u = 0; u < TASTE_USERS; u++) {
        further.ratings.user_id[u] += TASTE_USERS / 2;
    }
    corpus_join(&joined, &former, &further, NULL, 0);
    cr_expect(joined.catalogue.count == TASTE_FILMS + TASTE_FILMS / 2);
    cr_expect(joined.catalogue.genre_count == 3);
    cr_expect(joined.ratings.users == TASTE_USERS + TASTE_USERS / 2);
    for (int32_t f = 1; f < joined.catalogue.count; f++) {
        cr_assert(joined.catalogue.id[f - 1] < joined.catalogue.id[f]);
    }
    int32_t film = catalogue_index(&joined.catalogue, taste_movie_id(1) + 1);
    cr_assert(film >= 0);
    cr_expect_str_eq(joined.catalogue.genre_name[2], "New");
    cr_expect(joined.catalogue.genres[film] == 4);
    for (int32_t u = 0; u < joined.ratings.users; u++) {
        for (int64_t i = joined.ratings.start[u] + 1; i < joined.ratings.start[u + 1]; i++) {
            cr_assert(joined.ratings.time_s[i - 1] <= joined.ratings.time_s[i]);
        }
    }
    corpus_deinit(&joined);
    corpus_deinit(&former);
    dataset_deinit(&further);
}

Test(corpus, tags_go_with_their_films_through_a_join)
{
    struct corpus former = first_corpus(1000), joined, again;
    struct tags_builder builder = {0};
    cr_assert(tags_builder_add(&builder, 1, "space", 5, 2));
    tags_builder_finish(&builder, former.catalogue.count, &former.tags);
    struct dataset further;
    taste_data(&further, 0, 5000, 2);
    for (int32_t f = 0; f < TASTE_FILMS; f++) {
        further.catalogue.id[f] -= f % 2; /* new films before the odd ones */
    }
    cr_assert(tags_builder_add(&builder, 0, "robots", 6, 1));
    tags_builder_finish(&builder, further.catalogue.count, &further.tags);
    corpus_join(&joined, &former, &further, NULL, 0);
    int32_t film = catalogue_index(&joined.catalogue, former.catalogue.id[1]);
    cr_assert(film > 1);
    cr_assert_eq(joined.tags.count, 2);
    cr_expect_eq(joined.tags.films, joined.catalogue.count);
    cr_expect_str_eq(joined.tags.text[joined.tags.name[joined.tags.start[film]]], "space");
    cr_expect_str_eq(joined.tags.text[joined.tags.name[joined.tags.start[0]]], "robots");
    corpus_join(&again, &joined, &further, NULL, 0);
    cr_expect_eq(again.tags.count, 2);
    cr_expect_eq(again.tags.times[1], 2, "the same data joined again add nothing");
    cr_expect_eq(again.tags.times[0], 1);
    corpus_deinit(&again);
    corpus_deinit(&joined);
    corpus_deinit(&former);
    dataset_deinit(&further);
}
