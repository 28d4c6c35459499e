/*
 * HTTP/1.x responses, read in whatever pieces the network delivers (RFC 9112). Pure: bytes in,
 * verdict and body out. One response at a time, always of a request other than HEAD or CONNECT.
 *
 * Interim responses (1xx) are skipped. The body ends by Content-Length, by the chunked coding, by
 * status (204, 304) or by the connection's end. What has two readings is no answer: lengths that
 * disagree, a transfer coding other than chunked, a header line without a colon or folded over the
 * line in a header that matters, a NUL in the head. Lines may end in a bare LF,
 * but for the one after a chunk.
 */
#ifndef LOAD_HTTP1_RESPONSE_H
#define LOAD_HTTP1_RESPONSE_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum http1_verdict {
    HTTP1_MORE,          /* fine so far */
    HTTP1_WHOLE,         /* the final response is complete */
    HTTP1_MALFORMED,     /* not HTTP/1.x; `problem` says why */
    HTTP1_CUT,           /* the connection ended in the middle */
    HTTP1_HEAD_TOO_LONG, /* head, trailers or a chunk's size line beyond the maximum */
    HTTP1_BODY_TOO_LONG  /* body beyond its buffer's maximum, or announced to be */
};

struct http1_response {
    /* For the caller: */
    int status;           /* of the final response, once its head is read; else 0 */
    bool begun;           /* a byte came of what may be the final response */
    bool keep;            /* after HTTP1_WHOLE: the connection may carry another request */
    const char *problem;  /* static; after HTTP1_MALFORMED */
    char retry_after[40]; /* value of Retry-After; "" = none or too long for a date */
    /* Its own: */
    int state, minor;
    bool has_length, chunked, said_close, said_keep, last_matters, line_borrowed;
    uint64_t length;   /* Content-Length if has_length */
    uint64_t left;     /* bytes of the body, or of the chunk, to come */
    size_t head_bytes; /* read of the current head, size line or trailers */
    size_t head_max;   /* bytes */
    struct buf line;   /* the beginning of a line whose end has not come */
    struct buf *body;  /* while feeding */
};

void http1_response_init(struct http1_response *response, size_t head_max_bytes);
void http1_response_deinit(struct http1_response *response);
/* Before the first byte of each response; keeps the memory. */
void http1_response_begin(struct http1_response *response);

/* Takes the next `len` bytes; the body is appended to *body. *used tells how many belonged to this
 * response: less than len only with a verdict other than HTTP1_MORE. After such a verdict nothing
 * more may be fed until http1_response_begin. A body too long sets body->failed. */
enum http1_verdict http1_response_feed(struct http1_response *response, const char *bytes,
                                       size_t len, struct buf *body, size_t *used);
/* The other side sends nothing more: HTTP1_WHOLE if that is how this body ends, else HTTP1_CUT. */
enum http1_verdict http1_response_end(struct http1_response *response);

#endif
