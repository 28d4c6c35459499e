#include "movielens/layout.h"

#include "base/fileio.h"
#include "base/text.h"
#include "movielens/films_file.h"
#include "movielens/rating_rows.h"

#include <limits.h>
#include <stdint.h>
#include <string.h>

const struct layout layout_table[LAYOUT_COUNT] = {
    {LAYOUT_CSV, "csv (ml-latest-small, 20M, 25M, 32M)", "ratings.csv", "movies.csv", ",", ",",
     RATING_ROWS_HEADER, FILMS_FILE_HEADER, 3},
    {LAYOUT_DAT, "dat (ml-1m, 10M)", "ratings.dat", "movies.dat",
     "::", "::", "UserID::MovieID::Rating::Timestamp", "MovieID::Title::Genres", 3},
    {LAYOUT_U_DATA, "u.data (ml-100k)", "u.data", "u.item", "\t", "|",
     "user id, item id, rating and timestamp between tabs",
     "movie id|title|release date|video release date|URL and 19 genre flags", 24},
};

static bool holds(const char *folder, const char *name)
{
    char path[PATH_MAX];
    return text_join_path(path, sizeof path, folder, name) && file_exists(path);
}

bool layout_has_ratings(const struct layout *layout, const char *folder)
{
    return holds(folder, layout->ratings_file);
}

const struct layout *layout_find(const char *folder)
{
    const struct layout *best = NULL;
    int best_score = 0;
    for (int i = 0; i < LAYOUT_COUNT; i++) {
        const struct layout *layout = &layout_table[i];
        int score = 2 * layout_has_ratings(layout, folder) + holds(folder, layout->films_file);
        if (score > best_score) {
            best = layout;
            best_score = score;
        }
    }
    return best;
}

static int split_bare(const char *separator, const struct csv_line *line, struct csv_field *fields,
                      int max, const char **fault)
{
    const char *at = line->text, *end = line->text + line->len;
    size_t width = strlen(separator);
    int count = 0;
    if (memchr(line->text, '\0', line->len) != NULL) {
        *fault = "the line holds a NUL byte";
        return -1;
    }
    for (;;) {
        const char *next = memmem(at, (size_t)(end - at), separator, width);
        const char *stop = next != NULL ? next : end;
        if (count < max) {
            fields[count] = (struct csv_field){.text = at, .len = (size_t)(stop - at)};
        }
        count++;
        if (next == NULL) {
            return count;
        }
        at = next + width;
    }
}

int layout_split(const struct layout *layout, const char *separator, struct csv_line *line,
                 struct csv_field *fields, int max, const char **fault)
{
    return layout->kind == LAYOUT_CSV ? csv_split(line, fields, max, fault)
                                      : split_bare(separator, line, fields, max, fault);
}

/* Length of the UTF-8 character that begins here, 0 if none does (RFC 3629). */
static size_t character(const unsigned char *at, size_t left)
{
    if (at[0] < 0x80) {
        return 1;
    }
    size_t len = at[0] >= 0xC2 && at[0] <= 0xDF   ? 2
                 : at[0] >= 0xE0 && at[0] <= 0xEF ? 3
                 : at[0] >= 0xF0 && at[0] <= 0xF4 ? 4
                                                  : 0;
    if (len == 0 || len > left) {
        return 0;
    }
    for (size_t i = 1; i < len; i++) {
        if ((at[i] & 0xC0) != 0x80) {
            return 0;
        }
    }
    /* Longer than needed, surrogates, beyond U+10FFFF. */
    bool refused = (at[0] == 0xE0 && at[1] < 0xA0) || (at[0] == 0xED && at[1] > 0x9F) ||
                   (at[0] == 0xF0 && at[1] < 0x90) || (at[0] == 0xF4 && at[1] > 0x8F);
    return refused ? 0 : len;
}

static bool is_utf8(const unsigned char *text, size_t len)
{
    size_t at = 0;
    while (at < len) {
        size_t step = character(text + at, len - at);
        if (step == 0) {
            return false;
        }
        at += step;
    }
    return true;
}

size_t layout_to_utf8(const char *text, size_t len, char *out)
{
    const unsigned char *from = (const unsigned char *)text;
    size_t to = 0;
    if (is_utf8(from, len)) {
        memcpy(out, text, len);
        return len;
    }
    for (size_t i = 0; i < len; i++) {
        if (from[i] < 0x80) {
            out[to++] = (char)from[i];
        } else {
            out[to++] = (char)(0xC0 | from[i] >> 6);
            out[to++] = (char)(0x80 | (from[i] & 0x3F));
        }
    }
    return to;
}
