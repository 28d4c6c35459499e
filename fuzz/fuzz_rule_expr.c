/* Expressions of rules: what parses must evaluate over a few series without a fault, twice to the
 * same elements. */
#include "observe/rule_engine.h"

#include "base/mem.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define NOW_MS 900000
#define STEP_MS 15000
#define SERIES 6

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct rule_engine *make_engine(void)
{
    static const char *const text[SERIES] = {"a{job=\"x\",le=\"1\"}", "a{job=\"x\",le=\"2\"}",
                                             "a{job=\"y\",le=\"1\"}", "b{job=\"x\"}",
                                             "b{job=\"y\"}",          "c"};
    struct rule_engine *engine = NULL;
    if (rule_engine_load(NULL, 0, &engine, NULL) != ERR_OK) {
        abort();
    }
    rule_engine_lookback(engine, NOW_MS);
    for (int i = 0; i < SERIES; i++) {
        int id = rule_engine_series(engine, text[i], NULL);
        for (int64_t t_ms = 0; t_ms <= NOW_MS; t_ms += STEP_MS) {
            rule_engine_sample(engine, id, t_ms, (double)((t_ms / STEP_MS * (i + 1)) % 41));
        }
        if (i == 4) {
            rule_engine_stale(engine, id, NOW_MS + 1);
        }
    }
    return engine;
}

static void check_same(const struct rule_element *left, const struct rule_element *right,
                       size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bool same =
            left[i].value == right[i].value || (isnan(left[i].value) && isnan(right[i].value));
        if (strcmp(left[i].labels, right[i].labels) != 0 || !same) {
            abort();
        }
    }
}

static void evaluate(struct rule_engine *engine, const char *expr)
{
    struct rule_element *once = NULL, *again = NULL;
    size_t count = 0, again_count = 0;
    struct error error = {.code = ERR_OK};
    enum err code = rule_engine_query(engine, expr, NOW_MS, &once, &count, &error);
    if (code != ERR_OK) {
        if (error.code != ERR_INPUT || error.text[0] == '\0') {
            abort();
        }
        return;
    }
    if (rule_engine_query(engine, expr, NOW_MS, &again, &again_count, &error) != ERR_OK ||
        again_count != count) {
        abort();
    }
    check_same(once, again, count);
    rule_elements_free(once, count);
    rule_elements_free(again, again_count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *expr = mem_alloc(size + 1);
    if (size > 0) {
        memcpy(expr, data, size);
    }
    expr[size] = '\0';
    struct rule_engine *engine = make_engine();
    evaluate(engine, expr);
    (void)rule_engine_series(engine, expr, NULL);
    rule_engine_free(engine);
    mem_free(expr);
    return 0;
}
