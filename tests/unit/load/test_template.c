#include "load/template.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(rows) (sizeof(rows) / sizeof(rows)[0])

static struct template_rules rules_of(bool text, const char *prefix, enum template_time form)
{
    struct template_rules rules = {.time = form, .list_length = 10};
    rules.user.text = rules.film.text = text;
    (void)snprintf(rules.user.prefix, sizeof rules.user.prefix, "%s", prefix);
    for (int i = 0; i < TEMPLATE_HALF_STARS; i++) {
        (void)snprintf(rules.rating[i], sizeof rules.rating[i], i < 9 ? "%.1f" : "\"top/%.0f\"",
                       0.5 * (i + 1));
    }
    return rules;
}

/* What is written, in memory of exactly the size promised; "!" and the reason if it is refused. */
static void write_text(const char *text, enum template_place place,
                       const struct template_rules *rules, const struct template_values *values,
                       char *out, size_t size)
{
    struct template *template = NULL;
    struct error error = {0};
    if (template_new(text, place, rules, &template, &error) != ERR_OK) {
        cr_expect_null(template);
        (void)snprintf(out, size, "!%s", error.text);
        return;
    }
    size_t most = template_max_bytes(template);
    char *exact = malloc(most + 1);
    cr_assert_not_null(exact);
    exact[most] = '#';
    size_t len = template_write(template, values, exact);
    cr_expect_leq(len, most, "%s", text);
    cr_expect_eq(exact[most], '#', "%s", text);
    (void)snprintf(out, size, "%.*s", (int)len, exact);
    free(exact);
    template_free(template);
}

Test(template, holes_are_written_as_their_place_wants_them)
{
    static const struct {
        const char *text;
        enum template_place place;
        bool string;
        const char *prefix, *written;
    } rows[] = {
        {"", TEMPLATE_JSON, false, "", ""},
        {"plain {} { \"a\": {\"b\": 1} }", TEMPLATE_PLAIN, false, "",
         "plain {} { \"a\": {\"b\": 1} }"},
        {"/u/{user}?n={n}&f={film}", TEMPLATE_URL, false, "", "/u/42?n=10&f=318"},
        {"/u/{user}", TEMPLATE_URL, true, "a/b u", "/u/a%2Fb%20u42"},
        {"{\"u\":{user},\"f\":{film}}", TEMPLATE_JSON, false, "", "{\"u\":42,\"f\":318}"},
        {"{\"u\":{user},\"f\":{film}}", TEMPLATE_JSON, true, "u", "{\"u\":\"u42\",\"f\":\"318\"}"},
        {"{\"u\":\"x{user}y\"}", TEMPLATE_JSON, true, "u", "{\"u\":\"xu42y\"}"},
        {"{\"u\":\"\\\"{user}\\\\\",\"n\":{n}}", TEMPLATE_JSON, true, "",
         "{\"u\":\"\\\"42\\\\\",\"n\":10}"},
        {"{rating}|{rank}|{n}", TEMPLATE_JSON, false, "", "4.5|3|10"},
        {"{request_id}", TEMPLATE_JSON, false, "", "\"a\\\"b/\\u00e9\""},
        {"\"{request_id}\"", TEMPLATE_JSON, false, "", "\"a\\\"b/\\u00e9\""},
        {"/{request_id}", TEMPLATE_URL, false, "", "/a%22b%2F%C3%A9"},
        {"{token}", TEMPLATE_JSON, false, "", "\"2a-7-3-174876e8ff\""},
        {"{timestamp}", TEMPLATE_JSON, false, "", "1600000000"},
        {"\"{timestamp}\"", TEMPLATE_JSON, false, "", "\"1600000000\""},
        {"{folder}", TEMPLATE_JSON, false, "", "\"/a \\\"b\\\"\\u0001\""},
        {"x={folder}", TEMPLATE_URL, false, "", "x=%2Fa%20%22b%22%01"},
        {"x={folder}", TEMPLATE_PLAIN, false, "", "x=/a \"b\"\001"},
    };
    struct template_values values = {.user_id = 42,
                                     .film_id = 318,
                                     .half_stars = 9,
                                     .rank = 3,
                                     .unix_ns = INT64_C(1600000000123456789),
                                     .sequence = 7,
                                     .attempt = 3,
                                     .request_id = "a\\\"b/\\u00e9",
                                     .folder = "/a \"b\"\001"};
    char token[64];
    (void)snprintf(token, sizeof token, "\"2a-7-3-%llx\"",
                   (unsigned long long)(values.unix_ns / 1000000));
    for (size_t i = 0; i < COUNT(rows); i++) {
        char out[256];
        struct template_rules rules = rules_of(rows[i].string, rows[i].prefix, TEMPLATE_UNIX);
        write_text(rows[i].text, rows[i].place, &rules, &values, out, sizeof out);
        bool is_token = strcmp(rows[i].text, "{token}") == 0;
        cr_expect_str_eq(out, is_token ? token : rows[i].written, "row %zu: %s", i, out);
    }
}

Test(template, ratings_are_values_and_bare_inside_strings_and_addresses)
{
    static const struct {
        const char *text;
        enum template_place place;
        const char *written;
    } rows[] = {
        {"{rating}", TEMPLATE_JSON, "\"top/5\""},
        {"\"{rating}\"", TEMPLATE_JSON, "\"top/5\""},
        {"r={rating}", TEMPLATE_URL, "r=top%2F5"},
        {"{rating}", TEMPLATE_PLAIN, "top/5"},
    };
    struct template_rules rules = rules_of(false, "", TEMPLATE_NO_TIME);
    struct template_values values = {.half_stars = 10};
    for (size_t i = 0; i < COUNT(rows); i++) {
        char out[64];
        write_text(rows[i].text, rows[i].place, &rules, &values, out, sizeof out);
        cr_expect_str_eq(out, rows[i].written, "row %zu", i);
    }
}

Test(template, sections_are_left_out_without_what_they_ask_for)
{
    static const struct {
        const char *text, *both, *neither;
    } rows[] = {
        {"a{?request_id}-{request_id}{/}b", "a-idb", "ab"},
        {"{?request_id}x{/}{?rank}{rank}{/}", "x2", ""},
        {"a{?rank}b{/}c{?request_id}d{/}e", "abcde", "ace"},
        {"{?request_id}{/}", "", ""},
        {"[1{?rank},{rank}{/}]", "[1,2]", "[1]"},
    };
    struct template_rules rules = rules_of(false, "", TEMPLATE_NO_TIME);
    struct template_values with = {.request_id = "id", .rank = 2};
    struct template_values empty = {.request_id = ""}, without = {.request_id = NULL};
    for (size_t i = 0; i < COUNT(rows); i++) {
        char out[64];
        write_text(rows[i].text, TEMPLATE_PLAIN, &rules, &with, out, sizeof out);
        cr_expect_str_eq(out, rows[i].both, "row %zu", i);
        write_text(rows[i].text, TEMPLATE_PLAIN, &rules, &empty, out, sizeof out);
        cr_expect_str_eq(out, rows[i].neither, "row %zu", i);
        write_text(rows[i].text, TEMPLATE_PLAIN, &rules, &without, out, sizeof out);
        cr_expect_str_eq(out, rows[i].neither, "row %zu", i);
    }
}

Test(template, times_are_written_in_every_form)
{
    static const struct {
        int64_t unix_ms;
        enum template_time form;
        const char *written;
    } rows[] = {
        {1600000000123, TEMPLATE_UNIX, "1600000000"},
        {1600000000123, TEMPLATE_UNIX_MS, "1600000000123"},
        {1600000000123, TEMPLATE_ISO8601, "\"2020-09-13T12:26:40.123Z\""},
        {0, TEMPLATE_ISO8601, "\"1970-01-01T00:00:00.000Z\""},
        {951782399999, TEMPLATE_ISO8601, "\"2000-02-28T23:59:59.999Z\""},
        {951782400000, TEMPLATE_ISO8601, "\"2000-02-29T00:00:00.000Z\""},
        {951868800000, TEMPLATE_ISO8601, "\"2000-03-01T00:00:00.000Z\""},
        {1709164800000, TEMPLATE_ISO8601, "\"2024-02-29T00:00:00.000Z\""},
        {4107542400000, TEMPLATE_ISO8601, "\"2100-03-01T00:00:00.000Z\""},
        {1735689599000, TEMPLATE_ISO8601, "\"2024-12-31T23:59:59.000Z\""},
        {INT64_C(9223372036854), TEMPLATE_ISO8601, "\"2262-04-11T23:47:16.854Z\""},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        char out[64];
        struct template_rules rules = rules_of(false, "", rows[i].form);
        struct template_values values = {.unix_ns = rows[i].unix_ms * 1000000};
        write_text("{timestamp}", TEMPLATE_JSON, &rules, &values, out, sizeof out);
        cr_expect_str_eq(out, rows[i].written, "row %zu", i);
    }
}

Test(template, largest_values_stay_within_what_was_promised)
{
    static const char all[] = "{user}{film}{rating}{n}{timestamp}{request_id}{token}{rank}{folder}";
    char id[TEMPLATE_REQUEST_ID_MAX + 1], folder[TEMPLATE_FOLDER_MAX + 1];
    memset(id, '%', sizeof id - 1);
    memset(folder, '\002', sizeof folder - 1);
    id[sizeof id - 1] = folder[sizeof folder - 1] = '\0';
    struct template_values values = {.user_id = INT32_MIN,
                                     .film_id = INT32_MIN,
                                     .half_stars = 10,
                                     .rank = INT32_MIN,
                                     .unix_ns = INT64_MAX,
                                     .sequence = UINT64_MAX,
                                     .attempt = UINT32_MAX,
                                     .request_id = id,
                                     .folder = folder};
    for (int place = TEMPLATE_URL; place <= TEMPLATE_PLAIN; place++) {
        for (int form = TEMPLATE_UNIX; form <= TEMPLATE_ISO8601; form++) {
            char out[16384];
            struct template_rules rules = rules_of(true, "prefix", (enum template_time)form);
            write_text(all, (enum template_place)place, &rules, &values, out, sizeof out);
            cr_expect_neq(out[0], '!', "%s", out);
        }
    }
}

Test(template, texts_that_cannot_be_are_refused)
{
    static const struct {
        const char *text, *why;
    } rows[] = {
        {"{usr}", "unknown hole {usr}"},
        {"{user}{/}", "{/} without a section"},
        {"{?request_id}x", "a section without {/}"},
        {"{?request_id}{?rank}{/}{/}", "a section inside another"},
        {"{?film}x{/}", "only {?request_id} and {?rank}"},
        {"\"{?rank}\"{/}", "begins inside a string"},
        {"\"open {user}", "a string without an end"},
        {"{timestamp}", "no form of it is given"},
        {"{/each}", "unknown end of a section"},
    };
    struct template_rules rules = rules_of(false, "", TEMPLATE_NO_TIME);
    struct template_values values = {0};
    for (size_t i = 0; i < COUNT(rows); i++) {
        char out[600];
        write_text(rows[i].text, TEMPLATE_JSON, &rules, &values, out, sizeof out);
        cr_expect(out[0] == '!' && strstr(out, rows[i].why) != NULL, "%s: %s", rows[i].text, out);
    }
    char many[1024] = "";
    for (int i = 0; i < 100; i++) {
        (void)snprintf(many + strlen(many), sizeof many - strlen(many), "{user} ");
    }
    char out[2048];
    write_text(many, TEMPLATE_PLAIN, &rules, &values, out, sizeof out);
    cr_expect(strstr(out, "more holes than there is room for") != NULL, "%s", out);
}

Test(template, tells_which_holes_it_has)
{
    struct template *template = NULL;
    struct template_rules rules = rules_of(false, "", TEMPLATE_UNIX);
    cr_assert_eq(template_new("{user}{?rank}{rank}{/}", TEMPLATE_PLAIN, &rules, &template, NULL),
                 ERR_OK);
    for (int hole = 0; hole < TEMPLATE_HOLES; hole++) {
        cr_expect_eq(template_has(template, (enum template_hole)hole),
                     hole == TEMPLATE_USER || hole == TEMPLATE_RANK, "%s",
                     template_hole_name((enum template_hole)hole));
    }
    template_free(template);
}
