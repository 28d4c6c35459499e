/* Variables and templates; both are read as leniently as the programs that expand them do. */
#include "observe/lint_text.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"

#include <ctype.h>
#include <string.h>

#define TEXT_MAX_BYTES ((size_t)1 << 20)

static bool is_name_start(char c)
{
    return isalpha((unsigned char)c) || c == '_';
}

static size_t name_length(const char *text)
{
    size_t len = 0;
    if (is_name_start(*text)) {
        while (isalnum((unsigned char)text[len]) || text[len] == '_') {
            len++;
        }
    }
    return len;
}

/* Length of the variable at `text`, 0 if there is none; its name is at text + *name. */
static size_t variable_length(const char *text, size_t *name, size_t *name_len)
{
    bool brace = text[0] == '$' && text[1] == '{';
    bool square = text[0] == '[' && text[1] == '[';
    *name = brace || square ? 2 : 1;
    if (text[0] != '$' && !square) {
        return 0;
    }
    *name_len = name_length(text + *name);
    if (*name_len == 0) {
        return 0;
    }
    if (!brace && !square) {
        return 1 + *name_len;
    }
    const char *end = strstr(text + 2, brace ? "}" : "]]");
    const char *rest = text + 2 + *name_len;
    if (end == NULL || (*rest != ':' && *rest != '.' && rest != end)) {
        return 0;
    }
    return (size_t)(end - text) + (brace ? 1 : 2);
}

bool lint_variable_next(const char *text, size_t *at, struct lint_variable *out)
{
    for (size_t i = *at; text[i] != '\0'; i++) {
        size_t name = 0, name_len = 0;
        size_t len = variable_length(text + i, &name, &name_len);
        if (len > 0) {
            size_t kept = name_len < LINT_NAME_BYTES ? name_len : LINT_NAME_BYTES - 1;
            memcpy(out->name, text + i + name, kept);
            out->name[kept] = '\0';
            out->at = i;
            out->len = len;
            *at = i + len;
            return true;
        }
    }
    *at = strlen(text);
    return false;
}

/* With a value of the sort that stands there in a query. */
static const struct {
    const char *name, *value;
} builtins[] = {
    {"__interval", "1m"},
    {"__interval_ms", "60000"},
    {"__rate_interval", "5m"},
    {"__rate_interval_ms", "300000"},
    {"__range", "1h"},
    {"__range_s", "3600"},
    {"__range_ms", "3600000"},
    {"__from", "1700000000000"},
    {"__to", "1700003600000"},
    {"__dashboard", "1"},
    {"__name", "1"},
    {"__org", "1"},
    {"__user", "1"},
    {"__timezone", "1"},
    {"__timeFilter", "1"},
    {"timeFilter", "1"},
    {"__url_time_range", "1"},
    {"__all_variables", "1"},
    {"__url", "1"},
    {"__field", "1"},
    {"__series", "1"},
    {"__value", "1"},
    {"__data", "1"},
    {"__cell", "1"},
};

static const char *builtin(const char *name)
{
    for (size_t i = 0; i < sizeof builtins / sizeof builtins[0]; i++) {
        if (strcmp(builtins[i].name, name) == 0) {
            return builtins[i].value;
        }
    }
    return NULL;
}

bool lint_variable_is_builtin(const char *name)
{
    return builtin(name) != NULL || text_starts(name, "__cell_");
}

static void add_piece(struct lint_filled *out, const struct lint_variable *variable, size_t at,
                      size_t len)
{
    if (out->piece_count == out->piece_capacity) {
        out->piece_capacity = out->piece_capacity ? 2 * out->piece_capacity : 4;
        out->piece = mem_resize(out->piece, out->piece_capacity, sizeof *out->piece);
    }
    struct lint_piece *piece = &out->piece[out->piece_count++];
    memcpy(piece->name, variable->name, sizeof piece->name);
    piece->at = at;
    piece->len = len;
}

void lint_fill(const char *text, const json_t *values, struct lint_filled *out)
{
    struct lint_variable variable;
    struct buf buf;
    size_t at = 0, copied = 0;
    *out = (struct lint_filled){0};
    buf_init(&buf, TEXT_MAX_BYTES);
    while (lint_variable_next(text, &at, &variable)) {
        const char *value = json_string_value(json_object_get(values, variable.name));
        if (value == NULL) {
            value = builtin(variable.name);
        }
        value = value != NULL ? value : "1";
        (void)buf_add(&buf, text + copied, variable.at - copied);
        add_piece(out, &variable, buf.len, strlen(value));
        (void)buf_text(&buf, value);
        copied = at;
    }
    (void)buf_text(&buf, text + copied);
    out->text = buf.failed ? mem_text("") : buf_take(&buf);
    buf_deinit(&buf);
}

void lint_filled_deinit(struct lint_filled *filled)
{
    mem_free(filled->text);
    mem_free(filled->piece);
    *filled = (struct lint_filled){0};
}

const char *lint_filled_by(const struct lint_filled *filled, size_t at, size_t len)
{
    for (size_t i = 0; i < filled->piece_count; i++) {
        const struct lint_piece *piece = &filled->piece[i];
        if (piece->at < at + len && at < piece->at + piece->len) {
            return piece->name;
        }
    }
    return NULL;
}

bool lint_template_next(const char *text, size_t *at, const char **inside, size_t *len,
                        bool *broken)
{
    const char *start = strstr(text + *at, "{{");
    const char *end = start != NULL ? strstr(start + 2, "}}") : NULL;
    *broken = start != NULL && end == NULL;
    if (end == NULL) {
        return false;
    }
    *inside = start + 2;
    *len = (size_t)(end - start) - 2;
    *at = (size_t)(end - text) + 2;
    return true;
}

/* Length of `wanted` if it stands at `at`, as a whole word; else 0. */
static size_t word_at(const char *inside, size_t len, size_t at, const char *wanted)
{
    size_t wanted_len = strlen(wanted);
    bool there = at + wanted_len <= len && memcmp(inside + at, wanted, wanted_len) == 0;
    /* $.Value is the value, $labels.Value a label. */
    bool before =
        at > 0 && (isalnum((unsigned char)inside[at - 1]) || strchr("_.", inside[at - 1]) != NULL);
    char next = at + wanted_len < len ? inside[at + wanted_len] : ' ';
    bool behind = isalnum((unsigned char)next) || next == '_';
    return there && !before && !behind ? wanted_len : 0;
}

bool lint_template_has_value(const char *inside, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (word_at(inside, len, i, "$value") > 0 || word_at(inside, len, i, ".Value") > 0) {
            return true;
        }
    }
    return false;
}

bool lint_template_label(const char *inside, size_t len, size_t *at, char name[LINT_NAME_BYTES])
{
    for (size_t i = *at; i < len; i++) {
        size_t word = word_at(inside, len, i, "$labels");
        word = word > 0 ? word : word_at(inside, len, i, ".Labels");
        size_t start = i + word + 1;
        if (word == 0 || start >= len || inside[start - 1] != '.') {
            continue;
        }
        size_t name_len = name_length(inside + start);
        name_len = name_len < len - start ? name_len : len - start;
        name_len = name_len < LINT_NAME_BYTES ? name_len : LINT_NAME_BYTES - 1;
        memcpy(name, inside + start, name_len);
        name[name_len] = '\0';
        *at = start + name_len;
        return true;
    }
    *at = len;
    return false;
}
