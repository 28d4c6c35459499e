/* What functions, aggregations and operators take and give. */
#include "observe/lint_expr_int.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/*
 * Arguments by one letter each: s scalar, v instant vector, m range, t string. A capital is
 * optional, and so are all behind it; a star repeats the letter before it.
 */
static const struct {
    const char *name, *takes;
} functions[] = {
    {"abs", "v"},
    {"absent", "v"},
    {"absent_over_time", "m"},
    {"acos", "v"},
    {"acosh", "v"},
    {"asin", "v"},
    {"asinh", "v"},
    {"atan", "v"},
    {"atanh", "v"},
    {"avg_over_time", "m"},
    {"ceil", "v"},
    {"changes", "m"},
    {"clamp", "vss"},
    {"clamp_max", "vs"},
    {"clamp_min", "vs"},
    {"cos", "v"},
    {"cosh", "v"},
    {"count_over_time", "m"},
    {"day_of_month", "V"},
    {"day_of_week", "V"},
    {"day_of_year", "V"},
    {"days_in_month", "V"},
    {"deg", "v"},
    {"delta", "m"},
    {"deriv", "m"},
    {"double_exponential_smoothing", "mss"},
    {"exp", "v"},
    {"first_over_time", "m"},
    {"floor", "v"},
    {"histogram_avg", "v"},
    {"histogram_count", "v"},
    {"histogram_fraction", "ssv"},
    {"histogram_quantile", "sv"},
    {"histogram_stddev", "v"},
    {"histogram_stdvar", "v"},
    {"histogram_sum", "v"},
    {"holt_winters", "mss"},
    {"hour", "V"},
    {"idelta", "m"},
    {"increase", "m"},
    {"info", "vV"},
    {"irate", "m"},
    {"label_join", "vtttT*"},
    {"label_replace", "vtttt"},
    {"last_over_time", "m"},
    {"ln", "v"},
    {"log10", "v"},
    {"log2", "v"},
    {"mad_over_time", "m"},
    {"max_over_time", "m"},
    {"min_over_time", "m"},
    {"minute", "V"},
    {"month", "V"},
    {"pi", ""},
    {"predict_linear", "ms"},
    {"present_over_time", "m"},
    {"quantile_over_time", "sm"},
    {"rad", "v"},
    {"rate", "m"},
    {"resets", "m"},
    {"round", "vS"},
    {"scalar", "v"},
    {"sgn", "v"},
    {"sin", "v"},
    {"sinh", "v"},
    {"sort", "v"},
    {"sort_by_label", "vtT*"},
    {"sort_by_label_desc", "vtT*"},
    {"sort_desc", "v"},
    {"sqrt", "v"},
    {"stddev_over_time", "m"},
    {"stdvar_over_time", "m"},
    {"sum_over_time", "m"},
    {"tan", "v"},
    {"tanh", "v"},
    {"time", ""},
    {"timestamp", "v"},
    {"ts_of_first_over_time", "m"},
    {"ts_of_last_over_time", "m"},
    {"ts_of_max_over_time", "m"},
    {"ts_of_min_over_time", "m"},
    {"vector", "s"},
    {"year", "V"},
};

/* The letter is the parameter before the vector. */
static const struct {
    const char *name;
    char parameter;
} aggregations[] = {
    {"sum", 0},        {"avg", 0},
    {"min", 0},        {"max", 0},
    {"count", 0},      {"group", 0},
    {"stddev", 0},     {"stdvar", 0},
    {"topk", 's'},     {"bottomk", 's'},
    {"limitk", 's'},   {"limit_ratio", 's'},
    {"quantile", 's'}, {"count_values", 't'},
};

#define COUNT(list) (sizeof(list) / sizeof(list)[0])

static const char *takes_of(const char *function)
{
    for (size_t i = 0; i < COUNT(functions); i++) {
        if (strcmp(functions[i].name, function) == 0) {
            return functions[i].takes;
        }
    }
    return NULL;
}

bool lint_is_function(const char *name)
{
    return takes_of(name) != NULL;
}

static bool fault(struct lint_reader *reader, const struct lint_node *node, const char *text)
{
    (void)error_set(reader->error, ERR_INPUT, NULL, node->line, "%s: %s", node->text, text);
    return false;
}

static bool has_type(const struct lint_node *node, char letter)
{
    static const char letters[] = {
        [LINT_SCALAR] = 's', [LINT_VECTOR] = 'v', [LINT_MATRIX] = 'm', [LINT_TEXT] = 't'};
    return letters[node->type] == tolower((unsigned char)letter);
}

static bool wrong_type(struct lint_reader *reader, const struct lint_node *node, size_t argument,
                       char letter)
{
    const char *wanted = "a string";
    char text[80];
    switch (tolower((unsigned char)letter)) {
    case 's':
        wanted = "a number";
        break;
    case 'v':
        wanted = "a vector without a range";
        break;
    case 'm':
        wanted = "a range such as x[5m]";
        break;
    default:
        break;
    }
    (void)snprintf(text, sizeof text, "expected %s as argument %zu", wanted, argument + 1);
    return fault(reader, node, text);
}

bool lint_check_call(struct lint_reader *reader, struct lint_node *call)
{
    bool number = strcmp(call->text, "scalar") == 0 || strcmp(call->text, "time") == 0 ||
                  strcmp(call->text, "pi") == 0;
    const char *takes = takes_of(call->text);
    call->type = number ? LINT_SCALAR : LINT_VECTOR;
    for (size_t i = 0; i < call->child_count; i++) {
        if (*takes == '\0') {
            return fault(reader, call, "expected fewer arguments");
        }
        if (!has_type(call->child[i], *takes)) {
            return wrong_type(reader, call, i, *takes);
        }
        takes += takes[1] == '*' ? 0 : 1;
    }
    if (islower((unsigned char)*takes)) {
        return fault(reader, call, "expected more arguments");
    }
    return true;
}

bool lint_is_aggregation(const char *name)
{
    for (size_t i = 0; i < COUNT(aggregations); i++) {
        if (strcmp(aggregations[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

bool lint_check_aggregate(struct lint_reader *reader, struct lint_node *aggregate)
{
    char parameter = 0;
    for (size_t i = 0; i < COUNT(aggregations); i++) {
        if (strcmp(aggregations[i].name, aggregate->text) == 0) {
            parameter = aggregations[i].parameter;
        }
    }
    size_t wanted = parameter != 0 ? 2 : 1;
    if (aggregate->child_count != wanted) {
        return fault(reader, aggregate,
                     wanted == 2 ? "expected a parameter and a vector" : "expected one vector");
    }
    if (wanted == 2 && !has_type(aggregate->child[0], parameter)) {
        return wrong_type(reader, aggregate, 0, parameter);
    }
    return has_type(aggregate->child[wanted - 1], 'v') ||
           wrong_type(reader, aggregate, wanted - 1, 'v');
}

bool lint_check_binary(struct lint_reader *reader, struct lint_node *binary)
{
    enum lint_type left = binary->child[0]->type, right = binary->child[1]->type;
    bool vectors = left == LINT_VECTOR && right == LINT_VECTOR;
    bool scalars = left == LINT_SCALAR && right == LINT_SCALAR;
    bool set = lint_is_operator(binary, "and") || lint_is_operator(binary, "or") ||
               lint_is_operator(binary, "unless");
    if (left == LINT_MATRIX || right == LINT_MATRIX) {
        return fault(reader, binary, "expected no range as an operand");
    }
    if (left == LINT_TEXT || right == LINT_TEXT) {
        return fault(reader, binary, "expected no string as an operand");
    }
    if (set && !vectors) {
        return fault(reader, binary, "expected vectors on both sides");
    }
    if ((binary->on || binary->ignoring) && !vectors) {
        return fault(reader, binary, "on and ignoring need vectors on both sides");
    }
    if (set && binary->side != LINT_ONE_TO_ONE) {
        return fault(reader, binary, "expected no group_left or group_right");
    }
    if (binary->as_bool && !lint_is_comparison(binary)) {
        return fault(reader, binary, "bool is for comparisons only");
    }
    if (scalars && lint_is_comparison(binary) && !binary->as_bool) {
        return fault(reader, binary, "a comparison of numbers needs bool");
    }
    binary->type = scalars ? LINT_SCALAR : LINT_VECTOR;
    return true;
}
