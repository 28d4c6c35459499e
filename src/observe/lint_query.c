/* One expression: its variables, its syntax, and a walk over its tree. */
#include "observe/lint_query.h"

#include "base/mem.h"
#include "base/text.h"
#include "observe/lint_query_int.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define SCRAPES_LEAST 2   /* a rate needs two samples */
#define SCRAPES_WANTED 10 /* rules_render and dashboard_render refuse less */
#define DURATION_BYTES 64
#define TEXT_BYTES 320

/* Once: an expression may name the same unknown metric in ten places. */
static void add(struct faults *faults, const char *kind, const struct lint_place *place,
                const char *format, va_list args)
{
    char text[TEXT_BYTES];
    (void)snprintf(text, sizeof text, "%s%s", kind, place->who);
    size_t len = strlen(text);
    (void)vsnprintf(text + len, sizeof text - len, format, args);
    for (size_t i = 0; i < faults->count; i++) {
        const struct fault *old = &faults->list[i];
        if (old->line == place->line && strcmp(old->path, place->path) == 0 &&
            strcmp(old->text, text) == 0) {
            return;
        }
    }
    faults_add(faults, place->file, place->line, place->path, "%s", text);
}

void lint_fault(const struct lint *lint, const struct lint_place *place, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    add(lint->faults, "", place, format, args);
    va_end(args);
}

void lint_warn(const struct lint *lint, const struct lint_place *place, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    add(lint->warnings, "warning: ", place, format, args);
    va_end(args);
}

/* What a range function does with too few samples. */
static bool needs_two(const char *function)
{
    static const char *const functions[] = {"rate",    "increase",       "irate",
                                            "delta",   "idelta",         "deriv",
                                            "changes", "predict_linear", "resets"};
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        if (strcmp(functions[i], function) == 0) {
            return true;
        }
    }
    return false;
}

static void check_range(const struct lint_walk *walk, const struct lint_node *call,
                        const struct lint_node *range)
{
    const struct lint *lint = walk->lint;
    char written[DURATION_BYTES], least[DURATION_BYTES];
    const char *variable = lint_filled_by(walk->filled, range->range_at, 1);
    if (variable != NULL && text_starts(variable, "__interval")) {
        lint_fault(lint, walk->place,
                   "%s over [$__interval] is empty when zoomed in and another number at every "
                   "width: use $__rate_interval or a fixed window",
                   call->text);
        return;
    }
    if ((variable != NULL && text_starts(variable, "__")) || range->kind == LINT_SUBQUERY) {
        return;
    }
    (void)text_from_duration_ns(range->range_ns, written, sizeof written);
    if (needs_two(call->text) && range->range_ns < SCRAPES_LEAST * lint->scrape_ns) {
        lint_fault(lint, walk->place, "%s over %s is empty: it spans less than two scrapes of %s",
                   call->text, written,
                   text_from_duration_ns(lint->scrape_ns, least, sizeof least));
    } else if (lint->ten_scrapes && range->range_ns < SCRAPES_WANTED * lint->scrape_ns) {
        lint_fault(lint, walk->place, "the range of %s, %s, is shorter than ten scrapes (%s)",
                   call->text, written,
                   text_from_duration_ns(SCRAPES_WANTED * lint->scrape_ns, least, sizeof least));
    }
}

/* rate() takes what only rises, delta() and deriv() what goes both ways. */
static void check_type(const struct lint_walk *walk, const struct lint_node *call,
                       const struct lint_node *selector)
{
    const char *type = lint_series_type(walk->lint->series, selector->text);
    bool counting = strcmp(call->text, "rate") == 0 || strcmp(call->text, "irate") == 0 ||
                    strcmp(call->text, "increase") == 0;
    bool going = strcmp(call->text, "delta") == 0 || strcmp(call->text, "deriv") == 0 ||
                 strcmp(call->text, "idelta") == 0 || strcmp(call->text, "predict_linear") == 0;
    if (type != NULL && counting && strcmp(type, "gauge") == 0) {
        lint_fault(walk->lint, walk->place, "%s of %s, which is a gauge", call->text,
                   selector->text);
    } else if (type != NULL && going && strcmp(type, "counter") == 0) {
        lint_fault(walk->lint, walk->place, "%s of %s, which is a counter", call->text,
                   selector->text);
    }
}

static void check_quantile(const struct lint_walk *walk, const struct lint_node *call)
{
    struct lint_shape shape;
    lint_shape_of(walk->lint->series, call->child[1], &shape);
    if (!lint_shape_has(&shape, "le")) {
        lint_fault(walk->lint, walk->place,
                   "histogram_quantile of series without the label le: add it to by (...)");
    }
    lint_shape_deinit(&shape);
}

static void check_call(const struct lint_walk *walk, const struct lint_node *call)
{
    for (size_t i = 0; i < call->child_count; i++) {
        if (call->child[i]->type == LINT_MATRIX) {
            check_range(walk, call, call->child[i]);
            if (call->child[i]->kind == LINT_SELECTOR) {
                check_type(walk, call, call->child[i]);
            }
        }
    }
    if (lint_is_call(call, "histogram_quantile")) {
        check_quantile(walk, call);
    }
}

/* Labels that a modifier names and that the operand cannot have. */
static void check_names(const struct lint_walk *walk, const struct lint_names *names,
                        const struct lint_node *operand, const char *modifier)
{
    struct lint_shape shape;
    lint_shape_of(walk->lint->series, operand, &shape);
    for (size_t i = 0; i < names->count; i++) {
        if (!lint_shape_has(&shape, names->name[i])) {
            lint_fault(walk->lint, walk->place, "%s (%s): no series there has the label %s",
                       modifier, names->name[i], names->name[i]);
        }
    }
    lint_shape_deinit(&shape);
}

static void check_binary(const struct lint_walk *walk, const struct lint_node *node)
{
    const char *modifier = node->side == LINT_GROUP_RIGHT ? "group_right" : "group_left";
    const struct lint_node *one = node->child[node->side == LINT_GROUP_RIGHT ? 0 : 1];
    if (node->on) {
        check_names(walk, &node->names, node->child[0], "on");
        check_names(walk, &node->names, node->child[1], "on");
    }
    check_names(walk, &node->include, one, modifier);
}

/* `optional` tells that the expression goes on without what the node selects. */
static void check_node(const struct lint_walk *walk, const struct lint_node *node, bool optional)
{
    if (node->kind == LINT_SELECTOR) {
        lint_check_selector(walk, node, optional);
        return;
    }
    if (node->kind == LINT_CALL) {
        check_call(walk, node);
        optional = optional || text_starts(node->text, "absent");
    } else if (node->kind == LINT_AGGREGATE && !node->without) {
        check_names(walk, &node->names, node->child[node->child_count - 1], "by");
    } else if (node->kind == LINT_BINARY) {
        check_binary(walk, node);
    }
    for (size_t i = 0; i < node->child_count; i++) {
        bool spared = lint_is_operator(node, "or") || (lint_is_operator(node, "unless") && i == 1);
        check_node(walk, node->child[i], optional || spared);
    }
}

static void check_variables(const struct lint *lint, const struct lint_place *place,
                            const char *expr, const json_t *values)
{
    struct lint_variable variable;
    size_t at = 0;
    while (lint_variable_next(expr, &at, &variable)) {
        if (json_object_get(values, variable.name) == NULL &&
            !lint_variable_is_builtin(variable.name)) {
            lint_fault(lint, place, "unknown variable $%s", variable.name);
        }
    }
}

void lint_query(const struct lint *lint, const struct lint_place *place, const char *expr,
                const json_t *values, struct lint_node **out)
{
    struct lint_filled filled = {0};
    struct error error = {.code = ERR_OK};
    *out = NULL;
    if (values != NULL) {
        check_variables(lint, place, expr, values);
        lint_fill(expr, values, &filled);
    } else {
        filled.text = mem_text(expr);
    }
    if (lint_expr_parse(filled.text, lint_series_words(lint->series), out, &error) != ERR_OK) {
        bool lines = error.line > 0 && strchr(expr, '\n') != NULL;
        char line[48];
        (void)snprintf(line, sizeof line, "line %d of the expression: ", error.line);
        lint_fault(lint, place, "%s%s", lines ? line : "", error.text);
    } else {
        struct lint_walk walk = {lint, place, &filled};
        check_node(&walk, *out, false);
        lint_check_divisions(&walk, *out);
    }
    lint_filled_deinit(&filled);
}

void lint_legend(const struct lint *lint, const struct lint_place *place,
                 const struct lint_node *node, const char *text)
{
    struct lint_shape shape = {.any = true, .names = NULL};
    const char *inside;
    size_t at = 0, len;
    bool broken = false;
    if (node != NULL) {
        lint_shape_of(lint->series, node, &shape);
    }
    while (lint_template_next(text, &at, &inside, &len, &broken)) {
        char name[LINT_NAME_BYTES];
        size_t begin = strspn(inside, " ");
        size_t end = len;
        while (end > begin && inside[end - 1] == ' ') {
            end--;
        }
        if (begin < end && end - begin < sizeof name) {
            (void)snprintf(name, sizeof name, "%.*s", (int)(end - begin), inside + begin);
            if (strcmp(name, "__name__") != 0 && !lint_shape_has(&shape, name)) {
                lint_fault(lint, place, "{{%s}}: the result has no label %s", name, name);
            }
        }
    }
    if (broken) {
        lint_fault(lint, place, "{{ does not end in \"%.60s\"", text);
    }
    lint_shape_deinit(&shape);
}
