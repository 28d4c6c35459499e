/* Expressions and texts of rules and panels, as `check` judges them: whatever they hold, they are
 * read to their end, what is found lies in them, and the same is found twice. */
#include "observe/lint_query.h"

#include "base/mem.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* One rule that reads itself and one constant, so that walks through rules have somewhere to go. */
static void add_rules(struct lint_series *series)
{
    static const char *const rules[][2] = {{"job:a:b", "sum by (job) (a) / (n > 0) or job:a:b"},
                                           {"objective:a", "vector(0.5)"}};
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        json_t *rule = json_pack("{s:s, s:s}", "record", rules[i][0], "expr", rules[i][1]);
        lint_series_add_rule(series, rule);
        json_decref(rule);
    }
}

static void check_text(const char *text, size_t len)
{
    struct lint_variable variable;
    const char *inside;
    size_t at = 0, inside_len = 0, before = 0;
    bool broken = false;
    while (lint_variable_next(text, &at, &variable)) {
        if (variable.len == 0 || variable.at < before || variable.at + variable.len != at) {
            abort();
        }
        before = at;
    }
    if (at != len) {
        abort();
    }
    at = 0;
    while (lint_template_next(text, &at, &inside, &inside_len, &broken)) {
        char name[LINT_NAME_BYTES];
        size_t from = 0;
        if (inside < text || inside + inside_len > text + len) {
            abort();
        }
        (void)lint_template_has_value(inside, inside_len);
        while (lint_template_label(inside, inside_len, &from, name)) {
            if (from > inside_len) {
                abort();
            }
        }
    }
}

static size_t judge(const char *text, const json_t *values)
{
    struct faults faults, warnings;
    struct lint_series *series = lint_series_new();
    struct lint lint = {.series = series,
                        .scrape_ns = INT64_C(15000000000),
                        .ten_scrapes = true,
                        .faults = &faults,
                        .warnings = &warnings};
    struct lint_place place = {"file", 1, "/expr", ""};
    struct lint_node *node = NULL;
    faults_init(&faults);
    faults_init(&warnings);
    add_rules(series);
    lint_series_settle(series);
    lint_query(&lint, &place, text, values, &node);
    lint_legend(&lint, &place, node, text);
    if (node == NULL && faults.count == 0) {
        abort(); /* what does not parse is a fault */
    }
    size_t found = faults.count + warnings.count;
    lint_node_free(node);
    faults_deinit(&faults);
    faults_deinit(&warnings);
    lint_series_free(series);
    return found;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = mem_alloc(size + 1);
    json_t *values = json_pack("{s:s, s:s}", "job", "recommender", "window", "30m");
    if (size > 0) {
        memcpy(text, data, size);
    }
    text[size] = '\0';
    check_text(text, strlen(text));
    if (judge(text, values) != judge(text, values)) {
        abort();
    }
    (void)judge(text, NULL);
    json_decref(values);
    mem_free(text);
    return 0;
}
