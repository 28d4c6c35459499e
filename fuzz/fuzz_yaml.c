/* Scenario and rule files. What could be read is written, and must then read back as the same
 * value; every value has a line. */
#include "base/yaml.h"

#include "base/buf.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define WRITTEN_MAX_BYTES ((size_t)256 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_round_trip(const json_t *value)
{
    struct buf text;
    struct error error = {.code = ERR_OK};
    json_t *back = NULL;
    buf_init(&text, WRITTEN_MAX_BYTES);
    if (yaml_write_text(&text, NULL, value, &error) != ERR_OK) {
        abort();
    }
    if (yaml_read_text("written", text.data, text.len, &back, NULL, &error) != ERR_OK ||
        !json_equal(value, back)) {
        fprintf(stderr, "line %d: %s\n%s\n", error.line, error.text, text.data);
        abort();
    }
    json_decref(back);
    buf_deinit(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error error = {.code = ERR_OK};
    struct yaml_lines *lines = NULL;
    json_t *value = NULL;
    const char *text = (const char *)data;
    enum err code = yaml_read_text("fuzz", text, size, &value, &lines, &error);
    if ((code == ERR_OK) != (value != NULL) || (code == ERR_OK) != (error.code == ERR_OK)) {
        abort();
    }
    if (code == ERR_OK) {
        if (yaml_line(lines, "") < 1 || yaml_line(lines, "/groups/0/rules/1/expr") < 1) {
            abort();
        }
        (void)yaml_source(lines, "/a");
        check_round_trip(value);
    }
    json_decref(value);
    yaml_lines_free(lines);
    return 0;
}
