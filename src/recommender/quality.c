#include "recommender/quality.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/rng.h"
#include "recommender/recommend.h"

#include <string.h>

#define GRID 7

static const float grid[GRID] = {0, 0.1f, 0.2f, 0.4f, 0.8f, 1.6f, 3.2f};

const char *quality_row_name(enum quality_row row)
{
    static const char *const names[QUALITY_ROWS] = {
        "random",  "popularity", "implicit ALS",     "cosine to the last five", "base (two towers)",
        "similar", "popular",    "best fixed blend", "whole pipeline"};
    return names[row];
}

/* ---- sources alone, on all films ---- */

struct alone {
    const struct model *model;
    const struct ratings *train;
    enum source source;
    struct query_memory *memory; /* [threads] */
};

static void score_alone(void *context, int32_t user, unsigned lane, float *score)
{
    const struct alone *alone = context;
    const struct model *model = alone->model;
    struct query query;
    float vector[TOWERS_COMPONENTS_MAX];
    struct content_taste taste;
    query_of_history(&query, model, alone->train, user, alone->train->start[user + 1],
                     &alone->memory[lane]);
    const struct towers *towers = &model->retrieval.towers;
    towers_user(towers, query.events, (size_t)query.count, vector);
    content_taste(&model->content, query.events, (size_t)query.count, &taste);
    for (int32_t i = 0; i < alone->train->items; i++) {
        const float *row = towers->item + (size_t)i * (size_t)towers->components;
        switch (alone->source) {
        case SOURCE_BASE:
            score[i] = 0;
            for (int c = 0; c < towers->components; c++) {
                score[i] += row[c] * vector[c];
            }
            break;
        case SOURCE_SIMILAR:
            score[i] = content_score(&model->content, &taste, i);
            break;
        default:
            score[i] = model->trending.weight[i];
        }
    }
}

static void measure_alone(const struct evaluate_split *split, const struct model *model,
                          enum source source, const struct parallel *parallel,
                          struct evaluate_person *out)
{
    struct alone alone = {.model = model, .train = &split->train, .source = source};
    alone.memory = mem_zalloc(parallel->threads, sizeof *alone.memory);
    for (unsigned lane = 0; lane < parallel->threads; lane++) {
        alone.memory[lane].seen =
            mem_zalloc(seen_words(split->train.items), sizeof *alone.memory[lane].seen);
    }
    evaluate_everybody(split, score_alone, &alone, parallel, out);
    for (unsigned lane = 0; lane < parallel->threads; lane++) {
        mem_free(alone.memory[lane].seen);
    }
    mem_free(alone.memory);
}

/* ---- blends ---- */

static float strength_of(const struct candidate *list, int count, int c)
{
    float range = list[0].score - list[count - 1].score;
    return range > 0 ? (list[c].score - list[count - 1].score) / range
                     : 1 - (float)c / (float)count;
}

/* The ten best films of a blend, best first. blended [films] is 0 all over before and after. */
static int blend_list(const struct candidates *candidates, const float weight[SOURCE_COUNT],
                      float *blended, int32_t list[EVALUATE_LENGTH])
{
    int count = 0;
    for (int s = 0; s < SOURCE_COUNT; s++) {
        for (int c = 0; c < candidates->count[s]; c++) {
            blended[candidates->list[s][c].item] +=
                weight[s] * strength_of(candidates->list[s], candidates->count[s], c);
        }
    }
    for (int s = 0; s < SOURCE_COUNT; s++) {
        for (int c = 0; c < candidates->count[s]; c++) {
            int32_t item = candidates->list[s][c].item;
            float score = blended[item];
            bool full = count == EVALUATE_LENGTH;
            if (score < 0 || (full && score <= blended[list[count - 1]])) {
                continue;
            }
            bool listed = false;
            for (int p = 0; p < count && !listed; p++) {
                listed = list[p] == item;
            }
            if (listed) {
                continue;
            }
            int place = full ? count - 1 : count++;
            for (; place > 0 && blended[list[place - 1]] < score; place--) {
                list[place] = list[place - 1];
            }
            list[place] = item;
        }
    }
    for (int s = 0; s < SOURCE_COUNT; s++) {
        for (int c = 0; c < candidates->count[s]; c++) {
            blended[candidates->list[s][c].item] = 0;
        }
    }
    return count;
}

/* Measures `variants` blends at once; of [variants][people]. */
static bool measure_blends(const struct evaluate_split *split, const struct model *model,
                           const float (*weight)[SOURCE_COUNT], int variants,
                           struct evaluate_person **of)
{
    struct recommend_scratch *scratch = recommend_scratch_new(model);
    float *blended = mem_zalloc((size_t)split->train.items + 1, sizeof *blended);
    for (int32_t n = 0; n < split->people && scratch != NULL; n++) {
        int32_t user_id = split->train.user_id[split->user[n]], list[EVALUATE_LENGTH];
        const struct candidates *candidates =
            recommend_candidates(model, user_id, NULL, 0, scratch);
        for (int v = 0; v < variants; v++) {
            int count = blend_list(candidates, weight[v], blended, list);
            of[v][n] = evaluate_list(split, n, list, count);
        }
    }
    mem_free(blended);
    bool done = scratch != NULL;
    recommend_scratch_free(scratch);
    return done;
}

static struct model *train_on(const struct evaluate_split *split, const struct corpus *whole,
                              const struct train_config *config)
{
    struct corpus corpus;
    evaluate_corpus(split, whole, &corpus);
    return train_model(config, &corpus, NULL, NULL, NULL);
}

static bool choose_blend(const struct corpus *whole, const struct train_config *config,
                         int32_t people, uint64_t people_seed, float chosen[SOURCE_COUNT])
{
    struct evaluate_split split;
    struct train_config sources = *config;
    sources.lessons_max = 0; /* no ranker is needed */
    evaluate_split_init(&split, &whole->ratings, 2, people, people_seed);
    struct model *model = train_on(&split, whole, &sources);
    float weight[GRID * GRID][SOURCE_COUNT];
    struct evaluate_person *of[GRID * GRID];
    for (int v = 0; v < GRID * GRID; v++) {
        weight[v][SOURCE_BASE] = 1;
        weight[v][SOURCE_SIMILAR] = grid[v / GRID];
        weight[v][SOURCE_POPULAR] = grid[v % GRID];
        of[v] = mem_array((size_t)split.people + 1, sizeof **of);
    }
    bool done = measure_blends(&split, model, weight, GRID * GRID, of);
    double best = -1;
    for (int v = 0; v < GRID * GRID; v++) {
        double mrr = done ? evaluate_mean(of[v], split.people).mrr10 : 0;
        if (mrr > best) {
            best = mrr;
            memcpy(chosen, weight[v], sizeof weight[v]);
        }
        mem_free(of[v]);
    }
    model_free(model);
    evaluate_split_deinit(&split);
    return done;
}

/* ---- all rows ---- */

static bool measure_pipeline(const struct evaluate_split *split, const struct model *model,
                             struct evaluate_person *out)
{
    struct recommend_scratch *scratch = recommend_scratch_new(model);
    for (int32_t n = 0; n < split->people && scratch != NULL; n++) {
        struct ranker_place places[EVALUATE_LENGTH];
        int32_t list[EVALUATE_LENGTH];
        int count = recommend_list(model, split->train.user_id[split->user[n]], NULL, 0,
                                   EVALUATE_LENGTH, scratch, places);
        for (int p = 0; p < count; p++) {
            list[p] = places[p].item;
        }
        out[n] = evaluate_list(split, n, list, count);
    }
    bool done = scratch != NULL;
    recommend_scratch_free(scratch);
    return done;
}

static uint64_t hash_floats(uint64_t hash, const float *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, &values[i], sizeof bits);
        hash = rng_mix(hash, bits);
    }
    return hash;
}

static uint64_t bits_of(const struct model *model)
{
    const struct towers *towers = &model->retrieval.towers;
    size_t films = (size_t)towers->films;
    uint64_t hash = hash_floats(1, towers->item, films * (size_t)towers->components);
    hash = hash_floats(hash, model->together.weight,
                       (size_t)model->together.start[model->together.items]);
    hash = hash_floats(hash, model->trending.weight, films);
    hash = hash_floats(hash, model->content.prior, films);
    return hash_floats(hash, model->ranker.weight, (size_t)model->ranker.features);
}

static void measure_references(const struct evaluate_split *split,
                               const struct train_config *config, struct quality *out)
{
    static const enum evaluate_reference reference[] = {[QUALITY_RANDOM] = EVALUATE_RANDOM,
                                                        [QUALITY_POPULARITY] = EVALUATE_POPULARITY,
                                                        [QUALITY_ALS] = EVALUATE_ALS,
                                                        [QUALITY_COSINE] = EVALUATE_COSINE};
    for (int r = QUALITY_RANDOM; r <= QUALITY_COSINE; r++) {
        evaluate_reference_people(split, reference[r], config->seed, &config->parallel, out->of[r]);
    }
}

bool quality_measure(struct quality *out, const struct corpus *whole,
                     const struct train_config *config, int32_t people, uint64_t people_seed)
{
    struct evaluate_split split;
    evaluate_split_init(&split, &whole->ratings, 1, people, people_seed);
    *out = (struct quality){.people = split.people};
    for (int r = 0; r < QUALITY_ROWS; r++) {
        out->of[r] = mem_zalloc((size_t)split.people + 1, sizeof *out->of[r]);
    }
    bool done = choose_blend(whole, config, people, people_seed, out->blend);
    int64_t began_ns = clock_mono_ns();
    struct model *model = train_on(&split, whole, config);
    out->training_s = (double)(clock_mono_ns() - began_ns) * 1e-9;
    out->model_bits = bits_of(model);
    measure_references(&split, config, out);
    for (int s = 0; s < SOURCE_COUNT; s++) {
        measure_alone(&split, model, (enum source)s, &config->parallel, out->of[QUALITY_BASE + s]);
    }
    const float(*blend)[SOURCE_COUNT] = (const float(*)[SOURCE_COUNT]) & out->blend;
    done = done && measure_blends(&split, model, blend, 1, &out->of[QUALITY_BLEND]) &&
           measure_pipeline(&split, model, out->of[QUALITY_PIPELINE]);
    model_free(model);
    evaluate_split_deinit(&split);
    return done;
}

void quality_deinit(struct quality *quality)
{
    for (int r = 0; r < QUALITY_ROWS; r++) {
        mem_free(quality->of[r]);
    }
}

void quality_add(struct quality *a, const struct quality *b, double by)
{
    for (int r = 0; r < QUALITY_ROWS; r++) {
        for (int32_t n = 0; n < a->people; n++) {
            a->of[r][n].hit += b->of[r][n].hit / by;
            a->of[r][n].reciprocal += b->of[r][n].reciprocal / by;
        }
    }
    a->training_s += b->training_s / by;
}
