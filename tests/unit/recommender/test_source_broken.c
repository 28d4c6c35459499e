#include "recommender/source_broken.h"

#include "base/mem.h"
#include "recommender/recommend.h"
#include "taste_world.h"

#include <criterion/criterion.h>

static int list_for(const struct model *model, int32_t user_id, const struct source_states *states,
                    struct candidates *candidates, struct ranker_place *places)
{
    struct recommend_scratch *scratch = recommend_scratch_new(model);
    recommend_scratch_break(scratch, states);
    int count = recommend_list(model, user_id, NULL, 0, 10, scratch, places);
    *candidates = *recommend_candidates(model, user_id, NULL, 0, scratch);
    recommend_scratch_free(scratch);
    return count;
}

Test(source_broken, an_empty_source_has_no_place_in_lists)
{
    struct model *model = taste_model(0, 1600000000, 1);
    struct candidates candidates;
    struct ranker_place places[10];
    for (int s = 0; s < SOURCE_COUNT; s++) {
        struct source_states states = {0};
        states.of[s] = SOURCE_EMPTY;
        int count = list_for(model, 5, &states, &candidates, places);
        cr_expect(count == 10, "the others fill the list: %d", count);
        cr_expect(candidates.count[s] == 0);
        cr_expect(candidates.count[(s + 1) % SOURCE_COUNT] > 0);
        for (int p = 0; p < count; p++) {
            cr_expect(places[p].source != (enum source)s, "%s", source_name((enum source)s));
        }
    }
    model_free(model);
}

static bool has_rated(const struct model *model, int32_t user, int32_t item)
{
    const struct ratings *ratings = &model->corpus.ratings;
    for (int64_t i = ratings->start[user]; i < ratings->start[user + 1]; i++) {
        if (ratings->item[i] == item) {
            return true;
        }
    }
    return false;
}

Test(source_broken, a_random_source_proposes_other_unseen_films_under_its_scores)
{
    struct model *model = taste_model(0, 1600000000, 1);
    struct candidates whole, broken;
    struct ranker_place places[10];
    list_for(model, 5, NULL, &whole, places);
    const struct source_states states = {.of[SOURCE_BASE] = SOURCE_RANDOM, .seed = 3};
    list_for(model, 5, &states, &broken, places);
    int count = broken.count[SOURCE_BASE], same = 0;
    cr_assert(count == whole.count[SOURCE_BASE]);
    for (int i = 0; i < count; i++) {
        const struct candidate *one = &broken.list[SOURCE_BASE][i];
        cr_expect(one->score == whole.list[SOURCE_BASE][i].score);
        cr_expect(!has_rated(model, 4, one->item), "person 5 is the fifth of the data");
        same += one->item == whole.list[SOURCE_BASE][i].item;
        for (int j = 0; j < i; j++) {
            cr_expect(broken.list[SOURCE_BASE][j].item != one->item);
        }
    }
    cr_expect(same < count / 2, "%d of %d are still in place", same, count);
    model_free(model);
}
