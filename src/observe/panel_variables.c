/*
 * Variables in texts of a dashboard. The browser replaces those of the dashboard and the time range
 * ($__from, $__to); the server, later, $__interval and its kin. Both orders are kept, because the
 * server replaces by mere text search: "$__interval_seconds" becomes "15s_seconds" there.
 */
#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "observe/panel_int.h"

#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define TEXT_BYTES_MAX ((size_t)1 << 20)
#define ALL "$__all"
#define VALUES_MAX 1000

struct reference {
    size_t len; /* of the whole: "${name:regex}" */
    char name[64];
    char format[32]; /* "" if none */
};

struct values {
    size_t count;
    const char **value;
    bool raw;  /* the author's own pattern (allValue): not escaped */
    char *own; /* text that the values point into, or NULL */
    bool may_be_many;
};

struct context {
    const struct dashboard *dashboard;
    const struct panel_request *request;
    struct error *error;
};

static size_t word_length(const char *text)
{
    size_t len = 0;
    while (isalnum((unsigned char)text[len]) || text[len] == '_') {
        len++;
    }
    return len;
}

static bool copy_part(char *out, size_t size, const char *text, size_t len)
{
    if (len == 0 || len >= size) {
        return false;
    }
    memcpy(out, text, len);
    out[len] = '\0';
    return true;
}

/* $name, ${name}, ${name:format}, [[name]], [[name:format]]. False if the text starts otherwise. */
static bool read_reference(const char *text, struct reference *out)
{
    const char *close = text[0] == '[' ? "]]" : "}";
    out->format[0] = '\0';
    if (text[0] == '$' && text[1] != '{') {
        size_t len = word_length(text + 1);
        out->len = len + 1;
        return copy_part(out->name, sizeof out->name, text + 1, len);
    }
    if (!text_starts(text, "${") && !text_starts(text, "[[")) {
        return false;
    }
    size_t len = word_length(text + 2);
    const char *rest = text + 2 + len;
    if (!copy_part(out->name, sizeof out->name, text + 2, len)) {
        return false;
    }
    if (*rest == ':') {
        const char *end = strstr(rest, close);
        if (end == NULL ||
            !copy_part(out->format, sizeof out->format, rest + 1, (size_t)(end - rest - 1))) {
            return false;
        }
        rest = end;
    }
    out->len = (size_t)(rest - text) + strlen(close);
    return text_starts(rest, close);
}

/* Backslashes doubled twice and what a pattern gives a meaning behind two: the expression's string
 * takes one away again, the pattern the other. */
static void add_escaped_for_prometheus(struct buf *out, const char *value)
{
    for (; *value != '\0'; value++) {
        if (*value == '\\') {
            (void)buf_text(out, "\\\\\\\\");
        } else {
            (void)buf_text(out, strchr("$^*{}[]'+?.()|", *value) != NULL ? "\\\\" : "");
            (void)buf_add(out, value, 1);
        }
    }
}

static void add_escaped(struct buf *out, const char *value, const char *special)
{
    for (; *value != '\0'; value++) {
        (void)buf_text(out, strchr(special, *value) != NULL ? "\\" : "");
        (void)buf_add(out, value, 1);
    }
}

static void add_percent(struct buf *out, const char *value)
{
    for (; *value != '\0'; value++) {
        unsigned char c = (unsigned char)*value;
        if (isalnum(c) || strchr("-_.~", c) != NULL) {
            (void)buf_add(out, value, 1);
        } else {
            (void)buf_printf(out, "%%%02X", c);
        }
    }
}

static void add_one(struct buf *out, const char *format, const char *value)
{
    if (strcmp(format, "regex") == 0) {
        add_escaped(out, value, "\\^$*+?.()|[]{}/");
    } else if (strcmp(format, "singlequote") == 0) {
        (void)buf_text(out, "'");
        add_escaped(out, value, "'");
        (void)buf_text(out, "'");
    } else if (strcmp(format, "doublequote") == 0) {
        (void)buf_text(out, "\"");
        add_escaped(out, value, "\"");
        (void)buf_text(out, "\"");
    } else if (strcmp(format, "percentencode") == 0) {
        add_percent(out, value);
    } else {
        (void)buf_text(out, value);
    }
}

/* How a format joins several values: before all, between, behind. */
static const struct joint {
    const char *format, *open, *between, *close;
} joints[] = {
    {"regex", "(", "|", ")"},     {"pipe", "", "|", ""},          {"glob", "{", ",", "}"},
    {"csv", "", ",", ""},         {"raw", "", ",", ""},           {"singlequote", "", ",", ""},
    {"doublequote", "", ",", ""}, {"percentencode", "", ",", ""}, {"text", "", " + ", ""},
};

/* Prometheus's own way, if no format is said: a pattern where the variable may be several. */
static void add_for_prometheus(struct buf *out, const struct values *values)
{
    if (!values->may_be_many) {
        for (size_t i = 0; i < values->count; i++) {
            for (const char *c = values->value[i]; *c != '\0'; c++) {
                (void)buf_text(out, *c == '\\' ? "\\\\" : *c == '\'' ? "\\\\'" : "");
                (void)buf_add(out, c, *c != '\\' && *c != '\'');
            }
        }
        return;
    }
    (void)buf_text(out, values->count > 1 ? "(" : "");
    for (size_t i = 0; i < values->count; i++) {
        (void)buf_text(out, i > 0 ? "|" : "");
        add_escaped_for_prometheus(out, values->value[i]);
    }
    (void)buf_text(out, values->count > 1 ? ")" : "");
}

static void add_values(struct buf *out, const char *format, const struct values *values)
{
    const struct joint *joint = &joints[2]; /* Grafana's default is glob */
    if (values->raw) {
        (void)buf_text(out, values->count > 0 ? values->value[0] : "");
        return;
    }
    if (*format == '\0') {
        add_for_prometheus(out, values);
        return;
    }
    for (size_t i = 0; i < sizeof joints / sizeof joints[0]; i++) {
        joint = strcmp(joints[i].format, format) == 0 ? &joints[i] : joint;
    }
    (void)buf_text(out, values->count > 1 ? joint->open : "");
    for (size_t i = 0; i < values->count; i++) {
        (void)buf_text(out, i > 0 ? joint->between : "");
        add_one(out, format, values->value[i]);
    }
    (void)buf_text(out, values->count > 1 ? joint->close : "");
}

/* label_values(METRIC, LABEL) as a query that the same answers: one series a value. */
static char *label_query(const char *query, int64_t range_ms, char *label, size_t label_size)
{
    struct buf out;
    const char *open = strchr(query, '(');
    const char *comma = strrchr(query, ',');
    const char *close = strrchr(query, ')');
    if (!text_starts(query, "label_values") || open == NULL || comma == NULL || close == NULL ||
        close < comma || comma < open) {
        return NULL;
    }
    comma++;
    comma += strspn(comma, " \t");
    if (!copy_part(label, label_size, comma, word_length(comma))) {
        return NULL;
    }
    int metric_len = (int)(strrchr(query, ',') - open - 1);
    buf_init(&out, TEXT_BYTES_MAX);
    (void)buf_printf(&out, "count by (%s) (last_over_time(%.*s[%" PRId64 "s]))", label, metric_len,
                     open + 1, range_ms / 1000 + 1);
    char *text = buf_take(&out);
    buf_deinit(&out);
    return text;
}

/* All values that Prometheus has, in its order, joined with zero bytes in values->own. */
static enum err ask_values(const struct context *context, const char *query, const char *label,
                           struct values *out)
{
    struct prometheus_matrix matrix;
    struct buf text;
    const struct panel_request *request = context->request;
    enum err code = request->query(request->context, query, true, (double)request->from_ms / 1e3,
                                   (double)request->to_ms / 1e3, 0, &matrix, context->error);
    if (code != ERR_OK) {
        return code;
    }
    buf_init(&text, TEXT_BYTES_MAX);
    size_t count = 0;
    for (size_t i = 0; i < matrix.count && count < VALUES_MAX; i++) {
        const char *value = prometheus_label(&matrix.series[i], label);
        if (*value != '\0' && buf_add(&text, value, strlen(value) + 1)) {
            count++;
        }
    }
    prometheus_matrix_deinit(&matrix);
    out->own = buf_take(&text);
    buf_deinit(&text);
    const char *at = out->own;
    for (size_t i = 0; i < count; i++) {
        out->value[out->count++] = at;
        at += strlen(at) + 1;
    }
    return ERR_OK;
}

static enum err all_values(const struct context *context, const struct dashboard_variable *variable,
                           struct values *out)
{
    char label[64];
    if (variable->all_value != NULL) {
        out->raw = true;
        out->value[out->count++] = variable->all_value;
        return ERR_OK;
    }
    if (variable->option_count > 0) {
        for (size_t i = 0; i < variable->option_count && i < VALUES_MAX; i++) {
            out->value[out->count++] = variable->option[i];
        }
        return ERR_OK;
    }
    char *query = label_query(variable->query, context->request->to_ms - context->request->from_ms,
                              label, sizeof label);
    if (query == NULL) {
        return error_set(context->error, ERR_INPUT, context->dashboard->path, variable->line,
                         "all values of %s are not known: no allValue, options or label_values()",
                         variable->name);
    }
    enum err code = ask_values(context, query, label, out);
    mem_free(query);
    return code;
}

/* What the request says, else what the dashboard was saved with, else the first option. */
static enum err find_values(const struct context *context,
                            const struct dashboard_variable *variable, struct values *out)
{
    const struct panel_request *request = context->request;
    for (size_t i = 0; i < request->variable_count && out->count < VALUES_MAX; i++) {
        if (strcmp(request->variable[i].name, variable->name) == 0) {
            out->value[out->count++] = request->variable[i].value;
        }
    }
    if (out->count == 0) {
        for (size_t i = 0; i < variable->current_count && i < VALUES_MAX; i++) {
            out->value[out->count++] = variable->current[i];
        }
    }
    if (out->count == 0 && variable->include_all) {
        out->value[out->count++] = ALL;
    } else if (out->count == 0 && variable->option_count > 0) {
        out->value[out->count++] = variable->option[0];
    } else if (out->count == 0) {
        out->value[out->count++] = strcmp(variable->type, "query") == 0 ? "" : variable->query;
    }
    if (strcmp(out->value[0], ALL) == 0) {
        out->count = 0;
        return all_values(context, variable, out);
    }
    return ERR_OK;
}

/* A variable that only the request has is as good as one of the dashboard. */
static bool request_has(const struct panel_request *request, const char *name)
{
    for (size_t i = 0; i < request->variable_count; i++) {
        if (strcmp(request->variable[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

static enum err add_variable(const struct context *context, const struct reference *reference,
                             const char *text, struct buf *out)
{
    const struct panel_request *request = context->request;
    const struct dashboard_variable *variable =
        dashboard_variable_find(context->dashboard, reference->name);
    const struct dashboard_variable stranger = {.query = ""};
    bool from = strcmp(reference->name, "__from") == 0;
    if (from || strcmp(reference->name, "__to") == 0) {
        int64_t ms = from ? request->from_ms : request->to_ms;
        bool seconds = strcmp(reference->format, "date:seconds") == 0;
        (void)buf_printf(out, "%" PRId64, seconds ? ms / 1000 : ms);
        return ERR_OK;
    }
    if (variable == NULL && !request_has(request, reference->name)) {
        (void)buf_add(out, text, reference->len);
        return ERR_OK;
    }
    struct values values = {.value = mem_array(VALUES_MAX, sizeof(char *))};
    struct dashboard_variable named = stranger;
    if (variable == NULL) {
        (void)text_copy(named.name, sizeof named.name, reference->name);
        variable = &named;
    }
    values.may_be_many = variable->multi || variable->include_all;
    enum err code = find_values(context, variable, &values);
    if (code == ERR_OK) {
        add_values(out, reference->format, &values);
    }
    mem_free(values.own);
    mem_free(values.value);
    return code;
}

char *panel_interpolate(const struct dashboard *dashboard, const struct panel_request *request,
                        const char *text, struct error *error)
{
    struct buf out;
    enum err code = ERR_OK;
    const struct context context = {dashboard, request, error};
    buf_init(&out, TEXT_BYTES_MAX);
    while (*text != '\0' && code == ERR_OK) {
        struct reference reference;
        if (read_reference(text, &reference)) {
            code = add_variable(&context, &reference, text, &out);
            text += reference.len;
        } else {
            (void)buf_add(&out, text++, 1);
        }
    }
    if (code == ERR_OK && out.failed) {
        code = error_set(error, ERR_INPUT, dashboard->path, 0, "an expression over %zu bytes",
                         TEXT_BYTES_MAX);
    }
    char *result = code == ERR_OK ? buf_take(&out) : NULL;
    buf_deinit(&out);
    return result;
}

static char *replace_all(char *text, const char *what, const char *with)
{
    struct buf out;
    const char *at = text;
    const char *found;
    if (strstr(text, what) == NULL) {
        return text;
    }
    buf_init(&out, 2 * TEXT_BYTES_MAX);
    while ((found = strstr(at, what)) != NULL) {
        (void)buf_add(&out, at, (size_t)(found - at));
        (void)buf_text(&out, with);
        at = found + strlen(what);
    }
    (void)buf_text(&out, at);
    mem_free(text);
    char *result = buf_take(&out);
    buf_deinit(&out);
    return result;
}

char *panel_interpolate_plan(const char *text, const struct interval_plan *plan)
{
    char step[32];
    char rate[48];
    char number[5][48];
    char *result = mem_text(text);
    (void)interval_text(plan->step_ms, step, sizeof step);
    (void)interval_go_text(plan->rate_interval_ms, rate, sizeof rate);
    (void)snprintf(number[0], sizeof number[0], "%" PRId64, plan->step_ms);
    (void)snprintf(number[1], sizeof number[1], "%" PRId64, plan->range_ms);
    (void)snprintf(number[2], sizeof number[2], "%" PRId64, plan->range_s);
    (void)snprintf(number[3], sizeof number[3], "%" PRId64 "s", plan->range_s);
    (void)snprintf(number[4], sizeof number[4], "%" PRId64, plan->rate_interval_ms);
    const struct {
        const char *name, *value;
    } all[] = {{"__interval_ms", number[0]}, {"__interval", step},
               {"__range_ms", number[1]},    {"__range_s", number[2]},
               {"__range", number[3]},       {"__rate_interval_ms", number[4]},
               {"__rate_interval", rate}};
    for (int braces = 0; braces < 2; braces++) {
        for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
            char what[48];
            (void)snprintf(what, sizeof what, "$%s%s%s", braces ? "{" : "", all[i].name,
                           braces ? "}" : "");
            result = replace_all(result, what, all[i].value);
        }
    }
    return result;
}
