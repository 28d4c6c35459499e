/*
 * Two passes: the first cuts the text into words as Prometheus' own lexer does, the second walks
 * over them and gives durations their role. Text in strings, label matchers such as {a=~"[5m]"} and
 * comments can then not be taken for a range, and a metric named `offset` or `foo5m` not for a
 * modifier or a duration; a regular expression over the text gets all of these wrong.
 *
 * Prometheus 3 also takes bare seconds ([300]) and arithmetic ([2 * 5m]) where 2.x takes durations
 * only. They are refused, rather than left uncompressed in silence.
 */
#include "observe/promql.h"

#include "base/mem.h"
#include "base/text.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#define DURATION_BYTES 64
#define SHOWN 40

struct lexer {
    const char *at;
    int line;
    bool is_template; /* of a dashboard: knows variables */
    bool in_brackets; /* where ':' parts a range from its step instead of being part of a name */
    struct promql_token *list;
    size_t count, capacity;
    struct error *error;
};

static bool is_word_start(char c)
{
    return isalpha((unsigned char)c) || c == '_';
}

static bool is_word(char c)
{
    return is_word_start(c) || isdigit((unsigned char)c);
}

static void append(struct lexer *lexer, enum promql_kind kind, size_t len)
{
    if (lexer->count == lexer->capacity) {
        lexer->capacity = lexer->capacity ? 2 * lexer->capacity : 32;
        lexer->list = mem_resize(lexer->list, lexer->capacity, sizeof *lexer->list);
    }
    lexer->list[lexer->count++] =
        (struct promql_token){.kind = kind, .text = lexer->at, .len = len, .line = lexer->line};
    for (size_t i = 0; i < len; i++) {
        lexer->line += lexer->at[i] == '\n';
    }
    lexer->at += len;
}

static void skip_blanks_and_comments(struct lexer *lexer)
{
    for (;;) {
        if (*lexer->at == '#') {
            lexer->at += strcspn(lexer->at, "\n");
        } else if (*lexer->at != '\0' && strchr(" \t\r\n", *lexer->at) != NULL) {
            lexer->line += *lexer->at++ == '\n';
        } else {
            return;
        }
    }
}

/* Length of the string at `text` with both quotes; 0 if it does not end. A backquoted string has no
 * escapes and may hold newlines. */
static size_t string_length(const char *text)
{
    char quote = text[0];
    size_t len = 1;
    while (text[len] != quote) {
        bool raw = quote == '`';
        if (text[len] == '\0' || (!raw && text[len] == '\n')) {
            return 0;
        }
        if (!raw && text[len] == '\\' && text[len + 1] != '\0') {
            len++;
        }
        len++;
    }
    return len + 1;
}

/* Length of digits and units in turn; 0 if that is not all that hangs together there, as in 5min or
 * 5m3. Order and size of the units are judged later, where a duration must stand. */
static size_t duration_length(const char *text)
{
    size_t len = 0;
    while (isdigit((unsigned char)text[len])) {
        size_t unit = len + strspn(text + len, "0123456789");
        if (strncmp(text + unit, "ms", 2) == 0) {
            len = unit + 2;
        } else if (text[unit] != '\0' && strchr("smhdwy", text[unit]) != NULL) {
            len = unit + 1;
        } else {
            return 0;
        }
    }
    return is_word(text[len]) || text[len] == '.' ? 0 : len;
}

/* Everything that hangs together, with the sign of an exponent: 1.5e-3 is one word, 0x1e-3 three.
 */
static size_t number_length(const char *text)
{
    bool hexadecimal = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
    size_t len = 0;
    while (is_word(text[len]) || text[len] == '.') {
        bool exponent = !hexadecimal && (text[len] == 'e' || text[len] == 'E');
        len++;
        if (exponent && (text[len] == '+' || text[len] == '-') &&
            isdigit((unsigned char)text[len + 1])) {
            len++;
        }
    }
    return len;
}

static size_t word_length(const struct lexer *lexer)
{
    size_t len = 0;
    while (is_word(lexer->at[len]) || (lexer->at[len] == ':' && !lexer->in_brackets)) {
        len++;
    }
    return len;
}

/* Length of $name, ${...} or [[...]]; 0 if there is none. */
static size_t variable_length(const char *text)
{
    size_t len;
    if (text[0] == '$' && is_word(text[1])) {
        for (len = 1; is_word(text[len]);) {
            len++;
        }
        return len;
    }
    bool braces = text[0] == '$' && text[1] == '{';
    if (!braces && !(text[0] == '[' && text[1] == '[' && is_word_start(text[2]))) {
        return 0;
    }
    len = 2 + strcspn(text + 2, braces ? "}\n" : "]\n");
    if (braces) {
        return text[len] == '}' ? len + 1 : 0;
    }
    return text[len] == ']' && text[len + 1] == ']' ? len + 2 : 0;
}

static bool append_string(struct lexer *lexer)
{
    size_t len = string_length(lexer->at);
    if (len == 0) {
        (void)error_set(lexer->error, ERR_INPUT, NULL, lexer->line,
                        "a string begins with %c and does not end", *lexer->at);
        return false;
    }
    append(lexer, PROMQL_STRING, len);
    return true;
}

static void append_symbol(struct lexer *lexer)
{
    if (*lexer->at == '[') {
        lexer->in_brackets = true;
    } else if (*lexer->at == ']') {
        lexer->in_brackets = false;
    }
    append(lexer, PROMQL_SYMBOL, 1);
}

/* First pass: words, numbers, strings, and every other byte as a symbol. */
static bool cut(struct lexer *lexer)
{
    for (;;) {
        skip_blanks_and_comments(lexer);
        char c = *lexer->at;
        if (c == '\0') {
            return true;
        }
        if (c == '"' || c == '\'' || c == '`') {
            if (!append_string(lexer)) {
                return false;
            }
        } else if (lexer->is_template && variable_length(lexer->at) > 0) {
            append(lexer, PROMQL_VARIABLE, variable_length(lexer->at));
        } else if (isdigit((unsigned char)c) ||
                   (c == '.' && isdigit((unsigned char)lexer->at[1]))) {
            size_t duration = duration_length(lexer->at);
            append(lexer, duration > 0 ? PROMQL_DURATION : PROMQL_NUMBER,
                   duration > 0 ? duration : number_length(lexer->at));
        } else if (is_word_start(c) || (c == ':' && !lexer->in_brackets)) {
            append(lexer, PROMQL_WORD, word_length(lexer));
        } else {
            append_symbol(lexer);
        }
    }
}

static bool is_symbol(const struct promql_token *token, char c)
{
    return token->kind == PROMQL_SYMBOL && token->text[0] == c;
}

static bool is_keyword(const struct promql_token *token, const char *word)
{
    return token->kind == PROMQL_WORD && token->len == strlen(word) &&
           strncasecmp(token->text, word, token->len) == 0;
}

static bool expected(struct lexer *lexer, size_t index, const char *what)
{
    if (index >= lexer->count) {
        (void)error_set(lexer->error, ERR_INPUT, NULL, lexer->line,
                        "expected %s before the end of the expression", what);
    } else {
        const struct promql_token *token = &lexer->list[index];
        int len = token->len < SHOWN ? (int)token->len : SHOWN;
        (void)error_set(lexer->error, ERR_INPUT, NULL, token->line, "expected %s, got %.*s", what,
                        len, token->text);
    }
    return false;
}

/* The token at `index` must be a duration; it gets its value and role. */
static bool give_role(struct lexer *lexer, size_t index, enum promql_role role)
{
    static const char wanted[] = "a duration such as 5m or 1h30m";
    if (index < lexer->count && lexer->list[index].kind == PROMQL_VARIABLE) {
        lexer->list[index].role = role;
        return true;
    }
    if (index >= lexer->count || lexer->list[index].kind != PROMQL_DURATION) {
        return expected(lexer, index, wanted);
    }
    struct promql_token *token = &lexer->list[index];
    char text[DURATION_BYTES];
    if (token->len >= sizeof text) {
        return expected(lexer, index, wanted);
    }
    memcpy(text, token->text, token->len);
    text[token->len] = '\0';
    if (!text_to_duration_ns(text, &token->duration_ns)) {
        return expected(lexer, index, wanted);
    }
    token->role = role;
    return true;
}

/* The tokens behind '[' at `open`; *index is then at ']'. */
static bool read_brackets(struct lexer *lexer, size_t *index)
{
    size_t at = *index + 1;
    size_t range = at;
    if (!give_role(lexer, at++, PROMQL_RANGE)) {
        return false;
    }
    if (at < lexer->count && is_symbol(&lexer->list[at], ':')) {
        lexer->list[range].role = PROMQL_SUBQUERY;
        at++;
        bool bare = at < lexer->count && is_symbol(&lexer->list[at], ']');
        if (!bare && !give_role(lexer, at++, PROMQL_STEP)) {
            return false;
        }
    }
    *index = at;
    return (at < lexer->count && is_symbol(&lexer->list[at], ']')) || expected(lexer, at, "]");
}

/* Whether an operand can end with the token, so that `offset` behind it is no metric. */
static bool ends_operand(const struct promql_token *token)
{
    if (token->kind != PROMQL_WORD) {
        return is_symbol(token, ')') || is_symbol(token, ']') || is_symbol(token, '}') ||
               token->kind == PROMQL_NUMBER;
    }
    return !is_keyword(token, "and") && !is_keyword(token, "or") && !is_keyword(token, "unless") &&
           !is_keyword(token, "atan2") && !is_keyword(token, "bool");
}

/* `offset` may also be a metric or a label. What follows tells: a duration only after the modifier,
 * a bare number only after the modifier in its Prometheus 3 form, unless a sign could be a minus.
 */
static bool read_offset(struct lexer *lexer, size_t index)
{
    size_t value = index + 1;
    bool sign = value < lexer->count &&
                (is_symbol(&lexer->list[value], '-') || is_symbol(&lexer->list[value], '+'));
    value += sign;
    if (value >= lexer->count) {
        return true;
    }
    if (lexer->list[value].kind == PROMQL_DURATION || lexer->list[value].kind == PROMQL_VARIABLE) {
        return give_role(lexer, value, PROMQL_OFFSET);
    }
    bool modifier = !sign || (index > 0 && ends_operand(&lexer->list[index - 1]));
    if (lexer->list[value].kind == PROMQL_NUMBER && modifier) {
        return give_role(lexer, value, PROMQL_OFFSET);
    }
    return true;
}

/* Second pass. */
static bool give_roles(struct lexer *lexer)
{
    for (size_t i = 0; i < lexer->count; i++) {
        const struct promql_token *token = &lexer->list[i];
        bool ok = true;
        if (is_symbol(token, '[')) {
            ok = read_brackets(lexer, &i);
        } else if (is_symbol(token, ']')) {
            ok = expected(lexer, i, "[ before ]");
        } else if (is_keyword(token, "offset")) {
            ok = read_offset(lexer, i);
        }
        if (!ok) {
            return false;
        }
    }
    return true;
}

static enum err tokens(struct lexer *lexer, struct promql_token **out, size_t *count)
{
    *out = NULL;
    *count = 0;
    if (!cut(lexer) || !give_roles(lexer)) {
        mem_free(lexer->list);
        return ERR_INPUT;
    }
    *out = lexer->list;
    *count = lexer->count;
    return ERR_OK;
}

enum err promql_tokens(const char *expr, struct promql_token **out, size_t *count,
                       struct error *error)
{
    struct lexer lexer = {.at = expr, .line = 1, .error = error};
    return tokens(&lexer, out, count);
}

enum err promql_template_tokens(const char *expr, struct promql_token **out, size_t *count,
                                struct error *error)
{
    struct lexer lexer = {.at = expr, .line = 1, .is_template = true, .error = error};
    return tokens(&lexer, out, count);
}
