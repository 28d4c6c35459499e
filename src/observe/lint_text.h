/*
 * What stands in texts besides themselves: Grafana's variables ($job, ${job:regex}, [[job]]) and
 * the parts of Prometheus' templates ({{ ... }}).
 */
#ifndef OBSERVE_LINT_TEXT_H
#define OBSERVE_LINT_TEXT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define LINT_NAME_BYTES 80

struct lint_variable {
    char name[LINT_NAME_BYTES]; /* without format and path: __field of ${__field.labels.x} */
    size_t at, len;             /* in the text, all of it */
};

/* The next variable at or behind *at, which then is behind it; false if there is none. $1 and ${1}
 * are none, nor is a $ before anything but a letter. */
bool lint_variable_next(const char *text, size_t *at, struct lint_variable *out);
/* One that Grafana defines itself. */
bool lint_variable_is_builtin(const char *name);

struct lint_piece {
    char name[LINT_NAME_BYTES];
    size_t at, len; /* of the value, in the filled text */
};

struct lint_filled {
    char *text;
    size_t piece_count, piece_capacity;
    struct lint_piece *piece;
};

/* Puts values in the place of variables: those of `values` (name -> string), for Grafana's own
 * durations and times something of their sort, and "1" for one that is not known. */
void lint_fill(const char *text, const json_t *values, struct lint_filled *out);
void lint_filled_deinit(struct lint_filled *filled);
/* The variable that any of these bytes of the filled text come from, or NULL. */
const char *lint_filled_by(const struct lint_filled *filled, size_t at, size_t len);

/* The inside of the next {{ }} at or behind *at, which then is behind it. False if there is none;
 * *broken then tells that one begins and does not end. */
bool lint_template_next(const char *text, size_t *at, const char **inside, size_t *len,
                        bool *broken);
/* Whether the template asks for the value that changes with every evaluation. */
bool lint_template_has_value(const char *inside, size_t len);
/* The next label that the template takes from $labels or .Labels; false if there is none. */
bool lint_template_label(const char *inside, size_t len, size_t *at, char name[LINT_NAME_BYTES]);

#endif
