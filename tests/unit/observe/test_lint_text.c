#include "observe/lint_text.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

Test(lint_text, variables_are_found_in_all_their_spellings)
{
    static const struct {
        const char *text, *names;
    } rows[] = {
        {"$job and ${job:regex}, [[job]] and [[job:csv]]", "job job job job "},
        {"${__field.labels.recommender}", "__field "},
        {"$__rate_interval$range", "__rate_interval range "},
        {"$1 ${1} ${} $ [1] ${a b} $", ""},
        {"[[0, 8], [1]]", ""},
        {"${open", ""},
        {"a$b_1-c", "b_1 "},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct lint_variable variable;
        size_t at = 0;
        char names[200] = "";
        while (lint_variable_next(rows[i].text, &at, &variable)) {
            size_t len = strlen(names);
            (void)snprintf(names + len, sizeof names - len, "%s ", variable.name);
        }
        cr_expect_str_eq(names, rows[i].names, "%s: %s", rows[i].text, names);
    }
}

Test(lint_text, values_take_the_place_of_variables_and_remember_whose_it_is)
{
    struct lint_filled filled;
    json_t *values = json_pack("{s:s}", "job", "a|b");
    lint_fill("x{job=~\"$job\"}[$__interval] + ${nobody}", values, &filled);
    cr_expect_str_eq(filled.text, "x{job=~\"a|b\"}[1m] + 1");
    cr_expect_str_eq(lint_filled_by(&filled, 7, 5), "job");
    cr_expect_str_eq(lint_filled_by(&filled, 15, 1), "__interval");
    cr_expect_str_eq(lint_filled_by(&filled, 20, 1), "nobody");
    cr_expect_null(lint_filled_by(&filled, 0, 7));
    lint_filled_deinit(&filled);
    json_decref(values);
}

Test(lint_text, templates_are_taken_apart)
{
    static const char text[] =
        "a {{ $labels.job }} b {{ .Labels.instance | toUpper }} {{ $value }}";
    static const struct {
        bool value;
        const char *label;
    } rows[] = {{false, "job"}, {false, "instance"}, {true, NULL}};
    const char *inside;
    size_t at = 0, len;
    bool broken;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char name[LINT_NAME_BYTES];
        size_t from = 0;
        cr_assert(lint_template_next(text, &at, &inside, &len, &broken));
        cr_expect_eq(lint_template_has_value(inside, len), rows[i].value, "row %zu", i);
        cr_assert_eq(lint_template_label(inside, len, &from, name), rows[i].label != NULL);
        if (rows[i].label != NULL) {
            cr_expect_str_eq(name, rows[i].label);
        }
    }
    cr_expect_not(lint_template_next(text, &at, &inside, &len, &broken));
    cr_expect_not(broken);
    at = 0;
    cr_expect_not(lint_template_next("a {{ b", &at, &inside, &len, &broken));
    cr_expect(broken);
}

Test(lint_text, a_word_that_only_begins_like_the_value_is_another)
{
    static const struct {
        const char *inside;
        bool value;
    } rows[] = {{"$value", true},        {" .Value ", true},       {"$values", false},
                {"$.Value", true},       {"$labels.value", false}, {"humanize $value", true},
                {"$labels.Value", false}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        cr_expect_eq(lint_template_has_value(rows[i].inside, strlen(rows[i].inside)), rows[i].value,
                     "%s", rows[i].inside);
    }
}
