/*
 * Where the values of a document stood. A tree beside the values rather than a table of pointers:
 * its size then follows the size of the text, however deep or long the keys are.
 */
#include "base/mem.h"
#include "base/yaml.h"
#include "base/yaml_int.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct place {
    int line;
    char *key;    /* inside a mapping; NULL for an item of a list */
    char *source; /* spelling of a plain scalar that is not a string, else NULL */
    size_t first_child, last_child, next;
};

struct yaml_lines {
    struct place *list; /* [0] is the document */
    size_t count, capacity;
};

struct yaml_lines *yaml_lines_new(void)
{
    return mem_zalloc(1, sizeof(struct yaml_lines));
}

size_t yaml_lines_add(struct yaml_lines *lines, size_t parent, const char *key, int line)
{
    if (lines->count == lines->capacity) {
        lines->capacity = lines->capacity ? 2 * lines->capacity : 32;
        lines->list = mem_resize(lines->list, lines->capacity, sizeof *lines->list);
    }
    size_t index = lines->count++;
    lines->list[index] = (struct place){.line = line,
                                        .key = mem_text(key),
                                        .first_child = YAML_NO_PLACE,
                                        .last_child = YAML_NO_PLACE,
                                        .next = YAML_NO_PLACE};
    if (parent != YAML_NO_PLACE) {
        struct place *above = &lines->list[parent];
        if (above->first_child == YAML_NO_PLACE) {
            above->first_child = index;
        } else {
            lines->list[above->last_child].next = index;
        }
        above->last_child = index;
    }
    return index;
}

void yaml_lines_set_source(struct yaml_lines *lines, size_t place, const char *text)
{
    mem_free(lines->list[place].source);
    lines->list[place].source = mem_text(text);
}

void yaml_lines_free(struct yaml_lines *lines)
{
    if (lines == NULL) {
        return;
    }
    for (size_t i = 0; i < lines->count; i++) {
        mem_free(lines->list[i].key);
        mem_free(lines->list[i].source);
    }
    mem_free(lines->list);
    mem_free(lines);
}

/* Whether the token (len bytes of a JSON pointer, with ~0 and ~1) names the key. */
static bool token_is(const char *token, size_t len, const char *key)
{
    size_t at = 0;
    for (; at < len && *key != '\0'; key++) {
        char wanted = token[at];
        if (wanted == '~' && at + 1 < len) {
            wanted = token[++at] == '1' ? '/' : '~';
        }
        if (wanted != *key) {
            return false;
        }
        at++;
    }
    return at == len && *key == '\0';
}

static size_t child_named(const struct yaml_lines *lines, size_t parent, const char *token,
                          size_t len)
{
    size_t number = 0;
    for (size_t i = lines->list[parent].first_child; i != YAML_NO_PLACE; i = lines->list[i].next) {
        const struct place *child = &lines->list[i];
        char index[24];
        (void)snprintf(index, sizeof index, "%zu", number++);
        if (token_is(token, len, child->key != NULL ? child->key : index)) {
            return i;
        }
    }
    return YAML_NO_PLACE;
}

/* The place of a pointer, or of its nearest known ancestor with *exact false. */
static size_t find_place(const struct yaml_lines *lines, const char *pointer, bool *exact)
{
    size_t place = 0;
    *exact = true;
    while (*pointer == '/') {
        size_t len = strcspn(++pointer, "/");
        size_t child = child_named(lines, place, pointer, len);
        if (child == YAML_NO_PLACE) {
            *exact = false;
            break;
        }
        place = child;
        pointer += len;
    }
    return place;
}

int yaml_line(const struct yaml_lines *lines, const char *pointer)
{
    bool exact;
    if (lines == NULL) {
        return 0;
    }
    return lines->list[find_place(lines, pointer, &exact)].line;
}

const char *yaml_source(const struct yaml_lines *lines, const char *pointer)
{
    bool exact;
    size_t place = find_place(lines, pointer, &exact);
    return exact ? lines->list[place].source : NULL;
}
