#include "base/document.h"

#include "base/buf.h"
#include "base/fileio.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[] = "/tmp/document-XXXXXX";
static char path[64];

static void set_up(void)
{
    cr_assert_not_null(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/file.json", folder);
}

static void tear_down(void)
{
    struct error error = {0};
    cr_assert_eq(file_remove_tree(folder, &error), ERR_OK, "%s", error.text);
}

TestSuite(document, .init = set_up, .fini = tear_down);

static void expect_written(const json_t *document, int digits, const char *wanted)
{
    struct error error = {0};
    struct buf text;
    buf_init(&text, 1024);
    cr_assert_eq(document_write(document, digits, path, &error), ERR_OK, "%s", error.text);
    cr_assert_eq(file_read(path, &text, &error), ERR_OK, "%s", error.text);
    cr_expect_str_eq(text.data, wanted);
    buf_deinit(&text);
}

Test(document, what_json_cannot_say_is_null)
{
    json_t *document = json_pack("[o,o,o,o]", document_number(NAN), document_number(-INFINITY),
                                 document_number(0), document_number(-0.25));
    expect_written(document, 9, "[\n  null,\n  null,\n  0.0,\n  -0.25\n]\n");
    json_decref(document);
}

Test(document, digits_are_as_many_as_wanted_or_all_that_tell)
{
    double third = 1.0 / 3;
    json_t *document = json_pack("{s:f}", "third", third);
    expect_written(document, 3, "{\n  \"third\": 0.333\n}\n");
    struct error error = {0};
    cr_assert_eq(document_write(document, 0, path, &error), ERR_OK);
    json_t *again = json_load_file(path, 0, NULL);
    cr_assert_not_null(again);
    cr_expect_eq(json_real_value(json_object_get(again, "third")), third, "to the last bit");
    json_decref(again);
    json_decref(document);
}

Test(document, what_cannot_be_written_is_told)
{
    struct error error = {0};
    json_t *document = json_object();
    char elsewhere[96];
    (void)snprintf(elsewhere, sizeof elsewhere, "%s/none/file.json", folder);
    cr_expect_neq(document_write(document, 0, elsewhere, &error), ERR_OK);
    cr_expect_not_null(strstr(error.where, "none/file.json"), "%s: %s", error.where, error.text);
    cr_expect_eq(document_write(NULL, 0, path, &error), ERR_MEMORY);
    cr_expect_neq(access(path, F_OK), 0, "nothing is left of it");
    json_decref(document);
}
