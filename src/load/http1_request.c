#include "load/http1_request.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/version.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#define NUMBER_BYTES 24 /* room for a decimal number */

/* The host as a Host header names it: without the port that goes without saying. */
static size_t host_len(const char *host, bool tls)
{
    const char *usual = tls ? ":443" : ":80";
    size_t len = strcspn(host, "/"), usual_len = strlen(usual);
    bool said = len > usual_len && memcmp(host + len - usual_len, usual, usual_len) == 0;
    return said ? len - usual_len : len;
}

void http1_request_init(struct http1_request *request, const struct request_shape *shape)
{
    struct buf method, head;
    const char *host = strstr(shape->base_url, "://");
    assert(host != NULL);
    host += strlen("://");
    buf_init(&method, SIZE_MAX / 4);
    buf_init(&head, SIZE_MAX / 4);
    buf_printf(&method, "%s ", shape->method);
    buf_printf(&head, " HTTP/1.1\r\nHost: %.*s\r\n",
               (int)host_len(host, strncasecmp(shape->base_url, "https", 5) == 0), host);
    if (!request_shape_has_header(shape, "User-Agent")) {
        buf_text(&head, "User-Agent: driftdrill/" DRIFTDRILL_VERSION "\r\n");
    }
    if (!request_shape_has_header(shape, "Accept")) {
        buf_text(&head, "Accept: */*\r\n");
    }
    buf_text(&head, shape->headers);
    *request =
        (struct http1_request){.shape = shape, .method_len = method.len, .head_len = head.len};
    request->method = buf_take(&method);
    request->head = buf_take(&head);
}

void http1_request_deinit(struct http1_request *request)
{
    mem_free(request->method);
    mem_free(request->head);
}

size_t http1_request_max_bytes(const struct http1_request *request)
{
    const struct exchange *any = NULL;
    return request->method_len + request->head_len + sizeof any->path + sizeof any->header +
           sizeof any->body + strlen("Content-Length: \r\n\r\n") + NUMBER_BYTES;
}

static char *put(char *at, const char *bytes, size_t len)
{
    memcpy(at, bytes, len);
    return at + len;
}

static char *put_number(char *at, size_t number)
{
    char digits[NUMBER_BYTES];
    size_t first = sizeof digits;
    do {
        digits[--first] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    return put(at, digits + first, sizeof digits - first);
}

size_t http1_request_write(const struct http1_request *request, const struct exchange *exchange,
                           char *out)
{
    char *at = put(out, request->method, request->method_len);
    at = put(at, exchange->path, exchange->path_len);
    at = put(at, request->head, request->head_len);
    at = put(at, exchange->header, exchange->header_len);
    if (request->shape->has_body) {
        at = put(at, "Content-Length: ", 16);
        at = put_number(at, exchange->body_len);
        at = put(at, "\r\n\r\n", 4);
        at = put(at, exchange->body, exchange->body_len);
    } else {
        at = put(at, "\r\n", 2);
    }
    return (size_t)(at - out);
}
