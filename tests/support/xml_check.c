#include "xml_check.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define DEPTH_MAX 64
#define NAME_SIZE 48
#define IDS_MAX 512

struct reader {
    const char *text, *at;
    char open[DEPTH_MAX][NAME_SIZE];
    int depth;
    char id[IDS_MAX][NAME_SIZE];
    int ids;
    char *why;
    size_t why_size;
};

static bool wrong(struct reader *reader, const char *what)
{
    snprintf(reader->why, reader->why_size, "%s at byte %zu: %.60s", what,
             (size_t)(reader->at - reader->text), reader->at);
    return false;
}

static bool name(struct reader *reader, char out[NAME_SIZE])
{
    size_t length = 0;
    while (isalnum((unsigned char)reader->at[length]) || strchr("-_:", reader->at[length])) {
        if (reader->at[length] == '\0') {
            break;
        }
        length++;
    }
    if (length == 0 || length >= NAME_SIZE) {
        return wrong(reader, "no name");
    }
    memcpy(out, reader->at, length);
    out[length] = '\0';
    reader->at += length;
    return true;
}

/* One character of text or of an attribute. */
static bool character(struct reader *reader)
{
    static const char *const entities[] = {"&amp;", "&lt;", "&gt;", "&quot;"};
    unsigned char c = (unsigned char)*reader->at;
    if (c == '&') {
        for (size_t i = 0; i < sizeof entities / sizeof entities[0]; i++) {
            if (strncmp(reader->at, entities[i], strlen(entities[i])) == 0) {
                reader->at += strlen(entities[i]);
                return true;
            }
        }
        return wrong(reader, "no entity");
    }
    if ((c < ' ' && c != '\n' && c != '\t') || strncmp(reader->at, "\xef\xbf\xbf", 3) == 0) {
        return wrong(reader, "no character of XML");
    }
    reader->at++;
    return true;
}

static bool remember_id(struct reader *reader, const char *value, size_t length)
{
    char id[NAME_SIZE];
    if (length == 0 || length >= NAME_SIZE || reader->ids == IDS_MAX) {
        return wrong(reader, "no room for the id");
    }
    memcpy(id, value, length);
    id[length] = '\0';
    for (int i = 0; i < reader->ids; i++) {
        if (strcmp(reader->id[i], id) == 0) {
            return wrong(reader, "an id twice");
        }
    }
    memcpy(reader->id[reader->ids++], id, sizeof id);
    return true;
}

static bool attributes(struct reader *reader)
{
    char seen[16][NAME_SIZE];
    int count = 0;
    while (isspace((unsigned char)*reader->at)) {
        while (isspace((unsigned char)*reader->at)) {
            reader->at++;
        }
        if (*reader->at == '/' || *reader->at == '>') {
            return true;
        }
        if (count == 16 || !name(reader, seen[count])) {
            return wrong(reader, "no attribute");
        }
        for (int i = 0; i < count; i++) {
            if (strcmp(seen[i], seen[count]) == 0) {
                return wrong(reader, "an attribute twice");
            }
        }
        if (strncmp(reader->at, "=\"", 2) != 0) {
            return wrong(reader, "no value in quotes");
        }
        const char *value = reader->at += 2;
        while (*reader->at != '"') {
            if (*reader->at == '<' || *reader->at == '\0' || !character(reader)) {
                return wrong(reader, "bad value");
            }
        }
        if (strcmp(seen[count], "id") == 0 &&
            !remember_id(reader, value, (size_t)(reader->at - value))) {
            return false;
        }
        reader->at++;
        count++;
    }
    return true;
}

static bool element(struct reader *reader)
{
    char tag[NAME_SIZE];
    bool closes = reader->at[1] == '/';
    reader->at += closes ? 2 : 1;
    if (!name(reader, tag)) {
        return false;
    }
    if (closes) {
        if (reader->depth == 0 || strcmp(reader->open[reader->depth - 1], tag) != 0 ||
            *reader->at != '>') {
            return wrong(reader, "the end of what is not open");
        }
        reader->depth--;
        reader->at++;
        return true;
    }
    if (!attributes(reader)) {
        return false;
    }
    if (strncmp(reader->at, "/>", 2) == 0) {
        reader->at += 2;
        return true;
    }
    if (*reader->at != '>' || reader->depth == DEPTH_MAX) {
        return wrong(reader, "an element without an end");
    }
    memcpy(reader->open[reader->depth++], tag, sizeof tag);
    reader->at++;
    return true;
}

bool xml_check(const char *text, char *why, size_t size)
{
    struct reader reader = {.text = text, .at = text, .why = why, .why_size = size};
    if (strncmp(text, "<!DOCTYPE html>\n", 16) == 0) {
        reader.at += 16;
    }
    while (*reader.at != '\0') {
        if (*reader.at == '<' ? !element(&reader) : !character(&reader)) {
            return false;
        }
    }
    return reader.depth == 0 || wrong(&reader, "the end, with something open");
}
