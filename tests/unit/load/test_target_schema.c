/*
 * scenarios/targets/schema.json and the reader of target files say the same: every section has the
 * keys that the reader's own messages list, shipped files pass, and of the malformed ones those are
 * refused whose fault a schema can see.
 */
#include "base/buf.h"
#include "base/fileio.h"
#include "load/target.h"
#include "program.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(rows) (sizeof(rows) / sizeof(rows)[0])
#define SCHEMA "scenarios/targets/schema.json"

static json_t *read_schema(void)
{
    json_t *schema = json_load_file(SCHEMA, 0, NULL);
    cr_assert_not_null(schema);
    return schema;
}

/* The message of the reader about the value at `path` of the document. */
static void fault_at(const char *document, const char *path, char *out, size_t size)
{
    json_t *value = json_loads(document, 0, NULL);
    struct target *target = NULL;
    struct faults faults;
    cr_assert_not_null(value, "%s", document);
    faults_init(&faults);
    const struct target_block block = {.file = "x", .value = value, .path = ""};
    cr_expect_neq(target_from_json(&block, NULL, 10, &target, &faults, NULL), ERR_OK);
    out[0] = '\0';
    for (size_t i = 0; i < faults.count; i++) {
        if (strcmp(faults.list[i].path, path) == 0) {
            (void)snprintf(out, size, "%s", faults.list[i].text);
        }
    }
    faults_deinit(&faults);
    target_free(target);
    json_decref(value);
}

/* Does the list "a, b, c" hold the word? */
static bool lists(const char *list, const char *word)
{
    size_t len = strlen(word);
    for (const char *at = strstr(list, word); at != NULL; at = strstr(at + 1, word)) {
        bool begins = at == list || at[-1] == ' ';
        if (begins && (at[len] == ',' || at[len] == '\0')) {
            return true;
        }
    }
    return false;
}

Test(target_schema, sections_have_the_keys_that_the_reader_knows)
{
    static const char keys[] = "expected a mapping with the keys ";
    static const struct {
        const char *document, *path;
        const char *steps[8]; /* to the section's properties in the schema */
    } rows[] = {
        {"[]", "", {NULL}},
        {"{\"list\":7}", "/list", {"list", NULL}},
        {"{\"rating\":7}", "/rating", {"rating", "1", NULL}},
        {"{\"user\":7}", "/user", {"$ids", "1", NULL}},
        {"{\"sign\":7}", "/sign", {"sign", "1", NULL}},
        {"{\"retrain\":7}", "/retrain", {"retrain", "1", NULL}},
        {"{\"retrain\":{\"request\":7}}", "/retrain/request", {"retrain", "1", "request", NULL}},
        {"{\"retrain\":{\"request\":{},\"status\":7}}",
         "/retrain/status",
         {"retrain", "1", "status", NULL}},
        {"{\"metrics\":7}", "/metrics", {"metrics", "1", NULL}},
    };
    json_t *schema = read_schema();
    for (size_t i = 0; i < COUNT(rows); i++) {
        char message[512];
        fault_at(rows[i].document, rows[i].path, message, sizeof message);
        cr_assert_eq(strncmp(message, keys, sizeof keys - 1), 0, "%s: %s", rows[i].path, message);
        const char *list = message + sizeof keys - 1;
        const json_t *at = schema;
        for (size_t s = 0; rows[i].steps[s] != NULL; s++) {
            const char *step = rows[i].steps[s];
            at = step[0] == '$'   ? json_object_get(json_object_get(schema, "$defs"), step + 1)
                 : step[0] == '1' ? json_array_get(json_object_get(at, "anyOf"), 1)
                                  : json_object_get(json_object_get(at, "properties"), step);
        }
        json_t *properties = json_object_get(at, "properties");
        const char *key;
        json_t *value;
        size_t commas = 0;
        json_object_foreach(properties, key, value)
        {
            cr_expect(lists(list, key), "%s: the reader does not know %s", rows[i].path, key);
        }
        for (const char *byte = list; *byte != '\0'; byte++) {
            commas += *byte == ',';
        }
        cr_expect_eq(json_object_size(properties), commas + 1, "%s: %s", rows[i].path, list);
    }
    json_decref(schema);
}

/* Faults that no schema can see. */
static bool only_reader_sees(const char *name)
{
    static const char *const names[] = {
        "address_with_password", "variable_not_set",       "url_without_user",
        "unknown_hole",          "hole_without_meaning",   "pointers_cross",
        "body_is_no_json",       "section_open",           "body_without_id_is_no_json",
        "rating_without_film",   "timestamp_without_form", "batch_repeats_nothing",
        "batch_in_address",      "each_without_end",       "user_around_each",
        "prefix_of_numbers",     "retrain_hole",           "body_too_long",
    };
    for (size_t i = 0; i < COUNT(names); i++) {
        const char *at = strstr(name, names[i]);
        if (at != NULL && strcmp(at + strlen(names[i]), ".yml") == 0) {
            /* One of them has a second fault, which a schema can see. */
            return strcmp(names[i], "prefix_of_numbers") != 0;
        }
    }
    return false;
}

/* Writes every file of the pattern as a line; returns their number. */
static size_t add_files(const char *pattern, FILE *out, char **names)
{
    char **paths = NULL;
    size_t count = 0;
    cr_assert_eq(file_glob(pattern, &paths, &count, NULL), ERR_OK);
    for (size_t i = 0; i < count; i++) {
        json_t *document = NULL;
        cr_assert_eq(yaml_read_file(paths[i], &document, NULL, NULL), ERR_OK, "%s", paths[i]);
        char *text = json_dumps(document, JSON_COMPACT | JSON_ENCODE_ANY);
        cr_assert_gt(fprintf(out, "%s\n", text), 0);
        names[i] = strdup(paths[i]);
        free(text);
        json_decref(document);
    }
    file_glob_free(paths, count);
    return count;
}

Test(target_schema, shipped_files_pass_and_malformed_ones_do_not)
{
    char folder[] = "/tmp/driftdrill-target-schema-XXXXXX", documents[128], log[128];
    char *names[200];
    struct buf answers;
    cr_assert_not_null(mkdtemp(folder));
    (void)snprintf(documents, sizeof documents, "%s/documents", folder);
    (void)snprintf(log, sizeof log, "%s/log", folder);
    FILE *out = fopen(documents, "w");
    size_t shipped = add_files("scenarios/targets/*.yml", out, names);
    size_t all = shipped + add_files("tests/data/invalid/targets/*.yml", out, names + shipped);
    cr_assert_eq(fclose(out), 0);
    cr_assert_gt(shipped, 6);
    cr_assert_gt(all, shipped + 30);
    const char *python = file_exists("/usr/bin/python3") ? "/usr/bin/python3" : "python3";
    const char *argv[] = {python, "tests/support/validate_schema.py", SCHEMA, documents, NULL};
    buf_init(&answers, 1 << 20);
    int status = program_run(argv, log);
    cr_assert_eq(file_read(log, &answers, NULL), ERR_OK);
    cr_assert_eq(status, 0, "%s with python3-jsonschema: %.400s", python, answers.data);
    char *rest = answers.data, *answer;
    size_t line = 0;
    while ((answer = strsep(&rest, "\n")) != NULL && answer[0] != '\0') {
        bool sound = line < shipped || only_reader_sees(names[line]);
        cr_expect_eq(strcmp(answer, "[]") == 0, sound, "%s: %s", names[line], answer);
        free(names[line++]);
    }
    cr_expect_eq(line, all);
    buf_deinit(&answers);
    cr_expect_eq(file_remove_tree(folder, NULL), ERR_OK);
}
