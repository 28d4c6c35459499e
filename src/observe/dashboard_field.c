/* fieldConfig: how the values of a panel look, by default and for some of its series. */
#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "observe/dashboard_int.h"
#include "observe/units.h"

#include <ctype.h>
#include <math.h>
#include <regex.h>
#include <string.h>

#define DECIMALS_MAX 20
#define PATTERN_BYTES_MAX 1024

void dashboard_field_init(struct dashboard_field *field)
{
    *field = (struct dashboard_field){.min = NAN, .max = NAN, .decimals = UNITS_DECIMALS_AUTO};
}

void dashboard_field_deinit(struct dashboard_field *field)
{
    mem_free(field->thresholds.step);
    mem_free(field->mapping);
    dashboard_field_init(field);
}

/* The first step is the base whatever its value: some versions write null, some 0. */
static void read_steps(struct dashboard_reader *reader, const char *pointer, const json_t *steps,
                       struct thresholds *out)
{
    size_t index;
    const json_t *step;
    char path[DASHBOARD_POINTER_BYTES];
    out->step = mem_zalloc(json_array_size(steps) + 1, sizeof *out->step);
    json_array_foreach(steps, index, step)
    {
        struct threshold_step *to = &out->step[out->count++];
        (void)dashboard_below_index(path, pointer, index);
        dashboard_copy_text(reader, path, step, "color", to->colour, sizeof to->colour);
        to->value = -INFINITY;
        if (index == 0) {
            continue;
        }
        to->value = dashboard_number(reader, path, step, "value", NAN);
        if (isnan(to->value)) {
            dashboard_fault(reader, path, "expected a step with a value");
            to->value = to[-1].value;
        } else if (to->value < to[-1].value) {
            dashboard_fault(reader, path, "expected steps in rising order");
        }
    }
}

static void read_thresholds(struct dashboard_reader *reader, const char *pointer,
                            const json_t *value, struct dashboard_field *out)
{
    char path[DASHBOARD_POINTER_BYTES];
    const char *mode = dashboard_text(reader, pointer, value, "mode", "absolute");
    mem_free(out->thresholds.step);
    out->thresholds = (struct thresholds){.percent = strcmp(mode, "percentage") == 0};
    if (!out->thresholds.percent && strcmp(mode, "absolute") != 0) {
        dashboard_fault(reader, dashboard_below(path, pointer, "mode"),
                        "expected absolute or percentage, got %s", mode);
    }
    read_steps(reader, dashboard_below(path, pointer, "steps"),
               dashboard_list(reader, pointer, value, "steps"), &out->thresholds);
}

static struct dashboard_mapping *add_mapping(struct dashboard_field *field)
{
    field->mapping = mem_resize(field->mapping, field->mapping_count + 1, sizeof *field->mapping);
    struct dashboard_mapping *mapping = &field->mapping[field->mapping_count++];
    *mapping = (struct dashboard_mapping){.from = -INFINITY, .to = INFINITY};
    return mapping;
}

static void read_result(struct dashboard_reader *reader, const char *pointer, const json_t *result,
                        struct dashboard_mapping *out)
{
    out->has_text = json_is_string(json_object_get(result, "text"));
    dashboard_copy_text(reader, pointer, result, "text", out->text, sizeof out->text);
    dashboard_copy_text(reader, pointer, result, "color", out->colour, sizeof out->colour);
}

static void read_value_mapping(struct dashboard_reader *reader, const char *pointer,
                               const json_t *options, struct dashboard_field *out)
{
    char path[DASHBOARD_POINTER_BYTES];
    const char *value;
    json_t *result;
    json_object_foreach((json_t *)options, value, result)
    {
        struct dashboard_mapping *mapping = add_mapping(out);
        mapping->type = DASHBOARD_MAP_VALUE;
        (void)dashboard_below(path, pointer, value);
        if (!text_copy(mapping->match, sizeof mapping->match, value)) {
            dashboard_fault(reader, path, "expected a value of at most %zu bytes",
                            sizeof mapping->match - 1);
        }
        read_result(reader, path, result, mapping);
    }
}

static void read_mapping(struct dashboard_reader *reader, const char *pointer, const json_t *value,
                         struct dashboard_field *out)
{
    static const char *const keys[] = {
        [DASHBOARD_MAP_REGEX] = "pattern", [DASHBOARD_MAP_SPECIAL] = "match"};
    char path[DASHBOARD_POINTER_BYTES];
    char result_path[DASHBOARD_POINTER_BYTES];
    const char *type = dashboard_text(reader, pointer, value, "type", "");
    const json_t *options = json_object_get(value, "options");
    (void)dashboard_below(path, pointer, "options");
    if (strcmp(type, "value") == 0) {
        read_value_mapping(reader, path, options, out);
        return;
    }
    bool range = strcmp(type, "range") == 0;
    bool regex = strcmp(type, "regex") == 0;
    if (!range && !regex && strcmp(type, "special") != 0) {
        dashboard_fault(reader, pointer, "expected a mapping of value, range, regex or special");
        return;
    }
    struct dashboard_mapping *mapping = add_mapping(out);
    mapping->type = range   ? DASHBOARD_MAP_RANGE
                    : regex ? DASHBOARD_MAP_REGEX
                            : DASHBOARD_MAP_SPECIAL;
    if (range) {
        mapping->from = dashboard_number(reader, path, options, "from", -INFINITY);
        mapping->to = dashboard_number(reader, path, options, "to", INFINITY);
    } else {
        dashboard_copy_text(reader, path, options, keys[mapping->type], mapping->match,
                            sizeof mapping->match);
    }
    read_result(reader, dashboard_below(result_path, path, "result"),
                json_object_get(options, "result"), mapping);
}

static void read_mappings(struct dashboard_reader *reader, const char *pointer, const json_t *value,
                          struct dashboard_field *out)
{
    size_t index;
    const json_t *mapping;
    char path[DASHBOARD_POINTER_BYTES];
    mem_free(out->mapping);
    out->mapping = NULL;
    out->mapping_count = 0;
    if (!json_is_array(value)) {
        dashboard_fault(reader, pointer, "expected a list");
    }
    json_array_foreach(value, index, mapping)
    {
        read_mapping(reader, dashboard_below_index(path, pointer, index), mapping, out);
    }
}

static void read_decimals(struct dashboard_reader *reader, const char *pointer,
                          const json_t *object, const char *key, struct dashboard_field *out)
{
    char path[DASHBOARD_POINTER_BYTES];
    double decimals = dashboard_number(reader, pointer, object, key, UNITS_DECIMALS_AUTO);
    if (decimals > DECIMALS_MAX || decimals < UNITS_DECIMALS_AUTO || floor(decimals) != decimals) {
        dashboard_fault(reader, dashboard_below(path, pointer, key), "expected 0 to %d decimals",
                        DECIMALS_MAX);
        decimals = UNITS_DECIMALS_AUTO;
    }
    out->decimals = (int)decimals;
}

/* object[key] is what the property `id` shall be. */
static void apply(struct dashboard_reader *reader, const char *pointer, const json_t *object,
                  const char *key, const char *id, struct dashboard_field *out)
{
    char path[DASHBOARD_POINTER_BYTES];
    const json_t *value = json_object_get(object, key);
    (void)dashboard_below(path, pointer, key);
    if (value == NULL || json_is_null(value)) {
        return;
    }
    if (strcmp(id, "unit") == 0) {
        dashboard_copy_text(reader, pointer, object, key, out->unit, sizeof out->unit);
    } else if (strcmp(id, "decimals") == 0) {
        read_decimals(reader, pointer, object, key, out);
    } else if (strcmp(id, "min") == 0) {
        out->min = dashboard_number(reader, pointer, object, key, NAN);
    } else if (strcmp(id, "max") == 0) {
        out->max = dashboard_number(reader, pointer, object, key, NAN);
    } else if (strcmp(id, "noValue") == 0) {
        dashboard_copy_text(reader, pointer, object, key, out->no_value, sizeof out->no_value);
    } else if (strcmp(id, "displayName") == 0) {
        dashboard_copy_text(reader, pointer, object, key, out->display_name,
                            sizeof out->display_name);
    } else if (strcmp(id, "fieldMinMax") == 0) {
        out->own_scale = json_is_true(value);
    } else if (strcmp(id, "thresholds") == 0) {
        read_thresholds(reader, path, value, out);
    } else if (strcmp(id, "mappings") == 0) {
        read_mappings(reader, path, value, out);
    } else if (strcmp(id, "color") == 0) {
        dashboard_copy_text(reader, path, value, "mode", out->colour_mode, sizeof out->colour_mode);
        dashboard_copy_text(reader, path, value, "fixedColor", out->fixed_colour,
                            sizeof out->fixed_colour);
    } else if (strcmp(id, "custom.thresholdsStyle") == 0) {
        dashboard_copy_text(reader, path, value, "mode", out->thresholds_style,
                            sizeof out->thresholds_style);
    }
}

void dashboard_field_read(struct dashboard_reader *reader, const char *pointer,
                          const json_t *defaults, struct dashboard_field *out)
{
    static const char *const ids[] = {"unit",     "decimals",    "min",         "max",
                                      "noValue",  "displayName", "fieldMinMax", "thresholds",
                                      "mappings", "color"};
    char path[DASHBOARD_POINTER_BYTES];
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        apply(reader, pointer, defaults, ids[i], ids[i], out);
    }
    apply(reader, dashboard_below(path, pointer, "custom"), json_object_get(defaults, "custom"),
          "thresholdsStyle", "custom.thresholdsStyle", out);
    if (out->min > out->max) {
        dashboard_fault(reader, dashboard_below(path, pointer, "min"),
                        "expected a minimum below the maximum");
    }
}

static void apply_override(struct dashboard_reader *reader, const char *pointer,
                           const json_t *override, struct dashboard_field *out)
{
    size_t index;
    const json_t *property;
    char path[DASHBOARD_POINTER_BYTES];
    char below[DASHBOARD_POINTER_BYTES];
    const json_t *properties = dashboard_list(reader, pointer, override, "properties");
    (void)dashboard_below(path, pointer, "properties");
    json_array_foreach(properties, index, property)
    {
        (void)dashboard_below_index(below, path, index);
        apply(reader, below, property, "value", dashboard_text(reader, below, property, "id", ""),
              out);
    }
}

/* As Grafana makes a pattern of text (stringToJsRegex): "/.../flags" is found anywhere, any other
 * text is ^text$ as it stands, so that a|b is found where a begins or b ends. JavaScript's patterns
 * are read as POSIX extended ones, its classes of one letter spelled out; false if POSIX has no
 * such pattern. Of the flags, i alone changes what is found in a name. */
static bool compile(const char *text, regex_t *out)
{
    static const char letters[] = "dDwWsS";
    static const char *const classes[] = {"[0-9]",         "[^0-9]",      "[[:alnum:]_]",
                                          "[^[:alnum:]_]", "[[:space:]]", "[^[:space:]]"};
    const char *end = strrchr(text, '/');
    bool slashes = *text == '/';
    const char *at = slashes ? text + 1 : text;
    const char *flags = slashes && end > text ? end + 1 : "";
    if (slashes && (end <= at || strspn(flags, "gimsuy") != strlen(flags))) {
        return false;
    }
    end = slashes ? end : text + strlen(text);
    struct buf posix;
    buf_init(&posix, PATTERN_BYTES_MAX);
    bool ok = slashes || buf_add(&posix, "^", 1);
    for (bool set = false; ok && at < end; at++) {
        const char *letter = *at == '\\' && at + 1 < end ? strchr(letters, at[1]) : NULL;
        if (letter != NULL) {
            ok = !set && buf_printf(&posix, "%s", classes[letter - letters]);
            at++;
        } else if (*at == '\\') {
            /* Escaped punctuation means the same in both, but not inside a set. */
            ok = !set && at + 1 < end && ispunct((unsigned char)at[1]) && buf_add(&posix, at, 2);
            at++;
        } else {
            bool own = (*at == '(' || *at == '?' || *at == '*' || *at == '+') && at + 1 < end &&
                       at[1] == '?'; /* (?: ... *? ... */
            set = set ? *at != ']' : *at == '[';
            ok = (set || !own) && buf_add(&posix, at, 1);
        }
    }
    ok = ok && (slashes || buf_add(&posix, "$", 1)) && posix.len > 0;
    ok =
        ok && regcomp(out, posix.data,
                      REG_EXTENDED | REG_NOSUB | (strchr(flags, 'i') != NULL ? REG_ICASE : 0)) == 0;
    buf_deinit(&posix);
    return ok;
}

static bool matches_pattern(const char *pattern, const char *name)
{
    regex_t regex;
    bool found = compile(pattern, &regex);
    if (found) {
        found = regexec(&regex, name, 0, NULL, 0) == 0;
        regfree(&regex);
    }
    return found;
}

/* A refId, several of them (A|B), or a pattern in slashes. */
static bool matches_ref(const char *text, const char *ref)
{
    size_t len = strlen(ref);
    if (*text == '/') {
        return matches_pattern(text, ref);
    }
    while (len > 0) {
        size_t one = strcspn(text, "|");
        if (one == len && strncmp(text, ref, len) == 0) {
            return true;
        }
        if (text[one] == '\0') {
            break;
        }
        text += one + 1;
    }
    return *text == '\0' && len == 0;
}

static void check_matcher(struct dashboard_reader *reader, const char *pointer,
                          const json_t *matcher)
{
    char path[DASHBOARD_POINTER_BYTES];
    char below[DASHBOARD_POINTER_BYTES];
    regex_t regex;
    const char *id = dashboard_text(reader, pointer, matcher, "id", "");
    const char *text = json_string_value(json_object_get(matcher, "options"));
    bool pattern = strcmp(id, "byRegexp") == 0 ||
                   (strcmp(id, "byFrameRefID") == 0 && text != NULL && *text == '/');
    if (!pattern || text == NULL) {
        return;
    }
    if (compile(text, &regex)) {
        regfree(&regex);
    } else {
        (void)dashboard_below(path, pointer, "matcher");
        dashboard_fault(reader, dashboard_below(below, path, "options"),
                        "expected a pattern that POSIX can read, too, got %s", text);
    }
}

void dashboard_overrides_check(struct dashboard_reader *reader, const char *pointer,
                               const json_t *overrides)
{
    size_t index;
    const json_t *override;
    char path[DASHBOARD_POINTER_BYTES];
    struct dashboard_field scratch;
    dashboard_field_init(&scratch);
    json_array_foreach(overrides, index, override)
    {
        (void)dashboard_below_index(path, pointer, index);
        check_matcher(reader, path, json_object_get(override, "matcher"));
        apply_override(reader, path, override, &scratch);
    }
    dashboard_field_deinit(&scratch);
}

static bool is_among(const json_t *names, const char *name)
{
    size_t index;
    const json_t *one;
    json_array_foreach(names, index, one)
    {
        if (json_is_string(one) && strcmp(json_string_value(one), name) == 0) {
            return true;
        }
    }
    return false;
}

static bool matches(const json_t *matcher, const char *name, const char *ref)
{
    const char *id = dashboard_text(NULL, "", matcher, "id", "");
    const json_t *options = json_object_get(matcher, "options");
    const char *text = json_is_string(options) ? json_string_value(options) : "";
    if (strcmp(id, "byName") == 0) {
        return strcmp(text, name) == 0;
    }
    if (strcmp(id, "byFrameRefID") == 0) {
        return matches_ref(text, ref);
    }
    if (strcmp(id, "byType") == 0) {
        return strcmp(text, "number") == 0;
    }
    if (strcmp(id, "byNames") == 0) {
        return is_among(json_object_get(options, "names"), name);
    }
    return strcmp(id, "byRegexp") == 0 && matches_pattern(text, name);
}

static void copy_field(const struct dashboard_field *from, struct dashboard_field *out)
{
    *out = *from;
    out->thresholds.step = mem_array(from->thresholds.count + 1, sizeof *out->thresholds.step);
    out->mapping = mem_array(from->mapping_count + 1, sizeof *out->mapping);
    if (from->thresholds.count > 0) {
        memcpy(out->thresholds.step, from->thresholds.step,
               from->thresholds.count * sizeof *out->thresholds.step);
    }
    if (from->mapping_count > 0) {
        memcpy(out->mapping, from->mapping, from->mapping_count * sizeof *out->mapping);
    }
}

void dashboard_field_for(const struct dashboard_panel *panel, const char *name, const char *ref,
                         struct dashboard_field *out)
{
    size_t index;
    const json_t *override;
    const json_t *overrides =
        json_object_get(json_object_get(panel->json, "fieldConfig"), "overrides");
    copy_field(&panel->field, out);
    json_array_foreach(overrides, index, override)
    {
        if (matches(json_object_get(override, "matcher"), name, ref)) {
            apply_override(NULL, "", override, out);
        }
    }
}
