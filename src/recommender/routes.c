#include "recommender/routes.h"

#include <stddef.h>
#include <string.h>

/* Bits of status classes: C(2) | C(4) = "2xx or 4xx". */
#define C(status_class) (1u << (status_class))

#define ADMIN_PREFIX "/admin/"
#define FAULT_PREFIX ADMIN_PREFIX "fault/"

struct row {
    const char *handler;
    const char *redirect;
    const char *allow;
    bool takes[METHOD_COUNT];
    unsigned classes; /* with which a method it takes is answered; another one only with 4xx */
};

#define GET .allow = "GET", .takes = {[METHOD_GET] = true}
#define POST .allow = "POST", .takes = {[METHOD_POST] = true}
#define DELETE .allow = "DELETE", .takes = {[METHOD_DELETE] = true}
#define GET_POST .allow = "GET, POST", .takes = {[METHOD_GET] = true, [METHOD_POST] = true}
#define GET_POST_DELETE                                                                            \
    .allow = "GET, POST, DELETE",                                                                  \
    .takes = {[METHOD_GET] = true, [METHOD_POST] = true, [METHOD_DELETE] = true}

/* 4xx is everywhere: the server refuses what is too large or too slow, whatever its path. */
static const struct row rows[ROUTE_COUNT] = {
    [ROUTE_RECOMMENDATIONS] = {"/recommendations/", GET, .classes = C(2) | C(4) | C(5)},
    [ROUTE_RECOMMENDATIONS_BARE] = {"/recommendations", .redirect = "/recommendations/"},
    [ROUTE_RATINGS] = {"/ratings/", POST, .classes = C(2) | C(4) | C(5)},
    [ROUTE_RATINGS_BARE] = {"/ratings", .redirect = "/ratings/"},
    [ROUTE_RETRAIN] = {"/admin/retrain", GET_POST, .classes = C(2) | C(4)},
    [ROUTE_FAULTS] = {"/admin/fault", GET_POST_DELETE, .classes = C(2) | C(4)},
    [ROUTE_FAULT] = {FAULT_PREFIX "{id}", DELETE, .classes = C(2) | C(4)},
    [ROUTE_OPENAPI] = {"/openapi.json", GET, .classes = C(2) | C(4)},
    [ROUTE_HEALTH] = {"/healthz", GET, .classes = C(2) | C(4) | C(5)},
    [ROUTE_METRICS] = {"/metrics", GET, .classes = C(2) | C(4) | C(5)},
    [ROUTE_NONE] = {"none"},
};

static const char *const method_names[METHOD_COUNT] = {"GET",   "POST", "DELETE",  "PUT",
                                                       "PATCH", "HEAD", "OPTIONS", "other"};

enum route route_find(const char *path)
{
    const size_t prefix_len = strlen(FAULT_PREFIX);
    if (strncmp(path, FAULT_PREFIX, prefix_len) == 0) {
        const char *id = path + prefix_len;
        return id[0] != '\0' && strchr(id, '/') == NULL ? ROUTE_FAULT : ROUTE_NONE;
    }
    for (int r = 0; r < ROUTE_NONE; r++) {
        if (strcmp(path, rows[r].handler) == 0) {
            return (enum route)r;
        }
    }
    return ROUTE_NONE;
}

enum method method_find(const char *name)
{
    for (int m = 0; m < METHOD_OTHER; m++) {
        if (strcmp(name, method_names[m]) == 0) {
            return (enum method)m;
        }
    }
    return METHOD_OTHER;
}

const char *route_handler(enum route route)
{
    return rows[route].handler;
}

const char *method_label(enum method method)
{
    return method_names[method];
}

const char *route_redirect(enum route route)
{
    return rows[route].redirect;
}

bool route_is_admin(enum route route)
{
    return strncmp(rows[route].handler, ADMIN_PREFIX, strlen(ADMIN_PREFIX)) == 0;
}

bool route_takes(enum route route, enum method method)
{
    return rows[route].takes[method];
}

const char *route_allow(enum route route)
{
    return rows[route].allow;
}

bool route_can_answer(enum route route, enum method method, int status_class)
{
    unsigned classes = rows[route].takes[method]      ? rows[route].classes
                       : rows[route].redirect != NULL ? C(3) | C(4)
                                                      : C(4);
    return (classes & C(status_class)) != 0;
}
