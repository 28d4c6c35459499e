/*
 * What the simulated people cost.
 *     build/release/bench/people FOLDER [PEOPLE]
 * FOLDER is in MovieLens layout; PEOPLE is 1000000 unless given. First the people are built and
 * handed to a load worker, without a written past: time until both are ready and resident memory,
 * data set included. Then nanoseconds of processor time of one step's model work with ten
 * candidates (examination, choice, rating), at rest and under each kind of drift, and of the truth
 * about it, all on one core and for people in drawn order, so that caches are as cold as in a
 * drill. Lists are of films that fit: the ten that attract the person most of CONSIDERED random
 * ones, so that about as many lists are rated as in a drill (.36). Of three rounds the quickest
 * counts, because this measures the program and not what else the machine was doing.
 */
#include "base/clock.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/text.h"
#include "load/crowd.h"
#include "movielens/dataset.h"
#include "population/population_int.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { STEPS = 200000, ROUNDS = 3, CANDIDATES = 10, CONSIDERED = 150 };

struct row {
    const char *name;
    struct drift_injection injection;
};

static const struct row rows[] = {
    {"choice rotation", {.kind = DRIFT_CHOICE_ROTATION, .size = 79}},
    {"choice rotation, half way",
     {.kind = DRIFT_CHOICE_ROTATION, .shape = DRIFT_LINEAR, .ramp_ns = 2, .size = 79}},
    {"taste rotation", {.kind = DRIFT_TASTE_ROTATION, .size = 79}},
    {"genre fashion", {.kind = DRIFT_GENRE_FASHION, .size = 1, .genre = "Drama"}},
    {"rating shift", {.kind = DRIFT_CUT_POINTS, .size = -.5}},
    {"rating spread", {.kind = DRIFT_CUT_SPREAD, .size = 1.5}},
    {"popularity wave", {.kind = DRIFT_POPULARITY_WAVE, .size = 2}},
    {"position habit", {.kind = DRIFT_POSITION_HABIT, .size = .5}},
    {"new films", {.kind = DRIFT_NEW_FILMS, .size = .2}},
    {"removed films", {.kind = DRIFT_REMOVED_FILMS, .size = .4}},
};

static double cpu_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* Now, and at most so far, in MiB. */
static void resident(double *now, double *peak)
{
    char line[128];
    FILE *file = fopen("/proc/self/status", "re");
    *now = *peak = 0;
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        int64_t kib = 0;
        if (sscanf(line, "VmRSS: %ld", &kib) == 1) {
            *now = (double)kib / 1024;
        } else if (sscanf(line, "VmHWM: %ld", &kib) == 1) {
            *peak = (double)kib / 1024;
        }
    }
    if (file != NULL) {
        (void)fclose(file);
    }
}

static void report_ready(const char *what, double wall_s, double busy_s)
{
    double now, peak;
    resident(&now, &peak);
    printf("%-28s %6.2f s wall, %6.2f s processor, %4.0f MiB resident, %4.0f at most\n", what,
           wall_s, busy_s, now, peak);
}

/* Lists, people and moments drawn beforehand: what is measured is the model alone. */
struct work {
    const struct population *population;
    int32_t *person; /* [STEPS] */
    struct step_list *list;
};

/* Best first. */
static void list_fitting(const struct population *population, int32_t person, struct rng *rng,
                         struct step_list *out)
{
    const float *taste = population->taste + (int64_t)person * TASTE_DIMS;
    double attraction[CANDIDATES];
    out->count = 0;
    for (int k = 0; k < CONSIDERED; k++) {
        int32_t film = (int32_t)rng_below(rng, (uint32_t)population->films);
        double by = population_attraction(population, taste, film);
        int place = out->count < CANDIDATES ? out->count++ : CANDIDATES;
        for (; place > 0 && attraction[place - 1] < by; place--) {
            if (place < CANDIDATES) {
                attraction[place] = attraction[place - 1];
                out->item[place] = out->item[place - 1];
            }
        }
        if (place < CANDIDATES) {
            attraction[place] = by;
            out->item[place] = film;
        }
    }
}

static void draw_work(const struct population *population, struct work *work)
{
    work->population = population;
    work->person = mem_array(STEPS, sizeof *work->person);
    work->list = mem_array(STEPS, sizeof *work->list);
    for (int32_t k = 0; k < STEPS; k++) {
        struct rng rng = rng_stream(4, (uint64_t)k, 1);
        work->person[k] = (int32_t)rng_below(&rng, (uint32_t)population_users(population));
        list_fitting(population, work->person[k], &rng, &work->list[k]);
    }
}

/* One round over all steps: seconds of the steps and of the truth about them. */
static void time_round(const struct work *work, const struct drift *drift,
                       struct step_outcome *outcome, double seconds[2], double shares[2])
{
    shares[0] = shares[1] = 0;
    double begin = cpu_s();
    for (int32_t k = 0; k < STEPS; k++) {
        outcome[k] = population_step(work->population, drift, 1, work->person[k], (uint32_t)k & 7,
                                     &work->list[k], NULL, 0);
        shares[0] += outcome[k].rank > 0 ? 1. / STEPS : 0;
    }
    seconds[0] = fmin(seconds[0], cpu_s() - begin);
    begin = cpu_s();
    for (int32_t k = 0; k < STEPS; k++) {
        struct step_truth truth;
        population_step_truth(work->population, drift, 1, work->person[k], (uint32_t)k & 7,
                              &work->list[k], NULL, 0, &outcome[k], &truth);
        shares[1] += truth.now.rated / STEPS;
    }
    seconds[1] = fmin(seconds[1], cpu_s() - begin);
}

static void time_steps(const struct work *work, const struct drift *drift, const char *name)
{
    struct step_outcome *outcome = mem_zalloc(STEPS, sizeof *outcome);
    double seconds[2] = {INFINITY, INFINITY}, shares[2];
    for (int round = 0; round < ROUNDS; round++) {
        time_round(work, drift, outcome, seconds, shares);
    }
    printf("%-28s %6.0f ns a step, %6.0f ns its truth; %.3f taken, %.3f expected\n", name,
           seconds[0] / STEPS * 1e9, seconds[1] / STEPS * 1e9, shares[0], shares[1]);
    mem_free(outcome);
}

static enum err time_all(const struct population *population, const struct parallel *parallel,
                         struct error *error)
{
    struct work work;
    enum err code = ERR_OK;
    draw_work(population, &work);
    time_steps(&work, NULL, "at rest");
    for (size_t i = 0; code == ERR_OK && i < sizeof rows / sizeof rows[0]; i++) {
        struct drift drift = {.count = 1, .injection = {rows[i].injection}};
        drift.injection[0].end_ns = INT64_MAX;
        code = population_bind_drift(population, &drift, parallel, error);
        if (code == ERR_OK) {
            time_steps(&work, &drift, rows[i].name);
        }
        drift_deinit(&drift);
    }
    mem_free(work.person);
    mem_free(work.list);
    return code;
}

static enum err measure(const char *folder, int32_t people, struct error *error)
{
    struct dataset_options options = {.strict = false};
    struct dataset data;
    struct population *population = NULL;
    struct parallel parallel = parallel_all_cores();
    struct population_config config = population_defaults();
    enum err code = dataset_load(folder, &options, &data, NULL, error);
    if (code != ERR_OK) {
        return code;
    }
    config.users = people;
    int64_t begin_ns = clock_mono_ns();
    double busy_s = cpu_s();
    code = population_build(&config, &data, &parallel, &population, error);
    if (code == ERR_OK) {
        report_ready("people", (double)(clock_mono_ns() - begin_ns) * 1e-9, cpu_s() - busy_s);
        struct engine_plan plan = {
            .population = population, .arrivals = {.people = people}, .threads = 1};
        struct crowd crowd;
        crowd_init(&crowd, &plan, 0);
        report_ready("people and their crowd", (double)(clock_mono_ns() - begin_ns) * 1e-9,
                     cpu_s() - busy_s);
        crowd_deinit(&crowd);
        code = time_all(population, &parallel, error);
    }
    population_free(population);
    dataset_deinit(&data);
    return code;
}

int main(int argc, char **argv)
{
    int64_t people = 1000000;
    struct error error = {0};
    if (argc < 2 || argc > 3 ||
        (argc == 3 && (!text_to_i64(argv[2], &people) || people < 1 || people > 10000000))) {
        (void)fprintf(stderr, "usage: %s FOLDER [PEOPLE]\n", argv[0]);
        return 2;
    }
    if (measure(argv[1], (int32_t)people, &error) != ERR_OK) {
        (void)fprintf(stderr, "%s: %s\n", error.where, error.text);
        return 1;
    }
    return 0;
}
