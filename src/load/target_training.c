/* How the training of a target goes, as its status tells. */
#include "base/mem.h"
#include "load/target_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct target_training *target_training(const struct target *target)
{
    return &target->training;
}

bool target_retrain_accepts(const struct target *target, long status)
{
    return target_call_accepts(&target->plan->retrain, status);
}

bool target_training_accepts(const struct target *target, long status)
{
    return target_call_accepts(&target->plan->training, status);
}

bool target_scalar(const json_t *value, char *out, size_t size)
{
    const char *text = json_string_value(value);
    char *dumped = text == NULL && (json_is_number(value) || json_is_boolean(value))
                       ? json_dumps(value, JSON_ENCODE_ANY)
                       : NULL;
    bool good = text != NULL || dumped != NULL;
    if (good) {
        (void)snprintf(out, size, "%s", text != NULL ? text : dumped);
    }
    free(dumped);
    return good;
}

/* One step of a JSON pointer in place: ~1 is a slash, ~0 a tilde. */
static void unescape(char *step)
{
    char *to = step;
    for (const char *from = step; *from != '\0'; from++) {
        bool escaped = from[0] == '~' && (from[1] == '0' || from[1] == '1');
        *to++ = !escaped ? *from : from[1] == '1' ? '/' : '~';
        from += escaped;
    }
    *to = '\0';
}

static const json_t *member(const json_t *holder, const char *step)
{
    if (!json_is_array(holder)) {
        return json_object_get(holder, step);
    }
    size_t digits = strspn(step, "0123456789");
    bool index = digits > 0 && digits < 10 && step[digits] == '\0';
    return index ? json_array_get(holder, strtoul(step, NULL, 10)) : NULL;
}

/* The value at a JSON pointer, borrowed; NULL if there is none. */
static const json_t *value_at(const json_t *value, const char *pointer)
{
    char *copy = mem_text(pointer), *rest = copy + (copy[0] == '/'), *step;
    while (pointer[0] != '\0' && value != NULL && (step = strsep(&rest, "/")) != NULL) {
        unescape(step);
        value = member(value, step);
    }
    mem_free(copy);
    return value;
}

bool target_training_state(const struct target *target, const char *answer, size_t len, char *out,
                           size_t size)
{
    json_t *document = json_loadb(answer, len, JSON_DECODE_ANY, NULL);
    bool good =
        document != NULL && target_scalar(value_at(document, target->training.at), out, size);
    json_decref(document);
    return good;
}
