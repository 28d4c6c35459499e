/*
 * Selectors against the series there are. `le` is spelled "2" by some exporters and "2.0" by
 * others, and Prometheus keeps the first spelling up to 2.x and makes it the second from 3 on; so
 * both count as exposed, and a matcher that takes one of them only is a fault.
 */
#include "base/buf.h"
#include "base/text.h"
#include "observe/lint_query_int.h"

#include <regex.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SELECTOR_MAX_BYTES 4096
#define BOUND_BYTES 64
#define LISTED_BYTES 100

/* Like Prometheus, anchored on both sides; *known is false for what POSIX does not read. */
static bool matches(const struct lint_matcher *matcher, const char *value, bool *known)
{
    *known = true;
    if (matcher->sign[1] != '~') {
        return strcmp(matcher->value, value) == 0;
    }
    regex_t regex;
    struct buf anchored;
    buf_init(&anchored, SELECTOR_MAX_BYTES);
    (void)buf_printf(&anchored, "^(%s)$", matcher->value);
    bool refused = strpbrk(matcher->value, "\\{?") != NULL && strstr(matcher->value, "(?") != NULL;
    *known = !anchored.failed && !refused &&
             regcomp(&regex, anchored.data, REG_EXTENDED | REG_NOSUB) == 0;
    bool right = *known && regexec(&regex, value, 0, NULL, 0) == 0;
    if (*known) {
        regfree(&regex);
    }
    buf_deinit(&anchored);
    return right;
}

/* The other spelling of a bucket's bound: "2" of "2.0", "2.0" of "2"; false if it has one only. */
static bool other_spelling(const char *bound, char *out)
{
    size_t len = strlen(bound);
    double number;
    if (len + 3 > BOUND_BYTES || !text_to_f64(bound, &number)) {
        return false;
    }
    if (text_ends(bound, ".0")) {
        (void)snprintf(out, BOUND_BYTES, "%.*s", (int)len - 2, bound);
        return true;
    }
    (void)snprintf(out, BOUND_BYTES, "%s.0", bound);
    return strpbrk(bound, ".eE") == NULL;
}

static void list_values(const json_t *values, char *out, size_t size)
{
    const char *name;
    json_t *value;
    size_t len = 0;
    *out = '\0';
    json_object_foreach((json_t *)(uintptr_t)values, name, value)
    {
        int more = snprintf(out + len, size - len, "%s%s", len > 0 ? ", " : "", name);
        if (more < 0 || (size_t)more >= size - len) {
            (void)snprintf(out + len, size - len, "...");
            return;
        }
        len += (size_t)more;
    }
}

/* Of all values of a label, does the matcher take one? */
static void check_value(const struct lint_walk *walk, const struct lint_node *selector,
                        const struct lint_matcher *matcher, const json_t *values)
{
    const char *value;
    json_t *unused;
    char other[BOUND_BYTES], listed[LISTED_BYTES];
    bool any = false, known = true, bound = strcmp(matcher->name, "le") == 0;
    const char *lonely = NULL;
    json_object_foreach((json_t *)(uintptr_t)values, value, unused)
    {
        bool one = matches(matcher, value, &known);
        bool two = bound && other_spelling(value, other);
        bool second = two && matches(matcher, other, &known);
        any = any || one || second;
        lonely = two && one != second ? value : lonely;
    }
    if (!known) {
        return;
    }
    if (!any) {
        list_values(values, listed, sizeof listed);
        lint_fault(walk->lint, walk->place, "%s has no %s%s\"%s\" (there are %s)", selector->text,
                   matcher->name, matcher->sign, matcher->value, listed);
    } else if (lonely != NULL) {
        lint_fault(walk->lint, walk->place,
                   "%s%s\"%s\" takes %s in one of its spellings only: write le=~\"%d([.]0)?\"",
                   matcher->name, matcher->sign, matcher->value, lonely, (int)strtod(lonely, NULL));
    }
}

static void check_matchers(const struct lint_walk *walk, const struct lint_node *selector)
{
    struct lint_shape shape;
    struct lint_node bare = {.kind = LINT_SELECTOR, .text = selector->text};
    lint_shape_of(walk->lint->series, &bare, &shape);
    for (size_t i = 0; i < selector->matcher_count; i++) {
        const struct lint_matcher *matcher = &selector->matcher[i];
        const json_t *values =
            lint_series_values(walk->lint->series, selector->text, matcher->name);
        /* A variable can be anything, but the job it begins with has to be right. */
        bool judged = strcmp(matcher->name, "job") == 0 ||
                      lint_filled_by(walk->filled, matcher->at, matcher->len) == NULL;
        if (!lint_shape_has(&shape, matcher->name)) {
            lint_fault(walk->lint, walk->place, "%s has no label %s", selector->text,
                       matcher->name);
        } else if (values != NULL && matcher->sign[0] == '=' && judged) {
            check_value(walk, selector, matcher, values);
        }
    }
    lint_shape_deinit(&shape);
}

/* The selector without matchers whose values the reader of a panel chooses. */
static bool print_selector(const struct lint_walk *walk, const struct lint_node *selector,
                           struct buf *out)
{
    size_t printed = 0;
    (void)buf_text(out, selector->text);
    for (size_t i = 0; i < selector->matcher_count; i++) {
        const struct lint_matcher *matcher = &selector->matcher[i];
        if (lint_filled_by(walk->filled, matcher->at, matcher->len) != NULL) {
            continue;
        }
        (void)buf_printf(out, "%s%s%s\"", printed++ == 0 ? "{" : ",", matcher->name, matcher->sign);
        for (const char *at = matcher->value; *at != '\0'; at++) {
            (void)buf_printf(out, strchr("\\\"", *at) != NULL ? "\\%c" : "%c", *at);
        }
        (void)buf_text(out, "\"");
    }
    (void)buf_text(out, printed > 0 ? "}" : "");
    return !out->failed && out->len > 0;
}

static void check_data(const struct lint_walk *walk, const struct lint_node *selector)
{
    struct buf text;
    buf_init(&text, SELECTOR_MAX_BYTES);
    if (print_selector(walk, selector, &text) &&
        !walk->lint->matched(walk->lint->context, text.data)) {
        lint_fault(walk->lint, walk->place, "%s never had data in the last hour", text.data);
    }
    buf_deinit(&text);
}

void lint_check_selector(const struct lint_walk *walk, const struct lint_node *selector,
                         bool optional)
{
    const struct lint *lint = walk->lint;
    bool variable = lint_filled_by(walk->filled, selector->at, selector->len) != NULL;
    if (*selector->text == '\0' || variable) {
        return;
    }
    enum lint_origin origin = lint_series_origin(lint->series, selector->text);
    if (origin == LINT_NOWHERE) {
        lint_fault(lint, walk->place, "unknown metric %s: %s", selector->text,
                   strchr(selector->text, ':') != NULL
                       ? "no rule records it"
                       : "no target exposes it, no rule records it");
        return;
    }
    check_matchers(walk, selector);
    /* That no alert is pending or firing is no fault. */
    if (lint->matched != NULL && !optional && !text_starts(selector->text, "ALERTS")) {
        check_data(walk, selector);
    }
}
