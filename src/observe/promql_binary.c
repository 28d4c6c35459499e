/*
 * Operators between two operands. Vectors are matched by comparing signatures, the numbers of the
 * label sets that `on` or `ignoring` leave, each with each: the vectors of rules have a few
 * elements, for which this is quicker than a table.
 */
#include "observe/promql_eval_int.h"

#include "base/mem.h"

#include <assert.h>
#include <math.h>

static bool is_comparison(enum promql_operator operation)
{
    return operation >= PROMQL_EQ && operation <= PROMQL_GT;
}

static bool compare(enum promql_operator operation, double left, double right)
{
    switch (operation) {
    case PROMQL_EQ:
        return left == right;
    case PROMQL_NE:
        return left != right;
    case PROMQL_LE:
        return left <= right;
    case PROMQL_LT:
        return left < right;
    case PROMQL_GE:
        return left >= right;
    default:
        return left > right;
    }
}

static double compute(enum promql_operator operation, double left, double right)
{
    switch (operation) {
    case PROMQL_ADD:
        return left + right;
    case PROMQL_SUB:
        return left - right;
    case PROMQL_MUL:
        return left * right;
    case PROMQL_DIV:
        return left / right;
    case PROMQL_MOD:
        return fmod(left, right);
    default:
        assert(operation == PROMQL_POW);
        return pow(left, right);
    }
}

/* False if a comparison filters the element out; `kept` is what stays if it does not. */
static bool apply(const struct promql_node *node, double left, double right, double kept,
                  double *out)
{
    if (!is_comparison(node->operation)) {
        *out = compute(node->operation, left, right);
        return true;
    }
    bool holds = compare(node->operation, left, right);
    *out = node->as_bool ? (double)holds : kept;
    return holds || node->as_bool;
}

static bool drops_name(const struct promql_node *node)
{
    return !is_comparison(node->operation) || node->as_bool;
}

static enum err with_scalar(const struct promql_node *node, struct promql_world *world,
                            const struct promql_value *left, const struct promql_value *right,
                            struct promql_value *out)
{
    const struct promql_value *vector = left->is_scalar ? right : left;
    for (size_t i = 0; i < vector->count; i++) {
        const struct promql_element *element = &vector->element[i];
        double a = left->is_scalar ? left->scalar : element->value;
        double b = right->is_scalar ? right->scalar : element->value;
        double value;
        if (apply(node, a, b, element->value, &value)) {
            int set = element->labels;
            promql_add(out, drops_name(node) ? promql_nameless(world, set) : set, value,
                       element->t_ms);
        }
    }
    return promql_check_unique(world, out);
}

static int signature(const struct promql_node *node, const struct promql_world *world, int set)
{
    const struct promql_words *names = &node->names;
    return node->on ? labels_keep(world->labels, set, names->word, names->count)
                    : labels_drop(world->labels, set, names->word, names->count);
}

static int *signatures(const struct promql_node *node, const struct promql_world *world,
                       const struct promql_value *value)
{
    int *list = mem_array(value->count + 1, sizeof *list);
    for (size_t i = 0; i < value->count; i++) {
        list[i] = signature(node, world, value->element[i].labels);
    }
    return list;
}

/* Index of `wanted` in the list, or count. */
static size_t find(const int *list, size_t count, int wanted)
{
    size_t i = 0;
    while (i < count && list[i] != wanted) {
        i++;
    }
    return i;
}

/* and, unless, or. */
static void combine_sets(const struct promql_node *node, const struct promql_world *world,
                         const struct promql_value *left, const struct promql_value *right,
                         struct promql_value *out)
{
    int *of_left = signatures(node, world, left);
    int *of_right = signatures(node, world, right);
    for (size_t i = 0; i < left->count; i++) {
        bool there = find(of_right, right->count, of_left[i]) < right->count;
        if (node->operation == PROMQL_OR || there == (node->operation == PROMQL_AND)) {
            const struct promql_element *element = &left->element[i];
            promql_add(out, element->labels, element->value, element->t_ms);
        }
    }
    for (size_t i = 0; node->operation == PROMQL_OR && i < right->count; i++) {
        if (find(of_left, left->count, of_right[i]) == left->count) {
            const struct promql_element *element = &right->element[i];
            promql_add(out, element->labels, element->value, element->t_ms);
        }
    }
    mem_free(of_left);
    mem_free(of_right);
}

struct matching {
    const struct promql_node *node;
    struct promql_world *world;
    const struct promql_value *many, *one; /* left and right, or the other way with group_right */
    int *of_many, *of_one;
    int *taken; /* signatures of one-to-one, label sets of the result with grouping */
    size_t taken_count;
};

static int result_labels(const struct matching *matching, int many, int one)
{
    const struct promql_node *node = matching->node;
    struct labels *labels = matching->world->labels;
    int set = drops_name(node) ? promql_nameless(matching->world, many) : many;
    if (node->side == PROMQL_ONE_TO_ONE) {
        size_t count = node->names.count - !node->on; /* __name__ is decided above */
        return node->on ? labels_keep(labels, set, node->names.word, count)
                        : labels_drop(labels, set, node->names.word, count);
    }
    for (size_t i = 0; i < node->include.count; i++) {
        int name = node->include.word[i];
        struct label pair = {name, labels_value(labels, one, name)};
        set = labels_with(labels, set, &pair, 1);
    }
    return set;
}

static enum err match_element(struct matching *matching, size_t index, struct promql_value *out)
{
    const struct promql_node *node = matching->node;
    const struct promql_element *many = &matching->many->element[index];
    size_t found = find(matching->of_one, matching->one->count, matching->of_many[index]);
    double value;
    if (found == matching->one->count) {
        return ERR_OK;
    }
    const struct promql_element *one = &matching->one->element[found];
    bool swapped = node->side == PROMQL_GROUP_RIGHT;
    double left = swapped ? one->value : many->value;
    double right = swapped ? many->value : one->value;
    if (!apply(node, left, right, left, &value)) {
        return ERR_OK;
    }
    int set = result_labels(matching, many->labels, one->labels);
    int claim = node->side == PROMQL_ONE_TO_ONE ? matching->of_many[index] : set;
    if (find(matching->taken, matching->taken_count, claim) < matching->taken_count) {
        return error_set(matching->world->error, ERR_INPUT, NULL, 0,
                         node->side == PROMQL_ONE_TO_ONE
                             ? "multiple matches for labels: many-to-one matching must be explicit "
                               "(group_left/group_right)"
                             : "multiple matches for labels: grouping labels must ensure unique "
                               "matches");
    }
    matching->taken[matching->taken_count++] = claim;
    promql_add(out, set, value, many->t_ms);
    return ERR_OK;
}

static enum err match_all(struct matching *matching, struct promql_value *out)
{
    enum err code = ERR_OK;
    for (size_t i = 0; i < matching->one->count; i++) {
        if (find(matching->of_one, i, matching->of_one[i]) < i) {
            return error_set(matching->world->error, ERR_INPUT, NULL, 0,
                             "found duplicate series for a match group on the %s side: "
                             "many-to-many matching not allowed",
                             matching->node->side == PROMQL_GROUP_RIGHT ? "left" : "right");
        }
    }
    for (size_t i = 0; code == ERR_OK && i < matching->many->count; i++) {
        code = match_element(matching, i, out);
    }
    return code;
}

static enum err match_vectors(const struct promql_node *node, struct promql_world *world,
                              const struct promql_value *left, const struct promql_value *right,
                              struct promql_value *out)
{
    bool swapped = node->side == PROMQL_GROUP_RIGHT;
    struct matching matching = {.node = node,
                                .world = world,
                                .many = swapped ? right : left,
                                .one = swapped ? left : right};
    if (left->count == 0 || right->count == 0) {
        return ERR_OK;
    }
    matching.of_many = signatures(node, world, matching.many);
    matching.of_one = signatures(node, world, matching.one);
    matching.taken = mem_array(matching.many->count, sizeof *matching.taken);
    enum err code = match_all(&matching, out);
    mem_free(matching.of_many);
    mem_free(matching.of_one);
    mem_free(matching.taken);
    return code;
}

static enum err combine(const struct promql_node *node, struct promql_world *world,
                        const struct promql_value *left, const struct promql_value *right,
                        struct promql_value *out)
{
    if (left->is_scalar && right->is_scalar) {
        out->is_scalar = true;
        if (!apply(node, left->scalar, right->scalar, 0, &out->scalar)) {
            out->scalar = 0;
        }
        return ERR_OK;
    }
    if (left->is_scalar || right->is_scalar) {
        return with_scalar(node, world, left, right, out);
    }
    if (node->operation <= PROMQL_UNLESS) {
        combine_sets(node, world, left, right, out);
        return ERR_OK;
    }
    return match_vectors(node, world, left, right, out);
}

enum err promql_eval_binary(struct promql_node *node, struct promql_world *world,
                            struct promql_value *out)
{
    struct promql_value left = {0}, right = {0};
    enum err code = promql_eval(node->argument[0], world, &left);
    if (code == ERR_OK) {
        code = promql_eval(node->argument[1], world, &right);
    }
    if (code == ERR_OK) {
        code = combine(node, world, &left, &right, out);
    }
    promql_value_deinit(&left);
    promql_value_deinit(&right);
    return code;
}
