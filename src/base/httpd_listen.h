/* The listening socket of the HTTP server. Friend of httpd only. */
#ifndef BASE_HTTPD_LISTEN_H
#define BASE_HTTPD_LISTEN_H

#include "base/error.h"

#include <stddef.h>

/* Binds and listens; *out is the caller's. Writes "http://HOST:PORT" with the real port. */
enum err httpd_listen(const char *listen_text, int *out, char *url, size_t url_size,
                      struct error *error);

#endif
