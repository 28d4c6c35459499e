/*
 * Precedence climbing over the tokens of promql.h. Prometheus' grammar, loosest first: or; and,
 * unless; comparisons; + -; * / % atan2; ^, which alone binds to the right; a sign binds as * does.
 *
 * Apart from the parser of the rule engine, because that one must refuse whatever it cannot
 * evaluate, and this one must read whatever Prometheus and Grafana may be given.
 */
#include "observe/lint_expr.h"

#include "base/mem.h"
#include "base/text.h"
#include "observe/lint_expr_int.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define SHOWN 40
#define NUMBER_BYTES 64
#define SIGN_PRECEDENCE 5
#define POW_PRECEDENCE 6

/* Longer spellings before their beginnings. */
static const struct {
    const char *text;
    int precedence;
} operators[] = {
    {"or", 1},    {"and", 2}, {"unless", 2}, {"==", 3},
    {"!=", 3},    {"<=", 3},  {"<", 3},      {">=", 3},
    {">", 3},     {"+", 4},   {"-", 4},      {"*", 5},
    {"atan2", 5}, {"/", 5},   {"%", 5},      {"^", POW_PRECEDENCE},
};

#define COUNT(list) (sizeof(list) / sizeof(list)[0])

const struct promql_token *lint_peek(const struct lint_reader *reader)
{
    return reader->at < reader->count ? &reader->token[reader->at] : NULL;
}

bool lint_expected(struct lint_reader *reader, const char *what)
{
    const struct promql_token *token = lint_peek(reader);
    if (token == NULL) {
        (void)error_set(reader->error, ERR_INPUT, NULL, reader->last_line,
                        "expected %s before the end of the expression", what);
    } else {
        int len = token->len < SHOWN ? (int)token->len : SHOWN;
        (void)error_set(reader->error, ERR_INPUT, NULL, token->line, "expected %s, got %.*s", what,
                        len, token->text);
    }
    return false;
}

bool lint_at_symbol(const struct lint_reader *reader, char symbol)
{
    const struct promql_token *token = lint_peek(reader);
    return token != NULL && token->kind == PROMQL_SYMBOL && token->text[0] == symbol;
}

bool lint_take_symbol(struct lint_reader *reader, char symbol)
{
    bool there = lint_at_symbol(reader, symbol);
    reader->at += there;
    return there;
}

static bool token_is(const struct promql_token *token, const char *word)
{
    return token != NULL && token->kind == PROMQL_WORD && token->len == strlen(word) &&
           strncasecmp(token->text, word, token->len) == 0;
}

bool lint_take_word(struct lint_reader *reader, const char *word)
{
    bool there = token_is(lint_peek(reader), word);
    reader->at += there;
    return there;
}

const char *lint_token_word(struct lint_reader *reader, const struct promql_token *token)
{
    return labels_text(reader->words, labels_word(reader->words, token->text, token->len));
}

struct lint_node *lint_node_new(struct lint_reader *reader, enum lint_kind kind,
                                enum lint_type type)
{
    const struct promql_token *token = lint_peek(reader);
    struct lint_node *node = mem_zalloc(1, sizeof *node);
    node->kind = kind;
    node->type = type;
    node->text = "";
    node->line = token != NULL ? token->line : reader->last_line;
    node->at = token != NULL ? (size_t)(token->text - reader->expr) : 0;
    node->len = token != NULL ? token->len : 0;
    return node;
}

void lint_node_free(struct lint_node *node)
{
    if (node == NULL) {
        return;
    }
    for (size_t i = 0; i < node->child_count; i++) {
        lint_node_free(node->child[i]);
    }
    mem_free(node->child);
    mem_free(node->matcher);
    mem_free(node->names.name);
    mem_free(node->include.name);
    mem_free(node);
}

static void add_child(struct lint_node *node, struct lint_node *child)
{
    if (node->child_count == node->child_capacity) {
        node->child_capacity = node->child_capacity ? 2 * node->child_capacity : 2;
        node->child = mem_resize(node->child, node->child_capacity, sizeof(struct lint_node *));
    }
    node->child[node->child_count++] = child;
}

void lint_names_add(struct lint_names *names, const char *name)
{
    if (names->count == names->capacity) {
        names->capacity = names->capacity ? 2 * names->capacity : 4;
        names->name = mem_resize(names->name, names->capacity, sizeof(const char *));
    }
    names->name[names->count++] = name;
}

static struct lint_node *read_expression(struct lint_reader *reader, int loosest);

/* (a, b) */
static bool read_names(struct lint_reader *reader, struct lint_names *names)
{
    if (!lint_take_symbol(reader, '(')) {
        return lint_expected(reader, "(");
    }
    while (!lint_take_symbol(reader, ')')) {
        const struct promql_token *token = lint_peek(reader);
        const char *name = NULL;
        if (token != NULL && token->kind == PROMQL_STRING) {
            name = lint_read_string(reader);
        } else if (token != NULL && token->kind == PROMQL_WORD) {
            name = lint_token_word(reader, token);
            reader->at++;
        } else {
            return lint_expected(reader, "a label or )");
        }
        if (name == NULL) {
            return false;
        }
        lint_names_add(names, name);
        if (!lint_take_symbol(reader, ',') && !lint_at_symbol(reader, ')')) {
            return lint_expected(reader, ", or )");
        }
    }
    return true;
}

/* Index of the operator at the reader and how many tokens it takes; COUNT(operators) if none. */
static size_t at_operator(const struct lint_reader *reader, size_t *tokens)
{
    const struct promql_token *token = lint_peek(reader);
    for (size_t i = 0; token != NULL && i < COUNT(operators); i++) {
        size_t len = strlen(operators[i].text);
        bool symbols =
            token->kind == PROMQL_SYMBOL && strncmp(token->text, operators[i].text, len) == 0;
        if (symbols || token_is(token, operators[i].text)) {
            *tokens = symbols ? len : 1;
            return i;
        }
    }
    return COUNT(operators);
}

/* bool, on, ignoring, group_left and group_right behind an operator. */
static bool read_modifiers(struct lint_reader *reader, struct lint_node *node)
{
    node->as_bool = lint_take_word(reader, "bool");
    node->on = lint_take_word(reader, "on");
    node->ignoring = !node->on && lint_take_word(reader, "ignoring");
    if (!node->on && !node->ignoring) {
        return true;
    }
    if (!read_names(reader, &node->names)) {
        return false;
    }
    if (lint_take_word(reader, "group_left")) {
        node->side = LINT_GROUP_LEFT;
    } else if (lint_take_word(reader, "group_right")) {
        node->side = LINT_GROUP_RIGHT;
    }
    return node->side == LINT_ONE_TO_ONE || !lint_at_symbol(reader, '(') ||
           read_names(reader, &node->include);
}

/* `left` becomes the first operand, or is freed. */
static struct lint_node *read_binary(struct lint_reader *reader, struct lint_node *left,
                                     size_t operation, size_t tokens)
{
    struct lint_node *node = lint_node_new(reader, LINT_BINARY, LINT_VECTOR);
    int precedence = operators[operation].precedence;
    node->text = operators[operation].text;
    add_child(node, left);
    reader->at += tokens;
    if (read_modifiers(reader, node)) {
        struct lint_node *right =
            read_expression(reader, precedence == POW_PRECEDENCE ? precedence : precedence + 1);
        if (right != NULL) {
            add_child(node, right);
            if (lint_check_binary(reader, node)) {
                return node;
            }
        }
    }
    lint_node_free(node);
    return NULL;
}

static bool read_arguments(struct lint_reader *reader, struct lint_node *node)
{
    if (!lint_take_symbol(reader, '(')) {
        return lint_expected(reader, "(");
    }
    while (!lint_take_symbol(reader, ')')) {
        struct lint_node *argument = read_expression(reader, 1);
        if (argument == NULL) {
            return false;
        }
        add_child(node, argument);
        if (!lint_take_symbol(reader, ',') && !lint_at_symbol(reader, ')')) {
            return lint_expected(reader, ", or )");
        }
    }
    return true;
}

static bool read_grouping(struct lint_reader *reader, struct lint_node *node)
{
    bool by = lint_take_word(reader, "by");
    node->without = !by && lint_take_word(reader, "without");
    node->grouped = by || node->without;
    return !node->grouped || read_names(reader, &node->names);
}

/* sum by (a) (x) and sum(x) by (a). */
static struct lint_node *read_aggregate(struct lint_reader *reader, const char *name)
{
    struct lint_node *node = lint_node_new(reader, LINT_AGGREGATE, LINT_VECTOR);
    node->text = name;
    reader->at++;
    if (read_grouping(reader, node) && read_arguments(reader, node) &&
        (node->grouped || read_grouping(reader, node)) && lint_check_aggregate(reader, node)) {
        return node;
    }
    lint_node_free(node);
    return NULL;
}

static struct lint_node *read_call(struct lint_reader *reader, const char *name)
{
    struct lint_node *node = lint_node_new(reader, LINT_CALL, LINT_VECTOR);
    node->text = name;
    reader->at++;
    if (read_arguments(reader, node) && lint_check_call(reader, node)) {
        return node;
    }
    lint_node_free(node);
    return NULL;
}

static struct lint_node *literal(struct lint_reader *reader, double number)
{
    struct lint_node *node = lint_node_new(reader, LINT_NUMBER, LINT_SCALAR);
    node->number = number;
    reader->at++;
    return node;
}

static struct lint_node *read_number(struct lint_reader *reader, const struct promql_token *token)
{
    char text[NUMBER_BYTES];
    double number = 0;
    char *end = NULL;
    if (token->len < sizeof text) {
        memcpy(text, token->text, token->len);
        text[token->len] = '\0';
        if (text_to_f64(text, &number)) {
            return literal(reader, number);
        }
        number = (double)strtoull(text, &end, 0);
        if (*end == '\0') {
            return literal(reader, number);
        }
    }
    (void)lint_expected(reader, "a number");
    return NULL;
}

static bool is_reserved(const struct promql_token *token)
{
    static const char *const words[] = {"bool",        "on",     "ignoring", "group_left",
                                        "group_right", "by",     "or",       "without",
                                        "and",         "unless", "atan2"};
    for (size_t i = 0; i < COUNT(words); i++) {
        if (token_is(token, words[i])) {
            return true;
        }
    }
    return false;
}

/* Aggregations and keywords are read in any case, functions in theirs. */
static const char *lower_word(struct lint_reader *reader, const struct promql_token *token)
{
    char text[32] = "";
    size_t len = token->len < sizeof text ? token->len : sizeof text;
    for (size_t i = 0; i < len; i++) {
        text[i] = (char)tolower((unsigned char)token->text[i]);
    }
    return labels_text(reader->words, labels_word(reader->words, text, len));
}

/* A word can be a function, an aggregation, a number or a metric. */
static struct lint_node *read_word(struct lint_reader *reader, const struct promql_token *token)
{
    const struct promql_token *next =
        reader->at + 1 < reader->count ? &reader->token[reader->at + 1] : NULL;
    bool call = next != NULL && next->kind == PROMQL_SYMBOL && next->text[0] == '(';
    bool grouping = token_is(next, "by") || token_is(next, "without");
    const char *lower = lower_word(reader, token);
    if ((call || grouping) && lint_is_aggregation(lower)) {
        return read_aggregate(reader, lower);
    }
    if (is_reserved(token)) {
        (void)lint_expected(reader, "an operand");
        return NULL;
    }
    if (call) {
        const char *name = lint_token_word(reader, token);
        if (lint_is_function(name)) {
            return read_call(reader, name);
        }
        (void)lint_expected(reader, "a function of Prometheus");
        return NULL;
    }
    if (strcmp(lower, "inf") == 0 || strcmp(lower, "nan") == 0) {
        return literal(reader, *lower == 'i' ? INFINITY : NAN);
    }
    return lint_read_selector(reader);
}

static struct lint_node *read_brackets(struct lint_reader *reader)
{
    reader->at++;
    struct lint_node *node = read_expression(reader, 1);
    if (node != NULL && !lint_take_symbol(reader, ')')) {
        lint_node_free(node);
        node = NULL;
        (void)lint_expected(reader, ")");
    }
    return node;
}

static struct lint_node *read_text(struct lint_reader *reader)
{
    struct lint_node *node = lint_node_new(reader, LINT_STRING, LINT_TEXT);
    node->text = lint_read_string(reader);
    if (node->text == NULL) {
        lint_node_free(node);
        return NULL;
    }
    return node;
}

static struct lint_node *read_signed(struct lint_reader *reader)
{
    bool minus = lint_at_symbol(reader, '-');
    struct lint_node *sign = lint_node_new(reader, LINT_SIGN, LINT_SCALAR);
    sign->text = minus ? "-" : "+";
    reader->at++;
    struct lint_node *operand = read_expression(reader, SIGN_PRECEDENCE + 1);
    if (operand == NULL || !minus) {
        lint_node_free(sign);
        return operand;
    }
    add_child(sign, operand);
    sign->type = operand->type;
    if (operand->type == LINT_MATRIX || operand->type == LINT_TEXT) {
        lint_node_free(sign);
        (void)lint_expected(reader, "a number or a vector behind a sign");
        return NULL;
    }
    return sign;
}

static struct lint_node *read_primary(struct lint_reader *reader)
{
    const struct promql_token *token = lint_peek(reader);
    if (token != NULL && token->kind == PROMQL_STRING) {
        return read_text(reader);
    }
    if (token != NULL && (token->kind == PROMQL_NUMBER || token->kind == PROMQL_DURATION)) {
        return read_number(reader, token);
    }
    if (token != NULL && token->kind == PROMQL_WORD) {
        return read_word(reader, token);
    }
    if (lint_at_symbol(reader, '(')) {
        return read_brackets(reader);
    }
    if (lint_at_symbol(reader, '{')) {
        return lint_read_selector(reader);
    }
    (void)lint_expected(reader, "an operand");
    return NULL;
}

/* [5m] makes a selector a range, [30m:1m] anything a subquery. The tokeniser has checked the
 * durations. Returns the node, or NULL with `node` freed. */
static struct lint_node *read_range(struct lint_reader *reader, struct lint_node *node)
{
    const struct promql_token *token = &reader->token[reader->at + 1];
    bool subquery = token->role == PROMQL_SUBQUERY;
    bool right = node->type == LINT_VECTOR && (subquery || node->kind == LINT_SELECTOR);
    if (!right && !(subquery && node->type == LINT_SCALAR)) {
        (void)lint_expected(reader, "a range behind a selector only");
        lint_node_free(node);
        return NULL;
    }
    if (subquery) {
        struct lint_node *outer = lint_node_new(reader, LINT_SUBQUERY, LINT_MATRIX);
        add_child(outer, node);
        node = outer;
    }
    node->type = LINT_MATRIX;
    node->range_ns = token->duration_ns;
    node->range_at = (size_t)(token->text - reader->expr);
    while (!lint_take_symbol(reader, ']')) {
        reader->at++;
    }
    return node;
}

/* offset -5m; false with the error noted if no duration follows. */
static bool read_offset(struct lint_reader *reader)
{
    (void)(lint_take_symbol(reader, '-') || lint_take_symbol(reader, '+'));
    const struct promql_token *token = lint_peek(reader);
    if (token == NULL || token->kind != PROMQL_DURATION) {
        return lint_expected(reader, "a duration such as 5m behind offset");
    }
    reader->at++;
    return true;
}

/* @ 1609746000, @ start(), @ end() */
static bool read_moment(struct lint_reader *reader)
{
    if (lint_take_word(reader, "start") || lint_take_word(reader, "end")) {
        return (lint_take_symbol(reader, '(') && lint_take_symbol(reader, ')')) ||
               lint_expected(reader, "()");
    }
    (void)(lint_take_symbol(reader, '-') || lint_take_symbol(reader, '+'));
    const struct promql_token *token = lint_peek(reader);
    if (token == NULL || token->kind != PROMQL_NUMBER) {
        return lint_expected(reader, "a time behind @");
    }
    reader->at++;
    return true;
}

static struct lint_node *read_operand(struct lint_reader *reader)
{
    struct lint_node *node = read_primary(reader);
    bool more = true;
    while (node != NULL && more) {
        bool right = true;
        more = true;
        if (lint_at_symbol(reader, '[')) {
            node = read_range(reader, node);
        } else if (lint_take_word(reader, "offset")) {
            right = read_offset(reader);
        } else if (lint_take_symbol(reader, '@')) {
            right = read_moment(reader);
        } else {
            more = false;
        }
        if (!right) {
            lint_node_free(node);
            node = NULL;
        }
    }
    return node;
}

static struct lint_node *climb(struct lint_reader *reader, int loosest)
{
    bool sign = lint_at_symbol(reader, '-') || lint_at_symbol(reader, '+');
    struct lint_node *left = sign ? read_signed(reader) : read_operand(reader);
    size_t tokens = 0;
    for (size_t links = 0; left != NULL; links++) {
        size_t operation = at_operator(reader, &tokens);
        if (operation == COUNT(operators) || operators[operation].precedence < loosest) {
            break;
        }
        if (links == LINT_DEPTH_MAX) { /* a chain nests to the left */
            lint_node_free(left);
            (void)lint_expected(reader, "fewer operators in a row");
            return NULL;
        }
        left = read_binary(reader, left, operation, tokens);
    }
    return left;
}

/* An expression of operators that bind at least as tight as `loosest`. */
static struct lint_node *read_expression(struct lint_reader *reader, int loosest)
{
    if (reader->depth == LINT_DEPTH_MAX) {
        (void)lint_expected(reader, "an expression that nests less");
        return NULL;
    }
    reader->depth++;
    struct lint_node *node = climb(reader, loosest);
    reader->depth--;
    return node;
}

enum err lint_expr_parse(const char *expr, struct labels *words, struct lint_node **out,
                         struct error *error)
{
    struct lint_reader reader = {.expr = expr, .words = words, .error = error, .last_line = 1};
    *out = NULL;
    enum err code = promql_tokens(expr, &reader.token, &reader.count, error);
    if (code != ERR_OK) {
        return code;
    }
    if (reader.count > 0) {
        reader.last_line = reader.token[reader.count - 1].line;
    }
    struct lint_node *node = read_expression(&reader, 1);
    if (node != NULL && lint_peek(&reader) != NULL) {
        (void)lint_expected(&reader, "an operator or the end");
        lint_node_free(node);
        node = NULL;
    }
    if (node != NULL && (node->type == LINT_MATRIX || node->type == LINT_TEXT)) {
        lint_node_free(node);
        node = NULL;
        (void)error_set(error, ERR_INPUT, NULL, 1, "expected a vector or a number");
    }
    mem_free(reader.token);
    *out = node;
    return node != NULL ? ERR_OK : ERR_INPUT;
}

bool lint_is_call(const struct lint_node *node, const char *function)
{
    return node->kind == LINT_CALL && strcmp(node->text, function) == 0;
}

bool lint_is_operator(const struct lint_node *node, const char *spelling)
{
    return node->kind == LINT_BINARY && strcmp(node->text, spelling) == 0;
}

bool lint_is_comparison(const struct lint_node *node)
{
    return node->kind == LINT_BINARY && strchr("=!<>", node->text[0]) != NULL;
}

bool lint_is_series(const struct lint_node *node)
{
    return node->kind == LINT_SELECTOR && node->type == LINT_VECTOR && *node->text != '\0';
}
