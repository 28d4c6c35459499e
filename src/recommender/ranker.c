/*
 * Calibration is a damped fixed-point iteration on the logarithms of the two free claims: a source
 * with too few places gets a larger one. Both shares rise with the source's own claim and fall with
 * the other's, and claims are bounded, so it settles; a couple of dozen rounds are enough, because
 * a per cent more or less does not matter.
 *
 * Rejected: quotas ("every fourth place is a popular film") and weights large enough for the other
 * two sources to win places on their own: both reach the shares, but films that base does not
 * propose are chosen a fifth to a third as often, and a tenth of the rated lists was lost.
 */
#include "recommender/ranker.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#define ROUNDS 24
#define CLAIM_LEAST 0.05f
#define CLAIM_MOST 4.0f

/* Open addressing over the films of one merge; a power of two well above their number. */
#define TABLE_SIZE 512

struct merge {
    int16_t entry_at[TABLE_SIZE]; /* index in entries, -1 = free */
    struct ranker_place entries[SOURCE_COUNT * RANKER_CANDIDATES_MAX];
    float best_claim[SOURCE_COUNT * RANKER_CANDIDATES_MAX];
    int count;
};

static int entry_of(struct merge *merge, int32_t item)
{
    uint32_t slot = ((uint32_t)item * UINT32_C(2654435761)) >> 23;
    while (merge->entry_at[slot] >= 0) {
        if (merge->entries[merge->entry_at[slot]].item == item) {
            return merge->entry_at[slot];
        }
        slot = (slot + 1) % TABLE_SIZE;
    }
    merge->entry_at[slot] = (int16_t)merge->count;
    merge->entries[merge->count] = (struct ranker_place){.item = item};
    merge->best_claim[merge->count] = -1;
    return merge->count++;
}

/* Strength of a source's c-th candidate, from 1 (its first) to 0 (its last). */
static float strength_of(const struct candidate *list, int count, int c)
{
    float top = list[0].score, bottom = list[count - 1].score;
    if (!(top > bottom)) {
        return 1 - (float)c / (float)count; /* no difference but the order */
    }
    return (list[c].score - bottom) / (top - bottom);
}

int ranker_merge(const float claim[SOURCE_COUNT], const struct ranker_input *input, int n,
                 struct ranker_place *out)
{
    static const float weight[SOURCE_COUNT] = {1, RANKER_WEIGHT_OTHERS, RANKER_WEIGHT_OTHERS};
    struct merge merge;
    memset(merge.entry_at, -1, sizeof merge.entry_at);
    merge.count = 0;
    for (int s = 0; s < SOURCE_COUNT; s++) {
        for (int c = 0; c < input->count[s]; c++) {
            int entry = entry_of(&merge, input->list[s][c].item);
            float strength = strength_of(input->list[s], input->count[s], c);
            merge.entries[entry].score += weight[s] * strength;
            float claimed = claim[s] * strength;
            if (claimed > merge.best_claim[entry]) {
                merge.best_claim[entry] = claimed;
                merge.entries[entry].source = (enum source)s;
            }
        }
    }
    int placed = 0;
    for (int e = 0; e < merge.count; e++) {
        float score = merge.entries[e].score;
        if (placed == n && !(score > out[n - 1].score)) {
            continue;
        }
        int place = placed < n ? placed++ : n - 1;
        for (; place > 0 && out[place - 1].score < score; place--) {
            out[place] = out[place - 1];
        }
        out[place] = merge.entries[e];
    }
    return placed;
}

static void measure(const struct ranker_input *inputs, int input_count, int n,
                    const float claim[SOURCE_COUNT], double share[SOURCE_COUNT])
{
    struct ranker_place places[RANKER_CANDIDATES_MAX];
    double total = 0;
    for (int s = 0; s < SOURCE_COUNT; s++) {
        share[s] = 0;
    }
    for (int i = 0; i < input_count; i++) {
        int count = ranker_merge(claim, &inputs[i], n, places);
        for (int p = 0; p < count; p++) {
            share[places[p].source]++;
        }
        total += count;
    }
    for (int s = 0; s < SOURCE_COUNT; s++) {
        share[s] = total > 0 ? share[s] / total : 0;
    }
}

void ranker_calibrate(const struct ranker_input *inputs, int input_count, int n,
                      float claim[SOURCE_COUNT], double share[SOURCE_COUNT])
{
    static const double wanted[SOURCE_COUNT] = {
        [SOURCE_SIMILAR] = RANKER_SHARE_SIMILAR, [SOURCE_POPULAR] = RANKER_SHARE_POPULAR};
    assert(n >= 1 && n <= RANKER_CANDIDATES_MAX);
    claim[SOURCE_BASE] = 1;
    claim[SOURCE_SIMILAR] = claim[SOURCE_POPULAR] = 1;
    for (int round = 0; round < ROUNDS; round++) {
        measure(inputs, input_count, n, claim, share);
        for (int s = SOURCE_SIMILAR; s < SOURCE_COUNT; s++) {
            /* The small constant keeps a source that got nothing from jumping to the bound. */
            double step = 0.3 * log((wanted[s] + 0.01) / (share[s] + 0.01));
            claim[s] *= (float)exp(step);
            claim[s] = fminf(fmaxf(claim[s], CLAIM_LEAST), CLAIM_MOST);
        }
    }
    measure(inputs, input_count, n, claim, share);
}
