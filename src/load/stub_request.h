/*
 * What the stub server reads of a request. HTTP/1.0 and 1.1 as clients send it: a head, and a body
 * of the length it tells; a chunked one is refused. Pure; friend of stub_server.
 */
#ifndef LOAD_STUB_REQUEST_H
#define LOAD_STUB_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum stub_kind { STUB_LIST, STUB_RATING, STUB_HEALTH, STUB_ELSEWHERE };

struct stub_request {
    enum stub_kind kind;
    bool user_given;
    int64_t user;      /* any number; 0 if none was given */
    int64_t length;    /* n, 0 if none was given */
    bool last;         /* the client wants the connection closed afterwards */
    size_t body_bytes; /* as told by the head */
};

enum stub_reading { STUB_UNFINISHED, STUB_WHOLE, STUB_MALFORMED };

/* Reads the request that begins at `bytes`; when it is whole, *used is its length with its body. */
enum stub_reading stub_request_read(const char *bytes, size_t count, struct stub_request *out,
                                    size_t *used);

#endif
