#include "base/fields.h"

#include "base/text.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void fields_fault(const struct fields *fields, const char *path, const char *format, ...)
{
    char text[400];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    faults_add(fields->faults, fields->file, yaml_line(fields->lines, path), path, "%s", text);
}

int fields_line(const struct fields_at *at)
{
    return yaml_line(at->fields->lines, at->path);
}

void fields_path(const struct fields_at *at, const char *key, char *out, size_t size)
{
    /* A JSON pointer: the document itself is "", so even its members begin with a slash. One too
     * long for a report loses its end. */
    if (snprintf(out, size, "%s/%s", at->path, key) < 0) {
        text_copy(out, size, at->path);
    }
}

static bool is_known(const char *key, const char *const *known)
{
    for (size_t i = 0; known[i] != NULL; i++) {
        if (strcmp(key, known[i]) == 0) {
            return true;
        }
    }
    return false;
}

static void list_words(const char *const *words, char *out, size_t size)
{
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; words[i] != NULL && used < size; i++) {
        int n = snprintf(out + used, size - used, "%s%s", i == 0 ? "" : ", ", words[i]);
        used += (size_t)n;
    }
}

bool fields_object(const struct fields *fields, const json_t *value, const char *path,
                   const char *const *known, struct fields_at *out)
{
    char list[256];
    list_words(known, list, sizeof list);
    if (!json_is_object(value)) {
        fields_fault(fields, path, "expected a mapping with the keys %s", list);
        return false;
    }
    out->fields = fields;
    out->object = value;
    text_copy(out->path, sizeof out->path, path);
    const char *key;
    json_t *member;
    json_object_foreach((json_t *)(uintptr_t)value, key, member)
    {
        if (!is_known(key, known)) {
            char member_path[160];
            fields_path(out, key, member_path, sizeof member_path);
            fields_fault(fields, member_path, "unknown key '%s'; expected one of %s", key, list);
        }
    }
    return true;
}

bool fields_has(const struct fields_at *at, const char *key)
{
    return json_object_get(at->object, key) != NULL;
}

/* The member, or NULL after recording that a required one is missing. */
static const json_t *member_of(const struct fields_at *at, const char *key, enum fields_need need)
{
    const json_t *value = json_object_get(at->object, key);
    if (value == NULL && need == FIELDS_REQUIRED) {
        fields_fault(at->fields, at->path, "'%s' is missing", key);
    }
    return value;
}

static void expected(const struct fields_at *at, const char *key, const char *what)
{
    char path[160];
    fields_path(at, key, path, sizeof path);
    fields_fault(at->fields, path, "'%s': expected %s", key, what);
}

bool fields_text(const struct fields_at *at, const char *key, enum fields_need need, char *out,
                 size_t size)
{
    const json_t *value = member_of(at, key, need);
    if (value == NULL) {
        return false;
    }
    const char *text = json_string_value(value);
    if (text == NULL || text[0] == '\0') {
        expected(at, key, "a text");
        return false;
    }
    if (!text_copy(out, size, text)) {
        char what[64];
        snprintf(what, sizeof what, "a text of at most %zu bytes", size - 1);
        expected(at, key, what);
        return false;
    }
    return true;
}

bool fields_int(const struct fields_at *at, const char *key, enum fields_need need, int64_t min,
                int64_t max, int64_t *out)
{
    const json_t *value = member_of(at, key, need);
    if (value == NULL) {
        return false;
    }
    json_int_t number = json_integer_value(value);
    if (!json_is_integer(value) || number < min || number > max) {
        char what[96];
        snprintf(what, sizeof what, "a whole number from %lld to %lld", (long long)min,
                 (long long)max);
        expected(at, key, what);
        return false;
    }
    *out = (int64_t)number;
    return true;
}

bool fields_real(const struct fields_at *at, const char *key, enum fields_need need, double min,
                 double max, double *out)
{
    const json_t *value = member_of(at, key, need);
    if (value == NULL) {
        return false;
    }
    double number = json_number_value(value);
    if (!json_is_number(value) || !isfinite(number) || number < min || number > max) {
        char what[96];
        snprintf(what, sizeof what, "a number from %g to %g", min, max);
        expected(at, key, what);
        return false;
    }
    *out = number;
    return true;
}

bool fields_bool(const struct fields_at *at, const char *key, bool *out)
{
    const json_t *value = json_object_get(at->object, key);
    if (value == NULL) {
        return false;
    }
    if (!json_is_boolean(value)) {
        expected(at, key, "true or false");
        return false;
    }
    *out = json_is_true(value);
    return true;
}

bool fields_duration(const struct fields_at *at, const char *key, enum fields_need need,
                     int64_t min_ns, int64_t *out_ns)
{
    const json_t *value = member_of(at, key, need);
    if (value == NULL) {
        return false;
    }
    int64_t ns = 0;
    const char *text = json_string_value(value);
    bool zero = json_is_integer(value) && json_integer_value(value) == 0;
    if (!zero && (text == NULL || !text_to_duration_ns(text, &ns))) {
        expected(at, key, "a duration such as 15m, 2m30s or 500ms");
        return false;
    }
    if (ns < min_ns) {
        char least[32], what[64];
        snprintf(what, sizeof what, "a duration of at least %s",
                 text_from_duration_ns(min_ns, least, sizeof least));
        expected(at, key, what);
        return false;
    }
    *out_ns = ns;
    return true;
}

bool fields_choice(const struct fields_at *at, const char *key, enum fields_need need,
                   const char *const *words, int *out)
{
    const json_t *value = member_of(at, key, need);
    if (value == NULL) {
        return false;
    }
    const char *text = json_string_value(value);
    for (int i = 0; text != NULL && words[i] != NULL; i++) {
        if (strcmp(text, words[i]) == 0) {
            *out = i;
            return true;
        }
    }
    char list[256], what[280];
    list_words(words, list, sizeof list);
    snprintf(what, sizeof what, "one of %s", list);
    expected(at, key, what);
    return false;
}

const json_t *fields_array(const struct fields_at *at, const char *key, enum fields_need need)
{
    const json_t *value = member_of(at, key, need);
    if (value != NULL && !json_is_array(value)) {
        expected(at, key, "a list");
        return NULL;
    }
    return value;
}
