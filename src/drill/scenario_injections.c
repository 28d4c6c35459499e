/*
 * Reading the injections of a scenario. One table says what each kind takes: the units its size may
 * be given in, whether it has a cohort, a genre, a direction. Everything else a kind says is a
 * fault, and so is a size given twice: an injection of which a part is ignored would be a drill of
 * something its author did not mean.
 */
#include "drill/scenario_int.h"

#include "base/clock.h"
#include "base/text.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define KIND(name) (1U << DRIFT_##name)
#define ROTATIONS (KIND(CHOICE_ROTATION) | KIND(OPINION_ROTATION) | KIND(TASTE_ROTATION))
#define HABITS (KIND(CUT_POINTS) | KIND(CUT_SPREAD))
#define ATTRACTIONS (KIND(GENRE_FASHION) | KIND(POPULARITY_WAVE))
#define FAKES (KIND(BOTS) | KIND(SHILLING))
#define KINDS 16
/* Their effect on ratings can be measured before the drill, so a size in its units can be solved
 * for (effect_solve). */
#define SOLVED (ROTATIONS | HABITS | ATTRACTIONS | KIND(POSITION_HABIT))

/* The ways to give a size. The bounds of effects are wide: which sizes can be reached, the people
 * say. Those of DRIFT_BY_KIND are drift_bounds of the kind. */
static const struct size {
    const char *key;
    enum drift_unit unit;
    unsigned kinds;
    double least, most;
} sizes[] = {
    {"degrees", DRIFT_BY_KIND, ROTATIONS, 0, 0},
    {"stars", DRIFT_STARS, SOLVED, -2, 2},
    {"nats", DRIFT_NATS, SOLVED, 1e-6, 5},
    {"psi", DRIFT_PSI, SOLVED, 1e-6, 10},
    {"factor", DRIFT_BY_KIND,
     KIND(CUT_SPREAD) | KIND(POPULARITY_WAVE) | KIND(TRAFFIC) | KIND(SLOW_RATERS), 0, 0},
    {"share", DRIFT_BY_KIND,
     KIND(NEW_FILMS) | KIND(REMOVED_FILMS) | KIND(USER_MIX) | KIND(COLD_START) | FAKES, 0, 0},
    {"utility", DRIFT_BY_KIND, KIND(GENRE_FASHION), 0, 0},
    {"power", DRIFT_BY_KIND, KIND(POSITION_HABIT), 0, 0},
};
#define SIZES (sizeof sizes / sizeof sizes[0])

/* Keys that only some kinds have; of the required ones a kind cannot do without. */
static const struct trait {
    const char *key;
    unsigned kinds, required;
} traits[] = {
    {"towards", ROTATIONS, ROTATIONS},
    {"genre", KIND(GENRE_FASHION), KIND(GENRE_FASHION)},
    {"cohort", ROTATIONS | HABITS | ATTRACTIONS | KIND(POSITION_HABIT) | KIND(USER_MIX),
     KIND(USER_MIX)},
    {"narrows", KIND(CUT_SPREAD), 0},
    {"gives", FAKES, 0},
};

/* Durations of the shapes. */
static const struct {
    const char *key;
    unsigned shapes;
} spans[] = {
    {"ramp", 1U << DRIFT_LINEAR | 1U << DRIFT_GRADUAL},
    {"period", 1U << DRIFT_RECURRING},
    {"lasts", 1U << DRIFT_RECURRING | 1U << DRIFT_BLIP},
};

/* GroupLens's README of ml-latest-small; "Children's" is what ml-1m and ml-100k call Children. */
static const char *const genres[] = {
    "Action",      "Adventure", "Animation", "Children",  "Children's", "Comedy",  "Crime",
    "Documentary", "Drama",     "Fantasy",   "Film-Noir", "Horror",     "IMAX",    "Musical",
    "Mystery",     "Romance",   "Sci-Fi",    "Thriller",  "War",        "Western", NULL};

static const char *const shapes[] = {"sudden", "linear", "gradual", "recurring", "blip", NULL};

/* "degrees, stars, nats, psi" of a kind. */
static void list_sizes(enum drift_kind kind, char *out, size_t size)
{
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < SIZES; i++) {
        if ((sizes[i].kinds >> kind & 1) != 0) {
            used += (size_t)snprintf(out + used, size - used, "%s%s", used == 0 ? "" : ", ",
                                     sizes[i].key);
        }
    }
}

/* A factor of 1 or no stars at all would be a drill of nothing. */
static void read_number(const struct fields_at *at, const struct size *size,
                        struct drift_injection *out)
{
    bool by_kind = size->unit == DRIFT_BY_KIND;
    struct drift_bounds bounds = drift_bounds(out->kind);
    double neutral = by_kind ? bounds.neutral : 0;
    double least = by_kind ? bounds.least : size->least, most = by_kind ? bounds.most : size->most;
    if (fields_real(at, size->key, FIELDS_REQUIRED, least, most, &out->size) &&
        fabs(out->size - neutral) < 1e-9) {
        fields_fault(at->fields, at->path, "'%s': a size of %g changes nothing", size->key,
                     neutral);
    }
}

static void read_size(const struct fields_at *at, struct drift_injection *out)
{
    char units[128];
    int found = 0;
    list_sizes(out->kind, units, sizeof units);
    for (size_t i = 0; i < SIZES; i++) {
        const struct size *size = &sizes[i];
        if (!fields_has(at, size->key)) {
            continue;
        }
        if ((size->kinds >> out->kind & 1) == 0) {
            fields_fault(at->fields, at->path, "'%s' is no size of %s, which takes one of %s",
                         size->key, drift_kind_name(out->kind), units);
            continue;
        }
        found++;
        out->unit = size->unit;
        read_number(at, size, out);
    }
    if (found != 1) {
        fields_fault(at->fields, at->path, "expected one size of %s (%s), found %s",
                     drift_kind_name(out->kind), units, found == 0 ? "none" : "several");
    }
}

static void check_traits(const struct fields_at *at, enum drift_kind kind)
{
    for (size_t i = 0; i < sizeof traits / sizeof traits[0]; i++) {
        bool has = fields_has(at, traits[i].key);
        if (has && (traits[i].kinds >> kind & 1) == 0) {
            fields_fault(at->fields, at->path, "'%s' is nothing of %s", traits[i].key,
                         drift_kind_name(kind));
        } else if (!has && (traits[i].required >> kind & 1) != 0) {
            fields_fault(at->fields, at->path, "%s needs '%s'", drift_kind_name(kind),
                         traits[i].key);
        }
    }
}

static bool read_genre(const struct fields_at *at, enum fields_need need,
                       char out[DRIFT_GENRE_SIZE])
{
    int genre = 0;
    if (!fields_choice(at, "genre", need, genres, &genre)) {
        return false;
    }
    return text_copy(out, DRIFT_GENRE_SIZE, genres[genre]);
}

static void read_towards(const struct fields_at *at, struct drift_injection *out)
{
    static const char *const words[] = {"another-person", "common-direction", "swap-groups", NULL};
    static const enum drift_towards goals[] = {DRIFT_ANOTHER_PERSON, DRIFT_COMMON_DIRECTION,
                                               DRIFT_SWAP_GROUPS};
    static const char *const known[] = {"genre", NULL};
    struct fields_at genre;
    int word = 0;
    if (!json_is_object(json_object_get(at->object, "towards"))) {
        if (scenario_choose(at, "towards", FIELDS_OPTIONAL, words,
                            "one of another-person, common-direction, swap-groups, or "
                            "{genre: NAME}",
                            &word)) {
            out->towards = goals[word];
        }
    } else if (scenario_read_object(at, "towards", known, &genre) &&
               read_genre(&genre, FIELDS_REQUIRED, out->genre)) {
        out->towards = DRIFT_GENRE;
    }
}

static void read_activity(const struct fields_at *at, struct drift_injection *out)
{
    const json_t *band = fields_array(at, "activity", FIELDS_REQUIRED);
    double from = json_number_value(json_array_get(band, 0));
    double to = json_number_value(json_array_get(band, 1));
    bool numbers = json_array_size(band) == 2 && json_is_number(json_array_get(band, 0)) &&
                   json_is_number(json_array_get(band, 1));
    if (band != NULL && (!numbers || from < 0 || to > 1 || from >= to)) {
        char path[160];
        fields_path(at, "activity", path, sizeof path);
        fields_fault(at->fields, path,
                     "'activity': expected [from, to], rising quantiles from 0 to 1");
        return;
    }
    out->cohort.kind = DRIFT_ACTIVITY_BAND;
    out->cohort.from = from;
    out->cohort.to = to;
}

/* {share: S}, {genre: G, share: S} or {activity: [FROM, TO]}. */
static void read_some(const struct fields_at *at, struct drift_injection *out)
{
    bool has_genre = fields_has(at, "genre");
    if (fields_has(at, "activity")) {
        if (has_genre || fields_has(at, "share")) {
            fields_fault(at->fields, at->path, "'activity' stands alone in a cohort");
        }
        read_activity(at, out);
        return;
    }
    fields_real(at, "share", FIELDS_REQUIRED, 0.001, 1, &out->cohort.share);
    out->cohort.kind = has_genre ? DRIFT_GENRE_LOVERS : DRIFT_SHARE;
    read_genre(at, FIELDS_OPTIONAL, out->cohort.genre);
}

static void read_cohort(const struct fields_at *at, const struct scenario *scenario,
                        struct drift_injection *out)
{
    static const char *const known[] = {"share", "genre", "activity", NULL};
    static const char *const words[] = {"everybody", "newcomers", NULL};
    struct fields_at some;
    int word = 0;
    if (json_is_object(json_object_get(at->object, "cohort"))) {
        if (scenario_read_object(at, "cohort", known, &some)) {
            read_some(&some, out);
        }
    } else if (scenario_choose(
                   at, "cohort", FIELDS_OPTIONAL, words,
                   "one of everybody, newcomers, or {share: S}, {genre: NAME, share: S}, "
                   "{activity: [FROM, TO]}",
                   &word)) {
        out->cohort.kind = word == 0 ? DRIFT_EVERYBODY : DRIFT_NEWCOMERS;
    }
    if (out->kind == DRIFT_USER_MIX && fields_has(at, "cohort") &&
        out->cohort.kind == DRIFT_EVERYBODY) {
        fields_fault(at->fields, at->path, "user-mix wants a part of the people as its cohort");
    }
    bool newcomers = out->cohort.kind == DRIFT_NEWCOMERS || out->kind == DRIFT_COLD_START;
    if (newcomers && scenario->newcomers == 0) {
        fields_fault(at->fields, at->path, "no person is new: the scenario has no 'newcomers'");
    }
}

static void read_gives(const struct fields_at *at, struct drift_injection *out)
{
    double stars = 5;
    if (fields_real(at, "gives", FIELDS_OPTIONAL, 0.5, 5, &stars) &&
        fabs(2 * stars - round(2 * stars)) > 1e-9) {
        fields_fault(at->fields, at->path, "'gives': expected half stars");
    }
    out->stars_given = (uint8_t)lround(2 * stars);
}

/* What the kind, once known, has to say. */
static void read_change(const struct fields_at *at, const struct scenario *scenario,
                        struct drift_injection *out)
{
    read_size(at, out);
    check_traits(at, out->kind);
    if (fields_has(at, "genre")) {
        read_genre(at, FIELDS_OPTIONAL, out->genre);
    }
    read_towards(at, out);
    read_cohort(at, scenario, out);
    fields_bool(at, "narrows", &out->narrows);
    if (fields_has(at, "narrows") && out->unit != DRIFT_NATS && out->unit != DRIFT_PSI) {
        fields_fault(at->fields, at->path, "'narrows' belongs to a size in nats or psi");
    }
    if ((FAKES >> out->kind & 1) != 0) {
        read_gives(at, out);
    }
}

static void read_spans(const struct fields_at *at, const struct scenario *scenario,
                       struct drift_injection *out)
{
    int64_t span_ns[3] = {0, 0, 0};
    for (int i = 0; i < 3; i++) {
        bool given = fields_has(at, spans[i].key);
        bool wanted = (spans[i].shapes >> out->shape & 1) != 0;
        scenario_read_duration(at, spans[i].key, FIELDS_OPTIONAL, CLOCK_NS_PER_S,
                               scenario->time_scale, &span_ns[i]);
        if (given != wanted) {
            fields_fault(at->fields, at->path, "a %s injection %s '%s'", shapes[out->shape],
                         wanted ? "needs" : "has no", spans[i].key);
        }
    }
    out->ramp_ns = span_ns[0];
    out->period_ns = span_ns[1];
    out->on_ns = span_ns[2];
    if (out->shape == DRIFT_RECURRING && out->period_ns > 0 && out->on_ns >= out->period_ns) {
        fields_fault(at->fields, at->path, "'lasts' is not shorter than the 'period'");
    }
}

static void read_time(const struct fields_at *at, const struct scenario *scenario,
                      struct drift_injection *out)
{
    out->onset_ns = scenario_read_onset(at, scenario);
    int ends = scenario_read_phase_name(at, "ends", FIELDS_OPTIONAL, scenario);
    out->end_ns = ends < 0 ? INT64_MAX : scenario->phase[ends].start_ns;
    if (out->end_ns <= out->onset_ns) {
        fields_fault(at->fields, at->path, "the injection ends before it starts");
    }
    read_spans(at, scenario, out);
}

static void read_injection(const struct fields *fields, const json_t *value, size_t index,
                           struct scenario *out)
{
    static const char *const known[] = {"kind",   "shape",   "starts",  "ends",  "delay",   "ramp",
                                        "period", "lasts",   "degrees", "stars", "nats",    "psi",
                                        "factor", "share",   "utility", "power", "towards", "genre",
                                        "cohort", "narrows", "gives",   NULL};
    const char *kinds[KINDS + 1] = {NULL};
    struct fields_at at;
    char path[160];
    int kind = 0, shape = 0;
    snprintf(path, sizeof path, "/injections/%zu", index);
    if (!fields_object(fields, value, path, known, &at)) {
        return;
    }
    for (int i = 0; i < KINDS; i++) {
        kinds[i] = drift_kind_name((enum drift_kind)i);
    }
    struct drift_injection *injection = &out->drift.injection[out->drift.count++];
    bool known_kind = fields_choice(&at, "kind", FIELDS_REQUIRED, kinds, &kind);
    fields_choice(&at, "shape", FIELDS_OPTIONAL, shapes, &shape);
    injection->kind = (enum drift_kind)kind;
    injection->shape = (enum drift_shape)shape;
    read_time(&at, out, injection);
    if (known_kind) {
        read_change(&at, out, injection);
    }
}

void scenario_read_injections(const struct fields_at *root, struct scenario *out)
{
    const json_t *list = fields_array(root, "injections", FIELDS_OPTIONAL);
    size_t count = json_array_size(list);
    if (count > DRIFT_INJECTIONS_MAX) {
        fields_fault(root->fields, "/injections", "expected at most %d", DRIFT_INJECTIONS_MAX);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        read_injection(root->fields, json_array_get(list, i), i, out);
    }
}
