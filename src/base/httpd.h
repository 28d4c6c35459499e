/*
 * HTTP server on libmicrohttpd: one handler function, several threads. The handler runs on the
 * server's threads, so what it touches must be safe for that. Bodies are bounded.
 */
#ifndef BASE_HTTPD_H
#define BASE_HTTPD_H

#include "base/buf.h"
#include "base/error.h"

#include <stddef.h>

struct httpd;

struct httpd_request {
    const char *method, *path; /* path without the query */
    const char *body;          /* "" if none; NUL-terminated */
    size_t body_len;
    void *connection; /* for httpd_query only */
};

struct httpd_reply {
    int status;               /* 200 at entry */
    const char *content_type; /* "application/json" at entry; static text */
    const char *location;     /* NULL, or the value of a Location header; static text */
    struct buf body;          /* empty at entry; bounded by reply_max_bytes */
};

typedef void httpd_handler(void *context, const struct httpd_request *request,
                           struct httpd_reply *reply);

struct httpd_config {
    const char *listen;    /* "127.0.0.1:0", "[::1]:8000", "0.0.0.0:8000" */
    unsigned threads;      /* >= 1 */
    size_t body_max_bytes; /* larger request bodies are answered 413 without calling the handler */
    size_t reply_max_bytes;
    unsigned connections_max;
};

enum err httpd_start(struct httpd **out, const struct httpd_config *config, httpd_handler *handler,
                     void *context, struct error *error);
const char *httpd_url(const struct httpd *httpd); /* "http://127.0.0.1:43121", real port */
const char *httpd_query(const struct httpd_request *request, const char *name); /* NULL if absent */
void httpd_stop(struct httpd *httpd); /* waits for running handlers; accepts NULL */

#endif
