#include "load/recording.h"

#include "base/buf.h"
#include "base/fileio.h"
#include "base/mem.h"
#include "base/text.h"
#include "load/hours.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX_BYTES ((size_t)1 << 30)
#define FIELD_SIZE 40
#define NS_PER_S 1e9

struct reading {
    const char *name;
    double time_scale;
    int32_t people;
    struct recording *out;
    struct faults *faults;
    int line;
    int64_t bad;
    double latest_s;
};

static void add(struct recording *recording, int64_t moment_ns, int32_t person)
{
    if (recording->count == recording->capacity) {
        recording->capacity += recording->capacity / 2 + 1024;
        size_t capacity = (size_t)recording->capacity;
        recording->moment_ns = mem_resize(recording->moment_ns, capacity, sizeof(int64_t));
        recording->person = mem_resize(recording->person, capacity, sizeof(int32_t));
    }
    recording->moment_ns[recording->count] = moment_ns;
    recording->person[recording->count++] = person;
}

/* ---- a file ---- */

static void refuse(struct reading *reading, const char *what, const char *field)
{
    char shown[FIELD_SIZE];
    reading->bad++;
    if (reading->bad > RECORDING_FAULTS_MAX) {
        return;
    }
    (void)text_copy(shown, sizeof shown, field);
    text_make_utf8(shown);
    faults_add(reading->faults, reading->name, reading->line, "", "%s, got '%s'", what, shown);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* Copies [from, end) without the blanks around it; false if it is too long or holds a NUL. */
static bool copy_field(const char *from, const char *end, char out[FIELD_SIZE])
{
    while (from < end && is_blank(*from)) {
        from++;
    }
    while (end > from && is_blank(end[-1])) {
        end--;
    }
    size_t len = (size_t)(end - from), kept = len < FIELD_SIZE ? len : FIELD_SIZE - 1;
    memcpy(out, from, kept);
    out[kept] = '\0';
    return kept == len && memchr(out, '\0', len) == NULL;
}

static void read_line(struct reading *reading, const char *from, const char *end)
{
    char first[FIELD_SIZE], second[FIELD_SIZE] = "";
    const char *comma = memchr(from, ',', (size_t)(end - from));
    double seconds;
    int64_t id = 0;
    bool whole = copy_field(from, comma == NULL ? end : comma, first);
    if (first[0] == '#' || (whole && first[0] == '\0' && comma == NULL)) {
        return;
    }
    if (!whole || !text_to_f64(first, &seconds) || seconds < 0 || seconds > RECORDING_SECONDS_MAX) {
        refuse(reading, "expected seconds from 0 to 1e9", first);
        return;
    }
    whole = comma == NULL || copy_field(comma + 1, end, second);
    if (comma != NULL &&
        (!whole || !text_to_i64(second, &id) || id < 1 || id > (int64_t)reading->people)) {
        char what[80];
        (void)snprintf(what, sizeof what, "expected a user id from 1 to %" PRId32, reading->people);
        refuse(reading, what, second);
        return;
    }
    if (seconds < reading->latest_s) {
        refuse(reading, "expected seconds not before those of an earlier line", first);
        return;
    }
    reading->latest_s = seconds;
    add(reading->out, (int64_t)(seconds / reading->time_scale * NS_PER_S), (int32_t)id - 1);
}

enum err recording_parse(const char *text, size_t len, const char *name, double time_scale,
                         int32_t people, struct recording *out, struct faults *faults,
                         struct error *error)
{
    struct reading reading = {
        .name = name, .time_scale = time_scale, .people = people, .out = out, .faults = faults};
    *out = (struct recording){0};
    for (size_t at = 0; at < len;) {
        const char *end = memchr(text + at, '\n', len - at);
        size_t stop = end == NULL ? len : (size_t)(end - text);
        reading.line++;
        read_line(&reading, text + at, text + stop);
        at = stop + 1;
    }
    if (reading.bad > RECORDING_FAULTS_MAX) {
        faults_add(faults, name, reading.line, "", "%" PRId64 " malformed lines are not shown",
                   reading.bad - RECORDING_FAULTS_MAX);
    }
    if (reading.bad == 0 && out->count > 0) {
        return ERR_OK;
    }
    recording_deinit(out);
    return reading.bad > 0 ? error_set(error, ERR_INPUT, name, 0, "%" PRId64 " malformed line%s",
                                       reading.bad, reading.bad == 1 ? "" : "s")
                           : error_set(error, ERR_INPUT, name, 0, "no visit in it");
}

enum err recording_read(const char *path, double time_scale, int32_t people, struct recording *out,
                        struct faults *faults, struct error *error)
{
    struct buf text;
    buf_init(&text, FILE_MAX_BYTES);
    *out = (struct recording){0};
    enum err code = file_read(path, &text, error);
    if (code == ERR_OK) {
        code = recording_parse(text.data, text.len, path, time_scale, people, out, faults, error);
    }
    buf_deinit(&text);
    return code;
}

/* ---- the data ---- */

struct start {
    int64_t time_s;
    int32_t user;
};

static int by_time(const void *a, const void *b)
{
    const struct start *x = a, *y = b;
    if (x->time_s != y->time_s) {
        return x->time_s < y->time_s ? -1 : 1;
    }
    return (x->user > y->user) - (x->user < y->user);
}

/* The person who makes visit number `turn` of a user. */
static int32_t stand_in(int32_t user, int32_t turn, int32_t users, int32_t people)
{
    int32_t alike = people > user ? (people - user - 1) / users + 1 : 1;
    return user + turn % alike * users;
}

void recording_of_data(const struct ratings *ratings, int32_t people, int64_t visits,
                       int64_t end_ns, struct recording *out)
{
    struct start *start = mem_array((size_t)ratings->count + 1, sizeof *start);
    int64_t count = 0;
    for (int32_t u = 0; u < ratings->users; u++) {
        for (int64_t i = ratings->start[u]; i < ratings->start[u + 1]; i++) {
            if (hours_starts_visit(ratings, u, i)) {
                start[count++] = (struct start){.time_s = ratings->time_s[i], .user = u};
            }
        }
    }
    qsort(start, (size_t)count, sizeof *start, by_time);
    int64_t first = count > visits ? count - visits : 0, taken = count - first;
    *out = (struct recording){0};
    if (taken > 0) {
        double span_s = (double)(start[count - 1].time_s - start[first].time_s);
        /* The last visit is followed by a mean gap, like the others. */
        double room_ns = (double)end_ns * (double)(taken - 1) / (double)taken;
        double scale = span_s > 0 ? room_ns / span_s : 0;
        int32_t *turn = mem_zalloc((size_t)ratings->users, sizeof *turn);
        for (int64_t i = first; i < count; i++) {
            int32_t user = start[i].user;
            add(out, (int64_t)((double)(start[i].time_s - start[first].time_s) * scale),
                stand_in(user, turn[user]++, ratings->users, people));
        }
        mem_free(turn);
    }
    mem_free(start);
}

void recording_deinit(struct recording *recording)
{
    mem_free(recording->moment_ns);
    mem_free(recording->person);
    *recording = (struct recording){0};
}
