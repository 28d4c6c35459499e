/* Which transport suits a target. */
#ifndef LOAD_TRANSPORT_PICK_H
#define LOAD_TRANSPORT_PICK_H

#include "base/error.h"
#include "load/transport.h"

#include <stdbool.h>
#include <stddef.h>

#define TRANSPORT_NAMES "auto, http1, libcurl, http2" /* for messages and help */

/*
 * The transport called `name`; "auto" takes http1 if it can serve every shape (http:// or https://,
 * no user name in the address, no HTTP proxy named for it in the environment) and libcurl
 * otherwise; "http2" is libcurl with HTTP/2, for https:// only. NULL with *error (ERR_USAGE) if
 * there is none of that name or it cannot serve a shape. Reads the environment; before the threads
 * start.
 */
const struct transport_class *transport_pick(const char *name,
                                             const struct request_shape *const *shape, size_t count,
                                             struct error *error);
/* Whether requests to this address go through a proxy named in the environment (http_proxy,
 * https_proxy, all_proxy, no_proxy as curl reads them: names cover what is below them, addresses
 * may be given as networks, 10.0.0.0/8). Never to a loopback address or localhost. */
bool transport_proxied(const char *base_url);

#endif
