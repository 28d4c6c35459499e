/*
 * The problem: learn item vectors, biases and two kinds of history embeddings from millions of
 * ratings in seconds, with the same bits for any number of threads.
 *
 * Start. Implicit ALS (numeric/als.h) gives item vectors y. With A = Y'Y + regularisation I, the
 * sum of A^-1 y over a history is, up to scale, the person's ALS vector as long as the history is
 * short against A, so slow embeddings start as A^-1 y, fast ones a little smaller, biases as the
 * logarithm of popularity. From there stochastic descent goes on.
 *
 * A batch takes whole people, some of their ratings being the choices to learn. Four steps, each
 * parallel over rows that nobody else writes:
 *   1. people: a forward scan of the history leaves the user vector before each choice, and marks
 *      which negatives the person had rated by then;
 *   2. slices of choices: sampled softmax, gradients of user vectors, choices and negatives;
 *   3. people: both pools are exponential sums, so a backward scan of the gradients of the user
 *      vectors gives the gradient of each embedding of the history, at a constant cost an event;
 *   4. films: the rows that belong to a film are added in order of the batch, then Adagrad.
 *
 * Rejected: a step a person (no work for a second thread, twice the time in scattered writes), Adam
 * (no better, and its averages touch every film every step).
 */
#include "recommender/towers.h"

#include "base/mem.h"
#include "base/rng.h"
#include "numeric/als.h"
#include "numeric/softmax.h"
#include "numeric/sparse.h"
#include "numeric/versions.h"
#include "recommender/age.h"
#include "recommender/towers_int.h"

#include <assert.h>
#include <gsl/gsl_linalg.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PURPOSE_ORDER = 0x54570001, PURPOSE_CHOICES, PURPOSE_NEGATIVES };

/* A learning rate ends at this share of its start. */
#define RATE_END 0.1f
/* Adagrad's sums of squares start here, so that first steps are no leaps. */
#define SQUARE_START 0.01f
/* Negatives are drawn by (ratings + 1)^this, between uniform (0) and popularity (1). */
#define DRAW_POWER 0.75
#define START_CG_STEPS 3
#define START_REGULARISATION 1.0f
#define BIAS_RIDGE 0.5 /* ratings that every film is given */

struct towers_config towers_defaults(void)
{
    return (struct towers_config){.factors = 32,
                                  .half_life_s = 30 * 86400.0,
                                  .negatives = 128,
                                  .batch_targets = 2048,
                                  .targets_cold = 3000000,
                                  .targets_warm = 1500000,
                                  .epochs_cold = 20,
                                  .epochs_warm = 10,
                                  .start_sweeps = 6,
                                  .learning_rate = 0.05f,
                                  .shrink = 0,
                                  .start_strength = 4,
                                  .start_fast = 0.2f,
                                  .slow_floor = 0.05,
                                  .slow_offset = 1,
                                  .slow_power = 0.5,
                                  .fast_decay = 0.8,
                                  .seed = 1};
}

/* ---- state ---- */

/* Rows of floats, one a film, with Adagrad's sums of squares. */
struct table {
    float *value, *square; /* [films x width] */
    int width;
};

struct training {
    const struct towers_config *config;
    const struct ratings *ratings;
    int64_t newest_s;
    const struct parallel *parallel;
    struct towers *towers; /* whose slow and fast are trained in place; item is made at the end */
    int k;
    struct table item, bias, slow, fast;
    float rate;
    double *draw_up_to;  /* [films], running sum of the shares of the negatives */
    float *draw_log;     /* [films], logarithm of a film's share */
    int32_t *order;      /* [users], of this epoch */
    int32_t choices_max; /* a person and epoch */
    int64_t learned;     /* choices, in all */
    double loss, loss_weight;
};

/* Everything of one batch; arrays grow as needed and are reused. */
struct batch {
    int32_t people, events, choices, slices;
    int32_t person_capacity, event_capacity, choice_capacity;
    int32_t *person;       /* [people], index of the user */
    int32_t *event_first;  /* [people + 1] */
    int32_t *choice_first; /* [people + 1] */

    int32_t *choice_place; /* [choices], in the person's history */
    int32_t *choice_film;  /* [choices + negatives], of each row of gradients below */
    const float **chosen;  /* [choices] */
    float *chosen_bias, *weight;
    uint64_t *mask_words;                 /* [choices x negatives / 64] */
    const uint64_t **mask;                /* [choices] */
    float *user, *user_gradient;          /* [choices x k] */
    float *slow_scale;                    /* [choices] */
    float *item_gradient, *bias_gradient; /* [choices + negatives][k], [choices + negatives] */

    int32_t *event_film;                  /* [events] */
    float *slow_gradient, *fast_gradient; /* [events x k] */

    int32_t *negative;                       /* [negatives] */
    int32_t *first_negative, *next_negative; /* [films], [negatives]: the negatives of a film */
    float *by_class, *by_factor, *offset;    /* see softmax.h */
    float *slice_gradient, *slice_bias;      /* [slices][negatives x k], [slices][negatives] */
    double *slice_loss;
    float *scratch; /* [threads][SOFTMAX_SLICE x negatives] */

    struct rows_of {
        int32_t *row;   /* rows of gradients, those of a film together, in order */
        int32_t *first; /* [touched + 1] */
        int32_t *film;  /* [touched] */
        int32_t touched;
    } events_of, choices_of;
    int32_t *count; /* [films], scratch of the grouping */
};

static void grow(void *array, size_t count, size_t size)
{
    void **place = array;
    *place = mem_resize(*place, count + 1, size);
}

static void batch_init(struct batch *batch, const struct training *training)
{
    size_t negatives = (size_t)training->config->negatives, k = (size_t)training->k;
    size_t films = (size_t)training->towers->films;
    memset(batch, 0, sizeof *batch);
    batch->negative = mem_array(negatives, sizeof *batch->negative);
    batch->first_negative = mem_array(films + 1, sizeof *batch->first_negative);
    memset(batch->first_negative, -1, films * sizeof *batch->first_negative);
    batch->next_negative = mem_array(negatives, sizeof *batch->next_negative);
    batch->by_class = mem_array(negatives * k, sizeof *batch->by_class);
    batch->by_factor = mem_array(negatives * k, sizeof *batch->by_factor);
    batch->offset = mem_array(negatives, sizeof *batch->offset);
    batch->scratch =
        mem_array(training->parallel->threads * SOFTMAX_SLICE * negatives, sizeof *batch->scratch);
    batch->count = mem_zalloc(films + 1, sizeof *batch->count);
    struct rows_of *groups[] = {&batch->events_of, &batch->choices_of};
    for (int g = 0; g < 2; g++) {
        groups[g]->first = mem_array(films + 2, sizeof *groups[g]->first);
        groups[g]->film = mem_array(films + 1, sizeof *groups[g]->film);
    }
}

static void batch_deinit(struct batch *batch)
{
    void *arrays[] = {batch->person,
                      batch->event_first,
                      batch->choice_first,
                      batch->choice_place,
                      batch->choice_film,
                      batch->chosen,
                      batch->chosen_bias,
                      batch->weight,
                      batch->mask_words,
                      batch->mask,
                      batch->user,
                      batch->user_gradient,
                      batch->slow_scale,
                      batch->item_gradient,
                      batch->bias_gradient,
                      batch->event_film,
                      batch->slow_gradient,
                      batch->fast_gradient,
                      batch->negative,
                      batch->first_negative,
                      batch->next_negative,
                      batch->by_class,
                      batch->by_factor,
                      batch->offset,
                      batch->slice_gradient,
                      batch->slice_bias,
                      batch->slice_loss,
                      batch->scratch,
                      batch->events_of.row,
                      batch->events_of.first,
                      batch->events_of.film,
                      batch->choices_of.row,
                      batch->choices_of.first,
                      batch->choices_of.film,
                      batch->count};
    for (size_t a = 0; a < sizeof arrays / sizeof *arrays; a++) {
        mem_free(arrays[a]);
    }
}

/* ---- filling a batch ---- */

static int32_t history_length(const struct training *training, int32_t user)
{
    return (int32_t)(training->ratings->start[user + 1] - training->ratings->start[user]);
}

/* A first rating is told from nothing and teaches little. */
static int32_t choices_of(const struct training *training, int32_t user)
{
    int32_t possible = history_length(training, user) - 1;
    possible = possible > 0 ? possible : 0;
    return possible < training->choices_max ? possible : training->choices_max;
}

static void reserve(struct batch *batch, const struct training *training, int32_t choices,
                    int32_t events)
{
    size_t negatives = (size_t)training->config->negatives, k = (size_t)training->k;
    if (choices > batch->choice_capacity) {
        size_t n = (size_t)(batch->choice_capacity = choices + choices / 4);
        size_t slices = n / SOFTMAX_SLICE + 1;
        grow(&batch->choice_place, n, sizeof *batch->choice_place);
        grow(&batch->choice_film, n + negatives, sizeof *batch->choice_film);
        grow(&batch->chosen, n, sizeof *batch->chosen);
        grow(&batch->chosen_bias, n, sizeof *batch->chosen_bias);
        grow(&batch->weight, n, sizeof *batch->weight);
        grow(&batch->mask_words, n * negatives / 64, sizeof *batch->mask_words);
        grow(&batch->mask, n, sizeof *batch->mask);
        grow(&batch->user, n * k, sizeof *batch->user);
        grow(&batch->user_gradient, n * k, sizeof *batch->user_gradient);
        grow(&batch->slow_scale, n, sizeof *batch->slow_scale);
        grow(&batch->item_gradient, (n + negatives) * k, sizeof *batch->item_gradient);
        grow(&batch->bias_gradient, n + negatives, sizeof *batch->bias_gradient);
        grow(&batch->slice_gradient, slices * negatives * k, sizeof *batch->slice_gradient);
        grow(&batch->slice_bias, slices * negatives, sizeof *batch->slice_bias);
        grow(&batch->slice_loss, slices, sizeof *batch->slice_loss);
        grow(&batch->choices_of.row, n + negatives, sizeof *batch->choices_of.row);
    }
    if (events > batch->event_capacity) {
        size_t n = (size_t)(batch->event_capacity = events + events / 4);
        grow(&batch->event_film, n, sizeof *batch->event_film);
        grow(&batch->slow_gradient, n * k, sizeof *batch->slow_gradient);
        grow(&batch->fast_gradient, n * k, sizeof *batch->fast_gradient);
        grow(&batch->events_of.row, n, sizeof *batch->events_of.row);
    }
}

/* Takes people from order[at] on until there are choices enough; returns where to go on. */
static int32_t take_people(struct batch *batch, const struct training *training, int32_t at)
{
    batch->people = batch->events = batch->choices = 0;
    for (; at < training->ratings->users && batch->choices < training->config->batch_targets;
         at++) {
        int32_t user = training->order[at], choices = choices_of(training, user);
        if (choices == 0) {
            continue;
        }
        if (batch->people + 2 > batch->person_capacity) {
            size_t n = (size_t)(batch->person_capacity = 2 * batch->people + 64);
            grow(&batch->person, n, sizeof *batch->person);
            grow(&batch->event_first, n, sizeof *batch->event_first);
            grow(&batch->choice_first, n, sizeof *batch->choice_first);
        }
        batch->person[batch->people] = user;
        batch->event_first[batch->people] = batch->events;
        batch->choice_first[batch->people++] = batch->choices;
        batch->events += history_length(training, user);
        batch->choices += choices;
        batch->event_first[batch->people] = batch->events;
        batch->choice_first[batch->people] = batch->choices;
    }
    batch->slices = (batch->choices + SOFTMAX_SLICE - 1) / SOFTMAX_SLICE;
    reserve(batch, training, batch->choices, batch->events);
    return at;
}

static int32_t draw_film(const struct training *training, double share)
{
    int32_t low = 0, high = training->towers->films - 1;
    while (low < high) {
        int32_t middle = low + (high - low) / 2;
        if (training->draw_up_to[middle] < share) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static void draw_negatives(struct batch *batch, const struct training *training, uint64_t serial)
{
    int negatives = training->config->negatives, k = training->k;
    struct rng rng = rng_stream(training->config->seed, serial, PURPOSE_NEGATIVES);
    float log_count = logf((float)negatives);
    for (int n = 0; n < negatives; n++) {
        int32_t film = draw_film(training, rng_uniform(&rng));
        const float *row = training->item.value + (size_t)film * (size_t)k;
        batch->negative[n] = film;
        batch->next_negative[n] = batch->first_negative[film];
        batch->first_negative[film] = n;
        batch->offset[n] = training->bias.value[film] - log_count - training->draw_log[film];
        memcpy(batch->by_class + (size_t)n * (size_t)k, row, (size_t)k * sizeof *row);
        for (int j = 0; j < k; j++) {
            batch->by_factor[(size_t)j * (size_t)negatives + (size_t)n] = row[j];
        }
    }
}

static void forget_negatives(struct batch *batch, const struct training *training)
{
    for (int n = 0; n < training->config->negatives; n++) {
        batch->first_negative[batch->negative[n]] = -1;
    }
}

/* ---- step 1: people, forwards ---- */

struct step {
    struct training *training;
    struct batch *batch;
    uint64_t epoch;
};

static void mask_film(const struct batch *batch, int32_t film, uint64_t *mask)
{
    for (int32_t n = batch->first_negative[film]; n >= 0; n = batch->next_negative[n]) {
        mask[n / 64] |= UINT64_C(1) << (n % 64);
    }
}

/* One of the places of each of equal stretches of the history, so that all ages are learned. */
static int32_t choice_place(struct rng *rng, int32_t n, int32_t choices, int32_t length)
{
    int64_t places = length - 1; /* all but the first */
    int64_t first = n * places / choices, end = (n + 1) * places / choices;
    return 1 + (int32_t)first + (int32_t)rng_below(rng, (uint32_t)(end - first));
}

static void read_choice(const struct training *training, struct batch *batch, int32_t row,
                        const struct towers_pools *pools, int64_t rating, const uint64_t *seen)
{
    size_t words = (size_t)training->config->negatives / 64, k = (size_t)training->k;
    int32_t film = training->ratings->item[rating];
    uint64_t *mask = batch->mask_words + (size_t)row * words;
    memcpy(mask, seen, words * sizeof *mask);
    mask_film(batch, film, mask);
    batch->mask[row] = mask;
    batch->choice_film[row] = film;
    batch->chosen[row] = training->item.value + (size_t)film * k;
    batch->chosen_bias[row] = training->bias.value[film];
    batch->weight[row] = (float)age_weight(training->newest_s - training->ratings->time_s[rating],
                                           training->config->half_life_s);
    batch->slow_scale[row] = (float)towers_pools_scale(training->towers, pools);
    towers_pools_read(training->towers, pools, batch->user + (size_t)row * k);
}

static void scan_forwards(const struct step *step, int32_t p)
{
    const struct training *training = step->training;
    struct batch *batch = step->batch;
    const struct ratings *ratings = training->ratings;
    int32_t user = batch->person[p], length = history_length(training, user);
    int32_t row = batch->choice_first[p], end = batch->choice_first[p + 1];
    int32_t choices = end - row, done = 0;
    struct rng rng =
        rng_stream(training->config->seed ^ step->epoch << 32, (uint64_t)user, PURPOSE_CHOICES);
    struct towers_pools pools = {0};
    uint64_t seen[TOWERS_NEGATIVES_MAX / 64] = {0};
    int32_t next = choice_place(&rng, done, choices, length);
    for (int32_t place = 0; place < length; place++) {
        int64_t rating = ratings->start[user] + place;
        if (place == next) {
            read_choice(training, batch, row, &pools, rating, seen);
            batch->choice_place[row++] = place;
            next = ++done < choices ? choice_place(&rng, done, choices, length) : -1;
        }
        struct event event = {ratings->item[rating], ratings->half_stars[rating],
                              ratings->time_s[rating]};
        towers_pools_add(training->towers, &pools, &event);
        mask_film(batch, event.item, seen);
        batch->event_film[batch->event_first[p] + place] = event.item;
    }
}

static void people_forwards(void *context, int64_t first, int64_t end, unsigned lane)
{
    (void)lane;
    for (int64_t p = first; p < end; p++) {
        scan_forwards(context, (int32_t)p);
    }
}

/* ---- step 2: choices ---- */

static void learn_slices(void *context, int64_t first, int64_t end, unsigned lane)
{
    const struct step *step = context;
    const struct training *training = step->training;
    struct batch *batch = step->batch;
    size_t negatives = (size_t)training->config->negatives, k = (size_t)training->k;
    const struct softmax_negatives shared = {(int)negatives, (int)k, batch->by_class,
                                             batch->by_factor, batch->offset};
    for (int64_t s = first; s < end; s++) {
        size_t row = (size_t)s * SOFTMAX_SLICE, left = (size_t)batch->choices - row;
        const struct softmax_rows rows = {.count =
                                              (int)(left < SOFTMAX_SLICE ? left : SOFTMAX_SLICE),
                                          .row = batch->user + row * k,
                                          .chosen = batch->chosen + row,
                                          .chosen_bias = batch->chosen_bias + row,
                                          .weight = batch->weight + row,
                                          .mask = batch->mask + row};
        const struct softmax_gradient gradient = {
            .row = batch->user_gradient + row * k,
            .chosen = batch->item_gradient + row * k,
            .chosen_bias = batch->bias_gradient + row,
            .negative = batch->slice_gradient + (size_t)s * negatives * k,
            .negative_bias = batch->slice_bias + (size_t)s * negatives};
        batch->slice_loss[s] = softmax_slice(&shared, &rows, &gradient,
                                             batch->scratch + lane * SOFTMAX_SLICE * negatives);
    }
}

/* The negatives' gradients follow those of the choices, as rows of their own. */
static void join_slices(struct batch *batch, const struct training *training)
{
    size_t negatives = (size_t)training->config->negatives, k = (size_t)training->k;
    size_t after = (size_t)batch->choices;
    float *rows = batch->item_gradient + after * k, *biases = batch->bias_gradient + after;
    memset(rows, 0, negatives * k * sizeof *rows);
    memset(biases, 0, negatives * sizeof *biases);
    for (int32_t s = 0; s < batch->slices; s++) {
        const float *gradient = batch->slice_gradient + (size_t)s * negatives * k;
        for (size_t j = 0; j < negatives * k; j++) {
            rows[j] += gradient[j];
        }
        for (size_t n = 0; n < negatives; n++) {
            biases[n] += batch->slice_bias[(size_t)s * negatives + n];
        }
    }
    memcpy(batch->choice_film + after, batch->negative, negatives * sizeof *batch->negative);
}

/* ---- step 3: people, backwards ---- */

/* One event back: what reaches the embeddings of this event from all later choices. */
VECTOR_VERSIONS
static void pass_back(float *sum, float fading, const float *gradient, float scale, int k)
{
    for (int j = 0; j < k; j++) {
        sum[j] = fading * sum[j] + (gradient != NULL ? scale * gradient[j] : 0);
    }
}

static void scan_backwards(const struct step *step, int32_t p)
{
    const struct training *training = step->training;
    const struct towers *towers = training->towers;
    struct batch *batch = step->batch;
    int k = training->k;
    int32_t user = batch->person[p], row = batch->choice_first[p + 1] - 1;
    const int64_t *time_s = training->ratings->time_s + training->ratings->start[user];
    bool ages = towers->half_life_s > 0;
    float share = (float)(ages ? towers->slow_floor : 1);
    float decayed[TOWERS_FACTORS_MAX] = {0}, plain[TOWERS_FACTORS_MAX] = {0};
    float fast[TOWERS_FACTORS_MAX] = {0};
    for (int32_t place = history_length(training, user) - 1; place >= 0; place--) {
        /* The choice right after this event, if it was one of the batch. */
        bool chosen = row >= batch->choice_first[p] && batch->choice_place[row] == place + 1;
        const float *gradient = chosen ? batch->user_gradient + (size_t)row * (size_t)k : NULL;
        float scale = chosen ? batch->slow_scale[row] : 0;
        size_t event = (size_t)batch->event_first[p] + (size_t)place;
        bool last = place == history_length(training, user) - 1;
        pass_back(plain, 1, gradient, scale, k);
        pass_back(fast, (float)towers->fast_decay, gradient, 1, k);
        memcpy(batch->fast_gradient + event * (size_t)k, fast, (size_t)k * sizeof *fast);
        float *slow = batch->slow_gradient + event * (size_t)k;
        if (ages) {
            float fading = last ? 1 : towers_fading(towers, time_s[place + 1] - time_s[place]);
            pass_back(decayed, fading, gradient, scale, k);
        }
        for (int j = 0; j < k; j++) {
            slow[j] = share * plain[j] + (1 - share) * decayed[j];
        }
        row -= chosen;
    }
}

static void people_backwards(void *context, int64_t first, int64_t end, unsigned lane)
{
    (void)lane;
    for (int64_t p = first; p < end; p++) {
        scan_backwards(context, (int32_t)p);
    }
}

/* ---- step 4: films ---- */

/* Puts the rows of a film together, keeping their order. */
static void group(struct rows_of *out, const int32_t *film_of, int32_t rows, int32_t *count,
                  int32_t films)
{
    for (int32_t r = 0; r < rows; r++) {
        count[film_of[r]]++;
    }
    int32_t first = 0;
    out->touched = 0;
    for (int32_t f = 0; f < films; f++) {
        if (count[f] > 0) {
            out->film[out->touched] = f;
            out->first[out->touched++] = first;
            first += count[f];
            count[f] = first - count[f];
        }
    }
    out->first[out->touched] = first;
    for (int32_t r = 0; r < rows; r++) {
        out->row[count[film_of[r]]++] = r;
    }
    for (int32_t t = 0; t < out->touched; t++) {
        count[out->film[t]] = 0;
    }
}

VECTOR_VERSIONS
static void step_row(float *value, float *square, const float *gradients, const int32_t *row,
                     int32_t rows, int width, float rate, float shrink)
{
    float sum[TOWERS_FACTORS_MAX] = {0};
    for (int32_t r = 0; r < rows; r++) {
        const float *gradient = gradients + (size_t)row[r] * (size_t)width;
        for (int j = 0; j < width; j++) {
            sum[j] += gradient[j];
        }
    }
    for (int j = 0; j < width; j++) {
        float gradient = sum[j] + shrink * value[j];
        square[j] += gradient * gradient;
        value[j] -= rate * gradient / sqrtf(square[j]);
    }
}

static void step_table(const struct training *training, const struct table *table,
                       const struct rows_of *rows, int64_t n, const float *gradients)
{
    size_t at = (size_t)rows->film[n] * (size_t)table->width;
    step_row(table->value + at, table->square + at, gradients, rows->row + rows->first[n],
             rows->first[n + 1] - rows->first[n], table->width, training->rate,
             training->config->shrink);
}

static void step_histories(void *context, int64_t first, int64_t end, unsigned lane)
{
    const struct step *step = context;
    (void)lane;
    for (int64_t n = first; n < end; n++) {
        const struct rows_of *rows = &step->batch->events_of;
        step_table(step->training, &step->training->slow, rows, n, step->batch->slow_gradient);
        step_table(step->training, &step->training->fast, rows, n, step->batch->fast_gradient);
    }
}

static void step_items(void *context, int64_t first, int64_t end, unsigned lane)
{
    const struct step *step = context;
    (void)lane;
    for (int64_t n = first; n < end; n++) {
        const struct rows_of *rows = &step->batch->choices_of;
        step_table(step->training, &step->training->item, rows, n, step->batch->item_gradient);
        step_table(step->training, &step->training->bias, rows, n, step->batch->bias_gradient);
    }
}

static void learn_batch(struct step *step, uint64_t serial)
{
    struct training *training = step->training;
    struct batch *batch = step->batch;
    const struct parallel *parallel = training->parallel;
    int32_t films = training->towers->films;
    draw_negatives(batch, training, serial);
    parallel_for(parallel, batch->people, 1, people_forwards, step);
    parallel_for(parallel, batch->slices, 1, learn_slices, step);
    join_slices(batch, training);
    parallel_for(parallel, batch->people, 1, people_backwards, step);
    group(&batch->events_of, batch->event_film, batch->events, batch->count, films);
    group(&batch->choices_of, batch->choice_film, batch->choices + training->config->negatives,
          batch->count, films);
    parallel_for(parallel, batch->events_of.touched, 64, step_histories, step);
    parallel_for(parallel, batch->choices_of.touched, 64, step_items, step);
    forget_negatives(batch, training);
    for (int32_t s = 0; s < batch->slices; s++) {
        training->loss += batch->slice_loss[s];
    }
    for (int32_t r = 0; r < batch->choices; r++) {
        training->loss_weight += (double)batch->weight[r];
    }
    training->learned += batch->choices;
}

/* ---- start ---- */

static void weights_of(const struct training *training, struct sparse *out)
{
    const struct ratings *ratings = training->ratings;
    sparse_init(out, ratings->users, ratings->items, ratings->count);
    memcpy(out->start, ratings->start, ((size_t)ratings->users + 1) * sizeof *out->start);
    memcpy(out->col, ratings->item, (size_t)ratings->count * sizeof *out->col);
    for (int64_t i = 0; i < ratings->count; i++) {
        out->value[i] = (float)age_weight(training->newest_s - ratings->time_s[i],
                                          training->config->half_life_s);
    }
}

/* inverse = (Y'Y + regularisation I)^-1, [k x k] */
static void invert_gram(const float *item, int32_t films, int k, float regularisation,
                        double *inverse)
{
    size_t cells = (size_t)k * (size_t)k;
    float *gram = mem_array(cells, sizeof *gram);
    als_gram(item, films, k, regularisation, gram);
    for (size_t c = 0; c < cells; c++) {
        inverse[c] = (double)gram[c];
    }
    mem_free(gram);
    gsl_matrix_view matrix = gsl_matrix_view_array(inverse, (size_t)k, (size_t)k);
    int status = gsl_linalg_cholesky_decomp1(&matrix.matrix);
    status |= gsl_linalg_cholesky_invert(&matrix.matrix);
    assert(status == 0); /* regularisation > 0 makes it positive definite */
    (void)status;
}

/* Mean square of an embedding's number over the ratings, so that rare films hardly count. */
static double mean_square(const struct training *training, const float *rows)
{
    double sum = 0;
    size_t k = (size_t)training->k;
    for (int64_t i = 0; i < training->ratings->count; i += 7) {
        const float *row = rows + (size_t)training->ratings->item[i] * k;
        for (size_t j = 0; j < k; j++) {
            sum += (double)(row[j] * row[j]);
        }
    }
    return sum;
}

static void scale_rows(float *rows, size_t cells, double by)
{
    for (size_t c = 0; c < cells; c++) {
        rows[c] = (float)(by * (double)rows[c]);
    }
}

/* Embeddings whose pooled sum is about the person's ALS vector; see the top of this file. */
static void start_embeddings(struct training *training)
{
    const struct towers_config *config = training->config;
    struct towers *towers = training->towers;
    size_t k = (size_t)training->k, films = (size_t)towers->films, cells = films * k;
    double *inverse = mem_array(k * k, sizeof *inverse);
    float *item = training->item.value;
    invert_gram(item, towers->films, (int)k, START_REGULARISATION, inverse);
    for (size_t f = 0; f < films; f++) {
        for (size_t j = 0; j < k; j++) {
            double sum = 0;
            for (size_t l = 0; l < k; l++) {
                sum += inverse[j * k + l] * (double)item[f * k + l];
            }
            towers->slow[f * k + j] = (float)sum;
        }
    }
    mem_free(inverse);
    /* Equal lengths on both sides suit a common learning rate best. */
    double of_item = mean_square(training, item), of_slow = mean_square(training, towers->slow);
    double strength = (double)config->start_strength;
    double balance = of_item > 0 && of_slow > 0 ? sqrt(strength * sqrt(of_slow / of_item)) : 1;
    scale_rows(item, cells, balance);
    scale_rows(towers->slow, cells, strength / balance);
    memcpy(towers->fast, towers->slow, cells * sizeof(float));
    scale_rows(towers->fast, cells, (double)config->start_fast);
    double length = training->ratings->users > 0
                        ? (double)training->ratings->count / training->ratings->users / 2
                        : 0;
    scale_rows(towers->slow, cells, pow(config->slow_offset + length, config->slow_power));
}

static void start_biases(struct training *training)
{
    const struct ratings *ratings = training->ratings;
    double *count = mem_zalloc((size_t)ratings->items + 1, sizeof *count), total = 0;
    for (int64_t i = 0; i < ratings->count; i++) {
        count[ratings->item[i]] +=
            age_weight(training->newest_s - ratings->time_s[i], training->config->half_life_s);
    }
    for (int32_t f = 0; f < ratings->items; f++) {
        total += count[f] + BIAS_RIDGE;
    }
    for (int32_t f = 0; f < ratings->items; f++) {
        training->bias.value[f] = (float)log((count[f] + BIAS_RIDGE) / total);
    }
    mem_free(count);
}

static bool start_cold(struct training *training)
{
    const struct towers_config *config = training->config;
    const struct als_config als = {.factors = config->factors,
                                   .sweeps = config->start_sweeps,
                                   .cg_steps = START_CG_STEPS,
                                   .regularisation = START_REGULARISATION,
                                   .alpha = 1,
                                   .seed = config->seed};
    struct sparse weights, transposed;
    float *user =
        mem_zalloc((size_t)training->ratings->users * (size_t)training->k + 1, sizeof *user);
    weights_of(training, &weights);
    sparse_transpose(&weights, &transposed);
    als_train(&als, &weights, &transposed, training->parallel, 0, user, training->item.value, NULL,
              NULL);
    sparse_deinit(&weights);
    sparse_deinit(&transposed);
    mem_free(user);
    start_embeddings(training);
    start_biases(training);
    return true;
}

static void start_warm(struct training *training, const struct towers *former,
                       const int32_t *former_item)
{
    size_t k = (size_t)training->k;
    start_biases(training);
    for (size_t f = 0; f < (size_t)training->towers->films; f++) {
        if (former_item[f] >= 0) {
            size_t old = (size_t)former_item[f];
            const float *item = former->item + old * (k + 1);
            memcpy(training->item.value + f * k, item, k * sizeof *item);
            training->bias.value[f] = item[k];
            memcpy(training->towers->slow + f * k, former->slow + old * k, k * sizeof *item);
            memcpy(training->towers->fast + f * k, former->fast + old * k, k * sizeof *item);
        }
    }
}

static void start_draws(struct training *training)
{
    const struct ratings *ratings = training->ratings;
    int32_t films = ratings->items;
    double *share = training->draw_up_to, total = 0;
    for (int32_t f = 0; f < films; f++) {
        share[f] = 1;
    }
    for (int64_t i = 0; i < ratings->count; i++) {
        share[ratings->item[i]] += 1;
    }
    for (int32_t f = 0; f < films; f++) {
        share[f] = pow(share[f], DRAW_POWER);
        total += share[f];
    }
    double up_to = 0;
    for (int32_t f = 0; f < films; f++) {
        training->draw_log[f] = (float)log(share[f] / total);
        up_to += share[f] / total;
        share[f] = up_to;
    }
}

/* ---- training ---- */

static void table_init(struct table *table, float *value, int32_t films, int width)
{
    size_t cells = (size_t)films * (size_t)width;
    table->width = width;
    table->value = value != NULL ? value : mem_zalloc(cells + 1, sizeof *table->value);
    table->square = mem_array(cells + 1, sizeof *table->square);
    for (size_t c = 0; c < cells; c++) {
        table->square[c] = SQUARE_START;
    }
}

static void training_init(struct training *training)
{
    struct towers *towers = training->towers;
    size_t films = (size_t)towers->films;
    table_init(&training->item, NULL, towers->films, training->k);
    table_init(&training->bias, NULL, towers->films, 1);
    table_init(&training->slow, towers->slow, towers->films, training->k);
    table_init(&training->fast, towers->fast, towers->films, training->k);
    training->draw_up_to = mem_array(films + 1, sizeof *training->draw_up_to);
    training->draw_log = mem_array(films + 1, sizeof *training->draw_log);
    training->order = mem_array((size_t)training->ratings->users + 1, sizeof *training->order);
}

static void training_deinit(struct training *training)
{
    mem_free(training->item.value);
    mem_free(training->bias.value);
    mem_free(training->item.square);
    mem_free(training->bias.square);
    mem_free(training->slow.square);
    mem_free(training->fast.square);
    mem_free(training->draw_up_to);
    mem_free(training->draw_log);
    mem_free(training->order);
}

static void shuffle(struct training *training, uint64_t epoch)
{
    struct rng rng = rng_stream(training->config->seed, epoch, PURPOSE_ORDER);
    int32_t users = training->ratings->users;
    for (int32_t u = 0; u < users; u++) {
        int32_t other = (int32_t)rng_below(&rng, (uint32_t)(u + 1));
        training->order[u] = training->order[other];
        training->order[other] = u;
    }
}

/* How many choices a person may give an epoch, so that `epochs` epochs learn from `targets`. */
static int32_t choices_for(const struct training *training, int64_t targets)
{
    int32_t low = 1, high = INT32_MAX;
    while (low < high) {
        int32_t middle = low + (high - low) / 2;
        int64_t total = 0;
        for (int32_t u = 0; u < training->ratings->users; u++) {
            int32_t possible = history_length(training, u) - 1;
            total += possible < middle ? possible : middle;
        }
        if (total < targets && middle < training->ratings->count) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool learn(struct training *training, int64_t targets, int epochs, towers_progress *progress,
                  void *context)
{
    struct batch batch;
    batch_init(&batch, training);
    struct step step = {.training = training, .batch = &batch};
    uint64_t serial = 0;
    bool going = true;
    training->choices_max = epochs > 0 ? choices_for(training, targets / epochs) : 0;
    for (int epoch = 0; epoch < epochs && going; epoch++) {
        step.epoch = (uint64_t)epoch;
        shuffle(training, step.epoch);
        training->loss = training->loss_weight = 0;
        for (int32_t at = 0; at < training->ratings->users && going;) {
            double share = (epoch + (double)at / training->ratings->users) / epochs;
            training->rate = training->config->learning_rate * (1 - (1 - RATE_END) * (float)share);
            at = take_people(&batch, training, at);
            if (batch.choices > 0) {
                learn_batch(&step, serial++);
            }
            going = progress == NULL || progress(context, share);
        }
    }
    batch_deinit(&batch);
    return going;
}

static void write_items(const struct training *training)
{
    size_t k = (size_t)training->k;
    for (size_t f = 0; f < (size_t)training->towers->films; f++) {
        float *row = training->towers->item + f * (k + 1);
        memcpy(row, training->item.value + f * k, k * sizeof *row);
        row[k] = training->bias.value[f];
    }
}

bool towers_train(const struct towers_config *config, const struct corpus *corpus,
                  const struct towers *former, const int32_t *former_item,
                  const struct parallel *parallel, towers_progress *progress, void *context,
                  struct towers *out)
{
    struct training training = {.config = config,
                                .ratings = &corpus->ratings,
                                .newest_s = corpus->newest_s,
                                .parallel = parallel,
                                .towers = out,
                                .k = config->factors};
    bool warm = former != NULL && former->factors == config->factors;
    assert(config->negatives % SOFTMAX_NEGATIVES == 0 && config->negatives <= TOWERS_NEGATIVES_MAX);
    towers_init(out, corpus->catalogue.count, config->factors);
    out->half_life_s = config->half_life_s;
    out->slow_floor = config->slow_floor;
    out->slow_offset = config->slow_offset;
    out->slow_power = config->slow_power;
    out->fast_decay = config->fast_decay;
    training_init(&training);
    start_draws(&training);
    bool going = true;
    if (warm) {
        start_warm(&training, former, former_item);
    } else {
        going = start_cold(&training);
    }
    going = going && learn(&training, warm ? config->targets_warm : config->targets_cold,
                           warm ? config->epochs_warm : config->epochs_cold, progress, context);
    write_items(&training);
    training_deinit(&training);
    if (!going) {
        towers_deinit(out);
    }
    return going;
}
