#include "load/pick.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(rows) (sizeof(rows) / sizeof(rows)[0])

static struct pick *compile(const struct pick_plan *plan)
{
    struct pick *pick = NULL;
    struct error error = {0};
    cr_assert_eq(pick_new(plan, &pick, &error), ERR_OK, "%s", error.text);
    return pick;
}

static void add_text(char *out, size_t size, const char *mark, const struct scan_text *text)
{
    if (text->bytes != NULL) {
        size_t used = strlen(out);
        (void)snprintf(out + used, size - used, "%s%.*s", mark, (int)text->len, text->bytes);
    }
}

/* What was picked as one line: `id=score@source ... #request id`, or `byte N: problem`. Nothing
 * lies behind the NUL of the answer. */
static void pick_line(const struct pick *pick, const char *text, char *out, size_t size)
{
    struct pick_answer answer = {.request_id_max = 12};
    size_t len = strlen(text);
    char *exact = malloc(len + 1);
    cr_assert_not_null(exact);
    memcpy(exact, text, len + 1);
    out[0] = '\0';
    if (!pick_read(pick, exact, len, &answer)) {
        cr_expect_eq(answer.count, 0);
        (void)snprintf(out, size, "byte %zu: %s", answer.offset, answer.problem);
        free(exact);
        return;
    }
    for (int32_t i = 0; i < answer.count; i++) {
        size_t used = strlen(out);
        (void)snprintf(out + used, size - used, "%s%d", i > 0 ? " " : "", answer.film_id[i]);
        add_text(out, size, "=", &answer.score[i]);
        add_text(out, size, "@", &answer.source[i]);
    }
    add_text(out, size, " #", &answer.request_id);
    free(exact);
}

Test(pick, lists_of_many_shapes_are_read)
{
    static const struct {
        const char *name;
        struct pick_plan plan;
        const char *text, *line;
    } rows[] = {
        {"an array of numbers", {.films = "", .film = ""}, " [3, 1 ,2]\n", "3 1 2"},
        {"an array of texts",
         {.films = "", .film = "", .film_text = true},
         "[\"3\",\"x\",\"07\",\"\",\"4\\u0031\",\"2147483647\",\"2147483648\"]",
         "3 0 0 0 41 2147483647 0"},
        {"a prefix",
         {.films = "", .film = "", .film_text = true, .film_prefix = "m"},
         "[\"m3\",\"3\",\"m\",\"\\u006d7\",\"m-1\",\"mm1\"]",
         "3 0 0 7 0 0"},
        {"objects with score",
         {.films = "", .film = "/Id", .film_text = true, .score = "/Score"},
         "[{\"Id\":\"5\",\"Score\":1.5e-1},{\"Score\":\"no\",\"Id\":\"6\"},{\"Id\":\"7\"}]",
         "5=1.5e-1 6 7"},
        {"deep",
         {.films = "/data/items",
          .film = "/film/id",
          .request_id = "/meta/trace/id",
          .source = "/film/why/0"},
         "{\"meta\":{\"trace\":{\"id\":\"q\"},\"data\":{\"items\":[1]}},\"data\":{\"n\":1,"
         "\"items\":["
         "{\"film\":{\"why\":[\"a\",\"b\"],\"id\":1}},{\"x\":{\"id\":9},\"film\":{\"id\":2}}]}}",
         "1@a 2 #q"},
        {"pairs",
         {.films = "/r", .film = "/0", .score = "/1"},
         "{\"r\":[[1,0.5],[2,0.25,true],[3]]}",
         "1=0.5 2=0.25 3"},
        {"arrays beside each other",
         {.films = "/predictions/0/ids",
          .film = "",
          .scores = "/predictions/0/scores",
          .sources = "/why"},
         "{\"why\":[\"a\",null,\"c\",\"d\"],\"predictions\":[{\"scores\":[9,8],\"ids\":[1,2,3]},"
         "{\"ids\":[7]}]}",
         "1=9@a 2=8 3@c"},
        {"beside, of another type",
         {.films = "/ids", .film = "", .scores = "/scores"},
         "{\"ids\":[1,2],\"scores\":{\"a\":[1]}}",
         "1 2"},
        {"digits that are a key", {.films = "/0", .film = ""}, "{\"1\":[9],\"0\":[1]}", "1"},
        {"the same digits as a place", {.films = "/0", .film = ""}, "[[1,2],[3]]", "1 2"},
        {"tilde and slash in keys",
         {.films = "/a~1b/c~0d", .film = ""},
         "{\"a\":{\"b\":[9]},\"a/b\":{\"c~d\":[4]}}",
         "4"},
        {"keys with escapes",
         {.films = "/items", .film = "/id"},
         "{\"\\u0069tems\":[{\"i\\u0064\":3}]}",
         "3"},
        {"an id that is a number",
         {.films = "/l", .film = "", .request_id = "/id", .request_id_number = true},
         "{\"id\":-12.5,\"l\":[]}",
         " #-12.5"},
        {"null for an id",
         {.films = "/l", .film = "", .request_id = "/id"},
         "{\"id\":null,\"l\":[1]}",
         "1"},
        {"cut", {.films = "", .film = "", .cut = 2}, "[1,2,{\"any\":[3]}]", "1 2"},
        {"long numbers",
         {.films = "", .film = ""},
         "[0,-0,-5,2147483647,2147483648,999999999999999999,1234567890123456789,"
         "-99999999999999999999999]",
         "0 0 0 2147483647 0 0 0 0"},
        {"blanks everywhere",
         {.films = "/l", .film = "/i"},
         "\t{ \"a\" : [ ] , \"l\" : [ { \"i\" : 1 } , { \"b\" : { } , \"i\" : 2 } ] } \r\n",
         "1 2"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        char line[512];
        struct pick *pick = compile(&rows[i].plan);
        pick_line(pick, rows[i].text, line, sizeof line);
        cr_expect_str_eq(line, rows[i].line, "%s: %s", rows[i].name, line);
        pick_free(pick);
    }
}

Test(pick, answers_that_are_no_list_are_told_apart)
{
    static const struct {
        struct pick_plan plan;
        const char *text, *line;
    } rows[] = {
        {{.films = "", .film = ""}, "", "byte 0: expected an array"},
        {{.films = "", .film = ""}, "{}", "byte 0: expected an array"},
        {{.films = "", .film = ""}, "[1.0]", "byte 1: expected a whole number"},
        {{.films = "", .film = ""}, "[\"1\"]", "byte 1: expected a whole number"},
        {{.films = "", .film = ""}, "[-]", "byte 2: expected a value"},
        {{.films = "", .film = ""}, "[-", "byte 2: expected a value"},
        {{.films = "", .film = ""}, "[1e2]", "byte 1: expected a whole number"},
        {{.films = "", .film = ""}, "[01]", "byte 2: expected ',' or ']'"},
        {{.films = "", .film = ""}, "[1] []", "byte 4: something after the end"},
        {{.films = "", .film = "", .film_text = true}, "[1]", "byte 1: expected a string"},
        {{.films = "/a/b", .film = ""}, "{\"a\":{}}", "byte 8: no a/b"},
        {{.films = "/a/b", .film = ""}, "{\"a\":null}", "byte 10: no a/b"},
        {{.films = "/a/b", .film = ""}, "[]", "byte 0: expected an object"},
        {{.films = "/0/b", .film = ""}, "7", "byte 0: expected an array"},
        {{.films = "/0/b", .film = ""}, "[]", "byte 2: no 0/b"},
        {{.films = "", .film = "/x/y"}, "[{\"x\":1}]", "byte 8: a recommendation without x/y"},
        {{.films = "", .film = "/x"}, "[[1]]", "byte 1: expected an object"},
        {{.films = "", .film = "/1"}, "[{\"a\":1}]", "byte 8: a recommendation without 1"},
        {{.films = "/a", .film = "", .scores = "/b"},
         "{\"a\":[1],\"b\":[1],\"b\":[2]}",
         "byte 21: b twice"},
        {{.films = "/a/b", .film = ""}, "{\"a\":{},\"a\":{\"b\":[1]}}", "byte 12: a twice"},
        {{.films = "/a", .film = "", .request_id = "/i", .request_id_number = true},
         "{\"a\":[],\"i\":\"1\"}",
         "byte 12: expected a number"},
        {{.films = "/a", .film = "", .request_id = "/i"},
         "{\"i\":\"1234567890123\",\"a\":[]}",
         "byte 20: i is too long"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        char line[512];
        struct pick *pick = compile(&rows[i].plan);
        pick_line(pick, rows[i].text, line, sizeof line);
        cr_expect_str_eq(line, rows[i].line, "row %zu: %s", i, line);
        pick_free(pick);
    }
}

/* A member nobody reads is held to the same grammar: each of these stands where it is passed over,
 * and where it is read. */
Test(pick, malformed_values_are_noticed_where_nobody_reads)
{
    static const char *const values[] = {
        "tru",     "nul",      "falsey",  "+1",          ".5",     "1.",   "1e",
        "-",       "\"a",      "\"\\x\"", "\"\\u12g4\"", "\"\n\"", "[1,]", "[1 2]",
        "{\"a\"}", "{\"a\":}", "{a:1}",   "{\"a\":1,}",  "[",      "{",    "01",
        "1..2",    "--1",      "[}",      "\"\\u12",     "NaN",    "'a'",  "{\"a\":1 \"b\":2}",
        "\"\\",    "",
    };
    struct pick *pick =
        compile(&(struct pick_plan){.films = "/l", .film = "/i", .source = "/s", .score = "/v"});
    static const struct {
        const char *before, *behind;
    } forms[] = {
        {"{\"l\":[{\"i\":1}],\"x\":", "}"}, {"{\"l\":[{\"i\":1,\"x\":", "}]}"},
        {"{\"l\":[{\"i\":1,\"s\":", "}]}"}, {"{\"l\":[{\"i\":1,\"v\":", "}]}"},
        {"{\"x\":[[", "]],\"l\":[]}"},
    };
    for (size_t f = 0; f < COUNT(forms); f++) {
        for (size_t v = 0; v < COUNT(values); v++) {
            char text[128], line[256];
            (void)snprintf(text, sizeof text, "%s%s%s", forms[f].before, values[v],
                           forms[f].behind);
            pick_line(pick, text, line, sizeof line);
            /* `[]` without a value inside is an array, too. */
            bool sound = f == 4 && values[v][0] == '\0';
            cr_expect_eq(strncmp(line, "byte", 4) != 0, sound, "%s: %s", text, line);
        }
        char text[128], line[256];
        (void)snprintf(text, sizeof text, "%s%s%s", forms[f].before,
                       "{\"a\":[true,null,-0.5E+3,\"\\ud83d\"]}", forms[f].behind);
        pick_line(pick, text, line, sizeof line);
        cr_expect_neq(strncmp(line, "byte", 4), 0, "%s: %s", text, line);
    }
    pick_free(pick);
}

/* Whatever byte of a string is special, at whatever place of a word of eight. */
Test(pick, strings_end_where_they_end_at_every_offset)
{
    struct pick *pick = compile(&(struct pick_plan){.films = "/l", .film = "", .source = NULL});
    for (size_t before = 0; before < 20; before++) {
        for (int byte = 1; byte < 256; byte++) {
            char text[96], line[128], filler[24];
            memset(filler, 'x', sizeof filler);
            (void)snprintf(text, sizeof text, "{\"%.*s%cyyyyyyyyyyyy\":1,\"l\":[5]}", (int)before,
                           filler, byte);
            pick_line(pick, text, line, sizeof line);
            bool bad = byte < 0x20 || byte == '"' || byte == '\\';
            cr_expect_eq(strcmp(line, "5") == 0, !bad, "byte %d behind %zu: %s", byte, before,
                         line);
        }
    }
    pick_free(pick);
}

/* A place whose keys are spelled as in the one before takes a shorter way. */
Test(pick, places_spelled_alike_and_apart_are_read_alike)
{
    static const struct {
        const char *name, *second, *line;
    } rows[] = {
        {"alike", "{\"id\":2,\"x\":[7],\"by\":\"b\",\"s\":.5}", "byte 63: expected a value"},
        {"values of other types", "{\"id\":2,\"x\":\"}\",\"by\":null,\"s\":\"1\"}", "1=5@a 2"},
        {"blanks before a value", "{\"id\": 2,\"x\":\n{},\"by\":\t\"b\",\"s\":  6}", "1=5@a 2=6@b"},
        {"blanks elsewhere", " { \"id\" :2 , \"x\":0,\"by\":\"b\",\"s\":6 } ", "1=5@a 2=6@b"},
        {"fewer members", "{\"id\":2,\"x\":0}", "1=5@a 2"},
        {"more members", "{\"id\":2,\"x\":0,\"by\":\"b\",\"s\":6,\"t\":0,\"u\":0}", "1=5@a 2=6@b"},
        {"another order", "{\"by\":\"b\",\"x\":0,\"id\":2,\"s\":6}", "1=5@a 2=6@b"},
        {"an escape in a key", "{\"\\u0069d\":2,\"x\":0,\"by\":\"b\",\"s\":6}", "1=5@a 2=6@b"},
        {"a key cut short", "{\"id\":2,\"x\":0,\"b\":\"b\",\"s\":6}", "1=5@a 2=6"},
        {"a member twice", "{\"id\":2,\"x\":0,\"by\":\"b\",\"id\":6}", "byte 62: id twice"},
        {"no id", "{\"i\":2,\"x\":0,\"by\":\"b\",\"s\":6}", "byte 62: a recommendation without id"},
        {"cut off behind a key", "{\"id\":2,\"x\":", "byte 46: expected a value"},
    };
    struct pick *pick =
        compile(&(struct pick_plan){.films = "", .film = "/id", .source = "/by", .score = "/s"});
    for (size_t i = 0; i < COUNT(rows); i++) {
        char text[256], line[256];
        (void)snprintf(text, sizeof text, "[{\"id\":1,\"x\":true,\"by\":\"a\",\"s\":5},%s%s",
                       rows[i].second, strstr(rows[i].name, "cut off") != NULL ? "" : "]");
        pick_line(pick, text, line, sizeof line);
        cr_expect_str_eq(line, rows[i].line, "%s: %s", rows[i].name, line);
    }
    pick_free(pick);
}

Test(pick, depth_is_bounded)
{
    struct pick *pick = compile(&(struct pick_plan){.films = "/l", .film = ""});
    for (int depth = 1; depth < 80; depth++) {
        char text[256] = "{\"l\":[],\"d\":", line[128];
        size_t used = strlen(text);
        memset(text + used, '[', (size_t)depth);
        memset(text + used + depth, ']', (size_t)depth);
        (void)snprintf(text + used + 2 * depth, 2, "}");
        pick_line(pick, text, line, sizeof line);
        cr_expect_eq(line[0] == '\0', depth < SCAN_DEPTH_MAX, "depth %d: %s", depth, line);
        cr_expect(line[0] == '\0' || strstr(line, "nested too deeply") != NULL, "%s", line);
    }
    pick_free(pick);
}

Test(pick, pointers_that_cannot_be_are_refused)
{
    static const struct {
        struct pick_plan plan;
        const char *why;
    } rows[] = {
        {{.films = "items", .film = ""}, "expected a JSON pointer"},
        {{.films = "/a~2", .film = ""}, "'~'"},
        {{.films = "/a~", .film = ""}, "'~'"},
        {{.films = "/a", .film = "", .score = "/x"}, "where another one leads"},
        {{.films = "/a", .film = "/x", .score = "/x"}, "where another one leads"},
        {{.films = "/a", .film = "", .request_id = "/a/0"}, "where another one leads"},
        {{.films = "/a/b", .film = "", .request_id = "/a"}, "where another one leads"},
        {{.films = "/1/2/3/4/5/6/7/8/9/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q/r/s/t/u/v/w/x/y/z",
          .film = ""},
         "more steps"},
        {{.films = "/aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffgggggggggg",
          .film = ""},
         "too long"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct pick *pick = NULL;
        struct error error = {0};
        cr_expect_eq(pick_new(&rows[i].plan, &pick, &error), ERR_INPUT, "row %zu", i);
        cr_expect(strstr(error.text, rows[i].why) != NULL, "row %zu: %s", i, error.text);
        cr_expect_null(pick);
        pick_free(pick);
    }
}
