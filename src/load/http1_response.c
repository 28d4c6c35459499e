/*
 * Heads are read line by line: memchr finds a line's end far faster than a machine that looks at
 * each byte, and of most lines the first letter already tells that nobody needs them. A line that
 * came whole is read where it lies; only one split by the network is copied together first. The
 * states are those between two lines or two stretches of the body, which bounds what has to be
 * remembered between two pieces of input.
 */
#include "load/http1_response.h"

#include <assert.h>
#include <string.h>
#include <strings.h>

enum state {
    STATUS_LINE,
    HEADER_LINE,
    BODY_BY_LENGTH,
    BODY_UNTIL_END,
    CHUNK_SIZE_LINE,
    CHUNK_DATA,
    CHUNK_END_LINE,
    TRAILER_LINE,
    OVER
};

struct input {
    const char *at, *end;
};

struct text {
    const char *at;
    size_t len;
};

void http1_response_init(struct http1_response *response, size_t head_max_bytes)
{
    *response = (struct http1_response){.head_max = head_max_bytes};
    buf_init(&response->line, head_max_bytes);
}

void http1_response_deinit(struct http1_response *response)
{
    buf_deinit(&response->line);
}

/* Forgets an interim response, or the response before. */
static void begin_head(struct http1_response *response)
{
    response->state = STATUS_LINE;
    response->status = 0;
    response->begun = response->keep = false;
    response->has_length = response->chunked = false;
    response->said_close = response->said_keep = response->last_matters = false;
    response->retry_after[0] = '\0';
}

void http1_response_begin(struct http1_response *response)
{
    begin_head(response);
    response->problem = NULL;
    response->head_bytes = 0;
    response->line_borrowed = false;
    buf_reset(&response->line);
}

static enum http1_verdict malformed(struct http1_response *response, const char *problem)
{
    response->problem = problem;
    return HTTP1_MALFORMED;
}

/* ---- lines ---- */

/* The next line without its end; at NULL if it has not come whole. HTTP1_MORE unless it is too
 * long. The line is valid until the next call. */
static enum http1_verdict next_line(struct http1_response *response, struct input *in,
                                    struct text *line)
{
    const char *newline = memchr(in->at, '\n', (size_t)(in->end - in->at));
    const char *stop = newline != NULL ? newline + 1 : in->end;
    size_t len = (size_t)(stop - in->at);
    line->at = in->at;
    line->len = len;
    if (response->line_borrowed) {
        buf_reset(&response->line);
        response->line_borrowed = false;
    }
    response->head_bytes += len;
    if (response->head_bytes > response->head_max) {
        return HTTP1_HEAD_TOO_LONG;
    }
    in->at = stop;
    if (newline == NULL || response->line.len > 0) {
        if (!buf_add(&response->line, line->at, len)) {
            return HTTP1_HEAD_TOO_LONG;
        }
        *line = (struct text){response->line.data, response->line.len};
    }
    if (newline == NULL) {
        line->at = NULL;
        return HTTP1_MORE;
    }
    response->line_borrowed = response->line.len > 0;
    line->len--;
    line->len -= line->len > 0 && line->at[line->len - 1] == '\r';
    return HTTP1_MORE;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool text_is(const struct text *text, const char *lower)
{
    return text->len == strlen(lower) && strncasecmp(text->at, lower, text->len) == 0;
}

static struct text trimmed(const char *at, const char *end)
{
    while (at < end && is_blank(*at)) {
        at++;
    }
    while (at < end && is_blank(end[-1])) {
        end--;
    }
    return (struct text){at, (size_t)(end - at)};
}

/* The next element of a comma-separated list; false at its end. */
static bool next_element(struct text *list, struct text *element)
{
    if (list->at == NULL) {
        return false;
    }
    const char *end = list->at + list->len;
    const char *comma = memchr(list->at, ',', list->len);
    *element = trimmed(list->at, comma != NULL ? comma : end);
    *list = comma != NULL ? (struct text){comma + 1, (size_t)(end - comma - 1)}
                          : (struct text){NULL, 0};
    return true;
}

/* ---- the head ---- */

static enum http1_verdict read_status_line(struct http1_response *response, const struct text *line)
{
    const char *at = line->at;
    if (line->len < strlen("HTTP/1.1 200") || memcmp(at, "HTTP/1.", 7) != 0 || !is_digit(at[7]) ||
        at[8] != ' ' || (line->len > 12 && at[12] != ' ')) {
        return malformed(response, "no HTTP/1 status line");
    }
    if (at[9] < '1' || at[9] > '9' || !is_digit(at[10]) || !is_digit(at[11])) {
        return malformed(response, "a status that is no number from 100 to 999");
    }
    response->minor = at[7] - '0';
    response->status = (at[9] - '0') * 100 + (at[10] - '0') * 10 + (at[11] - '0');
    response->state = HEADER_LINE;
    return HTTP1_MORE;
}

/* What speaks another protocol may never send the end of a line. */
static enum http1_verdict read_status_start(struct http1_response *response)
{
    static const char version[] = "HTTP/1.";
    const struct buf *start = &response->line;
    size_t len = start->len < sizeof version - 1 ? start->len : sizeof version - 1;
    return memcmp(start->data, version, len) == 0 ? HTTP1_MORE
                                                  : malformed(response, "no HTTP/1 status line");
}

static bool read_number(const struct text *text, uint64_t *out)
{
    uint64_t number = 0;
    for (size_t i = 0; i < text->len; i++) {
        if (!is_digit(text->at[i])) {
            return false;
        }
        uint64_t digit = (uint64_t)(text->at[i] - '0');
        bool fits = number <= (UINT64_MAX - digit) / 10;
        number = fits ? number * 10 + digit : UINT64_MAX;
    }
    *out = number;
    return text->len > 0;
}

/* A list of equal numbers is one number, said by each intermediary (RFC 9110, 8.6). */
static enum http1_verdict read_length(struct http1_response *response, struct text value)
{
    struct text element;
    while (next_element(&value, &element)) {
        uint64_t length;
        if (!read_number(&element, &length)) {
            return malformed(response, "a Content-Length that is no number");
        }
        if (response->has_length && response->length != length) {
            return malformed(response, "two different Content-Lengths");
        }
        response->has_length = true;
        response->length = length;
    }
    return HTTP1_MORE;
}

static enum http1_verdict read_coding(struct http1_response *response, struct text value)
{
    struct text element;
    while (next_element(&value, &element)) {
        bool chunked = text_is(&element, "chunked");
        if (response->chunked || (!chunked && !text_is(&element, "identity"))) {
            return malformed(response, "a transfer coding other than chunked");
        }
        response->chunked = chunked;
    }
    return HTTP1_MORE;
}

static void read_connection(struct http1_response *response, struct text value)
{
    struct text element;
    while (next_element(&value, &element)) {
        response->said_close = response->said_close || text_is(&element, "close");
        response->said_keep = response->said_keep || text_is(&element, "keep-alive");
    }
}

static void read_retry_after(struct http1_response *response, struct text value)
{
    if (value.len < sizeof response->retry_after) {
        memcpy(response->retry_after, value.at, value.len);
        response->retry_after[value.len] = '\0';
    }
}

static enum http1_verdict interpret(struct http1_response *response, const struct text *name,
                                    struct text value)
{
    response->last_matters = true;
    if (text_is(name, "content-length")) {
        return read_length(response, value);
    }
    if (text_is(name, "transfer-encoding")) {
        return read_coding(response, value);
    }
    if (text_is(name, "connection")) {
        read_connection(response, value);
    } else if (text_is(name, "retry-after")) {
        read_retry_after(response, value);
    } else {
        response->last_matters = false;
    }
    return HTTP1_MORE;
}

static enum http1_verdict read_header_line(struct http1_response *response, const struct text *line)
{
    const char *colon = memchr(line->at, ':', line->len);
    if (memchr(line->at, '\0', line->len) != NULL) {
        return malformed(response, "a NUL in the head");
    }
    if (is_blank(line->at[0])) { /* continues the line before, as nobody should any more */
        return response->last_matters ? malformed(response, "a header folded over the line")
                                      : HTTP1_MORE;
    }
    if (colon == NULL || colon == line->at || is_blank(colon[-1])) {
        return malformed(response, "a header line without a name");
    }
    struct text name = {line->at, (size_t)(colon - line->at)};
    char first = (char)(line->at[0] | 0x20);
    if (first != 'c' && first != 't' && first != 'r') {
        response->last_matters = false;
        return HTTP1_MORE;
    }
    return interpret(response, &name, trimmed(colon + 1, line->at + line->len));
}

/* ---- the body ---- */

static enum http1_verdict whole(struct http1_response *response)
{
    response->state = OVER;
    return HTTP1_WHOLE;
}

/* May `count` more bytes come? An announcement beyond the maximum is enough to give up. */
static enum http1_verdict expect(struct http1_response *response, uint64_t count, enum state state)
{
    struct buf *body = response->body;
    if (body->failed || count > body->max - body->len) {
        body->failed = true;
        return HTTP1_BODY_TOO_LONG;
    }
    response->left = count;
    response->state = state;
    return HTTP1_MORE;
}

static enum http1_verdict end_head(struct http1_response *response)
{
    if (response->status == 101) {
        return malformed(response, "another protocol, which nobody asked for");
    }
    if (response->status < 200) {
        begin_head(response);
        return HTTP1_MORE;
    }
    bool persistent = response->minor >= 1 || response->said_keep;
    response->keep = persistent && !response->said_close;
    response->head_bytes = 0;
    if (response->status == 204 || response->status == 304) {
        return whole(response);
    }
    if (response->chunked) {
        /* With both, the coding holds, and the connection is not to be trusted (RFC 9112, 6.1). */
        response->keep = response->keep && !response->has_length && response->minor >= 1;
        response->state = CHUNK_SIZE_LINE;
        return HTTP1_MORE;
    }
    if (!response->has_length) {
        response->keep = false;
        response->state = BODY_UNTIL_END;
        return HTTP1_MORE;
    }
    return response->length == 0 ? whole(response)
                                 : expect(response, response->length, BODY_BY_LENGTH);
}

static int hex_digit(char c)
{
    if (is_digit(c)) {
        return c - '0';
    }
    char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

static enum http1_verdict read_chunk_size(struct http1_response *response, const struct text *line)
{
    uint64_t size = 0;
    size_t i = 0;
    for (; i < line->len && hex_digit(line->at[i]) >= 0; i++) {
        if (size > UINT64_MAX >> 4) {
            return malformed(response, "a chunk of more than 2^64 bytes");
        }
        size = size << 4 | (uint64_t)hex_digit(line->at[i]);
    }
    struct text rest = trimmed(line->at + i, line->at + line->len);
    if (i == 0 || (rest.len > 0 && rest.at[0] != ';')) {
        return malformed(response, "a chunk without a size");
    }
    response->head_bytes = 0;
    if (size == 0) {
        response->state = TRAILER_LINE;
        return HTTP1_MORE;
    }
    return expect(response, size, CHUNK_DATA);
}

static enum http1_verdict read_body(struct http1_response *response, struct input *in)
{
    size_t there = (size_t)(in->end - in->at);
    size_t count = there;
    if (response->state != BODY_UNTIL_END && response->left < there) {
        count = (size_t)response->left;
    }
    if (!buf_add(response->body, in->at, count)) {
        return HTTP1_BODY_TOO_LONG;
    }
    in->at += count;
    if (response->state == BODY_UNTIL_END) {
        return HTTP1_MORE;
    }
    response->left -= count;
    if (response->left > 0) {
        return HTTP1_MORE;
    }
    if (response->state == BODY_BY_LENGTH) {
        return whole(response);
    }
    response->state = CHUNK_END_LINE;
    return HTTP1_MORE;
}

/* ---- all of it ---- */

static enum http1_verdict read_line(struct http1_response *response, struct input *in)
{
    struct text line;
    if (response->state == STATUS_LINE) {
        response->begun = true;
    }
    enum http1_verdict verdict = next_line(response, in, &line);
    if (verdict != HTTP1_MORE) {
        return verdict;
    }
    if (line.at == NULL) {
        return response->state == STATUS_LINE ? read_status_start(response) : HTTP1_MORE;
    }
    switch (response->state) {
    case STATUS_LINE:
        return read_status_line(response, &line);
    case HEADER_LINE:
        return line.len == 0 ? end_head(response) : read_header_line(response, &line);
    case CHUNK_SIZE_LINE:
        return read_chunk_size(response, &line);
    case CHUNK_END_LINE:
        response->head_bytes = 0;
        response->state = CHUNK_SIZE_LINE;
        /* A bare LF would hide that the chunk's last byte was the CR. */
        return line.len == 0 && line.at[0] == '\r'
                   ? HTTP1_MORE
                   : malformed(response, "a chunk longer than its size");
    default:
        return line.len == 0 ? whole(response) : HTTP1_MORE; /* trailers tell nothing we need */
    }
}

enum http1_verdict http1_response_feed(struct http1_response *response, const char *bytes,
                                       size_t len, struct buf *body, size_t *used)
{
    assert(response->state != OVER);
    struct input in = {bytes, bytes + len};
    enum http1_verdict verdict = HTTP1_MORE;
    response->body = body;
    while (verdict == HTTP1_MORE && in.at < in.end) {
        bool is_body = response->state == BODY_BY_LENGTH || response->state == BODY_UNTIL_END ||
                       response->state == CHUNK_DATA;
        verdict = is_body ? read_body(response, &in) : read_line(response, &in);
    }
    response->body = NULL;
    *used = (size_t)(in.at - bytes);
    return verdict;
}

enum http1_verdict http1_response_end(struct http1_response *response)
{
    return response->state == BODY_UNTIL_END ? whole(response) : HTTP1_CUT;
}
