#include "base/http.h"

#include "base/mem.h"
#include "base/version.h"

#include <assert.h>
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct http {
    CURL *easy;
    struct curl_slist *no_expect; /* without it, curl waits up to 1 s before a large body */
    struct curl_slist *headers;   /* of every request: no_expect, and the token if there is one */
    char reason[CURL_ERROR_SIZE];
};

/* A count other than the one offered makes curl give up. */
static size_t take_bytes(char *bytes, size_t size, size_t count, void *context)
{
    struct buf *body = context;
    return buf_add(body, bytes, size * count) ? size * count : 0;
}

static void die_of_memory(void)
{
    fprintf(stderr, "driftdrill: out of memory, wanted an HTTP client\n");
    abort();
}

struct http *http_new(void)
{
    struct http *http = mem_zalloc(1, sizeof(*http));
    http->easy = curl_easy_init();
    http->no_expect = curl_slist_append(NULL, "Expect:");
    if (http->easy == NULL || http->no_expect == NULL) {
        die_of_memory();
    }
    http->headers = http->no_expect;
    return http;
}

/* The list with the token ends in the one without, which stays a list of its own. */
static void drop_bearer(struct http *http)
{
    if (http->headers != http->no_expect) {
        http->headers->next = NULL;
        curl_slist_free_all(http->headers);
        http->headers = http->no_expect;
    }
}

void http_set_bearer(struct http *http, const char *token)
{
    static const char head[] = "Authorization: Bearer ";
    drop_bearer(http);
    if (token == NULL || token[0] == '\0') {
        return;
    }
    size_t size = sizeof(head) + strlen(token);
    char *line = mem_array(size, 1);
    snprintf(line, size, "%s%s", head, token);
    struct curl_slist *bearer = curl_slist_append(NULL, line);
    mem_free(line);
    if (bearer == NULL) {
        die_of_memory();
    }
    bearer->next = http->no_expect;
    http->headers = bearer;
}

void http_free(struct http *http)
{
    if (http == NULL) {
        return;
    }
    curl_easy_cleanup(http->easy);
    drop_bearer(http);
    curl_slist_free_all(http->no_expect);
    mem_free(http);
}

/* A refused append shows as a write error; the buffer knows why. */
static enum err describe(const struct http *http, const char *url, CURLcode result,
                         const struct http_reply *reply, long timeout_ms, struct error *error)
{
    if (result == CURLE_OK) {
        return ERR_OK;
    }
    if (result == CURLE_OPERATION_TIMEDOUT) {
        return error_set(error, ERR_TIMEOUT, url, 0, "no answer within %ld ms", timeout_ms);
    }
    if (reply->body.failed) {
        return error_set(error, ERR_NETWORK, url, 0, "the answer is larger than %zu bytes",
                         reply->body.max);
    }
    return error_set(error, ERR_NETWORK, url, 0, "%s",
                     http->reason[0] != '\0' ? http->reason : curl_easy_strerror(result));
}

/* Sets what both methods share. The options of an earlier request are dropped, the connection is
 * kept. Control traffic goes where the URL says, whatever proxy the environment names. */
static void prepare(struct http *http, const char *url, long timeout_ms, struct http_reply *reply)
{
    CURL *easy = http->easy;
    curl_easy_reset(easy);
    http->reason[0] = '\0';
    reply->status = 0;
    buf_reset(&reply->body);
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, timeout_ms);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "driftdrill/" DRIFTDRILL_VERSION);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, http->reason);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_bytes);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, &reply->body);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, http->headers);
}

static enum err perform(struct http *http, const char *url, long timeout_ms,
                        struct http_reply *reply, struct error *error)
{
    CURLcode result = curl_easy_perform(http->easy);
    if (result == CURLE_OK) {
        curl_easy_getinfo(http->easy, CURLINFO_RESPONSE_CODE, &reply->status);
    }
    return describe(http, url, result, reply, timeout_ms, error);
}

enum err http_get(struct http *http, const char *url, long timeout_ms, struct http_reply *reply,
                  struct error *error)
{
    prepare(http, url, timeout_ms, reply);
    return perform(http, url, timeout_ms, reply, error);
}

enum err http_post(struct http *http, const char *url, const char *content_type, const char *body,
                   size_t len, long timeout_ms, struct http_reply *reply, struct error *error)
{
    prepare(http, url, timeout_ms, reply);
    char header[160];
    int header_len = snprintf(header, sizeof(header), "Content-Type: %s", content_type);
    assert(header_len > 0 && (size_t)header_len < sizeof(header));
    (void)header_len;
    struct curl_slist type = {.data = header, .next = http->headers};
    curl_easy_setopt(http->easy, CURLOPT_HTTPHEADER, &type);
    curl_easy_setopt(http->easy, CURLOPT_POST, 1L);
    curl_easy_setopt(http->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)len);
    curl_easy_setopt(http->easy, CURLOPT_POSTFIELDS, body);
    enum err code = perform(http, url, timeout_ms, reply, error);
    curl_easy_reset(http->easy); /* the header list lives on this stack frame */
    return code;
}

char *http_escape(const char *text)
{
    static const char hex[] = "0123456789ABCDEF";
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    size_t len = strlen(text);
    char *out = mem_array(len * 3 + 1, 1);
    size_t used = 0;
    for (size_t i = 0; i < len; i++) {
        unsigned char byte = (unsigned char)text[i];
        if (strchr(plain, byte) != NULL) {
            out[used++] = (char)byte;
            continue;
        }
        out[used++] = '%';
        out[used++] = hex[byte >> 4];
        out[used++] = hex[byte & 15];
    }
    out[used] = '\0';
    return out;
}
