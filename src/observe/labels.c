/*
 * Every vector operation of PromQL makes label sets and compares them. As numbers they are compared
 * at once and copied for nothing; the price, one lookup in a hash table for each set made, is small
 * beside allocating and sorting texts, and the tables stay as small as the rules' vocabulary.
 */
#include "observe/labels.h"

#include "base/buf.h"
#include "base/mem.h"

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define NONE (-1)
#define FIRST_SLOTS 64
#define PRINTED_MAX ((size_t)1 << 20)
#define HASH_START UINT64_C(0xcbf29ce484222325)
#define HASH_STEP UINT64_C(0x100000001b3)

struct table { /* open addressing; a power of two slots, at most half of them taken */
    int *slot;
    size_t slots, used;
};

struct set {
    struct label *pair; /* sorted by name */
    size_t count;
    uint64_t hash;
};

struct word {
    char *text;
    size_t len;
    uint64_t hash;
};

struct labels {
    struct word *word;
    struct set *set;
    size_t word_count, word_capacity, set_count, set_capacity;
    struct table words, sets;
    struct label *scratch;
    size_t scratch_capacity;
};

static uint64_t hash_bytes(const void *bytes, size_t len)
{
    const unsigned char *at = bytes;
    uint64_t hash = HASH_START;
    for (size_t i = 0; i < len; i++) {
        hash = (hash ^ at[i]) * HASH_STEP;
    }
    return hash ^ hash >> 29;
}

static uint64_t hash_pairs(const struct label *pair, size_t count)
{
    uint64_t hash = HASH_START;
    for (size_t i = 0; i < count; i++) {
        hash = (hash ^ (uint64_t)pair[i].name) * HASH_STEP;
        hash = (hash ^ (uint64_t)pair[i].value) * HASH_STEP;
    }
    return hash ^ hash >> 29;
}

static void put(struct table *table, uint64_t hash, int id)
{
    size_t at = (size_t)hash & (table->slots - 1);
    while (table->slot[at] != NONE) {
        at = (at + 1) & (table->slots - 1);
    }
    table->slot[at] = id;
}

static void resize_table(struct table *table, size_t slots)
{
    mem_free(table->slot);
    table->slot = mem_array(slots, sizeof *table->slot);
    table->slots = slots;
    for (size_t i = 0; i < slots; i++) {
        table->slot[i] = NONE;
    }
}

static void add_word_slot(struct labels *labels, int id)
{
    if (2 * labels->word_count > labels->words.slots) {
        resize_table(&labels->words, 2 * labels->words.slots);
        for (int i = 0; i < id; i++) {
            put(&labels->words, labels->word[i].hash, i);
        }
    }
    put(&labels->words, labels->word[id].hash, id);
}

static void add_set_slot(struct labels *labels, int id)
{
    if (2 * labels->set_count > labels->sets.slots) {
        resize_table(&labels->sets, 2 * labels->sets.slots);
        for (int i = 0; i < id; i++) {
            put(&labels->sets, labels->set[i].hash, i);
        }
    }
    put(&labels->sets, labels->set[id].hash, id);
}

int labels_word(struct labels *labels, const char *text, size_t len)
{
    uint64_t hash = hash_bytes(text, len);
    size_t mask = labels->words.slots - 1;
    for (size_t at = (size_t)hash & mask; labels->words.slot[at] != NONE; at = (at + 1) & mask) {
        const struct word *word = &labels->word[labels->words.slot[at]];
        if (word->hash == hash && word->len == len && memcmp(word->text, text, len) == 0) {
            return labels->words.slot[at];
        }
    }
    if (labels->word_count == labels->word_capacity) {
        labels->word_capacity = labels->word_capacity ? 2 * labels->word_capacity : FIRST_SLOTS;
        labels->word = mem_resize(labels->word, labels->word_capacity, sizeof *labels->word);
    }
    struct word *word = &labels->word[labels->word_count++];
    *word = (struct word){.text = mem_alloc(len + 1), .len = len, .hash = hash};
    memcpy(word->text, text, len);
    word->text[len] = '\0';
    add_word_slot(labels, (int)labels->word_count - 1);
    return (int)labels->word_count - 1;
}

const char *labels_text(const struct labels *labels, int word)
{
    assert(word >= 0 && (size_t)word < labels->word_count);
    return labels->word[word].text;
}

/* `pair` is sorted, without empty values and twins. */
static int intern(struct labels *labels, const struct label *pair, size_t count)
{
    uint64_t hash = hash_pairs(pair, count);
    size_t mask = labels->sets.slots - 1;
    for (size_t at = (size_t)hash & mask; labels->sets.slot[at] != NONE; at = (at + 1) & mask) {
        const struct set *set = &labels->set[labels->sets.slot[at]];
        if (set->hash == hash && set->count == count &&
            (count == 0 || memcmp(set->pair, pair, count * sizeof *pair) == 0)) {
            return labels->sets.slot[at];
        }
    }
    if (labels->set_count == labels->set_capacity) {
        labels->set_capacity = labels->set_capacity ? 2 * labels->set_capacity : FIRST_SLOTS;
        labels->set = mem_resize(labels->set, labels->set_capacity, sizeof *labels->set);
    }
    struct set *set = &labels->set[labels->set_count++];
    *set = (struct set){.pair = mem_array(count + 1, sizeof *pair), .count = count, .hash = hash};
    if (count > 0) {
        memcpy(set->pair, pair, count * sizeof *pair);
    }
    add_set_slot(labels, (int)labels->set_count - 1);
    return (int)labels->set_count - 1;
}

struct labels *labels_new(void)
{
    struct labels *labels = mem_zalloc(1, sizeof *labels);
    resize_table(&labels->words, FIRST_SLOTS);
    resize_table(&labels->sets, FIRST_SLOTS);
    int empty = labels_word(labels, "", 0);
    int name = labels_word(labels, "__name__", strlen("__name__"));
    int none = intern(labels, NULL, 0);
    assert(empty == LABELS_EMPTY_WORD && name == LABELS_NAME && none == LABELS_EMPTY_SET);
    (void)empty, (void)name, (void)none;
    return labels;
}

void labels_free(struct labels *labels)
{
    if (labels == NULL) {
        return;
    }
    for (size_t i = 0; i < labels->word_count; i++) {
        mem_free(labels->word[i].text);
    }
    for (size_t i = 0; i < labels->set_count; i++) {
        mem_free(labels->set[i].pair);
    }
    mem_free(labels->word);
    mem_free(labels->set);
    mem_free(labels->words.slot);
    mem_free(labels->sets.slot);
    mem_free(labels->scratch);
    mem_free(labels);
}

static struct label *scratch(struct labels *labels, size_t count)
{
    if (labels->scratch_capacity < count) {
        labels->scratch_capacity = 2 * count;
        labels->scratch =
            mem_resize(labels->scratch, labels->scratch_capacity, sizeof *labels->scratch);
    }
    return labels->scratch;
}

/* Puts one pair into the sorted list, or takes its name out; returns the new length. */
static size_t place(struct label *list, size_t count, struct label pair)
{
    size_t at = 0;
    while (at < count && list[at].name < pair.name) {
        at++;
    }
    bool there = at < count && list[at].name == pair.name;
    if (pair.value == LABELS_EMPTY_WORD) {
        if (there) {
            memmove(&list[at], &list[at + 1], (count - at - 1) * sizeof *list);
        }
        return count - there;
    }
    if (!there) {
        memmove(&list[at + 1], &list[at], (count - at) * sizeof *list);
    }
    list[at] = pair;
    return count + !there;
}

int labels_with(struct labels *labels, int set, const struct label *pair, size_t count)
{
    size_t len = labels->set[set].count;
    struct label *list = scratch(labels, len + count + 1);
    if (len > 0) {
        memcpy(list, labels->set[set].pair, len * sizeof *list);
    }
    for (size_t i = 0; i < count; i++) {
        len = place(list, len, pair[i]);
    }
    return intern(labels, list, len);
}

int labels_set(struct labels *labels, const struct label *pair, size_t count)
{
    return labels_with(labels, LABELS_EMPTY_SET, pair, count);
}

size_t labels_count(const struct labels *labels, int set)
{
    assert(set >= 0 && (size_t)set < labels->set_count);
    return labels->set[set].count;
}

struct label labels_pair(const struct labels *labels, int set, size_t index)
{
    assert(index < labels->set[set].count);
    return labels->set[set].pair[index];
}

int labels_value(const struct labels *labels, int set, int name)
{
    const struct set *from = &labels->set[set];
    for (size_t i = 0; i < from->count; i++) {
        if (from->pair[i].name == name) {
            return from->pair[i].value;
        }
    }
    return LABELS_EMPTY_WORD;
}

static bool is_among(const int *name, size_t count, int wanted)
{
    for (size_t i = 0; i < count; i++) {
        if (name[i] == wanted) {
            return true;
        }
    }
    return false;
}

static int filter(struct labels *labels, int set, const int *name, size_t count, bool keep)
{
    size_t len = labels->set[set].count, kept = 0;
    struct label *list = scratch(labels, len + 1);
    for (size_t i = 0; i < len; i++) {
        struct label pair = labels->set[set].pair[i];
        if (is_among(name, count, pair.name) == keep) {
            list[kept++] = pair;
        }
    }
    return kept == len ? set : intern(labels, list, kept);
}

int labels_keep(struct labels *labels, int set, const int *name, size_t count)
{
    return filter(labels, set, name, count, true);
}

int labels_drop(struct labels *labels, int set, const int *name, size_t count)
{
    return filter(labels, set, name, count, false);
}

struct printed {
    const char *name, *value;
};

static int compare_printed(const void *left, const void *right)
{
    return strcmp(((const struct printed *)left)->name, ((const struct printed *)right)->name);
}

static void print_value(struct buf *out, const char *value)
{
    (void)buf_text(out, "\"");
    for (; *value != '\0'; value++) {
        if (*value == '\n') {
            (void)buf_text(out, "\\n");
        } else if (*value == '"' || *value == '\\') {
            (void)buf_printf(out, "\\%c", *value);
        } else {
            (void)buf_add(out, value, 1);
        }
    }
    (void)buf_text(out, "\"");
}

char *labels_print(const struct labels *labels, int set)
{
    const struct set *from = &labels->set[set];
    struct printed *list = mem_array(from->count + 1, sizeof *list);
    struct buf out;
    size_t count = 0;
    buf_init(&out, PRINTED_MAX);
    for (size_t i = 0; i < from->count; i++) {
        if (from->pair[i].name == LABELS_NAME) {
            (void)buf_text(&out, labels_text(labels, from->pair[i].value));
        } else {
            list[count++] = (struct printed){labels_text(labels, from->pair[i].name),
                                             labels_text(labels, from->pair[i].value)};
        }
    }
    qsort(list, count, sizeof *list, compare_printed);
    for (size_t i = 0; i < count; i++) {
        (void)buf_printf(&out, "%s%s=", i == 0 ? "{" : ",", list[i].name);
        print_value(&out, list[i].value);
    }
    (void)buf_text(&out, count > 0 ? "}" : "");
    mem_free(list);
    char *text = buf_take(&out);
    buf_deinit(&out);
    return text;
}
