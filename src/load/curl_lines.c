#include "load/curl_lines.h"

#include "base/mem.h"

#include <string.h>

static bool append(struct curl_slist **list, const char *line)
{
    struct curl_slist *longer = curl_slist_append(*list, line);
    *list = longer != NULL ? longer : *list;
    return longer != NULL;
}

static bool add_line(struct curl_slist **list, const char *bytes, size_t len)
{
    char *line = mem_try_alloc(len + 1);
    if (line == NULL) {
        return false;
    }
    memcpy(line, bytes, len);
    line[len] = '\0';
    /* "Name:" would be an order not to send that header; "Name;" sends it without a value. */
    size_t name_len = strcspn(line, ":");
    if (name_len < len && line[name_len + 1 + strspn(line + name_len + 1, " \t")] == '\0') {
        line[name_len] = ';';
        line[name_len + 1] = '\0';
    }
    bool added = append(list, line);
    mem_free(line);
    return added;
}

bool curl_add_lines(struct curl_slist **list, const char *lines)
{
    for (const char *end; (end = strstr(lines, "\r\n")) != NULL; lines = end + 2) {
        if (!add_line(list, lines, (size_t)(end - lines))) {
            return false;
        }
    }
    return true;
}

bool curl_add_shape_lines(struct curl_slist **list, const struct request_shape *shape)
{
    /* Left alone, libcurl would call every body a form, and wait before it sends a long one. */
    bool own_type = request_shape_has_header(shape, "Content-Type");
    return curl_add_lines(list, shape->headers) && append(list, "Expect:") &&
           (!shape->has_body || own_type || append(list, "Content-Type:"));
}
