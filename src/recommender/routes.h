/*
 * The HTTP face as a table: which paths exist, by which label they are counted, which methods they
 * take and which classes of status they can answer with. The service dispatches by it and the
 * metrics make their zero series from it, so the two cannot disagree.
 */
#ifndef RECOMMENDER_ROUTES_H
#define RECOMMENDER_ROUTES_H

#include <stdbool.h>

enum route {
    ROUTE_RECOMMENDATIONS,
    ROUTE_RECOMMENDATIONS_BARE, /* without the closing slash: redirected, counted apart */
    ROUTE_RATINGS,
    ROUTE_RATINGS_BARE,
    ROUTE_RETRAIN,
    ROUTE_FAULTS,
    ROUTE_FAULT, /* one fault, whatever follows the last slash */
    ROUTE_OPENAPI,
    ROUTE_HEALTH,
    ROUTE_METRICS,
    ROUTE_NONE, /* any other path, handler label "none" */
    ROUTE_COUNT
};

enum method {
    METHOD_GET,
    METHOD_POST,
    METHOD_DELETE,
    METHOD_PUT,
    METHOD_PATCH,
    METHOD_HEAD,
    METHOD_OPTIONS,
    METHOD_OTHER, /* any other, and what could not be read */
    METHOD_COUNT
};

enum route route_find(const char *path);
enum method method_find(const char *name);
const char *route_handler(enum route route);  /* label value: the path or "none" */
const char *method_label(enum method method); /* its name, "other" */
const char *route_redirect(enum route route); /* path to redirect to, NULL if none */
bool route_is_admin(enum route route);        /* below /admin: guarded */
bool route_takes(enum route route, enum method method);
const char *route_allow(enum route route); /* the methods it takes, "GET, POST"; NULL if none */
/* Whether an answer of status_class (2 to 5) can come from this route and method. */
bool route_can_answer(enum route route, enum method method, int status_class);

#endif
