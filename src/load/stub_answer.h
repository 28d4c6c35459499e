/*
 * What the stub server sends, sound or broken on purpose: the bytes and how to send them. Friend of
 * stub_server; one thread.
 */
#ifndef LOAD_STUB_ANSWER_H
#define LOAD_STUB_ANSWER_H

#include "base/buf.h"
#include "load/stub_request.h"
#include "load/stub_server.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* After the last byte: go on, close, reset, or say nothing more. */
enum stub_after { STUB_KEEP, STUB_CLOSE, STUB_RESET_NOW, STUB_HOLD };

struct stub_answer {
    struct buf bytes;
    const char *filler; /* NULL, or a block sent again and again behind the bytes */
    size_t filler_bytes, fill_bytes;
    size_t pause_at; /* waits once so many bytes are sent; SIZE_MAX = never */
    bool dribble;    /* one byte at a time */
    enum stub_after after;
};

struct stub_films { /* what is recommended; constant */
    uint64_t seed;
    int list_length, retry_after_s;
    int32_t films;
    const int32_t *film;
};

struct stub_asked { /* one request and what the server makes of it */
    struct stub_request request;
    enum stub_behaviour behaviour; /* STUB_NULL if it does not meet the fault */
    uint64_t number;               /* of the request since the start */
    uint32_t turn;                 /* which of the user's lists */
    bool worse;
};

void stub_answer_init(struct stub_answer *answer);
void stub_answer_deinit(struct stub_answer *answer);
/* Replaces the answer, whose memory is used again; false if there is not enough. */
bool stub_answer_make(struct stub_answer *answer, const struct stub_films *films,
                      const struct stub_asked *asked);

#endif
