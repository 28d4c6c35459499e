#include "observe/promql.h"

#include "base/buf.h"
#include "base/mem.h"

#include <criterion/criterion.h>
#include <string.h>

/* Tokens one after the other with blanks between; roles behind durations. */
static char *spell(const char *expr)
{
    static const char *const roles[] = {"", "!range", "!subquery", "!step", "!offset"};
    static const char *const kinds[] = {"w:", "n:", "d:", "s:", ""};
    struct promql_token *token = NULL;
    struct buf out;
    size_t count = 0;
    struct error error = {.code = ERR_OK};
    buf_init(&out, 4096);
    if (promql_tokens(expr, &token, &count, &error) != ERR_OK) {
        (void)buf_printf(&out, "line %d: %s", error.line, error.text);
    }
    for (size_t i = 0; i < count; i++) {
        (void)buf_printf(&out, "%s%s%.*s%s", i > 0 ? " " : "", kinds[token[i].kind],
                         (int)token[i].len, token[i].text, roles[token[i].role]);
    }
    mem_free(token);
    char *text = buf_take(&out);
    buf_deinit(&out);
    return text;
}

Test(promql, durations_are_told_from_everything_else)
{
    static const struct {
        const char *expr, *tokens;
    } rows[] = {
        {"", ""},
        {" \t\n# only a comment", ""},
        {"x[5m]", "w:x [ d:5m!range ]"},
        {"x[ 1h30m ]", "w:x [ d:1h30m!range ]"},
        {"x[\n5m # why\n]", "w:x [ d:5m!range ]"},
        {"x[30m:1m]", "w:x [ d:30m!subquery : d:1m!step ]"},
        {"x[30m:]", "w:x [ d:30m!subquery : ]"},
        {"x[30m : 30s500ms]", "w:x [ d:30m!subquery : d:30s500ms!step ]"},
        {"a:b:c[5m]", "w:a:b:c [ d:5m!range ]"},
        {":a[5m]", "w::a [ d:5m!range ]"},
        {"x offset 7m30s", "w:x w:offset d:7m30s!offset"},
        {"x OFFSET 5m", "w:x w:OFFSET d:5m!offset"},
        {"x[5m] offset -5m", "w:x [ d:5m!range ] w:offset - d:5m!offset"},
        {"x offset - 5m", "w:x w:offset - d:5m!offset"},
        {"x @ 123 offset 5m", "w:x @ n:123 w:offset d:5m!offset"},
        {"x[5m] @ end() offset 1d", "w:x [ d:5m!range ] @ w:end ( ) w:offset d:1d!offset"},
        {"offset offset 5m", "w:offset w:offset d:5m!offset"},
        {"offset > 5", "w:offset > n:5"},
        {"offset - 5", "w:offset - n:5"},
        {"1 + offset - 5", "n:1 + w:offset - n:5"},
        {"x and offset - 5", "w:x w:and w:offset - n:5"},
        {"sum by (offset) (x)", "w:sum w:by ( w:offset ) ( w:x )"},
        {"x{offset=\"5m\"}", "w:x { w:offset = s:\"5m\" }"},
        {"x{a=\"b,offset\",offset=\"5m\"}", "w:x { w:a = s:\"b,offset\" , w:offset = s:\"5m\" }"},
        {"foo5m", "w:foo5m"},
        {"foo5m[5m]", "w:foo5m [ d:5m!range ]"},
        {"_5m", "w:_5m"},
        {"x > 5", "w:x > n:5"},
        {"x > 5m", "w:x > d:5m"},
        {"x > 1.5e-3", "w:x > n:1.5e-3"},
        {"x > .5", "w:x > n:.5"},
        {"x > 0x1d", "w:x > n:0x1d"},
        {"0x1e-3", "n:0x1e - n:3"},
        {"1e3-2", "n:1e3 - n:2"},
        {"5-3m", "n:5 - d:3m"},
        {"1d2", "n:1d2"},
        {"5m.5", "n:5m.5"},
        {"x == Inf", "w:x = = w:Inf"},
        {"x{a=~\"[5m]\"}", "w:x { w:a = ~ s:\"[5m]\" }"},
        {"x{a='[5m]',b=`[5m]\"'`}[5m]",
         "w:x { w:a = s:'[5m]' , w:b = s:`[5m]\"'` } [ d:5m!range ]"},
        {"x{a=\"q\\\"[5m]\"}", "w:x { w:a = s:\"q\\\"[5m]\" }"},
        {"x{a='q\\'[5m]'}", "w:x { w:a = s:'q\\'[5m]' }"},
        {"x{a=`\\`}[5m]", "w:x { w:a = s:`\\` } [ d:5m!range ]"},
        {"x{a=`two\nlines`}", "w:x { w:a = s:`two\nlines` }"},
        {"x{a=\"\\\\\"}[5m]", "w:x { w:a = s:\"\\\\\" } [ d:5m!range ]"},
        {"x{a=\"# no comment\"}", "w:x { w:a = s:\"# no comment\" }"},
        {"x # y[5m] \"\n+ z", "w:x + w:z"},
        {"x[5y]", "w:x [ d:5y!range ]"},
        {"x[5w] + y[5d] + z[5ms]", "w:x [ d:5w!range ] + w:y [ d:5d!range ] + w:z [ d:5ms!range ]"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *tokens = spell(rows[i].expr);
        cr_expect_str_eq(tokens, rows[i].tokens, "%s\n  got      %s\n  expected %s", rows[i].expr,
                         tokens, rows[i].tokens);
        mem_free(tokens);
    }
}

Test(promql, lines_and_values_of_tokens_are_known)
{
    struct promql_token *token = NULL;
    size_t count = 0;
    cr_assert_eq(promql_tokens("x{a=`1\n2`}\n# 3\n[1h\n:\n90s]", &token, &count, NULL), ERR_OK);
    static const int lines[] = {1, 1, 1, 1, 1, 2, 4, 4, 5, 6, 6};
    cr_assert_eq(count, sizeof lines / sizeof lines[0]);
    for (size_t i = 0; i < count; i++) {
        cr_expect_eq(token[i].line, lines[i], "token %zu: line %d", i, token[i].line);
    }
    cr_expect_eq(token[7].duration_ns, INT64_C(3600000000000));
    cr_expect_eq(token[9].duration_ns, INT64_C(90000000000));
    cr_expect_eq(token[0].duration_ns, 0);
    mem_free(token);
}
