/*
 * What the lists are worth, by the usual protocol: the last rating of every person is held out, all
 * unseen films are ranked, and a hit is the held-out film among the first ten. On the data of
 * MOVIELENS_DIR, else on the built-in synthetic data. No ageing: histories span decades.
 */
#include "base/mem.h"
#include "movielens/synth.h"
#include "recommender/recommend.h"
#include "recommender/train.h"

#include <criterion/criterion.h>
#include <gsl/gsl_errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LENGTH = 10 };

struct quality {
    int people;
    double base, popular, list; /* HR@10 */
    double share[SOURCE_COUNT];
};

static void load(struct dataset *data)
{
    const char *folder = getenv("MOVIELENS_DIR");
    const struct dataset_options options = {0};
    const struct parallel one = {1};
    struct synth_config synth = synth_defaults();
    struct error error = {0};
    enum err code = folder != NULL ? dataset_load(folder, &options, data, NULL, &error)
                                   : synth_make(&synth, &one, data, &error);
    cr_assert(code == ERR_OK, "%s", error.text);
}

/* Takes everybody's last rating out of the data. */
static int32_t *hold_out(struct ratings *ratings)
{
    int32_t *held = mem_array((size_t)ratings->users, sizeof *held);
    int64_t kept = 0, first = 0;
    for (int32_t u = 0; u < ratings->users; u++) {
        int64_t end = ratings->start[u + 1];
        for (int64_t i = first; i < end - 1; i++, kept++) {
            ratings->item[kept] = ratings->item[i];
            ratings->half_stars[kept] = ratings->half_stars[i];
            ratings->time_s[kept] = ratings->time_s[i];
        }
        held[u] = ratings->item[end - 1];
        first = end;
        ratings->start[u + 1] = kept;
    }
    ratings->count = kept;
    return held;
}

static int hit(const struct candidate *list, int count, int32_t item)
{
    for (int c = 0; c < count && c < LENGTH; c++) {
        if (list[c].item == item) {
            return 1;
        }
    }
    return 0;
}

static struct quality measure(const struct model *model, const int32_t *held)
{
    struct quality quality = {.people = model->corpus.ratings.users};
    struct recommend_scratch *scratch = recommend_scratch_new(model);
    for (int32_t u = 0; u < quality.people; u++) {
        struct ranker_place places[LENGTH];
        int32_t user_id = model->corpus.ratings.user_id[u];
        const struct candidates *input = recommend_candidates(model, user_id, NULL, 0, scratch);
        quality.base += hit(input->list[SOURCE_BASE], input->count[SOURCE_BASE], held[u]);
        quality.popular += hit(input->list[SOURCE_POPULAR], input->count[SOURCE_POPULAR], held[u]);
        int count = recommend_list(model, user_id, NULL, 0, LENGTH, scratch, places);
        for (int p = 0; p < count; p++) {
            quality.list += places[p].item == held[u];
            quality.share[places[p].source] += 1.0 / count;
        }
    }
    recommend_scratch_free(scratch);
    quality.base /= quality.people;
    quality.popular /= quality.people;
    quality.list /= quality.people;
    for (int s = 0; s < SOURCE_COUNT; s++) {
        quality.share[s] /= quality.people;
    }
    return quality;
}

Test(quality, personal_lists_beat_popular_ones_and_the_shares_are_as_said)
{
    struct dataset data;
    struct corpus corpus;
    struct train_config config = train_defaults();
    load(&data);
    int32_t *held = hold_out(&data.ratings);
    corpus_take(&corpus, &data);
    dataset_deinit(&data);
    config.half_life_s = 0;
    struct model *model = train_model(&config, &corpus, NULL, NULL, NULL);
    struct quality got = measure(model, held);
    fprintf(stderr,
            "quality on %s: HR@10 base %.4f, whole list %.4f, popularity %.4f; "
            "shares %.3f %.3f %.3f\n",
            getenv("MOVIELENS_DIR") != NULL ? "MOVIELENS_DIR" : "synthetic data", got.base,
            got.list, got.popular, got.share[0], got.share[1], got.share[2]);
    cr_expect(got.base > 1.25 * got.popular, "base %g, popularity %g", got.base, got.popular);
    cr_expect(got.list > 1.25 * got.popular, "list %g, popularity %g", got.list, got.popular);
    for (int s = 0; s < SOURCE_COUNT; s++) {
        cr_expect(fabs(got.share[s] - model->source_share[s]) < 0.05,
                  "%s has %g of the places, the model says %g", source_name((enum source)s),
                  got.share[s], model->source_share[s]);
    }
    model_free(model);
    mem_free(held);
}
