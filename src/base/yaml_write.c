/*
 * Writing YAML.
 *
 * Our own small emitter rather than libyaml's, because the output is read by Go's yaml.v2 and
 * yaml.v3, which still follow YAML 1.1 for words such as "on" or "1:30": whatever could be taken
 * for something else than text is double-quoted, with only the escapes JSON and YAML share. Text of
 * several lines becomes a literal block, so that rendered rules stay readable.
 */
#include "base/yaml.h"

#include "base/buf.h"
#include "base/fileio.h"
#include "base/text.h"

#include <math.h>
#include <string.h>
#include <strings.h>

#define FILE_MAX_BYTES ((size_t)64 << 20)
#define INDENT 2
/* YAML limits a key in front of ": " to 1024 characters on one line; longer ones need "? ". */
#define SIMPLE_KEY_MAX_BYTES 1000

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

/* What stands on the line before a value: nothing, "key:" or "-". */
enum position { AT_START, AFTER_KEY, AFTER_DASH };

static bool write_value(struct buf *out, const json_t *value, int depth, int indent,
                        enum position position);

/* Words that some YAML version reads as null or a boolean, in any mixture of case. */
static bool is_reserved_word(const char *text)
{
    static const char *const words[] = {"null", "true", "false", "yes", "no",
                                        "on",   "off",  "y",     "n",   NULL};
    for (size_t i = 0; words[i] != NULL; i++) {
        if (strcasecmp(text, words[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* "2m30s": digits and units in turn. No YAML version reads these as a number. */
static bool is_duration(const char *text)
{
    int64_t ns;
    return text[strspn(text, DIGITS)] != '\0' && text_to_duration_ns(text, &ns);
}

/* Text that reads back as the same text without quotes, in every version of YAML. Conservative:
 * quoting is never wrong. */
static bool is_plain(const char *text, size_t len)
{
    if (len == 0 || strlen(text) != len || is_reserved_word(text)) {
        return false;
    }
    if (strchr(DIGITS, text[0]) != NULL) {
        return is_duration(text);
    }
    if (strchr(LOWER UPPER "_/", text[0]) == NULL || text[len - 1] == ' ') {
        return false;
    }
    if (text[strspn(text, LOWER UPPER DIGITS "_/.- ():;,%+*<>=$")] != '\0') {
        return false;
    }
    return text[len - 1] != ':' && strstr(text, ": ") == NULL;
}

/* Bytes of the UTF-8 character at `text` that need \u escapes, because YAML does not count it as
 * printable or takes it for a line break: C1 controls, U+2028, U+2029, U+FEFF, U+FFFE, U+FFFF. */
static size_t special_length(const unsigned char *text)
{
    if (text[0] == 0xc2 && text[1] < 0xa0) {
        return 2;
    }
    if (text[0] == 0xe2 && text[1] == 0x80 && (text[2] == 0xa8 || text[2] == 0xa9)) {
        return 3;
    }
    if (text[0] == 0xef &&
        ((text[1] == 0xbb && text[2] == 0xbf) || (text[1] == 0xbf && text[2] >= 0xbe))) {
        return 3;
    }
    return 0;
}

/* Printable lines that do not need an indentation indicator and end in at most one newline. */
static bool is_literal(const char *text, size_t len)
{
    if (memchr(text, '\n', len) == NULL || strchr(" \t\n", text[0]) != NULL ||
        text_ends(text, "\n\n")) {
        return false;
    }
    char before = '\n';
    for (size_t i = 0; i < len; i++) {
        unsigned char byte = (unsigned char)text[i];
        bool blank_end = byte == '\n' && (before == ' ' || before == '\t');
        bool control = (byte < 0x20 && byte != '\n' && byte != '\t') || byte == 0x7f;
        if (control || blank_end || special_length((const unsigned char *)text + i) > 0) {
            return false;
        }
        before = text[i];
    }
    return before != ' ' && before != '\t';
}

static void add_indent(struct buf *out, int indent)
{
    for (int i = 0; i < indent; i++) {
        (void)buf_text(out, " ");
    }
}

static void write_escape(struct buf *out, const unsigned char *text, size_t special)
{
    unsigned code = text[0];
    if (special == 2) {
        code = (text[0] & 0x1fU) << 6 | (text[1] & 0x3fU);
    } else if (special == 3) {
        code = (text[0] & 0x0fU) << 12 | (text[1] & 0x3fU) << 6 | (text[2] & 0x3fU);
    }
    switch (code) {
    case '\n':
        (void)buf_text(out, "\\n");
        break;
    case '\t':
        (void)buf_text(out, "\\t");
        break;
    case '\r':
        (void)buf_text(out, "\\r");
        break;
    case '"':
        (void)buf_text(out, "\\\"");
        break;
    case '\\':
        (void)buf_text(out, "\\\\");
        break;
    default:
        (void)buf_printf(out, "\\u%04x", code);
    }
}

/* Copies runs of ordinary bytes, including whole UTF-8 characters, between the escapes. */
static void write_quoted(struct buf *out, const char *text, size_t len)
{
    (void)buf_text(out, "\"");
    size_t done = 0;
    for (size_t i = 0; i < len;) {
        const unsigned char *at = (const unsigned char *)text + i;
        size_t special = special_length(at);
        if (special == 0 && *at >= 0x20 && *at != 0x7f && *at != '"' && *at != '\\') {
            i++;
            continue;
        }
        (void)buf_add(out, text + done, i - done);
        write_escape(out, at, special);
        i += special ? special : 1;
        done = i;
    }
    (void)buf_add(out, text + done, len - done);
    (void)buf_text(out, "\"");
}

/* The last newline belongs to the caller, which ends every value's line; "|-" tells readers that
 * the text itself has none. Empty lines carry no indentation, so no line ends in blanks. */
static void write_literal(struct buf *out, const char *text, size_t len, int indent)
{
    bool closed = text[len - 1] == '\n';
    (void)buf_text(out, closed ? "|" : "|-");
    for (const char *line = text; *line != '\0';) {
        size_t width = strcspn(line, "\n");
        (void)buf_text(out, "\n");
        if (width > 0) {
            add_indent(out, indent);
        }
        (void)buf_add(out, line, width);
        line += width + (line[width] == '\n');
    }
}

/* A literal needs an indentation of at least one, which the document itself does not have. */
static void write_text(struct buf *out, const char *text, size_t len, int indent)
{
    if (is_plain(text, len)) {
        (void)buf_add(out, text, len);
    } else if (indent > 0 && is_literal(text, len)) {
        write_literal(out, text, len, indent);
    } else {
        write_quoted(out, text, len);
    }
}

/* Shortest of 15 to 17 digits that reads back the same, always with a point: YAML 1.1 wants one. */
static void write_real(struct buf *out, double value)
{
    char text[40];
    for (int digits = 15; digits <= 17; digits++) {
        double back;
        (void)snprintf(text, sizeof text, "%.*g", digits, value);
        if (text_to_f64(text, &back) && back == value) {
            break;
        }
    }
    size_t mantissa = strcspn(text, "e");
    (void)buf_add(out, text, mantissa);
    if (memchr(text, '.', mantissa) == NULL) {
        (void)buf_text(out, ".0");
    }
    (void)buf_text(out, text + mantissa);
}

static void write_key(struct buf *out, const char *key, int indent)
{
    size_t len = strlen(key);
    if (is_plain(key, len) && len <= SIMPLE_KEY_MAX_BYTES) {
        (void)buf_add(out, key, len);
    } else if (len <= SIMPLE_KEY_MAX_BYTES / 6) { /* an escape takes six bytes */
        write_quoted(out, key, len);
    } else {
        (void)buf_text(out, "? ");
        write_quoted(out, key, len);
        (void)buf_text(out, "\n");
        add_indent(out, indent);
    }
    (void)buf_text(out, ":");
}

/* The first entry of a mapping behind a dash stands on the dash's line ("- name: x"), as people
 * write rule files; behind a key it begins a line. */
static bool write_mapping(struct buf *out, const json_t *object, int depth, int indent,
                          enum position position)
{
    bool first = true;
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        if (!first || position == AFTER_KEY) {
            (void)buf_text(out, "\n");
            add_indent(out, indent);
        } else if (position == AFTER_DASH) {
            (void)buf_text(out, " ");
        }
        first = false;
        write_key(out, key, indent);
        if (!write_value(out, value, depth + 1, indent + INDENT, AFTER_KEY)) {
            return false;
        }
    }
    return true;
}

static bool write_sequence(struct buf *out, const json_t *array, int depth, int indent,
                           enum position position)
{
    size_t index;
    json_t *value;
    json_array_foreach(array, index, value)
    {
        if (index > 0 || position == AFTER_KEY) {
            (void)buf_text(out, "\n");
            add_indent(out, indent);
        } else if (position == AFTER_DASH) {
            (void)buf_text(out, " ");
        }
        (void)buf_text(out, "-");
        if (!write_value(out, value, depth + 1, indent + INDENT, AFTER_DASH)) {
            return false;
        }
    }
    return true;
}

static bool write_value(struct buf *out, const json_t *value, int depth, int indent,
                        enum position position)
{
    if (json_object_size(value) > 0) {
        return depth < YAML_DEPTH_MAX && write_mapping(out, value, depth, indent, position);
    }
    if (json_array_size(value) > 0) {
        return depth < YAML_DEPTH_MAX && write_sequence(out, value, depth, indent, position);
    }
    if (position != AT_START) {
        (void)buf_text(out, " ");
    }
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        (void)buf_text(out, "{}");
        break;
    case JSON_ARRAY:
        (void)buf_text(out, "[]");
        break;
    case JSON_STRING:
        write_text(out, json_string_value(value), json_string_length(value), indent);
        break;
    case JSON_INTEGER:
        (void)buf_printf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        break;
    case JSON_REAL:
        write_real(out, json_real_value(value));
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        (void)buf_text(out, json_is_true(value) ? "true" : "false");
        break;
    case JSON_NULL:
        (void)buf_text(out, "null");
        break;
    }
    return true;
}

enum err yaml_write_text(struct buf *out, const char *head, const json_t *value,
                         struct error *error)
{
    if (head != NULL) {
        (void)buf_text(out, head);
        if (*head != '\0' && !text_ends(head, "\n")) {
            (void)buf_text(out, "\n");
        }
    }
    if (!write_value(out, value, 0, 0, AT_START)) {
        return error_set(error, ERR_INPUT, NULL, 0, "nested deeper than %d", YAML_DEPTH_MAX);
    }
    if (!buf_text(out, "\n")) {
        return error_set(error, ERR_MEMORY, NULL, 0, "more than %zu bytes", out->max);
    }
    return ERR_OK;
}

enum err yaml_write_file(const char *path, const char *head, const json_t *value,
                         struct error *error)
{
    struct buf out;
    struct error local = {.code = ERR_OK};
    buf_init(&out, FILE_MAX_BYTES);
    enum err code = yaml_write_text(&out, head, value, &local);
    if (code != ERR_OK) {
        (void)error_set(error, code, path, 0, "%s", local.text);
    } else {
        code = file_write(path, out.data, out.len, error);
    }
    buf_deinit(&out);
    return code;
}
