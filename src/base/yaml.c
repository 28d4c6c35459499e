/*
 * YAML into jansson values.
 *
 * The parser's events are turned into values by recursive descent, so that duplicate keys, lines
 * and limits are seen where they occur. An alias is expanded to a deep copy: callers may then edit
 * one place without changing another, and the result is a plain tree. Copies are paid for from a
 * budget per document and depth counts through aliases, so a short text can neither grow without
 * bound nor nest deeper than recursion over the result can stand.
 */
#include "base/yaml.h"

#include "base/buf.h"
#include "base/fileio.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/yaml_int.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

/* Scenarios and rule files are kilobytes; the bounds only keep a wrong path or a hostile file from
 * eating the machine. A copied value costs its text and about what jansson spends on a node. */
#define FILE_MAX_BYTES ((size_t)16 << 20)
#define ALIAS_BUDGET_BYTES ((size_t)16 << 20)
#define VALUE_COST_BYTES 64
struct reader {
    yaml_parser_t parser;
    const char *name;
    struct error *error;
    json_t *anchors; /* name -> value, owned */
    struct yaml_lines *lines;
    size_t budget;
    int depth;
};

static json_t *read_value(struct reader *reader, const yaml_event_t *event, size_t place);

static int event_line(const yaml_event_t *event)
{
    return (int)event->start_mark.line + 1;
}

/* Turns what libyaml says into our error. A byte that is not text is found before lines are
 * counted, so that error knows its offset only. */
static enum err parser_fault(struct reader *reader)
{
    const yaml_parser_t *parser = &reader->parser;
    if (parser->error == YAML_MEMORY_ERROR) {
        return error_set(reader->error, ERR_MEMORY, reader->name, 0, "out of memory");
    }
    const char *problem = parser->problem ? parser->problem : "unreadable";
    if (parser->error == YAML_READER_ERROR) {
        return error_set(reader->error, ERR_INPUT, reader->name, 0, "%s at byte %zu", problem,
                         parser->problem_offset);
    }
    int line = (int)parser->problem_mark.line + 1;
    return error_set(reader->error, ERR_INPUT, reader->name, line, "not YAML: %s%s%s",
                     parser->context ? parser->context : "", parser->context ? ", " : "", problem);
}

/* False, with the error set, if the text is not YAML; otherwise the caller deletes the event. */
static bool next_event(struct reader *reader, yaml_event_t *event)
{
    if (!yaml_parser_parse(&reader->parser, event)) {
        (void)parser_fault(reader);
        return false;
    }
    return true;
}

static bool all_digits(const char *text)
{
    return *text != '\0' && text[strspn(text, "0123456789")] == '\0';
}

/* -?[0-9]+ and the prefixed forms 0o17, 0x1F of the core schema. */
static bool looks_integer(const char *text)
{
    if (strncmp(text, "0o", 2) == 0) {
        return text[2] != '\0' && text[2 + strspn(text + 2, "01234567")] == '\0';
    }
    if (strncmp(text, "0x", 2) == 0) {
        return text[2] != '\0' && text[2 + strspn(text + 2, "0123456789abcdefABCDEF")] == '\0';
    }
    return all_digits(text + (*text == '-' || *text == '+'));
}

/* [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)? */
static bool looks_real(const char *text)
{
    const char *at = text + (*text == '-' || *text == '+');
    size_t whole = strspn(at, "0123456789");
    at += whole;
    if (*at == '.') {
        size_t decimals = strspn(++at, "0123456789");
        if (whole + decimals == 0) {
            return false;
        }
        at += decimals;
    } else if (whole == 0) {
        return false;
    }
    if (*at == 'e' || *at == 'E') {
        at++;
        at += *at == '-' || *at == '+';
        return all_digits(at);
    }
    return *at == '\0';
}

static bool looks_not_finite(const char *text)
{
    static const char *const nan[] = {".nan", ".NaN", ".NAN"};
    static const char *const inf[] = {".inf", ".Inf", ".INF"};
    const char *unsigned_text = text + (*text == '-' || *text == '+');
    for (size_t i = 0; i < 3; i++) {
        if (strcmp(text, nan[i]) == 0 || strcmp(unsigned_text, inf[i]) == 0) {
            return true;
        }
    }
    return false;
}

static bool one_of(const char *text, const char *a, const char *b, const char *c)
{
    return strcmp(text, a) == 0 || strcmp(text, b) == 0 || strcmp(text, c) == 0;
}

/* A number that does not fit is refused rather than rounded: in a label such as a revision it would
 * silently become another text. */
static json_t *integer_value(struct reader *reader, const char *text, int line)
{
    int64_t value = 0;
    bool fits;
    if (text[0] == '0' && (text[1] == 'o' || text[1] == 'x')) {
        errno = 0;
        unsigned long long bits = strtoull(text + 2, NULL, text[1] == 'o' ? 8 : 16);
        fits = errno == 0 && bits <= (unsigned long long)INT64_MAX;
        value = (int64_t)bits;
    } else {
        fits = text_to_i64(text + (*text == '+'), &value);
    }
    if (!fits) {
        (void)error_set(reader->error, ERR_INPUT, reader->name, line,
                        "%.60s does not fit a 64-bit integer (quote it if it is text)", text);
        return NULL;
    }
    return json_integer(value);
}

static json_t *real_value(struct reader *reader, const char *text, int line)
{
    double value;
    if (!text_to_f64(text + (*text == '+'), &value)) {
        (void)error_set(reader->error, ERR_INPUT, reader->name, line,
                        "%.60s is not a finite number (quote it if it is text)", text);
        return NULL;
    }
    return json_real(value);
}

/* Value of a plain scalar that is not a string; *matched false if it is one. */
static json_t *plain_value(struct reader *reader, const char *text, int line, bool *matched)
{
    *matched = true;
    if (*text == '\0' || strcmp(text, "~") == 0 || one_of(text, "null", "Null", "NULL")) {
        return json_null();
    }
    if (one_of(text, "true", "True", "TRUE")) {
        return json_true();
    }
    if (one_of(text, "false", "False", "FALSE")) {
        return json_false();
    }
    if (looks_integer(text)) {
        return integer_value(reader, text, line);
    }
    if (looks_real(text) || looks_not_finite(text)) {
        return real_value(reader, text, line);
    }
    *matched = false;
    return NULL;
}

/* Zero bytes are refused because everything above reads texts as C strings, which would end there.
 */
static json_t *string_value(struct reader *reader, const char *text, size_t len, int line)
{
    json_t *json = memchr(text, '\0', len) ? NULL : json_stringn(text, len);
    if (json == NULL) {
        (void)error_set(reader->error, ERR_INPUT, reader->name, line,
                        "text with a zero byte or not UTF-8");
    }
    return json;
}

/* Only plain scalars without a tag are guessed at. Quotes, block styles and the tags !!str and "!"
 * make text; the tags of the core schema demand their type, whatever the quoting. */
static json_t *read_scalar(struct reader *reader, const yaml_event_t *event, size_t place)
{
    const char *text = (const char *)event->data.scalar.value;
    size_t len = event->data.scalar.length;
    const char *tag = (const char *)event->data.scalar.tag;
    int line = event_line(event);
    bool plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && tag == NULL;
    bool typed = false;

    if (tag != NULL && strcmp(tag, "!") != 0 && strcmp(tag, YAML_STR_TAG) != 0) {
        typed = one_of(tag, YAML_INT_TAG, YAML_FLOAT_TAG, YAML_BOOL_TAG) ||
                strcmp(tag, YAML_NULL_TAG) == 0;
        if (!typed) {
            (void)error_set(reader->error, ERR_INPUT, reader->name, line,
                            "tag %.80s is not supported", tag);
            return NULL;
        }
    }
    if ((plain || typed) && memchr(text, '\0', len) == NULL) {
        bool matched = false;
        json_t *json = plain_value(reader, text, line, &matched);
        if (matched && json != NULL) {
            yaml_lines_set_source(reader->lines, place, text);
        }
        if (matched) {
            return json;
        }
    }
    if (typed) {
        (void)error_set(reader->error, ERR_INPUT, reader->name, line,
                        "%.60s is not a value of its tag %.80s", text, tag);
        return NULL;
    }
    return string_value(reader, text, len, line);
}

/* Takes what a copy of the value costs from the budget; false if that, or the depth, is too much.
 */
static bool pay_for_copy(struct reader *reader, const json_t *value, int depth)
{
    size_t cost = VALUE_COST_BYTES + (json_is_string(value) ? json_string_length(value) : 0);
    if (cost > reader->budget || depth > YAML_DEPTH_MAX) {
        return false;
    }
    reader->budget -= cost;
    size_t index;
    const char *key;
    json_t *child;
    json_array_foreach((json_t *)(uintptr_t)value, index, child)
    {
        if (!pay_for_copy(reader, child, depth + 1)) {
            return false;
        }
    }
    json_object_foreach((json_t *)(uintptr_t)value, key, child)
    {
        size_t key_cost = strlen(key);
        if (key_cost > reader->budget) {
            return false;
        }
        reader->budget -= key_cost;
        if (!pay_for_copy(reader, child, depth + 1)) {
            return false;
        }
    }
    return true;
}

/* Anchors are noted when their value is complete, so an alias inside its own anchor does not
 * resolve and values cannot contain themselves. */
static json_t *read_alias(struct reader *reader, const yaml_event_t *event)
{
    const char *anchor = (const char *)event->data.alias.anchor;
    const json_t *value = json_object_get(reader->anchors, anchor);
    int line = event_line(event);
    if (value == NULL) {
        (void)error_set(reader->error, ERR_INPUT, reader->name, line,
                        "alias *%.80s has no anchor before it", anchor);
        return NULL;
    }
    if (!pay_for_copy(reader, value, reader->depth + 1)) {
        (void)error_set(reader->error, ERR_INPUT, reader->name, line,
                        "alias *%.80s makes the document too large or too deep", anchor);
        return NULL;
    }
    return json_deep_copy(value);
}

/* The key "<<": entries of the given mapping, or of each in a list, that are not there already. */
static bool merge_into(struct reader *reader, json_t *object, json_t *from, int line)
{
    if (json_is_object(from)) {
        return json_object_update_missing(object, from) == 0;
    }
    bool ok = json_is_array(from);
    size_t index;
    json_t *item;
    json_array_foreach(from, index, item)
    {
        ok = ok && json_is_object(item) && json_object_update_missing(object, item) == 0;
    }
    if (!ok) {
        (void)error_set(reader->error, ERR_INPUT, reader->name, line,
                        "<< wants a mapping or a list of mappings");
    }
    return ok;
}

/* Keys are text as written, also where a value of that spelling would be a number: JSON has no
 * other keys. *merge tells the plain "<<". Heap. */
static char *read_key(struct reader *reader, const yaml_event_t *event, bool *merge)
{
    const char *text = (const char *)event->data.scalar.value;
    if (event->type != YAML_SCALAR_EVENT) {
        (void)error_set(reader->error, ERR_INPUT, reader->name, event_line(event),
                        "a key must be a single word or text");
        return NULL;
    }
    if (memchr(text, '\0', event->data.scalar.length) != NULL) {
        (void)error_set(reader->error, ERR_INPUT, reader->name, event_line(event),
                        "a key holds a zero byte");
        return NULL;
    }
    *merge = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && strcmp(text, "<<") == 0;
    return mem_text(text);
}

/* One key with its value. Merged entries are gathered apart, because a mapping's own keys win over
 * them even if they come later, and are no duplicates of them. */
static bool read_entry(struct reader *reader, const yaml_event_t *key_event, json_t *object,
                       json_t *merged, size_t place)
{
    bool merge = false;
    char *key = read_key(reader, key_event, &merge);
    if (key == NULL) {
        return false;
    }
    bool ok = false;
    int line = event_line(key_event);
    yaml_event_t event;
    if (json_object_get(object, key) != NULL) {
        (void)error_set(reader->error, ERR_INPUT, reader->name, line,
                        "key \"%.80s\" is there twice", key);
    } else if (next_event(reader, &event)) {
        size_t child = yaml_lines_add(reader->lines, place, key, event_line(&event));
        json_t *value = read_value(reader, &event, child);
        yaml_event_delete(&event);
        if (value != NULL && merge) {
            ok = merge_into(reader, merged, value, line);
            json_decref(value);
        } else if (value != NULL) {
            ok = json_object_set_new(object, key, value) == 0;
            if (!ok) {
                (void)error_set(reader->error, ERR_INPUT, reader->name, line, "a key is not UTF-8");
            }
        }
    }
    mem_free(key);
    return ok;
}

static json_t *read_mapping(struct reader *reader, size_t place)
{
    json_t *object = json_object();
    json_t *merged = json_object();
    bool ok = object != NULL && merged != NULL;
    for (bool more = true; ok && more;) {
        yaml_event_t event;
        if (!next_event(reader, &event)) {
            ok = false;
            break;
        }
        more = event.type != YAML_MAPPING_END_EVENT;
        ok = !more || read_entry(reader, &event, object, merged, place);
        yaml_event_delete(&event);
    }
    ok = ok && json_object_update_missing(object, merged) == 0;
    json_decref(merged);
    if (!ok) {
        json_decref(object);
        return NULL;
    }
    return object;
}

static json_t *read_sequence(struct reader *reader, size_t place)
{
    json_t *array = json_array();
    bool ok = array != NULL;
    for (bool more = true; ok && more;) {
        yaml_event_t event;
        if (!next_event(reader, &event)) {
            ok = false;
            break;
        }
        more = event.type != YAML_SEQUENCE_END_EVENT;
        if (more) {
            size_t child = yaml_lines_add(reader->lines, place, NULL, event_line(&event));
            json_t *value = read_value(reader, &event, child);
            ok = value != NULL && json_array_append_new(array, value) == 0;
        }
        yaml_event_delete(&event);
    }
    if (!ok) {
        json_decref(array);
        return NULL;
    }
    return array;
}

/* Checks tag and depth of a list or mapping, whose start event was read, and reads the rest. */
static json_t *read_collection(struct reader *reader, const yaml_event_t *event, size_t place)
{
    bool mapping = event->type == YAML_MAPPING_START_EVENT;
    const char *tag =
        (const char *)(mapping ? event->data.mapping_start.tag : event->data.sequence_start.tag);
    const char *known = mapping ? YAML_MAP_TAG : YAML_SEQ_TAG;
    if (tag != NULL && strcmp(tag, "!") != 0 && strcmp(tag, known) != 0) {
        (void)error_set(reader->error, ERR_INPUT, reader->name, event_line(event),
                        "tag %.80s is not supported", tag);
        return NULL;
    }
    if (reader->depth == YAML_DEPTH_MAX) {
        (void)error_set(reader->error, ERR_INPUT, reader->name, event_line(event),
                        "nested deeper than %d", YAML_DEPTH_MAX);
        return NULL;
    }
    reader->depth++;
    json_t *value = mapping ? read_mapping(reader, place) : read_sequence(reader, place);
    reader->depth--;
    return value;
}

/* New reference, or NULL with reader->error set. */
static json_t *read_value(struct reader *reader, const yaml_event_t *event, size_t place)
{
    json_t *value = NULL;
    const char *anchor = NULL;
    switch (event->type) {
    case YAML_ALIAS_EVENT:
        return read_alias(reader, event);
    case YAML_SCALAR_EVENT:
        anchor = (const char *)event->data.scalar.anchor;
        value = read_scalar(reader, event, place);
        break;
    case YAML_SEQUENCE_START_EVENT:
        anchor = (const char *)event->data.sequence_start.anchor;
        value = read_collection(reader, event, place);
        break;
    case YAML_MAPPING_START_EVENT:
        anchor = (const char *)event->data.mapping_start.anchor;
        value = read_collection(reader, event, place);
        break;
    default:
        assert(!"libyaml gives a node where a node is due");
    }
    if (value != NULL && anchor != NULL) {
        (void)json_object_set(reader->anchors, anchor, value);
    }
    return value;
}

/* Reads up to the first node; *event is the node's, or the stream's end if there is none. */
static bool open_document(struct reader *reader, yaml_event_t *event)
{
    for (;;) {
        if (!next_event(reader, event)) {
            return false;
        }
        if (event->type != YAML_STREAM_START_EVENT && event->type != YAML_DOCUMENT_START_EVENT) {
            return true;
        }
        yaml_event_delete(event);
    }
}

/* Nothing but the end may follow; a second document would otherwise go unread and unnoticed. */
static bool close_document(struct reader *reader)
{
    for (;;) {
        yaml_event_t event;
        if (!next_event(reader, &event)) {
            return false;
        }
        yaml_event_type_t type = event.type;
        int line = event_line(&event);
        yaml_event_delete(&event);
        if (type == YAML_STREAM_END_EVENT) {
            return true;
        }
        if (type != YAML_DOCUMENT_END_EVENT) {
            (void)error_set(reader->error, ERR_INPUT, reader->name, line,
                            "a second document begins here; one a file is expected");
            return false;
        }
    }
}

static json_t *read_document(struct reader *reader)
{
    yaml_event_t event;
    if (!open_document(reader, &event)) {
        return NULL;
    }
    bool empty = event.type == YAML_STREAM_END_EVENT;
    int line = empty ? 1 : event_line(&event);
    size_t root = yaml_lines_add(reader->lines, YAML_NO_PLACE, NULL, line);
    json_t *value = empty ? json_null() : read_value(reader, &event, root);
    yaml_event_delete(&event);
    if (value != NULL && !empty && !close_document(reader)) {
        json_decref(value);
        value = NULL;
    }
    return value;
}

enum err yaml_read_text(const char *name, const char *text, size_t len, json_t **out,
                        struct yaml_lines **lines, struct error *error)
{
    struct error local = {.code = ERR_OK};
    struct reader reader = {.name = name, .error = &local, .budget = ALIAS_BUDGET_BYTES};
    *out = NULL;
    if (lines != NULL) {
        *lines = NULL;
    }
    reader.anchors = json_object();
    if (reader.anchors == NULL || !yaml_parser_initialize(&reader.parser)) {
        json_decref(reader.anchors);
        return error_set(error, ERR_MEMORY, name, 0, "out of memory");
    }
    reader.lines = yaml_lines_new();
    yaml_parser_set_input_string(&reader.parser, (const unsigned char *)text, len);
    json_t *value = read_document(&reader);
    yaml_parser_delete(&reader.parser);
    json_decref(reader.anchors);
    if (value == NULL) {
        yaml_lines_free(reader.lines);
        if (local.code == ERR_OK) {
            return error_set(error, ERR_MEMORY, name, 0, "out of memory");
        }
        return error_set(error, local.code, name, local.line, "%s", local.text);
    }
    *out = value;
    if (lines != NULL) {
        *lines = reader.lines;
    } else {
        yaml_lines_free(reader.lines);
    }
    return ERR_OK;
}

enum err yaml_read_file(const char *path, json_t **out, struct yaml_lines **lines,
                        struct error *error)
{
    struct buf text;
    *out = NULL;
    if (lines != NULL) {
        *lines = NULL;
    }
    buf_init(&text, FILE_MAX_BYTES);
    enum err code = file_read(path, &text, error);
    if (code == ERR_OK) {
        code = yaml_read_text(path, text.len ? text.data : "", text.len, out, lines, error);
    }
    buf_deinit(&text);
    return code;
}
