/* List answers: nothing may read beyond the end, and the scanner must agree with jansson. */
#include "load/target.h"

#include <assert.h>
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define REQUEST_ID_SIZE 96

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* What a whole parser makes of the same bytes; false if it is no list. */
static bool read_slowly(const json_t *root, const struct catalogue *films, struct step_list *list)
{
    const json_t *places = json_object_get(root, "recommendations");
    const json_t *id = json_object_get(root, "request_id");
    bool id_ok = id == NULL || json_is_null(id) || json_is_string(id);
    if (!json_is_array(places) || !id_ok || json_array_size(places) > POPULATION_LIST_MAX) {
        return false;
    }
    list->count = 0;
    for (size_t i = 0; i < json_array_size(places); i++) {
        const json_t *movie = json_object_get(json_array_get(places, i), "movie_id");
        if (!json_is_integer(movie)) {
            return false;
        }
        json_int_t value = json_integer_value(movie);
        list->item[list->count++] =
            value > 0 && value <= INT32_MAX ? catalogue_index(films, (int32_t)value) : -1;
    }
    return true;
}

/* Each source as spelled in the answer, unescaped, is jansson's string; where there is none,
 * neither is there a string. */
static void compare_sources(const json_t *films, const struct target_sources *sources, size_t len)
{
    char *copy = malloc(len + 1);
    assert(copy != NULL);
    for (size_t i = 0; i < json_array_size(films); i++) {
        const json_t *named = json_object_get(json_array_get(films, i), "recommender");
        const struct scan_text *spelled = &sources->place[i];
        assert(json_is_string(named) == (spelled->bytes != NULL));
        if (spelled->bytes != NULL) {
            assert(scan_text_copy(spelled, copy, len + 1));
            assert(strcmp(copy, json_string_value(named)) == 0);
        }
    }
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static int32_t ids[] = {1, 2, 3, 5, 17, 318};
    static const struct catalogue films = {.count = 6, .id = ids};
    struct target *target = NULL;
    if (target_from_url("http://t", &films, 10, &target, NULL) != ERR_OK) {
        abort();
    }
    struct step_list list, slow;
    struct target_sources sources;
    struct target_problem problem = {NULL, 0};
    char request_id[REQUEST_ID_SIZE];
    char *exact = malloc(len + 1); /* for the address sanitizer, which sees reads behind the NUL */
    assert(exact != NULL);
    memcpy(exact, bytes, len);
    exact[len] = '\0';
    bool readable = target_explain_list(target, exact, len, &list, &sources, request_id,
                                        sizeof request_id, &problem);
    assert(readable || (problem.text != NULL && problem.offset <= len));
    assert(list.count >= 0 && list.count <= POPULATION_LIST_MAX);
    assert(strlen(request_id) < sizeof request_id);

    /* Where jansson is stricter (UTF-8, surrogates, ranges) there is nothing to compare; where it
     * is more lenient (depth, a long request_id, a NUL after a number) only what the scanner
     * accepts is. */
    bool has_nul = memchr(exact, '\0', len) != NULL;
    json_t *root = json_loadb(exact, len, JSON_REJECT_DUPLICATES, NULL);
    if (root != NULL && readable) {
        assert(json_is_object(root) && read_slowly(root, &films, &slow));
        assert(slow.count == list.count);
        assert(memcmp(slow.item, list.item, (size_t)list.count * sizeof list.item[0]) == 0);
        compare_sources(json_object_get(root, "recommendations"), &sources, len);
    } else if (root != NULL && !has_nul && json_is_object(root) &&
               read_slowly(root, &films, &slow)) {
        assert(strcmp(problem.text, "nested too deeply") == 0 ||
               strcmp(problem.text, "request_id is too long") == 0);
    }
    json_decref(root);
    target_free(target);
    free(exact);
    return 0;
}
