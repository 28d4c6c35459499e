/*
 * Who may use /admin. Without a token: whoever connects from this machine's loopback, directly and
 * not from a browser's page. With a token: whoever sends it, from anywhere. Pure.
 */
#ifndef RECOMMENDER_ADMIN_GATE_H
#define RECOMMENDER_ADMIN_GATE_H

#include <stdbool.h>

/* What a request shows of itself; NULL = no such header. */
struct admin_visitor {
    bool loopback;             /* address of the peer */
    const char *authorization; /* header Authorization */
    const char *forwarded;     /* header Forwarded or X-Forwarded-For: it came through a proxy */
    const char *origin;        /* header Origin: a page in a browser sent it */
};

/* Returns 0, or the status to refuse with and why (static text). token NULL = there is none. */
int admin_gate(const char *token, const struct admin_visitor *visitor, const char **why);

/* Whether it can be sent as a bearer token (RFC 6750): at least one letter, digit or -._~+/, then
 * any number of =. */
bool admin_token_valid(const char *token);

#endif
