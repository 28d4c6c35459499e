/*
 * A worker wants two fields of each answer, on its own thread, between two requests. A parser would
 * build a tree of everything first. Here the caller drives: it enters what it wants and skips the
 * rest, and what is skipped is held to the same grammar, so that a malformed answer is noticed in
 * the parts nobody reads, too. fuzz/fuzz_reply.c reads the same bytes with jansson, which must
 * agree.
 */
#include "load/scan.h"

#include <string.h>

struct scan scan_start(const char *text, size_t len)
{
    const char *start = text != NULL ? text : "";
    return (struct scan){.start = start, .at = start, .end = start + len};
}

bool scan_fail(struct scan *scan, const char *problem)
{
    if (scan->problem == NULL) {
        scan->problem = problem;
    }
    return false;
}

/* The next byte that is not blank, '\0' at the end or after a fault. */
static char peek(struct scan *scan)
{
    if (scan->problem != NULL) {
        return '\0';
    }
    while (scan->at < scan->end &&
           (*scan->at == ' ' || *scan->at == '\t' || *scan->at == '\n' || *scan->at == '\r')) {
        scan->at++;
    }
    return scan->at < scan->end ? *scan->at : '\0';
}

bool scan_open(struct scan *scan, char bracket)
{
    if (peek(scan) != bracket) {
        return scan_fail(scan, bracket == '{' ? "expected an object" : "expected an array");
    }
    if (++scan->depth > SCAN_DEPTH_MAX) {
        return scan_fail(scan, "nested too deeply");
    }
    scan->at++;
    scan->opened = true;
    return true;
}

/* Stands before the next member and returns true, or passes the closing bracket. */
static bool member_follows(struct scan *scan, char closing, const char *expected)
{
    char next = peek(scan);
    bool first = scan->opened;
    scan->opened = false;
    if (next == closing) {
        scan->at++;
        scan->depth--;
        return false;
    }
    if (first) {
        return next != '\0' || scan_fail(scan, expected);
    }
    if (next != ',') {
        return scan_fail(scan, expected);
    }
    scan->at++;
    return true;
}

bool scan_key(struct scan *scan, struct scan_text *key)
{
    if (!member_follows(scan, '}', "expected ',' or '}'") || !scan_string(scan, key)) {
        return false;
    }
    if (peek(scan) != ':') {
        return scan_fail(scan, "expected ':'");
    }
    scan->at++;
    return true;
}

bool scan_element(struct scan *scan)
{
    if (!member_follows(scan, ']', "expected ',' or ']'")) {
        return false;
    }
    return peek(scan) != ']' || scan_fail(scan, "expected a value");
}

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

static int hex_digit(char byte)
{
    if (is_digit(byte)) {
        return byte - '0';
    }
    char lower = (char)(byte | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* Value of the four hexadecimal digits after \u, -1 if they are not there. */
static int32_t hex_quad(const char *at, const char *end)
{
    if (end - at < 4) {
        return -1;
    }
    int32_t value = 0;
    for (int i = 0; i < 4; i++) {
        int digit = hex_digit(at[i]);
        if (digit < 0) {
            return -1;
        }
        value = value * 16 + digit;
    }
    return value;
}

bool scan_string(struct scan *scan, struct scan_text *out)
{
    if (peek(scan) != '"') {
        return scan_fail(scan, "expected a string");
    }
    const char *start = ++scan->at;
    while (scan->at < scan->end && *scan->at != '"') {
        if ((unsigned char)*scan->at < 0x20) {
            return scan_fail(scan, "control character in a string");
        }
        if (*scan->at++ != '\\') {
            continue;
        }
        char escape = scan->at < scan->end ? *scan->at : '\0';
        if (escape == '\0' || strchr("\"\\/bfnrtu", escape) == NULL ||
            (escape == 'u' && hex_quad(scan->at + 1, scan->end) < 0)) {
            return scan_fail(scan, "bad escape in a string");
        }
        scan->at += escape == 'u' ? 5 : 1;
    }
    if (scan->at == scan->end) {
        return scan_fail(scan, "string without an end");
    }
    *out = (struct scan_text){.bytes = start, .len = (size_t)(scan->at - start)};
    scan->at++;
    return true;
}

static bool pass_digits(struct scan *scan)
{
    const char *start = scan->at;
    while (scan->at < scan->end && is_digit(*scan->at)) {
        scan->at++;
    }
    return scan->at > start;
}

static bool next_is(const struct scan *scan, const char *any_of)
{
    return scan->at < scan->end && *scan->at != '\0' && strchr(any_of, *scan->at) != NULL;
}

/* Passes a number by the JSON grammar; *whole tells whether it had neither fraction nor exponent.
 */
static bool pass_number(struct scan *scan, bool *whole)
{
    *whole = true;
    if (next_is(scan, "-")) {
        scan->at++;
    }
    if (next_is(scan, "0")) {
        scan->at++;
    } else if (!pass_digits(scan)) {
        return scan_fail(scan, "expected a value");
    }
    if (next_is(scan, ".")) {
        *whole = false;
        scan->at++;
        if (!pass_digits(scan)) {
            return scan_fail(scan, "expected a digit");
        }
    }
    if (next_is(scan, "eE")) {
        *whole = false;
        scan->at++;
        if (next_is(scan, "+-")) {
            scan->at++;
        }
        if (!pass_digits(scan)) {
            return scan_fail(scan, "expected a digit");
        }
    }
    return true;
}

bool scan_integer(struct scan *scan, int64_t *out)
{
    char first = peek(scan);
    if (first != '-' && !is_digit(first)) {
        return scan_fail(scan, "expected a whole number");
    }
    const char *start = scan->at;
    bool whole;
    if (!pass_number(scan, &whole)) {
        return false;
    }
    if (!whole) {
        scan->at = start;
        return scan_fail(scan, "expected a whole number");
    }
    bool negative = first == '-';
    int64_t value = 0; /* gathered below zero, where there is room for INT64_MIN */
    for (const char *digit = start + negative; digit < scan->at; digit++) {
        if (__builtin_mul_overflow(value, INT64_C(10), &value) ||
            __builtin_sub_overflow(value, (int64_t)(*digit - '0'), &value)) {
            *out = negative ? INT64_MIN : INT64_MAX;
            return true;
        }
    }
    *out = negative ? value : value == INT64_MIN ? INT64_MAX : -value;
    return true;
}

static bool pass_word(struct scan *scan, const char *word)
{
    size_t len = strlen(word);
    if ((size_t)(scan->end - scan->at) < len || memcmp(scan->at, word, len) != 0) {
        return false;
    }
    scan->at += len;
    return true;
}

bool scan_string_follows(struct scan *scan)
{
    return peek(scan) == '"';
}

bool scan_null(struct scan *scan)
{
    return peek(scan) == 'n' && pass_word(scan, "null");
}

/* Depth is bounded by scan_open, and so is the recursion. */
bool scan_skip(struct scan *scan)
{
    struct scan_text text;
    bool whole;
    switch (peek(scan)) {
    case '{':
        scan_open(scan, '{');
        while (scan_key(scan, &text) && scan_skip(scan)) {
        }
        return scan->problem == NULL;
    case '[':
        scan_open(scan, '[');
        while (scan_element(scan) && scan_skip(scan)) {
        }
        return scan->problem == NULL;
    case '"':
        return scan_string(scan, &text);
    case 't':
        return pass_word(scan, "true") || scan_fail(scan, "expected a value");
    case 'f':
        return pass_word(scan, "false") || scan_fail(scan, "expected a value");
    case 'n':
        return pass_word(scan, "null") || scan_fail(scan, "expected a value");
    default:
        return pass_number(scan, &whole);
    }
}

bool scan_finish(struct scan *scan)
{
    if (scan->problem == NULL && peek(scan) == '\0' && scan->at == scan->end) {
        return true;
    }
    return scan_fail(scan, "something after the end");
}

/* The character at *at with its escape undone; -1 for one that a single ASCII byte cannot be. */
static int32_t unescape(const char **at, const char *end)
{
    char byte = *(*at)++;
    if (byte != '\\') {
        return (unsigned char)byte;
    }
    char escape = *(*at)++;
    if (escape == 'u') {
        int32_t value = hex_quad(*at, end);
        *at += 4;
        return value;
    }
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    return to[strchr(from, escape) - from];
}

bool scan_text_is(const struct scan_text *text, const char *name)
{
    const char *at = text->bytes, *end = text->bytes + text->len;
    while (at < end && *name != '\0') {
        if (unescape(&at, end) != (unsigned char)*name++) {
            return false;
        }
    }
    return at == end && *name == '\0';
}

/* Joins the two halves of a character beyond 16 bits; -1 if the second does not follow. */
static int32_t join_surrogates(int32_t high, const char **at, const char *end)
{
    if (end - *at < 6 || (*at)[0] != '\\' || (*at)[1] != 'u') {
        return -1;
    }
    *at += 2;
    int32_t low = hex_quad(*at, end);
    *at += 4;
    bool pair = high < 0xdc00 && low >= 0xdc00 && low <= 0xdfff;
    return pair ? 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00) : -1;
}

/* Bytes written, at most four. */
static size_t put_utf8(int32_t point, char *out)
{
    uint32_t bits = (uint32_t)point;
    if (bits < 0x80) {
        out[0] = (char)bits;
        return 1;
    }
    size_t more = bits < 0x800 ? 1 : bits < 0x10000 ? 2 : 3;
    static const uint8_t lead[] = {0, 0xc0, 0xe0, 0xf0};
    out[0] = (char)(lead[more] | bits >> 6 * more);
    for (size_t i = 1; i <= more; i++) {
        out[i] = (char)(0x80 | (bits >> 6 * (more - i) & 0x3f));
    }
    return more + 1;
}

bool scan_text_copy(const struct scan_text *text, char *out, size_t size)
{
    const char *at = text->bytes, *end = text->bytes + text->len;
    size_t used = 0;
    while (at < end) {
        bool escaped = *at == '\\';
        int32_t point = unescape(&at, end);
        if (point >= 0xd800 && point <= 0xdfff) {
            point = join_surrogates(point, &at, end);
        }
        char bytes[4] = {(char)point};
        size_t len = escaped && point > 0 ? put_utf8(point, bytes) : 1;
        if (point <= 0 || used + len >= size) {
            out[0] = '\0';
            return false;
        }
        memcpy(out + used, bytes, len);
        used += len;
    }
    out[used] = '\0';
    return true;
}
