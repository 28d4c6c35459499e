/*
 * 0 / 0 is NaN, which Grafana shows as a value and which poisons every rule that reads it; a
 * division is safe if the divisor is filtered ((n > 0)), bounded (clamp_min), a number, or the
 * result is compared, because NaN passes no comparison. A divisor may also be guarded elsewhere: of
 * `ratio * x / n` with `ratio` recorded as `k / (n > 0)` nothing is left when n is 0.
 */
#include "observe/lint_query_int.h"

#include <string.h>

static bool is_positive(const struct lint_node *node)
{
    return node->kind == LINT_NUMBER && node->number > 0;
}

/* A filter that lets no zero pass. */
static bool is_filter(const struct lint_node *node)
{
    if (!lint_is_comparison(node) || node->as_bool || node->child[1]->kind != LINT_NUMBER) {
        return false;
    }
    double bound = node->child[1]->number;
    return (strcmp(node->text, ">") == 0 && bound >= 0) ||
           (strcmp(node->text, "!=") == 0 && bound == 0) || /* x < 0 is one, too */
           (strcmp(node->text, ">=") == 0 && bound > 0) ||
           (strcmp(node->text, "<") == 0 && bound <= 0) ||
           (strcmp(node->text, "==") == 0 && bound != 0);
}

/* Made of numbers that somebody wrote or measured, and would have seen the 0 of. */
static bool is_constant(const struct lint_walk *walk, const struct lint_node *node)
{
    bool constant =
        node->kind != LINT_SELECTOR ||
        (lint_is_series(node) && (strncmp(node->text, "objective:", strlen("objective:")) == 0 ||
                                  lint_series_fixed(walk->lint->series, node->text)));
    for (size_t i = 0; constant && i < node->child_count; i++) {
        constant = is_constant(walk, node->child[i]);
    }
    return constant;
}

static bool is_nonzero(const struct lint_walk *walk, const struct lint_node *node)
{
    if (node->kind == LINT_NUMBER) {
        return node->number != 0;
    }
    if (is_filter(node) || is_constant(walk, node)) {
        return true;
    }
    if (lint_is_operator(node, "or")) {
        return is_nonzero(walk, node->child[0]) && is_nonzero(walk, node->child[1]);
    }
    if (lint_is_operator(node, "and") || lint_is_operator(node, "unless")) {
        return is_nonzero(walk, node->child[0]);
    }
    if (lint_is_operator(node, "*") || lint_is_operator(node, "/") || lint_is_operator(node, "^")) {
        return is_nonzero(walk, node->child[0]) && is_nonzero(walk, node->child[1]);
    }
    if (lint_is_operator(node, "+")) { /* of what cannot be negative, as counts are */
        return is_positive(node->child[0]) || is_positive(node->child[1]);
    }
    if (lint_is_call(node, "clamp_min") || lint_is_call(node, "clamp")) {
        return is_positive(node->child[1]);
    }
    bool through = node->kind == LINT_SIGN || lint_is_call(node, "scalar") ||
                   lint_is_call(node, "vector") || lint_is_call(node, "sqrt") ||
                   lint_is_call(node, "abs") || lint_is_call(node, "exp");
    if (node->kind == LINT_AGGREGATE) {
        return is_nonzero(walk, node->child[node->child_count - 1]);
    }
    return lint_is_call(node, "exp") || (through && is_nonzero(walk, node->child[0]));
}

/* Whether anything below `node` is recorded only while the divisor is above 0. */
static bool guards(const struct lint_walk *walk, const struct lint_node *node,
                   const struct lint_node *divisor)
{
    if (lint_is_series(node) && lint_series_guards(walk->lint->series, node->text, divisor->text)) {
        return true;
    }
    for (size_t i = 0; i < node->child_count; i++) {
        if (guards(walk, node->child[i], divisor)) {
            return true;
        }
    }
    return false;
}

static bool same(const struct lint_node *one, const struct lint_node *other)
{
    return lint_is_series(one) && lint_is_series(other) && strcmp(one->text, other->text) == 0;
}

/* The divisor itself: (n > 0) or a series that nothing but n makes 0. */
static const struct lint_node *divisor_series(const struct lint_node *node)
{
    if (lint_is_operator(node, "^") || lint_is_call(node, "sqrt")) {
        return divisor_series(node->child[0]);
    }
    return lint_is_series(node) ? node : NULL;
}

static void check(const struct lint_walk *walk, const struct lint_node *root,
                  const struct lint_node *node)
{
    if (lint_is_comparison(node) && !node->as_bool) {
        return;
    }
    if (lint_is_operator(node, "and") && is_filter(node->child[1])) {
        bool kept = lint_is_operator(node->child[0], "/") &&
                    same(node->child[0]->child[1], node->child[1]->child[0]);
        if (kept) {
            return;
        }
    }
    /* Of a number, the quotient is infinite, as a bound without evidence may well be. */
    bool quotient = lint_is_operator(node, "/") && node->child[0]->kind != LINT_NUMBER;
    if (quotient && !is_nonzero(walk, node->child[1])) {
        const struct lint_node *series = divisor_series(node->child[1]);
        if (series == NULL || !guards(walk, root, series)) {
            const struct lint_node *divisor = node->child[1];
            lint_warn(walk->lint, walk->place,
                      "the division by %s%s is NaN when nothing happens: filter the divisor, (... "
                      "> 0)",
                      *divisor->text != '\0' ? divisor->text : "a divisor",
                      divisor->child_count > 0 ? "(...)" : "");
        }
    }
    for (size_t i = 0; i < node->child_count; i++) {
        check(walk, root, node->child[i]);
    }
}

void lint_check_divisions(const struct lint_walk *walk, const struct lint_node *node)
{
    check(walk, node, node);
}
