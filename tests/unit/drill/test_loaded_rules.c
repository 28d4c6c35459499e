#include "drill/loaded_rules.h"

#include "base/clock.h"
#include "base/fileio.h"
#include "base/mem.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char rules_text[] = "groups:\n"
                                 "  - name: drift\n"
                                 "    interval: 30s\n"
                                 "    rules:\n"
                                 "      - record: a:b:c\n"
                                 "        expr: sum by (job) (increase(lists_total[15m]))\n"
                                 "      - alert: Low\n"
                                 "        expr: a:b:c < 3\n"
                                 "        for: 2m30s\n"
                                 "        keep_firing_for: 3m\n"
                                 "        labels: {severity: ticket}\n"
                                 "        annotations: {summary: low}\n"
                                 "  - name: plain\n"
                                 "    rules:\n"
                                 "      - alert: Watchdog\n"
                                 "        expr: vector(1)\n";

/* As Prometheus answers, with %s for what a case changes. */
#define HEARTBEAT(group)                                                                           \
    "{'name':'driftdrill:heartbeat','query':'vector(1)','labels':{'rule_group':'" group            \
    "'},'type':'recording'}"
#define RECORD                                                                                     \
    "{'name':'a:b:c','query':'sum by(job)(increase(lists_total[15s]))','type':'recording'}"
#define LOW(query, wait, keep, severity)                                                           \
    "{'name':'Low','query':'" query "','duration':" wait ",'keepFiringFor':" keep                  \
    ",'labels':{'severity':'" severity "'},'annotations':{'summary':'other'},'type':'alerting'}"
#define GOOD_LOW LOW("a:b:c < 3", "2.5", "3", "ticket")
#define DRIFT(interval, rules)                                                                     \
    "{'name':'drift','file':'x','interval':" interval ",'rules':[" rules "]}"
#define GOOD_DRIFT DRIFT("0.5", RECORD "," GOOD_LOW "," HEARTBEAT("drift"))
#define PLAIN                                                                                      \
    "{'name':'plain','interval':0.25,'rules':[{'name':'Watchdog','query':'vector(1)','duration':"  \
    "0,'labels':{},'type':'alerting'}," HEARTBEAT("plain") "]}"
#define DOCUMENT(groups) "{'status':'success','data':{'groups':[" groups "]}}"

static char *no_speller(void *context, const char *expr)
{
    (void)context;
    (void)expr;
    return NULL;
}

/* Stands for Prometheus's formatter: its blanks are alike for expressions that are. */
static char *speller(void *context, const char *expr)
{
    size_t used = 0, size = 2 * strlen(expr) + 1;
    char *out = mem_array(size, 1);
    (void)context;
    for (; *expr != '\0'; expr++) {
        if (*expr != ' ') {
            out[used++] = *expr;
            out[used++] = *expr == ')' ? '\n' : ' ';
        }
    }
    out[used] = '\0';
    return out;
}

struct setting {
    char root[64];
    struct rules rules;
    struct faults faults;
};

static void begin(struct setting *setting)
{
    char path[96], out[96];
    struct error error = {0};
    memset(setting, 0, sizeof *setting);
    faults_init(&setting->faults);
    snprintf(setting->root, sizeof setting->root, "/tmp/driftdrill-loaded-XXXXXX");
    cr_assert_not_null(mkdtemp(setting->root));
    snprintf(path, sizeof path, "%s/rules.yml", setting->root);
    snprintf(out, sizeof out, "%s/out", setting->root);
    const char *const paths[] = {path};
    cr_assert_eq(file_write(path, rules_text, strlen(rules_text), &error), ERR_OK);
    cr_assert_eq(file_make_folders(out, &error), ERR_OK);
    cr_assert_eq(rules_render_files(paths, 1, 60, 15 * CLOCK_NS_PER_S, 15 * CLOCK_NS_PER_S, out,
                                    &setting->rules, &setting->faults, &error),
                 ERR_OK, "%s", error.text);
}

static void end(struct setting *setting)
{
    rules_deinit(&setting->rules);
    faults_deinit(&setting->faults);
    cr_expect_eq(file_remove_tree(setting->root, NULL), ERR_OK);
}

static void compare(struct setting *setting, const char *text, loaded_rules_spell *spell)
{
    char json[8192];
    json_error_t fault;
    snprintf(json, sizeof json, "%s", text);
    for (char *at = json; *at != '\0'; at++) {
        *at = *at == '\'' ? '"' : *at;
    }
    json_t *document = json_loads(json, 0, &fault);
    cr_assert_not_null(document, "%s: %s", fault.text, json);
    struct loaded_rules_case at = {.wanted = &setting->rules,
                                   .document = document,
                                   .default_interval_ns = CLOCK_NS_PER_S / 4,
                                   .where = "http://prometheus",
                                   .spell = spell};
    struct error error = {0};
    faults_deinit(&setting->faults);
    faults_init(&setting->faults);
    cr_assert_eq(loaded_rules_compare(&at, &setting->faults, &error), ERR_OK, "%s", error.text);
    json_decref(document);
}

Test(loaded_rules, the_same_rules_have_no_fault)
{
    static const char document[] = DOCUMENT(
        "{'name':'of others','rules':[{'name':'Full','type':'alerting'}]}," PLAIN "," GOOD_DRIFT);
    struct setting setting;
    begin(&setting);
    compare(&setting, document, no_speller);
    cr_expect_eq(setting.faults.count, 0, "%s", setting.faults.list[0].text);
    compare(&setting, document, speller);
    cr_expect_eq(setting.faults.count, 0, "%s", setting.faults.list[0].text);
    end(&setting);
}

Test(loaded_rules, every_difference_is_told)
{
    static const struct {
        const char *name, *document, *fault;
    } rows[] = {
        {"a group is missing", DOCUMENT(PLAIN), "group drift: not loaded"},
        {"an interval", DOCUMENT(PLAIN "," DRIFT("30", RECORD "," GOOD_LOW "," HEARTBEAT("drift"))),
         "group drift: interval is 30s, wanted 500ms"},
        {"an expression",
         DOCUMENT(PLAIN "," DRIFT(
             "0.5", RECORD "," LOW("a:b:c > 3", "2.5", "3", "ticket") "," HEARTBEAT("drift"))),
         "group drift, Low: the expression is 'a:b:c>3', wanted 'a:b:c<3'"},
        {"for",
         DOCUMENT(PLAIN "," DRIFT(
             "0.5", RECORD "," LOW("a:b:c < 3", "150", "3", "ticket") "," HEARTBEAT("drift"))),
         "group drift, Low: for is 2m30s, wanted 2s500ms"},
        {"keep_firing_for",
         DOCUMENT(PLAIN "," DRIFT(
             "0.5", RECORD "," LOW("a:b:c < 3", "2.5", "0", "ticket") "," HEARTBEAT("drift"))),
         "group drift, Low: keep_firing_for is 0s, wanted 3s"},
        {"a label",
         DOCUMENT(PLAIN "," DRIFT("0.5", RECORD
                                  "," LOW("a:b:c < 3", "2.5", "3", "page") "," HEARTBEAT("drift"))),
         "group drift, Low: label severity is 'page', wanted 'ticket'"},
        {"the order", DOCUMENT(PLAIN "," DRIFT("0.5", GOOD_LOW "," RECORD "," HEARTBEAT("drift"))),
         "group drift: rule 1 is Low, wanted a:b:c"},
        {"no heartbeat", DOCUMENT(PLAIN "," DRIFT("0.5", RECORD "," GOOD_LOW)),
         "group drift: rule 3 is not there, wanted driftdrill:heartbeat"},
        {"a rule too many",
         DOCUMENT(PLAIN
                  "," DRIFT("0.5", RECORD "," GOOD_LOW "," HEARTBEAT("drift") ",{'name':'Other'}")),
         "group drift: rule 4 is Other, wanted none"},
        {"an alert twice", DOCUMENT(PLAIN "," GOOD_DRIFT ",{'name':'copy','rules':[" GOOD_LOW "]}"),
         "group copy, Low: an alert of the same name in a group that is not the scenario's"},
    };
    struct setting setting;
    begin(&setting);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        compare(&setting, rows[i].document, no_speller);
        cr_expect_eq(setting.faults.count, 1, "%s: %zu faults", rows[i].name, setting.faults.count);
        cr_expect_str_eq(setting.faults.count > 0 ? setting.faults.list[0].text : "", rows[i].fault,
                         "%s: %s", rows[i].name, setting.faults.list[0].text);
        cr_expect_str_eq(setting.faults.list[0].where, "http://prometheus");
    }
    end(&setting);
}

Test(loaded_rules, long_expressions_are_cut_about_their_difference)
{
    char wanted[201], found[400], json[2000];
    struct setting setting;
    begin(&setting);
    memset(wanted, 'a', 200);
    wanted[200] = '\0';
    snprintf(found, sizeof found, "%sb", wanted);
    snprintf(json, sizeof json,
             DOCUMENT(PLAIN "," DRIFT("0.5", RECORD
                                      "," LOW("%s", "2.5", "3", "ticket") "," HEARTBEAT("drift"))),
             found);
    compare(&setting, json, speller);
    cr_assert_eq(setting.faults.count, 1);
    cr_expect(strlen(setting.faults.list[0].text) < 200, "%s", setting.faults.list[0].text);
    end(&setting);
}
