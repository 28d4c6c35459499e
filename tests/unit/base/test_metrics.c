#include "base/metrics.h"

#include "base/buf.h"
#include "base/fileio.h"
#include "base/rng.h"
#include "base/text.h"
#include "invalid.h"
#include "program.h"

#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct metrics_snapshot *parse_or_fail(const char *text)
{
    struct metrics_snapshot *snapshot = NULL;
    struct error error = {.code = ERR_OK};
    enum err code = metrics_parse("text", text, strlen(text), &snapshot, &error);
    cr_assert_eq(code, ERR_OK, "%s\n%d: %s", text, error.line, error.text);
    return snapshot;
}

Test(metrics, numbers_are_spelled_as_go_spells_them)
{
    /* Right-hand sides printed by strconv.FormatFloat(v, 'g', -1, 64). */
    static const struct {
        double value;
        const char *text;
    } rows[] = {
        {0, "0"},
        {-0.0, "-0"},
        {1, "1"},
        {-17, "-17"},
        {100000, "100000"},
        {999999, "999999"},
        {1e6, "1e+06"},
        {1234567.5, "1.2345675e+06"},
        {123456789, "1.23456789e+08"},
        {1e20, "1e+20"},
        {1e21, "1e+21"},
        {1.5e300, "1.5e+300"},
        {0.1, "0.1"},
        {-0.25, "-0.25"},
        {1.0 / 3, "0.3333333333333333"},
        {0.1 + 0.2, "0.30000000000000004"},
        {999999.5, "999999.5"},
        {1000.125, "1000.125"},
        {0.0001, "0.0001"},
        {0.000125, "0.000125"},
        {0.00001, "1e-05"},
        {5e-324, "5e-324"},
        {DBL_MAX, "1.7976931348623157e+308"},
        {NAN, "NaN"},
        {INFINITY, "+Inf"},
        {-INFINITY, "-Inf"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf out;
        char wanted[64];
        buf_init(&out, 256);
        metrics_sample(&out, "x", NULL, 0, rows[i].value);
        (void)snprintf(wanted, sizeof wanted, "x %s\n", rows[i].text);
        cr_expect_str_eq(out.data, wanted, "%s: %s", rows[i].text, out.data);
        buf_deinit(&out);
    }
}

Test(metrics, bounds_always_carry_a_point_or_an_exponent)
{
    static const struct {
        double bound;
        const char *text;
    } rows[] = {
        {1, "1.0"},      {2.5, "2.5"},       {0.005, "0.005"}, {10, "10.0"},        {1e6, "1e+06"},
        {1e-5, "1e-05"}, {INFINITY, "+Inf"}, {-1, "-1.0"},     {-INFINITY, "-Inf"}, {0, "0.0"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[40];
        cr_expect_str_eq(metrics_bound_text(rows[i].bound, text, sizeof text), rows[i].text, "%s",
                         rows[i].text);
    }
}

Test(metrics, help_and_label_values_are_escaped)
{
    struct buf out;
    struct metrics_label labels[] = {{"a", "x\"y\\z\n"}, {"b", ""}};
    buf_init(&out, 1024);
    metrics_family(&out, "m_total", "counter", "Two\nlines \\ \"quoted\".");
    metrics_sample(&out, "m_total", labels, 2, 3);
    cr_expect_str_eq(out.data, "# HELP m_total Two\\nlines \\\\ \"quoted\".\n"
                               "# TYPE m_total counter\n"
                               "m_total{a=\"x\\\"y\\\\z\\n\",b=\"\"} 3\n");
    buf_deinit(&out);
}

Test(metrics, every_form_of_sample_is_read)
{
    struct metrics_snapshot *snapshot = parse_or_fail("\n"
                                                      "# a comment\n"
                                                      "#\n"
                                                      "   # HELP a_total Any \\n text\n"
                                                      "# HELP a_total\n"
                                                      "# TYPE\ta_total counter \n"
                                                      "a_total 1\n"
                                                      "  b{} 2.5e1\n"
                                                      "c{x=\"1\",} -3 1700000000000\n"
                                                      "d { x = \"1\" , y=\"2\" }\t4\t-17 \n"
                                                      "e:f_g{x=\"}\",y=\"a,b\"} 5\n"
                                                      "g{x=\"q\\\"\\\\\\n\"}6\n"
                                                      "h NaN\n"
                                                      "i +Inf\n"
                                                      "j -inf\n"
                                                      "k +7\n"
                                                      "l{x=\"\xc3\xa9\"} .5\n");
    static const struct {
        const char *metric, *x;
        double value;
    } rows[] = {{"a_total", NULL, 1},  {"b", NULL, 25},        {"c", "1", -3},
                {"d", "1", 4},         {"e:f_g", "}", 5},      {"g", "q\"\\\n", 6},
                {"i", NULL, INFINITY}, {"j", NULL, -INFINITY}, {"k", NULL, 7},
                {"l", "\xc3\xa9", 0.5}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        bool found = false;
        struct metrics_label label = {"x", rows[i].x};
        double value = metrics_sum(snapshot, rows[i].metric, &label, rows[i].x != NULL, &found);
        cr_expect(found, "%s", rows[i].metric);
        cr_expect_eq(value, rows[i].value, "%s: %g", rows[i].metric, value);
    }
    bool found = false;
    cr_expect(isnan(metrics_sum(snapshot, "h", NULL, 0, &found)));
    cr_expect(found);
    metrics_snapshot_free(snapshot);
}

Test(metrics, sums_run_over_the_series_with_all_the_labels)
{
    struct metrics_snapshot *snapshot = parse_or_fail("a{m=\"get\",c=\"200\"} 1\n"
                                                      "a{m=\"get\",c=\"500\"} 2\n"
                                                      "a{c=\"200\",m=\"post\"} 4\n"
                                                      "a 8\n"
                                                      "ab{m=\"get\"} 16\n");
    static const struct {
        struct metrics_label labels[2];
        size_t count;
        double sum;
        bool found;
    } rows[] = {
        {{{0}}, 0, 15, true},
        {{{"m", "get"}}, 1, 3, true},
        {{{"c", "200"}}, 1, 5, true},
        {{{"c", "200"}, {"m", "post"}}, 2, 4, true},
        {{{"m", "post"}, {"c", "200"}}, 2, 4, true},
        {{{"m", "put"}}, 1, 0, false},
        {{{"other", "get"}}, 1, 0, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        bool found = !rows[i].found;
        double sum = metrics_sum(snapshot, "a", rows[i].labels, rows[i].count, &found);
        cr_expect_eq(sum, rows[i].sum, "row %zu: %g", i, sum);
        cr_expect_eq(found, rows[i].found, "row %zu", i);
    }
    metrics_snapshot_free(snapshot);
}

Test(metrics, an_empty_exposition_has_nothing)
{
    bool found = true;
    struct metrics_snapshot *snapshot = parse_or_fail("");
    cr_expect_eq(metrics_sum(snapshot, "a", NULL, 0, &found), 0);
    cr_expect_not(found);
    metrics_snapshot_free(snapshot);
}

static void read_invalid(const char *path, char *message, size_t size)
{
    struct buf text;
    struct error error = {.code = ERR_OK};
    struct metrics_snapshot *snapshot = NULL;
    buf_init(&text, 65536);
    cr_assert_eq(file_read(path, &text, NULL), ERR_OK);
    if (metrics_parse(path, text.data, text.len, &snapshot, &error) != ERR_OK) {
        cr_expect_str_eq(error.where, path);
        (void)snprintf(message, size, "%d: %s", error.line, error.text);
    }
    metrics_snapshot_free(snapshot);
    buf_deinit(&text);
}

Test(metrics, malformed_expositions_are_refused_with_line_and_reason)
{
    cr_expect_eq(invalid_each("metrics", read_invalid), 0);
}

Test(metrics, all_series_and_families_can_be_walked_over)
{
    static const char text[] = "# HELP b B.\n# TYPE b counter \nb{y=\"2\",x=\"1\"} 3\nb 1\n"
                               "# TYPE none gauge\na 2\n";
    static const struct {
        const char *metric;
        size_t labels;
    } rows[] = {{"a", 0}, {"b", 0}, {"b", 2}};
    struct metrics_snapshot *snapshot = NULL;
    const struct metrics_label *labels;
    const char *type;
    size_t count;
    cr_assert_eq(metrics_parse("text", text, strlen(text), &snapshot, NULL), ERR_OK);
    cr_assert_eq(metrics_series_count(snapshot), 3);
    for (size_t i = 0; i < 3; i++) {
        cr_expect_str_eq(metrics_series_at(snapshot, i, &labels, &count), rows[i].metric);
        cr_expect_eq(count, rows[i].labels);
    }
    cr_expect_str_eq(labels[0].name, "x");
    cr_expect_str_eq(labels[1].value, "2");
    cr_assert_eq(metrics_family_count(snapshot), 2);
    cr_expect_str_eq(metrics_family_at(snapshot, 0, &type), "b");
    cr_expect_str_eq(type, "counter");
    cr_expect_str_eq(metrics_family_at(snapshot, 1, &type), "none");
    cr_expect_str_eq(type, "gauge");
    metrics_snapshot_free(snapshot);
}

Test(metrics, what_is_written_reads_back_to_the_last_bit)
{
    struct rng rng = rng_stream(11, 0, 0);
    for (int i = 0; i < 20000; i++) {
        uint64_t bits = rng_u64(&rng);
        double value = 0;
        memcpy(&value, &bits, sizeof value);
        if (i % 2 == 0) {
            value = rng_normal(&rng) * 1e4;
        }
        struct buf out;
        struct metrics_snapshot *snapshot = NULL;
        struct metrics_label label = {"a", "x"};
        bool found = false;
        buf_init(&out, 256);
        metrics_sample(&out, "m", &label, 1, value);
        cr_assert_eq(metrics_parse("m", out.data, out.len, &snapshot, NULL), ERR_OK, "%s",
                     out.data);
        double back = metrics_sum(snapshot, "m", &label, 1, &found);
        cr_assert(found && (back == value || (isnan(back) && isnan(value))), "%a %a %s", value,
                  back, out.data);
        metrics_snapshot_free(snapshot);
        buf_deinit(&out);
    }
}

static void add_histogram(struct buf *out)
{
    static const double bounds[] = {0.5, 1, 2.5, 1000000, INFINITY};
    metrics_family(out, "drill_delay_seconds", "histogram", "Delay.");
    for (size_t i = 0; i < sizeof bounds / sizeof bounds[0]; i++) {
        char le[40];
        struct metrics_label label = {"le", metrics_bound_text(bounds[i], le, sizeof le)};
        metrics_sample(out, "drill_delay_seconds_bucket", &label, 1, (double)i);
    }
    metrics_sample(out, "drill_delay_seconds_sum", NULL, 0, 12.75);
    metrics_sample(out, "drill_delay_seconds_count", NULL, 0, 4);
}

Test(metrics, promtool_finds_nothing_to_say_about_what_is_written)
{
    char folder[] = "/tmp/driftdrill-metrics-XXXXXX";
    char path[256];
    char log[256];
    char command[600];
    struct buf out;
    struct metrics_label labels[] = {{"source", "a \"b\" \\ c\nd"}, {"empty", ""}};
    cr_assert_not_null(mkdtemp(folder));
    (void)text_join_path(path, sizeof path, folder, "metrics");
    (void)text_join_path(log, sizeof log, folder, "log");
    buf_init(&out, 65536);
    metrics_family(&out, "drill_lists_total", "counter", "Lists,\nas \\ served.");
    metrics_sample(&out, "drill_lists_total", NULL, 0, 1234567);
    metrics_sample(&out, "drill_lists_total", labels, 2, 0);
    metrics_family(&out, "drill_share_ratio", "gauge", "Share.");
    metrics_sample(&out, "drill_share_ratio", NULL, 0, NAN);
    metrics_sample(&out, "drill_share_ratio", labels, 1, -INFINITY);
    add_histogram(&out);
    cr_assert_eq(file_write(path, out.data, out.len, NULL), ERR_OK);
    (void)snprintf(command, sizeof command, "exec promtool check metrics <%s", path);
    const char *const argv[] = {"sh", "-c", command, NULL};
    int status = program_run(argv, log);
    buf_reset(&out);
    (void)file_read(log, &out, NULL);
    cr_expect_eq(status, 0, "promtool: status %d: %s", status, out.len > 0 ? out.data : "");
    cr_expect_eq(out.len, 0, "promtool: %s", out.data);
    buf_deinit(&out);
    cr_expect_eq(file_remove_tree(folder, NULL), ERR_OK);
}
