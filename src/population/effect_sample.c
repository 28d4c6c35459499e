/*
 * The sample: people spread evenly over all of them, because neighbours share nothing but a base
 * person many rounds away, and a list for each. A list is what somebody would be shown by a
 * recommender that knows them as well as models trained on their past do: the best of
 * affinity + fame + noise among the films they have not seen. Recommenders lean on fame more than
 * people do, and no list is an oracle's. Weight of fame and noise are set so that the people of
 * ml-latest-small meet these lists as they meet those of the bundled recommender: at rest they
 * rate .37 of them (.36), convert .31 (.31), with a mean rating of 3.65 (3.66), and lose about
 * half of that when everybody's taste is swapped. Personal lists without fame would lose three
 * quarters. Of people without a past a recommender knows nothing: their lists are of fame alone.
 */
#include "base/mem.h"
#include "numeric/sampling.h"
#include "population/effect_int.h"
#include "population/population_int.h"

#include <math.h>
#include <string.h>

#define LIST_FAME 4.  /* weight of fame beyond that in the attraction */
#define LIST_NOISE .5 /* scale of the Gumbel draws, nats */

/* Purposes of random streams, beyond those of population_int.h; the owner is a person. */
enum { PURPOSE_LIST = 1000 };

struct effect_config effect_defaults(void)
{
    return (struct effect_config){
        .people = 2000, .newcomers = 400, .newcomers_visit = true, .seed = 1};
}

struct lists {
    struct effect_sample *sample;
    float **score; /* [threads][films] */
    struct past *past;
};

static void rank_list(const float *score, struct step_list *list)
{
    for (int32_t i = 1; i < list->count; i++) {
        int32_t film = list->item[i], place = i;
        while (place > 0 && score[list->item[place - 1]] < score[film]) {
            list->item[place] = list->item[place - 1];
            place--;
        }
        list->item[place] = film;
    }
}

static void withhold(const struct drift *drift, int32_t films, float *score)
{
    if (drift == NULL || !population_withholds(drift)) {
        return;
    }
    for (int32_t film = 0; film < films; film++) {
        score[film] = population_withheld(drift, film) ? -INFINITY : score[film];
    }
}

static void make_lists(void *context, int64_t first, int64_t end, unsigned lane)
{
    const struct lists *lists = context;
    struct effect_sample *sample = lists->sample;
    const struct population *population = sample->population;
    float *score = lists->score[lane];
    struct past *past = &lists->past[lane];
    for (int64_t k = first; k < end; k++) {
        int32_t person = sample->person[k];
        const float *taste = population->taste + (int64_t)person * TASTE_DIMS;
        struct rng noise = rng_stream(sample->config.seed, (uint64_t)person, PURPOSE_LIST);
        bool known = k < sample->settled;
        for (int32_t film = 0; film < population->films; film++) {
            double fame = (double)population->film_fame[film];
            double wanted = known ? population_attraction(population, taste, film) : fame;
            score[film] = (float)((wanted + LIST_FAME * fame) / LIST_NOISE);
        }
        population_past(population, person, 0, past);
        if (sample->config.withheld != NULL) {
            past_withhold(past, sample->config.withheld);
        }
        for (int32_t n = 0; n < past->count; n++) {
            score[past->item[n]] = -INFINITY;
        }
        withhold(sample->config.withheld, population->films, score);
        sampling_gumbel_keys(&noise, score, population->films, score);
        struct step_list *list = &sample->list[k];
        list->count = sampling_top_n(score, population->films, EFFECT_RANKS, list->item);
        rank_list(score, list);
    }
}

/* As arrivals weigh people: newcomers, who have rated nothing, come alike. */
static double weight_of(const struct effect_sample *sample, int32_t person)
{
    bool alike = !sample->config.by_activity || population_is_newcomer(sample->population, person);
    return alike ? 1 : population_activity(sample->population, person);
}

/* `count` people out of `all` from `first` on, who make `share` of the visits at rest. */
static void take_people(struct effect_sample *sample, int32_t first, int32_t all, int32_t count,
                        double share)
{
    double total = 0;
    for (int32_t k = 0; k < count; k++) {
        int32_t row = sample->count + k;
        sample->person[row] = first + (int32_t)((int64_t)k * all / count);
        sample->weight[row] = weight_of(sample, sample->person[row]);
        total += sample->weight[row];
    }
    for (int32_t k = 0; k < count; k++) {
        sample->weight[sample->count + k] *= total > 0 ? share / total : 0;
    }
    sample->count += count;
}

static int32_t smaller(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

static void choose_people(struct effect_sample *sample)
{
    const struct population *population = sample->population;
    int32_t newcomers = population_newcomers(population), old = population->users - newcomers;
    int32_t settled = smaller(old, sample->config.people);
    int32_t fresh = smaller(newcomers, sample->config.newcomers);
    double share =
        sample->config.newcomers_visit && fresh > 0 ? newcomers / (double)population->users : 0;
    size_t count = (size_t)(settled + fresh) + 1;
    sample->person = mem_array(count, sizeof *sample->person);
    sample->weight = mem_array(count, sizeof *sample->weight);
    sample->list = mem_zalloc(count, sizeof *sample->list);
    take_people(sample, 0, old, settled, 1 - share);
    sample->settled = settled;
    take_people(sample, old, newcomers, fresh, share);
}

struct effect_sample *effect_sample_new(const struct effect_config *config,
                                        const struct population *population,
                                        const struct parallel *parallel)
{
    struct effect_sample *sample = mem_zalloc(1, sizeof *sample);
    sample->population = population;
    sample->config = *config;
    choose_people(sample);
    struct lists lists = {.sample = sample};
    lists.score = mem_array(parallel->threads, sizeof *lists.score);
    lists.past = mem_zalloc(parallel->threads, sizeof *lists.past);
    for (unsigned lane = 0; lane < parallel->threads; lane++) {
        lists.score[lane] = mem_array((size_t)population->films, sizeof **lists.score);
    }
    parallel_for(parallel, sample->count, 0, make_lists, &lists);
    for (unsigned lane = 0; lane < parallel->threads; lane++) {
        mem_free(lists.score[lane]);
        past_deinit(&lists.past[lane]);
    }
    mem_free(lists.score);
    mem_free(lists.past);
    effect_measure(sample, NULL, 0, parallel, &sample->rest);
    return sample;
}

void effect_sample_free(struct effect_sample *sample)
{
    if (sample == NULL) {
        return;
    }
    mem_free(sample->person);
    mem_free(sample->weight);
    mem_free(sample->list);
    mem_free(sample);
}

int32_t effect_sample_people(const struct effect_sample *sample)
{
    return sample->count;
}

const struct effect *effect_rest(const struct effect_sample *sample)
{
    return &sample->rest;
}
