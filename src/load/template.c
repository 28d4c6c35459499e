/*
 * A template is compiled into a list of small operations. Whatever is the same in every request
 * (prefixes, quotes, the number of films asked for) melts into the literal texts between the holes,
 * and the ten ratings there are become a table; what is left to write are whole numbers and ids.
 * The longest text a template can make is known beforehand, so that writing has no bounds to check
 * and cannot fail.
 *
 * In JSON the compiler follows the quotes of the literal text to know whether a hole stands inside
 * a string. A section that is left out must begin and end on the same side of them.
 */
#include "load/template_int.h"

#include "base/buf.h"
#include "base/mem.h"

#include <string.h>

static const char *const hole_names[TEMPLATE_HOLES] = {
    [TEMPLATE_USER] = "user",           [TEMPLATE_FILM] = "film",
    [TEMPLATE_RATING] = "rating",       [TEMPLATE_N] = "n",
    [TEMPLATE_TIMESTAMP] = "timestamp", [TEMPLATE_REQUEST_ID] = "request_id",
    [TEMPLATE_TOKEN] = "token",         [TEMPLATE_RANK] = "rank",
    [TEMPLATE_FOLDER] = "folder",
};

const char *template_hole_name(enum template_hole hole)
{
    return hole_names[hole];
}

struct compiler {
    struct template *template;
    const struct template_rules *rules;
    const char *at;
    struct buf text;
    bool in_string, escaped; /* in JSON: where the literal text stands */
    bool joins;              /* literal text may be added to the last operation */
    int section;             /* index of the operation of the open section, -1 = none */
    bool section_in_string;
    struct error *error;
};

static bool refuse(struct compiler *compiler, const char *why)
{
    error_set(compiler->error, ERR_INPUT, NULL, 0, "%s", why);
    return false;
}

static bool add_op(struct compiler *compiler, enum op_kind kind, size_t bytes)
{
    struct template *template = compiler->template;
    if (template->ops == OPS_MAX) {
        return refuse(compiler, "more holes than there is room for");
    }
    template->op[template->ops++] = (struct op){.kind = kind, .quoted = !compiler->in_string};
    template->max_bytes += bytes;
    compiler->joins = false;
    return true;
}

static bool add_text(struct compiler *compiler, const char *bytes, size_t len)
{
    struct template *template = compiler->template;
    uint32_t start = (uint32_t)compiler->text.len;
    if (len == 0) {
        return true;
    }
    if (!buf_add(&compiler->text, bytes, len)) {
        return refuse(compiler, "longer than there is room for");
    }
    if (compiler->joins) {
        template->op[template->ops - 1].length += (uint32_t)len;
        template->max_bytes += len;
        return true;
    }
    if (!add_op(compiler, OP_TEXT, len)) {
        return false;
    }
    template->op[template->ops - 1].start = start;
    template->op[template->ops - 1].length = (uint32_t)len;
    compiler->joins = true;
    return true;
}

static bool outside_string(const struct compiler *compiler)
{
    return compiler->template->place == TEMPLATE_JSON && !compiler->in_string;
}

/* A hole that is text: outside of a JSON string it brings its own quotes. */
static bool add_quoted(struct compiler *compiler, enum op_kind kind, size_t bytes)
{
    bool quotes = outside_string(compiler);
    return (!quotes || add_text(compiler, "\"", 1)) && add_op(compiler, kind, bytes) &&
           (!quotes || add_text(compiler, "\"", 1));
}

static bool add_id(struct compiler *compiler, enum op_kind kind, const struct template_ids *ids)
{
    char prefix[3 * sizeof ids->prefix], *end = prefix;
    bool quotes = ids->text && outside_string(compiler);
    for (const char *byte = ids->prefix; *byte != '\0'; byte++) {
        if (compiler->template->place == TEMPLATE_URL) {
            end = template_put_percent(end, *byte);
        } else {
            *end++ = *byte;
        }
    }
    return (!quotes || add_text(compiler, "\"", 1)) &&
           add_text(compiler, prefix, (size_t)(end - prefix)) &&
           add_op(compiler, kind, INT_BYTES) && (!quotes || add_text(compiler, "\"", 1));
}

static bool add_time(struct compiler *compiler)
{
    switch (compiler->rules->time) {
    case TEMPLATE_UNIX:
        return add_op(compiler, OP_UNIX, TIME_BYTES);
    case TEMPLATE_UNIX_MS:
        return add_op(compiler, OP_UNIX_MS, TIME_BYTES);
    case TEMPLATE_ISO8601:
        return add_quoted(compiler, OP_ISO8601, TIME_BYTES);
    case TEMPLATE_NO_TIME:
        break;
    }
    return refuse(compiler, "{timestamp}, but no form of it is given ('timestamp')");
}

static bool add_request_id(struct compiler *compiler)
{
    if (compiler->template->place == TEMPLATE_URL) {
        return add_op(compiler, OP_ID_PERCENT, 3 * (size_t)TEMPLATE_REQUEST_ID_MAX);
    }
    return compiler->rules->request_id_number
               ? add_op(compiler, OP_ID_SPELLED, TEMPLATE_REQUEST_ID_MAX)
               : add_quoted(compiler, OP_ID_SPELLED, TEMPLATE_REQUEST_ID_MAX);
}

static bool add_list_length(struct compiler *compiler)
{
    char digits[INT_BYTES];
    char *end = template_put_int(digits, compiler->rules->list_length);
    return add_text(compiler, digits, (size_t)(end - digits));
}

static bool add_hole(struct compiler *compiler, enum template_hole hole)
{
    compiler->template->has[hole] = true;
    switch (hole) {
    case TEMPLATE_USER:
        return add_id(compiler, OP_USER, &compiler->rules->user);
    case TEMPLATE_FILM:
        return add_id(compiler, OP_FILM, &compiler->rules->film);
    case TEMPLATE_RATING:
        return add_op(compiler, OP_RATING, 3 * (size_t)TEMPLATE_RATING_BYTES);
    case TEMPLATE_N:
        return add_list_length(compiler);
    case TEMPLATE_TIMESTAMP:
        return add_time(compiler);
    case TEMPLATE_REQUEST_ID:
        return add_request_id(compiler);
    case TEMPLATE_TOKEN:
        return add_quoted(compiler, OP_TOKEN, TOKEN_BYTES);
    case TEMPLATE_RANK:
        return add_op(compiler, OP_RANK, INT_BYTES);
    case TEMPLATE_FOLDER:
        return add_quoted(compiler, OP_FOLDER, 6 * (size_t)TEMPLATE_FOLDER_MAX);
    case TEMPLATE_HOLES:
        break;
    }
    return false;
}

static bool open_section(struct compiler *compiler, const char *name, size_t len)
{
    bool id = len == 10 && memcmp(name, "request_id", len) == 0;
    if (!id && !(len == 4 && memcmp(name, "rank", len) == 0)) {
        return refuse(compiler, "only {?request_id} and {?rank} can be asked for");
    }
    if (compiler->section >= 0) {
        return refuse(compiler, "a section inside another");
    }
    if (!add_op(compiler, id ? OP_IF_ID : OP_IF_RANK, 0)) {
        return false;
    }
    compiler->section = compiler->template->ops - 1;
    compiler->section_in_string = compiler->in_string;
    return true;
}

static bool close_section(struct compiler *compiler)
{
    struct template *template = compiler->template;
    if (compiler->section < 0) {
        return refuse(compiler, "{/} without a section before it");
    }
    if (compiler->in_string != compiler->section_in_string) {
        return refuse(compiler, "a section that begins inside a string and ends outside, or the "
                                "other way round");
    }
    template->op[compiler->section].length = (uint32_t)(template->ops - 1 - compiler->section);
    compiler->section = -1;
    compiler->joins = false;
    return true;
}

/* Length of the word in braces at `text`, braces included; 0 if there is none. */
static size_t braced(const char *text)
{
    size_t len = 1;
    if (text[len] == '?' || text[len] == '/') {
        len++;
    }
    size_t word = len;
    while ((text[len] >= 'a' && text[len] <= 'z') || text[len] == '_') {
        len++;
    }
    return text[len] == '}' && (len > word || text[1] == '/') ? len + 1 : 0;
}

static bool compile_brace(struct compiler *compiler, size_t len)
{
    const char *name = compiler->at + 1;
    size_t name_len = len - 2;
    compiler->at += len;
    if (name[0] == '?') {
        return open_section(compiler, name + 1, name_len - 1);
    }
    if (name[0] == '/') {
        return name_len == 1 ? close_section(compiler)
                             : refuse(compiler, "unknown end of a section");
    }
    for (int hole = 0; hole < TEMPLATE_HOLES; hole++) {
        if (strlen(hole_names[hole]) == name_len && memcmp(hole_names[hole], name, name_len) == 0) {
            return add_hole(compiler, (enum template_hole)hole);
        }
    }
    error_set(compiler->error, ERR_INPUT, NULL, 0,
              "unknown hole {%.*s}; there are user, film, rating, n, timestamp, request_id, token, "
              "rank and folder",
              (int)name_len, name);
    return false;
}

static void follow_quotes(struct compiler *compiler, char byte)
{
    if (compiler->template->place != TEMPLATE_JSON) {
        return;
    }
    if (compiler->escaped) {
        compiler->escaped = false;
    } else if (compiler->in_string && byte == '\\') {
        compiler->escaped = true;
    } else if (byte == '"') {
        compiler->in_string = !compiler->in_string;
    }
}

static bool compile(struct compiler *compiler)
{
    while (*compiler->at != '\0') {
        size_t len = *compiler->at == '{' ? braced(compiler->at) : 0;
        if (len > 0) {
            if (!compile_brace(compiler, len)) {
                return false;
            }
            continue;
        }
        follow_quotes(compiler, *compiler->at);
        if (!add_text(compiler, compiler->at++, 1)) {
            return false;
        }
    }
    if (compiler->in_string) {
        return refuse(compiler, "a string without an end");
    }
    return compiler->section < 0 || refuse(compiler, "a section without {/} at its end");
}

static struct rating_text rating_text(const char *text, size_t len, enum template_place place)
{
    struct rating_text out = {.len = 0};
    char *end = out.bytes;
    for (size_t i = 0; i < len; i++) {
        if (place == TEMPLATE_URL) {
            end = template_put_percent(end, text[i]);
        } else {
            *end++ = text[i];
        }
    }
    out.len = (size_t)(end - out.bytes);
    return out;
}

static void compile_ratings(struct template *template, const struct template_rules *rules)
{
    for (int i = 0; i < TEMPLATE_HALF_STARS; i++) {
        const char *value = rules->rating[i];
        size_t len = strlen(value);
        bool string = len >= 2 && value[0] == '"';
        struct rating_text bare =
            rating_text(value + string, string ? len - 2 : len, template->place);
        template->rating[i][false] = bare;
        template->rating[i][true] =
            template->place == TEMPLATE_JSON ? rating_text(value, len, TEMPLATE_JSON) : bare;
    }
}

enum err template_new(const char *text, enum template_place place,
                      const struct template_rules *rules, struct template **out,
                      struct error *error)
{
    struct compiler compiler = {.template = mem_zalloc(1, sizeof *compiler.template),
                                .rules = rules,
                                .at = text,
                                .section = -1,
                                .error = error};
    compiler.template->place = place;
    buf_init(&compiler.text, TEXT_MAX_BYTES);
    compile_ratings(compiler.template, rules);
    bool good = compile(&compiler);
    compiler.template->text = buf_take(&compiler.text);
    buf_deinit(&compiler.text);
    if (!good) {
        template_free(compiler.template);
        *out = NULL;
        return ERR_INPUT;
    }
    *out = compiler.template;
    return ERR_OK;
}

void template_free(struct template *template)
{
    if (template != NULL) {
        mem_free(template->text);
        mem_free(template);
    }
}

bool template_has(const struct template *template, enum template_hole hole)
{
    return template->has[hole];
}

size_t template_max_bytes(const struct template *template)
{
    return template->max_bytes;
}
