#include "command/capacity_people.h"

#include "base/mem.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* So many tell a hit rate to some percent, and in a reference of a few thousand steps each of them
 * is worn by about ten. A search that wears the others further is told that nothing is known. */
#define REFERENCE_PEOPLE 300
#define REFERENCE_PART 10
/* The line is trusted for as many steps as this share of the sights lies within. */
#define TRUSTED_SHARE .95
/* What lies off the line by more errors, and by a larger part of what the line says, bends it. */
#define BENT_ERRORS 3.5
#define BENT_SHARE 0.1
#define BENT_PEOPLE_MIN 30

void capacity_people_init(struct capacity_people *people, int32_t users, bool lists_only)
{
    int32_t apart = users / REFERENCE_PART;
    apart = apart < REFERENCE_PEOPLE ? apart : REFERENCE_PEOPLE;
    *people = (struct capacity_people){.turning = users, .worn = !lists_only};
    if (!lists_only) {
        people->turning = users - apart;
        people->reference = apart;
    }
}

int32_t capacity_people_next(struct capacity_people *people)
{
    return (int32_t)(people->steps++ % people->turning);
}

void capacity_people_made(struct capacity_people *people, int64_t steps)
{
    people->steps += steps;
}

static int by_person(const void *a, const void *b)
{
    const struct capacity_sight *x = a, *y = b;
    return (x->person > y->person) - (x->person < y->person);
}

static int by_step(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static double trusted_steps(const struct capacity_sight *sight, size_t count)
{
    uint32_t *step = mem_array(count, sizeof *step);
    for (size_t i = 0; i < count; i++) {
        step[i] = sight[i].step;
    }
    qsort(step, count, sizeof *step, by_step);
    double most = step[(size_t)ceil(TRUSTED_SHARE * (double)count) - 1];
    mem_free(step);
    return most;
}

/* Least squares of the hits against the steps, x counted from the mean step. */
struct line {
    double n, mean_x, mean_y, spread, slope;
};

static struct line fit_line(const struct capacity_sight *sight, size_t count, bool worn)
{
    struct line line = {.n = (double)count};
    double sum_xy = 0;
    for (size_t i = 0; i < count; i++) {
        line.mean_x += worn ? sight[i].step / line.n : 0;
        line.mean_y += sight[i].hit / line.n;
    }
    for (size_t i = 0; i < count; i++) {
        double x = worn ? sight[i].step - line.mean_x : 0;
        line.spread += x * x;
        sum_xy += x * (sight[i].hit - line.mean_y);
    }
    line.slope = line.spread > 0 ? sum_xy / line.spread : 0;
    /* Chance may make it rise, wear cannot. */
    line.slope = line.slope < 0 ? line.slope : 0;
    return line;
}

/* The residuals of one person's lists go up and down together. A slope that was set to 0 keeps its
 * error: it may be a little less. */
static void find_errors(struct capacity_people *people, const struct capacity_sight *sight,
                        size_t count, const struct line *line)
{
    double level = 0, tilt = 0, both = 0, clusters = 0;
    for (size_t i = 0; i < count; clusters++) {
        double sum = 0, moment = 0;
        int32_t person = sight[i].person;
        for (; i < count && sight[i].person == person; i++) {
            double x = people->worn ? sight[i].step - line->mean_x : 0;
            double off = sight[i].hit - line->mean_y - line->slope * x;
            sum += off;
            moment += x * off;
        }
        level += sum * sum;
        tilt += moment * moment;
        both += sum * moment;
    }
    people->seen = (int64_t)clusters;
    if (clusters < CAPACITY_PEOPLE_SEEN_MIN) {
        people->first_variance = people->change_variance = people->covariance = NAN;
        people->hit_error = NAN;
        return;
    }
    double small = clusters / (clusters - 1), n = line->n, x = line->mean_x;
    double spread = line->spread;
    double of_mean = small * level / (n * n);
    double of_slope = spread > 0 ? small * tilt / (spread * spread) : 0;
    double between = spread > 0 ? small * both / (n * spread) : 0;
    people->first_variance = of_mean - 2 * x * between + x * x * of_slope;
    people->change_variance = of_slope;
    people->covariance = between - x * of_slope;
    people->hit_error = sqrt(fmax(people->first_variance, 0));
}

/* Mean distance from the line of the lists of some steps, with its error over people. */
static bool lie_off(const struct capacity_sight *sight, size_t count, const struct line *line,
                    uint32_t from, uint32_t to)
{
    double sum = 0, squares = 0, clusters = 0, told = 0;
    for (size_t i = 0; i < count;) {
        int32_t person = sight[i].person;
        double off = 0;
        bool here = false;
        for (; i < count && sight[i].person == person; i++) {
            double rate = line->mean_y + line->slope * (sight[i].step - line->mean_x);
            bool within = sight[i].step >= from && sight[i].step < to;
            off += within ? sight[i].hit - rate : 0;
            told += within ? rate : 0;
            here |= within;
        }
        sum += off;
        squares += off * off;
        clusters += here;
    }
    return clusters >= BENT_PEOPLE_MIN && fabs(sum) > BENT_ERRORS * sqrt(squares) &&
           fabs(sum) > BENT_SHARE * told;
}

/* By steps 0, 1, 2 and 3, 4 to 7 ...: what bends the line does so at its beginning. */
static bool is_bent(const struct capacity_people *people, const struct capacity_sight *sight,
                    size_t count, const struct line *line)
{
    bool bent = false;
    for (uint32_t from = 0, to = 1; people->worn && from <= people->steps_most; to *= 2) {
        bent |= lie_off(sight, count, line, from, to);
        from = to;
    }
    return bent;
}

void capacity_people_learn(struct capacity_people *people, struct capacity_sight *sight,
                           size_t count)
{
    people->known = count > 0;
    people->lists = (int64_t)count;
    if (count == 0) {
        return;
    }
    qsort(sight, count, sizeof *sight, by_person);
    struct line line = fit_line(sight, count, people->worn);
    people->hit_change = line.slope;
    people->hit_first = line.mean_y - line.slope * line.mean_x;
    people->steps_most = people->worn ? trusted_steps(sight, count) : 0;
    people->bent = is_bent(people, sight, count, &line);
    find_errors(people, sight, count, &line);
}

bool capacity_people_unknown(const struct capacity_people *people, char *why, size_t size)
{
    bool unknown = true;
    if (people->bent) {
        (void)snprintf(why, size,
                       "hits of the reference follow no line that falls with people's steps, so "
                       "nothing is expected; train the target on their past (driftdrill data "
                       "people), or promise hit_rate instead");
    } else if (!people->known || !isfinite(people->hit_error)) {
        (void)snprintf(why, size,
                       "the reference saw %lld people, %d are needed to expect anything; take a "
                       "longer --reference or more --users",
                       (long long)people->seen, CAPACITY_PEOPLE_SEEN_MIN);
    } else {
        unknown = false;
    }
    return unknown;
}

struct capacity_expected capacity_people_expected(const struct capacity_people *people,
                                                  int64_t from, int64_t to)
{
    struct capacity_expected unknown = {NAN, NAN};
    /* Step number i of all is step i / turning of whoever makes it. */
    double steps = 0, rates = 0, count = (double)(to - from);
    int64_t turn = people->turning;
    if (!people->known || people->bent || to <= from || to > capacity_people_reach(people)) {
        return unknown;
    }
    for (int64_t k = from / turn; people->worn && k * turn < to; k++) {
        int64_t first = k * turn > from ? k * turn : from;
        int64_t last = (k + 1) * turn < to ? (k + 1) * turn : to;
        double rate = people->hit_first + people->hit_change * (double)k;
        rates += fmax(rate, 0) * (double)(last - first);
        steps += (double)k * (double)(last - first);
    }
    if (!people->worn) {
        rates = people->hit_first * count;
    }
    double x = steps / count;
    double variance =
        people->first_variance + 2 * x * people->covariance + x * x * people->change_variance;
    /* Rounding may leave a variance of nothing a little below it; an unknown one stays so. */
    return (struct capacity_expected){rates / count, sqrt(variance < 0 ? 0 : variance)};
}

int64_t capacity_people_reach(const struct capacity_people *people)
{
    return people->worn ? ((int64_t)people->steps_most + 1) * people->turning : INT64_MAX;
}
