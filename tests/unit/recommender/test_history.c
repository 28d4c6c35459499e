#include "recommender/history.h"

#include <criterion/criterion.h>

static struct posted_rating rating(int32_t user, int32_t movie, uint8_t half_stars)
{
    return (struct posted_rating){user, movie, half_stars, 100 + movie};
}

static void add(struct history *history, int32_t user, int32_t movie, uint8_t half_stars)
{
    struct posted_rating one = rating(user, movie, half_stars);
    history_add(history, &one);
}

Test(history, keeps_every_persons_films_apart)
{
    struct history *history = history_new(1 << 16);
    struct posted_rating got[HISTORY_PERSON_MAX];
    for (int32_t user = 0; user < 20000; user++) {
        for (int32_t film = 0; film < user % 5; film++) {
            add(history, user, film, 6);
        }
    }
    for (int32_t user = 0; user < 20000; user++) {
        size_t count = history_read(history, user, got);
        cr_assert(count == (size_t)(user % 5), "person %d: %zu", user, count);
        for (size_t i = 0; i < count; i++) {
            cr_assert(got[i].user_id == user && got[i].movie_id == (int32_t)i);
            cr_assert(got[i].time_s == 100 + (int32_t)i && got[i].half_stars == 6);
        }
    }
    cr_expect(history_read(history, 20001, got) == 0);
    cr_expect(history_count(history) == 40000);
    history_free(history);
}

Test(history, a_film_rated_again_replaces_its_rating)
{
    struct history *history = history_new(16);
    struct posted_rating got[HISTORY_PERSON_MAX];
    add(history, 1, 5, 2);
    add(history, 1, 6, 3);
    add(history, 1, 5, 9);
    cr_assert(history_read(history, 1, got) == 2);
    cr_expect(got[0].movie_id == 6 && got[0].half_stars == 3);
    cr_expect(got[1].movie_id == 5 && got[1].half_stars == 9);
    add(history, 1, 5, 1);
    cr_assert(history_read(history, 1, got) == 2);
    cr_expect(got[1].movie_id == 5 && got[1].half_stars == 1, "the third time, too");
    history_free(history);
}

Test(history, the_oldest_ratings_are_forgotten_first)
{
    struct history *history = history_new(64);
    struct posted_rating got[HISTORY_PERSON_MAX];
    for (int32_t n = 0; n < 1000; n++) {
        add(history, n % 3, n, 7);
        size_t kept = 0;
        for (int32_t user = 0; user < 3; user++) {
            size_t count = history_read(history, user, got);
            for (size_t i = 0; i < count; i++) {
                cr_assert(got[i].movie_id > n - 64 && got[i].movie_id <= n);
            }
            kept += count;
        }
        cr_assert(kept == (size_t)(n < 64 ? n + 1 : 64), "%zu kept of %d", kept, n + 1);
        cr_assert(history_count(history) == kept);
    }
    history_free(history);
}

Test(history, of_one_person_the_newest_ratings_are_read)
{
    struct history *history = history_new(1 << 14);
    struct posted_rating got[HISTORY_PERSON_MAX];
    for (int32_t film = 0; film < 3 * HISTORY_PERSON_MAX; film++) {
        add(history, 1, film, 6);
    }
    cr_assert(history_read(history, 1, got) == HISTORY_PERSON_MAX);
    for (int32_t i = 0; i < HISTORY_PERSON_MAX; i++) {
        cr_assert(got[i].movie_id == 2 * HISTORY_PERSON_MAX + i);
    }
    history_free(history);
}

/* Bounded memory whatever comes: a million people through a ring of 1024. */
Test(history, a_million_people_need_no_more_memory)
{
    struct history *history = history_new(1024);
    struct posted_rating got[HISTORY_PERSON_MAX];
    for (int32_t user = 0; user < 1000000; user++) {
        add(history, user, user % 50, 5);
    }
    cr_expect(history_count(history) == 1024);
    cr_expect(history_read(history, 0, got) == 0);
    cr_expect(history_read(history, 999999, got) == 1);
    history_free(history);
}
