/*
 * The grammar of JSON as pick_read.c passes over it, in a header so that the compiler sees it
 * beside its callers: most of an answer is passed and not read. A function gets the place where it
 * is to begin and returns the place behind; NULL means that a fault was noted. The NUL behind the
 * answer ends every stretch and begins nothing, so the end itself is seldom asked for.
 */
#ifndef LOAD_PICK_GRAMMAR_H
#define LOAD_PICK_GRAMMAR_H

#include "load/pick_int.h"

#include <string.h>

#define HABITS_MAX 8

/* How a member of a place began: comma, key and colon as spelled. Places mostly look alike, and
 * what is spelled alike after the same member leads to the same node. */
struct habit {
    const char *bytes; /* of the answer */
    size_t len;        /* 0 = nothing known */
    const struct pick_node *child;
};

struct reader {
    const struct pick *pick;
    const char *start, *end;
    int depth;
    bool has_films, has_film;
    int32_t sources, scores;        /* arrays beside the list: how many places they filled */
    struct habit habit[HABITS_MAX]; /* of the members of the place before, in order */
    struct pick_answer *out;
};

static inline const char *fail(struct reader *reader, const char *at, const char *problem)
{
    reader->out->problem = problem;
    reader->out->offset = (size_t)(at - reader->start);
    return NULL;
}

/* Most answers have no blanks, so the first byte is looked at alone. */
static inline const char *pass_blank(const char *at)
{
    if ((unsigned char)*at > ' ') {
        return at;
    }
    while (*at == ' ' || *at == '\n' || *at == '\t' || *at == '\r') {
        at++;
    }
    return at;
}

static inline bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define EACH_BYTE UINT64_C(0x0101010101010101)

/* The high bit of every byte of `word` that is zero, and maybe of some after the first such. */
static inline uint64_t zero_bytes(uint64_t word)
{
    return (word - EACH_BYTE) & ~word & EACH_BYTE << 7;
}

/* Likewise for bytes that end a stretch of plain text: a quote, a backslash, a control. */
static inline uint64_t special_bytes(uint64_t word)
{
    uint64_t control = (word - EACH_BYTE * 0x20) & ~word & EACH_BYTE << 7;
    return control | zero_bytes(word ^ EACH_BYTE * '"') | zero_bytes(word ^ EACH_BYTE * '\\');
}

/* To the first byte that is not plain text, or into the last seven. */
static inline const char *pass_plain(const char *at, const char *end)
{
    while (end - at >= 8) {
        uint64_t word;
        memcpy(&word, at, sizeof word);
        uint64_t special = special_bytes(word);
        if (special != 0) {
            return at + (__builtin_ctzll(special) >> 3);
        }
        at += 8;
    }
    return at;
}
#else
static inline const char *pass_plain(const char *at, const char *end)
{
    (void)end;
    return at;
}
#endif

static inline bool is_plain(char byte)
{
    return byte != '"' && byte != '\\' && (unsigned char)byte >= 0x20;
}

/* From behind a backslash to behind the escape; NULL if it is none. */
static inline const char *pass_escape(const char *at, const char *end)
{
    if (*at == '\0' || strchr("\"\\/bfnrtu", *at) == NULL) {
        return NULL;
    }
    if (*at != 'u') {
        return at + 1;
    }
    for (int i = 1; i <= 4; i++) {
        char lower = end - at > i ? (char)(at[i] | 0x20) : '\0';
        if (end - at <= i || !(is_digit(at[i]) || (lower >= 'a' && lower <= 'f'))) {
            return NULL;
        }
    }
    return at + 5;
}

/* The rest of a string in which something else than its end was met, or the end of the answer is
 * near. */
static const char *pass_odd_string(struct reader *reader, const char *at, const char *first,
                                   struct scan_text *out)
{
    while (at < reader->end && *at != '"') {
        if (is_plain(*at)) {
            at++;
            continue;
        }
        if (*at != '\\') {
            return fail(reader, at, "control character in a string");
        }
        const char *after = pass_escape(at + 1, reader->end);
        if (after == NULL) {
            return fail(reader, at, "bad escape in a string");
        }
        at = pass_plain(after, reader->end);
    }
    if (at == reader->end) {
        return fail(reader, at, "string without an end");
    }
    *out = (struct scan_text){.bytes = first, .len = (size_t)(at - first)};
    return at + 1;
}

/* A string, from its opening quote. */
static inline const char *pass_string(struct reader *reader, const char *at, struct scan_text *out)
{
    if (*at != '"') {
        return fail(reader, at, "expected a string");
    }
    const char *first = at + 1;
    at = pass_plain(first, reader->end);
    if (*at != '"') {
        return pass_odd_string(reader, at, first, out);
    }
    *out = (struct scan_text){.bytes = first, .len = (size_t)(at - first)};
    return at + 1;
}

static inline const char *pass_digits(const char *at)
{
    while (is_digit(*at)) {
        at++;
    }
    return at;
}

static inline const char *pass_fraction(struct reader *reader, const char *at)
{
    if (*at == '.') {
        const char *digits = at + 1;
        at = pass_digits(digits);
        if (at == digits) {
            return fail(reader, at, "expected a digit");
        }
    }
    if ((*at | 0x20) == 'e') {
        at++;
        at += *at == '+' || *at == '-';
        const char *digits = at;
        at = pass_digits(digits);
        if (at == digits) {
            return fail(reader, at, "expected a digit");
        }
    }
    return at;
}

static inline const char *pass_number(struct reader *reader, const char *at)
{
    at += *at == '-';
    const char *digits = at;
    at = *at == '0' ? at + 1 : pass_digits(at);
    return at == digits ? fail(reader, at, "expected a value") : pass_fraction(reader, at);
}

static inline const char *pass_word(struct reader *reader, const char *at, const char *word,
                                    size_t len)
{
    if ((size_t)(reader->end - at) < len || memcmp(at, word, len) != 0) {
        return fail(reader, at, "expected a value");
    }
    return at + len;
}

static inline const char *open_container(struct reader *reader, const char *at)
{
    if (++reader->depth > SCAN_DEPTH_MAX) {
        return fail(reader, at, "nested too deeply");
    }
    return at + 1;
}

/* Stands before a member: *more tells whether there is one; if not, the bracket was passed. */
static inline const char *member_follows(struct reader *reader, const char *at, char closing,
                                         bool first, bool *more)
{
    at = pass_blank(at);
    char byte = *at;
    *more = byte != closing;
    if (byte == closing) {
        reader->depth--;
        return at + 1;
    }
    if (first && at < reader->end) {
        return at;
    }
    if (byte != ',') {
        return fail(reader, at, closing == '}' ? "expected ',' or '}'" : "expected ',' or ']'");
    }
    at = pass_blank(at + 1);
    if (closing == ']' && *at == ']') {
        return fail(reader, at, "expected a value");
    }
    return at;
}

/* A key and its colon; stands before the value. */
static inline const char *pass_key(struct reader *reader, const char *at, struct scan_text *key)
{
    at = pass_string(reader, at, key);
    if (at == NULL) {
        return NULL;
    }
    at = pass_blank(at);
    return *at == ':' ? pass_blank(at + 1) : fail(reader, at, "expected ':'");
}

static inline bool are_same_eight(const char *a, const char *b)
{
    uint64_t one, other;
    memcpy(&one, a, sizeof one);
    memcpy(&other, b, sizeof other);
    return one == other;
}

/* Keys are short: two overlapping words see most of them whole. */
static inline bool is_same(const char *a, const char *b, size_t len)
{
    if (len < 8 || len > 16) {
        return memcmp(a, b, len) == 0;
    }
    return are_same_eight(a, b) && are_same_eight(a + len - 8, b + len - 8);
}

/* To the value of a member that begins as it did in the place before; NULL if it does not. */
static inline const char *pass_as_before(const struct reader *reader, const char *at,
                                         const struct habit *habit)
{
    if (habit->len == 0 || (size_t)(reader->end - at) < habit->len ||
        !is_same(at, habit->bytes, habit->len)) {
        return NULL;
    }
    return pass_blank(at + habit->len);
}

/* Any value; standing on its first byte. Depth is bounded by open_container, and so is the
 * recursion. */
static const char *pass_value(struct reader *reader, const char *at);

static const char *pass_members(struct reader *reader, const char *at, char closing)
{
    bool more = true;
    at = open_container(reader, at);
    for (bool first = true; at != NULL; first = false) {
        struct scan_text key;
        at = member_follows(reader, at, closing, first, &more);
        if (at == NULL || !more) {
            return at;
        }
        if (closing == '}') {
            at = pass_key(reader, at, &key);
        }
        at = at != NULL ? pass_value(reader, at) : NULL;
    }
    return NULL;
}

static const char *pass_value(struct reader *reader, const char *at)
{
    struct scan_text text;
    switch (*at) {
    case '{':
        return pass_members(reader, at, '}');
    case '[':
        return pass_members(reader, at, ']');
    case '"':
        return pass_string(reader, at, &text);
    case 't':
        return pass_word(reader, at, "true", 4);
    case 'f':
        return pass_word(reader, at, "false", 5);
    case 'n':
        return pass_word(reader, at, "null", 4);
    default:
        return pass_number(reader, at);
    }
}

#endif
