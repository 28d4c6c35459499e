/*
 * One pass over the lines. What a line is follows from the TYPE line before it and from its name:
 *
 *     counter        goes if its value is 0
 *     ..._bucket     goes with its series, whose last bucket (+Inf) counts all events
 *     ..._sum        goes if the ..._count of the same labels is 0 (a sum may be 0 of many events)
 *     ..._count      goes if it is 0
 *
 * The text only gets shorter, so it is rewritten in place: what has been kept lies before what is
 * still to be read.
 */
#include "recommender/hidden_series.h"

#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum family { FAMILY_GAUGE, FAMILY_COUNTER, FAMILY_SUMMARY };

/* "# TYPE name type" */
static bool read_type(const char *line, enum family *out)
{
    static const char start[] = "# TYPE ";
    const char *type = NULL;
    if (strncmp(line, start, sizeof start - 1) != 0 ||
        (type = strchr(line + sizeof start - 1, ' ')) == NULL) {
        return false;
    }
    *out = text_starts(type + 1, "counter") ? FAMILY_COUNTER
           : text_starts(type + 1, "gauge") ? FAMILY_GAUGE
                                            : FAMILY_SUMMARY;
    return true;
}

/* Length of the series' name without its labels. */
static size_t name_length(const char *line)
{
    return strcspn(line, "{ ");
}

static bool name_ends(const char *line, const char *ending)
{
    size_t len = name_length(line), wanted = strlen(ending);
    return len > wanted && memcmp(line + len - wanted, ending, wanted) == 0;
}

/* The value is the last word: label values are quoted, and may hold spaces themselves. */
static bool is_zero(const char *line, const char *end)
{
    const char *value = end;
    while (value > line && value[-1] != ' ') {
        value--;
    }
    return strtod(value, NULL) == 0;
}

static const char *end_of(const char *line)
{
    const char *end = strchr(line, '\n');
    return end != NULL ? end : line + strlen(line);
}

/* Of the series whose bucket this is. */
static bool buckets_are_empty(const char *line)
{
    while (*line != '\0' && name_ends(line, "_bucket")) {
        const char *end = end_of(line);
        const char *all = strstr(line, "le=\"+Inf\"");
        if (all != NULL && all < end) {
            return is_zero(line, end);
        }
        line = *end == '\n' ? end + 1 : end;
    }
    return false;
}

/* Looks for the count of a sum's labels, further down in the same family. */
static bool count_is_zero(const char *line)
{
    char key[512];
    const char *end = end_of(line);
    size_t name = name_length(line) - strlen("_sum");
    const char *labels = line + name + strlen("_sum");
    const char *value = end;
    while (value > labels && value[-1] != ' ') {
        value--;
    }
    int len = snprintf(key, sizeof key, "\n%.*s_count%.*s", (int)name, line, (int)(value - labels),
                       labels);
    const char *count = len > 0 && (size_t)len < sizeof key ? strstr(end, key) : NULL;
    return count != NULL && is_zero(count + 1, end_of(count + 1));
}

static bool is_hidden(enum family family, const char *line, const char *end)
{
    if (family == FAMILY_GAUGE || *line == '#') {
        return false;
    }
    if (family == FAMILY_SUMMARY && name_ends(line, "_bucket")) {
        return buckets_are_empty(line);
    }
    if (family == FAMILY_SUMMARY && name_ends(line, "_sum")) {
        return count_is_zero(line);
    }
    return is_zero(line, end);
}

void hidden_series_remove(struct buf *exposition)
{
    enum family family = FAMILY_GAUGE;
    if (exposition->len == 0) {
        return;
    }
    char *kept = exposition->data;
    const char *stop = exposition->data + exposition->len;
    for (const char *line = exposition->data; line < stop;) {
        const char *end = end_of(line);
        const char *next = end < stop ? end + 1 : end;
        (void)read_type(line, &family);
        if (!is_hidden(family, line, end)) {
            memmove(kept, line, (size_t)(next - line));
            kept += next - line;
        }
        line = next;
    }
    exposition->len = (size_t)(kept - exposition->data);
    *kept = '\0';
}
