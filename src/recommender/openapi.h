/*
 * The HTTP face described for machines: OpenAPI 3.1. Paths, methods, limits and names come from the
 * tables and constants the service itself works by. Pure.
 */
#ifndef RECOMMENDER_OPENAPI_H
#define RECOMMENDER_OPENAPI_H

#include <jansson.h>

/* The whole document; a new reference. body_max_bytes is the server's bound of request bodies. */
json_t *openapi_document(size_t body_max_bytes);

#endif
