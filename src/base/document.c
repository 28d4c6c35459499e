#include "base/document.h"

#include "base/fileio.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

json_t *document_number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

enum err document_write(const json_t *document, int digits, const char *path, struct error *error)
{
    size_t precision = digits > 0 ? (size_t)JSON_REAL_PRECISION(digits) : 0;
    char *text = document != NULL ? json_dumps(document, JSON_INDENT(2) | precision) : NULL;
    if (text == NULL) {
        return error_set(error, ERR_MEMORY, path, 0, "no memory to write it");
    }
    const struct file_part parts[] = {{text, strlen(text)}, {"\n", 1}};
    enum err code = file_write_parts(path, parts, sizeof parts / sizeof parts[0], false, error);
    free(text);
    return code;
}
