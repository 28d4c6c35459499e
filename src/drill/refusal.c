/*
 * Rendering checks what time compression touches and leaves the rest of an expression to
 * Prometheus, which says what it thinks only in its log, one logfmt line. Prometheus 2 and 3 write
 *
 *     ... msg="loading groups failed" err="FILE: LINE:COLUMN: group \"G\", rule N, \"NAME\": ..."
 *     ... msg="Error loading rule file patterns ..." err="parse rules from file \"FILE\"
 *         (pattern: \"...\"): FILE: LINE:COLUMN: group \"G\", rule N, \"NAME\": ..."
 *
 * Rejected: promtool, which need not be there and may be of another version.
 */
#include "drill/refusal.h"

#include "base/fileio.h"

#include <stdlib.h>
#include <string.h>

#define LOG_MAX_BYTES (4u << 20)

/* Copies a quoted logfmt value, which begins after its opening quote, without its escapes. */
static void unquote(const char *from, char *out, size_t size)
{
    size_t used = 0;
    while (*from != '\0' && *from != '"' && *from != '\n' && used + 1 < size) {
        from += *from == '\\' && from[1] != '\0' && from[1] != '\n';
        out[used++] = *from++;
    }
    out[used] = '\0';
}

/* Cuts "FILE: LINE:COLUMN: TEXT" into its parts; false if it has no such place. */
static bool split_place(char *message, int *line, const char **text)
{
    for (char *at = strstr(message, ": "); at != NULL; at = strstr(at + 2, ": ")) {
        char *line_end, *column_end;
        long number = strtol(at + 2, &line_end, 10);
        if (line_end == at + 2 || *line_end != ':' || number < 1) {
            continue;
        }
        strtol(line_end + 1, &column_end, 10);
        if (column_end == line_end + 1 || strncmp(column_end, ": ", 2) != 0) {
            continue;
        }
        *at = '\0';
        *line = (int)number;
        *text = column_end + 2;
        return true;
    }
    return false;
}

/* The value of err in the first line of the log that holds the event. */
static bool find_event(const char *log, const char *event, char *out, size_t size)
{
    static const char key[] = " err=\"";
    const char *at = strstr(log, event);
    const char *end = at == NULL ? NULL : strchr(at, '\n');
    const char *value = at == NULL ? NULL : strstr(at, key);
    if (value == NULL || (end != NULL && value > end)) {
        return false;
    }
    unquote(value + strlen(key), out, size);
    return true;
}

/* What Prometheus 3 puts before the file's own words is cut off. */
static void cut_introduction(char *message)
{
    static const char introduction[] = "parse rules from file ";
    char *end = strstr(message, "\"): ");
    if (strncmp(message, introduction, strlen(introduction)) == 0 && end != NULL) {
        memmove(message, end + 4, strlen(end + 4) + 1);
    }
}

/* The log's first refusal, as Prometheus words it. */
static bool find_message(const char *log, char *out, size_t size)
{
    if (find_event(log, "msg=\"loading groups failed\"", out, size)) {
        return true;
    }
    bool found = find_event(log, "msg=\"Error loading rule file patterns", out, size);
    if (found) {
        cut_introduction(out);
    }
    return found;
}

bool refusal_of_rules(const char *log_path, struct error *error)
{
    char message[2048];
    const char *text = message;
    int line = 0;
    struct buf log;
    buf_init(&log, LOG_MAX_BYTES);
    bool refused = file_read(log_path, &log, NULL) == ERR_OK && log.len > 0 &&
                   find_message(log.data, message, sizeof message);
    buf_deinit(&log);
    if (refused && split_place(message, &line, &text)) {
        error_set(error, ERR_INPUT, message, line, "%s", text);
    } else if (refused) {
        error_set(error, ERR_INPUT, log_path, 0, "%s", message);
    }
    return refused;
}
