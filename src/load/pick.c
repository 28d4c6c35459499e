#include "load/pick_int.h"

#include "base/mem.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* RFC 6901, but for "-": a step of digits is a key and a place in an array alike. */
static bool is_index(const char *step)
{
    size_t digits = strspn(step, "0123456789");
    return digits > 0 && digits < 6 && step[digits] == '\0' && (digits == 1 || step[0] != '0');
}

/* Copies the step at *pointer (behind its '/') with ~0 and ~1 undone, and moves on behind it. */
static bool take_step(const char **pointer, char *out, size_t size)
{
    size_t used = 0;
    const char *at = *pointer;
    for (; *at != '\0' && *at != '/'; at++) {
        char byte = *at;
        if (byte == '~') {
            at++;
            if (*at != '0' && *at != '1') {
                return false;
            }
            byte = *at == '0' ? '~' : '/';
        }
        if (used + 1 >= size) {
            return false;
        }
        out[used++] = byte;
    }
    out[used] = '\0';
    *pointer = at;
    return true;
}

static enum err refuse(const char *pointer, const char *why, struct error *error)
{
    return error_set(error, ERR_INPUT, NULL, 0, "pointer '%s': %s", pointer, why);
}

static uint8_t add_node(struct pick *pick)
{
    struct pick_node *node = &pick->node[pick->nodes];
    node->index = -1;
    return (uint8_t)pick->nodes++;
}

/* The child of `parent` by that name, which is made if need be; 0 if there is no room. */
static uint8_t child_of(struct pick *pick, uint8_t parent, const char *key)
{
    uint8_t ordinal = 0, last = 0;
    for (uint8_t c = pick->node[parent].child; c != 0; c = pick->node[c].sibling) {
        if (strcmp(pick->node[c].key, key) == 0) {
            return c;
        }
        ordinal++;
        last = c;
    }
    if (pick->nodes == PICK_NODES_MAX) {
        return 0;
    }
    uint8_t child = add_node(pick);
    struct pick_node *node = &pick->node[child];
    node->ordinal = ordinal;
    node->key_len = strlen(key);
    (void)text_copy(node->key, sizeof node->key, key);
    (void)snprintf(node->twice, sizeof node->twice, "%s twice", key);
    node->index = is_index(key) ? (int32_t)strtol(key, NULL, 10) : -1;
    pick->node[parent].counts = pick->node[parent].counts || node->index >= 0;
    if (last != 0) {
        pick->node[last].sibling = child;
    } else {
        pick->node[parent].child = child;
    }
    return child;
}

/* Makes the nodes of one pointer, from `root` on. */
static enum err add_pointer(struct pick *pick, uint8_t root, const char *pointer,
                            enum pick_want want, struct error *error)
{
    static const char crossed[] = "leads to where another one leads, or further";
    char step[sizeof pick->node[0].key];
    uint8_t at = root;
    if (pointer == NULL) {
        return ERR_OK;
    }
    if (pointer[0] != '\0' && pointer[0] != '/') {
        return refuse(pointer, "expected a JSON pointer, such as /items/0/id", error);
    }
    for (const char *rest = pointer; *rest != '\0';) {
        rest++;
        if (!take_step(&rest, step, sizeof step)) {
            return refuse(pointer, "a step too long, or a '~' that is not ~0 or ~1", error);
        }
        if (pick->node[at].want != PICK_NOTHING) {
            return refuse(pointer, crossed, error);
        }
        at = child_of(pick, at, step);
        if (at == 0) {
            return refuse(pointer, "more steps than there is room for", error);
        }
    }
    if (pick->node[at].want != PICK_NOTHING || pick->node[at].child != 0) {
        return refuse(pointer, crossed, error);
    }
    pick->node[at].want = want;
    return ERR_OK;
}

/* How a pointer is called in a message: without its slash. */
static const char *name_of(const char *pointer, const char *itself)
{
    return pointer[0] == '\0' ? itself : pointer + 1;
}

static void name_faults(struct pick *pick, const struct pick_plan *plan)
{
    (void)snprintf(pick->no_films, sizeof pick->no_films, "no %s", name_of(plan->films, "list"));
    (void)snprintf(pick->no_film, sizeof pick->no_film, "a recommendation without %s",
                   name_of(plan->film, "an id"));
    (void)snprintf(pick->long_id, sizeof pick->long_id, "%s is too long",
                   plan->request_id != NULL ? name_of(plan->request_id, "the id") : "");
}

static enum err compile(struct pick *pick, const struct pick_plan *plan, struct error *error)
{
    struct {
        bool element; /* within an element of the list */
        const char *pointer;
        enum pick_want want;
    } wanted[] = {
        {false, plan->films, PICK_FILMS},           {true, plan->film, PICK_FILM},
        {true, plan->source, PICK_SOURCE},          {true, plan->score, PICK_SCORE},
        {false, plan->sources, PICK_SOURCES},       {false, plan->scores, PICK_SCORES},
        {false, plan->request_id, PICK_REQUEST_ID},
    };
    enum err code = ERR_OK;
    add_node(pick);
    pick->element = add_node(pick);
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0] && code == ERR_OK; i++) {
        code = add_pointer(pick, wanted[i].element ? pick->element : 0, wanted[i].pointer,
                           wanted[i].want, error);
    }
    pick->node[0].strict = pick->node[pick->element].strict = true;
    return code;
}

enum err pick_new(const struct pick_plan *plan, struct pick **out, struct error *error)
{
    struct pick *pick = mem_zalloc(1, sizeof *pick);
    *out = NULL;
    pick->film_text = plan->film_text;
    pick->request_id_number = plan->request_id_number;
    pick->sources_beside = plan->sources != NULL;
    pick->scores_beside = plan->scores != NULL;
    pick->cuts = plan->cut > 0;
    pick->places = plan->cut > 0 ? plan->cut : PICK_PLACES_MAX;
    const char *prefix = plan->film_prefix != NULL ? plan->film_prefix : "";
    pick->prefix_len = strlen(prefix);
    name_faults(pick, plan);
    enum err code = text_copy(pick->prefix, sizeof pick->prefix, prefix)
                        ? compile(pick, plan, error)
                        : error_set(error, ERR_INPUT, NULL, 0, "a prefix too long");
    if (code != ERR_OK) {
        pick_free(pick);
        return code;
    }
    *out = pick;
    return ERR_OK;
}

void pick_free(struct pick *pick)
{
    mem_free(pick);
}
