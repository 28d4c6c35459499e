/* A request's header lines as libcurl wants them, so that all who ask through it put the same head
 * on the wire as those who write it by hand. */
#ifndef LOAD_CURL_LINES_H
#define LOAD_CURL_LINES_H

#include "load/transport.h"

#include <curl/curl.h>
#include <stdbool.h>

/* Appends `lines`, each ending in CRLF, empty values kept; false when memory is exhausted. */
bool curl_add_lines(struct curl_slist **list, const char *lines);
/* Appends the shape's lines, and takes back what libcurl would add of its own accord. */
bool curl_add_shape_lines(struct curl_slist **list, const struct request_shape *shape);

#endif
