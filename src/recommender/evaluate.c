#include "recommender/evaluate.h"

#include "base/mem.h"
#include "base/rng.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PURPOSE_SAMPLE = 0x45564c01, CHUNK_PEOPLE = 16 };

/* ---- the split ---- */

static int by_index(const void *a, const void *b)
{
    int32_t left = *(const int32_t *)a, right = *(const int32_t *)b;
    return (left > right) - (left < right);
}

/* Who has a rating held out: those with something left, or a sample of them, rising. */
static int32_t choose_people(const struct ratings *ratings, int held_from_end, int32_t max_people,
                             uint64_t seed, int32_t *user)
{
    int32_t eligible = 0;
    for (int32_t u = 0; u < ratings->users; u++) {
        if (ratings->start[u + 1] - ratings->start[u] > held_from_end) {
            user[eligible++] = u;
        }
    }
    if (max_people <= 0 || eligible <= max_people) {
        return eligible;
    }
    struct rng rng = rng_stream(seed, 0, PURPOSE_SAMPLE);
    for (int32_t n = 0; n < max_people; n++) {
        int32_t other = n + (int32_t)rng_below(&rng, (uint32_t)(eligible - n));
        int32_t moved = user[n];
        user[n] = user[other];
        user[other] = moved;
    }
    qsort(user, (size_t)max_people, sizeof *user, by_index);
    return max_people;
}

static void copy_rows(struct ratings *out, const struct ratings *from, int64_t first, int64_t count)
{
    memcpy(out->item + out->count, from->item + first, (size_t)count * sizeof *out->item);
    memcpy(out->half_stars + out->count, from->half_stars + first,
           (size_t)count * sizeof *out->half_stars);
    memcpy(out->time_s + out->count, from->time_s + first, (size_t)count * sizeof *out->time_s);
    out->count += count;
}

void evaluate_split_init(struct evaluate_split *out, const struct ratings *ratings,
                         int held_from_end, int32_t max_people, uint64_t seed)
{
    size_t users = (size_t)ratings->users, count = (size_t)ratings->count;
    assert(held_from_end >= 1);
    *out = (struct evaluate_split){.train = {.users = ratings->users,
                                             .items = ratings->items,
                                             .user_id = mem_array(users + 1, sizeof(int32_t)),
                                             .start = mem_zalloc(users + 1, sizeof(int64_t)),
                                             .item = mem_array(count + 1, sizeof(int32_t)),
                                             .half_stars = mem_array(count + 1, sizeof(uint8_t)),
                                             .time_s = mem_array(count + 1, sizeof(int64_t))},
                                   .user = mem_array(users + 1, sizeof(int32_t))};
    out->people = choose_people(ratings, held_from_end, max_people, seed, out->user);
    out->item = mem_array((size_t)out->people + 1, sizeof *out->item);
    out->half_stars = mem_array((size_t)out->people + 1, sizeof *out->half_stars);
    out->time_s = mem_array((size_t)out->people + 1, sizeof *out->time_s);
    memcpy(out->train.user_id, ratings->user_id, users * sizeof *out->train.user_id);
    int32_t n = 0;
    for (int32_t u = 0; u < ratings->users; u++) {
        int64_t end = ratings->start[u + 1];
        if (n < out->people && out->user[n] == u) {
            end -= held_from_end;
            out->item[n] = ratings->item[end];
            out->half_stars[n] = ratings->half_stars[end];
            out->time_s[n++] = ratings->time_s[end];
        }
        copy_rows(&out->train, ratings, ratings->start[u], end - ratings->start[u]);
        out->train.start[u + 1] = out->train.count;
    }
}

void evaluate_split_deinit(struct evaluate_split *split)
{
    ratings_deinit(&split->train);
    mem_free(split->user);
    mem_free(split->item);
    mem_free(split->half_stars);
    mem_free(split->time_s);
    memset(split, 0, sizeof *split);
}

void evaluate_corpus(const struct evaluate_split *split, const struct corpus *whole,
                     struct corpus *out)
{
    const struct corpus view = {
        .catalogue = whole->catalogue, .ratings = split->train, .tags = whole->tags};
    corpus_join(out, &view, NULL, NULL, 0);
}

/* ---- ranks ---- */

struct evaluate_person evaluate_rank(int64_t better, int64_t ties)
{
    struct evaluate_person person = {0};
    double orders = (double)ties + 1;
    for (int64_t rank = better + 1; rank <= EVALUATE_LENGTH && rank <= better + ties + 1; rank++) {
        person.hit += 1 / orders;
        person.reciprocal += 1 / ((double)rank * orders);
    }
    return person;
}

struct evaluate_person evaluate_scores(const struct evaluate_split *split, int32_t n,
                                       const float *score)
{
    const struct ratings *train = &split->train;
    int32_t held = split->item[n], user = split->user[n];
    float own = score[held];
    int64_t better = 0, equal = -1; /* the held-out film equals itself */
    assert(!isnan(own));
    for (int32_t i = 0; i < train->items; i++) {
        better += score[i] > own;
        equal += score[i] == own;
    }
    for (int64_t i = train->start[user]; i < train->start[user + 1]; i++) {
        better -= score[train->item[i]] > own;
        equal -= score[train->item[i]] == own;
    }
    return evaluate_rank(better, equal);
}

struct evaluate_person evaluate_list(const struct evaluate_split *split, int32_t n,
                                     const int32_t *list, int count)
{
    for (int place = 0; place < count; place++) {
        if (list[place] == split->item[n]) {
            return evaluate_rank(place, 0);
        }
    }
    return (struct evaluate_person){0};
}

/* ---- means ---- */

struct evaluate_hit evaluate_difference(const struct evaluate_person *a,
                                        const struct evaluate_person *b, int32_t people)
{
    struct evaluate_hit mean = {.people = people};
    for (int32_t n = 0; n < people; n++) {
        mean.hr10 += a[n].hit - (b != NULL ? b[n].hit : 0);
        mean.mrr10 += a[n].reciprocal - (b != NULL ? b[n].reciprocal : 0);
    }
    mean.hr10 /= people > 0 ? people : 1;
    mean.mrr10 /= people > 0 ? people : 1;
    for (int32_t n = 0; n < people; n++) {
        double hit = a[n].hit - (b != NULL ? b[n].hit : 0) - mean.hr10;
        double reciprocal = a[n].reciprocal - (b != NULL ? b[n].reciprocal : 0) - mean.mrr10;
        mean.hr10_se += hit * hit;
        mean.mrr10_se += reciprocal * reciprocal;
    }
    double pairs = people > 1 ? (double)people * (people - 1) : 1;
    mean.hr10_se = sqrt(mean.hr10_se / pairs);
    mean.mrr10_se = sqrt(mean.mrr10_se / pairs);
    return mean;
}

struct evaluate_hit evaluate_mean(const struct evaluate_person *of, int32_t people)
{
    return evaluate_difference(of, NULL, people);
}

/* ---- everybody ---- */

struct everybody {
    const struct evaluate_split *split;
    evaluate_scorer *scorer;
    void *context;
    float *scores; /* [threads x items] */
    struct evaluate_person *out;
};

static void score_people(void *context, int64_t first, int64_t end, unsigned lane)
{
    const struct everybody *all = context;
    float *score = all->scores + (size_t)lane * (size_t)all->split->train.items;
    for (int64_t n = first; n < end; n++) {
        all->scorer(all->context, all->split->user[n], lane, score);
        all->out[n] = evaluate_scores(all->split, (int32_t)n, score);
    }
}

void evaluate_everybody(const struct evaluate_split *split, evaluate_scorer *scorer, void *context,
                        const struct parallel *parallel, struct evaluate_person *out)
{
    size_t items = (size_t)split->train.items;
    struct everybody all = {split, scorer, context,
                            mem_array(parallel->threads * items + 1, sizeof(float)), out};
    parallel_for(parallel, split->people, CHUNK_PEOPLE, score_people, &all);
    mem_free(all.scores);
}
