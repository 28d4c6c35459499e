#include "base/text.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#define COUNT(rows) (sizeof(rows) / sizeof(rows)[0])

Test(text, whole_numbers_are_read_strictly)
{
    static const struct {
        const char *text;
        bool ok;
        int64_t value;
    } rows[] = {
        {"0", true, 0},
        {"-17", true, -17},
        {"007", true, 7},
        {"9223372036854775807", true, INT64_MAX},
        {"-9223372036854775808", true, INT64_MIN},
        {"9223372036854775808", false, 0},
        {"", false, 0},
        {"-", false, 0},
        {"+1", false, 0},
        {" 1", false, 0},
        {"1 ", false, 0},
        {"1.0", false, 0},
        {"0x10", false, 0},
        {"1e3", false, 0},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        int64_t value = -99;
        cr_expect_eq(text_to_i64(rows[i].text, &value), rows[i].ok, "'%s'", rows[i].text);
        cr_expect_eq(value, rows[i].ok ? rows[i].value : -99, "'%s'", rows[i].text);
    }
}

Test(text, real_numbers_are_finite_decimals)
{
    static const struct {
        const char *text;
        bool ok;
        double value;
    } rows[] = {
        {"0", true, 0.0},      {"3.5", true, 3.5},      {"-.5", true, -0.5},   {"2.", true, 2.0},
        {"1e3", true, 1000.0}, {"1.5E-2", true, 0.015}, {"inf", false, 0.0},   {"nan", false, 0.0},
        {"1e999", false, 0.0}, {"0x1p3", false, 0.0},   {"", false, 0.0},      {".", false, 0.0},
        {"-", false, 0.0},     {"e5", false, 0.0},      {"1e", false, 0.0},    {"1e+", false, 0.0},
        {" 1", false, 0.0},    {"1 ", false, 0.0},      {"1,5", false, 0.0},   {"+1", false, 0.0},
        {"1_0", false, 0.0},   {"--1", false, 0.0},     {"1.2.3", false, 0.0},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        double value = -99.0;
        cr_expect_eq(text_to_f64(rows[i].text, &value), rows[i].ok, "'%s'", rows[i].text);
        cr_expect_eq(value, rows[i].ok ? rows[i].value : -99.0, "'%s'", rows[i].text);
    }
}

#define MS INT64_C(1000000)
#define S (1000 * MS)

static const struct {
    const char *text;
    bool ok;
    int64_t ns;
} durations[] = {
    {"0", true, 0},
    {"0s", true, 0},
    {"15m", true, 900 * S},
    {"2m30s", true, 150 * S},
    {"1h", true, 3600 * S},
    {"250ms", true, 250 * MS},
    {"2s500ms", true, 2500 * MS},
    {"1d", true, 86400 * S},
    {"1w", true, 604800 * S},
    {"1y", true, INT64_C(31536000) * S},
    {"1y2w3d4h5m6s7ms", true, (INT64_C(31536000) + 2 * 604800 + 3 * 86400 + 14706) * S + 7 * MS},
    {"1h1ms", true, 3600 * S + MS},
    {"90m", true, 5400 * S},
    {"0000090m", true, 5400 * S},
    {"", false, 0},
    {"1", false, 0},
    {"00", false, 0},
    {"s", false, 0},
    {"1.5s", false, 0},
    {"-1s", false, 0},
    {"+1s", false, 0},
    {" 1s", false, 0},
    {"1s ", false, 0},
    {"1s1m", false, 0},
    {"1m1m", false, 0},
    {"1ms1s", false, 0},
    {"1us", false, 0},
    {"1S", false, 0},
    {"1mm", false, 0},
    {"1hm", false, 0},
    {"300y", false, 0},
    {"99999999999999999999s", false, 0},
};

Test(text, durations_are_those_of_prometheus)
{
    for (size_t i = 0; i < COUNT(durations); i++) {
        int64_t ns = -99;
        bool ok = text_to_duration_ns(durations[i].text, &ns);
        cr_expect_eq(ok, durations[i].ok, "'%s'", durations[i].text);
        cr_expect_eq(ns, ok ? durations[i].ns : -99, "'%s' is %lld", durations[i].text,
                     (long long)ns);
    }
}

Test(text, durations_are_spelt_as_prometheus_does)
{
    static const struct {
        int64_t ns;
        const char *text;
    } rows[] = {
        {0, "0s"},
        {250 * MS, "250ms"},
        {2500 * MS, "2s500ms"},
        {90 * S, "1m30s"},
        {5400 * S, "1h30m"},
        {86400 * S, "1d"},
        {90000 * S, "25h"},
        {10 * 86400 * S, "10d"},
        {14 * 86400 * S, "2w"},
        {INT64_C(31536000) * S, "1y"},
        {-90 * S, "-1m30s"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        char text[64];
        cr_expect_str_eq(text_from_duration_ns(rows[i].ns, text, sizeof text), rows[i].text);
    }
}

Test(text, a_spelt_duration_reads_back)
{
    int step = 0;
    for (int64_t ns = MS; ns < INT64_C(1) << 62; ns += ns / 128 / MS * MS + (step++ % 7) * MS) {
        char text[64];
        int64_t back = -1;
        text_from_duration_ns(ns, text, sizeof text);
        cr_assert(text_to_duration_ns(text, &back), "'%s'", text);
        cr_assert_eq(back, ns, "'%s'", text);
    }
}

Test(text, copies_are_cut_and_terminated)
{
    char out[5];
    cr_expect(text_copy(out, sizeof out, "1234"));
    cr_expect_str_eq(out, "1234");
    cr_expect_not(text_copy(out, sizeof out, "12345"));
    cr_expect_str_eq(out, "1234");
    cr_expect_not(text_copy(out, 0, ""));
}

Test(text, prefixes_and_suffixes)
{
    cr_expect(text_starts("ratings.csv", "rat"));
    cr_expect(text_starts("ratings.csv", ""));
    cr_expect_not(text_starts("rat", "ratings"));
    cr_expect(text_ends("ratings.csv", ".csv"));
    cr_expect(text_ends("", ""));
    cr_expect_not(text_ends("v", ".csv"));
}

Test(text, paths_join_with_one_slash)
{
    static const struct {
        const char *folder, *name, *wanted;
    } rows[] = {
        {"a", "b", "a/b"},       {"a/", "b", "a/b"}, {"a//", "/b", "a/b"}, {"/", "b", "/b"},
        {"/a", "b/c", "/a/b/c"}, {"", "b", "b"},     {".", "b", "./b"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        char out[32];
        cr_expect(text_join_path(out, sizeof out, rows[i].folder, rows[i].name));
        cr_expect_str_eq(out, rows[i].wanted);
    }
    char small[4];
    cr_expect(text_join_path(small, sizeof small, "a", "b"));
    cr_expect_not(text_join_path(small, sizeof small, "ab", "c"));
}

Test(text, what_is_not_utf8_becomes_question_marks)
{
    static const struct {
        const char *text, *wanted;
    } rows[] = {
        {"", ""},
        {"plain\t", "plain\t"},
        {"caf\xc3\xa9", "caf\xc3\xa9"},
        {"\xe2\x82\xac \xf0\x9f\x8e\xac", "\xe2\x82\xac \xf0\x9f\x8e\xac"},
        {"caf\xe9", "caf?"},
        {"cut \xe2\x82", "cut ??"},
        {"cut \xf0\x9f\x8e", "cut ???"},
        {"\xc0\x80", "??"},             /* overlong */
        {"\xe0\x9f\xbf", "???"},        /* overlong */
        {"\xf0\x8f\xbf\xbf", "????"},   /* overlong */
        {"\xed\xa0\x80", "???"},        /* a surrogate */
        {"\xf4\x90\x80\x80", "????"},   /* behind U+10FFFF */
        {"\xf5\x80\x80\x80x", "????x"}, /* no such first byte */
        {"\x80\xc3\xa9\xff", "?\xc3\xa9?"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[32];
        cr_assert(text_copy(text, sizeof text, rows[i].text));
        text_make_utf8(text);
        cr_expect_str_eq(text, rows[i].wanted, "row %zu: '%s'", i, text);
    }
}
