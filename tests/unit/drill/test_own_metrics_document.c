/* docs/METRICS.md names every family of the simulator's own page, with its type, and no other. */
#include "base/buf.h"
#include "base/fileio.h"
#include "drill/own_metrics.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DOCUMENT_MAX_BYTES ((size_t)1 << 20)

/* A page with everything that can be on it. */
static void make_page(struct buf *out)
{
    struct scenario *scenario = calloc(1, sizeof *scenario);
    const struct own_metrics_now now = {.playing = true};
    struct own_metrics_config config;
    cr_assert_not_null(scenario);
    scenario->drift.count = 1;
    scenario->phase_count = 1;
    (void)snprintf(scenario->phase[0].name, sizeof scenario->phase[0].name, "rest");
    own_metrics_describe(scenario, 1, 5, &config);
    buf_init(out, DOCUMENT_MAX_BYTES);
    own_metrics_write(&config, &now, out);
    free(scenario);
    cr_assert(buf_text(out, ""));
}

static void read_document(struct buf *out)
{
    struct error error = {0};
    buf_init(out, DOCUMENT_MAX_BYTES);
    cr_assert_eq(file_read("docs/METRICS.md", out, &error), ERR_OK, "%s", error.text);
    cr_assert(buf_text(out, ""));
}

static bool has(const struct buf *text, const char *what)
{
    return memmem(text->data, text->len, what, strlen(what)) != NULL;
}

Test(own_metrics_document, every_family_is_in_the_document)
{
    struct buf page, document;
    size_t families = 0;
    make_page(&page);
    read_document(&document);
    for (const char *at = page.data; (at = strstr(at, "# TYPE driftdrill_")) != NULL; families++) {
        char name[80], type[20], row[128];
        cr_assert_eq(sscanf(at, "# TYPE %79s %19s", name, type), 2);
        (void)snprintf(row, sizeof row, "\n| `%s` | %s", name, type);
        cr_expect(has(&document, row), "%s", row);
        at++;
    }
    cr_expect_gt(families, 20);
    buf_deinit(&page);
    buf_deinit(&document);
}

Test(own_metrics_document, every_row_is_a_family)
{
    struct buf page, document;
    size_t rows = 0;
    make_page(&page);
    read_document(&document);
    for (const char *at = document.data; (at = strstr(at, "\n| `driftdrill_")) != NULL; rows++) {
        char name[80], type[20], line[128];
        cr_assert_eq(sscanf(at, "\n| `%79[a-z_]` | %19[a-z]", name, type), 2, "%.60s", at);
        (void)snprintf(line, sizeof line, "# TYPE %s %s\n", name, type);
        cr_expect(has(&page, line), "%s", line);
        at++;
    }
    cr_expect_gt(rows, 20);
    buf_deinit(&page);
    buf_deinit(&document);
}
