#include "recommender/openapi.h"

#include "recommender/recommend.h"
#include "recommender/routes.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static const char *const keys[METHOD_COUNT] = {"get", "post", "delete", NULL};

static json_t *operation(json_t *document, enum route route, enum method method)
{
    json_t *item = json_object_get(json_object_get(document, "paths"), route_handler(route));
    return keys[method] != NULL ? json_object_get(item, keys[method]) : NULL;
}

/* Whether an answer of this class is described. */
static bool describes(json_t *one, int status_class)
{
    const char *status;
    json_t *value;
    json_object_foreach(json_object_get(one, "responses"), status, value)
    {
        if (status[0] == (char)('0' + status_class)) {
            return true;
        }
    }
    return false;
}

Test(openapi, every_route_and_method_is_described_and_no_other)
{
    json_t *document = openapi_document(1024);
    size_t described = 0, taken = 0;
    for (int r = 0; r < ROUTE_NONE; r++) {
        for (int m = 0; m < METHOD_COUNT; m++) {
            bool takes = route_takes((enum route)r, (enum method)m);
            json_t *one = operation(document, (enum route)r, (enum method)m);
            cr_expect(!takes || one != NULL, "%s %s", method_label((enum method)m),
                      route_handler((enum route)r));
            taken += takes || (one != NULL && route_redirect((enum route)r) != NULL);
        }
    }
    const char *path;
    json_t *item;
    json_object_foreach(json_object_get(document, "paths"), path, item)
    {
        described += json_object_size(item);
    }
    cr_expect(described == taken, "%zu described, %zu taken", described, taken);
    json_decref(document);
}

Test(openapi, answers_are_of_the_classes_that_the_metrics_know)
{
    json_t *document = openapi_document(1024);
    for (int r = 0; r < ROUTE_NONE; r++) {
        for (int m = 0; m < METHOD_COUNT; m++) {
            json_t *one = operation(document, (enum route)r, (enum method)m);
            for (int c = 2; one != NULL && c <= 5; c++) {
                cr_expect(describes(one, c) == route_can_answer((enum route)r, (enum method)m, c),
                          "%s %s %dxx", method_label((enum method)m), route_handler((enum route)r),
                          c);
            }
        }
    }
    json_decref(document);
}

static void check_references(const json_t *value, const json_t *schemas)
{
    static const char prefix[] = "#/components/schemas/";
    const char *key;
    json_t *member;
    size_t i;
    if (json_is_array(value)) {
        json_array_foreach(value, i, member)
        {
            check_references(member, schemas);
        }
        return;
    }
    json_object_foreach((json_t *)value, key, member)
    {
        if (strcmp(key, "$ref") == 0) {
            const char *target = json_string_value(member);
            cr_expect(strncmp(target, prefix, sizeof prefix - 1) == 0, "%s", target);
            cr_expect(json_object_get(schemas, target + sizeof prefix - 1) != NULL, "%s", target);
        }
        check_references(member, schemas);
    }
}

Test(openapi, references_lead_somewhere)
{
    json_t *document = openapi_document(1024);
    const json_t *schemas = json_object_get(json_object_get(document, "components"), "schemas");
    check_references(document, schemas);
    cr_expect(json_object_size(schemas) > 5);
    json_decref(document);
}

Test(openapi, limits_are_those_of_the_service)
{
    json_t *document = openapi_document(1024);
    json_t *n = json_array_get(
        json_object_get(operation(document, ROUTE_RECOMMENDATIONS, METHOD_GET), "parameters"), 1);
    json_t *schema = json_object_get(n, "schema");
    cr_expect(json_integer_value(json_object_get(schema, "maximum")) == RECOMMEND_LENGTH_MAX);
    cr_expect(json_integer_value(json_object_get(schema, "default")) == 10);
    json_decref(document);
}
