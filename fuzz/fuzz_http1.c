/*
 * HTTP responses. The first byte says in what pieces the network delivers the rest; however it
 * does, a response must read as it reads in one piece, and what it claims must hold.
 */
#include "load/http1_response.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define HEAD_MAX 512
#define BODY_MAX 256

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

struct outcome {
    enum http1_verdict verdict;
    int status;
    bool keep;
    size_t used, body_len;
    char body[BODY_MAX], retry_after[40];
};

static void take_outcome(const struct http1_response *response, const struct buf *body,
                         struct outcome *out)
{
    out->status = response->status;
    out->keep = response->keep;
    out->body_len = body->len;
    if (body->len > 0) {
        memcpy(out->body, body->data, body->len);
    }
    memcpy(out->retry_after, response->retry_after, sizeof out->retry_after);
}

/* Pieces of `size` bytes at first, each next one longer by `growth`. */
static void read_pieces(const uint8_t *bytes, size_t len, size_t size, size_t growth,
                        struct outcome *out)
{
    struct http1_response response;
    struct buf body;
    memset(out, 0, sizeof *out);
    http1_response_init(&response, HEAD_MAX);
    http1_response_begin(&response);
    buf_init(&body, BODY_MAX);
    for (size_t at = 0; at < len && out->verdict == HTTP1_MORE; size += growth) {
        size_t piece = size < len - at ? size : len - at, used;
        char *exact = malloc(piece); /* exactly as long, for the address sanitizer */
        assert(exact != NULL);
        memcpy(exact, bytes + at, piece);
        out->verdict = http1_response_feed(&response, exact, piece, &body, &used);
        free(exact);
        assert(used <= piece && (used == piece || out->verdict != HTTP1_MORE));
        out->used += used;
        at += piece;
    }
    if (out->verdict == HTTP1_MORE) {
        out->verdict = http1_response_end(&response);
    }
    assert(body.len <= BODY_MAX);
    assert((out->verdict == HTTP1_MALFORMED) == (response.problem != NULL));
    assert((out->verdict == HTTP1_BODY_TOO_LONG) == body.failed);
    assert(out->verdict != HTTP1_WHOLE || (response.status >= 200 && response.status <= 999));
    assert(strlen(response.retry_after) < sizeof response.retry_after);
    take_outcome(&response, &body, out);
    buf_deinit(&body);
    http1_response_deinit(&response);
}

static bool is_hopeless(enum http1_verdict verdict)
{
    return verdict == HTTP1_MALFORMED || verdict == HTTP1_HEAD_TOO_LONG;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct outcome one, pieces;
    if (len < 2) {
        return 0;
    }
    read_pieces(bytes + 1, len - 1, len, 0, &one);
    read_pieces(bytes + 1, len - 1, (size_t)(bytes[0] >> 4) + 1, bytes[0] & 15, &pieces);
    /* Nonsense that is too long as well is called either, by what shows first. */
    bool same = one.verdict == pieces.verdict;
    assert(same || (is_hopeless(one.verdict) && is_hopeless(pieces.verdict)));
    assert(one.status == pieces.status && one.keep == pieces.keep);
    assert(strcmp(one.retry_after, pieces.retry_after) == 0);
    if (one.verdict == HTTP1_WHOLE) {
        assert(one.used == pieces.used && one.body_len == pieces.body_len);
        assert(memcmp(one.body, pieces.body, one.body_len) == 0);
    }
    return 0;
}
