/* Selectors and strings. */
#include "observe/lint_expr_int.h"

#include "base/mem.h"

#include <ctype.h>
#include <string.h>

#define TEXT_MAX_BYTES 4096

static int digit_of(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *found = c != '\0' ? strchr(digits, tolower((unsigned char)c)) : NULL;
    return found != NULL ? (int)(found - digits) : -1;
}

/* One escape of Go, at the backslash: \n, \", \x41, \101. Returns the bytes it takes, 0 if it is
 * none. \u stays as it is spelled: nothing here looks at what it stands for. */
static size_t read_escape(const char *text, size_t left, char *out)
{
    static const char from[] = "abfnrtv\\'\"", to[] = "\a\b\f\n\r\t\v\\'\"";
    const char *found = left > 1 && text[1] != '\0' ? strchr(from, text[1]) : NULL;
    if (found != NULL) {
        *out = to[found - from];
        return 2;
    }
    if (left > 1 && (text[1] == 'u' || text[1] == 'U')) {
        *out = '\\';
        return 1;
    }
    bool hexadecimal = left > 1 && text[1] == 'x';
    int base = hexadecimal ? 16 : 8, value = 0;
    size_t first = hexadecimal ? 2 : 1, digits = hexadecimal ? 2 : 3;
    for (size_t i = 0; i < digits; i++) {
        int digit = first + i < left ? digit_of(text[first + i]) : -1;
        if (digit < 0 || digit >= base) {
            return 0;
        }
        value = value * base + digit;
    }
    *out = (char)value;
    return value > 0 && value < 256 ? first + digits : 0;
}

const char *lint_read_string(struct lint_reader *reader)
{
    const struct promql_token *token = lint_peek(reader);
    char text[TEXT_MAX_BYTES];
    size_t len = 0;
    if (token == NULL || token->kind != PROMQL_STRING || token->len > sizeof text) {
        (void)lint_expected(reader, "a string");
        return NULL;
    }
    bool raw = token->text[0] == '`';
    for (size_t i = 1; i + 1 < token->len;) {
        size_t taken = 1;
        text[len] = token->text[i];
        if (!raw && text[len] == '\\') {
            taken = read_escape(token->text + i, token->len - 1 - i, &text[len]);
            if (taken == 0) {
                (void)lint_expected(reader, "a string with the escapes of Go");
                return NULL;
            }
        }
        i += taken;
        len++;
    }
    reader->at++;
    return labels_text(reader->words, labels_word(reader->words, text, len));
}

static const char *read_sign(struct lint_reader *reader)
{
    bool no = lint_take_symbol(reader, '!');
    bool equal = lint_take_symbol(reader, '=');
    bool like = (!no || !equal) && lint_take_symbol(reader, '~');
    if (no && like) {
        return "!~";
    }
    if (equal) {
        return like ? "=~" : no ? "!=" : "=";
    }
    (void)lint_expected(reader, "=, !=, =~ or !~");
    return NULL;
}

static struct lint_matcher *add_matcher(struct lint_node *node)
{
    if (node->matcher_count == node->matcher_capacity) {
        node->matcher_capacity = node->matcher_capacity ? 2 * node->matcher_capacity : 4;
        node->matcher = mem_resize(node->matcher, node->matcher_capacity, sizeof *node->matcher);
    }
    return memset(&node->matcher[node->matcher_count++], 0, sizeof *node->matcher);
}

/* name="value", or, since Prometheus 3, "metric" and "name"="value". */
static bool read_matcher(struct lint_reader *reader, struct lint_node *node)
{
    const struct promql_token *token = lint_peek(reader);
    const char *name = NULL;
    if (token != NULL && token->kind == PROMQL_STRING) {
        name = lint_read_string(reader);
        if (name != NULL && (lint_at_symbol(reader, ',') || lint_at_symbol(reader, '}'))) {
            node->text = name;
            return true;
        }
    } else if (token != NULL && token->kind == PROMQL_WORD &&
               memchr(token->text, ':', token->len) == NULL) {
        name = lint_token_word(reader, token);
        reader->at++;
    } else {
        return lint_expected(reader, "a label");
    }
    const char *sign = name != NULL ? read_sign(reader) : NULL;
    token = lint_peek(reader);
    const char *value = sign != NULL ? lint_read_string(reader) : NULL;
    if (value == NULL) {
        return false;
    }
    if (strcmp(name, "__name__") == 0 && strcmp(sign, "=") == 0 && *node->text == '\0') {
        node->text = value;
        return true;
    }
    *add_matcher(node) =
        (struct lint_matcher){name, sign, value, (size_t)(token->text - reader->expr), token->len};
    return true;
}

static bool read_matchers(struct lint_reader *reader, struct lint_node *node)
{
    while (!lint_take_symbol(reader, '}')) {
        if (!read_matcher(reader, node)) {
            return false;
        }
        if (!lint_take_symbol(reader, ',') && !lint_at_symbol(reader, '}')) {
            return lint_expected(reader, ", or }");
        }
    }
    if (*node->text == '\0' && node->matcher_count == 0) {
        return lint_expected(reader, "a metric or a label before {}");
    }
    return true;
}

struct lint_node *lint_read_selector(struct lint_reader *reader)
{
    struct lint_node *node = lint_node_new(reader, LINT_SELECTOR, LINT_VECTOR);
    const struct promql_token *token = lint_peek(reader);
    node->text = "";
    if (token->kind == PROMQL_WORD) {
        node->text = lint_token_word(reader, token);
        reader->at++;
    }
    if (lint_take_symbol(reader, '{') && !read_matchers(reader, node)) {
        lint_node_free(node);
        return NULL;
    }
    return node;
}
