#include "base/yaml.h"

#include "base/buf.h"
#include "base/fileio.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/text.h"
#include "invalid.h"
#include "program.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static json_t *read_or_fail(const char *text, struct yaml_lines **lines)
{
    struct error error = {.code = ERR_OK};
    json_t *value = NULL;
    enum err code = yaml_read_text("text", text, strlen(text), &value, lines, &error);
    cr_assert_eq(code, ERR_OK, "%s\n%d: %s", text, error.line, error.text);
    return value;
}

static void expect_json(const char *yaml, const char *json)
{
    json_t *value = read_or_fail(yaml, NULL);
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    cr_expect_str_eq(text, json, "%s\n  got      %s\n  expected %s", yaml, text, json);
    free(text);
    json_decref(value);
}

Test(yaml, plain_scalars_follow_the_core_schema)
{
    static const struct {
        const char *yaml, *json;
    } rows[] = {
        {"null", "null"},
        {"~", "null"},
        {"Null", "null"},
        {"nULL", "\"nULL\""},
        {"", "null"},
        {"true", "true"},
        {"False", "false"},
        {"yes", "\"yes\""},
        {"on", "\"on\""},
        {"0", "0"},
        {"-12", "-12"},
        {"+12", "12"},
        {"012", "12"},
        {"0o17", "15"},
        {"0x1F", "31"},
        {"-9223372036854775808", "-9223372036854775808"},
        {"1_000", "\"1_000\""},
        {"1.5", "1.5"},
        {"+1.5", "1.5"},
        {".5", "0.5"},
        {"1.", "1.0"},
        {"1e3", "1000.0"},
        {"-2.5E-1", "-0.25"},
        {"1e", "\"1e\""},
        {".", "\".\""},
        {"-", "[null]"},
        {"5m", "\"5m\""},
        {"1:30", "\"1:30\""},
        {"2026-01-31", "\"2026-01-31\""},
        {"\"5\"", "\"5\""},
        {"'5'", "\"5\""},
        {"!!str 5", "\"5\""},
        {"! 5", "\"5\""},
        {"! \"5\"", "\"5\""},
        {"!!int \"5\"", "5"},
        {"!!float 5.0", "5.0"},
        {"!!null ''", "null"},
        {"|\n  5\n", "\"5\\n\""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        expect_json(rows[i].yaml, rows[i].json);
    }
}

Test(yaml, collections_keep_their_order)
{
    expect_json("b: 1\na: [x, {c: 2}]\n", "{\"b\":1,\"a\":[\"x\",{\"c\":2}]}");
    expect_json("- - 1\n  - 2\n-\n", "[[1,2],null]");
    expect_json("{\"json\": [1, 2.5, true, null]}", "{\"json\":[1,2.5,true,null]}");
    expect_json("1: x\n~: y\n", "{\"1\":\"x\",\"~\":\"y\"}");
    expect_json("# only a comment\n", "null");
}

Test(yaml, an_alias_is_a_copy_of_its_own)
{
    json_t *value = read_or_fail("a: &x {k: 1}\nb: *x\n", NULL);
    json_t *a = json_object_get(value, "a");
    json_object_set_new(a, "k", json_integer(2));
    cr_expect_eq(json_integer_value(json_object_get(json_object_get(value, "b"), "k")), 1);
    json_decref(value);
}

Test(yaml, merge_keys_fill_in_what_is_missing)
{
    expect_json("b: &b {x: 1, y: 2}\nc:\n  <<: *b\n  y: 3\n",
                "{\"b\":{\"x\":1,\"y\":2},\"c\":{\"y\":3,\"x\":1}}");
    expect_json("<<: [{x: 1}, {x: 2, y: 2}]\n", "{\"x\":1,\"y\":2}");
    expect_json("'<<': {x: 1}\n", "{\"<<\":{\"x\":1}}");
}

Test(yaml, lines_are_those_of_the_values)
{
    static const char text[] = "groups:\n"         /* 1 */
                               "  - name: a\n"     /* 2 */
                               "    rules:\n"      /* 3 */
                               "      - expr: |\n" /* 4 */
                               "          x\n"     /* 5 */
                               "          > 1\n"   /* 6 */
                               "        for: 1m\n" /* 7 */
                               "  - {name: b,\n"   /* 8 */
                               "     \"a/b~c\": 1}" /* 9 */;
    static const struct {
        const char *pointer;
        int line;
    } rows[] = {
        {"", 1},
        {"/groups", 2},
        {"/groups/0", 2},
        {"/groups/0/name", 2},
        {"/groups/0/rules/0", 4},
        {"/groups/0/rules/0/expr", 4},
        {"/groups/0/rules/0/for", 7},
        {"/groups/0/rules/0/absent", 4},
        {"/groups/0/rules/9/expr", 4},
        {"/groups/1", 8},
        {"/groups/1/a~1b~0c", 9},
        {"/groups/1/a", 8},
        {"/nothing", 1},
    };
    struct yaml_lines *lines = NULL;
    json_t *value = read_or_fail(text, &lines);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int line = yaml_line(lines, rows[i].pointer);
        cr_expect_eq(line, rows[i].line, "%s: line %d", rows[i].pointer, line);
    }
    yaml_lines_free(lines);
    json_decref(value);
}

Test(yaml, the_spelling_of_plain_values_is_kept)
{
    struct yaml_lines *lines = NULL;
    json_t *value = read_or_fail("a: 1.50\nb: text\nc: ['0x10', 0x10, ~]\n", &lines);
    cr_expect_str_eq(yaml_source(lines, "/a"), "1.50");
    cr_expect_null(yaml_source(lines, "/b"));
    cr_expect_null(yaml_source(lines, "/c"));
    cr_expect_null(yaml_source(lines, "/c/0"));
    cr_expect_str_eq(yaml_source(lines, "/c/1"), "0x10");
    cr_expect_str_eq(yaml_source(lines, "/c/2"), "~");
    cr_expect_null(yaml_source(lines, "/c/3"));
    yaml_lines_free(lines);
    json_decref(value);
}

static void read_invalid(const char *path, char *message, size_t size)
{
    struct error error = {.code = ERR_OK};
    json_t *value = NULL;
    struct yaml_lines *lines = NULL;
    enum err code = yaml_read_file(path, &value, &lines, &error);
    cr_expect_eq(code, error.code);
    cr_expect(value == NULL || code == ERR_OK);
    cr_expect(code == ERR_OK || strcmp(error.where, path) == 0, "%s", error.where);
    if (error.line > 0) {
        (void)snprintf(message, size, "%d: %s", error.line, error.text);
    } else {
        (void)snprintf(message, size, "%s", error.text);
    }
    json_decref(value);
    yaml_lines_free(lines);
}

Test(yaml, malformed_files_are_refused_with_line_and_reason)
{
    cr_expect_eq(invalid_each("yaml", read_invalid), 0);
}

Test(yaml, an_absent_file_is_a_file_error)
{
    struct error error = {.code = ERR_OK};
    json_t *value = NULL;
    cr_expect_eq(yaml_read_file("tests/data/absent.yml", &value, NULL, &error), ERR_IO);
    cr_expect_str_eq(error.where, "tests/data/absent.yml");
}

/* A folder of this process's own, removed by drop_folder. */
static void make_folder(char *out, size_t size)
{
    char path[] = "/tmp/driftdrill-yaml-XXXXXX";
    cr_assert_not_null(mkdtemp(path));
    (void)text_copy(out, size, path);
}

static void drop_folder(const char *path)
{
    cr_expect_eq(file_remove_tree(path, NULL), ERR_OK);
}

/* Writes the value, reads it back and expects it to be equal. */
static void expect_round_trip(const char *folder, const json_t *value)
{
    char path[256];
    struct error error = {.code = ERR_OK};
    json_t *back = NULL;
    (void)text_join_path(path, sizeof path, folder, "value.yml");
    cr_assert_eq(yaml_write_file(path, "# head\n", value, &error), ERR_OK, "%s", error.text);
    enum err code = yaml_read_file(path, &back, NULL, &error);
    char *wanted = json_dumps(value, JSON_ENCODE_ANY);
    char *got = back != NULL ? json_dumps(back, JSON_ENCODE_ANY) : NULL;
    cr_expect(code == ERR_OK && json_equal(value, back), "wrote %s\nread  %s\nline %d: %s", wanted,
              got != NULL ? got : "nothing", error.line, error.text);
    free(wanted);
    free(got);
    json_decref(back);
}

static const char *const awkward[] = {
    "",
    "0",
    "-1",
    "1.5",
    "1e3",
    ".5",
    ".inf",
    ".nan",
    "0x1F",
    "0o7",
    "1_000",
    "1:30",
    "5m",
    "2m30s",
    "yes",
    "No",
    "ON",
    "off",
    "y",
    "N",
    "~",
    "null",
    "Null",
    "true",
    "FALSE",
    "<<",
    "=",
    "-",
    "- a",
    "?",
    "? a",
    ":",
    "a:",
    "a: b",
    "a:b",
    "a #b",
    "a# b",
    "#",
    "&a",
    "*a",
    "!a",
    "!!str",
    "|",
    ">",
    "%a",
    "@a",
    "`a",
    "{",
    "}",
    "{}",
    "[",
    "[]",
    "]",
    ",",
    "a, b",
    "a ",
    " a",
    "\ta",
    "a\t",
    "'",
    "\"",
    "it's",
    "a\"b",
    "\\",
    "a\\n",
    "\n",
    "\n\n",
    "a\n",
    "a\nb",
    "a\nb\n",
    "a\n\nb",
    "a\nb\n\n",
    "a\n b\n",
    " a\nb\n",
    "a\n\tb",
    "a\n \nb",
    "a \nb",
    "a\r\nb",
    "---",
    "...",
    "--- a\nb",
    "2026-01-31",
    "é",
    "日本",
    "é\nb",
    "\xe2\x80\xa8",
    "\xc2\x85",
    "\xef\xbb\xbf",
    "\x7f",
    "\x01",
    "\xf0\x9f\x98\x80",
    "a\n# b",
    "# a\nb",
    "a\n- b: c",
    "x > 1\nand\ny < 2\n",
    "sum by (job) (x[5m])",
    "1d",
    "a\n",
};

#define AWKWARD (sizeof awkward / sizeof awkward[0])

Test(yaml, awkward_text_survives_in_every_position)
{
    char folder[64];
    make_folder(folder, sizeof folder);
    for (size_t i = 0; i < AWKWARD; i++) {
        json_t *value =
            json_pack("{s:s, s:[s, [s], {s:s}], s:{s:s}}", "k", awkward[i], "list", awkward[i],
                      awkward[i], awkward[i], awkward[i], "map", awkward[i], awkward[i]);
        cr_assert_not_null(value);
        expect_round_trip(folder, value);
        json_decref(value);
        value = json_string(awkward[i]);
        expect_round_trip(folder, value);
        json_decref(value);
    }
    drop_folder(folder);
}

static json_t *random_text(struct rng *rng)
{
    static const char *const pieces[] = {"a",  "Z",   "0", "5m", " ",  "\n", ":", "#", "-",
                                         "\"", "'",   "é", "\t", "\\", "{",  "]", ",", "?",
                                         "|",  "yes", "~", ".",  "\r", "%",  "&", "*", "!"};
    char text[128] = "";
    if (rng_below(rng, 3) == 0) {
        return json_string(awkward[rng_below(rng, AWKWARD)]);
    }
    for (uint32_t left = rng_below(rng, 12); left > 0; left--) {
        const char *piece = pieces[rng_below(rng, sizeof pieces / sizeof pieces[0])];
        (void)snprintf(text + strlen(text), sizeof text - strlen(text), "%s", piece);
    }
    return json_string(text);
}

static json_t *random_value(struct rng *rng, int depth)
{
    switch (rng_below(rng, depth > 0 ? 8 : 6)) {
    case 0:
        return json_null();
    case 1:
        return json_boolean(rng_below(rng, 2));
    case 2:
        return json_integer((json_int_t)rng_u64(rng) >> rng_below(rng, 64));
    case 3:
        return json_real(rng_normal(rng) * (rng_below(rng, 2) ? 1e-12 : 1e15));
    case 4:
    case 5:
        return random_text(rng);
    case 6: {
        json_t *array = json_array();
        for (uint32_t left = rng_below(rng, 4); left > 0; left--) {
            json_array_append_new(array, random_value(rng, depth - 1));
        }
        return array;
    }
    default: {
        json_t *object = json_object();
        for (uint32_t left = rng_below(rng, 4); left > 0; left--) {
            json_t *key = random_text(rng);
            json_object_set_new(object, json_string_value(key), random_value(rng, depth - 1));
            json_decref(key);
        }
        return object;
    }
    }
}

Test(yaml, any_value_reads_back_as_it_was_written)
{
    char folder[64];
    make_folder(folder, sizeof folder);
    struct rng rng = rng_stream(7, 0, 0);
    for (int i = 0; i < 2000; i++) {
        json_t *value = random_value(&rng, 5);
        cr_assert_not_null(value);
        expect_round_trip(folder, value);
        json_decref(value);
    }
    drop_folder(folder);
}

Test(yaml, keys_too_long_for_one_line_survive)
{
    char folder[64];
    char key[3001];
    make_folder(folder, sizeof folder);
    for (size_t len = 150; len < sizeof key; len += 475) {
        memset(key, 'k', len);
        key[len] = '\0';
        for (int awkward_end = 0; awkward_end < 2; awkward_end++) {
            key[len - 1] = awkward_end ? '\n' : 'k';
            json_t *value = json_pack("[{s:i, s:{s:[i]}, s:s}]", "a", 1, key, key, 2, "z", "end");
            expect_round_trip(folder, value);
            json_decref(value);
        }
    }
    drop_folder(folder);
}

Test(yaml, what_could_not_be_read_back_is_not_written)
{
    char folder[64];
    char path[256];
    struct error error = {.code = ERR_OK};
    make_folder(folder, sizeof folder);
    (void)text_join_path(path, sizeof path, folder, "deep.yml");
    json_t *value = json_integer(1);
    for (int i = 0; i < YAML_DEPTH_MAX; i++) {
        json_t *outer = json_array();
        json_array_append_new(outer, value);
        value = outer;
    }
    expect_round_trip(folder, value);
    json_t *outer = json_array();
    json_array_append_new(outer, value);
    cr_expect_eq(yaml_write_file(path, NULL, outer, &error), ERR_INPUT);
    cr_expect_str_eq(error.text, "nested deeper than 64");
    cr_expect_not(file_exists(path));
    json_decref(outer);
    drop_folder(folder);
}

Test(yaml, rendered_text_is_block_style_and_starts_with_the_head)
{
    char folder[64];
    char path[256];
    struct buf text;
    make_folder(folder, sizeof folder);
    (void)text_join_path(path, sizeof path, folder, "rules.yml");
    json_t *value = json_pack("{s:[{s:s, s:s, s:[s, {}], s:b, s:f}]}", "groups", "name", "a b",
                              "expr", "x\n> 1\n", "list", "0", "on", 1, "share", 0.5);
    cr_assert_eq(yaml_write_file(path, "# one\n# two", value, NULL), ERR_OK);
    buf_init(&text, 4096);
    cr_assert_eq(file_read(path, &text, NULL), ERR_OK);
    cr_expect_str_eq(text.data, "# one\n# two\n"
                                "groups:\n"
                                "  - name: a b\n"
                                "    expr: |\n"
                                "      x\n"
                                "      > 1\n"
                                "    list:\n"
                                "      - \"0\"\n"
                                "      - {}\n"
                                "    \"on\": true\n"
                                "    share: 0.5\n");
    buf_deinit(&text);
    json_decref(value);
    drop_folder(folder);
}

/* promtool reads with Go's yaml.v3 and checks label and annotation text as it goes. */
Test(yaml, promtool_accepts_written_rules)
{
    char folder[64];
    char path[256];
    char log[256];
    make_folder(folder, sizeof folder);
    (void)text_join_path(path, sizeof path, folder, "rules.yml");
    (void)text_join_path(log, sizeof log, folder, "log");
    json_t *annotations = json_object();
    for (size_t i = 0; i < AWKWARD; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "a%zu", i);
        if (strchr(awkward[i], '{') == NULL) { /* would be a template */
            json_object_set_new(annotations, name, json_string(awkward[i]));
        }
    }
    json_t *labels = json_pack("{s:s, s:s, s:s}", "on", "yes", "y", "0", "null", "~");
    json_t *value = json_pack("{s:[{s:s, s:s, s:[{s:s, s:s, s:s, s:o, s:o}, {s:s, s:s}]}]}",
                              "groups", "name", "1.5", "interval", "30s", "rules", "alert", "No",
                              "expr", "x{a=\"b # c: d\"}\n  > 1\n", "for", "2m30s", "labels",
                              labels, "annotations", annotations, "record", "a:b:c", "expr", "1");
    cr_assert_not_null(value);
    cr_assert_eq(yaml_write_file(path, NULL, value, NULL), ERR_OK);
    const char *const argv[] = {"promtool", "check", "rules", path, NULL};
    int status = program_run(argv, log);
    struct buf text;
    buf_init(&text, 65536);
    (void)file_read(log, &text, NULL);
    cr_expect_eq(status, 0, "promtool: %s", text.len > 0 ? text.data : "");
    buf_deinit(&text);
    json_decref(value);
    drop_folder(folder);
}
