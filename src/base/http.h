/* Blocking HTTP client for control traffic (libcurl easy, keep-alive). One thread a client. */
#ifndef BASE_HTTP_H
#define BASE_HTTP_H

#include "base/buf.h"
#include "base/error.h"

struct http;

struct http_reply {
    long status;
    struct buf body; /* caller: buf_init before (bounds the answer), buf_deinit after */
};

struct http *http_new(void); /* never NULL; makes start-up memory, as mem_alloc does */
void http_free(struct http *http);
/* From now on every request carries `Authorization: Bearer TOKEN`, so the client should be used for
 * one service only. NULL or "" = none, as at first. Copies the token. */
void http_set_bearer(struct http *http, const char *token);
/* Redirects are not followed, proxies of the environment not used.
 * Any HTTP status is ERR_OK with reply->status set; ERR_NETWORK / ERR_TIMEOUT otherwise. */
enum err http_get(struct http *http, const char *url, long timeout_ms, struct http_reply *reply,
                  struct error *error);
enum err http_post(struct http *http, const char *url, const char *content_type, const char *body,
                   size_t len, long timeout_ms, struct http_reply *reply, struct error *error);
/* Percent-encodes for a query value; heap, mem_free. */
char *http_escape(const char *text);

#endif
