#include "drill/loaded_rules.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/yaml.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define EXCERPT 60 /* bytes of either expression from the first difference on */

struct comparer {
    const struct loaded_rules_case *at;
    struct faults *faults;
    const char *group;
    const char *rule; /* name; NULL = about the group */
};

static void fault(const struct comparer *comparer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void fault(const struct comparer *comparer, const char *format, ...)
{
    char text[320];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    faults_add(comparer->faults, comparer->at->where, 0, "", "group %s%s%s: %s", comparer->group,
               comparer->rule != NULL ? ", " : "", comparer->rule != NULL ? comparer->rule : "",
               text);
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

/* Rendered files call it alert or record, the API name. */
static const char *name_of(const json_t *rule)
{
    static const char *const keys[] = {"name", "alert", "record"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        if (json_object_get(rule, keys[i]) != NULL) {
            return text_of(rule, keys[i]);
        }
    }
    return "";
}

/* Takes blanks out, or leaves one of several, in place. */
static void squeeze(char *text, bool leave_one)
{
    size_t used = 0;
    bool blank = false;
    for (const char *from = text; *from != '\0'; from++) {
        if (isspace((unsigned char)*from)) {
            blank = leave_one && used > 0;
            continue;
        }
        if (blank) {
            text[used++] = ' ';
        }
        blank = false;
        text[used++] = *from;
    }
    text[used] = '\0';
}

static char *copy_of(const char *text)
{
    size_t size = strlen(text) + 1;
    char *out = mem_array(size, 1);
    memcpy(out, text, size);
    return out;
}

static void compare_expressions(const struct comparer *comparer, const char *wanted,
                                const char *found)
{
    const struct loaded_rules_case *at = comparer->at;
    char *left = at->spell(at->context, wanted), *right = at->spell(at->context, found);
    bool spelt = left != NULL && right != NULL;
    if (!spelt) {
        mem_free(left);
        mem_free(right);
        left = copy_of(wanted);
        right = copy_of(found);
    }
    squeeze(left, spelt);
    squeeze(right, spelt);
    size_t same = 0;
    while (left[same] != '\0' && left[same] == right[same]) {
        same++;
    }
    if (left[same] != right[same]) {
        size_t from = same > EXCERPT / 2 ? same - EXCERPT / 2 : 0;
        fault(comparer, "the expression is '%s%.*s', wanted '%s%.*s'", from > 0 ? "..." : "",
              EXCERPT, right + from, from > 0 ? "..." : "", EXCERPT, left + from);
    }
    mem_free(left);
    mem_free(right);
}

/* An absent duration is 0, or `fallback_ns`. */
static void compare_durations(const struct comparer *comparer, const char *what,
                              const json_t *wanted, const json_t *found_s, int64_t fallback_ns)
{
    char left[32], right[32];
    int64_t wanted_ns = fallback_ns;
    if (json_is_string(wanted)) {
        (void)text_to_duration_ns(json_string_value(wanted), &wanted_ns);
    }
    int64_t found_ms = llround(json_number_value(found_s) * 1000);
    if (wanted_ns / CLOCK_NS_PER_MS != found_ms) {
        fault(comparer, "%s is %s, wanted %s", what,
              text_from_duration_ns(found_ms * CLOCK_NS_PER_MS, right, sizeof right),
              text_from_duration_ns(wanted_ns, left, sizeof left));
    }
}

static void compare_labels(const struct comparer *comparer, json_t *wanted, json_t *found)
{
    const char *name;
    json_t *value;
    json_object_foreach(wanted, name, value)
    {
        if (!json_equal(value, json_object_get(found, name))) {
            fault(comparer, "label %s is '%s', wanted '%s'", name, text_of(found, name),
                  json_string_value(value) != NULL ? json_string_value(value) : "");
        }
    }
    json_object_foreach(found, name, value)
    {
        if (json_object_get(wanted, name) == NULL) {
            fault(comparer, "label %s is '%s', wanted none", name, text_of(found, name));
        }
    }
}

/* A group's labels are those of its rules, too. */
static json_t *labels_of(const json_t *group, const json_t *rule)
{
    json_t *labels = json_object();
    json_t *shared = json_object_get(group, "labels"), *own = json_object_get(rule, "labels");
    if (json_is_object(shared)) {
        json_object_update(labels, shared);
    }
    if (json_is_object(own)) {
        json_object_update(labels, own);
    }
    return labels;
}

static void compare_rule(struct comparer *comparer, const json_t *group, const json_t *wanted,
                         const json_t *found)
{
    json_t *left = labels_of(group, wanted), *right = labels_of(NULL, found);
    compare_expressions(comparer, text_of(wanted, "expr"), text_of(found, "query"));
    compare_durations(comparer, "for", json_object_get(wanted, "for"),
                      json_object_get(found, "duration"), 0);
    compare_durations(comparer, "keep_firing_for", json_object_get(wanted, "keep_firing_for"),
                      json_object_get(found, "keepFiringFor"), 0);
    compare_labels(comparer, left, right);
    json_decref(left);
    json_decref(right);
}

static json_t *find_group(const struct loaded_rules_case *at, const char *name)
{
    size_t i;
    json_t *group;
    json_array_foreach(json_object_get(json_object_get(at->document, "data"), "groups"), i, group)
    {
        if (strcmp(text_of(group, "name"), name) == 0) {
            return group;
        }
    }
    return NULL;
}

/* Order counts: a rule sees what those before it recorded in the same evaluation. */
static void compare_group(struct comparer *comparer, const json_t *wanted)
{
    comparer->group = text_of(wanted, "name");
    comparer->rule = NULL;
    const json_t *found = find_group(comparer->at, comparer->group);
    if (found == NULL) {
        fault(comparer, "not loaded");
        return;
    }
    compare_durations(comparer, "interval", json_object_get(wanted, "interval"),
                      json_object_get(found, "interval"), comparer->at->default_interval_ns);
    const json_t *left = json_object_get(wanted, "rules"), *right = json_object_get(found, "rules");
    size_t count = json_array_size(left);
    for (size_t i = 0; i < count; i++) {
        const json_t *rule = json_array_get(left, i), *other = json_array_get(right, i);
        comparer->rule = NULL;
        if (other == NULL || strcmp(name_of(rule), name_of(other)) != 0) {
            fault(comparer, "rule %zu is %s, wanted %s", i + 1,
                  other != NULL ? name_of(other) : "not there", name_of(rule));
            return;
        }
        comparer->rule = name_of(rule);
        compare_rule(comparer, wanted, rule, other);
    }
    comparer->rule = NULL;
    if (json_array_size(right) > count) {
        fault(comparer, "rule %zu is %s, wanted none", count + 1,
              name_of(json_array_get(right, count)));
    }
}

static void check_stranger(struct comparer *comparer, const json_t *group)
{
    size_t i;
    json_t *rule;
    comparer->group = text_of(group, "name");
    json_array_foreach(json_object_get(group, "rules"), i, rule)
    {
        if (strcmp(text_of(rule, "type"), "alerting") == 0 &&
            rules_find(comparer->at->wanted, name_of(rule)) != NULL) {
            comparer->rule = name_of(rule);
            fault(comparer, "an alert of the same name in a group that is not the scenario's");
        }
    }
}

static void check_strangers(struct comparer *comparer, const json_t *names)
{
    size_t i;
    json_t *group;
    json_array_foreach(json_object_get(json_object_get(comparer->at->document, "data"), "groups"),
                       i, group)
    {
        if (json_object_get(names, text_of(group, "name")) == NULL) {
            check_stranger(comparer, group);
        }
    }
}

enum err loaded_rules_compare(const struct loaded_rules_case *loaded, struct faults *faults,
                              struct error *error)
{
    struct comparer comparer = {.at = loaded, .faults = faults};
    json_t *names = json_object();
    enum err code = ERR_OK;
    for (size_t f = 0; f < loaded->wanted->file_count && code == ERR_OK; f++) {
        size_t i;
        json_t *file = NULL, *group;
        code = yaml_read_file(loaded->wanted->rendered[f], &file, NULL, error);
        json_array_foreach(json_object_get(file, "groups"), i, group)
        {
            json_object_set_new(names, text_of(group, "name"), json_true());
            compare_group(&comparer, group);
        }
        json_decref(file);
    }
    if (code == ERR_OK) {
        check_strangers(&comparer, names);
    }
    json_decref(names);
    return code;
}
