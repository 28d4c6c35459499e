/*
 * Requests of a description: URL, body and headers. Environment variables are put in place here and
 * nowhere else: a text that held one is marked, so that it is not shown in reports.
 */
#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "load/target_file_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- environment variables ---- */

/* Length of a variable's name at `text`. */
static size_t name_length(const char *text)
{
    size_t len = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789");
    return len > 0 && (text[0] < '0' || text[0] > '9') ? len : 0;
}

struct variable {
    char name[64];
    const char *instead; /* NULL = none */
    size_t instead_len;
};

/* Reads `${NAME}` or `${NAME:-instead}`; NULL if it is none. */
static const char *read_variable(const char *text, struct variable *out)
{
    size_t len = name_length(text + 2);
    const char *at = text + 2 + len;
    if (len == 0 || len >= sizeof out->name) {
        return NULL;
    }
    memcpy(out->name, text + 2, len);
    out->name[len] = '\0';
    out->instead = NULL;
    if (at[0] == ':' && at[1] == '-') {
        out->instead = at + 2;
        out->instead_len = strcspn(out->instead, "}");
        at = out->instead + out->instead_len;
    }
    return *at == '}' ? at + 1 : NULL;
}

bool target_file_has_control(const char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7f) {
            return true;
        }
    }
    return false;
}

/* Copies text with its variables in place. False, with a fault, if one is not set. */
static bool expand(const struct fields *fields, const char *path, const char *text, char *out,
                   size_t size, bool *held)
{
    struct buf whole;
    bool good = true;
    buf_init(&whole, size - 1);
    while (*text != '\0') {
        struct variable variable;
        const char *after =
            text[0] == '$' && text[1] == '{' ? read_variable(text, &variable) : NULL;
        if (after == NULL) {
            buf_add(&whole, text++, 1);
            continue;
        }
        const char *value = getenv(variable.name);
        if (value != NULL && value[0] != '\0') {
            *held = true;
            good = good && !target_file_has_control(value);
            buf_text(&whole, value);
        } else if (variable.instead != NULL) {
            buf_add(&whole, variable.instead, variable.instead_len);
        } else {
            fields_fault(fields, path, "the environment variable %s is not set", variable.name);
            good = false;
        }
        text = after;
    }
    if (whole.failed || !good) {
        good = good && !whole.failed;
        if (whole.failed) {
            fields_fault(fields, path, "expected a text of at most %zu bytes", size - 1);
        }
    }
    (void)text_copy(out, size, whole.len > 0 ? whole.data : "");
    buf_deinit(&whole);
    return good;
}

/* A text with its variables in place; true if there is one. */
bool target_file_expanded(const struct fields_at *at, const char *key, enum fields_need need,
                          char *out, size_t size, bool *held)
{
    char path[160], *raw = mem_zalloc(1, size);
    bool given = fields_text(at, key, need, raw, size);
    fields_path(at, key, path, sizeof path);
    given = given && expand(at->fields, path, raw, out, size, held);
    mem_free(raw);
    return given;
}

/* ---- headers ---- */

static bool is_token(const char *text)
{
    static const char others[] = "!#$%&'*+-.^_`|~";
    for (const char *byte = text; *byte != '\0'; byte++) {
        bool letter = (*byte >= '0' && *byte <= '9') || (*byte >= 'a' && *byte <= 'z') ||
                      (*byte >= 'A' && *byte <= 'Z');
        if (!letter && strchr(others, *byte) == NULL) {
            return false;
        }
    }
    return text[0] != '\0';
}

static bool is_ours(const char *name)
{
    static const char *const ours[] = {"Host", "Content-Length", "Connection", "Transfer-Encoding"};
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++) {
        if (strcasecmp(name, ours[i]) == 0) {
            return true;
        }
    }
    return false;
}

void target_file_header(const struct fields *fields, const char *path, const char *name,
                        const char *value, char *lines, size_t size)
{
    char text[1024];
    bool held = false;
    size_t used = strlen(lines);
    if (!is_token(name) || is_ours(name)) {
        fields_fault(fields, path, "'%s': expected the name of a header that is not set by itself",
                     name);
        return;
    }
    if (!expand(fields, path, value, text, sizeof text, &held)) {
        return;
    }
    if (target_file_has_control(text)) {
        fields_fault(fields, path, "expected a value without line breaks");
        return;
    }
    int len = snprintf(lines + used, size - used, "%s: %s\r\n", name, text);
    if (len < 0 || (size_t)len >= size - used) {
        lines[used] = '\0';
        fields_fault(fields, path, "more headers than there is room for");
    }
}

void target_file_headers(const struct fields_at *at, char *lines, size_t size)
{
    char path[160], member_path[160];
    const char *name;
    json_t *value;
    json_t *headers = json_object_get(at->object, "headers");
    fields_path(at, "headers", path, sizeof path);
    if (headers == NULL) {
        return;
    }
    if (!json_is_object(headers)) {
        fields_fault(at->fields, path, "expected a mapping of names to texts");
        return;
    }
    const struct fields_at inside = {.fields = at->fields, .object = headers};
    struct fields_at here = inside;
    (void)text_copy(here.path, sizeof here.path, path);
    json_object_foreach(headers, name, value)
    {
        fields_path(&here, name, member_path, sizeof member_path);
        if (!json_is_string(value)) {
            fields_fault(at->fields, member_path, "expected a text");
            continue;
        }
        target_file_header(at->fields, member_path, name, json_string_value(value), lines, size);
    }
}

/* ---- requests ---- */

static void read_accept(const struct fields_at *at, struct target_call *call)
{
    size_t i;
    json_t *status;
    char path[160];
    const json_t *list = fields_array(at, "accept", FIELDS_OPTIONAL);
    if (list == NULL) {
        return;
    }
    fields_path(at, "accept", path, sizeof path);
    call->accepts_any = false;
    if (json_array_size(list) == 0) {
        fields_fault(at->fields, path, "expected at least one status");
    }
    json_array_foreach(list, i, status)
    {
        json_int_t number = json_integer_value(status);
        if (number < 100 || number >= TARGET_STATUS_MAX) {
            fields_fault(at->fields, path, "expected statuses from 100 to %d",
                         TARGET_STATUS_MAX - 1);
            return;
        }
        call->accepts[number] = true;
    }
}

static void read_time(const struct fields_at *at, struct target_call *call)
{
    static const char *const words[] = {"unix", "unix_ms", "iso8601", "none", NULL};
    int index;
    if (fields_choice(at, "timestamp", FIELDS_OPTIONAL, words, &index)) {
        call->time = (enum template_time)index;
    }
}

/* Method, URL, body, headers, statuses. `common`: header lines of every request. */
void target_file_call(const struct fields_at *at, const char *common, const char *instead,
                      struct target_call *call)
{
    char path[160];
    (void)text_copy(call->path, sizeof call->path, at->path);
    (void)text_copy(call->headers, sizeof call->headers, common);
    (void)target_file_expanded(at, "body", FIELDS_OPTIONAL, call->body, sizeof call->body,
                               &call->body_has_secret);
    (void)fields_text(at, "url", FIELDS_OPTIONAL, call->shown, sizeof call->shown);
    (void)target_file_expanded(at, "url", FIELDS_REQUIRED, call->url, sizeof call->url,
                               &call->has_secret);
    fields_path(at, "url", path, sizeof path);
    if (call->url[0] != '\0' && (call->url[0] != '/' || strpbrk(call->url, "# \t\r\n") != NULL)) {
        fields_fault(at->fields, path, "expected a path and query, such as /v1/list?user={user}");
    }
    (void)text_copy(call->method, sizeof call->method,
                    instead != NULL         ? instead
                    : call->body[0] != '\0' ? "POST"
                                            : "GET");
    (void)fields_text(at, "method", FIELDS_OPTIONAL, call->method, sizeof call->method);
    fields_path(at, "method", path, sizeof path);
    if (!is_token(call->method) || strcmp(call->method, "HEAD") == 0 ||
        strcmp(call->method, "CONNECT") == 0) {
        fields_fault(at->fields, path, "expected a method such as GET, POST or PUT");
    }
    target_file_headers(at, call->headers, sizeof call->headers);
    read_accept(at, call);
    read_time(at, call);
}
