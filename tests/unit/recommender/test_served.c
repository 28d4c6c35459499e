#include "recommender/served.h"

#include <criterion/criterion.h>
#include <string.h>

#define WINDOW_NS INT64_C(1000)
#define NOW_NS INT64_C(5000)

static const struct served_place list[3] = {
    {10, SOURCE_BASE}, {20, SOURCE_SIMILAR}, {30, SOURCE_POPULAR}};

Test(served, a_rating_is_attributed_to_source_and_place)
{
    struct served *served = served_new(16, 16, WINDOW_NS, 1);
    char id[SERVED_ID_SIZE];
    served_add(served, 5, list, 3, NOW_NS, id);
    for (int i = 0; i < 3; i++) {
        struct attribution got = served_rate(served, 5, list[i].movie_id, 8, id, NOW_NS);
        cr_expect(got.attributed && got.source == list[i].source && got.rank == i + 1, "%d", i);
    }
    served_free(served);
}

Test(served, without_an_id_the_latest_list_of_the_person_counts)
{
    struct served *served = served_new(16, 16, WINDOW_NS, 1);
    char id[SERVED_ID_SIZE];
    const struct served_place later[1] = {{20, SOURCE_POPULAR}};
    served_add(served, 5, list, 3, NOW_NS, id);
    served_add(served, 5, later, 1, NOW_NS, id);
    struct attribution got = served_rate(served, 5, 20, 8, "", NOW_NS);
    cr_expect(got.attributed && got.source == SOURCE_POPULAR && got.rank == 1);
    cr_expect(!served_rate(served, 5, 10, 8, "", NOW_NS).attributed, "was in the list before");
    cr_expect(!served_rate(served, 6, 20, 8, "", NOW_NS).attributed, "asked for no list");
    served_free(served);
}

Test(served, a_list_converts_once_by_its_first_rating_of_three_stars_or_more)
{
    static const struct {
        const char *name;
        uint8_t half_stars[3];
        bool converts[3];
    } rows[] = {
        {"good at once", {6, 10, 8}, {true, false, false}},
        {"bad, then good", {5, 6, 10}, {false, true, false}},
        {"never good", {5, 1, 3}, {false, false, false}},
    };
    struct served *served = served_new(16, 16, WINDOW_NS, 1);
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        char id[SERVED_ID_SIZE];
        served_add(served, 5, list, 3, NOW_NS, id);
        for (int i = 0; i < 3; i++) {
            struct attribution got =
                served_rate(served, 5, list[2 - i].movie_id, rows[r].half_stars[i], id, NOW_NS);
            cr_expect(got.converts == rows[r].converts[i], "%s, rating %d", rows[r].name, i);
            cr_expect(got.first == (i == 0), "%s, rating %d", rows[r].name, i);
        }
    }
    served_free(served);
}

Test(served, foreign_forgotten_and_malformed_ids_are_not_attributed)
{
    struct served *served = served_new(4, 4, WINDOW_NS, 1);
    struct served *other_run = served_new(4, 4, WINDOW_NS, 2);
    char id[SERVED_ID_SIZE], first[SERVED_ID_SIZE], foreign[SERVED_ID_SIZE];
    served_add(served, 5, list, 3, NOW_NS, first);
    served_add(other_run, 5, list, 3, NOW_NS, foreign);
    cr_expect(!served_rate(served, 6, 10, 8, first, NOW_NS).attributed, "somebody else's list");
    cr_expect(!served_rate(served, 5, 40, 8, first, NOW_NS).attributed, "a film not shown");
    cr_expect(!served_rate(served, 5, 10, 8, foreign, NOW_NS).attributed, "an id of another run");
    static const char *const malformed[] = {"x", "0000000000000000", "00000000000000001",
                                            "ABCDEFABCDEFABCD", " 000000000000001"};
    for (size_t i = 0; i < sizeof malformed / sizeof malformed[0]; i++) {
        cr_expect(!served_rate(served, 5, 10, 8, malformed[i], NOW_NS).attributed, "%s",
                  malformed[i]);
    }
    cr_expect(served_rate(served, 5, 10, 8, first, NOW_NS).attributed, "still there");
    for (int i = 0; i < 4; i++) {
        served_add(served, 7, list, 3, NOW_NS, id);
    }
    cr_expect(!served_rate(served, 5, 10, 8, first, NOW_NS).attributed, "its place was reused");
    cr_expect(!served_rate(served, 5, 10, 8, "", NOW_NS).attributed, "its place was reused");
    served_free(served);
    served_free(other_run);
}

Test(served, memory_is_bounded_however_many_people_ask)
{
    struct served *served = served_new(64, 64, WINDOW_NS, 1);
    char id[SERVED_ID_SIZE];
    for (int32_t user = 0; user < 100000; user++) {
        served_add(served, user, list, 3, NOW_NS, id);
        cr_assert(served_rate(served, user, 10, 8, "", NOW_NS).first, "person %d", user);
    }
    cr_expect(!served_rate(served, 0, 10, 8, "", NOW_NS).attributed);
    served_free(served);
}

Test(served, ratings_of_old_and_forgotten_lists_are_late)
{
    struct served *served = served_new(4, 4, WINDOW_NS, 1);
    char id[SERVED_ID_SIZE], next[SERVED_ID_SIZE];
    served_add(served, 5, list, 3, NOW_NS, id);
    struct attribution got = served_rate(served, 5, 10, 8, id, NOW_NS + WINDOW_NS + 1);
    cr_expect(got.late && !got.attributed, "after the window");
    got = served_rate(served, 5, 10, 8, "", NOW_NS + WINDOW_NS + 1);
    cr_expect(got.late && !got.attributed, "the latest list, after the window");
    got = served_rate(served, 5, 40, 8, id, NOW_NS + WINDOW_NS + 1);
    cr_expect(!got.late && !got.attributed, "a film that was not in it is of no list");
    got = served_rate(served, 5, 10, 8, id, NOW_NS + WINDOW_NS);
    cr_expect(!got.late && got.attributed && got.first && got.converts,
              "at the end of the window; the late one before has marked nothing");
    memcpy(next, id, sizeof next);
    next[SERVED_ID_SIZE - 2]++;
    got = served_rate(served, 5, 10, 8, next, NOW_NS);
    cr_expect(!got.late && !got.attributed, "a list that was never served");
    for (int i = 0; i < 4; i++) {
        served_add(served, 7, list, 3, NOW_NS, next);
    }
    got = served_rate(served, 5, 10, 8, id, NOW_NS);
    cr_expect(got.late && !got.attributed, "its place was reused");
    got = served_rate(served, 5, 10, 8, "", NOW_NS);
    cr_expect(!got.late && !got.attributed, "whether it was in the latest list is not known");
    served_free(served);
}
