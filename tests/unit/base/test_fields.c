#include "base/fields.h"

#include <criterion/criterion.h>
#include <string.h>

static const char document_text[] = "text: hello\n"                /* 1 */
                                    "empty: ''\n"                  /* 2 */
                                    "whole: 7\n"                   /* 3 */
                                    "real: 2.5\n"                  /* 4 */
                                    "yes: true\n"                  /* 5 */
                                    "span: 2m30s\n"                /* 6 */
                                    "zero: 0\n"                    /* 7 */
                                    "list: [1, 2]\n"               /* 8 */
                                    "inner:\n"                     /* 9 */
                                    "  colour: blue\n"             /* 10 */
                                    "  surplus: 1\n"               /* 11 */
                                    "huge: 9000000000000000000\n"; /* 12 */

struct reading {
    json_t *document;
    struct yaml_lines *lines;
    struct faults faults;
    struct fields fields;
    struct fields_at root;
};

static void start(struct reading *reading)
{
    static const char *const known[] = {"text", "empty", "whole", "real", "yes", "span",
                                        "zero", "list",  "inner", "huge", NULL};
    memset(reading, 0, sizeof *reading);
    cr_assert_eq(yaml_read_text("f.yml", document_text, strlen(document_text), &reading->document,
                                &reading->lines, NULL),
                 ERR_OK);
    faults_init(&reading->faults);
    reading->fields = (struct fields){"f.yml", reading->lines, &reading->faults};
    cr_assert(fields_object(&reading->fields, reading->document, "", known, &reading->root));
    cr_assert_eq(reading->faults.count, 0);
}

static void finish(struct reading *reading)
{
    faults_deinit(&reading->faults);
    yaml_lines_free(reading->lines);
    json_decref(reading->document);
}

/* The only fault since the last look. */
static void expect_fault(struct reading *reading, int line, const char *path, const char *text)
{
    cr_assert_eq(reading->faults.count, 1, "one fault for %s", text);
    const struct fault *fault = &reading->faults.list[0];
    cr_expect_eq(fault->line, line, "%s: line %d", text, fault->line);
    cr_expect_str_eq(fault->path, path);
    cr_expect_str_eq(fault->where, "f.yml");
    cr_expect_not_null(strstr(fault->text, text), "'%s' is not in '%s'", text, fault->text);
    reading->faults.count = 0;
}

Test(fields, values_of_the_right_kind_are_taken)
{
    struct reading r;
    char text[16];
    int64_t whole = 0, span = 0, zero = 1;
    double real = 0, whole_as_real = 0;
    bool yes = false;
    start(&r);
    cr_expect(fields_text(&r.root, "text", FIELDS_REQUIRED, text, sizeof text));
    cr_expect_str_eq(text, "hello");
    cr_expect(fields_int(&r.root, "whole", FIELDS_REQUIRED, 7, 7, &whole));
    cr_expect_eq(whole, 7);
    cr_expect(fields_real(&r.root, "real", FIELDS_REQUIRED, 2.5, 2.5, &real));
    cr_expect_eq(real, 2.5);
    cr_expect(fields_real(&r.root, "whole", FIELDS_REQUIRED, 0, 10, &whole_as_real));
    cr_expect_eq(whole_as_real, 7);
    cr_expect(fields_bool(&r.root, "yes", &yes));
    cr_expect(yes);
    cr_expect(fields_duration(&r.root, "span", FIELDS_REQUIRED, 0, &span));
    cr_expect_eq(span, INT64_C(150000000000));
    cr_expect(fields_duration(&r.root, "zero", FIELDS_REQUIRED, 0, &zero), "0 has no unit");
    cr_expect_eq(zero, 0);
    cr_expect_eq(json_array_size(fields_array(&r.root, "list", FIELDS_REQUIRED)), 2);
    cr_expect_eq(r.faults.count, 0);
    finish(&r);
}

Test(fields, a_value_of_the_wrong_kind_is_a_fault_and_leaves_the_old_one)
{
    struct reading r;
    char text[4] = "old";
    int64_t whole = 3, span = 4;
    double real = 5;
    bool yes = false;
    start(&r);
    cr_expect_not(fields_text(&r.root, "whole", FIELDS_OPTIONAL, text, sizeof text));
    expect_fault(&r, 3, "/whole", "'whole': expected a text");
    cr_expect_not(fields_text(&r.root, "empty", FIELDS_OPTIONAL, text, sizeof text));
    expect_fault(&r, 2, "/empty", "expected a text");
    cr_expect_not(fields_int(&r.root, "real", FIELDS_OPTIONAL, 0, 9, &whole));
    expect_fault(&r, 4, "/real", "expected a whole number from 0 to 9");
    cr_expect_not(fields_real(&r.root, "text", FIELDS_OPTIONAL, 0, 9, &real));
    expect_fault(&r, 1, "/text", "expected a number from 0 to 9");
    cr_expect_not(fields_bool(&r.root, "whole", &yes));
    expect_fault(&r, 3, "/whole", "expected true or false");
    cr_expect_not(fields_duration(&r.root, "whole", FIELDS_OPTIONAL, 0, &span));
    expect_fault(&r, 3, "/whole", "expected a duration such as 15m");
    cr_expect_null(fields_array(&r.root, "text", FIELDS_OPTIONAL));
    expect_fault(&r, 1, "/text", "expected a list");
    cr_expect_str_eq(text, "old");
    cr_expect(whole == 3 && span == 4 && real == 5 && !yes);
    finish(&r);
}

Test(fields, values_out_of_bounds_are_faults)
{
    struct reading r;
    char text[5];
    int64_t whole = 0, span = 0;
    double real = 0;
    start(&r);
    cr_expect_not(fields_int(&r.root, "whole", FIELDS_OPTIONAL, 8, 9, &whole));
    expect_fault(&r, 3, "/whole", "from 8 to 9");
    cr_expect_not(fields_int(&r.root, "huge", FIELDS_OPTIONAL, 0, 9, &whole));
    expect_fault(&r, 12, "/huge", "from 0 to 9");
    cr_expect_not(fields_real(&r.root, "real", FIELDS_OPTIONAL, 0, 2.4, &real));
    expect_fault(&r, 4, "/real", "from 0 to 2.4");
    cr_expect_not(fields_duration(&r.root, "span", FIELDS_OPTIONAL, INT64_C(151000000000), &span));
    expect_fault(&r, 6, "/span", "at least 2m31s");
    cr_expect_not(fields_text(&r.root, "text", FIELDS_OPTIONAL, text, sizeof text));
    expect_fault(&r, 1, "/text", "at most 4 bytes");
    finish(&r);
}

Test(fields, only_a_required_value_may_not_be_absent)
{
    struct reading r;
    int64_t whole = 3;
    bool yes = false;
    start(&r);
    cr_expect_not(fields_has(&r.root, "nothing"));
    cr_expect_not(fields_int(&r.root, "nothing", FIELDS_OPTIONAL, 0, 9, &whole));
    cr_expect_not(fields_bool(&r.root, "nothing", &yes));
    cr_expect_null(fields_array(&r.root, "nothing", FIELDS_OPTIONAL));
    cr_expect_eq(r.faults.count, 0);
    cr_expect_not(fields_int(&r.root, "nothing", FIELDS_REQUIRED, 0, 9, &whole));
    expect_fault(&r, 1, "", "'nothing' is missing");
    cr_expect_null(fields_array(&r.root, "nothing", FIELDS_REQUIRED));
    expect_fault(&r, 1, "", "'nothing' is missing");
    cr_expect_eq(whole, 3);
    finish(&r);
}

Test(fields, an_unknown_key_is_a_fault_with_its_own_line)
{
    static const char *const known[] = {"colour", "size", NULL};
    struct reading r;
    struct fields_at inner;
    char path[160];
    start(&r);
    fields_path(&r.root, "inner", path, sizeof path);
    cr_expect_str_eq(path, "/inner");
    cr_expect(fields_object(&r.fields, json_object_get(r.document, "inner"), path, known, &inner));
    expect_fault(&r, 11, "/inner/surplus", "unknown key 'surplus'; expected one of colour, size");
    cr_expect_eq(fields_line(&inner), 10);
    cr_expect_not(
        fields_object(&r.fields, json_object_get(r.document, "list"), "/list", known, &inner));
    expect_fault(&r, 8, "/list", "expected a mapping with the keys colour, size");
    finish(&r);
}

Test(fields, a_choice_is_the_index_of_its_word)
{
    static const char *const known[] = {"colour", "surplus", NULL};
    static const char *const words[] = {"red", "blue", NULL}, *const others[] = {"green", NULL};
    struct reading r;
    struct fields_at inner;
    int choice = -1;
    start(&r);
    cr_assert(
        fields_object(&r.fields, json_object_get(r.document, "inner"), "/inner", known, &inner));
    cr_expect(fields_choice(&inner, "colour", FIELDS_REQUIRED, words, &choice));
    cr_expect_eq(choice, 1);
    cr_expect_not(fields_choice(&inner, "colour", FIELDS_REQUIRED, others, &choice));
    expect_fault(&r, 10, "/inner/colour", "'colour': expected one of green");
    cr_expect_not(fields_choice(&inner, "surplus", FIELDS_REQUIRED, words, &choice));
    expect_fault(&r, 11, "/inner/surplus", "expected one of red, blue");
    cr_expect_eq(choice, 1);
    finish(&r);
}

Test(fields, a_path_too_long_is_cut_and_keeps_its_line)
{
    struct reading r;
    char key[400], path[160];
    start(&r);
    memset(key, 'k', sizeof key);
    key[sizeof key - 1] = '\0';
    fields_path(&r.root, key, path, sizeof path);
    cr_expect_eq(strlen(path), sizeof path - 1);
    fields_fault(&r.fields, path, "%s", key);
    cr_expect_eq(r.faults.count, 1);
    cr_expect_eq(r.faults.list[0].line, 1, "of the nearest known ancestor");
    finish(&r);
}
