/*
 * A worker wants a few fields of each answer, on its own thread, between two requests; a parser
 * would build a tree of everything first. Here the compiled pointers go down the answer with the
 * reader: a member that no pointer leads into is passed over, but by the same grammar, so that a
 * malformed answer is noticed in the parts nobody reads, too.
 *
 * The place of reading is handed from call to call, so that it stays in a register. Strings, which
 * most of an answer is, are passed eight bytes at a time. The places of a list mostly spell the
 * same keys in the same order; a key spelled as in the place before is compared with it and not
 * read.
 *
 * fuzz/fuzz_pick.c reads the same bytes with jansson, which must agree.
 */
#include "load/pick_grammar.h"

#include <assert.h>
#include <string.h>

static const char *read_value(struct reader *reader, const char *at, const struct pick_node *node);

/* A whole number; beyond 18 digits *value is INT64_MAX. */
static const char *read_whole(struct reader *reader, const char *at, int64_t *value)
{
    const char *first = at;
    bool negative = *at == '-';
    at += negative;
    const char *digits = at;
    uint64_t sum = 0; /* may wrap, and then there are too many digits */
    while (is_digit(*at)) {
        sum = sum * 10 + (uint64_t)(*at++ - '0');
    }
    if (at > digits && *digits != '0' && *at != '.' && (*at | 0x20) != 'e') {
        *value = at - digits > 18 ? INT64_MAX : negative ? -(int64_t)sum : (int64_t)sum;
        return at;
    }
    if (!negative && !is_digit(*first)) {
        return fail(reader, first, "expected a whole number");
    }
    at = pass_number(reader, first);
    for (const char *byte_at = first; at != NULL && byte_at < at; byte_at++) {
        if (*byte_at == '.' || (*byte_at | 0x20) == 'e') {
            return fail(reader, first, "expected a whole number");
        }
    }
    *value = at == NULL || *digits == '0' ? 0 : INT64_MAX;
    return at;
}

/* The number behind the prefix, 0 if the text does not spell one that can be written back. */
static int64_t id_of_text(const struct pick *pick, const struct scan_text *spelled)
{
    char plain[48];
    const char *text = spelled->bytes;
    size_t len = spelled->len;
    if (memchr(text, '\\', len) != NULL) {
        if (!scan_text_copy(spelled, plain, sizeof plain)) {
            return 0;
        }
        text = plain;
        len = strlen(plain);
    }
    size_t digits = len - pick->prefix_len;
    if (len <= pick->prefix_len || digits > 10 ||
        memcmp(text, pick->prefix, pick->prefix_len) != 0 || text[pick->prefix_len] == '0') {
        return 0;
    }
    int64_t value = 0;
    for (size_t i = pick->prefix_len; i < len; i++) {
        if (!is_digit(text[i])) {
            return 0;
        }
        value = value * 10 + (text[i] - '0');
    }
    return value;
}

static const char *read_film(struct reader *reader, const char *at)
{
    int64_t id = 0;
    if (reader->pick->film_text) {
        struct scan_text text;
        at = pass_string(reader, at, &text);
        id = at != NULL ? id_of_text(reader->pick, &text) : 0;
    } else {
        at = read_whole(reader, at, &id);
    }
    reader->has_film = true;
    reader->out->film_id[reader->out->count] = id > 0 && id <= INT32_MAX ? (int32_t)id : 0;
    return at;
}

/* Who proposed a film and its score are a help and no condition: what is of another type is as good
 * as nothing. */
static inline const char *read_source(struct reader *reader, const char *at, struct scan_text *out)
{
    return *at == '"' ? pass_string(reader, at, out) : pass_value(reader, at);
}

static inline bool begins_number(char byte)
{
    return is_digit(byte) || byte == '-';
}

static inline const char *read_score(struct reader *reader, const char *at, struct scan_text *out)
{
    const char *first = at;
    if (!begins_number(*at)) {
        return pass_value(reader, at);
    }
    at = pass_number(reader, at);
    if (at != NULL) {
        *out = (struct scan_text){.bytes = first, .len = (size_t)(at - first)};
    }
    return at;
}

static const char *read_place(struct reader *reader, const char *at)
{
    const struct pick *pick = reader->pick;
    struct pick_answer *out = reader->out;
    if (out->count == pick->places) {
        return pick->cuts ? pass_value(reader, at)
                          : fail(reader, at, "more recommendations than anybody looks at");
    }
    if (!pick->sources_beside) {
        out->source[out->count] = (struct scan_text){.bytes = NULL};
    }
    if (!pick->scores_beside) {
        out->score[out->count] = (struct scan_text){.bytes = NULL};
    }
    reader->has_film = false;
    at = read_value(reader, at, &pick->node[pick->element]);
    if (at != NULL && !reader->has_film) {
        return fail(reader, at, pick->no_film);
    }
    out->count++;
    return at;
}

static const char *read_films(struct reader *reader, const char *at)
{
    bool more = true;
    reader->has_films = true;
    if (*at != '[') {
        return fail(reader, at, "expected an array");
    }
    at = open_container(reader, at);
    for (bool first = true; at != NULL; first = false) {
        at = member_follows(reader, at, ']', first, &more);
        if (at == NULL || !more) {
            return at;
        }
        at = read_place(reader, at);
    }
    return NULL;
}

/* An array beside the list, of sources or of scores. */
static const char *read_beside(struct reader *reader, const char *at, enum pick_want want)
{
    bool more = true, sources = want == PICK_SOURCES;
    int32_t *filled = sources ? &reader->sources : &reader->scores;
    struct scan_text *place = sources ? reader->out->source : reader->out->score;
    if (*at != '[') {
        return pass_value(reader, at);
    }
    at = open_container(reader, at);
    for (bool first = true; at != NULL; first = false) {
        at = member_follows(reader, at, ']', first, &more);
        if (at == NULL || !more) {
            return at;
        }
        if (*filled == PICK_PLACES_MAX) {
            at = pass_value(reader, at);
            continue;
        }
        struct scan_text *out = &place[(*filled)++];
        *out = (struct scan_text){.bytes = NULL};
        at = sources ? read_source(reader, at, out) : read_score(reader, at, out);
    }
    return NULL;
}

/* The id is kept as it is spelled, escapes and all, so that it goes back byte for byte. */
static const char *read_request_id(struct reader *reader, const char *at)
{
    struct scan_text text;
    if (*at == 'n') {
        return pass_word(reader, at, "null", 4);
    }
    if (reader->pick->request_id_number) {
        const char *first = at;
        at = begins_number(*at) ? pass_number(reader, at) : fail(reader, at, "expected a number");
        text = (struct scan_text){.bytes = first, .len = at != NULL ? (size_t)(at - first) : 0};
    } else {
        at = pass_string(reader, at, &text);
    }
    if (at == NULL) {
        return NULL;
    }
    if (text.len > reader->out->request_id_max) {
        return fail(reader, at, reader->pick->long_id);
    }
    reader->out->request_id = text;
    return at;
}

/* ---- going down ---- */

static inline bool is_key(const struct pick_node *node, const struct scan_text *key)
{
    if (key->len == node->key_len) {
        return memcmp(key->bytes, node->key, key->len) == 0;
    }
    return key->len > node->key_len && memchr(key->bytes, '\\', key->len) != NULL &&
           scan_text_is(key, node->key);
}

static inline const struct pick_node *
child_of_key(const struct pick *pick, const struct pick_node *node, const struct scan_text *key)
{
    for (uint8_t c = node->child; c != 0; c = pick->node[c].sibling) {
        if (is_key(&pick->node[c], key)) {
            return &pick->node[c];
        }
    }
    return NULL;
}

static const struct pick_node *child_at(const struct pick *pick, const struct pick_node *node,
                                        int32_t index)
{
    for (uint8_t c = node->child; c != 0; c = pick->node[c].sibling) {
        if (pick->node[c].index == index) {
            return &pick->node[c];
        }
    }
    return NULL;
}

/* To the value of the next member, and the node it leads to; or past the closing bracket. */
static const char *find_member(struct reader *reader, const char *at, const struct pick_node *node,
                               bool first, const struct pick_node **child, bool *more)
{
    struct scan_text key;
    at = member_follows(reader, at, '}', first, more);
    if (at == NULL || !*more) {
        return at;
    }
    at = pass_key(reader, at, &key);
    *child = at != NULL ? child_of_key(reader->pick, node, &key) : NULL;
    return at;
}

/* Read or passed over; what places consist of does not go through all that a value can be. */
static inline const char *read_member(struct reader *reader, const char *at,
                                      const struct pick_node *node)
{
    struct pick_answer *out = reader->out;
    if (node == NULL) {
        return begins_number(*at) ? pass_number(reader, at) : pass_value(reader, at);
    }
    switch (node->want) {
    case PICK_FILM:
        return read_film(reader, at);
    case PICK_SOURCE:
        return read_source(reader, at, &out->source[out->count]);
    case PICK_SCORE:
        return read_score(reader, at, &out->score[out->count]);
    default:
        return read_value(reader, at, node);
    }
}

/* `habit` [HABITS_MAX], if not NULL, is how the members of another such object began. */
static const char *read_object(struct reader *reader, const char *at, const struct pick_node *node,
                               struct habit *habit)
{
    uint32_t met = 0;
    struct habit *known = habit, *last = habit != NULL ? habit + HABITS_MAX : NULL;
    bool first = true;
    at = open_container(reader, at);
    for (; at != NULL; first = false) {
        const struct pick_node *child = NULL;
        const char *value = known != last ? pass_as_before(reader, at, known) : NULL;
        if (value != NULL) {
            child = known++->child;
        } else {
            bool more = true;
            value = find_member(reader, at, node, first, &child, &more);
            if (value == NULL || !more) {
                return value;
            }
            if (known != last) {
                *known++ = (struct habit){at, (size_t)(value - at), child};
            }
        }
        uint32_t bit = child != NULL ? UINT32_C(1) << child->ordinal : 0;
        if ((met & bit) != 0) {
            return fail(reader, value, child->twice);
        }
        met |= bit;
        at = read_member(reader, value, child);
    }
    return NULL;
}

static const char *read_array(struct reader *reader, const char *at, const struct pick_node *node)
{
    bool more = true;
    at = open_container(reader, at);
    for (int32_t i = 0; at != NULL; i++) {
        at = member_follows(reader, at, ']', i == 0, &more);
        if (at == NULL || !more) {
            return at;
        }
        const struct pick_node *child = child_at(reader->pick, node, i);
        at = child != NULL ? read_value(reader, at, child) : pass_value(reader, at);
    }
    return NULL;
}

static const char *read_container(struct reader *reader, const char *at,
                                  const struct pick_node *node)
{
    char byte = *at;
    if (byte == '{') {
        bool place = node == &reader->pick->node[reader->pick->element];
        return read_object(reader, at, node, place ? reader->habit : NULL);
    }
    if (byte == '[' && node->counts) {
        return read_array(reader, at, node);
    }
    if (node->strict) {
        return fail(reader, at, node->counts ? "expected an array" : "expected an object");
    }
    return pass_value(reader, at);
}

static const char *read_value(struct reader *reader, const char *at, const struct pick_node *node)
{
    struct pick_answer *out = reader->out;
    switch (node->want) {
    case PICK_NOTHING:
        return read_container(reader, at, node);
    case PICK_FILMS:
        return read_films(reader, at);
    case PICK_FILM:
        return read_film(reader, at);
    case PICK_SOURCE:
        return read_source(reader, at, &out->source[out->count]);
    case PICK_SCORE:
        return read_score(reader, at, &out->score[out->count]);
    case PICK_SOURCES:
    case PICK_SCORES:
        return read_beside(reader, at, node->want);
    case PICK_REQUEST_ID:
        return read_request_id(reader, at);
    }
    return NULL;
}

static bool read_answer(struct reader *reader)
{
    const char *at = pass_blank(reader->start);
    at = read_value(reader, at, &reader->pick->node[0]);
    if (at == NULL) {
        return false;
    }
    if (!reader->has_films) {
        return fail(reader, at, reader->pick->no_films) != NULL;
    }
    at = pass_blank(at);
    return at == reader->end || fail(reader, at, "something after the end") != NULL;
}

bool pick_read(const struct pick *pick, const char *text, size_t len, struct pick_answer *out)
{
    const char *start = text != NULL ? text : "";
    assert(start[len] == '\0');
    struct reader reader = {.pick = pick, .start = start, .end = start + len, .out = out};
    out->count = 0;
    out->request_id = (struct scan_text){.bytes = NULL};
    out->problem = NULL;
    if (!read_answer(&reader)) {
        out->count = 0;
        return false;
    }
    for (int32_t i = reader.sources; pick->sources_beside && i < out->count; i++) {
        out->source[i] = (struct scan_text){.bytes = NULL};
    }
    for (int32_t i = reader.scores; pick->scores_beside && i < out->count; i++) {
        out->score[i] = (struct scan_text){.bytes = NULL};
    }
    return true;
}
