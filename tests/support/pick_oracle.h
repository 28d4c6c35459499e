/*
 * What a whole parser makes of an answer, held against what load/pick.h picks out of it. For
 * fuzz_pick.c and for generated answers. Needs the load floor; header-only for that reason.
 */
#ifndef SUPPORT_PICK_ORACLE_H
#define SUPPORT_PICK_ORACLE_H

#include "load/pick.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PICK_ORACLE_ID_MAX 40

/* Answers as recommenders give them: ours, and those of scenarios/targets/. */
static const struct pick_plan pick_oracle_plans[] = {
    {.films = "/recommendations",
     .film = "/movie_id",
     .source = "/recommender",
     .score = "/score",
     .request_id = "/request_id"},
    {.films = "", .film = "/Id", .film_text = true, .score = "/Score"},
    {.films = "/items", .film = "/item", .film_text = true, .film_prefix = "m", .score = "/score"},
    {.films = "/predictions/0/output_2",
     .film = "",
     .film_text = true,
     .scores = "/predictions/0/output_1",
     .cut = 4},
    {.films = "/outputs/0/data",
     .film = "",
     .scores = "/outputs/1/data",
     .sources = "/outputs/2/data",
     .request_id = "/id",
     .request_id_number = true},
    {.films = "/data/items",
     .film = "/film/0",
     .source = "/film/why/name",
     .request_id = "/data/id"},
};
#define PICK_ORACLE_PLANS (sizeof pick_oracle_plans / sizeof pick_oracle_plans[0])

static inline void pick_oracle_fail(const char *what, const char *text, size_t len)
{
    (void)fprintf(stderr, "pick and parser disagree: %s\n%.*s\n", what, (int)len, text);
    abort();
}

/* The value at a pointer without escapes in it; NULL if there is none. */
static inline const json_t *pick_oracle_at(const json_t *value, const char *pointer)
{
    while (value != NULL && *pointer == '/') {
        char step[64];
        size_t len = strcspn(++pointer, "/");
        (void)snprintf(step, sizeof step, "%.*s", (int)len, pointer);
        bool digits = strspn(step, "0123456789") == len && len > 0;
        value = json_is_array(value) && digits ? json_array_get(value, strtoul(step, NULL, 10))
                                               : json_object_get(value, step);
        pointer += len;
    }
    return value;
}

static inline int64_t pick_oracle_id(const struct pick_plan *plan, const json_t *film)
{
    int64_t id = json_is_integer(film) ? json_integer_value(film) : 0;
    if (plan->film_text) {
        const char *prefix = plan->film_prefix != NULL ? plan->film_prefix : "";
        const char *text = json_string_value(film);
        size_t len = strlen(prefix);
        size_t digits = strncmp(text, prefix, len) == 0 ? strspn(text + len, "0123456789") : 0;
        bool plain = digits > 0 && digits <= 10 && text[len] != '0' && text[len + digits] == '\0';
        id = plain ? strtoll(text + len, NULL, 10) : 0;
    }
    return id > 0 && id <= INT32_MAX ? id : 0;
}

/* Is the answer a list, as the plan wants it? */
static inline bool pick_oracle_is_list(const struct pick_plan *plan, const json_t *root)
{
    const json_t *films = pick_oracle_at(root, plan->films);
    const json_t *id = plan->request_id != NULL ? pick_oracle_at(root, plan->request_id) : NULL;
    size_t places = plan->cut > 0 ? (size_t)plan->cut : PICK_PLACES_MAX;
    if (!json_is_array(films) || (plan->cut == 0 && json_array_size(films) > places)) {
        return false;
    }
    if (id != NULL && !json_is_null(id) &&
        (plan->request_id_number ? !json_is_number(id) : !json_is_string(id))) {
        return false;
    }
    for (size_t i = 0; i < json_array_size(films) && i < places; i++) {
        const json_t *film = pick_oracle_at(json_array_get(films, i), plan->film);
        if (plan->film_text ? !json_is_string(film) : !json_is_integer(film)) {
            return false;
        }
    }
    return true;
}

/* Do the spelled value and the parsed one agree? Neither is as good as both. */
static inline bool pick_oracle_same(const struct scan_text *spelled, const json_t *value,
                                    bool number)
{
    bool wanted = number ? json_is_number(value) : json_is_string(value);
    if (!wanted || spelled->bytes == NULL) {
        return !wanted && spelled->bytes == NULL;
    }
    char *copy = malloc(spelled->len + 1);
    if (copy == NULL) {
        abort();
    }
    memcpy(copy, spelled->bytes, spelled->len);
    copy[spelled->len] = '\0';
    bool same = strtod(copy, NULL) == json_number_value(value);
    if (!number) {
        same = scan_text_copy(spelled, copy, spelled->len + 1) &&
               strcmp(copy, json_string_value(value)) == 0;
    }
    free(copy);
    return same;
}

static inline const json_t *pick_oracle_extra(const json_t *root, const json_t *element,
                                              const char *within, const char *beside, size_t place)
{
    if (beside != NULL) {
        return json_array_get(pick_oracle_at(root, beside), place);
    }
    return within != NULL ? pick_oracle_at(element, within) : NULL;
}

static inline void pick_oracle_compare(const struct pick_plan *plan,
                                       const struct pick_answer *answer, const json_t *root,
                                       const char *text, size_t len)
{
    const json_t *films = pick_oracle_at(root, plan->films);
    size_t count = json_array_size(films);
    count = plan->cut > 0 && count > (size_t)plan->cut ? (size_t)plan->cut : count;
    if ((size_t)answer->count != count) {
        pick_oracle_fail("length of the list", text, len);
    }
    for (size_t i = 0; i < count; i++) {
        const json_t *element = json_array_get(films, i);
        if (answer->film_id[i] != pick_oracle_id(plan, pick_oracle_at(element, plan->film))) {
            pick_oracle_fail("a film", text, len);
        }
        const json_t *source = pick_oracle_extra(root, element, plan->source, plan->sources, i);
        const json_t *score = pick_oracle_extra(root, element, plan->score, plan->scores, i);
        if (!pick_oracle_same(&answer->source[i], source, false) ||
            !pick_oracle_same(&answer->score[i], score, true)) {
            pick_oracle_fail("a source or score", text, len);
        }
    }
    const json_t *id = plan->request_id != NULL ? pick_oracle_at(root, plan->request_id) : NULL;
    if (!pick_oracle_same(&answer->request_id, id, plan->request_id_number)) {
        pick_oracle_fail("the request id", text, len);
    }
}

/* Did the parser refuse what no reading of the grammar allows? Escapes may be those of half a
 * character, which it tells apart from the grammar in words only. */
static inline bool pick_oracle_is_malformed(const json_error_t *why, const char *text, size_t len)
{
    enum json_error_code code = json_error_code(why);
    bool syntax = code == json_error_invalid_syntax || code == json_error_premature_end_of_input ||
                  code == json_error_end_of_input_expected;
    return syntax && (len < 2 || memmem(text, len, "\\u", 2) == NULL);
}

/* True if it is a list to both. `text` ends with a NUL, and its memory should end there, too.
 * Where jansson is stricter (UTF-8, ranges of numbers, keys given twice) there is nothing to
 * compare; where it is more lenient (depth, long ids, a NUL after a number) only what the pick
 * accepts is. */
static inline bool pick_oracle_check(const struct pick_plan *plan, const struct pick *pick,
                                     const char *text, size_t len)
{
    struct pick_answer answer = {.request_id_max = PICK_ORACLE_ID_MAX};
    bool readable = pick_read(pick, text, len, &answer);
    if (readable ? answer.count < 0 || answer.count > PICK_PLACES_MAX
                 : answer.count != 0 || answer.problem == NULL || answer.offset > len) {
        pick_oracle_fail("the outcome itself", text, len);
    }
    json_error_t why = {.line = 0};
    json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &why);
    if (root == NULL && readable && pick_oracle_is_malformed(&why, text, len)) {
        pick_oracle_fail(why.text, text, len);
    }
    bool list = root != NULL && pick_oracle_is_list(plan, root);
    if (root != NULL && readable) {
        if (!list) {
            pick_oracle_fail("this is no list", text, len);
        }
        pick_oracle_compare(plan, &answer, root, text, len);
    } else if (list && (len == 0 || memchr(text, '\0', len) == NULL) &&
               strcmp(answer.problem, "nested too deeply") != 0 &&
               strstr(answer.problem, "is too long") == NULL) {
        pick_oracle_fail(answer.problem, text, len);
    }
    json_decref(root);
    return list && readable;
}

#endif
