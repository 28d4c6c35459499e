#include "observe/legend.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define NAME_BYTES_MAX 65536
#define METRIC "__name__"

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Label names in order, but `without`; heap. */
static const char **label_names(const json_t *labels, const char *without, size_t *count)
{
    const char **list = mem_array(json_object_size(labels) + 1, sizeof *list);
    const char *name;
    json_t *value;
    *count = 0;
    json_object_foreach((json_t *)labels, name, value)
    {
        if (without == NULL || strcmp(name, without) != 0) {
            list[(*count)++] = name;
        }
    }
    qsort(list, *count, sizeof *list, by_text);
    return list;
}

/* The browser writes a label's value as it is; the server (`quoted`) escapes it. */
static void add_label(struct buf *out, const char *name, const char *value, bool quoted)
{
    (void)buf_printf(out, "%s=\"", name);
    for (; *value != '\0'; value++) {
        if (quoted && (*value == '"' || *value == '\\')) {
            (void)buf_add(out, "\\", 1);
        }
        (void)(quoted && *value == '\n' ? buf_text(out, "\\n") : buf_add(out, value, 1));
    }
    (void)buf_text(out, "\"");
}

static void add_labels(struct buf *out, const json_t *labels, const char *without, bool quoted)
{
    size_t count;
    const char **name = label_names(labels, without, &count);
    (void)buf_text(out, "{");
    for (size_t i = 0; i < count; i++) {
        const char *value = json_string_value(json_object_get(labels, name[i]));
        (void)buf_text(out, i > 0 ? ", " : "");
        add_label(out, name[i], value != NULL ? value : "", quoted);
    }
    (void)buf_text(out, "}");
    mem_free(name);
}

static void finish(struct buf *from, char *out, size_t size)
{
    (void)text_copy(out, size, from->len > 0 ? from->data : "");
    text_make_utf8(out);
    buf_deinit(from);
}

static void series_name(const char *expr, const json_t *labels, char *out, size_t size)
{
    struct buf name;
    const char *metric = json_string_value(json_object_get(labels, METRIC));
    size_t others = json_object_size(labels) - (metric != NULL);
    buf_init(&name, NAME_BYTES_MAX);
    (void)buf_text(&name, metric != NULL ? metric : "");
    if (others > 0) {
        add_labels(&name, labels, METRIC, true);
    } else if (metric == NULL) {
        (void)buf_text(&name, expr);
    }
    finish(&name, out, size);
}

/* Length of {{ name }} at `text`, its name in [*from, *from + *len); 0 if there is none. */
static size_t place_length(const char *text, const char **from, size_t *len)
{
    const char *end;
    if (!text_starts(text, "{{")) {
        return 0;
    }
    *from = text + 2;
    while (isspace((unsigned char)**from)) {
        (*from)++;
    }
    end = **from == '\0' || **from == '\n' ? NULL : strstr(*from + 1, "}}");
    if (end == NULL) {
        return 0;
    }
    *len = (size_t)(end - *from);
    while (*len > 0 && isspace((unsigned char)(*from)[*len - 1])) {
        (*len)--;
    }
    return (size_t)(end + 2 - text);
}

static void fill_in(const char *format, const json_t *labels, char *out, size_t size)
{
    struct buf name;
    buf_init(&name, NAME_BYTES_MAX);
    while (*format != '\0') {
        const char *label;
        size_t label_len;
        size_t len = place_length(format, &label, &label_len);
        if (len == 0) {
            (void)buf_add(&name, format++, 1);
            continue;
        }
        const char *value = json_string_value(json_object_getn(labels, label, label_len));
        (void)buf_text(&name, value != NULL ? value : "");
        format += len;
    }
    finish(&name, out, size);
}

void legend_format(const char *format, const char *expr, const json_t *labels, char *out,
                   size_t size)
{
    out[0] = '\0';
    if (strcmp(format, LEGEND_AUTO) == 0) {
        if (json_object_size(labels) == 0) {
            series_name(expr, labels, out, size);
        }
    } else if (*format == '\0') {
        series_name(expr, labels, out, size);
    } else {
        fill_in(format, labels, out, size);
        if (strcmp(out, "{}") == 0) {
            (void)text_copy(out, size, expr);
        }
    }
}

/* The only label name that occurs; NULL if there are several, or none. */
static const char *single_label(const json_t *const *labels, size_t count)
{
    const char *single = NULL;
    for (size_t i = 0; i < count; i++) {
        const char *name;
        json_t *value;
        json_object_foreach((json_t *)labels[i], name, value)
        {
            if (single != NULL && strcmp(single, name) != 0) {
                return NULL;
            }
            single = name;
        }
    }
    return single;
}

void legend_auto(const json_t *const *labels, size_t count, size_t index, char *out, size_t size)
{
    struct buf name;
    const char *single = single_label(labels, count);
    const char *value =
        single != NULL ? json_string_value(json_object_get(labels[index], single)) : NULL;
    buf_init(&name, NAME_BYTES_MAX);
    if (value != NULL && *value != '\0') {
        (void)buf_text(&name, value);
    } else if (single == NULL && json_object_size(labels[index]) > 0) {
        add_labels(&name, labels[index], NULL, false);
    } else {
        (void)buf_text(&name, "Value");
    }
    finish(&name, out, size);
}
