/* driftdrill data compare: how much simulated people are like MovieLens, a row a property. */
#include "base/clock.h"
#include "base/document.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/parallel.h"
#include "command/command.h"
#include "movielens/compare.h"
#include "movielens/dataset.h"
#include "movielens/synth.h"
#include "population/population.h"

#include <jansson.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define COLUMNS_MAX 3
#define DAY_S 86400

static const struct option_row rows[] = {
    {"seed", OPTION_INT, "S", "1", 0, 9e15, "Of the simulated people and the synthetic data."},
    {"json", OPTION_FLAG, NULL, NULL, 0, 0, "Print JSON instead of a table."},
    {NULL},
};

struct column {
    const char *name;
    char source[PATH_MAX + 64];
    bool judged; /* false for the real data, which are there to be compared with */
    double value[COMPARE_PROPERTIES];
};

struct comparison {
    struct column column[COLUMNS_MAX];
    int columns;
    struct parallel parallel;
};

static struct column *add_column(struct comparison *all, const char *name, bool judged)
{
    struct column *column = &all->column[all->columns++];
    column->name = name;
    column->judged = judged;
    return column;
}

static enum err load(const char *folder, struct dataset *data, struct error *error)
{
    struct dataset_options how = {.reports_max = 10};
    struct faults faults;
    faults_init(&faults);
    enum err code = dataset_load(folder, &how, data, &faults, error);
    faults_print(&faults);
    faults_deinit(&faults);
    return code;
}

static enum err measure_folder(struct comparison *all, const char *name, const char *folder,
                               bool judged, struct error *error)
{
    struct dataset data;
    enum err code = load(folder, &data, error);
    if (code == ERR_OK) {
        struct column *column = add_column(all, name, judged);
        snprintf(column->source, sizeof column->source, "%s", folder);
        compare_measure(&data, &all->parallel, column->value);
        dataset_deinit(&data);
    }
    return code;
}

/* The pasts of one round of look-alikes, one of each user of the data, as a data set. The films
 * are borrowed. Real users, whose past is their own history, are left out. */
static void gather_pasts(const struct population *population, const struct dataset *data,
                         struct dataset *out)
{
    int32_t people = data->ratings.users;
    size_t count = (size_t)data->ratings.count;
    int64_t midnight_s = clock_wall_ns() / CLOCK_NS_PER_S / DAY_S * DAY_S;
    struct past past = {0};
    memset(out, 0, sizeof *out);
    out->catalogue = data->catalogue;
    struct ratings *r = &out->ratings;
    *r = (struct ratings){.users = people,
                          .items = data->ratings.items,
                          .user_id = mem_array((size_t)people, sizeof *r->user_id),
                          .start = mem_zalloc((size_t)people + 1, sizeof *r->start),
                          .item = mem_array(count, sizeof *r->item),
                          .half_stars = mem_array(count, sizeof *r->half_stars),
                          .time_s = mem_array(count, sizeof *r->time_s)};
    for (int32_t u = 0; u < people; u++) {
        population_past(population, people + u, midnight_s, &past);
        size_t n = (size_t)past.count;
        memcpy(r->item + r->count, past.item, n * sizeof *r->item);
        memcpy(r->half_stars + r->count, past.half_stars, n * sizeof *r->half_stars);
        memcpy(r->time_s + r->count, past.time_s, n * sizeof *r->time_s);
        r->user_id[u] = population_user_id(population, people + u);
        r->count += past.count;
        r->start[u + 1] = r->count;
    }
    past_deinit(&past);
}

static enum err measure_past(struct comparison *all, const struct dataset *data, const char *source,
                             uint64_t seed, struct error *error)
{
    struct population_config config = population_defaults();
    struct population *population = NULL;
    struct dataset pasts;
    config.users = 2 * data->ratings.users;
    config.seed = seed;
    enum err code = population_build(&config, data, &all->parallel, &population, error);
    if (code != ERR_OK) {
        return code;
    }
    struct column *column = add_column(all, "simulated", true);
    snprintf(column->source, sizeof column->source, "the past of %d look-alikes of %s",
             (int)data->ratings.users, source);
    gather_pasts(population, data, &pasts);
    compare_measure(&pasts, &all->parallel, column->value);
    ratings_deinit(&pasts.ratings);
    population_free(population);
    return ERR_OK;
}

static enum err measure_synthetic(struct comparison *all, const struct dataset *like, uint64_t seed,
                                  struct error *error)
{
    struct synth_config config = {
        .users = like->ratings.users, .movies = like->catalogue.count, .seed = seed};
    struct dataset data;
    enum err code = synth_make(&config, &all->parallel, &data, error);
    if (code == ERR_OK) {
        struct column *column = add_column(all, "synthetic", true);
        snprintf(column->source, sizeof column->source, "data synth, %d people and %d films",
                 (int)config.users, (int)config.movies);
        compare_measure(&data, &all->parallel, column->value);
        dataset_deinit(&data);
    }
    return code;
}

/* The data named or found; if there are none, the synthetic ones, of which people then are learned
 * and which are no column of real data. */
static enum err load_real(const struct options *options, struct comparison *all,
                          struct dataset *data, char *source, size_t size, struct error *error)
{
    char home[PATH_MAX];
    bool found = false, has_home = command_home(home, sizeof home);
    const char *wanted =
        options_positional_count(options) > 0 ? options_positional(options, 0) : NULL;
    enum err code = dataset_find(wanted, has_home ? home : NULL, source, size, &found, error);
    if (code == ERR_OK && found) {
        code = load(source, data, error);
    } else if (code == ERR_OK) {
        struct synth_config config = synth_defaults();
        log_write(LOG_WARN, "data",
                  "no MovieLens data found: the people are learned from the "
                  "built-in synthetic look-alike, and no column is real");
        snprintf(source, size, "built-in synthetic data");
        code = synth_make(&config, &all->parallel, data, error);
    }
    if (code == ERR_OK && found) {
        struct column *column = add_column(all, "real", false);
        snprintf(column->source, sizeof column->source, "%s", source);
        compare_measure(data, &all->parallel, column->value);
    }
    return code;
}

static enum err measure(const struct options *options, struct comparison *all, struct error *error)
{
    uint64_t seed = (uint64_t)options_int(options, "seed");
    char source[PATH_MAX];
    if (options_positional_count(options) == 2) {
        enum err code = measure_folder(all, "real", options_positional(options, 0), false, error);
        return code != ERR_OK
                   ? code
                   : measure_folder(all, "simulated", options_positional(options, 1), true, error);
    }
    struct dataset data;
    enum err code = load_real(options, all, &data, source, sizeof source, error);
    if (code != ERR_OK) {
        return code;
    }
    code = measure_past(all, &data, source, seed, error);
    if (code == ERR_OK) {
        code = measure_synthetic(all, &data, seed, error);
    }
    dataset_deinit(&data);
    return code;
}

/* ---- printing ---- */

static bool all_within(const struct comparison *all, int property)
{
    for (int c = 0; c < all->columns; c++) {
        const struct column *column = &all->column[c];
        if (column->judged && compare_judge((enum compare_property_id)property,
                                            column->value[property]) == COMPARE_OUTSIDE) {
            return false;
        }
    }
    return true;
}

static bool any_known(const struct comparison *all, int property)
{
    bool known = false;
    for (int c = 0; c < all->columns; c++) {
        known = known || (all->column[c].judged && !isnan(all->column[c].value[property]));
    }
    return known;
}

static void print_value(const struct column *column, int property)
{
    double value = column->value[property];
    int digits = compare_properties[property].digits;
    bool outside = compare_judge((enum compare_property_id)property, value) == COMPARE_OUTSIDE;
    if (isnan(value)) {
        printf(" %10s ", "-");
    } else {
        /* One digit more than is judged, so that a value near an end can be told. */
        printf(" %10.*f%c", digits > 0 ? digits + 1 : 1, value, outside ? '*' : ' ');
    }
}

static int print_table(const struct comparison *all)
{
    int outside = 0;
    for (int c = 0; c < all->columns; c++) {
        printf("%-10s %s\n", all->column[c].name, all->column[c].source);
    }
    printf("\n%-55s %15s", "property", "band");
    for (int c = 0; c < all->columns; c++) {
        printf(" %10s ", all->column[c].name);
    }
    printf(" ok\n");
    for (int p = 0; p < COMPARE_PROPERTIES; p++) {
        const struct compare_property *row = &compare_properties[p];
        bool within = all_within(all, p);
        printf("%-11s%-44s %7.*f%8.*f", row->group, row->name, row->digits, row->low, row->digits,
               row->high);
        for (int c = 0; c < all->columns; c++) {
            print_value(&all->column[c], p);
        }
        printf(" %s\n", !within ? "NO" : any_known(all, p) ? "yes" : "-");
        outside += !within;
    }
    printf("\n%d of %d properties are within their bands; * is outside, - cannot be told (see "
           "docs/data.md)\n",
           COMPARE_PROPERTIES - outside, COMPARE_PROPERTIES);
    return outside;
}

static json_t *json_row(const struct comparison *all, int property)
{
    const struct compare_property *row = &compare_properties[property];
    json_t *values = json_object();
    for (int c = 0; c < all->columns; c++) {
        json_object_set_new(values, all->column[c].name,
                            document_number(all->column[c].value[property]));
    }
    return json_pack("{s:s, s:s, s:[f,f], s:i, s:s, s:o, s:b}", "group", row->group, "name",
                     row->name, "band", row->low, row->high, "digits", row->digits, "source",
                     row->source, "values", values, "ok", all_within(all, property));
}

static int print_json(const struct comparison *all)
{
    int outside = 0;
    json_t *sources = json_object(), *list = json_array();
    for (int c = 0; c < all->columns; c++) {
        json_object_set_new(sources, all->column[c].name, json_string(all->column[c].source));
    }
    for (int p = 0; p < COMPARE_PROPERTIES; p++) {
        json_array_append_new(list, json_row(all, p));
        outside += !all_within(all, p);
    }
    json_t *whole =
        json_pack("{s:o, s:o, s:b}", "columns", sources, "properties", list, "ok", outside == 0);
    json_dumpf(whole, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
    printf("\n");
    json_decref(whole);
    return outside;
}

static enum err run(const struct options *options, struct error *error)
{
    struct comparison *all = mem_zalloc(1, sizeof *all);
    all->parallel = parallel_all_cores();
    enum err code = measure(options, all, error);
    if (code == ERR_OK) {
        int outside = options_flag(options, "json") ? print_json(all) : print_table(all);
        code = outside > 0
                   ? error_set(error, ERR_FAILED, NULL, 0, "%d of %d properties are out of band",
                               outside, COMPARE_PROPERTIES)
                   : ERR_OK;
    }
    mem_free(all);
    return code;
}

const struct command command_data_compare = {
    .name = "data compare",
    .usage = "data compare [REAL [SIMULATED]] [--seed S] [--json]",
    .summary = "compare simulated people with MovieLens, property by property",
    .options = rows,
    .positionals_max = 2,
    .run = run,
};
