#include "base/option.h"

#include "base/mem.h"
#include "base/text.h"

#include <assert.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define NS_PER_S 1e9
/* Bounds at or beyond this are "no bound on this side" and are not printed. */
#define UNBOUNDED 1e15
#define NAME_MAX_BYTES 40

struct value {
    bool given;       /* on the command line */
    const char *text; /* borrowed from argv or the table; NULL if unset */
    int64_t whole;    /* OPTION_INT, and OPTION_DURATION in nanoseconds */
    double real;
};

struct options {
    const struct option_row *rows;
    size_t row_count;
    struct value *values;     /* one a row */
    const char **positionals; /* borrowed from argv */
    int positional_count;
    bool help;
};

struct parse {
    struct options *options;
    struct faults faults;
    bool unknown; /* an unknown option was seen */
};

static size_t count_rows(const struct option_row *rows)
{
    size_t count = 0;
    while (rows != NULL && rows[count].name != NULL) {
        count++;
    }
    return count;
}

static bool bounded(const struct option_row *row)
{
    return row->min != 0.0 || row->max != 0.0;
}

static void bound_text(const struct option_row *row, double bound, char *out, size_t size)
{
    if (row->kind == OPTION_DURATION) {
        text_from_duration_ns((int64_t)(bound * NS_PER_S), out, size);
    } else {
        snprintf(out, size, "%.15g", bound);
    }
}

/* "1 to 64", "at least 1", "at most 64" or "". */
static const char *range_text(const struct option_row *row, char *out, size_t size)
{
    char low[48];
    char high[48];
    bound_text(row, row->min, low, sizeof low);
    out[0] = '\0';
    if (!bounded(row)) {
        return out;
    }
    if (row->max >= UNBOUNDED) {
        snprintf(out, size, "at least %s", low);
        return out;
    }
    bound_text(row, row->max, high, sizeof high);
    if (row->min <= -UNBOUNDED) {
        snprintf(out, size, "at most %s", high);
    } else {
        snprintf(out, size, "%s to %s", low, high);
    }
    return out;
}

/* Fills value->whole and value->real; NULL if the text is of the row's kind, else what is wanted.
 */
static const char *convert(const struct option_row *row, const char *text, struct value *value)
{
    switch (row->kind) {
    case OPTION_INT:
        if (!text_to_i64(text, &value->whole)) {
            return "a whole number";
        }
        value->real = (double)value->whole;
        return NULL;
    case OPTION_REAL:
        return text_to_f64(text, &value->real) ? NULL : "a number";
    case OPTION_DURATION:
        if (!text_to_duration_ns(text, &value->whole)) {
            return "a duration such as 250ms, 90s or 2m30s";
        }
        value->real = (double)value->whole / NS_PER_S;
        return NULL;
    case OPTION_TEXT:
    case OPTION_FLAG:
        break;
    }
    return NULL;
}

static bool in_range(const struct option_row *row, const struct value *value)
{
    bool number = row->kind != OPTION_TEXT && row->kind != OPTION_FLAG;
    return !number || !bounded(row) || (value->real >= row->min && value->real <= row->max);
}

static void fault_of(struct parse *parse, const char *name, const char *text)
{
    char where[64];
    snprintf(where, sizeof where, "--%s", name);
    faults_add(&parse->faults, where, 0, NULL, "%s", text);
}

static void set_value(struct parse *parse, const struct option_row *row, struct value *value,
                      const char *text)
{
    char message[256];
    char range[128];
    const char *wanted = convert(row, text, value);
    if (wanted != NULL) {
        snprintf(message, sizeof message, "'%.80s' is not %s", text, wanted);
        fault_of(parse, row->name, message);
    } else if (!in_range(row, value)) {
        snprintf(message, sizeof message, "'%.80s' is out of bounds (%s)", text,
                 range_text(row, range, sizeof range));
        fault_of(parse, row->name, message);
    }
    value->text = text;
}

static void set_defaults(struct options *options)
{
    for (size_t i = 0; i < options->row_count; i++) {
        const struct option_row *row = &options->rows[i];
        struct value *value = &options->values[i];
        if (row->fallback != NULL && row->kind != OPTION_FLAG) {
            const char *wanted = convert(row, row->fallback, value);
            assert(wanted == NULL && in_range(row, value));
            (void)wanted;
            value->text = row->fallback;
        }
    }
}

/* Levenshtein's distance; texts beyond NAME_MAX_BYTES are never near anything. */
static size_t edit_distance(const char *a, size_t a_length, const char *b)
{
    size_t b_length = strlen(b);
    if (a_length > NAME_MAX_BYTES || b_length > NAME_MAX_BYTES) {
        return SIZE_MAX;
    }
    size_t row[NAME_MAX_BYTES + 1];
    for (size_t j = 0; j <= b_length; j++) {
        row[j] = j;
    }
    for (size_t i = 1; i <= a_length; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            size_t best = diagonal + (a[i - 1] != b[j - 1]);
            best = row[j] + 1 < best ? row[j] + 1 : best;
            best = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
            diagonal = row[j];
            row[j] = best;
        }
    }
    return row[b_length];
}

/* The option most like `name`, NULL if none is near enough to have been meant. */
static const char *nearest(const struct options *options, const char *name, size_t length)
{
    const char *found = NULL;
    size_t best = length / 3 + 2;
    for (size_t i = 0; i < options->row_count; i++) {
        size_t distance = edit_distance(name, length, options->rows[i].name);
        if (distance < best) {
            best = distance;
            found = options->rows[i].name;
        }
    }
    return found;
}

static void unknown_option(struct parse *parse, const char *argument)
{
    size_t dashes = strspn(argument, "-");
    const char *name = argument + dashes;
    const char *near = nearest(parse->options, name, strcspn(name, "="));
    parse->unknown = true;
    if (near != NULL) {
        faults_add(&parse->faults, argument, 0, NULL, "no such option; did you mean --%s?", near);
    } else {
        faults_add(&parse->faults, argument, 0, NULL, "no such option");
    }
}

static size_t find_row(const struct options *options, const char *name, size_t length)
{
    size_t i = 0;
    while (i < options->row_count && (strlen(options->rows[i].name) != length ||
                                      strncmp(options->rows[i].name, name, length) != 0)) {
        i++;
    }
    return i;
}

/* One argument starting with '-'. `next` is the argument after it or NULL; returns whether that
 * was used as the value. */
static bool parse_option(struct parse *parse, const char *argument, const char *next)
{
    struct options *options = parse->options;
    const char *name = argument + 2;
    size_t length = strcspn(argument, "=") - 2;
    const char *attached = name[length] == '=' ? name + length + 1 : NULL;
    size_t index = find_row(options, name, length);
    if (index == options->row_count) {
        unknown_option(parse, argument);
        return false;
    }
    const struct option_row *row = &options->rows[index];
    struct value *value = &options->values[index];
    if (value->given) {
        fault_of(parse, row->name, "given more than once");
    }
    value->given = true;
    if (row->kind == OPTION_FLAG) {
        if (attached != NULL) {
            fault_of(parse, row->name, "takes no value");
        }
        return false;
    }
    if (attached != NULL) {
        set_value(parse, row, value, attached);
        return false;
    }
    if (next == NULL || text_starts(next, "--")) {
        char message[96];
        snprintf(message, sizeof message, "needs a value (%s)",
                 row->metavar != NULL ? row->metavar : "VALUE");
        fault_of(parse, row->name, message);
        return false;
    }
    set_value(parse, row, value, next);
    return true;
}

static void parse_arguments(struct parse *parse, int argc, char **argv)
{
    struct options *options = parse->options;
    bool only_positionals = false;
    for (int i = 1; i < argc; i++) {
        const char *argument = argv[i];
        if (only_positionals || argument[0] != '-' || argument[1] == '\0') {
            options->positionals[options->positional_count++] = argument;
        } else if (strcmp(argument, "--") == 0) {
            only_positionals = true;
        } else if (strcmp(argument, "--help") == 0) {
            options->help = true;
        } else if (!text_starts(argument, "--")) {
            unknown_option(parse, argument);
        } else if (parse_option(parse, argument, i + 1 < argc ? argv[i + 1] : NULL)) {
            i++;
        }
    }
}

static void check_positionals(struct parse *parse, int min, int max)
{
    int count = parse->options->positional_count;
    /* The value of an unknown option looks like a positional: one fault is enough. */
    if (count > max && !parse->unknown) {
        faults_add(&parse->faults, parse->options->positionals[max], 0, NULL,
                   "unexpected argument (%d %s)", max, max == 1 ? "is read" : "are read");
    } else if (count < min) {
        faults_add(&parse->faults, NULL, 0, NULL, "%d argument%s missing", min - count,
                   min - count == 1 ? " is" : "s are");
    }
}

enum err options_parse(const struct option_row *rows, int argc, char **argv, int positionals_min,
                       int positionals_max, struct options **out)
{
    struct options *options = mem_zalloc(1, sizeof *options);
    options->rows = rows;
    options->row_count = count_rows(rows);
    options->values = mem_zalloc(options->row_count, sizeof *options->values);
    options->positionals = mem_zalloc((size_t)argc + 1, sizeof *options->positionals);
    set_defaults(options);
    struct parse parse = {.options = options};
    faults_init(&parse.faults);
    parse_arguments(&parse, argc, argv);
    check_positionals(&parse, positionals_min, positionals_max);
    enum err code = ERR_OK;
    if (parse.faults.count > 0 && !options->help) {
        faults_print(&parse.faults);
        options_free(options);
        options = NULL;
        code = ERR_USAGE;
    }
    faults_deinit(&parse.faults);
    *out = options;
    return code;
}

void options_free(struct options *options)
{
    if (options == NULL) {
        return;
    }
    mem_free(options->values);
    mem_free((void *)options->positionals);
    mem_free(options);
}

bool options_help_asked(const struct options *options)
{
    return options->help;
}

/* "--name METAVAR"; returns its length. */
static int spell(const struct option_row *row, char *out, size_t size)
{
    bool valued = row->kind != OPTION_FLAG && row->metavar != NULL;
    return snprintf(out, size, "--%s%s%s", row->name, valued ? " " : "",
                    valued ? row->metavar : "");
}

static void print_row(const struct option_row *row, int width)
{
    char name[128];
    char range[128];
    spell(row, name, sizeof name);
    range_text(row, range, sizeof range);
    printf("  %-*s  %s", width, name, row->help);
    bool has_default = row->fallback != NULL && row->kind != OPTION_FLAG;
    if (range[0] != '\0' || has_default) {
        printf(" (%s%s%s%s)", range, range[0] != '\0' && has_default ? "; " : "",
               has_default ? "default " : "", has_default ? row->fallback : "");
    }
    printf("\n");
}

void options_print_help(const struct option_row *rows, const char *usage, const char *summary)
{
    static const struct option_row help = {.name = "help", .help = "Print this text."};
    char name[128];
    int width = spell(&help, name, sizeof name);
    size_t count = count_rows(rows);
    for (size_t i = 0; i < count; i++) {
        int length = spell(&rows[i], name, sizeof name);
        width = length > width ? length : width;
    }
    printf("usage: driftdrill %s\n\n%s\n\n", usage, summary);
    for (size_t i = 0; i < count; i++) {
        print_row(&rows[i], width);
    }
    print_row(&help, width);
}

static const struct value *value_of(const struct options *options, const char *name)
{
    size_t index = find_row(options, name, strlen(name));
    assert(index < options->row_count);
    return &options->values[index];
}

bool options_is_set(const struct options *options, const char *name)
{
    return value_of(options, name)->given;
}

bool options_flag(const struct options *options, const char *name)
{
    return value_of(options, name)->given;
}

const char *options_text(const struct options *options, const char *name)
{
    return value_of(options, name)->text;
}

int64_t options_int(const struct options *options, const char *name)
{
    return value_of(options, name)->whole;
}

double options_real(const struct options *options, const char *name)
{
    return value_of(options, name)->real;
}

int64_t options_duration_ns(const struct options *options, const char *name)
{
    return value_of(options, name)->whole;
}

int options_positional_count(const struct options *options)
{
    return options->positional_count;
}

const char *options_positional(const struct options *options, int index)
{
    assert(index >= 0 && index < options->positional_count);
    return options->positionals[index];
}
