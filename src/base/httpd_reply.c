/* Replies, as libmicrohttpd wants them. */
#include "base/httpd_int.h"

#include "base/mem.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

static bool add_header(struct MHD_Response *response, const char *name, const char *value)
{
    return value == NULL || MHD_add_response_header(response, name, value) == MHD_YES;
}

/* The query comes from the client: no byte of it may end the header or be refused by the library.
 */
static bool add_location(struct MHD_Response *response, const struct httpd_request *request,
                         const struct httpd_reply *reply)
{
    if (reply->location == NULL || !reply->location_with_query || request->query[0] == '\0') {
        return add_header(response, MHD_HTTP_HEADER_LOCATION, reply->location);
    }
    struct buf value;
    buf_init(&value, 4 * HTTPD_URI_MAX_BYTES);
    buf_printf(&value, "%s?", reply->location);
    for (const char *at = request->query; *at != '\0'; at++) {
        bool plain = *at > ' ' && *at < 0x7f;
        buf_printf(&value, plain ? "%c" : "%%%02X", (unsigned char)*at);
    }
    bool good = !value.failed && add_header(response, MHD_HTTP_HEADER_LOCATION, value.data);
    buf_deinit(&value);
    return good;
}

static bool add_headers(struct MHD_Response *response, const struct httpd_request *request,
                        const struct httpd_reply *reply)
{
    char seconds[16];
    snprintf(seconds, sizeof(seconds), "%d", reply->retry_after_s);
    return add_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, reply->content_type) &&
           add_location(response, request, reply) &&
           add_header(response, MHD_HTTP_HEADER_ALLOW, reply->allow) &&
           add_header(response, MHD_HTTP_HEADER_WWW_AUTHENTICATE, reply->authenticate) &&
           add_header(response, MHD_HTTP_HEADER_RETRY_AFTER,
                      reply->retry_after_s > 0 ? seconds : NULL);
}

static struct MHD_Response *make_response(struct httpd_reply *reply)
{
    size_t len = reply->body.len;
    if (len == 0) {
        buf_deinit(&reply->body);
        return MHD_create_response_from_buffer(0, (void *)(uintptr_t) "", MHD_RESPMEM_PERSISTENT);
    }
    char *bytes = buf_take(&reply->body);
    struct MHD_Response *response =
        MHD_create_response_from_buffer_with_free_callback(len, bytes, mem_free);
    if (response == NULL) {
        mem_free(bytes);
    }
    return response;
}

enum MHD_Result httpd_deliver(struct httpd_held *exchange, struct httpd_reply *reply)
{
    if (reply->body.failed) {
        buf_reset(&reply->body);
        reply->status = MHD_HTTP_INTERNAL_SERVER_ERROR;
        reply->content_type = "application/json";
        reply->location = NULL;
        buf_text(&reply->body, "{\"detail\":\"reply too large or memory exhausted\"}\n");
    }
    int status = reply->status;
    struct MHD_Response *response = make_response(reply);
    if (response == NULL) {
        return MHD_NO;
    }
    enum MHD_Result good = MHD_NO;
    if (add_headers(response, &exchange->request, reply)) {
        good = MHD_queue_response(exchange->connection, (unsigned)status, response);
    }
    MHD_destroy_response(response); /* the queue holds its own reference */
    return good;
}
