/* All files of a comparison: which they are, and whether they measured the same thing. */
#include "command/versus_files.h"

#include "base/fileio.h"
#include "base/mem.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const side_names[VERSUS_SIDES] = {"--a", "--b", "--aa"};

/* ---- which ---- */

struct reading {
    struct versus_files *files;
    struct faults *faults;
    enum err code; /* the gravest so far */
};

static void note(struct reading *reading, enum err code)
{
    if (reading->code == ERR_OK || code == ERR_INPUT) {
        reading->code = code;
    }
}

static void add_file(struct reading *reading, enum versus_side side, const char *path)
{
    struct versus_files *files = reading->files;
    size_t count = files->count[side];
    if (count == VERSUS_RUNS_MAX) {
        faults_add(reading->faults, path, 0, NULL, "%d runs a side are read at most",
                   VERSUS_RUNS_MAX);
        note(reading, ERR_INPUT);
        return;
    }
    files->file[side] = mem_resize(files->file[side], count + 1, sizeof *files->file[side]);
    files->count[side]++;
    enum err code =
        versus_file_read(path, &files->figure, &files->file[side][count], reading->faults);
    if (code != ERR_OK) {
        note(reading, code);
    }
}

/* A path, or a pattern if there is no such file. */
static void add_piece(struct reading *reading, enum versus_side side, const char *piece)
{
    char **paths = NULL;
    size_t count = 0;
    if (file_exists(piece) || strpbrk(piece, "*?[") == NULL) {
        add_file(reading, side, piece);
        return;
    }
    if (file_glob(piece, &paths, &count, NULL) != ERR_OK || count == 0) {
        faults_add(reading->faults, piece, 0, NULL, "no file matches");
        note(reading, ERR_INPUT);
    }
    for (size_t i = 0; i < count; i++) {
        add_file(reading, side, paths[i]);
    }
    file_glob_free(paths, count);
}

static void add_list(struct reading *reading, enum versus_side side, const char *list)
{
    char *copy = mem_text(list), *rest = copy, *piece;
    while ((piece = strsep(&rest, ",")) != NULL) {
        if (piece[0] != '\0') {
            add_piece(reading, side, piece);
        }
    }
    if (reading->files->count[side] == 0 && reading->code == ERR_OK) {
        faults_add(reading->faults, side_names[side], 0, NULL, "names no file");
        note(reading, ERR_INPUT);
    }
    mem_free(copy);
}

/* ---- the same thing? ---- */

/* Numbers by their value: whoever writes a file again may spell 50.0 as 50. */
static bool same(const json_t *a, const json_t *b)
{
    const char *name;
    json_t *value;
    size_t i;
    bool equal = true;
    if (json_is_number(a) && json_is_number(b)) {
        return json_number_value(a) == json_number_value(b);
    }
    if (json_is_array(a) && json_is_array(b)) {
        equal = json_array_size(a) == json_array_size(b);
        json_array_foreach((json_t *)a, i, value)
        {
            equal = equal && same(value, json_array_get(b, i));
        }
        return equal;
    }
    if (json_is_object(a) && json_is_object(b)) {
        equal = json_object_size(a) == json_object_size(b);
        json_object_foreach((json_t *)a, name, value)
        {
            equal = equal && same(value, json_object_get(b, name));
        }
        return equal;
    }
    return json_equal(a, b);
}

static void take(json_t *plan, const json_t *from, const char *const *names)
{
    for (; *names != NULL; names++) {
        json_object_set(plan, *names, json_object_get(from, *names));
    }
}

/* What decides what was played and how it was measured, whoever the target was. */
static json_t *plan_of(const json_t *root, enum versus_kind kind)
{
    static const char *const search[] = {"people", "lists_only", "data_fingerprint", NULL};
    static const char *const generator[] = {"transport", "threads",        "connections",
                                            "timeout_s", "think_median_s", NULL};
    json_t *plan = json_copy(json_object_get(root, "settings"));
    json_object_del(plan, "seed");
    if (kind == VERSUS_RUN) {
        json_object_del(plan, "target");
        json_object_del(plan, "data"); /* a folder's name; the fingerprint stays */
        json_object_update(plan, json_object_get(root, "ways"));
    } else {
        take(plan, root, search);
        take(plan, json_object_get(root, "generator"), generator);
    }
    return plan;
}

static void tell_difference(struct buf *text, const char *name, const json_t *here,
                            const json_t *there)
{
    char *value[2] = {NULL, NULL};
    for (int i = 0; i < 2; i++) {
        const json_t *of = i == 0 ? here : there;
        value[i] = of != NULL ? json_dumps(of, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
    }
    buf_printf(text, "%s%s %s, not %s", text->len > 0 ? "; " : "", name,
               value[0] != NULL ? value[0] : "missing", value[1] != NULL ? value[1] : "missing");
    free(value[0]);
    free(value[1]);
}

static void hold_against(struct reading *reading, const struct versus_file *file,
                         const struct versus_file *first, const json_t *first_plan)
{
    struct buf text;
    const char *name;
    json_t *value, *plan = plan_of(file->root, reading->files->figure->kind);
    buf_init(&text, 4096);
    json_object_foreach(plan, name, value)
    {
        const json_t *there = json_object_get(first_plan, name);
        if (!same(value, there)) {
            tell_difference(&text, name, value, there);
        }
    }
    json_object_foreach((json_t *)first_plan, name, value)
    {
        if (json_object_get(plan, name) == NULL) {
            tell_difference(&text, name, NULL, value);
        }
    }
    if (text.len > 0) {
        faults_add(reading->faults, file->path, 0, NULL, "not the plan of %s: %s", first->path,
                   text.data);
        note(reading, ERR_INPUT);
    }
    buf_deinit(&text);
    json_decref(plan);
}

static const json_t *seed_of(const struct versus_file *file)
{
    return json_object_get(json_object_get(file->root, "settings"), "seed");
}

/* Every seed of `side` must be one of `other`'s. */
static void match_seeds(struct reading *reading, enum versus_side side, enum versus_side other)
{
    const struct versus_files *files = reading->files;
    for (size_t i = 0; i < files->count[side]; i++) {
        const json_t *seed = seed_of(&files->file[side][i]);
        size_t k = 0;
        while (k < files->count[other] && !same(seed, seed_of(&files->file[other][k]))) {
            k++;
        }
        if (k == files->count[other]) {
            char *text = seed != NULL ? json_dumps(seed, JSON_ENCODE_ANY) : NULL;
            faults_add(reading->faults, files->file[side][i].path, 0, "/settings/seed",
                       "%s, which no run of %s has", text != NULL ? text : "none",
                       side_names[other]);
            note(reading, ERR_INPUT);
            free(text);
        }
    }
}

/* The same run under two names would count twice. */
static void find_twin(struct reading *reading, const struct versus_file *file)
{
    const struct versus_files *files = reading->files;
    for (size_t side = 0; side < VERSUS_SIDES; side++) {
        for (size_t i = 0; i < files->count[side]; i++) {
            const struct versus_file *other = &files->file[side][i];
            if (other == file) {
                return;
            }
            if (other->comparable && same(file->root, other->root)) {
                bool same_name = strcmp(file->path, other->path) == 0;
                faults_add(reading->faults, file->path, 0, NULL, "%s%s",
                           same_name ? "given twice" : "the same run as ",
                           same_name ? "" : other->path);
                note(reading, ERR_INPUT);
                return;
            }
        }
    }
}

static const struct versus_file *first_comparable(const struct versus_files *files)
{
    for (size_t side = 0; side < VERSUS_SIDES; side++) {
        for (size_t i = 0; i < files->count[side]; i++) {
            if (files->file[side][i].comparable) {
                return &files->file[side][i];
            }
        }
    }
    return NULL;
}

/* A seed may be missing only because its file could not be read. */
static bool all_comparable(const struct versus_files *files)
{
    bool all = true;
    for (size_t side = 0; side < VERSUS_SIDES; side++) {
        for (size_t i = 0; i < files->count[side]; i++) {
            all &= files->file[side][i].comparable;
        }
    }
    return all;
}

static void check_all(struct reading *reading)
{
    const struct versus_files *files = reading->files;
    const struct versus_file *first = first_comparable(files);
    json_t *plan = first != NULL ? plan_of(first->root, files->figure->kind) : NULL;
    for (size_t side = 0; side < VERSUS_SIDES; side++) {
        for (size_t i = 0; i < files->count[side]; i++) {
            const struct versus_file *file = &files->file[side][i];
            if (file->comparable) {
                find_twin(reading, file);
                hold_against(reading, file, first, plan);
            }
        }
        if (side != VERSUS_A && files->count[side] > 0 && all_comparable(files)) {
            match_seeds(reading, (enum versus_side)side, VERSUS_A);
            match_seeds(reading, VERSUS_A, (enum versus_side)side);
        }
    }
    json_decref(plan);
}

/* ---- all ---- */

static int by_start(const void *left, const void *right)
{
    const struct versus_file *a = left, *b = right;
    return (a->start_s > b->start_s) - (a->start_s < b->start_s);
}

static void put_in_order(struct versus_file *file, size_t count)
{
    bool known = true;
    for (size_t i = 0; i < count; i++) {
        known &= !isnan(file[i].start_s);
    }
    if (known && count > 0) {
        qsort(file, count, sizeof *file, by_start);
    }
}

enum err versus_files_read(const char *const list[VERSUS_SIDES], const struct versus_figure *figure,
                           struct versus_files *out, struct faults *faults)
{
    struct reading reading = {.files = out, .faults = faults};
    *out = (struct versus_files){.figure = figure};
    for (size_t side = 0; side < VERSUS_SIDES; side++) {
        if (list[side] != NULL) {
            add_list(&reading, (enum versus_side)side, list[side]);
        }
    }
    check_all(&reading);
    for (size_t side = 0; side < VERSUS_SIDES; side++) {
        put_in_order(out->file[side], out->count[side]);
    }
    return reading.code;
}

void versus_files_deinit(struct versus_files *files)
{
    for (size_t side = 0; side < VERSUS_SIDES; side++) {
        for (size_t i = 0; i < files->count[side]; i++) {
            versus_file_deinit(&files->file[side][i]);
        }
        mem_free(files->file[side]);
    }
    *files = (struct versus_files){0};
}
