#include "command/token.h"

#include "base/fileio.h"
#include "base/text.h"
#include "recommender/admin_gate.h"

#include <string.h>

enum err token_read(const char *path, char *out, size_t size, struct error *error)
{
    struct buf file;
    out[0] = '\0';
    if (path == NULL) {
        return ERR_OK;
    }
    buf_init(&file, size);
    enum err code = file_read(path, &file, error);
    if (code == ERR_OK) {
        const char *text = file.len > 0 ? file.data : "";
        const char *end = text + strcspn(text, "\r\n");
        bool one_line = end[strspn(end, "\r\n")] == '\0' && strlen(text) == file.len;
        bool whole = text_copy(out, size, text);
        out[strcspn(out, "\r\n")] = '\0';
        if (!one_line || !whole || !admin_token_valid(out)) {
            code = error_set(error, ERR_USAGE, path, 0,
                             "expected one line of letters, digits and -._~+/");
        }
    }
    buf_deinit(&file);
    return code;
}
