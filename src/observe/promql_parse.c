/*
 * Precedence climbing over the tokens of promql.h. Prometheus' grammar, loosest first: or;
 * and, unless; comparisons; + -; * / %; ^, which alone binds to the right; a sign binds as * does.
 */
#include "observe/promql_parse.h"

#include "base/mem.h"
#include "base/text.h"
#include "observe/promql.h"
#include "observe/promql_parse_int.h"

#include <assert.h>
#include <math.h>
#include <string.h>
#include <strings.h>

#define SHOWN 40
#define NUMBER_BYTES 64
#define SIGN_PRECEDENCE 5
#define POW_PRECEDENCE 6

static const struct {
    const char *text;
    enum promql_type takes;
    size_t least, most;
} functions[] = {
#define X(text, name, takes, least, most) {#text, PROMQL_##takes, least, most},
    PROMQL_FUNCTIONS(X)
#undef X
};

static const char *const aggregations[] = {"sum",   "avg",   "min",    "max",
                                           "count", "group", "stddev", "stdvar"};

static const struct {
    const char *text;
    int precedence;
} operators[] = {
    [PROMQL_OR] = {"or", 1}, [PROMQL_AND] = {"and", 2}, [PROMQL_UNLESS] = {"unless", 2},
    [PROMQL_EQ] = {"==", 3}, [PROMQL_NE] = {"!=", 3},   [PROMQL_LE] = {"<=", 3},
    [PROMQL_LT] = {"<", 3},  [PROMQL_GE] = {">=", 3},   [PROMQL_GT] = {">", 3},
    [PROMQL_ADD] = {"+", 4}, [PROMQL_SUB] = {"-", 4},   [PROMQL_MUL] = {"*", 5},
    [PROMQL_DIV] = {"/", 5}, [PROMQL_MOD] = {"%", 5},   [PROMQL_POW] = {"^", POW_PRECEDENCE},
};

#define COUNT(list) (sizeof(list) / sizeof(list)[0])

struct promql_node *promql_node_new(enum promql_node_kind kind, enum promql_type type)
{
    struct promql_node *node = mem_zalloc(1, sizeof *node);
    node->kind = kind;
    node->type = type;
    return node;
}

void promql_node_free(struct promql_node *node)
{
    if (node == NULL) {
        return;
    }
    for (size_t i = 0; i < node->argument_count; i++) {
        promql_node_free(node->argument[i]);
    }
    for (size_t i = 0; i < node->matcher_count; i++) {
        if (node->matcher[i].compiled) {
            regfree(&node->matcher[i].regex);
        }
    }
    mem_free(node->matcher);
    mem_free(node->series);
    mem_free(node->names.word);
    mem_free(node->include.word);
    mem_free(node);
}

void promql_words_add(struct promql_words *words, int word)
{
    if (words->count == words->capacity) {
        words->capacity = words->capacity ? 2 * words->capacity : 4;
        words->word = mem_resize(words->word, words->capacity, sizeof *words->word);
    }
    words->word[words->count++] = word;
}

const struct promql_token *promql_peek(const struct promql_reader *reader)
{
    return reader->at < reader->count ? &reader->token[reader->at] : NULL;
}

void *promql_expected(struct promql_reader *reader, const char *what)
{
    const struct promql_token *token = promql_peek(reader);
    if (token == NULL) {
        (void)error_set(reader->error, ERR_INPUT, NULL, reader->last_line,
                        "expected %s before the end of the expression", what);
    } else {
        int len = token->len < SHOWN ? (int)token->len : SHOWN;
        (void)error_set(reader->error, ERR_INPUT, NULL, token->line, "expected %s, got %.*s", what,
                        len, token->text);
    }
    return NULL;
}

bool promql_at_symbol(const struct promql_reader *reader, char symbol)
{
    const struct promql_token *token = promql_peek(reader);
    return token != NULL && token->kind == PROMQL_SYMBOL && token->text[0] == symbol;
}

bool promql_take_symbol(struct promql_reader *reader, char symbol)
{
    bool there = promql_at_symbol(reader, symbol);
    reader->at += there;
    return there;
}

static bool token_is(const struct promql_token *token, const char *word)
{
    return token != NULL && token->kind == PROMQL_WORD && token->len == strlen(word) &&
           strncasecmp(token->text, word, token->len) == 0;
}

bool promql_at_word(const struct promql_reader *reader, const char *word)
{
    return token_is(promql_peek(reader), word);
}

static bool take_word(struct promql_reader *reader, const char *word)
{
    bool there = promql_at_word(reader, word);
    reader->at += there;
    return there;
}

static struct promql_node *read_expression(struct promql_reader *reader, int loosest);

/* The operator at the reader and how many tokens it takes; false if there is none. */
static bool at_operator(const struct promql_reader *reader, enum promql_operator *out,
                        size_t *tokens)
{
    const struct promql_token *token = promql_peek(reader);
    for (size_t i = 0; token != NULL && i < COUNT(operators); i++) {
        const char *text = operators[i].text;
        size_t len = strlen(text);
        bool word = token->kind == PROMQL_WORD && token_is(token, text);
        bool symbols = token->kind == PROMQL_SYMBOL && strncmp(token->text, text, len) == 0;
        if (word || symbols) {
            *out = (enum promql_operator)i;
            *tokens = word ? 1 : len;
            return true;
        }
    }
    return false;
}

/* (a, b): names of labels. */
static bool read_names(struct promql_reader *reader, struct promql_words *out)
{
    if (!promql_take_symbol(reader, '(')) {
        return promql_expected(reader, "( and names of labels") != NULL;
    }
    while (!promql_take_symbol(reader, ')')) {
        const struct promql_token *token = promql_peek(reader);
        if (token == NULL || token->kind != PROMQL_WORD ||
            !promql_is_label(token->text, token->len)) {
            return promql_expected(reader, "the name of a label") != NULL;
        }
        promql_words_add(out, labels_word(reader->labels, token->text, token->len));
        reader->at++;
        if (!promql_take_symbol(reader, ',') && !promql_at_symbol(reader, ')')) {
            return promql_expected(reader, ", or )") != NULL;
        }
    }
    return true;
}

static bool is_set_operator(enum promql_operator operation)
{
    return operation <= PROMQL_UNLESS;
}

static bool is_comparison(enum promql_operator operation)
{
    return operation >= PROMQL_EQ && operation <= PROMQL_GT;
}

/* bool, on, ignoring, group_left and group_right behind an operator. */
static bool read_modifiers(struct promql_reader *reader, struct promql_node *node, bool *matching)
{
    if (promql_at_word(reader, "bool")) {
        if (!is_comparison(node->operation)) {
            return promql_expected(reader, "bool behind a comparison only") != NULL;
        }
        node->as_bool = true;
        reader->at++;
    }
    node->on = take_word(reader, "on");
    *matching = node->on || take_word(reader, "ignoring");
    if (*matching && !read_names(reader, &node->names)) {
        return false;
    }
    bool left = *matching && take_word(reader, "group_left");
    if (left || (*matching && take_word(reader, "group_right"))) {
        node->side = left ? PROMQL_GROUP_LEFT : PROMQL_GROUP_RIGHT;
        if (is_set_operator(node->operation)) {
            return promql_expected(reader, "no grouping with and, or, unless") != NULL;
        }
        if (promql_at_symbol(reader, '(') && !read_names(reader, &node->include)) {
            return false;
        }
    }
    if (!node->on) {
        promql_words_add(&node->names, LABELS_NAME);
    }
    return true;
}

static bool check_operands(struct promql_reader *reader, struct promql_node *node, bool matching)
{
    enum promql_type left = node->argument[0]->type, right = node->argument[1]->type;
    bool vectors = left == PROMQL_VECTOR && right == PROMQL_VECTOR;
    if (left == PROMQL_MATRIX || right == PROMQL_MATRIX) {
        return promql_expected(reader, "no range as an operand") != NULL;
    }
    if (is_set_operator(node->operation) && !vectors) {
        return promql_expected(reader, "vectors around and, or, unless") != NULL;
    }
    if (matching && !vectors) {
        return promql_expected(reader, "vectors around on and ignoring") != NULL;
    }
    bool scalars = left == PROMQL_SCALAR && right == PROMQL_SCALAR;
    if (scalars && is_comparison(node->operation) && !node->as_bool) {
        return promql_expected(reader, "bool in a comparison of numbers") != NULL;
    }
    node->type = scalars ? PROMQL_SCALAR : PROMQL_VECTOR;
    return true;
}

/* `left` becomes the first operand, or is freed. */
static struct promql_node *read_binary(struct promql_reader *reader, struct promql_node *left,
                                       enum promql_operator operation)
{
    struct promql_node *node = promql_node_new(PROMQL_BINARY, PROMQL_VECTOR);
    bool matching = false;
    int precedence = operators[operation].precedence;
    node->operation = operation;
    node->argument[node->argument_count++] = left;
    if (read_modifiers(reader, node, &matching)) {
        struct promql_node *right =
            read_expression(reader, precedence == POW_PRECEDENCE ? precedence : precedence + 1);
        if (right != NULL) {
            node->argument[node->argument_count++] = right;
            if (check_operands(reader, node, matching)) {
                return node;
            }
        }
    }
    promql_node_free(node);
    return NULL;
}

static bool read_argument(struct promql_reader *reader, struct promql_node *node)
{
    struct promql_node *argument = read_expression(reader, 1);
    if (argument != NULL) {
        node->argument[node->argument_count++] = argument;
    }
    return argument != NULL;
}

static bool read_arguments(struct promql_reader *reader, struct promql_node *node)
{
    if (!promql_take_symbol(reader, '(')) {
        return promql_expected(reader, "(") != NULL;
    }
    while (!promql_take_symbol(reader, ')')) {
        if (node->argument_count == PROMQL_ARGUMENTS_MAX) {
            return promql_expected(reader, "fewer arguments") != NULL;
        }
        if (!read_argument(reader, node)) {
            return false;
        }
        if (node->kind == PROMQL_CALL && node->function == PROMQL_FN_LABEL_REPLACE) {
            return promql_read_replacement(reader, node);
        }
        if (!promql_take_symbol(reader, ',') && !promql_at_symbol(reader, ')')) {
            return promql_expected(reader, ", or )") != NULL;
        }
    }
    return true;
}

/* The first argument is what the table says, all others are numbers. */
static bool check_arguments(struct promql_reader *reader, const struct promql_node *node)
{
    static const char *const wanted[] = {[PROMQL_SCALAR] = "a number as the argument",
                                         [PROMQL_VECTOR] = "a vector as the argument",
                                         [PROMQL_MATRIX] = "a range as the argument"};
    size_t function = (size_t)node->function;
    if (node->argument_count < functions[function].least ||
        node->argument_count > functions[function].most) {
        return promql_expected(reader, "another number of arguments") != NULL;
    }
    for (size_t i = 0; i < node->argument_count; i++) {
        enum promql_type type = i == 0 ? functions[function].takes : PROMQL_SCALAR;
        if (node->argument[i]->type != type) {
            return promql_expected(reader, wanted[type]) != NULL;
        }
    }
    return true;
}

static struct promql_node *read_call(struct promql_reader *reader, enum promql_function function)
{
    bool number = function == PROMQL_FN_SCALAR_OF || function == PROMQL_FN_TIME;
    struct promql_node *node = promql_node_new(PROMQL_CALL, number ? PROMQL_SCALAR : PROMQL_VECTOR);
    node->function = function;
    reader->at++;
    if (!read_arguments(reader, node) || !check_arguments(reader, node)) {
        promql_node_free(node);
        return NULL;
    }
    return node;
}

/* False only if there is something wrong, not if there is nothing. */
static bool read_grouping(struct promql_reader *reader, struct promql_node *node, bool *there)
{
    bool by = take_word(reader, "by");
    node->without = !by && take_word(reader, "without");
    *there = by || node->without;
    return !*there || read_names(reader, &node->names);
}

/* sum by (a) (x) and sum(x) by (a). */
static bool read_aggregate_parts(struct promql_reader *reader, struct promql_node *node)
{
    bool grouped = false;
    if (!read_grouping(reader, node, &grouped) || !read_arguments(reader, node)) {
        return false;
    }
    if (node->argument_count != 1 || node->argument[0]->type != PROMQL_VECTOR) {
        return promql_expected(reader, "one vector to aggregate") != NULL;
    }
    if (!grouped && !read_grouping(reader, node, &grouped)) {
        return false;
    }
    if (node->without) {
        promql_words_add(&node->names, LABELS_NAME);
    }
    return true;
}

static struct promql_node *read_aggregate(struct promql_reader *reader,
                                          enum promql_aggregation aggregation)
{
    struct promql_node *node = promql_node_new(PROMQL_AGGREGATE, PROMQL_VECTOR);
    node->aggregation = aggregation;
    reader->at++;
    if (!read_aggregate_parts(reader, node)) {
        promql_node_free(node);
        return NULL;
    }
    return node;
}

static struct promql_node *literal(struct promql_reader *reader, double number)
{
    struct promql_node *node = promql_node_new(PROMQL_LITERAL, PROMQL_SCALAR);
    node->number = number;
    reader->at++;
    return node;
}

static struct promql_node *read_number(struct promql_reader *reader,
                                       const struct promql_token *token)
{
    char text[NUMBER_BYTES];
    double number = 0;
    if (token->len >= sizeof text) {
        return promql_expected(reader, "a shorter number");
    }
    memcpy(text, token->text, token->len);
    text[token->len] = '\0';
    if (!text_to_f64(text, &number)) {
        return promql_expected(reader, "a finite decimal number");
    }
    return literal(reader, number);
}

static bool is_reserved(const struct promql_token *token)
{
    static const char *const words[] = {"bool",        "on",     "ignoring", "group_left",
                                        "group_right", "offset", "by",       "without",
                                        "or",          "and",    "unless",   "atan2"};
    for (size_t i = 0; i < COUNT(words); i++) {
        if (token_is(token, words[i])) {
            return true;
        }
    }
    return false;
}

/* A word can be a function, an aggregation, a number or a metric. */
static struct promql_node *read_word(struct promql_reader *reader, const struct promql_token *token)
{
    const struct promql_token *next =
        reader->at + 1 < reader->count ? &reader->token[reader->at + 1] : NULL;
    bool call = next != NULL && next->kind == PROMQL_SYMBOL && next->text[0] == '(';
    bool grouping = token_is(next, "by") || token_is(next, "without");
    for (size_t i = 0; (call || grouping) && i < COUNT(aggregations); i++) {
        if (token_is(token, aggregations[i])) {
            return read_aggregate(reader, (enum promql_aggregation)i);
        }
    }
    for (size_t i = 0; call && i < COUNT(functions); i++) {
        if (token->len == strlen(functions[i].text) && token_is(token, functions[i].text)) {
            return read_call(reader, (enum promql_function)i);
        }
    }
    if (call) {
        return promql_expected(reader, "a function of the supported subset");
    }
    if (token_is(token, "inf") || token_is(token, "nan")) {
        return literal(reader, token_is(token, "inf") ? INFINITY : NAN);
    }
    if (is_reserved(token)) {
        return promql_expected(reader, "an operand");
    }
    return promql_read_selector(reader);
}

static struct promql_node *read_brackets(struct promql_reader *reader)
{
    reader->at++;
    struct promql_node *node = read_expression(reader, 1);
    if (node != NULL && !promql_take_symbol(reader, ')')) {
        promql_node_free(node);
        return promql_expected(reader, ")");
    }
    return node;
}

/* -x: a literal is turned at once, +x is x. */
static struct promql_node *read_signed(struct promql_reader *reader)
{
    bool minus = promql_at_symbol(reader, '-');
    reader->at++;
    struct promql_node *operand = read_expression(reader, SIGN_PRECEDENCE + 1);
    if (operand == NULL || !minus) {
        return operand;
    }
    if (operand->type == PROMQL_MATRIX) {
        promql_node_free(operand);
        return promql_expected(reader, "no range behind a sign");
    }
    struct promql_node *node = promql_node_new(PROMQL_NEGATE, operand->type);
    node->argument[node->argument_count++] = operand;
    return node;
}

static struct promql_node *read_operand(struct promql_reader *reader)
{
    const struct promql_token *token = promql_peek(reader);
    if (token == NULL) {
        return promql_expected(reader, "an operand");
    }
    if (promql_at_symbol(reader, '(')) {
        return read_brackets(reader);
    }
    if (promql_at_symbol(reader, '-') || promql_at_symbol(reader, '+')) {
        return read_signed(reader);
    }
    if (token->kind == PROMQL_NUMBER) {
        return read_number(reader, token);
    }
    if (token->kind == PROMQL_WORD) {
        return read_word(reader, token);
    }
    return promql_at_symbol(reader, '{') ? promql_read_selector(reader)
                                         : promql_expected(reader, "an operand");
}

static struct promql_node *climb(struct promql_reader *reader, int loosest)
{
    struct promql_node *left = read_operand(reader);
    enum promql_operator operation = PROMQL_OR;
    size_t tokens = 0;
    for (size_t links = 0; left != NULL && at_operator(reader, &operation, &tokens) &&
                           operators[operation].precedence >= loosest;
         links++) {
        if (links == PROMQL_DEPTH_MAX) { /* a chain nests to the left */
            promql_node_free(left);
            return promql_expected(reader, "fewer operators in a row");
        }
        reader->at += tokens;
        left = read_binary(reader, left, operation);
    }
    return left;
}

/* An expression of operators that bind at least as tight as `loosest`. */
static struct promql_node *read_expression(struct promql_reader *reader, int loosest)
{
    if (reader->depth == PROMQL_DEPTH_MAX) {
        return promql_expected(reader, "an expression that nests less");
    }
    reader->depth++;
    struct promql_node *node = climb(reader, loosest);
    reader->depth--;
    return node;
}

static enum err read_all(const char *expr, struct labels *labels, struct promql_node **out,
                         struct error *error)
{
    struct promql_reader reader = {.labels = labels, .error = error, .last_line = 1};
    *out = NULL;
    enum err code = promql_tokens(expr, &reader.token, &reader.count, error);
    if (code != ERR_OK) {
        return code;
    }
    if (reader.count > 0) {
        reader.last_line = reader.token[reader.count - 1].line;
    }
    struct promql_node *node = read_expression(&reader, 1);
    if (node != NULL && promql_peek(&reader) != NULL) {
        promql_node_free(node);
        node = promql_expected(&reader, "an operator or the end");
    }
    mem_free(reader.token);
    *out = node;
    return node != NULL ? ERR_OK : ERR_INPUT;
}

enum err promql_parse(const char *expr, struct labels *labels, struct promql_node **out,
                      struct error *error)
{
    enum err code = read_all(expr, labels, out, error);
    if (code == ERR_OK && (*out)->type == PROMQL_MATRIX) {
        promql_node_free(*out);
        *out = NULL;
        return error_set(error, ERR_INPUT, NULL, 1, "expected a vector or a number, got a range");
    }
    return code;
}

enum err promql_parse_series(const char *text, struct labels *labels, int *set, struct error *error)
{
    struct promql_node *node = NULL;
    enum err code = read_all(text, labels, &node, error);
    bool plain = code == ERR_OK && node->kind == PROMQL_SELECTOR && node->range_ms == 0 &&
                 node->offset_ms == 0;
    *set = LABELS_EMPTY_SET;
    for (size_t i = 0; plain && i < node->matcher_count; i++) {
        const struct promql_matcher *matcher = &node->matcher[i];
        struct label pair = {matcher->name, matcher->value};
        plain = matcher->match == PROMQL_EQUAL &&
                labels_value(labels, *set, pair.name) == LABELS_EMPTY_WORD;
        *set = labels_with(labels, *set, &pair, 1);
    }
    if (code == ERR_OK && !plain) {
        code = error_set(error, ERR_INPUT, NULL, 1,
                         "expected a series such as up{job=\"a\"}, got %.200s", text);
    }
    promql_node_free(node);
    return code;
}

int64_t promql_reach_ms(const struct promql_node *node, int64_t lookback_ms)
{
    int64_t reach_ms = 0;
    if (node->kind == PROMQL_SELECTOR) {
        reach_ms = (node->range_ms > 0 ? node->range_ms : lookback_ms) + node->offset_ms;
    }
    for (size_t i = 0; i < node->argument_count; i++) {
        int64_t below_ms = promql_reach_ms(node->argument[i], lookback_ms);
        reach_ms = below_ms > reach_ms ? below_ms : reach_ms;
    }
    return reach_ms;
}
