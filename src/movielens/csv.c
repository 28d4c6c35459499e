/*
 * Lines are lent out in place, from a block that holds the longest permitted line several times;
 * its unread rest is moved to the front when a line may reach beyond it. Memory is thus fixed and
 * no line is copied. Rejected: getline (a copy a line, and no bound on its length), mapping the
 * file (one that is cut short while it is read would end the program by SIGBUS).
 */
#include "movielens/csv.h"

#include "base/mem.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define BLOCK_BYTES ((size_t)512 * 1024)

/* Moves the unread rest to the front and reads behind it. */
static void fill(struct csv *csv)
{
    size_t rest = csv->end - csv->begin;
    memmove(csv->block, csv->block + csv->begin, rest);
    csv->begin = 0;
    csv->end = rest;
    while (csv->end < BLOCK_BYTES && !csv->drained) {
        ssize_t got = read(csv->fd, csv->block + csv->end, BLOCK_BYTES - csv->end);
        if (got > 0) {
            csv->end += (size_t)got;
        } else if (got == 0) {
            csv->drained = true;
        } else if (errno != EINTR) {
            csv->read_errno = errno;
            csv->drained = true;
        }
    }
}

static bool block_starts(const struct csv *csv, const char *text)
{
    size_t len = strlen(text);
    return csv->end - csv->begin >= len && memcmp(csv->block + csv->begin, text, len) == 0;
}

enum err csv_open(struct csv *csv, const char *path, struct error *error)
{
    char reason[64];
    *csv = (struct csv){.path = path, .fd = open(path, O_RDONLY | O_CLOEXEC)};
    if (csv->fd < 0) {
        return error_set(error, ERR_IO, path, 0, "%s",
                         err_errno_text(errno, reason, sizeof reason));
    }
    csv->block = mem_alloc(BLOCK_BYTES);
    fill(csv);
    enum err code = ERR_OK;
    if (csv->read_errno != 0) {
        code = error_set(error, csv->read_errno == EISDIR ? ERR_INPUT : ERR_IO, path, 0, "%s",
                         err_errno_text(csv->read_errno, reason, sizeof reason));
    } else if (block_starts(csv, "version https://git-lfs")) {
        code = error_set(error, ERR_INPUT, path, 1,
                         "is a Git LFS pointer, not the data; `git lfs pull` fetches the file");
    }
    if (code != ERR_OK) {
        csv->read_errno = 0;
        (void)csv_close(csv, NULL);
        return code;
    }
    if (block_starts(csv, "\xEF\xBB\xBF")) {
        csv->begin += 3;
    }
    return ERR_OK;
}

enum err csv_close(struct csv *csv, struct error *error)
{
    char reason[64];
    enum err code = ERR_OK;
    if (csv->read_errno != 0) {
        code = error_set(error, ERR_IO, csv->path, 0, "reading failed after line %lld: %s",
                         (long long)csv->line_number,
                         err_errno_text(csv->read_errno, reason, sizeof reason));
    }
    if (csv->fd >= 0) {
        close(csv->fd);
    }
    mem_free(csv->block);
    csv->fd = -1;
    csv->block = NULL;
    return code;
}

/* Drops bytes up to and including the next newline, over as many blocks as it takes. */
static void skip_to_newline(struct csv *csv)
{
    for (;;) {
        char *from = csv->block + csv->begin;
        char *newline = memchr(from, '\n', csv->end - csv->begin);
        if (newline != NULL) {
            csv->begin = (size_t)(newline - csv->block) + 1;
            return;
        }
        csv->begin = csv->end;
        if (csv->drained) {
            return;
        }
        fill(csv);
    }
}

bool csv_next(struct csv *csv, struct csv_line *line)
{
    for (;;) {
        char *from = csv->block + csv->begin;
        char *newline = memchr(from, '\n', csv->end - csv->begin);
        if (newline == NULL && !csv->drained && csv->end - csv->begin <= CSV_LINE_MAX_BYTES) {
            fill(csv);
            continue;
        }
        if (newline == NULL && csv->begin == csv->end) {
            return false;
        }
        size_t len = newline != NULL ? (size_t)(newline - from) : csv->end - csv->begin;
        *line = (struct csv_line){.text = from, .len = len, .number = ++csv->line_number};
        csv->begin += len + (newline != NULL);
        if (len > CSV_LINE_MAX_BYTES) {
            /* Nothing of an overlong line is looked at, so its text may be overwritten here. */
            line->overlong = true;
            line->len = 0;
            if (newline == NULL) {
                skip_to_newline(csv);
            }
            return true;
        }
        if (len > 0 && from[len - 1] == '\r') {
            line->len--;
        }
        if (line->len > 0) {
            return true;
        }
    }
}

/* Reads one quoted field starting behind its opening quote; the text is closed up over doubled
 * quotes. Returns the place behind the closing quote, NULL if there is none. */
static char *unquote(char *at, char *end, struct csv_field *field)
{
    char *to = at;
    field->text = at;
    while (at < end) {
        if (*at == '"') {
            if (at + 1 == end || at[1] != '"') {
                field->len = (size_t)(to - field->text);
                return at + 1;
            }
            at++;
        }
        *to++ = *at++;
    }
    return NULL;
}

int csv_split(struct csv_line *line, struct csv_field *fields, int max, const char **fault)
{
    char *at = line->text, *end = line->text + line->len;
    int count = 0;
    if (memchr(line->text, '\0', line->len) != NULL) {
        *fault = "the line holds a NUL byte";
        return -1;
    }
    for (;;) {
        struct csv_field field;
        if (at < end && *at == '"') {
            at = unquote(at + 1, end, &field);
            if (at == NULL) {
                *fault = "a quote is not closed before the line ends";
                return -1;
            }
            if (at < end && *at != ',') {
                *fault = "text after a closing quote, expected a comma";
                return -1;
            }
        } else {
            char *comma = memchr(at, ',', (size_t)(end - at));
            char *stop = comma != NULL ? comma : end;
            field = (struct csv_field){.text = at, .len = (size_t)(stop - at)};
            at = stop;
        }
        if (count < max) {
            fields[count] = field;
        }
        count++;
        if (at == end) {
            return count;
        }
        at++;
    }
}

bool csv_field_is(const struct csv_field *field, const char *text)
{
    return strlen(text) == field->len && memcmp(field->text, text, field->len) == 0;
}

bool csv_field_number(const struct csv_field *field, uint64_t max, uint64_t *out)
{
    uint64_t value = 0;
    if (field->len == 0 || field->len > 18) {
        return false;
    }
    for (size_t i = 0; i < field->len; i++) {
        if (field->text[i] < '0' || field->text[i] > '9') {
            return false;
        }
        value = value * 10 + (uint64_t)(field->text[i] - '0');
    }
    if (value > max) {
        return false;
    }
    *out = value;
    return true;
}

const char *csv_field_excerpt(const struct csv_field *field, char *out, size_t size)
{
    size_t len = field->len < size - 1 ? field->len : size - 1;
    for (size_t i = 0; i < len; i++) {
        char c = field->text[i];
        out[i] = (c >= ' ' && c <= '~') ? c : '?';
    }
    out[len] = '\0';
    if (len < field->len && len >= 3) {
        memcpy(out + len - 3, "...", 3);
    }
    return out;
}

enum err csv_expect_header(struct csv *csv, const char *names, struct error *error)
{
    struct csv_line line;
    if (!csv_next(csv, &line)) {
        return error_set(error, ERR_INPUT, csv->path, 1,
                         "the file is empty, expected the header %s", names);
    }
    struct csv_field whole = {.text = line.text, .len = line.len};
    if (!csv_field_is(&whole, names)) {
        char found[80];
        return error_set(error, ERR_INPUT, csv->path, (int)line.number,
                         "expected the header %s, found '%s'", names,
                         csv_field_excerpt(&whole, found, sizeof found));
    }
    return ERR_OK;
}
