/*
 * Regular expressions: Prometheus has RE2, here is POSIX. Both read literals, ., *, +, ?, |,
 * brackets and escaped punctuation alike; what they read differently, or what only one of them
 * knows (classes such as \d, flags, lazy repeats, counted repeats), is refused, so that a rule
 * never means something else here.
 */
#include "observe/promql_parse_int.h"

#include "base/mem.h"

#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define REGEX_MAX_BYTES 256
#define TEXT_MAX_BYTES 4096
#define NS_PER_MS 1000000

bool promql_is_label(const char *text, size_t len)
{
    bool right = len > 0 && !isdigit((unsigned char)text[0]);
    for (size_t i = 0; i < len; i++) {
        right = right && (isalnum((unsigned char)text[i]) || text[i] == '_');
    }
    return right;
}

/* NULL if the expression means the same to RE2 and to POSIX. */
static const char *why_not(const char *text)
{
    bool in_brackets = false;
    for (const char *at = text; *at != '\0'; at++) {
        if (*at == '\\') {
            if (in_brackets || at[1] == '\0' || isalnum((unsigned char)at[1])) {
                return "a backslash before a letter, a digit or inside brackets";
            }
            at++;
        } else if (in_brackets) {
            in_brackets = *at != ']';
            if (*at == '[') {
                return "a bracket inside brackets";
            }
        } else if (*at == '[') {
            in_brackets = true;
            if (at[1] == ']' || (at[1] == '^' && at[2] == ']')) {
                return "] first inside brackets";
            }
        } else if (*at == '{' || *at == '}') {
            return "counted repeats";
        } else if (strchr("*+?", *at) != NULL && (at == text || strchr("*+?(|^", at[-1]) != NULL)) {
            return "flags, lazy or doubled repeats";
        }
    }
    return NULL;
}

static bool compile(struct promql_reader *reader, struct promql_matcher *matcher, int line)
{
    char anchored[REGEX_MAX_BYTES + 8];
    const char *text = labels_text(reader->labels, matcher->value);
    if (strlen(text) > REGEX_MAX_BYTES) {
        (void)error_set(reader->error, ERR_INPUT, NULL, line,
                        "expected a regular expression of at most %d bytes", REGEX_MAX_BYTES);
        return false;
    }
    const char *why = why_not(text);
    if (why != NULL) {
        (void)error_set(reader->error, ERR_INPUT, NULL, line,
                        "the regular expression \"%s\" is outside the supported subset: %s", text,
                        why);
        return false;
    }
    (void)snprintf(anchored, sizeof anchored, "^(%s)$", text);
    if (regcomp(&matcher->regex, anchored, REG_EXTENDED | REG_NOSUB) != 0) {
        (void)error_set(reader->error, ERR_INPUT, NULL, line,
                        "expected a regular expression, got \"%s\"", text);
        return false;
    }
    matcher->compiled = true;
    return true;
}

static char escaped(char c)
{
    static const char from[] = "abfnrtv\\'\"", to[] = "\a\b\f\n\r\t\v\\'\"";
    const char *found = c != '\0' ? strchr(from, c) : NULL;
    return found != NULL ? to[found - from] : '\0';
}

/* The word a string token stands for; -1 with the error noted. */
static int read_string(struct promql_reader *reader, const struct promql_token *token)
{
    char text[TEXT_MAX_BYTES];
    size_t len = 0;
    bool raw = token->text[0] == '`';
    if (token->len > sizeof text) {
        (void)promql_expected(reader, "a shorter string");
        return -1;
    }
    for (size_t i = 1; i + 1 < token->len; i++) {
        char c = token->text[i];
        if (!raw && c == '\\') {
            c = escaped(token->text[++i]);
            if (c == '\0') {
                (void)promql_expected(reader, "one of the escapes abfnrtv\\'\" in a string");
                return -1;
            }
        }
        text[len++] = c;
    }
    return labels_word(reader->labels, text, len);
}

static bool read_match(struct promql_reader *reader, enum promql_match *match)
{
    static const char wanted[] = "=, !=, =~ or !~";
    bool no = promql_take_symbol(reader, '!');
    bool equal = promql_take_symbol(reader, '=');
    bool like = (!no || !equal) && promql_take_symbol(reader, '~');
    if ((!no && !equal) || (no && !equal && !like)) {
        return promql_expected(reader, wanted) != NULL;
    }
    *match = like ? (no ? PROMQL_NOT_LIKE : PROMQL_LIKE) : no ? PROMQL_NOT_EQUAL : PROMQL_EQUAL;
    return true;
}

static struct promql_matcher *add_matcher(struct promql_node *node)
{
    if (node->matcher_count == node->matcher_capacity) {
        node->matcher_capacity = node->matcher_capacity ? 2 * node->matcher_capacity : 4;
        node->matcher = mem_resize(node->matcher, node->matcher_capacity, sizeof *node->matcher);
    }
    struct promql_matcher *matcher = &node->matcher[node->matcher_count++];
    memset(matcher, 0, sizeof *matcher);
    return matcher;
}

static bool read_matcher(struct promql_reader *reader, struct promql_node *node)
{
    const struct promql_token *token = promql_peek(reader);
    if (token == NULL || token->kind != PROMQL_WORD || !promql_is_label(token->text, token->len)) {
        return promql_expected(reader, "the name of a label") != NULL;
    }
    struct promql_matcher *matcher = add_matcher(node);
    matcher->name = labels_word(reader->labels, token->text, token->len);
    reader->at++;
    if (!read_match(reader, &matcher->match)) {
        return false;
    }
    token = promql_peek(reader);
    if (token == NULL || token->kind != PROMQL_STRING) {
        return promql_expected(reader, "a label's value in quotes") != NULL;
    }
    matcher->value = read_string(reader, token);
    if (matcher->value < 0) {
        return false;
    }
    reader->at++;
    bool like = matcher->match == PROMQL_LIKE || matcher->match == PROMQL_NOT_LIKE;
    return !like || compile(reader, matcher, token->line);
}

/* `, "text"`: its word; -1 with the error noted. */
static int read_string_argument(struct promql_reader *reader)
{
    const struct promql_token *token = NULL;
    if (promql_take_symbol(reader, ',')) {
        token = promql_peek(reader);
    }
    if (token == NULL || token->kind != PROMQL_STRING) {
        (void)promql_expected(reader, "four strings behind the vector");
        return -1;
    }
    int word = read_string(reader, token);
    reader->at += word >= 0;
    return word;
}

static bool check_replacement(struct promql_reader *reader, const struct label *replacement)
{
    const char *name = labels_text(reader->labels, replacement->name);
    if (!promql_is_label(name, strlen(name))) {
        return promql_expected(reader, "the name of a label to put in") != NULL;
    }
    if (strchr(labels_text(reader->labels, replacement->value), '$') != NULL) {
        return promql_expected(reader, "a replacement without references ($)") != NULL;
    }
    return true;
}

bool promql_read_replacement(struct promql_reader *reader, struct promql_node *node)
{
    int word[4];
    int line = 0;
    for (size_t i = 0; i < 4; i++) {
        word[i] = read_string_argument(reader);
        if (word[i] < 0) {
            return false;
        }
        line = reader->token[reader->at - 1].line;
    }
    node->replacement = (struct label){.name = word[0], .value = word[1]};
    struct promql_matcher *matcher = add_matcher(node);
    *matcher = (struct promql_matcher){.match = PROMQL_LIKE, .name = word[2], .value = word[3]};
    return check_replacement(reader, &node->replacement) && compile(reader, matcher, line) &&
           (promql_take_symbol(reader, ')') || promql_expected(reader, ")") != NULL);
}

static bool read_matchers(struct promql_reader *reader, struct promql_node *node)
{
    if (!promql_take_symbol(reader, '{')) {
        return true;
    }
    while (!promql_take_symbol(reader, '}')) {
        if (!read_matcher(reader, node)) {
            return false;
        }
        if (!promql_take_symbol(reader, ',') && !promql_at_symbol(reader, '}')) {
            return promql_expected(reader, ", or }") != NULL;
        }
    }
    return true;
}

/* A whole number of milliseconds is all that text_to_duration_ns reads. */
static bool read_range(struct promql_reader *reader, struct promql_node *node)
{
    if (!promql_take_symbol(reader, '[')) {
        return true;
    }
    const struct promql_token *token = promql_peek(reader);
    if (token == NULL || token->role != PROMQL_RANGE || token->duration_ns <= 0) {
        return promql_expected(reader, token != NULL && token->role == PROMQL_SUBQUERY
                                           ? "a range (subqueries are outside the subset)"
                                           : "a range such as 5m") != NULL;
    }
    node->range_ms = token->duration_ns / NS_PER_MS;
    node->type = PROMQL_MATRIX;
    reader->at++;
    return promql_take_symbol(reader, ']') || promql_expected(reader, "]") != NULL;
}

static bool read_offset(struct promql_reader *reader, struct promql_node *node)
{
    if (!promql_at_word(reader, "offset")) {
        return true;
    }
    reader->at++;
    bool minus = promql_take_symbol(reader, '-');
    if (!minus) {
        (void)promql_take_symbol(reader, '+');
    }
    const struct promql_token *token = promql_peek(reader);
    if (token == NULL || token->role != PROMQL_OFFSET) {
        return promql_expected(reader, "a duration behind offset") != NULL;
    }
    node->offset_ms = token->duration_ns / NS_PER_MS * (minus ? -1 : 1);
    reader->at++;
    return true;
}

static bool matches_one(const struct promql_matcher *matcher, const struct labels *labels,
                        int value)
{
    switch (matcher->match) {
    case PROMQL_EQUAL:
        return value == matcher->value;
    case PROMQL_NOT_EQUAL:
        return value != matcher->value;
    case PROMQL_LIKE:
        return regexec(&matcher->regex, labels_text(labels, value), 0, NULL, 0) == 0;
    case PROMQL_NOT_LIKE:
        break;
    }
    return regexec(&matcher->regex, labels_text(labels, value), 0, NULL, 0) != 0;
}

bool promql_matches(const struct promql_node *node, const struct labels *labels, int set)
{
    assert(node->matcher_count > 0);
    for (size_t i = 0; i < node->matcher_count; i++) {
        const struct promql_matcher *matcher = &node->matcher[i];
        if (!matches_one(matcher, labels, labels_value(labels, set, matcher->name))) {
            return false;
        }
    }
    return true;
}

/* Prometheus refuses {} and {a=~".*"}: a selector must ask for something. */
static bool asks_for_something(const struct promql_node *node, const struct labels *labels)
{
    for (size_t i = 0; i < node->matcher_count; i++) {
        if (!matches_one(&node->matcher[i], labels, LABELS_EMPTY_WORD)) {
            return true;
        }
    }
    return false;
}

static bool read_parts(struct promql_reader *reader, struct promql_node *node)
{
    const struct promql_token *token = promql_peek(reader);
    if (token->kind == PROMQL_WORD) {
        struct promql_matcher *matcher = add_matcher(node);
        matcher->name = LABELS_NAME;
        matcher->value = labels_word(reader->labels, token->text, token->len);
        reader->at++;
    }
    if (!read_matchers(reader, node)) {
        return false;
    }
    if (!asks_for_something(node, reader->labels)) {
        return promql_expected(reader, "a matcher that does not match the empty text") != NULL;
    }
    return read_range(reader, node) && read_offset(reader, node);
}

struct promql_node *promql_read_selector(struct promql_reader *reader)
{
    struct promql_node *node = promql_node_new(PROMQL_SELECTOR, PROMQL_VECTOR);
    if (!read_parts(reader, node)) {
        promql_node_free(node);
        return NULL;
    }
    return node;
}
