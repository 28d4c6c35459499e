/* What jansson leaves to whoever writes JSON documents. Any thread. */
#ifndef BASE_DOCUMENT_H
#define BASE_DOCUMENT_H

#include "base/error.h"

#include <jansson.h>

/* Null for what JSON cannot say: NaN and infinities. */
json_t *document_number(double value);

/* Writes it indented, its numbers with so many significant digits (0: as many as tell them
 * exactly), with a newline at the end. NULL, what jansson gives when memory runs out, is
 * ERR_MEMORY. Written as by file_write. */
enum err document_write(const json_t *document, int digits, const char *path, struct error *error)
    __attribute__((warn_unused_result));

#endif
