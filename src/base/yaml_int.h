/* Shared by yaml.c, which builds the places of a document, and yaml_lines.c, which keeps them. */
#ifndef BASE_YAML_INT_H
#define BASE_YAML_INT_H

#include <stddef.h>
#include <stdint.h>

#define YAML_NO_PLACE SIZE_MAX

struct yaml_lines;

struct yaml_lines *yaml_lines_new(void);
/* Appends a child behind those `parent` has, and returns its number. The first place is the
 * document itself, with YAML_NO_PLACE as parent. key is NULL for an item of a list. */
size_t yaml_lines_add(struct yaml_lines *lines, size_t parent, const char *key, int line);
void yaml_lines_set_source(struct yaml_lines *lines, size_t place, const char *text);

#endif
