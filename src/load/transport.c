#include "load/transport.h"

#include <assert.h>
#include <string.h>
#include <strings.h>

const char *exchange_failure_name(enum exchange_failure failure)
{
    static const char *const names[] = {
#define X(name, text) [EXCHANGE_##name] = (text),
        EXCHANGE_FAILURE_LIST(X)
#undef X
    };
    assert(failure < EXCHANGE_FAILURES);
    return names[failure];
}

void exchange_clear(struct exchange *exchange)
{
    exchange->status = 0;
    exchange->failure = EXCHANGE_ANSWERED;
    exchange->reason = NULL;
    exchange->connected_ns = exchange->sent_ns = exchange->first_byte_ns = exchange->done_ns = 0;
    exchange->retry_after_s = -1;
    exchange->kept = false;
}

bool request_shape_has_header(const struct request_shape *shape, const char *name)
{
    size_t len = strlen(name);
    const char *line = shape->headers;
    while (*line != '\0') {
        if (strncasecmp(line, name, len) == 0 && line[len] == ':') {
            return true;
        }
        const char *end = strstr(line, "\r\n");
        line = end != NULL ? end + 2 : line + strlen(line);
    }
    return false;
}
