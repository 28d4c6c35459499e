#include "load/stub_request.h"

#include <string.h>
#include <strings.h>

#define NUMBER_MAX INT64_C(1000000000000)

struct span {
    const char *at, *end;
};

static bool span_is(struct span span, const char *text)
{
    size_t len = strlen(text);
    return (size_t)(span.end - span.at) == len && memcmp(span.at, text, len) == 0;
}

static bool span_starts(struct span span, const char *text)
{
    size_t len = strlen(text);
    return (size_t)(span.end - span.at) >= len && memcmp(span.at, text, len) == 0;
}

/* Digits only, at least one. */
static bool span_number(struct span span, int64_t *out)
{
    int64_t value = 0;
    if (span.at == span.end) {
        return false;
    }
    for (; span.at < span.end; span.at++) {
        if (*span.at < '0' || *span.at > '9' || value > NUMBER_MAX) {
            return false;
        }
        value = value * 10 + (*span.at - '0');
    }
    *out = value;
    return true;
}

/* Up to `stop`, which is passed, or to the end. */
static struct span span_take(struct span *rest, char stop)
{
    const char *found = memchr(rest->at, stop, (size_t)(rest->end - rest->at));
    struct span taken = {rest->at, found != NULL ? found : rest->end};
    rest->at = found != NULL ? found + 1 : rest->end;
    return taken;
}

static void read_query(struct span query, struct stub_request *out)
{
    while (query.at < query.end) {
        struct span value = span_take(&query, '&');
        struct span name = span_take(&value, '=');
        int64_t number;
        if (span_is(name, "user_id") && span_number(value, &number)) {
            out->user = number;
            out->user_given = true;
        } else if (span_is(name, "n") && span_number(value, &number)) {
            out->length = number;
        }
    }
}

static bool read_first_line(struct span line, struct stub_request *out)
{
    struct span method = span_take(&line, ' ');
    struct span query = span_take(&line, ' ');
    struct span path = span_take(&query, '?');
    if (!span_starts(line, "HTTP/1.") || path.at == path.end || path.at[0] != '/') {
        return false;
    }
    bool is_get = span_is(method, "GET");
    out->last = span_is(line, "HTTP/1.0");
    out->kind = STUB_ELSEWHERE;
    if (is_get && (span_is(path, "/recommendations/") || span_is(path, "/recommendations"))) {
        out->kind = STUB_LIST;
        read_query(query, out);
    } else if (span_is(method, "POST") &&
               (span_is(path, "/ratings/") || span_is(path, "/ratings"))) {
        out->kind = STUB_RATING;
    } else if (is_get && span_is(path, "/healthz")) {
        out->kind = STUB_HEALTH;
    }
    return true;
}

static bool header_is(struct span line, const char *name, struct span *value)
{
    size_t len = strlen(name);
    if ((size_t)(line.end - line.at) <= len || line.at[len] != ':' ||
        strncasecmp(line.at, name, len) != 0) {
        return false;
    }
    *value = (struct span){line.at + len + 1, line.end};
    while (value->at < value->end && *value->at == ' ') {
        value->at++;
    }
    while (value->end > value->at && value->end[-1] == ' ') {
        value->end--;
    }
    return true;
}

static bool read_header(struct span line, struct stub_request *out)
{
    struct span value;
    int64_t length;
    if (header_is(line, "Content-Length", &value)) {
        if (!span_number(value, &length)) {
            return false;
        }
        out->body_bytes = (size_t)length;
    } else if (header_is(line, "Connection", &value)) {
        out->last = value.end - value.at == 5 && strncasecmp(value.at, "close", 5) == 0;
    } else if (header_is(line, "Transfer-Encoding", &value)) {
        return false;
    }
    return true;
}

enum stub_reading stub_request_read(const char *bytes, size_t count, struct stub_request *out,
                                    size_t *used)
{
    const char *end = count > 0 ? memmem(bytes, count, "\r\n\r\n", 4) : NULL;
    if (end == NULL) {
        return STUB_UNFINISHED;
    }
    struct span head = {bytes, end + 2};
    struct span line = span_take(&head, '\r');
    *out = (struct stub_request){0};
    if (!read_first_line(line, out)) {
        return STUB_MALFORMED;
    }
    head.at++;
    while (head.at < head.end) {
        line = span_take(&head, '\r');
        head.at += head.at < head.end; /* the line feed */
        if (!read_header(line, out)) {
            return STUB_MALFORMED;
        }
    }
    size_t head_bytes = (size_t)(end + 4 - bytes);
    if (count - head_bytes < out->body_bytes) {
        return STUB_UNFINISHED;
    }
    *used = head_bytes + out->body_bytes;
    return STUB_WHOLE;
}
