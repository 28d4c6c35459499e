/*
 * The pasts of a batch of people are generated on all threads, each into its own place, then
 * written by the calling thread in order of people: so the file does not depend on the threads,
 * memory stays at a batch, and the writer needs no lock. Generating costs many times what writing
 * does, so letting both overlap would gain nothing worth a queue.
 */
#include "drill/past_files.h"

#include "base/mem.h"
#include "movielens/dataset.h"
#include "movielens/profile.h"

#include <stdlib.h>
#include <string.h>

#define BATCH 1024 /* people generated between two rounds of writing */

/* ---- summary ---- */

/* Fills what follows from the counts; sorts `film_count`. */
static void finish_summary(struct past_summary *summary, uint64_t *film_count, int32_t films)
{
    struct profile_fame fame = profile_fame_of(film_count, films);
    profile_moments(summary->stars, &summary->mean, &summary->sd);
    summary->films = fame.films_rated;
    summary->top_tenth_share = fame.top_tenth_share;
    summary->most_seen_share = summary->people > 0 ? fame.most_rated / summary->people : 0;
}

struct past_summary past_summary_of(const struct ratings *ratings)
{
    struct past_summary summary = {.people = ratings->users, .ratings = ratings->count};
    uint64_t *film_count = mem_zalloc((size_t)ratings->items + 1, sizeof *film_count);
    for (int64_t k = 0; k < ratings->count; k++) {
        summary.stars[ratings->half_stars[k] - 1]++;
        film_count[ratings->item[k]]++;
    }
    finish_summary(&summary, film_count, ratings->items);
    mem_free(film_count);
    return summary;
}

/* ---- generating ---- */

struct batch {
    const struct population *population;
    const struct drift *drift;    /* NULL: the past before the drill */
    const struct drift *withheld; /* films it withholds are in no past before the drill; or NULL */
    int32_t count_min, count_max, first;
    int32_t part, parts; /* later past of every parts-th person only; 0 parts = of everybody */
    int64_t drill_s;
    struct past *past; /* [BATCH] */
};

static void make_past(const struct batch *batch, int32_t person, struct past *out)
{
    population_past(batch->population, person, batch->drill_s, out);
    if (batch->withheld != NULL) {
        past_withhold(out, batch->withheld);
    }
}

static void generate(void *context, int64_t first, int64_t end, unsigned lane)
{
    (void)lane;
    const struct batch *batch = context;
    struct past seen = {.count = 0};
    for (int64_t k = first; k < end; k++) {
        int32_t person = batch->first + (int32_t)k;
        struct past *out = &batch->past[k];
        if (batch->drift == NULL) {
            make_past(batch, person, out);
            continue;
        }
        if (batch->parts > 0 && person % batch->parts != batch->part) {
            out->count = 0;
            continue;
        }
        /* Made again and not kept from the first writing: it is quick, and a drill may take the
         * first past from its cache. */
        make_past(batch, person, &seen);
        population_later_past(batch->population, person, batch->drill_s, batch->drift,
                              batch->count_min, batch->count_max, &seen, out);
    }
    past_deinit(&seen);
}

static int rising(const void *a, const void *b)
{
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

static void sort_films(void *context, int64_t first, int64_t end, unsigned lane)
{
    (void)lane;
    const struct past_files_report *report = context;
    for (int64_t p = first; p < end; p++) {
        qsort(report->item + report->start[p], (size_t)(report->start[p + 1] - report->start[p]),
              sizeof *report->item, rising);
    }
}

/* ---- writing ---- */

struct output {
    struct dataset_writer *writer;
    struct past_files_report *report;
    int64_t item_capacity;
    uint64_t *film_count;
};

static void write_person(struct output *output, const struct population *population, int32_t person,
                         const struct past *past)
{
    struct past_files_report *report = output->report;
    struct past_summary *summary = &report->summary;
    const struct catalogue *catalogue = population_catalogue(population);
    int32_t user_id = population_user_id(population, person);
    for (int32_t k = 0; k < past->count; k++) {
        dataset_writer_rate(output->writer, user_id, catalogue->id[past->item[k]],
                            past->half_stars[k], past->time_s[k]);
        summary->stars[past->half_stars[k] - 1]++;
        output->film_count[past->item[k]]++;
    }
    if (summary->ratings + past->count > output->item_capacity) {
        output->item_capacity = 2 * (summary->ratings + past->count);
        report->item =
            mem_resize(report->item, (size_t)output->item_capacity, sizeof *report->item);
    }
    if (past->count > 0) { /* newcomers have none, and no memory for it */
        memcpy(report->item + summary->ratings, past->item,
               (size_t)past->count * sizeof *past->item);
    }
    summary->ratings += past->count;
    report->start[person + 1] = summary->ratings;
}

void past_files_report_deinit(struct past_files_report *report)
{
    mem_free(report->start);
    mem_free(report->item);
    memset(report, 0, sizeof *report);
}

static void write_everybody(struct batch *batch, struct output *output,
                            const struct parallel *parallel)
{
    int32_t people = population_users(batch->population);
    batch->past = mem_zalloc(BATCH, sizeof *batch->past);
    for (; batch->first < people; batch->first += BATCH) {
        int32_t count = people - batch->first < BATCH ? people - batch->first : BATCH;
        parallel_for(parallel, count, 0, generate, batch);
        for (int32_t k = 0; k < count; k++) {
            write_person(output, batch->population, batch->first + k, &batch->past[k]);
        }
    }
    for (int k = 0; k < BATCH; k++) {
        past_deinit(&batch->past[k]);
    }
    mem_free(batch->past);
}

/* The films a target may hear of before the drill. Titles and genre names stay the original's. */
static struct catalogue released(const struct catalogue *catalogue, const struct drift *withheld)
{
    struct catalogue out = *catalogue;
    size_t size = (size_t)catalogue->count + 1;
    out.id = mem_zalloc(size, sizeof *out.id);
    out.genres = mem_zalloc(size, sizeof *out.genres);
    out.year = mem_zalloc(size, sizeof *out.year);
    out.title = mem_zalloc(size, sizeof *out.title);
    out.count = 0;
    for (int32_t i = 0; i < catalogue->count; i++) {
        if (!population_withheld(withheld, i)) {
            out.id[out.count] = catalogue->id[i];
            out.genres[out.count] = catalogue->genres[i];
            out.year[out.count] = catalogue->year[i];
            out.title[out.count++] = catalogue->title[i];
        }
    }
    return out;
}

static enum err close_writer(struct dataset_writer *writer, const struct catalogue *catalogue,
                             const struct drift *withheld, struct error *error)
{
    if (withheld == NULL || !population_withholds(withheld)) {
        return dataset_writer_close(writer, catalogue, error);
    }
    struct catalogue rest = released(catalogue, withheld);
    enum err code = dataset_writer_close(writer, &rest, error);
    mem_free(rest.id);
    mem_free(rest.genres);
    mem_free(rest.year);
    mem_free(rest.title);
    return code;
}

static enum err write_files(struct batch *batch, const struct parallel *parallel,
                            const char *folder, struct past_files_report *report,
                            struct error *error)
{
    const struct population *population = batch->population;
    const struct catalogue *catalogue = population_catalogue(population);
    memset(report, 0, sizeof *report);
    struct output output = {.report = report};
    enum err code = dataset_writer_open(folder, &output.writer, error);
    if (code != ERR_OK) {
        return code;
    }
    report->summary.people = population_users(population);
    report->start = mem_zalloc((size_t)report->summary.people + 1, sizeof *report->start);
    output.film_count = mem_zalloc((size_t)catalogue->count + 1, sizeof *output.film_count);
    write_everybody(batch, &output, parallel);
    parallel_for(parallel, report->summary.people, 0, sort_films, report);
    finish_summary(&report->summary, output.film_count, catalogue->count);
    mem_free(output.film_count);
    code = close_writer(output.writer, catalogue, batch->drift == NULL ? batch->withheld : NULL,
                        error);
    if (code != ERR_OK) {
        past_files_report_deinit(report);
    }
    return code;
}

enum err past_files_write(const struct population *population, const struct drift *drift,
                          int32_t count_min, int32_t count_max, int64_t drill_s,
                          const struct parallel *parallel, const char *folder,
                          struct past_files_report *report, struct error *error)
{
    struct batch batch = {.population = population,
                          .drift = drift,
                          .withheld = drift,
                          .count_min = count_min,
                          .count_max = count_max,
                          .drill_s = drill_s};
    return write_files(&batch, parallel, folder, report, error);
}

enum err past_files_write_part(const struct population *population, const struct drift *drift,
                               const struct past_files_part *part, int64_t drill_s,
                               const struct parallel *parallel, const char *folder,
                               struct past_files_report *report, struct error *error)
{
    struct batch batch = {.population = population,
                          .drift = drift,
                          .withheld = drift,
                          .count_min = part->count_min,
                          .count_max = part->count_max,
                          .part = part->part,
                          .parts = part->parts,
                          .drill_s = drill_s};
    return write_files(&batch, parallel, folder, report, error);
}

enum err past_files_write_early(const struct population *population, const struct drift *drift,
                                int64_t drill_s, const struct parallel *parallel,
                                const char *folder, struct past_files_report *report,
                                struct error *error)
{
    struct batch batch = {.population = population, .withheld = drift, .drill_s = drill_s};
    return write_files(&batch, parallel, folder, report, error);
}
