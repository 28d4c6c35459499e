#include "base/mem.h"
#include "base/rng.h"
#include "numeric/softmax.h"
#include "recommender/towers_train_int.h"

#include <math.h>
#include <string.h>

enum { PURPOSE_NEGATIVES = 0x54570003 };

static void grow(void *array, size_t count, size_t size)
{
    void **place = array;
    *place = mem_resize(*place, count + 1, size);
}

void towers_batch_init(struct towers_batch *batch, const struct towers_training *training)
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
    struct towers_rows *groups[] = {&batch->events_of, &batch->choices_of};
    for (int g = 0; g < 2; g++) {
        groups[g]->first = mem_array(films + 2, sizeof *groups[g]->first);
        groups[g]->film = mem_array(films + 1, sizeof *groups[g]->film);
    }
}

void towers_batch_deinit(struct towers_batch *batch)
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

/* A first rating is told from nothing and teaches little. */
static int32_t choices_of(const struct towers_training *training, int32_t user)
{
    int32_t possible = towers_history_length(training, user) - 1;
    possible = possible > 0 ? possible : 0;
    return possible < training->choices_max ? possible : training->choices_max;
}

static void reserve(struct towers_batch *batch, const struct towers_training *training,
                    int32_t choices, int32_t events)
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

int32_t towers_batch_take(struct towers_batch *batch, const struct towers_training *training,
                          int32_t at)
{
    batch->people = batch->events = batch->choices = 0;
    for (; at < training->ratings->users && batch->choices < training->batch_choices; at++) {
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
        batch->events += towers_history_length(training, user);
        batch->choices += choices;
        batch->event_first[batch->people] = batch->events;
        batch->choice_first[batch->people] = batch->choices;
    }
    batch->slices = (batch->choices + SOFTMAX_SLICE - 1) / SOFTMAX_SLICE;
    reserve(batch, training, batch->choices, batch->events);
    return at;
}

static int32_t draw_film(const struct towers_training *training, double share)
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

void towers_batch_draw(struct towers_batch *batch, const struct towers_training *training,
                       uint64_t serial)
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

void towers_batch_forget(struct towers_batch *batch, const struct towers_training *training)
{
    for (int n = 0; n < training->config->negatives; n++) {
        batch->first_negative[batch->negative[n]] = -1;
    }
}

/* Puts the rows of a film together, keeping their order. */
static void group(struct towers_rows *out, const int32_t *film_of, int32_t rows, int32_t *count,
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

void towers_batch_group(struct towers_batch *batch, const struct towers_training *training)
{
    int32_t films = training->towers->films, negatives = training->config->negatives;
    group(&batch->events_of, batch->event_film, batch->events, batch->count, films);
    group(&batch->choices_of, batch->choice_film, batch->choices + negatives, batch->count, films);
}
