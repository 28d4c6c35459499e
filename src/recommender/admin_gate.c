#include "recommender/admin_gate.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

enum { UNAUTHORIZED = 401, FORBIDDEN = 403 };

static bool is_token_byte(char byte)
{
    return isalnum((unsigned char)byte) || (byte != '\0' && strchr("-._~+/", byte) != NULL);
}

bool admin_token_valid(const char *token)
{
    size_t len = 0;
    while (is_token_byte(token[len])) {
        len++;
    }
    return len > 0 && strspn(token + len, "=") == strlen(token + len);
}

/* Looks at all of `sent`, whatever it finds, so that the time taken tells its sender nothing about
 * the bytes of the token. */
static bool equal(const char *token, const char *sent)
{
    size_t token_len = strlen(token), sent_len = strlen(sent);
    volatile unsigned char differs = token_len != sent_len;
    for (size_t i = 0; i < sent_len; i++) {
        differs = (unsigned char)(differs |
                                  ((unsigned char)sent[i] ^ (unsigned char)token[i % token_len]));
    }
    return differs == 0;
}

static int with_token(const char *token, const char *authorization, const char **why)
{
    static const char scheme[] = "Bearer ";
    if (authorization == NULL || strncasecmp(authorization, scheme, sizeof scheme - 1) != 0) {
        *why = "a token is wanted: send Authorization: Bearer TOKEN";
        return UNAUTHORIZED;
    }
    if (!equal(token, authorization + sizeof scheme - 1)) {
        *why = "this is not the token";
        return UNAUTHORIZED;
    }
    return 0;
}

int admin_gate(const char *token, const struct admin_visitor *visitor, const char **why)
{
    if (token != NULL) {
        return with_token(token, visitor->authorization, why);
    }
    *why = NULL;
    if (!visitor->loopback) {
        *why = "only this machine's loopback may; --admin-token-file lets others in";
    } else if (visitor->forwarded != NULL) {
        /* A proxy beside the service makes everybody's address a loopback one. What it says of the
         * sender anybody could have written, so it is not looked at. */
        *why = "forwarded requests may not; --admin-token-file lets them in";
    } else if (visitor->origin != NULL) {
        /* Any page that somebody on this machine looks at could send it. */
        *why = "pages in browsers may not; --admin-token-file lets them in";
    }
    return *why != NULL ? FORBIDDEN : 0;
}
