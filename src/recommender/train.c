/*
 * The ranker must learn from features as they will be when lists are made, from sources that do not
 * know yet what will be chosen. So the latest choices of a sample of people are held out
 * (lessons.h), the whole model is made of what remains, the ranker learns on the lists it would
 * have made, and then the model is made once more of everything, the towers going on from where
 * they were. Statistics of the first round would be off by little, but a film's neighbours, say,
 * tell at once which films a choice that they contain stood next to.
 *
 * A retraining starts from the former towers and keeps the former ranker: how much a feature says
 * of a choice drifts far less than what people like (in the taste-shift drill both rankers bring
 * conversion back to the same), and towers that have seen all choices have no lessons left to give.
 * A model without a learned ranker is trained anew from nothing.
 *
 * Rejected: a fixed blend of the sources (a quarter less HR@10 on MovieLens), learning the ranker
 * at each retraining from what has been rated since (twice the time, nothing gained).
 */
#include "recommender/train.h"

#include "base/mem.h"
#include "recommender/features.h"
#include "recommender/lessons.h"
#include "recommender/recommend.h"

#include <math.h>
#include <string.h>

#define SAMPLE_PEOPLE 512 /* on whom the shares of the sources are measured */
#define SAMPLE_LENGTH 10  /* films a list */

/* Films that come within some thirty places of one another, and those that come right after. Large
 * data have more than enough pairs: there fewer places count, of fewer people. */
#define TOGETHER_PLACES 30
#define TOGETHER_PAIRS 20e6
#define NEIGHBOURS_KEEP 64
#define NEIGHBOURS_RATINGS 1.7e6
#define FOLLOWERS_PLACES 4
#define FOLLOWERS_DECAY 0.6f

/* Share of the work done when the ranker has learned and when the last towers are there. */
#define PROGRESS_RANKER 0.6
#define PROGRESS_TOWERS 0.9

struct train_config train_defaults(void)
{
    struct train_config config = {.factors = 32,
                                  .half_life_s = 30 * 86400.0,
                                  .popular_half_life_s = TRENDING_HALF_LIFE_S,
                                  .towers = towers_defaults(),
                                  .lessons_max = 4000,
                                  .lessons_each = 5,
                                  .ridge = 1e-3,
                                  .seed = 1,
                                  .parallel = {1}};
    /* The towers are trained twice; more choices than these gain nothing in a drill. */
    config.towers.targets_cold = 900000;
    config.towers.targets_warm = 400000;
    return config;
}

/* Progress of one part of the work, from one share of the whole to another. */
struct report {
    train_progress *progress;
    void *context;
    double from, to;
};

static bool report_share(void *context, double share)
{
    const struct report *report = context;
    return report->progress == NULL ||
           report->progress(report->context, report->from + (report->to - report->from) * share);
}

/* ---- the parts ---- */

static bool train_towers(struct model *model, const struct train_config *config,
                         const struct model *former, struct report *report)
{
    struct towers_config towers = config->towers;
    towers.factors = config->factors;
    towers.half_life_s = config->half_life_s;
    towers.seed = config->seed;
    int32_t *former_item = NULL;
    if (former != NULL) {
        const struct catalogue *films = &model->corpus.catalogue;
        former_item = mem_array((size_t)films->count + 1, sizeof *former_item);
        for (int32_t i = 0; i < films->count; i++) {
            former_item[i] = catalogue_index(&former->corpus.catalogue, films->id[i]);
        }
    }
    bool done = towers_train(&towers, &model->corpus,
                             former != NULL ? &former->retrieval.towers : NULL, former_item,
                             &config->parallel, report_share, report, &model->retrieval.towers);
    mem_free(former_item);
    return done;
}

static void train_neighbours(struct model *model, const struct ratings *ratings,
                             const struct parallel *parallel)
{
    int every = (int)fmax(1, round((double)ratings->count / NEIGHBOURS_RATINGS));
    double places = TOGETHER_PAIRS * every / ((double)ratings->count + 1);
    int near = (int)fmin(fmax(places, FOLLOWERS_PLACES), TOGETHER_PLACES);
    const struct neighbours_config together = {near, near, 1, NEIGHBOURS_KEEP, every};
    const struct neighbours_config followers = {0, FOLLOWERS_PLACES, FOLLOWERS_DECAY,
                                                NEIGHBOURS_KEEP, every};
    neighbours_train(&model->together, &together, ratings, parallel);
    neighbours_train(&model->followers, &followers, ratings, parallel);
}

/* Everything but the ranker. False when stopped. */
static bool train_parts(struct model *model, const struct train_config *config,
                        const struct model *former, struct report *report)
{
    const struct corpus *corpus = &model->corpus;
    if (!train_towers(model, config, former, report)) {
        return false;
    }
    trending_train(&model->trending, &corpus->ratings, corpus->newest_s,
                   config->popular_half_life_s);
    content_train(&model->content, corpus, config->embeddings, config->half_life_s,
                  &config->parallel);
    train_neighbours(model, &corpus->ratings, &config->parallel);
    films_train(&model->films, corpus, config->half_life_s);
    opinions_train(&model->opinions, &corpus->ratings);
    retrieval_arrange(&model->retrieval, model->films.by_fame);
    return true;
}

/* ---- the ranker ---- */

/* A model of everything but the lessons; its corpus borrows the films of `whole`. */
static struct model *model_before(const struct lessons *lessons, const struct corpus *whole)
{
    struct model *before = model_new();
    before->corpus = *whole;
    before->corpus.ratings = lessons->before;
    return before;
}

static void free_before(struct model *before)
{
    memset(&before->corpus, 0, sizeof before->corpus);
    model_free(before);
}

/* Learns the ranker of `model` from the lessons. Returns the model of what was before, which the
 * caller frees with free_before ahead of the lessons; NULL when stopped. */
static struct model *learn(struct model *model, const struct train_config *config,
                           const struct lessons *lessons, struct report *report)
{
    struct model *before = model_before(lessons, &model->corpus);
    if (!train_parts(before, config, NULL, report)) {
        free_before(before);
        return NULL;
    }
    struct lessons_choices choices;
    lessons_choices(lessons, before, &model->corpus.ratings, &config->parallel, &choices);
    ranker_train(&model->ranker, &choices.choices, config->ridge, &config->parallel);
    lessons_choices_deinit(&choices);
    return before;
}

/* What stands in for learning where there is nothing to learn from. */
static void set_plain_ranker(struct ranker *ranker)
{
    *ranker = (struct ranker){.features = FEATURE_COUNT};
    ranker->weight[FEATURE_BASE] = 1;
}

/* ---- shares of the sources ---- */

static void measure_shares(struct model *model)
{
    const struct ratings *ratings = &model->corpus.ratings;
    struct recommend_scratch *scratch = recommend_scratch_new(model);
    int32_t stride = ratings->users / SAMPLE_PEOPLE + 1;
    double total = 0;
    for (int32_t u = 0; u < ratings->users && scratch != NULL; u += stride) {
        struct ranker_place places[SAMPLE_LENGTH];
        int count =
            recommend_list(model, ratings->user_id[u], NULL, 0, SAMPLE_LENGTH, scratch, places);
        for (int p = 0; p < count; p++) {
            model->source_share[places[p].source] += 1;
        }
        total += count;
    }
    for (int s = 0; s < SOURCE_COUNT && total > 0; s++) {
        model->source_share[s] /= total;
    }
    recommend_scratch_free(scratch);
}

/* ---- all of it ---- */

static bool is_learned(const struct ranker *ranker)
{
    bool learned = false;
    for (int f = 0; f < ranker->features; f++) {
        learned = learned || (f != FEATURE_BASE && ranker->weight[f] != 0);
    }
    return learned;
}

/* Learns the ranker and everything else from nothing. False when stopped. */
static bool train_anew(struct model *model, const struct train_config *config,
                       struct report *report)
{
    struct lessons lessons;
    struct model *before = NULL;
    bool done = true;
    lessons_init(&lessons, &model->corpus.ratings, config->lessons_each, config->lessons_max,
                 config->seed);
    set_plain_ranker(&model->ranker);
    if (lessons.count > 0) {
        report->to = PROGRESS_RANKER;
        before = learn(model, config, &lessons, report);
        done = before != NULL;
        report->from = PROGRESS_RANKER;
    }
    report->to = PROGRESS_TOWERS;
    done = done && train_parts(model, config, before, report);
    if (before != NULL) {
        free_before(before);
    }
    lessons_deinit(&lessons);
    return done;
}

static bool train_all(struct model *model, const struct train_config *config,
                      const struct model *former, struct report *report)
{
    bool done;
    if (former != NULL && is_learned(&former->ranker)) {
        model->ranker = former->ranker;
        report->to = PROGRESS_TOWERS;
        done = train_parts(model, config, former, report);
    } else {
        done = train_anew(model, config, report);
    }
    if (done) {
        measure_shares(model);
        report->from = report->to = 1;
        done = report_share(report, 1);
    }
    return done;
}

struct model *train_model(const struct train_config *config, struct corpus *corpus,
                          const struct model *former, train_progress *progress, void *context)
{
    struct report report = {progress, context, 0, 0};
    struct model *model = model_new();
    model->corpus = *corpus;
    memset(corpus, 0, sizeof *corpus);
    model->version = former != NULL ? former->version + 1 : 1;
    if (!train_all(model, config, former, &report)) {
        model_free(model);
        return NULL;
    }
    return model;
}
