/*
 * The problem: learn item vectors, biases and two kinds of history embeddings from millions of
 * ratings in seconds, with the same bits for any number of threads. Stochastic
 * descent goes on from a factorisation (towers_start.c).
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
 * Rejected: pools over the whole history but the choice, later films included, which tells no more
 * on made-up people and less on MovieLens (HR@10 .093 against .105), where order matters; constants
 * of the user vector, alone and times the logarithm of the history's length, which change nothing.
 */
#include "recommender/towers.h"

#include "base/mem.h"
#include "base/rng.h"
#include "numeric/softmax.h"
#include "numeric/versions.h"
#include "recommender/age.h"
#include "recommender/towers_train_int.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum { PURPOSE_ORDER = 0x54570001, PURPOSE_CHOICES };

/* A learning rate ends at this share of its start. */
#define RATE_END 0.1f
#define EPOCHS_MIN 2
/* A pass has so many batches, unless they would be smaller than that. */
#define BATCHES_MIN 200
#define BATCH_CHOICES_MIN 512
/* A choice's weight relative to the mean weight. */
#define WEIGHT_MAX 10.0f
/* Adagrad's sums of squares start here, so that first steps are no leaps. */
#define SQUARE_START 0.01f

struct towers_config towers_defaults(void)
{
    return (struct towers_config){.factors = 32,
                                  .half_life_s = 30 * 86400.0,
                                  .negatives = 128,
                                  .batch_targets = 2048,
                                  .targets_cold = 3000000,
                                  .targets_warm = 1500000,
                                  .epochs_cold = 15,
                                  .epochs_warm = 7,
                                  .start_sweeps = 5,
                                  .learning_rate = 0.01f,
                                  .shrink = 0.3f,
                                  .start_strength = 4,
                                  .start_fast = 0.2f,
                                  .slow_floor = 0.05,
                                  .slow_offset = 1,
                                  .slow_power = 0.5,
                                  .fast_decay = 0.8,
                                  .seed = 1};
}

/* ---- step 1: people, forwards ---- */

struct step {
    struct towers_training *training;
    struct towers_batch *batch;
    uint64_t epoch;
};

static void mask_film(const struct towers_batch *batch, int32_t film, uint64_t *mask)
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

static void read_choice(const struct towers_training *training, struct towers_batch *batch,
                        int32_t row, const struct towers_pools *pools, int64_t rating,
                        const uint64_t *seen)
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
    batch->weight[row] = towers_weight(training, training->ratings->time_s[rating], WEIGHT_MAX);
    batch->slow_scale[row] = (float)towers_pools_scale(training->towers, pools);
    towers_pools_read(training->towers, pools, batch->user + (size_t)row * k);
}

static void scan_forwards(const struct step *step, int32_t p)
{
    const struct towers_training *training = step->training;
    struct towers_batch *batch = step->batch;
    const struct ratings *ratings = training->ratings;
    int32_t user = batch->person[p], length = towers_history_length(training, user);
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
    const struct towers_training *training = step->training;
    struct towers_batch *batch = step->batch;
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
static void join_slices(struct towers_batch *batch, const struct towers_training *training)
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
    const struct towers_training *training = step->training;
    const struct towers *towers = training->towers;
    struct towers_batch *batch = step->batch;
    int k = training->k;
    int32_t user = batch->person[p], row = batch->choice_first[p + 1] - 1;
    const int64_t *time_s = training->ratings->time_s + training->ratings->start[user];
    bool ages = towers->half_life_s > 0;
    float share = (float)(ages ? towers->slow_floor : 1);
    float decayed[TOWERS_FACTORS_MAX] = {0}, plain[TOWERS_FACTORS_MAX] = {0};
    float fast[TOWERS_FACTORS_MAX] = {0};
    for (int32_t place = towers_history_length(training, user) - 1; place >= 0; place--) {
        /* The choice right after this event, if it was one of the batch. */
        bool chosen = row >= batch->choice_first[p] && batch->choice_place[row] == place + 1;
        const float *gradient = chosen ? batch->user_gradient + (size_t)row * (size_t)k : NULL;
        float scale = chosen ? batch->slow_scale[row] : 0;
        size_t event = (size_t)batch->event_first[p] + (size_t)place;
        bool last = place == towers_history_length(training, user) - 1;
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

static void step_table(const struct towers_training *training, const struct towers_table *table,
                       const struct towers_rows *rows, int64_t n, const float *gradients)
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
        const struct towers_rows *rows = &step->batch->events_of;
        step_table(step->training, &step->training->slow, rows, n, step->batch->slow_gradient);
        step_table(step->training, &step->training->fast, rows, n, step->batch->fast_gradient);
    }
}

static void step_items(void *context, int64_t first, int64_t end, unsigned lane)
{
    const struct step *step = context;
    (void)lane;
    for (int64_t n = first; n < end; n++) {
        const struct towers_rows *rows = &step->batch->choices_of;
        step_table(step->training, &step->training->item, rows, n, step->batch->item_gradient);
        step_table(step->training, &step->training->bias, rows, n, step->batch->bias_gradient);
    }
}

void towers_batch_gradients(struct towers_training *training, struct towers_batch *batch,
                            uint64_t epoch, uint64_t serial)
{
    struct step step = {training, batch, epoch};
    towers_batch_draw(batch, training, serial);
    parallel_for(training->parallel, batch->people, 1, people_forwards, &step);
    parallel_for(training->parallel, batch->slices, 1, learn_slices, &step);
    join_slices(batch, training);
    parallel_for(training->parallel, batch->people, 1, people_backwards, &step);
    towers_batch_group(batch, training);
    towers_batch_forget(batch, training);
}

static void learn_batch(struct towers_training *training, struct towers_batch *batch,
                        uint64_t epoch, uint64_t serial)
{
    struct step step = {training, batch, epoch};
    towers_batch_gradients(training, batch, epoch, serial);
    parallel_for(training->parallel, batch->events_of.touched, 64, step_histories, &step);
    parallel_for(training->parallel, batch->choices_of.touched, 64, step_items, &step);
}

/* ---- training ---- */

float towers_weight(const struct towers_training *training, int64_t time_s, float most)
{
    double weight = age_weight(training->newest_s - time_s, training->config->half_life_s);
    return fminf((float)(weight * training->weight_scale), most);
}

/* Weights of age are relative: on MovieLens nearly all ratings are at their floor, and steps that
 * small would be nothing against the pull towards 0. */
static double scale_of_weights(const struct towers_training *training)
{
    const struct ratings *ratings = training->ratings;
    double sum = 0;
    for (int64_t i = 0; i < ratings->count; i++) {
        sum += age_weight(training->newest_s - ratings->time_s[i], training->config->half_life_s);
    }
    return sum > 0 ? (double)ratings->count / sum : 1;
}

static void table_init(struct towers_table *table, float *value, int32_t films, int width)
{
    size_t cells = (size_t)films * (size_t)width;
    table->width = width;
    table->value = value != NULL ? value : mem_zalloc(cells + 1, sizeof *table->value);
    table->square = mem_array(cells + 1, sizeof *table->square);
    for (size_t c = 0; c < cells; c++) {
        table->square[c] = SQUARE_START;
    }
}

void towers_training_init(struct towers_training *training)
{
    struct towers *towers = training->towers;
    size_t films = (size_t)towers->films;
    table_init(&training->item, NULL, towers->films, training->k);
    table_init(&training->bias, NULL, towers->films, 1);
    table_init(&training->slow, towers->slow, towers->films, training->k);
    table_init(&training->fast, towers->fast, towers->films, training->k);
    training->weight_scale = scale_of_weights(training);
    int64_t share = training->ratings->count / BATCHES_MIN, most = training->config->batch_targets;
    training->batch_choices = (int32_t)(share < most ? share : most);
    training->batch_choices =
        training->batch_choices < BATCH_CHOICES_MIN ? BATCH_CHOICES_MIN : training->batch_choices;
    training->draw_up_to = mem_array(films + 1, sizeof *training->draw_up_to);
    training->draw_log = mem_array(films + 1, sizeof *training->draw_log);
    training->order = mem_array((size_t)training->ratings->users + 1, sizeof *training->order);
}

void towers_training_deinit(struct towers_training *training)
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

static void shuffle(struct towers_training *training, uint64_t epoch)
{
    struct rng rng = rng_stream(training->config->seed, epoch, PURPOSE_ORDER);
    int32_t users = training->ratings->users;
    for (int32_t u = 0; u < users; u++) {
        int32_t other = (int32_t)rng_below(&rng, (uint32_t)(u + 1));
        training->order[u] = training->order[other];
        training->order[other] = u;
    }
}

bool towers_report(const struct towers_training *training, double share)
{
    return training->progress == NULL || training->progress(training->context, share);
}

/* How many choices a person may give an epoch, so that `epochs` epochs learn from `targets`. */
static int32_t choices_for(const struct towers_training *training, int64_t targets)
{
    int32_t low = 1, high = INT32_MAX;
    while (low < high) {
        int32_t middle = low + (high - low) / 2;
        int64_t total = 0;
        for (int32_t u = 0; u < training->ratings->users; u++) {
            int32_t possible = towers_history_length(training, u) - 1;
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

/* Few passes over many people, more over few: a pass costs time for every rating, learned from or
 * not. */
static int epochs_for(const struct towers_training *training, int64_t targets, int least, int most)
{
    int64_t passes = targets / (training->ratings->count + 1);
    int epochs = passes > least ? (int)(passes < most ? passes : most) : least;
    return epochs < most ? epochs : most;
}

static bool learn(struct towers_training *training, int64_t targets, int epochs, double from)
{
    struct towers_batch batch;
    int32_t users = training->ratings->users;
    uint64_t serial = 0;
    bool going = true;
    towers_batch_init(&batch, training);
    training->choices_max = epochs > 0 ? choices_for(training, targets / epochs) : 0;
    for (int epoch = 0; epoch < epochs && going; epoch++) {
        shuffle(training, (uint64_t)epoch);
        for (int32_t at = 0; at < users && going;) {
            double share = (epoch + (double)at / users) / epochs;
            training->rate = training->rate_start * (1 - (1 - RATE_END) * (float)share);
            at = towers_batch_take(&batch, training, at);
            if (batch.choices > 0) {
                learn_batch(training, &batch, (uint64_t)epoch, serial++);
            }
            going = towers_report(training, from + (1 - from) * share);
        }
    }
    towers_batch_deinit(&batch);
    return going && towers_report(training, 1);
}

static void write_items(const struct towers_training *training)
{
    size_t k = (size_t)training->k;
    for (size_t f = 0; f < (size_t)training->towers->films; f++) {
        float *row = training->towers->item + f * (k + 1);
        memcpy(row, training->item.value + f * k, k * sizeof *row);
        row[k] = training->bias.value[f];
    }
}

static void set_pools(struct towers *towers, const struct towers_config *config)
{
    towers->half_life_s = config->half_life_s;
    towers->slow_floor = config->slow_floor;
    towers->slow_offset = config->slow_offset;
    towers->slow_power = config->slow_power;
    towers->fast_decay = config->fast_decay;
}

bool towers_train(const struct towers_config *config, const struct corpus *corpus,
                  const struct towers *former, const int32_t *former_item,
                  const struct parallel *parallel, towers_progress *progress, void *context,
                  struct towers *out)
{
    struct towers_training training = {.config = config,
                                       .ratings = &corpus->ratings,
                                       .newest_s = corpus->newest_s,
                                       .parallel = parallel,
                                       .progress = progress,
                                       .context = context,
                                       .towers = out,
                                       .k = config->factors};
    bool warm = former != NULL && former->factors == config->factors;
    assert(config->negatives % SOFTMAX_NEGATIVES == 0 && config->negatives <= TOWERS_NEGATIVES_MAX);
    towers_init(out, corpus->catalogue.count, config->factors);
    set_pools(out, config);
    towers_training_init(&training);
    towers_start_draws(&training);
    bool going = true;
    int epochs = epochs_for(&training, config->targets_cold, EPOCHS_MIN, config->epochs_cold);
    training.rate_start = config->learning_rate * (float)epochs;
    if (warm) {
        towers_start_warm(&training, former, former_item);
        epochs = epochs_for(&training, config->targets_warm, 1, config->epochs_warm);
        going = learn(&training, config->targets_warm, epochs, 0);
    } else {
        going = towers_start_cold(&training) &&
                learn(&training, config->targets_cold, epochs, TOWERS_START_SHARE);
    }
    write_items(&training);
    towers_training_deinit(&training);
    if (!going) {
        towers_deinit(out);
    }
    return going;
}
