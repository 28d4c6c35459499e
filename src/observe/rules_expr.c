/* Time compression of one expression; rules.c applies it to whole files. */
#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "observe/promql.h"
#include "observe/rules.h"
#include "observe/rules_int.h"

#include <assert.h>

#define NS_PER_MS INT64_C(1000000)
#define EXPR_MAX_BYTES ((size_t)1 << 20)
#define DURATION_BYTES 64

bool rules_is_whole(int64_t ns, int64_t time_scale)
{
    return ns % NS_PER_MS == 0 && ns / NS_PER_MS % time_scale == 0;
}

/* An offset may be nothing or short; a range or step may not: rate() over less than ten scrapes is
 * noise, and an empty range does not parse. */
static enum err check_token(const struct promql_token *token, int64_t time_scale,
                            int64_t min_range_ns, struct error *error)
{
    char least[DURATION_BYTES];
    int len = (int)token->len;
    bool window = token->role == PROMQL_RANGE || token->role == PROMQL_SUBQUERY;
    if (token->duration_ns == 0 && token->role != PROMQL_OFFSET) {
        return error_set(error, ERR_INPUT, NULL, token->line, "expected more than %.*s in brackets",
                         len, token->text);
    }
    if (window && token->duration_ns < min_range_ns) {
        return error_set(error, ERR_INPUT, NULL, token->line,
                         "range %.*s is shorter than %s (ten scrapes)", len, token->text,
                         text_from_duration_ns(min_range_ns, least, sizeof least));
    }
    if (!rules_is_whole(token->duration_ns, time_scale)) {
        static const char *const roles[] = {"", "range", "range", "step", "offset"};
        return error_set(error, ERR_INPUT, NULL, token->line,
                         "%s %.*s divided by %lld is not a whole number of milliseconds",
                         roles[token->role], len, token->text, (long long)time_scale);
    }
    return ERR_OK;
}

/* `code` tells whether the tokens, which are freed, are there. */
static char *compress(const char *expr, enum err code, struct promql_token *token, size_t count,
                      int64_t time_scale, int64_t min_range_ns, struct error *error)
{
    struct buf out;
    assert(time_scale >= 1);
    buf_init(&out, EXPR_MAX_BYTES);
    const char *copied = expr; /* everything before it is in `out` */
    for (size_t i = 0; code == ERR_OK && i < count; i++) {
        if (token[i].role != PROMQL_PLAIN && token[i].kind != PROMQL_VARIABLE) {
            char text[DURATION_BYTES];
            code = check_token(&token[i], time_scale, min_range_ns, error);
            (void)buf_add(&out, copied, (size_t)(token[i].text - copied));
            (void)buf_text(
                &out, text_from_duration_ns(token[i].duration_ns / time_scale, text, sizeof text));
            copied = token[i].text + token[i].len;
        }
    }
    (void)buf_text(&out, copied);
    if (code == ERR_OK && out.failed) {
        code = error_set(error, ERR_INPUT, NULL, 0, "an expression longer than %zu bytes",
                         EXPR_MAX_BYTES);
    }
    char *result = code == ERR_OK ? buf_take(&out) : NULL;
    buf_deinit(&out);
    mem_free(token);
    return result;
}

char *rules_compress_expr(const char *expr, int64_t time_scale, int64_t min_range_ns,
                          struct error *error)
{
    struct promql_token *token = NULL;
    size_t count = 0;
    enum err code = promql_tokens(expr, &token, &count, error);
    return compress(expr, code, token, count, time_scale, min_range_ns, error);
}

char *rules_compress_template(const char *expr, int64_t time_scale, int64_t min_range_ns,
                              struct error *error)
{
    struct promql_token *token = NULL;
    size_t count = 0;
    enum err code = promql_template_tokens(expr, &token, &count, error);
    return compress(expr, code, token, count, time_scale, min_range_ns, error);
}
