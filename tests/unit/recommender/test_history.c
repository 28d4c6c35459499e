#include "recommender/history.h"

#include "base/mem.h"

#include <criterion/criterion.h>

static struct posted_rating rating(int32_t user, int32_t movie, uint8_t half_stars)
{
    return (struct posted_rating){user, movie, half_stars, 100};
}

static size_t count_of(struct history *history, int32_t user)
{
    struct history_copy copy;
    cr_assert(history_copy(history, user, &copy));
    size_t count = copy.count;
    history_copy_deinit(&copy);
    return count;
}

Test(history, keeps_every_persons_films_apart)
{
    struct history *history = history_new();
    for (int32_t user = 0; user < 20000; user++) {
        for (int32_t film = 0; film < user % 5; film++) {
            struct posted_rating one = rating(user, film, 6);
            cr_assert(history_add(history, &one));
        }
    }
    for (int32_t user = 0; user < 20000; user++) {
        cr_assert(count_of(history, user) == (size_t)(user % 5), "person %d", user);
    }
    cr_expect(count_of(history, 20001) == 0);
    history_free(history);
}

Test(history, a_film_rated_again_replaces_its_rating)
{
    struct history *history = history_new();
    struct posted_rating ratings[] = {rating(1, 5, 2), rating(1, 6, 3), rating(1, 5, 9)};
    struct history_copy copy;
    for (int i = 0; i < 3; i++) {
        cr_assert(history_add(history, &ratings[i]));
    }
    cr_assert(history_copy(history, 1, &copy));
    cr_assert(copy.count == 2);
    cr_expect(copy.ratings[0].movie_id == 6 && copy.ratings[1].half_stars == 9);
    history_copy_deinit(&copy);
    history_free(history);
}

Test(history, long_histories_are_copied_whole)
{
    struct history *history = history_new();
    struct history_copy copy;
    for (int32_t film = 0; film < 1000; film++) {
        struct posted_rating one = rating(1, film, 6);
        cr_assert(history_add(history, &one));
    }
    cr_assert(history_copy(history, 1, &copy));
    cr_assert(copy.count == 1000);
    for (int32_t film = 0; film < 1000; film++) {
        cr_expect(copy.ratings[film].movie_id == film);
    }
    history_copy_deinit(&copy);
    history_free(history);
}

Test(history, exhausted_memory_is_told_and_loses_nothing)
{
    struct history *history = history_new();
    struct posted_rating one = rating(1, 5, 6), two = rating(2, 5, 6);
    cr_assert(history_add(history, &one));
    mem_fail_after(1);
    cr_expect(!history_add(history, &two));
    mem_fail_after(0);
    cr_expect(count_of(history, 1) == 1);
    cr_expect(count_of(history, 2) == 0);
    cr_expect(history_add(history, &two));
    cr_expect(count_of(history, 2) == 1);
    history_free(history);
}
