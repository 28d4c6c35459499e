#include "lint_world.h"

#include "base/fileio.h"
#include "base/yaml.h"
#include "observe/lint_rules.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define FOLDER "tests/data/lint/"

static void expose(struct lint_world *world)
{
    struct buf text;
    struct metrics_snapshot *snapshot = NULL;
    buf_init(&text, 65536);
    enum err code = file_read(FOLDER "recommender.txt", &text, NULL);
    assert(code == ERR_OK);
    code = metrics_parse("recommender.txt", text.data, text.len, &snapshot, NULL);
    assert(code == ERR_OK);
    (void)code;
    lint_series_expose(world->series, NULL, snapshot);
    metrics_snapshot_free(snapshot);
    buf_deinit(&text);
}

static bool is_written(void *context, const char *file, const char *url)
{
    (void)context;
    (void)file;
    return strstr(url, "NotWritten") == NULL;
}

void lint_world_init(struct lint_world *world, const char *rules)
{
    json_t *document = NULL;
    *world = (struct lint_world){.series = lint_series_new()};
    faults_init(&world->faults);
    faults_init(&world->warnings);
    world->lint = (struct lint){.series = world->series,
                                .scrape_ns = INT64_C(15000000000),
                                .faults = &world->faults,
                                .warnings = &world->warnings,
                                .runbook = is_written};
    expose(world);
    if (yaml_read_file(rules != NULL ? rules : FOLDER "rules.yml", &document, NULL, NULL) ==
        ERR_OK) {
        lint_rules_collect(world->series, document);
        json_decref(document);
    }
    lint_series_settle(world->series);
}

void lint_world_deinit(struct lint_world *world)
{
    lint_series_free(world->series);
    faults_deinit(&world->faults);
    faults_deinit(&world->warnings);
}

void lint_world_print(const struct lint_world *world, char *out, size_t size)
{
    size_t len = 0;
    int last = 0;
    *out = '\0';
    for (int line = 0; line < 100000 && len < size; line = last) {
        /* In order of lines, as faults_print has them. */
        last = 100000;
        for (size_t i = 0; i < world->faults.count; i++) {
            const struct fault *fault = &world->faults.list[i];
            if (fault->line == line) {
                len += (size_t)snprintf(out + len, size - len, "%s%d %s%s%s", len > 0 ? "\n" : "",
                                        fault->line, fault->path, *fault->path != '\0' ? ": " : "",
                                        fault->text);
            } else if (fault->line > line && fault->line < last) {
                last = fault->line;
            }
            len = len < size ? len : size;
        }
    }
}
