/* HTTP/1.1 requests as bytes: what is constant of a shape is written once. */
#ifndef LOAD_HTTP1_REQUEST_H
#define LOAD_HTTP1_REQUEST_H

#include "load/transport.h"

#include <stddef.h>

struct http1_request { /* the constant parts of a shape's requests */
    const struct request_shape *shape;
    char *method; /* with the blank after it */
    size_t method_len;
    char *head; /* from the version to the last constant header */
    size_t head_len;
};

void http1_request_init(struct http1_request *request, const struct request_shape *shape);
void http1_request_deinit(struct http1_request *request);
/* Room that every request of this shape has enough of. */
size_t http1_request_max_bytes(const struct http1_request *request);
/* Writes the request of an exchange; returns its length. `out` has http1_request_max_bytes. */
size_t http1_request_write(const struct http1_request *request, const struct exchange *exchange,
                           char *out);

#endif
