/*
 * scenarios/schema.json and the reader of scenarios say the same. What the reader knows is taken
 * from its own messages, which list keys, words and bounds, so that neither can change alone; and
 * python3-jsonschema, as somebody else's reading of the schema, must refuse what the reader refuses
 * and nothing else, apart from what only the reader can see.
 */
#include "base/buf.h"
#include "base/clock.h"
#include "base/fileio.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/yaml.h"
#include "drill/scenario.h"
#include "program.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SCHEMA "scenarios/schema.json"
#define TARGET "/$defs/target" /* has a schema of its own, of which this is a copy */

/* A valid scenario in which every object and every form occurs. */
static const char complete[] =
    "{'name': 'n', 'summary': 's', 'target': {'name': 't',"
    "  'address': {'read': 'http://127.0.0.1:1', 'write': 'http://127.0.0.1:2'},"
    "  'headers': {'X-A': 'b'}, 'user': {'type': 'string', 'prefix': 'u'}, 'film': 'none',"
    "  'list': {'method': 'GET', 'url': '/feed?who={user}', 'films': '/items', 'film': '/id',"
    "   'sources': '/why', 'score': '/s', 'request_id': '/r', 'request_id_type': 'string',"
    "   'accept': [200], 'headers': {}, 'timestamp': 'unix', 'cut': true, 'repeats': false},"
    "  'rating': {'method': 'PUT', 'url': '/rate?u={user}&f={film}', 'transform': 'unit',"
    "   'timestamp': 'iso8601', 'batch': 1, 'accept': [200, 202]},"
    "  'sign': {'kind': 'hmac_sha1', 'secret': 's', 'parameter': 'p',"
    "   'timestamp_parameter': 't'},"
    "  'retrain': {'request': {'method': 'PUT', 'url': '/train', 'accept': [202]},"
    "   'status': {'url': '/job', 'at': '/state', 'done': ['ready', 1], 'failed': [false]}},"
    "  'metrics': {'url': 'http://127.0.0.1:3/m', 'names': {'user_rating': 'stars'}}},"
    " 'decoy': false, "
    "'time_scale': 1, 'people': 100, 'newcomers': 10,"
    " 'behaviour': {'examination': 'cascade', 'cascade_stop': 0.2, 'abandon_share': 0.1,"
    "  'rating_share': 0.5},"
    " 'traffic': {'lists_per_s': 10, 'steps_per_visit': 2, 'think': {'median': '1s', 'sigma': 1},"
    "  'arrivals': 'diurnal', 'people': 'activity', 'day': '1h', 'start_hour': 3,"
    "  'joins_per_s': 0.1, 'leaving': {'after': 3, 'probability': 0.5}},"
    " 'watch': {'scrape_interval': '15s', 'evaluation_interval': '30s'},"
    " 'phases': [{'name': 'a', 'duration': '30m'}, {'name': 'b', 'duration': '30m'},"
    "  {'name': 'c', 'duration': '30m', 'retrain': {'films': [20, 60]}, 'end_when_settled': true}],"
    " 'injections': [{'kind': 'choice-rotation', 'shape': 'linear', 'ramp': '5m', 'starts': 'b',"
    "   'ends': 'c', 'delay': '1m', 'towards': {'genre': 'Horror'}, 'degrees': 90,"
    "   'cohort': {'genre': 'Drama', 'share': 0.2}},"
    "  {'kind': 'rating-shift', 'starts': 'b', 'stars': -0.4},"
    "  {'kind': 'opinion-rotation', 'shape': 'recurring', 'period': '5m', 'lasts': '2m',"
    "   'starts': 'b', 'towards': 'swap-groups', 'nats': 0.1, 'cohort': {'activity': [0, 0.5]}},"
    "  {'kind': 'rating-spread', 'shape': 'blip', 'lasts': '2m', 'starts': 'b', 'psi': 0.1,"
    "   'narrows': true, 'cohort': 'newcomers'},"
    "  {'kind': 'genre-fashion', 'starts': 'b', 'utility': 1, 'genre': 'Film-Noir'},"
    "  {'kind': 'popularity-wave', 'starts': 'b', 'factor': 2, 'cohort': 'everybody'},"
    "  {'kind': 'position-habit', 'starts': 'b', 'power': 0.5},"
    "  {'kind': 'bots', 'shape': 'gradual', 'ramp': '5m', 'starts': 'b', 'share': 0.1,"
    "   'gives': 0.5},"
    "  {'kind': 'user-mix', 'starts': 'b', 'share': 0.1, 'cohort': {'share': 0.5}},"
    "  {'kind': 'new-films', 'starts': 'b', 'share': 0.1},"
    "  {'kind': 'rating-spread', 'starts': 'b', 'factor': 2}],"
    " 'disturbances': [{'kind': 'target-fault', 'starts': 'b', 'delay': '1m', 'lasts': '2m',"
    "   'fault': {'kind': 'errors', 'status': 503}}, {'kind': 'restart-target', 'starts': 'b'}],"
    " 'expectations': [{'fires': 'A', 'phase': 'b', 'within': '5m', 'within_floors': 2},"
    "  {'resolves': 'A', 'phase': 'c', 'within': '5m'}, {'silent': 'A', 'phases': ['a', 'c']},"
    "  {'silent_group': 'g', 'phases': 'all'},"
    "  {'agrees': 'r', 'with': 'conversion', 'window': '5m', 'within_percent': 5, 'phases': 'all'},"
    "  {'level': 'conversion', 'phase': 'c', 'of': 'a', 'window': '5m', 'at_least_percent': 80,"
    "   'at_most_percent': 120}, {'notifications': 'exact'}, {'counts': 'reconcile'},"
    "  {'unnotified': 'A', 'phases': 'all'}, {'unnotified_group': 'g', 'phases': ['b']},"
    "  {'moves': 'rating_psi', 'phase': 'c', 'of': 'a', 'window': '5m', 'at_least': -1,"
    "   'at_most': 2},"
    "  {'panel': 'main/P', 'shows': {'at_least': 0, 'at_most': 1}, 'phase': 'b', 'after': '5m',"
    "   'series': 'base', 'range': '15m', 'widths': [300, 2000], 'ranges': ['5m', '24h'],"
    "   'steady_percent': 5},"
    "  {'panel': 'main/P', 'moves': 'worse', 'by_at_least': 0.1, 'relative_to': 'a',"
    "   'phase': 'b'}, {'panel': 'main/P', 'colour': 'red', 'phase': 'b'},"
    "  {'panel': 'main/P', 'has_data': true, 'phase': 'b'},"
    "  {'panel': 'main/P', 'agrees': {'with': 'conversion', 'window': '15m',"
    "   'within_percent': 5}, 'phase': 'b'}]}";

/* Where the objects of it stand in the schema. Several may be of one kind, with different keys. */
static const struct place {
    const char *document, *schema;
} places[] = {
    {"", ""},
    {"/behaviour", "/properties/behaviour"},
    {"/traffic", "/properties/traffic"},
    {"/traffic/think", "/properties/traffic/properties/think"},
    {"/traffic/leaving", "/properties/traffic/properties/leaving"},
    {"/watch", "/properties/watch"},
    {"/phases/2", "/$defs/phase"},
    {"/phases/2/retrain", "/$defs/phase/properties/retrain"},
    {"/injections/0", "/$defs/injection"},
    {"/injections/0/towards", "/$defs/towardsGenre"},
    {"/injections/0/cohort", "/$defs/cohortPart"},
    {"/injections/1", "/$defs/injection"},
    {"/injections/2", "/$defs/injection"},
    {"/injections/2/cohort", "/$defs/cohortPart"},
    {"/injections/3", "/$defs/injection"},
    {"/injections/4", "/$defs/injection"},
    {"/injections/5", "/$defs/injection"},
    {"/injections/6", "/$defs/injection"},
    {"/injections/7", "/$defs/injection"},
    {"/injections/9", "/$defs/injection"},
    {"/injections/10", "/$defs/injection"},
    {"/disturbances/0", "/$defs/disturbance"},
    {"/expectations/0", "/$defs/fires"},
    {"/expectations/1", "/$defs/resolves"},
    {"/expectations/2", "/$defs/silent"},
    {"/expectations/3", "/$defs/silentGroup"},
    {"/expectations/4", "/$defs/agrees"},
    {"/expectations/5", "/$defs/level"},
    {"/expectations/6", "/$defs/notifications"},
    {"/expectations/7", "/$defs/counts"},
    {"/expectations/8", "/$defs/unnotified"},
    {"/expectations/9", "/$defs/unnotifiedGroup"},
    {"/expectations/10", "/$defs/moves"},
    {"/expectations/11", "/$defs/panel"},
    {"/expectations/11/shows", "/$defs/panel/properties/shows"},
    {"/expectations/12", "/$defs/panel"},
    {"/expectations/13", "/$defs/panel"},
    {"/expectations/14", "/$defs/panel"},
    {"/expectations/15", "/$defs/panel"},
    {"/expectations/15/agrees", "/$defs/panel/properties/agrees"},
};
#define PLACES (sizeof places / sizeof places[0])

/* The document has one kind of arrivals: a file to play back stands in no place. */
static const char *const other_places[] = {"/$defs/arrivalsFile"};

static json_t *read_json(const char *text)
{
    json_t *value = json_loads(text, JSON_DECODE_ANY, NULL);
    cr_assert_not_null(value, "%s", text);
    return value;
}

static json_t *complete_document(void)
{
    char *text = mem_text(complete);
    for (char *at = text; *at != '\0'; at++) {
        *at = *at == '\'' ? '"' : *at;
    }
    json_t *document = read_json(text);
    mem_free(text);
    return document;
}

static json_t *load_schema(void)
{
    json_error_t error;
    json_t *schema = json_load_file(SCHEMA, JSON_REJECT_DUPLICATES, &error);
    cr_assert_not_null(schema, "%s:%d: %s", SCHEMA, error.line, error.text);
    return schema;
}

/* The value at a JSON pointer without escapes, borrowed; NULL if there is none. */
static json_t *at_pointer(json_t *value, const char *pointer)
{
    char copy[256];
    cr_assert(text_copy(copy, sizeof copy, pointer));
    char *rest = copy + (copy[0] == '/'), *part;
    while (copy[0] != '\0' && value != NULL && (part = strsep(&rest, "/")) != NULL) {
        value = json_is_array(value) ? json_array_get(value, (size_t)strtol(part, NULL, 10))
                                     : json_object_get(value, part);
    }
    return value;
}

static void read_faults(const json_t *document, struct faults *faults)
{
    struct scenario *scenario = mem_zalloc(1, sizeof *scenario);
    char *text = json_dumps(document, JSON_ENCODE_ANY);
    faults_init(faults);
    enum err code = scenario_read_text("s", text, strlen(text), scenario, faults, NULL);
    cr_assert_eq(code == ERR_OK, faults->count == 0, "%s", text);
    free(text);
    mem_free(scenario);
}

/* What is said about the value at a path when `value` stands there; "" if nothing. */
static void said_about(const char *object, const char *key, json_t *value, char *out, size_t size)
{
    char path[256];
    struct faults faults;
    json_t *document = complete_document();
    snprintf(path, sizeof path, "%s/%s", object, key);
    json_object_set_new(at_pointer(document, object), key, value);
    read_faults(document, &faults);
    out[0] = '\0';
    for (size_t i = 0; i < faults.count; i++) {
        if (strcmp(faults.list[i].path, path) == 0) {
            (void)text_copy(out, size, faults.list[i].text);
        }
    }
    faults_deinit(&faults);
    json_decref(document);
}

Test(schema, the_scenario_of_these_tests_is_complete_and_valid)
{
    struct faults faults;
    json_t *document = complete_document();
    read_faults(document, &faults);
    faults_print(&faults);
    cr_expect_eq(faults.count, 0);
    for (size_t i = 0; i < PLACES; i++) {
        cr_expect(json_is_object(at_pointer(document, places[i].document)), "%s",
                  places[i].document);
    }
    faults_deinit(&faults);
    json_decref(document);
}

/* Every object the schema describes is one of the places, so none escapes the comparisons. */
static void expect_places(json_t *node, const char *pointer, size_t *found)
{
    const char *key;
    json_t *member;
    if (!json_is_object(node) || strcmp(pointer, TARGET) == 0) {
        return;
    }
    if (json_object_get(node, "additionalProperties") != NULL) {
        bool known = false;
        for (size_t i = 0; i < PLACES; i++) {
            known = known || strcmp(places[i].schema, pointer) == 0;
        }
        known = known || strcmp(other_places[0], pointer) == 0;
        cr_expect(known, "%s is no place of this test", pointer);
        (*found)++;
    }
    json_object_foreach(node, key, member)
    {
        char below[256];
        snprintf(below, sizeof below, "%s/%s", pointer, key);
        expect_places(member, below, found);
    }
}

static size_t distinct_places(void)
{
    size_t count = 0;
    for (size_t i = 0; i < PLACES; i++) {
        bool first = true;
        for (size_t k = 0; k < i; k++) {
            first = first && strcmp(places[k].schema, places[i].schema) != 0;
        }
        count += first;
    }
    return count;
}

/* References of the one are to the whole document, of the other to its part. */
static void move_references(json_t *node)
{
    const char *key, *to = json_string_value(json_object_get(node, "$ref"));
    json_t *member;
    size_t i;
    char moved[128];
    if (to != NULL) {
        (void)snprintf(moved, sizeof moved, "#" TARGET "%s", to + 1);
        json_object_set_new(node, "$ref", json_string(moved));
    }
    json_object_foreach(node, key, member)
    {
        move_references(member);
    }
    json_array_foreach(node, i, member)
    {
        move_references(member);
    }
}

Test(schema, a_target_is_described_as_in_a_file_of_its_own)
{
    static const char *const heads[] = {"$schema", "$id", "title", "$comment"};
    json_t *whole = json_load_file("scenarios/targets/schema.json", 0, NULL);
    json_t *schema = load_schema();
    cr_assert_not_null(whole);
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        cr_expect_eq(json_object_del(whole, heads[i]), 0, "%s", heads[i]);
    }
    move_references(whole);
    cr_expect(json_equal(whole, at_pointer(schema, TARGET)),
              "$defs/target of " SCHEMA " is not scenarios/targets/schema.json");
    json_decref(whole);
    json_decref(schema);
}

Test(schema, every_object_of_the_schema_is_compared)
{
    size_t found = 0;
    json_t *schema = load_schema();
    expect_places(schema, "", &found);
    cr_expect_eq(found, distinct_places() + 1);
    json_decref(schema);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* "c, a, b" or the keys of an object as "a, b, c". */
static void sort_words(char *list, char *out, size_t size)
{
    const char *word[64];
    size_t count = 0, used = 0;
    char *rest = list, *part;
    while ((part = strsep(&rest, ",")) != NULL) {
        cr_assert_lt(count, 64);
        word[count++] = part + strspn(part, " ");
    }
    qsort(word, count, sizeof *word, by_text);
    for (size_t i = 0; i < count; i++) {
        used += (size_t)snprintf(out + used, size - used, "%s%s", i == 0 ? "" : ", ", word[i]);
    }
}

static void keys_of(json_t *object, char *out, size_t size)
{
    char list[1024] = "";
    size_t used = 0;
    const char *key;
    json_t *member;
    json_object_foreach(object, key, member)
    {
        used +=
            (size_t)snprintf(list + used, sizeof list - used, "%s%s", used == 0 ? "" : ",", key);
    }
    sort_words(list, out, size);
}

Test(schema, the_reader_and_the_schema_know_the_same_keys)
{
    static const char intro[] = "expected one of ";
    json_t *schema = load_schema();
    for (size_t i = 0; i < PLACES; i++) {
        char said[512], reader[1024], keys[1024];
        said_about(places[i].document, "zz", json_true(), said, sizeof said);
        char *list = strstr(said, intro);
        cr_assert_not_null(list, "%s: '%s'", places[i].document, said);
        sort_words(list + strlen(intro), reader, sizeof reader);
        json_t *node = at_pointer(schema, places[i].schema);
        keys_of(json_object_get(node, "properties"), keys, sizeof keys);
        cr_expect_str_eq(keys, reader, "%s", places[i].schema);
    }
    json_decref(schema);
}

/* The words of an enum, or the one of a const, as the reader lists them; "" if it is neither. */
static void words_of(json_t *node, char *out, size_t size)
{
    json_t *words = json_object_get(node, "enum");
    size_t used = 0;
    out[0] = '\0';
    if (json_is_string(json_object_get(node, "const"))) {
        (void)text_copy(out, size, json_string_value(json_object_get(node, "const")));
    }
    for (size_t i = 0; i < json_array_size(words); i++) {
        used += (size_t)snprintf(out + used, size - used, "%s%s", i == 0 ? "" : ", ",
                                 json_string_value(json_array_get(words, i)));
    }
}

/* Does the condition of a branch of the schema name the kind? */
static bool is_of_kind(json_t *branch, const char *kind)
{
    json_t *is = at_pointer(branch, "/if/properties/kind"), *words = json_object_get(is, "enum");
    const char *only = json_string_value(json_object_get(is, "const"));
    bool found = only != NULL && strcmp(only, kind) == 0;
    for (size_t i = 0; i < json_array_size(words); i++) {
        found = found || strcmp(json_string_value(json_array_get(words, i)), kind) == 0;
    }
    return found;
}

/* The value's description with the bounds that the kind of injection has. New reference. */
static json_t *narrowed(json_t *schema, json_t *object, const char *key, json_t *node)
{
    json_t *out = json_copy(node), *branches = at_pointer(schema, "/$defs/injection/allOf");
    const char *kind = json_string_value(json_object_get(object, "kind"));
    for (size_t i = 0; kind != NULL && i < json_array_size(branches); i++) {
        json_t *branch = json_array_get(branches, i);
        char path[64];
        snprintf(path, sizeof path, "/then/properties/%s", key);
        json_t *bounds = is_of_kind(branch, kind) ? at_pointer(branch, path) : NULL;
        if (json_object_get(bounds, "maximum") != NULL) {
            json_object_update(out, bounds);
        }
    }
    return out;
}

/* The end of what the reader must say when a value of another kind stands at the key. */
static void expectation_of(json_t *schema, json_t *node, char *out, size_t size)
{
    char words[256];
    const char *type = json_string_value(json_object_get(node, "type"));
    const char *ref = json_string_value(json_object_get(node, "$ref"));
    double min = json_number_value(json_object_get(node, "minimum"));
    double max = json_number_value(json_object_get(node, "maximum"));
    json_t *meant = ref == NULL ? node : at_pointer(schema, ref + 1);
    json_t *forms = json_object_get(meant, "anyOf");
    if (ref != NULL && strcmp(ref, "#" TARGET) == 0) {
        type = json_string_value(json_object_get(meant, "type"));
    }
    type = type == NULL ? "" : type;
    words_of(forms == NULL ? meant : json_array_get(forms, 0), words, sizeof words);
    if (words[0] != '\0' && !(ref != NULL && strcmp(ref, "#/$defs/phaseSet") == 0)) {
        snprintf(out, size, forms == NULL ? "expected one of %s" : "expected one of %s, or ",
                 words);
    } else if (ref != NULL && text_starts(ref, "#/$defs/duration")) {
        snprintf(out, size, "expected a duration such as 15m, 2m30s or 500ms");
    } else if (ref != NULL && strcmp(ref, "#/$defs/phaseSet") == 0) {
        snprintf(out, size, "expected all, or a list of phase names");
    } else if (strcmp(type, "number") == 0) {
        snprintf(out, size, "expected a number from %g to %g", min, max);
    } else if (strcmp(type, "integer") == 0) {
        snprintf(out, size, "expected a whole number from %.0f to %.0f", min, max);
    } else if (strcmp(type, "boolean") == 0) {
        snprintf(out, size, "expected true or false");
    } else if (strcmp(type, "array") == 0) {
        snprintf(out, size, "expected a list");
    } else if (strcmp(type, "object") == 0) {
        snprintf(out, size, "expected a mapping with the keys ");
    } else if (strcmp(type, "string") == 0) {
        snprintf(out, size, "expected a text");
    } else {
        cr_assert_fail("a kind of value this test does not know");
    }
}

/* A text as long as the schema allows is read, a longer one is not; a duration keeps its bound. */
static void expect_bounds(const struct place *place, const char *key, json_t *node)
{
    char said[512], wanted[64];
    const char *ref = json_string_value(json_object_get(node, "$ref"));
    json_int_t most = json_integer_value(json_object_get(node, "maxLength"));
    if (most > 0) {
        char *text = mem_zalloc((size_t)most + 2, 1);
        memset(text, 'x', (size_t)most + 1);
        said_about(place->document, key, json_string(text), said, sizeof said);
        snprintf(wanted, sizeof wanted, "a text of at most %d bytes", (int)most);
        cr_expect(strstr(said, wanted) != NULL, "%s/%s: %s", place->document, key, said);
        text[most] = '\0';
        said_about(place->document, key, json_string(text), said, sizeof said);
        cr_expect(strstr(said, "a text") == NULL, "%s/%s: %s", place->document, key, said);
        said_about(place->document, key, json_string(""), said, sizeof said);
        cr_expect(text_ends(said, "expected a text"), "%s/%s: %s", place->document, key, said);
        mem_free(text);
    }
    if (ref != NULL && text_starts(ref, "#/$defs/duration")) {
        bool of_a_second = strcmp(ref, "#/$defs/durationOfASecond") == 0;
        said_about(place->document, key, json_string("999ms"), said, sizeof said);
        cr_expect_eq(text_ends(said, "a duration of at least 1s"), of_a_second, "%s/%s: %s",
                     place->document, key, said);
    }
}

/* Whether another object of the same kind has the key. */
static bool stands_elsewhere(json_t *document, const struct place *place, const char *key)
{
    bool found = false;
    for (size_t i = 0; i < PLACES; i++) {
        found = found || (strcmp(places[i].schema, place->schema) == 0 &&
                          json_object_get(at_pointer(document, places[i].document), key) != NULL);
    }
    return found;
}

Test(schema, the_reader_and_the_schema_expect_the_same_values)
{
    json_t *schema = load_schema(), *document = complete_document();
    for (size_t i = 0; i < PLACES; i++) {
        const char *key;
        json_t *node;
        json_t *properties = json_object_get(at_pointer(schema, places[i].schema), "properties");
        json_object_foreach(properties, key, node)
        {
            char said[512], wanted[512];
            json_t *object = at_pointer(document, places[i].document);
            if (json_object_get(object, key) == NULL) {
                cr_expect(stands_elsewhere(document, &places[i], key), "%s/%s is nowhere",
                          places[i].schema, key);
                continue;
            }
            /* Wrong for everything but a text, for which a number is. */
            const char *type = json_string_value(json_object_get(node, "type"));
            bool is_text = type != NULL && strcmp(type, "string") == 0;
            said_about(places[i].document, key, is_text ? json_integer(7) : json_string("zz"), said,
                       sizeof said);
            json_t *bounded = narrowed(schema, object, key, node);
            expectation_of(schema, bounded, wanted, sizeof wanted);
            json_decref(bounded);
            cr_expect(strstr(said, wanted) != NULL, "%s/%s: the schema wants '%s', the reader '%s'",
                      places[i].document, key, wanted, said);
            expect_bounds(&places[i], key, node);
        }
    }
    json_decref(document);
    json_decref(schema);
}

Test(schema, every_key_is_described_and_every_quantity_has_a_unit)
{
    json_t *schema = load_schema();
    for (size_t i = 0; i < PLACES; i++) {
        const char *key;
        json_t *node;
        json_t *properties = json_object_get(at_pointer(schema, places[i].schema), "properties");
        json_object_foreach(properties, key, node)
        {
            const char *text = json_string_value(json_object_get(node, "description"));
            const char *ref = json_string_value(json_object_get(node, "$ref"));
            bool quantity = json_object_get(node, "minimum") != NULL ||
                            (ref != NULL && text_starts(ref, "#/$defs/duration"));
            cr_expect(text != NULL && text_ends(text, "."), "%s/%s", places[i].schema, key);
            cr_expect_eq(json_object_get(node, "x-unit") != NULL,
                         quantity || strcmp(key, "films") == 0 || strcmp(key, "activity") == 0 ||
                             strcmp(key, "widths") == 0 || strcmp(key, "ranges") == 0,
                         "%s/%s", places[i].schema, key);
        }
    }
    json_decref(schema);
}

static void expect_default(json_t *schema, const char *pointer, const char *value, size_t *compared)
{
    char path[256];
    snprintf(path, sizeof path, "%s/default", pointer);
    json_t *wanted = read_json(value), *found = at_pointer(schema, path);
    bool same = json_is_number(found) && json_is_number(wanted)
                    ? fabs(json_number_value(found) - json_number_value(wanted)) < 1e-9
                    : json_equal(found, wanted);
    cr_expect(same, "%s: the reader takes %s", pointer, value);
    json_decref(wanted);
    (*compared)++;
}

static size_t count_defaults(json_t *node)
{
    size_t count = json_object_get(node, "default") != NULL;
    const char *key;
    json_t *member;
    json_object_foreach(node, key, member)
    {
        count += count_defaults(member);
    }
    return count;
}

/* A number for the comparison with a default. */
static const char *number(double value, char out[32])
{
    snprintf(out, 32, "%.9g", value);
    return out;
}

static const char *duration(double seconds, char out[32])
{
    char text[24];
    int64_t ns = (int64_t)llround(seconds * (double)CLOCK_NS_PER_S);
    snprintf(out, 32, "\"%s\"", text_from_duration_ns(ns, text, sizeof text));
    return out;
}

static const char *yes_or_no(bool value)
{
    return value ? "true" : "false";
}

/* Of people, traffic and what changes. */
static void compare_people_defaults(json_t *schema, const struct scenario *s, size_t *compared)
{
    static const char traffic[] = "/properties/traffic/properties/";
    static const char behaviour[] = "/properties/behaviour/properties/";
    char a[32], path[128];
    const struct {
        const char *holder, *key, *value;
        double number;
    } rows[] = {
        {"/properties/", "decoy", yes_or_no(s->decoy), 0},
        {"/properties/", "newcomers", NULL, s->newcomers},
        {"/properties/", "disturbances", "[]", 0},
        {behaviour, "examination", s->behaviour.cascade ? "\"cascade\"" : "\"position\"", 0},
        {behaviour, "cascade_stop", NULL, s->behaviour.cascade_stop},
        {behaviour, "abandon_share", NULL, s->behaviour.abandon_share},
        {behaviour, "rating_share", NULL, s->behaviour.rating_share},
        {traffic, "arrivals", s->traffic.arrivals == SCENARIO_POISSON ? "\"poisson\"" : "", 0},
        {traffic, "people", s->traffic.by_activity ? "\"activity\"" : "\"uniform\"", 0},
        {traffic, "start_hour", NULL, s->traffic.start_hour},
        {traffic, "joins_per_s", NULL, s->traffic.joins_per_s},
        {traffic, "leaving/properties/probability", NULL, s->traffic.leave_probability},
        {"/$defs/injection/properties/", "narrows", yes_or_no(s->drift.injection[0].narrows), 0},
        {"/$defs/injection/properties/", "gives", NULL, s->drift.injection[1].stars_given / 2.0},
        {"/$defs/injection/properties/", "cohort",
         s->drift.injection[0].cohort.kind == DRIFT_EVERYBODY ? "\"everybody\"" : "", 0},
        {"/$defs/disturbance/properties/", "delay", NULL, (double)s->disturbance[0].at_ns},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        snprintf(path, sizeof path, "%s%s", rows[i].holder, rows[i].key);
        expect_default(schema, path,
                       rows[i].value != NULL ? rows[i].value : number(rows[i].number, a), compared);
    }
    cr_expect_eq(s->traffic.day_ns, 24 * 3600 * CLOCK_NS_PER_S);
    expect_default(schema, "/properties/traffic/properties/day", "\"24h\"", compared);
}

Test(schema, the_defaults_are_what_the_reader_takes)
{
    static const char minimal[] = "{name: n, traffic: {lists_per_s: 1, leaving: {after: 3}}, "
                                  "phases: [{name: a, duration: 1m}],"
                                  " disturbances: [{kind: restart-target, starts: a}],"
                                  " injections: [{kind: rating-shift, starts: a, stars: 1},"
                                  "  {kind: bots, starts: a, share: 0.1}], expectations:"
                                  " [{agrees: r, with: conversion, window: 1m, phases: all},"
                                  "  {panel: b/t, agrees: {with: conversion, window: 1m},"
                                  "   phase: a, ranges: [1h]}]}";
    struct scenario s;
    struct faults faults;
    struct error error = {0};
    char a[32], b[32], think[128];
    size_t compared = 0;
    json_t *schema = load_schema();
    faults_init(&faults);
    cr_assert_eq(scenario_read_text("s", minimal, strlen(minimal), &s, &faults, &error), ERR_OK,
                 "%s", error.text);
    snprintf(think, sizeof think, "{\"median\": %s, \"sigma\": %s}", duration(s.think_median_s, a),
             number(s.think_sigma, b));
    expect_default(schema, "/properties/time_scale", number((double)s.time_scale, a), &compared);
    expect_default(schema, "/properties/people", number(s.people, a), &compared);
    expect_default(schema, "/properties/traffic/properties/steps_per_visit",
                   number(s.steps_per_visit, a), &compared);
    expect_default(schema, "/properties/traffic/properties/think", think, &compared);
    expect_default(schema, "/properties/traffic/properties/think/properties/sigma",
                   number(s.think_sigma, a), &compared);
    expect_default(schema, "/properties/watch", "{}", &compared);
    expect_default(schema, "/properties/watch/properties/scrape_interval",
                   duration((double)s.scrape_ns / 1e9, a), &compared);
    expect_default(schema, "/properties/watch/properties/evaluation_interval",
                   duration((double)s.evaluation_ns / 1e9, a), &compared);
    expect_default(schema, "/properties/injections", "[]", &compared);
    expect_default(schema, "/$defs/phase/properties/end_when_settled",
                   s.phase[0].end_when_settled ? "true" : "false", &compared);
    expect_default(schema, "/$defs/injection/properties/shape",
                   s.drift.injection[0].shape == DRIFT_SUDDEN ? "\"sudden\"" : "\"linear\"",
                   &compared);
    expect_default(schema, "/$defs/injection/properties/delay",
                   number((double)s.drift.injection[0].onset_ns, a), &compared);
    expect_default(schema, "/$defs/agrees/properties/within_percent",
                   number(100 * s.expectation[0].tolerance, a), &compared);
    expect_default(schema, "/$defs/panel/properties/agrees/properties/within_percent",
                   number(100 * s.expectation[1].tolerance, a), &compared);
    expect_default(schema, "/$defs/panel/properties/steady_percent",
                   number(100 * s.expectation[1].panel.steady, a), &compared);
    expect_default(schema, "/$defs/panel/properties/by_at_least",
                   number(s.expectation[1].panel.by, a), &compared);
    expect_default(schema, "/$defs/panel/properties/range",
                   duration((double)s.expectation[1].panel.range_ns / 1e9, a), &compared);
    compare_people_defaults(schema, &s, &compared);
    cr_expect_eq(count_defaults(schema), compared, "every default of the schema is compared");
    faults_deinit(&faults);
    json_decref(schema);
}

/* ---- against python3-jsonschema ---- */

/* So many at a time, because a program that takes long is ended. */
#define BATCH 200

struct corpus {
    FILE *file; /* one document a line */
    char path[64], log[80];
    size_t count, refused;
    json_t *names, *documents; /* of this batch */
    json_t *done;              /* keys all injections have, changed in one of them */
};

static void corpus_open(struct corpus *corpus)
{
    *corpus = (struct corpus){.path = "/tmp/driftdrill-schema-XXXXXX"};
    int fd = mkstemp(corpus->path);
    cr_assert_geq(fd, 0);
    corpus->file = fdopen(fd, "w");
    snprintf(corpus->log, sizeof corpus->log, "%s.log", corpus->path);
    corpus->names = json_array();
    corpus->done = json_object();
    corpus->documents = json_array();
}

static bool is_order_of_films(const char *text, json_t *document, const char *path)
{
    char films[256];
    snprintf(films, sizeof films, "%s/films", path);
    json_t *list = at_pointer(document, films);
    bool in_bounds = json_array_size(list) == 2;
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_int_t value = json_integer_value(json_array_get(list, i));
        in_bounds = in_bounds && value >= 1 && value <= 1000;
    }
    return strstr(text, "[least, most]") != NULL && in_bounds;
}

/* What no schema can see, because it lies between two places of the document. */
static bool only_reader_sees(const struct fault *fault, json_t *document)
{
    static const char *const texts[] = {"time_scale",
                                        "24 hours",
                                        "a second phase named",
                                        "only the last phase",
                                        "only one phase",
                                        "no phase is named",
                                        "longer than the",
                                        "ends before it starts",
                                        "shorter than the",
                                        "is above",
                                        "expected a phase before",
                                        "no person is new",
                                        "needs 'newcomers'",
                                        "expected another phase than",
                                        "leads to where another one leads",
                                        "a number has no prefix",
                                        "a metric of docs/METRICS.md"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (strstr(fault->text, texts[i]) != NULL) {
            return true;
        }
    }
    /* What a fault's body may hold is the target's to say. */
    bool in_fault = text_starts(fault->path, "/disturbances/") &&
                    strstr(fault->path, "/fault") != NULL && strstr(fault->text, "'fault'") == NULL;
    return in_fault || strstr(fault->text, "rising quantiles") != NULL ||
           is_order_of_films(fault->text, document, fault->path);
}

/* The schema points at the value, at what holds it, or at something inside; of an expectation,
 * which has one of several forms, and of a target's section, which may be `none`, at all of it. */
static bool points_at(const char *schema_path, const char *path)
{
    const char *last = strrchr(path, '/');
    size_t holder = last == NULL ? 0 : (size_t)(last - path);
    size_t len = strlen(schema_path);
    bool expectation = text_starts(path, "/expectations/") && text_starts(path, schema_path) &&
                       strlen(schema_path) > strlen("/expectations/");
    bool section = text_starts(path, "/target/") && text_starts(path, schema_path) &&
                   strlen(schema_path) > strlen("/target/");
    return (len == holder && strncmp(schema_path, path, len) == 0) ||
           text_starts(schema_path, path) || expectation || section;
}

static void compare(const char *name, json_t *document, json_t *refused_at, size_t *refused)
{
    struct faults faults;
    read_faults(document, &faults);
    cr_expect(json_array_size(refused_at) == 0 || faults.count > 0,
              "%s: the schema refuses at '%s' what the reader takes", name,
              json_string_value(json_array_get(refused_at, 0)));
    for (size_t i = 0; i < faults.count; i++) {
        const struct fault *fault = &faults.list[i];
        bool found = only_reader_sees(fault, document);
        for (size_t k = 0; k < json_array_size(refused_at) && !found; k++) {
            found = points_at(json_string_value(json_array_get(refused_at, k)), fault->path);
        }
        cr_expect(found, "%s: the schema is silent on %s: %s", name, fault->path, fault->text);
    }
    *refused += json_array_size(refused_at) > 0;
    faults_deinit(&faults);
}

/* Has the batch judged, forgets it and begins another. */
static void corpus_flush(struct corpus *corpus)
{
    const char *python = file_exists("/usr/bin/python3") ? "/usr/bin/python3" : "python3";
    const char *argv[] = {python, "tests/support/validate_schema.py", SCHEMA, corpus->path, NULL};
    size_t line = 0;
    struct buf answers;
    buf_init(&answers, 16 * 1024 * 1024);
    cr_assert_eq(fclose(corpus->file), 0);
    int status = program_run(argv, corpus->log);
    cr_assert_eq(file_read(corpus->log, &answers, NULL), ERR_OK);
    cr_assert_eq(status, 0, "%s with python3-jsonschema (make deps-test installs it): %.400s",
                 python, answers.len > 0 ? answers.data : "");
    char *rest = answers.data, *answer;
    while ((answer = strsep(&rest, "\n")) != NULL && answer[0] != '\0') {
        json_t *refused_at = read_json(answer);
        compare(json_string_value(json_array_get(corpus->names, line)),
                json_array_get(corpus->documents, line), refused_at, &corpus->refused);
        json_decref(refused_at);
        line++;
    }
    cr_expect_eq(line, json_array_size(corpus->names), "one answer a document");
    buf_deinit(&answers);
    remove(corpus->log); /* a program appends to it */
    json_array_clear(corpus->names);
    json_array_clear(corpus->documents);
    corpus->file = fopen(corpus->path, "w");
    cr_assert_not_null(corpus->file);
}

static void corpus_add(struct corpus *corpus, const char *name, const json_t *document)
{
    char *text = json_dumps(document, JSON_ENCODE_ANY | JSON_COMPACT);
    cr_assert_gt(fprintf(corpus->file, "%s\n", text), 0);
    free(text);
    json_array_append_new(corpus->names, json_string(name));
    json_array_append_new(corpus->documents, json_deep_copy(document));
    corpus->count++;
    if (json_array_size(corpus->names) == BATCH) {
        corpus_flush(corpus);
    }
}

/* Returns how many documents the schema refused. */
static size_t corpus_judge(struct corpus *corpus)
{
    if (json_array_size(corpus->names) > 0) {
        corpus_flush(corpus);
    }
    cr_assert_eq(fclose(corpus->file), 0);
    remove(corpus->path);
    json_decref(corpus->names);
    json_decref(corpus->done);
    json_decref(corpus->documents);
    return corpus->refused;
}

/* Documents that differ from `root` in one value: absent, of another kind, off its bounds. */
static void add_mutants(struct corpus *corpus, json_t *root, json_t *holder, const char *path)
{
    static const char *const values[] = {"null", "true",      "-3", "0",  "1e9",       "\"zz\"",
                                         "\"\"", "\"999ms\"", "[]", "{}", "[\"a\", 3]"};
    const char *key;
    json_t *member;
    char name[256];
    if (json_is_array(holder)) {
        /* Each alone: what the others say has its own turn, and the rest of them takes time. */
        json_t *all = json_copy(holder);
        bool alone = strcmp(path, "/phases") != 0;
        for (size_t i = 0; i < json_array_size(all); i++) {
            if (alone) {
                json_array_clear(holder);
                json_array_append(holder, json_array_get(all, i));
            }
            snprintf(name, sizeof name, "%s/%zu", path, alone ? 0 : i);
            add_mutants(corpus, root, json_array_get(all, i), name);
        }
        json_array_clear(holder);
        json_array_extend(holder, all);
        json_decref(all);
        return;
    }
    json_object_set_new(holder, "zz", json_true());
    snprintf(name, sizeof name, "%s/zz", path);
    corpus_add(corpus, name, root);
    json_object_del(holder, "zz");
    /* Walked in a copy: what is put back into the holder comes last in it, again and again. */
    json_t *members = json_copy(holder);
    json_object_foreach(members, key, member)
    {
        bool common = strcmp(path, "/injections/0") == 0 &&
                      (strcmp(key, "kind") == 0 || strcmp(key, "starts") == 0);
        if (common && json_object_get(corpus->done, key) != NULL) {
            continue;
        }
        if (common) {
            json_object_set_new(corpus->done, key, json_true());
        }
        for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
            snprintf(name, sizeof name, "%s/%s = %s", path, key, values[i]);
            json_object_set_new(holder, key, read_json(values[i]));
            corpus_add(corpus, name, root);
        }
        json_object_del(holder, key);
        snprintf(name, sizeof name, "without %s/%s", path, key);
        corpus_add(corpus, name, root);
        json_object_set(holder, key, member);
        snprintf(name, sizeof name, "%s/%s", path, key);
        if (json_is_object(member) || json_is_array(member)) {
            add_mutants(corpus, root, member, name);
        }
    }
    json_decref(members);
}

/* A list as long as it may be, and one longer. */
static void add_lengths(struct corpus *corpus, const char *list_name, size_t most)
{
    json_t *document = complete_document();
    json_t *list = json_object_get(document, list_name);
    while (json_array_size(list) <= most) {
        json_t *copy = json_deep_copy(json_array_get(list, json_array_size(list) > 1));
        if (strcmp(list_name, "phases") == 0) {
            char name[32];
            snprintf(name, sizeof name, "p%zu", json_array_size(list));
            json_object_set_new(copy, "name", json_string(name));
            json_array_insert_new(list, 0, copy);
        } else {
            json_array_append_new(list, copy);
        }
        if (json_array_size(list) >= most) {
            corpus_add(corpus, list_name, document);
        }
    }
    json_decref(document);
}

Test(schema, it_refuses_what_the_reader_refuses_and_nothing_else)
{
    static const char *const films[] = {"[0, 5]",    "[1, 1000]", "[1, 1001]",  "[1]",
                                        "[1, 2, 3]", "[5, 1]",    "[1, \"2\"]", "[1.5, 2]"};
    static const char *const durations[] = {
        "1s",    "1000ms", "0s999ms", "2m30s", "1y2w3d4h5m6s7ms",
        "30s2m", "1.5s",   "-1s",     "5",     "0",
        "0m0s",  "1s ",    "5M",      "1m1m",  "01s"};
    struct corpus corpus;
    corpus_open(&corpus);
    json_t *document = complete_document();
    corpus_add(&corpus, "complete", document);
    /* Every expectation is tried against every form, so these documents have one. */
    json_t *lean = json_deep_copy(document);
    json_object_set_new(lean, "expectations", json_pack("[{s:s}]", "counts", "reconcile"));
    json_object_del(lean, "target");
    add_mutants(&corpus, lean, lean, "");
    json_decref(lean);
    json_t *retrain = at_pointer(document, "/phases/2/retrain");
    for (size_t i = 0; i < sizeof films / sizeof films[0]; i++) {
        json_object_set_new(retrain, "films", read_json(films[i]));
        corpus_add(&corpus, films[i], document);
    }
    json_object_set_new(retrain, "films", read_json("[20, 60]"));
    for (size_t i = 0; i < sizeof durations / sizeof durations[0]; i++) {
        json_object_set_new(at_pointer(document, "/watch"), "scrape_interval",
                            json_string(durations[i]));
        json_object_set_new(at_pointer(document, "/injections/0"), "delay",
                            json_string(durations[i]));
        corpus_add(&corpus, durations[i], document);
    }
    size_t count = corpus.count;
    size_t refused = corpus_judge(&corpus);
    cr_expect(refused > count / 2 && refused < count, "%zu of %zu", refused, count);
    json_decref(document);
}

Test(schema, it_refuses_the_expectations_that_the_reader_refuses)
{
    struct corpus corpus;
    corpus_open(&corpus);
    json_t *document = complete_document();
    json_object_del(document, "injections");
    json_object_del(document, "disturbances");
    add_mutants(&corpus, document, json_object_get(document, "expectations"), "/expectations");
    size_t count = corpus.count;
    size_t refused = corpus_judge(&corpus);
    cr_expect(refused > count / 2 && refused < count, "%zu of %zu", refused, count);
    json_decref(document);
}

Test(schema, it_refuses_the_targets_that_the_reader_refuses)
{
    struct corpus corpus;
    corpus_open(&corpus);
    json_t *document = complete_document();
    json_object_del(document, "injections");
    json_object_del(document, "disturbances");
    json_object_set_new(document, "expectations", json_pack("[{s:s}]", "counts", "reconcile"));
    add_mutants(&corpus, document, json_object_get(document, "target"), "/target");
    size_t count = corpus.count;
    size_t refused = corpus_judge(&corpus);
    cr_expect(refused > count / 2 && refused < count, "%zu of %zu", refused, count);
    json_decref(document);
}

Test(schema, it_refuses_lists_that_are_too_long)
{
    struct corpus corpus;
    corpus_open(&corpus);
    add_lengths(&corpus, "phases", SCENARIO_PHASES_MAX);
    add_lengths(&corpus, "injections", DRIFT_INJECTIONS_MAX);
    add_lengths(&corpus, "disturbances", SCENARIO_DISTURBANCES_MAX);
    add_lengths(&corpus, "expectations", SCENARIO_EXPECTATIONS_LISTED_MAX);
    cr_expect_eq(corpus.count, 8);
    cr_expect_eq(corpus_judge(&corpus), 4);
}

static void add_matching(struct corpus *corpus, const char *pattern)
{
    char **paths;
    size_t count;
    cr_assert_eq(file_glob(pattern, &paths, &count, NULL), ERR_OK);
    cr_assert_gt(count, 0, "%s", pattern);
    for (size_t i = 0; i < count; i++) {
        json_t *document = NULL;
        /* Some inputs of the fuzzer are no YAML. */
        if (yaml_read_file(paths[i], &document, NULL, NULL) == ERR_OK) {
            corpus_add(corpus, paths[i], document);
        }
        json_decref(document);
    }
    file_glob_free(paths, count);
}

Test(schema, every_shipped_scenario_is_taken)
{
    struct corpus corpus;
    corpus_open(&corpus);
    add_matching(&corpus, "scenarios/*.yml");
    cr_expect_eq(corpus_judge(&corpus), 0);
}

Test(schema, every_malformed_scenario_is_refused_where_a_schema_can)
{
    struct corpus corpus;
    corpus_open(&corpus);
    add_matching(&corpus, "tests/data/invalid/scenarios/*.yml");
    size_t count = corpus.count;
    add_matching(&corpus, "fuzz/corpus/scenario/*");
    cr_expect_geq(corpus_judge(&corpus), count);
}
