#include "recommender/lessons.h"

#include "recommender/features.h"
#include "taste_world.h"

#include <criterion/criterion.h>
#include <math.h>

static const int64_t newest_s = 1600000000;

static void world(struct corpus *corpus)
{
    struct dataset data;
    taste_data(&data, 0, newest_s, 1);
    corpus_take(corpus, &data);
    dataset_deinit(&data);
}

static bool same_ratings(const struct ratings *a, const struct ratings *b)
{
    size_t count = (size_t)a->count;
    return a->count == b->count && a->users == b->users &&
           memcmp(a->start, b->start, ((size_t)a->users + 1) * sizeof *a->start) == 0 &&
           memcmp(a->item, b->item, count * sizeof *a->item) == 0 &&
           memcmp(a->half_stars, b->half_stars, count) == 0 &&
           memcmp(a->time_s, b->time_s, count * sizeof *a->time_s) == 0;
}

Test(lessons, the_latest_choices_of_everybody_are_held_out_and_nothing_else)
{
    struct corpus corpus;
    struct lessons lessons;
    world(&corpus);
    lessons_init(&lessons, &corpus.ratings, 2, 1000000, INT64_MIN, 1);
    cr_assert(lessons.count == 2 * TASTE_USERS);
    cr_expect(lessons.before.count == corpus.ratings.count - lessons.count);
    for (int32_t l = 0; l < lessons.count; l++) {
        const struct lesson *lesson = &lessons.lesson[l];
        cr_expect(lesson->user == l / 2);
        cr_expect(lesson->at == corpus.ratings.start[lesson->user + 1] - 2 + l % 2);
    }
    lessons_deinit(&lessons);
    corpus_deinit(&corpus);
}

Test(lessons, a_person_gives_an_eighth_of_their_ratings_at_most)
{
    struct corpus corpus;
    struct lessons lessons;
    world(&corpus);
    lessons_init(&lessons, &corpus.ratings, 100, 1000000, INT64_MIN, 1);
    cr_expect(lessons.count == TASTE_USERS * (TASTE_EACH / 8));
    lessons_deinit(&lessons);
    corpus_deinit(&corpus);
}

Test(lessons, about_as_many_as_wanted_come_from_people_drawn_by_the_seed)
{
    struct corpus corpus;
    struct lessons lessons, again, other;
    world(&corpus);
    lessons_init(&lessons, &corpus.ratings, 3, 180, INT64_MIN, 1);
    lessons_init(&again, &corpus.ratings, 3, 180, INT64_MIN, 1);
    lessons_init(&other, &corpus.ratings, 3, 180, INT64_MIN, 2);
    cr_expect(lessons.count > 110 && lessons.count < 250, "%d", lessons.count);
    cr_expect(same_ratings(&lessons.before, &again.before));
    cr_expect(!same_ratings(&lessons.before, &other.before));
    lessons_deinit(&lessons);
    lessons_deinit(&again);
    lessons_deinit(&other);
    corpus_deinit(&corpus);
}

Test(lessons, what_a_former_model_has_learned_from_is_no_lesson)
{
    struct corpus corpus;
    struct lessons lessons;
    world(&corpus);
    /* The last rating of everybody is of newest_s, the one before a second older. */
    lessons_init(&lessons, &corpus.ratings, 3, 1000000, newest_s - 1, 1);
    cr_expect(lessons.count == TASTE_USERS, "%d", lessons.count);
    lessons_deinit(&lessons);
    lessons_init(&lessons, &corpus.ratings, 3, 1000000, newest_s, 1);
    cr_expect(lessons.count == 0 && lessons.before.count == corpus.ratings.count);
    lessons_deinit(&lessons);
    corpus_deinit(&corpus);
}

Test(lessons, the_film_held_out_leaves_no_trace_in_what_is_learned_from)
{
    struct corpus corpus;
    struct lessons lessons, changed;
    world(&corpus);
    lessons_init(&lessons, &corpus.ratings, 3, 200, INT64_MIN, 1);
    for (int32_t l = 0; l < lessons.count; l++) {
        int64_t at = lessons.lesson[l].at;
        corpus.ratings.item[at] = (corpus.ratings.item[at] + 1 + l) % TASTE_FILMS;
        corpus.ratings.half_stars[at] = (uint8_t)(1 + l % 10);
    }
    lessons_init(&changed, &corpus.ratings, 3, 200, INT64_MIN, 1);
    cr_expect(same_ratings(&lessons.before, &changed.before));
    lessons_deinit(&lessons);
    lessons_deinit(&changed);
    corpus_deinit(&corpus);
}

/* A model of what was before, with the ratings of the lessons; freed by free_before. */
static struct model *train_before(const struct lessons *lessons, const struct corpus *whole)
{
    struct dataset data;
    struct corpus corpus;
    struct train_config config = taste_config();
    taste_data(&data, 0, newest_s, 1);
    corpus_take(&corpus, &data);
    dataset_deinit(&data);
    cr_assert(corpus.ratings.count == whole->ratings.count);
    for (int32_t u = 0; u <= corpus.ratings.users; u++) {
        corpus.ratings.start[u] = lessons->before.start[u];
    }
    for (int64_t i = 0; i < lessons->before.count; i++) {
        corpus.ratings.item[i] = lessons->before.item[i];
        corpus.ratings.half_stars[i] = lessons->before.half_stars[i];
        corpus.ratings.time_s[i] = lessons->before.time_s[i];
    }
    corpus.ratings.count = lessons->before.count;
    config.lessons_max = 0;
    return train_model(&config, &corpus, NULL, NULL, NULL);
}

Test(lessons, the_film_chosen_comes_first_among_what_the_sources_proposed)
{
    struct corpus corpus;
    struct lessons lessons;
    struct lessons_choices one, three;
    const struct parallel threads[] = {{1}, {3}};
    world(&corpus);
    lessons_init(&lessons, &corpus.ratings, 3, 1000000, INT64_MIN, 1);
    struct model *model = train_before(&lessons, &corpus);
    lessons_choices(&lessons, model, &corpus.ratings, &threads[0], &one);
    lessons_choices(&lessons, model, &corpus.ratings, &threads[1], &three);
    cr_assert(one.choices.count > 0 && one.choices.count + one.missed == lessons.count);
    size_t numbers = (size_t)one.choices.start[one.choices.count] * FEATURE_COUNT;
    cr_assert(three.choices.count == one.choices.count);
    cr_expect(memcmp(one.feature, three.feature, numbers * sizeof(float)) == 0);
    for (size_t i = 0; i < numbers; i++) {
        cr_assert(isfinite(one.feature[i]), "feature %zu", i % FEATURE_COUNT);
    }
    /* All films are candidates here, and people of one taste choose what the towers rank well. */
    double chosen = 0, rest = 0, rows = 0;
    for (int64_t c = 0; c < one.choices.count; c++) {
        for (int64_t r = one.choices.start[c]; r < one.choices.start[c + 1]; r++) {
            double base = (double)one.feature[r * FEATURE_COUNT + FEATURE_BASE_Z];
            if (r == one.choices.start[c]) {
                chosen += base / (double)one.choices.count;
            } else {
                rest += base;
                rows += 1;
            }
        }
    }
    cr_expect(chosen > rest / rows + 0.3, "%g against %g", chosen, rest / rows);
    lessons_choices_deinit(&one);
    lessons_choices_deinit(&three);
    model_free(model);
    lessons_deinit(&lessons);
    corpus_deinit(&corpus);
}
