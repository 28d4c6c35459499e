/* Rule expressions. Tokens must lie in the text one behind the other, and compressing by one must
 * leave their stream as it was. */
#include "observe/promql.h"
#include "observe/rules.h"

#include "base/mem.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool same(const struct promql_token *a, const struct promql_token *b)
{
    if (a->kind != b->kind || a->role != b->role || a->line != b->line) {
        return false;
    }
    if (a->role != PROMQL_PLAIN) {
        return a->duration_ns == b->duration_ns;
    }
    return a->len == b->len && memcmp(a->text, b->text, a->len) == 0;
}

static void check_unchanged(const struct promql_token *token, size_t count, const char *expr)
{
    struct error error = {.code = ERR_OK};
    struct promql_token *again = NULL;
    size_t again_count = 0;
    char *text = rules_compress_expr(expr, 1, 0, &error);
    if (text == NULL) {
        return; /* a range of no length */
    }
    if (promql_tokens(text, &again, &again_count, &error) != ERR_OK || again_count != count) {
        fprintf(stderr, "%s\n%s\n", text, error.text);
        abort();
    }
    for (size_t i = 0; i < count; i++) {
        if (!same(&token[i], &again[i])) {
            abort();
        }
    }
    mem_free(again);
    mem_free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *expr = mem_alloc(size + 1);
    struct promql_token *token = NULL;
    size_t count = 0;
    struct error error = {.code = ERR_OK};
    if (size > 0) {
        memcpy(expr, data, size);
    }
    expr[size] = '\0';
    if (promql_tokens(expr, &token, &count, &error) == ERR_OK) {
        const char *end = expr;
        for (size_t i = 0; i < count; i++) {
            if (token[i].text < end || token[i].len == 0) {
                abort();
            }
            end = token[i].text + token[i].len;
        }
        if (end > expr + strlen(expr)) {
            abort();
        }
        check_unchanged(token, count, expr);
        mem_free(rules_compress_expr(expr, 60, INT64_C(150000000000), NULL));
    } else if (error.code != ERR_INPUT || error.line < 1) {
        abort();
    }
    mem_free(token);
    mem_free(expr);
    return 0;
}
