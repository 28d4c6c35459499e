/*
 * Interned words and label sets of PromQL: a set is a small number, two sets are equal when their
 * numbers are. One thread at a time; nothing is ever taken out.
 */
#ifndef OBSERVE_LABELS_H
#define OBSERVE_LABELS_H

#include <stddef.h>

#define LABELS_EMPTY_WORD 0 /* "", the value of a label that is not there */
#define LABELS_NAME 1       /* "__name__" */
#define LABELS_EMPTY_SET 0

struct labels;

struct label {
    int name, value; /* words */
};

struct labels *labels_new(void);
void labels_free(struct labels *labels);

int labels_word(struct labels *labels, const char *text, size_t len);
const char *labels_text(const struct labels *labels, int word);

/* The set of these pairs, in any order; pairs without a value are left out, of two pairs of one
 * name the later counts. */
int labels_set(struct labels *labels, const struct label *pair, size_t count);
size_t labels_count(const struct labels *labels, int set);
struct label labels_pair(const struct labels *labels, int set, size_t index);
int labels_value(const struct labels *labels, int set, int name); /* LABELS_EMPTY_WORD if absent */

int labels_keep(struct labels *labels, int set, const int *name, size_t count);
int labels_drop(struct labels *labels, int set, const int *name, size_t count);
/* `set` with the pairs put in, or taken out where the value is the empty word. */
int labels_with(struct labels *labels, int set, const struct label *pair, size_t count);

/* name{a="b",c="d"} with labels in order of their names; heap (mem_free). */
char *labels_print(const struct labels *labels, int set);

#endif
