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
    unsigned classes[METHOD_COUNT]; /* of a method it does not take: 4xx only */
    bool takes[METHOD_COUNT];
};

static const struct row rows[ROUTE_COUNT] = {
    [ROUTE_RECOMMENDATIONS] = {"/recommendations/",
                               NULL,
                               {C(2) | C(4) | C(5), C(4), C(4), C(4)},
                               {[METHOD_GET] = true}},
    [ROUTE_RECOMMENDATIONS_BARE] = {"/recommendations",
                                    "/recommendations/",
                                    {C(3), C(3), C(3), C(3)}},
    [ROUTE_RATINGS] = {"/ratings/",
                       NULL,
                       {C(4), C(2) | C(4) | C(5), C(4), C(4)},
                       {[METHOD_POST] = true}},
    [ROUTE_RATINGS_BARE] = {"/ratings", "/ratings/", {C(3), C(3), C(3), C(3)}},
    [ROUTE_RETRAIN] = {"/admin/retrain",
                       NULL,
                       {C(2) | C(4), C(2) | C(4), C(4), C(4)},
                       {[METHOD_GET] = true, [METHOD_POST] = true}},
    [ROUTE_FAULTS] = {"/admin/fault",
                      NULL,
                      {C(2) | C(4), C(2) | C(4), C(2) | C(4), C(4)},
                      {[METHOD_GET] = true, [METHOD_POST] = true, [METHOD_DELETE] = true}},
    [ROUTE_FAULT] = {FAULT_PREFIX "{id}",
                     NULL,
                     {C(4), C(4), C(2) | C(4), C(4)},
                     {[METHOD_DELETE] = true}},
    [ROUTE_OPENAPI] = {"/openapi.json", NULL, {C(2), C(4), C(4), C(4)}, {[METHOD_GET] = true}},
    [ROUTE_HEALTH] = {"/healthz", NULL, {C(2) | C(5), C(4), C(4), C(4)}, {[METHOD_GET] = true}},
    [ROUTE_METRICS] = {"/metrics", NULL, {C(2) | C(5), C(4), C(4), C(4)}, {[METHOD_GET] = true}},
    [ROUTE_NONE] = {"none", NULL, {C(4), C(4), C(4), C(4)}},
};

static const char *const method_names[METHOD_COUNT] = {"GET", "POST", "DELETE", "other"};

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

bool route_can_answer(enum route route, enum method method, int status_class)
{
    return (rows[route].classes[method] & C(status_class)) != 0;
}
