/*
 * The members of a fault as JSON: one table reads them, writes them and describes them as a schema,
 * so that the three cannot disagree.
 */
#include "recommender/fault.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

#define KIND(name) (1U << FAULT_##name)
#define ANY_KIND ((1U << FAULT_KINDS) - 1)
#define ON_HANDLERS (KIND(LATENCY) | KIND(ERRORS) | KIND(STALL))
#define ON_A_SHARE (KIND(LATENCY) | KIND(ERRORS) | KIND(DROPPED_RATINGS))
#define CHOICES_MAX 4

enum shape { SHAPE_REAL, SHAPE_WHOLE, SHAPE_CHOICE };

struct field {
    const char *key;
    enum shape shape;
    unsigned kinds, required; /* of which it is a member, which want it */
    size_t offset;            /* in struct fault_spec, of a double or an int */
    double least, most;       /* of numbers */
    double fallback;
    const char *choice[CHOICES_MAX]; /* value = place in the list + first_choice */
    int first_choice;
    const char *what;
};

#define AT(member) offsetof(struct fault_spec, member)

/* The least duration and delay is a millisecond; the least sigma 0, a constant. */
static const struct field fields[] = {
    {"duration_s", SHAPE_REAL, ANY_KIND, ANY_KIND, AT(duration_s), 0.001, FAULT_DURATION_MAX_S, 0,
     .what = "Seconds until the fault ends by itself."},
    {"share", SHAPE_REAL, ON_A_SHARE, 0, AT(share), 0, 1, 1,
     .what = "Share of the requests that are touched."},
    {"latency_s", SHAPE_REAL, KIND(LATENCY), 0, AT(latency_s), 0.001, FAULT_DELAY_MAX_S, 0,
     .what = "Fixed delay; or else median_s and sigma."},
    {"median_s", SHAPE_REAL, KIND(LATENCY), 0, AT(median_s), 0.001, FAULT_DELAY_MAX_S, 0,
     .what = "Median of a lognormal delay."},
    {"sigma", SHAPE_REAL, KIND(LATENCY), 0, AT(sigma), 0, 4, 0,
     .what = "Standard deviation of the logarithm of the delay."},
    {"status", SHAPE_WHOLE, KIND(ERRORS), 0, AT(status), 500, 599, 500,
     .what = "Status that is answered."},
    {"source", SHAPE_CHOICE, KIND(BROKEN_SOURCE), KIND(BROKEN_SOURCE), AT(source), 0, 0, 0,
     .choice = {"base", "similar", "popular"}, .what = "Source that is broken."},
    {"items", SHAPE_CHOICE, KIND(BROKEN_SOURCE), 0, AT(items), 0, 0, SOURCE_EMPTY,
     .choice = {"empty", "random"}, .first_choice = SOURCE_EMPTY, .what = "What it proposes."},
    {"delay_s", SHAPE_REAL, KIND(SCRAPE_DELAY), KIND(SCRAPE_DELAY), AT(delay_s), 0.001,
     FAULT_DELAY_MAX_S, 0, .what = "Time by which /metrics is answered later."},
    {"form", SHAPE_CHOICE, KIND(SCRAPE_GARBAGE), 0, AT(form), 0, 0, FAULT_FORM_TEXT,
     .choice = {"text", "cut"}, .first_choice = FAULT_FORM_TEXT,
     .what = "Text that is no exposition, or the first part of one."},
};

#define FIELDS (sizeof fields / sizeof *fields)

/* Handlers that may be delayed, refused or stalled. Never those an operator needs to get out of it
 * again: /admin, /healthz. */
static const enum route handlers[] = {ROUTE_RECOMMENDATIONS, ROUTE_RATINGS, ROUTE_METRICS};
#define HANDLERS (sizeof handlers / sizeof *handlers)
#define HANDLERS_FALLBACK (1U << ROUTE_RECOMMENDATIONS | 1U << ROUTE_RATINGS)

/* ---- reading ---- */

static void complain(struct faults *complaints, const char *path, const char *text)
{
    if (complaints->count < FAULT_COMPLAINTS_MAX) {
        faults_add(complaints, "body", 0, path, "%s", text);
    }
}

static void set_number(struct fault_spec *spec, const struct field *field, double value)
{
    char *at = (char *)spec + field->offset;
    if (field->shape == SHAPE_REAL) {
        memcpy(at, &value, sizeof value);
    } else {
        const int whole = (int)value;
        memcpy(at, &whole, sizeof whole);
    }
}

static double get_number(const struct fault_spec *spec, const struct field *field)
{
    const char *at = (const char *)spec + field->offset;
    double value;
    int whole;
    if (field->shape == SHAPE_REAL) {
        memcpy(&value, at, sizeof value);
        return value;
    }
    memcpy(&whole, at, sizeof whole);
    return whole;
}

/* Writes "expected ..." of a field. */
static const char *wanted(const struct field *field, char *out, size_t size)
{
    if (field->shape == SHAPE_CHOICE) {
        (void)text_copy(out, size, "expected ");
        for (int c = 0; c < CHOICES_MAX && field->choice[c] != NULL; c++) {
            size_t len = strlen(out);
            (void)snprintf(out + len, size - len, "%s\"%s\"", c > 0 ? " or " : "",
                           field->choice[c]);
        }
    } else {
        (void)snprintf(out, size, "expected a %s from %g to %g",
                       field->shape == SHAPE_WHOLE ? "whole number" : "number", field->least,
                       field->most);
    }
    return out;
}

static bool read_choice(const struct field *field, const json_t *value, double *out)
{
    for (int c = 0; c < CHOICES_MAX && field->choice[c] != NULL; c++) {
        if (json_is_string(value) && strcmp(json_string_value(value), field->choice[c]) == 0) {
            *out = c + field->first_choice;
            return true;
        }
    }
    return false;
}

static bool read_value(const struct field *field, const json_t *value, double *out)
{
    if (field->shape == SHAPE_CHOICE) {
        return read_choice(field, value, out);
    }
    if (field->shape == SHAPE_WHOLE ? !json_is_integer(value) : !json_is_number(value)) {
        return false;
    }
    *out = json_number_value(value);
    return *out >= field->least && *out <= field->most;
}

static void read_field(const struct field *field, const json_t *body, struct fault_spec *spec,
                       struct faults *complaints)
{
    char path[40], text[128];
    const json_t *value = json_object_get(body, field->key);
    unsigned kind = 1U << spec->kind;
    double number = field->fallback;
    (void)snprintf(path, sizeof path, "/%s", field->key);
    if ((field->kinds & kind) == 0) {
        if (value != NULL) {
            (void)snprintf(text, sizeof text, "a fault of kind %s has no such member",
                           fault_kind_name(spec->kind));
            complain(complaints, path, text);
        }
    } else if (value == NULL ? (field->required & kind) != 0 : !read_value(field, value, &number)) {
        complain(complaints, path, wanted(field, text, sizeof text));
    } else {
        set_number(spec, field, number);
    }
}

static bool handler_bit(const json_t *value, unsigned *out)
{
    for (size_t h = 0; h < HANDLERS; h++) {
        if (json_is_string(value) &&
            strcmp(json_string_value(value), route_handler(handlers[h])) == 0) {
            *out |= 1U << handlers[h];
            return true;
        }
    }
    return false;
}

static void read_handlers(const json_t *body, struct fault_spec *spec, struct faults *complaints)
{
    const json_t *list = json_object_get(body, "handlers");
    if ((ON_HANDLERS & 1U << spec->kind) == 0) {
        if (list != NULL) {
            complain(complaints, "/handlers", "only latency, errors and stall choose handlers");
        }
        return;
    }
    bool good = list == NULL || json_array_size(list) > 0;
    for (size_t i = 0; i < json_array_size(list); i++) {
        good = handler_bit(json_array_get(list, i), &spec->handlers) && good;
    }
    if (list == NULL) {
        spec->handlers = HANDLERS_FALLBACK;
    }
    if (!good) {
        complain(complaints, "/handlers",
                 "expected a list of \"/recommendations/\", \"/ratings/\", \"/metrics\"");
    }
}

static bool known_key(const char *key)
{
    bool known = strcmp(key, "kind") == 0 || strcmp(key, "handlers") == 0;
    for (size_t f = 0; f < FIELDS && !known; f++) {
        known = strcmp(key, fields[f].key) == 0;
    }
    return known;
}

/* What no field of a latency can say alone. */
static void check_latency(const json_t *body, struct faults *complaints)
{
    bool fixed = json_object_get(body, "latency_s") != NULL;
    bool median = json_object_get(body, "median_s") != NULL;
    bool sigma = json_object_get(body, "sigma") != NULL;
    if (fixed ? median || sigma : !median || !sigma) {
        complain(complaints, "", "expected either latency_s or both median_s and sigma");
    }
}

static void check_keys(json_t *body, struct faults *complaints)
{
    const char *key;
    json_t *value;
    json_object_foreach(body, key, value)
    {
        if (!known_key(key)) {
            char path[80];
            (void)snprintf(path, sizeof path, "/%.60s", key);
            text_make_utf8(path);
            complain(complaints, path, "no fault has such a member");
        }
    }
}

static bool read_kind(const json_t *value, enum fault_kind *out)
{
    for (int k = 0; k < FAULT_KINDS; k++) {
        if (json_is_string(value) &&
            strcmp(json_string_value(value), fault_kind_name((enum fault_kind)k)) == 0) {
            *out = (enum fault_kind)k;
            return true;
        }
    }
    return false;
}

bool fault_spec_read(const char *body, size_t len, struct fault_spec *out,
                     struct faults *complaints)
{
    json_t *value = json_loadb(body, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);
    *out = (struct fault_spec){.share = 1};
    if (!json_is_object(value)) {
        complain(complaints, "",
                 value == NULL ? "expected valid JSON without repeated keys"
                               : "expected a JSON object");
    } else if (!read_kind(json_object_get(value, "kind"), &out->kind)) {
        char text[200] = "expected one of";
        for (int k = 0; k < FAULT_KINDS; k++) {
            size_t at = strlen(text);
            (void)snprintf(text + at, sizeof text - at, " %s", fault_kind_name((enum fault_kind)k));
        }
        complain(complaints, "/kind", text);
    } else {
        for (size_t f = 0; f < FIELDS; f++) {
            read_field(&fields[f], value, out, complaints);
        }
        out->share = (ON_A_SHARE & 1U << out->kind) != 0 ? out->share : 1;
        read_handlers(value, out, complaints);
        if (out->kind == FAULT_LATENCY) {
            check_latency(value, complaints);
        }
    }
    if (json_is_object(value)) {
        check_keys(value, complaints);
    }
    json_decref(value);
    return complaints->count == 0;
}

/* ---- writing ---- */

static json_t *handlers_json(unsigned bits)
{
    json_t *list = json_array();
    for (size_t h = 0; h < HANDLERS; h++) {
        if ((bits >> handlers[h] & 1) != 0) {
            json_array_append_new(list, json_string(route_handler(handlers[h])));
        }
    }
    return list;
}

/* Whether the member says something of this fault: a latency is fixed or drawn, not both. */
static bool is_said(const struct fault_spec *spec, const struct field *field)
{
    bool drawn = field->offset == AT(median_s) || field->offset == AT(sigma);
    if (spec->kind == FAULT_LATENCY && (drawn || field->offset == AT(latency_s))) {
        return drawn == (spec->median_s > 0);
    }
    return (field->kinds >> spec->kind & 1) != 0;
}

json_t *fault_spec_json(const struct fault_spec *spec)
{
    json_t *object = json_pack("{s:s}", "kind", fault_kind_name(spec->kind));
    for (size_t f = 0; f < FIELDS; f++) {
        const struct field *field = &fields[f];
        if (!is_said(spec, field)) {
            continue;
        }
        double number = get_number(spec, field);
        json_t *value = field->shape == SHAPE_REAL ? json_real(number)
                        : field->shape == SHAPE_WHOLE
                            ? json_integer((json_int_t)number)
                            : json_string(field->choice[(int)number - field->first_choice]);
        json_object_set_new(object, field->key, value);
    }
    if ((ON_HANDLERS >> spec->kind & 1) != 0) {
        json_object_set_new(object, "handlers", handlers_json(spec->handlers));
    }
    return object;
}

/* ---- schema ---- */

static json_t *field_schema(const struct field *field)
{
    json_t *schema = json_pack("{s:s}", "description", field->what);
    if (field->shape == SHAPE_CHOICE) {
        json_t *choices = json_array();
        for (int c = 0; c < CHOICES_MAX && field->choice[c] != NULL; c++) {
            json_array_append_new(choices, json_string(field->choice[c]));
        }
        json_object_set_new(schema, "enum", choices);
    } else {
        bool whole = field->shape == SHAPE_WHOLE;
        json_object_set_new(schema, "type", json_string(whole ? "integer" : "number"));
        json_object_set_new(schema, "minimum", json_real(field->least));
        json_object_set_new(schema, "maximum", json_real(field->most));
    }
    return schema;
}

static json_t *handlers_schema(void)
{
    unsigned all = 0;
    for (size_t h = 0; h < HANDLERS; h++) {
        all |= 1U << handlers[h];
    }
    return json_pack("{s:s,s:s,s:i,s:{s:o}}", "description",
                     "Handlers whose requests are touched; /recommendations/ and /ratings/ if not "
                     "given.",
                     "type", "array", "minItems", 1, "items", "enum", handlers_json(all));
}

static json_t *kind_schema(enum fault_kind kind)
{
    json_t *properties = json_pack("{s:{s:s}}", "kind", "const", fault_kind_name(kind));
    json_t *required = json_pack("[s]", "kind");
    for (size_t f = 0; f < FIELDS; f++) {
        if ((fields[f].kinds >> kind & 1) != 0) {
            json_object_set_new(properties, fields[f].key, field_schema(&fields[f]));
        }
        if ((fields[f].required >> kind & 1) != 0) {
            json_array_append_new(required, json_string(fields[f].key));
        }
    }
    if ((ON_HANDLERS >> kind & 1) != 0) {
        json_object_set_new(properties, "handlers", handlers_schema());
    }
    json_t *schema =
        json_pack("{s:s,s:s,s:b,s:o,s:o}", "title", fault_kind_name(kind), "type", "object",
                  "additionalProperties", 0, "properties", properties, "required", required);
    if (kind == FAULT_LATENCY) {
        json_object_set_new(schema, "oneOf",
                            json_pack("[{s:[s]},{s:[ss]}]", "required", "latency_s", "required",
                                      "median_s", "sigma"));
    }
    return schema;
}

json_t *fault_spec_schema(void)
{
    json_t *list = json_array();
    for (int k = 0; k < FAULT_KINDS; k++) {
        json_array_append_new(list, kind_schema((enum fault_kind)k));
    }
    return json_pack("{s:o}", "oneOf", list);
}
