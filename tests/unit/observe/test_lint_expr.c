#include "observe/lint_expr.h"

#include "base/buf.h"

#include <criterion/criterion.h>
#include <string.h>

/* Operators with brackets around each, so that precedence shows. */
static void print(const struct lint_node *node, struct buf *out)
{
    switch (node->kind) {
    case LINT_NUMBER:
        (void)buf_printf(out, "%g", node->number);
        return;
    case LINT_BINARY:
        (void)buf_text(out, "(");
        print(node->child[0], out);
        (void)buf_printf(out, " %s ", node->text);
        print(node->child[1], out);
        (void)buf_text(out, ")");
        return;
    default:
        (void)buf_text(out, node->kind == LINT_SUBQUERY ? "subquery" : node->text);
    }
    for (size_t i = 0; i < node->matcher_count; i++) {
        const struct lint_matcher *matcher = &node->matcher[i];
        (void)buf_printf(out, "{%s%s%s}", matcher->name, matcher->sign, matcher->value);
    }
    if (node->range_ns > 0) {
        (void)buf_printf(out, "[%lld]", (long long)(node->range_ns / 1000000000));
    }
    for (size_t i = 0; i < node->child_count; i++) {
        (void)buf_text(out, i == 0 ? "<" : ", ");
        print(node->child[i], out);
    }
    (void)buf_text(out, node->child_count > 0 ? ">" : "");
}

Test(lint_expr, everything_prometheus_takes_is_read)
{
    static const struct {
        const char *expr, *tree;
    } rows[] = {
        {"1 + 2 * 3 ^ 2 ^ 2", "(1 + (2 * (3 ^ (2 ^ 2))))"},
        {"-a ^ 2", "-<(a ^ 2)>"},
        {"+a", "a"},
        {"a or b and c unless d", "(a or ((b and c) unless d))"},
        {"a < bool b == 2", "((a < b) == 2)"},
        {"a atan2 b % c", "((a atan2 b) % c)"},
        {"histogram_quantile(0.9, sum by (le) (rate(x_bucket[5m])))",
         "histogram_quantile<0.9, sum<rate<x_bucket[300]>>>"},
        {"SUM(x) BY (a)", "sum<x>"},
        {"topk(3, x)", "topk<3, x>"},
        {"count_values(\"v\", x)", "count_values<v, x>"},
        {"label_replace(up, \"a\", \"$1\", \"b\", \"(.*)\")", "label_replace<up, a, $1, b, (.*)>"},
        {"sort_desc(x)", "sort_desc<x>"},
        {"quantile_over_time(0.5, x[1h])", "quantile_over_time<0.5, x[3600]>"},
        {"max_over_time(rate(x[5m])[30m:1m])", "max_over_time<subquery[1800]<rate<x[300]>>>"},
        {"x{a=\"1\",b!='2',c=~`3\\.`,d!~\"\\\"4\",}", "x{a=1}{b!=2}{c=~3\\.}{d!~\"4}"},
        {"{__name__=\"x\",a=\"\\x41\\102\"}", "x{a=AB}"},
        {"{\"x.y\",\"a.b\"=\"c\"}", "x.y{a.b=c}"},
        {"x offset 5m", "x"},
        {"x[5m] offset -1h == 1", NULL},
        {"rate(x[5m] offset -1h @ 1700000000)", "rate<x[300]>"},
        {"x @ end() / on (a, b) group_left (c) y", "(x / y)"},
        {"x * ignoring (a) group_right y", "(x * y)"},
        {"hour()", "hour"},
        {"round(x, 0.1)", "round<x, 0.1>"},
        {"vector(inf) > NaN", "(vector<inf> > nan)"},
        {"0x1F * 1e3", "(31 * 1000)"},
        {"sum # all of them\n(x)", "sum<x>"},
        {"time() - (x > 0)", "(time - (x > 0))"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct labels *words = labels_new();
        struct lint_node *node = NULL;
        struct error error = {.code = ERR_OK};
        struct buf text;
        buf_init(&text, 4096);
        enum err code = lint_expr_parse(rows[i].expr, words, &node, &error);
        if (rows[i].tree == NULL) {
            cr_expect_eq(code, ERR_INPUT, "%s", rows[i].expr);
        } else {
            cr_expect_eq(code, ERR_OK, "%s: %s", rows[i].expr, error.text);
        }
        if (node != NULL && rows[i].tree != NULL) {
            print(node, &text);
            cr_expect_str_eq(text.data, rows[i].tree, "%s: %s", rows[i].expr, text.data);
        }
        buf_deinit(&text);
        lint_node_free(node);
        labels_free(words);
    }
}

Test(lint_expr, what_prometheus_refuses_is_refused_with_its_line)
{
    static const struct {
        const char *expr;
        int line;
        const char *text;
    } rows[] = {
        {"", 1, "expected an operand before the end"},
        {"{}", 1, "expected a metric or a label before {}"},
        {"x{", 1, "expected a label before the end"},
        {"x{a}", 1, "expected =, !=, =~ or !~, got }"},
        {"x{a=1}", 1, "expected a string, got 1"},
        {"x{a=\"\\q\"}", 1, "expected a string with the escapes of Go"},
        {"x{a:b=\"1\"}", 1, "expected a label, got a:b"},
        {"sum(\nx", 2, "expected , or ) before the end"},
        {"sum(x) sum(y)", 1, "expected an operator or the end, got sum"},
        {"rate(x)", 1, "rate: expected a range such as x[5m] as argument 1"},
        {"abs(x, y)", 1, "abs: expected fewer arguments"},
        {"clamp(x, 1)", 1, "clamp: expected more arguments"},
        {"clamp_max(x, y)", 1, "clamp_max: expected a number as argument 2"},
        {"label_join(x, \"a\", \"b\", c)", 1, "label_join: expected a string as argument 4"},
        {"topk(x)", 1, "topk: expected a parameter and a vector"},
        {"sum(x, y)", 1, "sum: expected one vector"},
        {"nothing(x)", 1, "expected a function of Prometheus, got nothing"},
        {"x[5m]", 1, "expected a vector or a number"},
        {"x[5m] + 1", 1, "+: expected no range as an operand"},
        {"(x + 1)[5m]", 1, "expected a range behind a selector only"},
        {"x and 1", 1, "and: expected vectors on both sides"},
        {"x + on (a) 1", 1, "+: on and ignoring need vectors"},
        {"x and on (a) group_left y", 1, "and: expected no group_left"},
        {"x + bool y", 1, "+: bool is for comparisons only"},
        {"1 == 1", 1, "==: a comparison of numbers needs bool"},
        {"x offset y", 1, "expected a duration such as 5m behind offset"},
        {"x @ y", 1, "expected a time behind @"},
        {"\"a\"", 1, "expected a vector or a number"},
        {"by (a)", 1, "expected an operand, got by"},
        {"1 + 5min", 1, "expected a number, got 5min"},
        {"-x[5m]", 1, "expected a number or a vector behind a sign"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct labels *words = labels_new();
        struct lint_node *node = NULL;
        struct error error = {.code = ERR_OK};
        cr_expect_eq(lint_expr_parse(rows[i].expr, words, &node, &error), ERR_INPUT, "%s",
                     rows[i].expr);
        cr_expect_null(node, "%s", rows[i].expr);
        cr_expect_eq(error.line, rows[i].line, "%s: line %d", rows[i].expr, error.line);
        cr_expect_not_null(strstr(error.text, rows[i].text), "%s: %s", rows[i].expr, error.text);
        lint_node_free(node);
        labels_free(words);
    }
}

Test(lint_expr, an_expression_may_not_nest_or_chain_without_end)
{
    static const char *const parts[][3] = {
        {"(", "x", ")"}, {"-", "x", ""}, {"", "x", " + x"}, {"abs(", "x", ")"}};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        struct labels *words = labels_new();
        struct lint_node *node = NULL;
        struct error error = {.code = ERR_OK};
        struct buf text;
        buf_init(&text, 1 << 20);
        for (size_t k = 0; k < 2 * LINT_DEPTH_MAX; k++) {
            (void)buf_text(&text, parts[i][0]);
        }
        (void)buf_text(&text, parts[i][1]);
        for (size_t k = 0; k < 2 * LINT_DEPTH_MAX; k++) {
            (void)buf_text(&text, parts[i][2]);
        }
        cr_expect_eq(lint_expr_parse(text.data, words, &node, &error), ERR_INPUT, "row %zu", i);
        lint_node_free(node);
        labels_free(words);
        buf_deinit(&text);
    }
}
