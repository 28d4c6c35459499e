#include "drill/render.h"

#include "base/clock.h"
#include "base/fileio.h"
#include "base/yaml.h"
#include "drill/scrape_job.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct place {
    char folder[64], in[96], out[96];
};

static struct place make_place(const char *text)
{
    struct place place = {.folder = "/tmp/driftdrill-render-XXXXXX"};
    cr_assert_not_null(mkdtemp(place.folder));
    snprintf(place.in, sizeof place.in, "%s/in.yml", place.folder);
    snprintf(place.out, sizeof place.out, "%s/out.yml", place.folder);
    cr_assert_eq(file_write(place.in, text, strlen(text), NULL), ERR_OK);
    return place;
}

static void leave(const struct place *place)
{
    cr_expect_eq(file_remove_tree(place->folder, NULL), ERR_OK);
}

static json_t *read_yaml(const char *path)
{
    json_t *document = NULL;
    struct error error = {0};
    cr_assert_eq(yaml_read_file(path, &document, NULL, &error), ERR_OK, "%s", error.text);
    return document;
}

/* Does the rendered file say what `wanted` (YAML) says? */
static void expect_yaml(const struct place *place, const char *wanted)
{
    json_t *is = read_yaml(place->out), *should = NULL;
    cr_assert_eq(yaml_read_text("wanted", wanted, strlen(wanted), &should, NULL, NULL), ERR_OK);
    char *text = json_dumps(is, JSON_COMPACT);
    cr_expect(json_equal(is, should), "%s", text);
    free(text);
    json_decref(is);
    json_decref(should);
}

static const char prometheus_text[] = "global: {scrape_interval: 15s, evaluation_interval: 30s}\n"
                                      "rule_files: [/etc/prometheus/rules/*.yml]\n"
                                      "scrape_configs:\n"
                                      "  - job_name: a\n"
                                      "    scrape_interval: 1m\n"
                                      "    scrape_timeout: 10s\n"
                                      "    static_configs: [{targets: ['a:1']}]\n";

Test(render, jobs_are_scraped_faster_and_rules_lie_beside)
{
    struct place place = make_place(prometheus_text);
    int64_t scrape_ns = 0, evaluation_ns = 0;
    cr_assert_eq(render_prometheus(place.in, 60, place.out, &scrape_ns, &evaluation_ns, NULL),
                 ERR_OK);
    cr_expect_eq(scrape_ns, 15 * CLOCK_NS_PER_S);
    cr_expect_eq(evaluation_ns, 30 * CLOCK_NS_PER_S);
    expect_yaml(&place, "global: {scrape_interval: 250ms, evaluation_interval: 500ms}\n"
                        "rule_files: ['rules/*.yml']\n"
                        "scrape_configs:\n"
                        "  - {job_name: a, scrape_interval: 1s, scrape_timeout: 1s,\n"
                        "     static_configs: [{targets: ['a:1']}]}\n");
    leave(&place);
}

Test(render, the_job_of_the_target_is_pointed_at_another_one)
{
    static const struct {
        const char *url, *job;
    } rows[] = {
        {"http://feed:8080/metrics", "static_configs: [{targets: ['feed:8080']}]"},
        {"http://feed:8080", "static_configs: [{targets: ['feed:8080']}]"},
        {"https://feed/inner/m",
         "static_configs: [{targets: [feed]}], scheme: https, metrics_path: /inner/m"},
        {"http://feed:1/metrics?format=prom&key=a%2Bb+c&key=%zz&on",
         "static_configs: [{targets: ['feed:1']}], "
         "params: {format: [prom], key: ['a+b c', '%zz'], 'on': ['']}"},
        {"http://feed:1?x=/y", "static_configs: [{targets: ['feed:1']}], params: {x: [/y]}"},
    };
    json_t *relabel = json_pack("[{s:s}]", "action", "keep");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char wanted[512];
        struct place place =
            make_place("scrape_configs: [{job_name: recommender, scrape_interval: 9s, "
                       "static_configs: [{targets: ['a:1']}]}, {job_name: b}]\n");
        cr_assert_eq(render_prometheus_target(place.in, rows[i].url, relabel, NULL), ERR_OK);
        (void)snprintf(wanted, sizeof wanted,
                       "scrape_configs: [{job_name: recommender, scrape_interval: 9s, %s, "
                       "metric_relabel_configs: [{action: keep}]}, {job_name: b}]\n",
                       rows[i].job);
        (void)snprintf(place.out, sizeof place.out, "%s", place.in);
        expect_yaml(&place, wanted);
        leave(&place);
    }
    json_decref(relabel);
}

Test(render, nothing_of_how_the_former_target_was_found_is_left)
{
    struct place place = make_place(
        "scrape_configs: [{job_name: recommender, scheme: https, metrics_path: /inner/m, "
        "params: {a: [b]}, metric_relabel_configs: [{action: keep}], "
        "scrape_interval: 9s, authorization: {credentials: x}, "
        "static_configs: [{targets: ['a:1']}]}]\n");
    cr_assert_eq(render_prometheus_target(place.in, "http://feed:2/metrics", NULL, NULL), ERR_OK);
    (void)snprintf(place.out, sizeof place.out, "%s", place.in);
    expect_yaml(&place, "scrape_configs: [{job_name: recommender, scrape_interval: 9s, "
                        "authorization: {credentials: x}, static_configs: [{targets: "
                        "['feed:2']}]}]\n");
    leave(&place);
}

Test(render, of_the_address_of_a_job_no_secret_is_shown)
{
    static const struct {
        const char *url, *shown;
        bool whole;
    } rows[] = {{"http://feed:1/metrics", "http://feed:1/metrics", true},
                {"http://feed:1", "http://feed:1", true},
                {"unknown", "unknown", true},
                {"https://feed/metrics?token=secret", "https://feed", false},
                {"https://feed?token=secret", "https://feed", false},
                {"http://[::1]:9/bot-secret/metrics", "http://[::1]:9", false}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char shown[64];
        cr_expect_eq(scrape_job_shown(rows[i].url, shown, sizeof shown), rows[i].whole, "%s",
                     rows[i].url);
        cr_expect_str_eq(shown, rows[i].shown);
    }
}

Test(render, a_configuration_without_the_job_of_the_target_cannot_be_pointed)
{
    struct place place = make_place(prometheus_text);
    struct error error = {0};
    cr_expect_eq(render_prometheus_target(place.in, "http://feed:1", NULL, &error), ERR_INPUT);
    cr_expect_str_eq(error.text, "no job is called 'recommender'");
    leave(&place);
}

Test(render, a_scale_of_one_changes_no_duration)
{
    struct place place = make_place(prometheus_text);
    int64_t scrape_ns, evaluation_ns;
    cr_assert_eq(render_prometheus(place.in, 1, place.out, &scrape_ns, &evaluation_ns, NULL),
                 ERR_OK);
    json_t *is = read_yaml(place.out), *was = read_yaml(place.in);
    json_object_del(is, "rule_files");
    json_object_del(was, "rule_files");
    cr_expect(json_equal(is, was));
    json_decref(is);
    json_decref(was);
    leave(&place);
}

Test(render, intervals_unsaid_are_those_of_prometheus)
{
    struct place place = make_place("scrape_configs: []\n");
    int64_t scrape_ns, evaluation_ns;
    cr_assert_eq(render_prometheus(place.in, 2, place.out, &scrape_ns, &evaluation_ns, NULL),
                 ERR_OK);
    cr_expect_eq(scrape_ns, 60 * CLOCK_NS_PER_S);
    cr_expect_eq(evaluation_ns, 60 * CLOCK_NS_PER_S);
    expect_yaml(&place, "global: {scrape_interval: 30s, evaluation_interval: 30s}\n"
                        "rule_files: ['rules/*.yml']\n"
                        "scrape_configs: []\n");
    leave(&place);
}

Test(render, flags_are_said_for_compressed_time_only)
{
    static const struct {
        int64_t time_scale;
        const char *text;
    } rows[] = {{1, ""},
                {15, "--query.lookback-delta=20s\n--rules.alert.resend-delay=5s\n"},
                {60, "--query.lookback-delta=5s\n--rules.alert.resend-delay=5s\n"}};
    struct place place = make_place("");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf file;
        buf_init(&file, 4096);
        cr_assert_eq(render_prometheus_flags(rows[i].time_scale, place.out, NULL), ERR_OK);
        cr_assert_eq(file_read(place.out, &file, NULL), ERR_OK);
        cr_expect_str_eq(file.len > 0 ? file.data : "", rows[i].text, "scale %lld",
                         (long long)rows[i].time_scale);
        buf_deinit(&file);
    }
    leave(&place);
}

static const char routes_text[] = "route:\n"
                                  "  receiver: mail\n"
                                  "  group_wait: 30s\n"
                                  "  routes:\n"
                                  "    - {receiver: mail, repeat_interval: 1h}\n"
                                  "receivers:\n"
                                  "  - name: mail\n"
                                  "    email_configs: [{to: me}]\n"
                                  "templates: [a.tmpl]\n";

Test(render, receivers_become_the_webhook_if_there_is_one)
{
    struct place place = make_place(routes_text);
    cr_assert_eq(render_alertmanager(place.in, 60, "http://h:1/alerts", place.out, NULL), ERR_OK);
    expect_yaml(&place, "route:\n"
                        "  receiver: mail\n"
                        "  group_wait: 500ms\n"
                        "  routes: [{receiver: mail, repeat_interval: 1m}]\n"
                        "receivers:\n"
                        "  - name: mail\n"
                        "    webhook_configs: [{url: 'http://h:1/alerts', send_resolved: true}]\n");
    cr_assert_eq(render_alertmanager(place.in, 1, NULL, place.out, NULL), ERR_OK);
    expect_yaml(&place, routes_text);
    leave(&place);
}

static const char alerting_text[] = "apiVersion: 1\n"
                                    "groups:\n"
                                    "  - {name: slow, interval: 2m, rules: [{for: 4m, data: [\n"
                                    "      {relativeTimeRange: {from: 901, to: 0},\n"
                                    "       model: {expr: 'rate(a[15m])', intervalMs: 15000}}]}]}\n"
                                    "  - {name: quick, interval: 30s, rules: []}\n";

static bool provision(const struct place *place, int64_t time_scale, size_t *left_out)
{
    const struct render_provisioning request = {.production = place->in,
                                                .path = place->out,
                                                .dashboards_path = "/elsewhere",
                                                .time_scale = time_scale,
                                                .scrape_ns = 15 * CLOCK_NS_PER_S};
    struct error error = {0};
    bool written = false;
    *left_out = 0;
    cr_assert_eq(render_provisioning(&request, &written, left_out, &error), ERR_OK, "%s",
                 error.text);
    return written;
}

Test(render, a_group_that_would_fall_off_grafanas_tick_is_left_out)
{
    struct place place = make_place(alerting_text);
    size_t left_out = 0;
    cr_expect(provision(&place, 4, &left_out));
    cr_expect_eq(left_out, 1);
    expect_yaml(&place, "apiVersion: 1\n"
                        "groups:\n"
                        "  - {name: slow, interval: 30s, rules: [{for: 1m, data: [\n"
                        "      {relativeTimeRange: {from: 226, to: 0},\n"
                        "       model: {expr: 'rate(a[3m45s])', intervalMs: 3750}}]}]}\n");
    cr_expect(provision(&place, 3, &left_out));
    cr_expect_eq(left_out, 0, "30 s / 3 is one tick");
    remove(place.out);
    cr_expect_not(provision(&place, 60, &left_out));
    cr_expect_eq(left_out, 2);
    cr_expect_not(file_exists(place.out));
    leave(&place);
}

Test(render, sources_and_providers_are_moved_along)
{
    struct place place = make_place("datasources:\n"
                                    "  - {name: p, jsonData: {timeInterval: 15s}}\n"
                                    "  - {name: a}\n"
                                    "providers: [{name: d, options: {path: /here}}]\n");
    size_t left_out = 0;
    cr_expect(provision(&place, 60, &left_out));
    expect_yaml(&place, "datasources:\n"
                        "  - {name: p, jsonData: {timeInterval: 250ms}}\n"
                        "  - {name: a}\n"
                        "providers: [{name: d, options: {path: /elsewhere}}]\n");
    leave(&place);
}

Test(render, what_is_wrong_is_named)
{
    static const struct {
        const char *text, *says;
    } rows[] = {{"global: {scrape_interval: often}\nscrape_configs: []\n", "'scrape_interval'"},
                {"global: {}\n", "scrape_configs"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct place place = make_place(rows[i].text);
        struct error error = {0};
        int64_t a, b;
        cr_expect_eq(render_prometheus(place.in, 60, place.out, &a, &b, &error), ERR_INPUT);
        cr_expect(strstr(error.text, rows[i].says) != NULL, "%s", error.text);
        cr_expect_str_eq(error.where, place.in);
        leave(&place);
    }
}
