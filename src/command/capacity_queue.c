#include "command/capacity_queue.h"

#include <math.h>

#define PARTS CAPACITY_QUEUE_PARTS
/* Means that follow each other more closely than this cannot be told from a trend by ten of them.
 */
#define FOLLOWING_MAX 0.8

void capacity_queue_init(struct capacity_queue *queue, double from_s, double to_s)
{
    *queue = (struct capacity_queue){.from_s = from_s, .to_s = to_s};
}

void capacity_queue_look(struct capacity_queue *queue, double now_s, double requests)
{
    double place = PARTS * (now_s - queue->from_s) / (queue->to_s - queue->from_s);
    if (place >= 0 && place < PARTS) {
        queue->looks[(int)place]++;
        queue->sum[(int)place] += requests;
    }
}

void capacity_queue_empty_from(struct capacity_queue *queue, double now_s)
{
    double place = PARTS * (now_s - queue->from_s) / (queue->to_s - queue->from_s);
    for (int i = 0; i < PARTS; i++) {
        if (i >= floor(place) && queue->looks[i] < 1) {
            queue->looks[i] = 1;
        }
    }
}

/* Variance of the residuals, as if they were independent and as they are. */
static double residual_variance(const double rest[PARTS])
{
    double squares = 0, neighbours = 0;
    for (int i = 0; i < PARTS; i++) {
        squares += rest[i] * rest[i];
        neighbours += i > 0 ? rest[i] * rest[i - 1] : 0;
    }
    double following = squares > 0 ? neighbours / squares : 0;
    following = fmin(fmax(following, 0), FOLLOWING_MAX);
    return squares / (PARTS - 2) * (1 + following) / (1 - following);
}

double capacity_queue_slope(const struct capacity_queue *queue, double *error)
{
    double mean[PARTS], rest[PARTS], middle = 0, spread = 0, product = 0;
    double part_s = (queue->to_s - queue->from_s) / PARTS;
    *error = NAN;
    for (int i = 0; i < PARTS; i++) {
        if (queue->looks[i] < 1) {
            return NAN;
        }
        mean[i] = queue->sum[i] / queue->looks[i];
        middle += mean[i] / PARTS;
    }
    for (int i = 0; i < PARTS; i++) {
        double t = (i - (PARTS - 1) / 2.0) * part_s;
        spread += t * t;
        product += t * (mean[i] - middle);
    }
    double slope = product / spread;
    for (int i = 0; i < PARTS; i++) {
        rest[i] = mean[i] - middle - slope * (i - (PARTS - 1) / 2.0) * part_s;
    }
    /* One request more or less over the whole time is no trend, however still the rest was. */
    double least = 1 / (queue->to_s - queue->from_s);
    *error = sqrt(residual_variance(rest) / spread + least * least);
    return slope;
}
