#include "drill/report.h"

#include "base/buf.h"
#include "base/fileio.h"
#include "base/mem.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct rules_alert rule = {
    .name = "ConversionLow", .group = "drift", .severity = "ticket"};

/* A drill with a row of each outcome, one reason, an alert that fired and never resolved. */
struct made {
    struct scenario scenario;
    struct judgement judgement;
    struct evidence evidence;
    struct evidence_alert alert;
    struct evidence_episode episode;
    struct reconciliation reconciliation;
    struct play_result play;
    struct floors floors;
    struct delay_budgets delays;
    json_t *versions, *options;
    struct report report;
    char path[64];
};

static void add_row(struct judgement *judgement, const char *name, const char *observed,
                    enum judge_outcome outcome)
{
    struct judge_row *row = &judgement->row[judgement->row_count++];
    snprintf(row->name, sizeof row->name, "%s", name);
    snprintf(row->wanted, sizeof row->wanted, "wanted");
    snprintf(row->observed, sizeof row->observed, "%s", observed);
    row->outcome = outcome;
}

static void make_play(struct made *made)
{
    static const int64_t starts[] = {0, 1000000000};
    struct engine_result *engine = &made->play.engine;
    engine->ledger = ledger_new(2000000000, starts, 2);
    struct ledger_counts *counts = ledger_observed_at(engine->ledger, 0);
    counts->lists = counts->get_sent = 10;
    ledger_count_rating(counts, 2, 7);
    engine->ledger->nominal[0] = *counts; /* the second phase stays empty: its truths are NaN */
    for (int i = 0; i < ENGINE_ENDPOINTS; i++) {
        engine->from_intended[i] = histogram_new(1000000000);
        engine->from_send[i] = histogram_new(1000000000);
    }
    engine->schedule_lag = histogram_new(1000000000);
    made->play.end_s = 2;
    made->play.retrained_s = NAN;
}

/* The alert fired 14 s after an onset at -12.5 s, with floors of two views. */
static void make_delay(struct made *made)
{
    static const int64_t tenths[DELAY_PARTS] = {34, 1, 2, 78, 25, 7};
    made->floors = (struct floors){.interval_s = FLOORS_INTERVAL_S, .time_scale = 60, .count = 1};
    struct floors_row *row = &made->floors.row[0];
    *row = (struct floors_row){.quantity = SCENARIO_CONVERSION,
                               .objective = 0.23,
                               .rest = 0.3,
                               .full = 0.18,
                               .share = 0.58,
                               .onset_s = -12.5,
                               .until_s = 30,
                               .exists = true};
    row->view[FLOORS_EVERYTHING] =
        (struct floors_floor){.exists = true, .delay_s = 1.9, .expected_s = 2.12};
    row->view[FLOORS_RATINGS] = (struct floors_floor){.why = "too few <lists>"};
    row->view[FLOORS_EXPORTED] =
        (struct floors_floor){.exists = true, .delay_s = NAN, .expected_s = 3.7};
    made->delays.count = 1;
    struct delay_budget *budget = &made->delays.budget[0];
    *budget = (struct delay_budget){.alert = &made->alert,
                                    .floors = row,
                                    .onset_s = -12.5,
                                    .has_floor = true,
                                    .notified = true};
    for (int i = 0; i < DELAY_PARTS; i++) {
        budget->part_ns[i] = tenths[i] * 100000000;
        budget->total_ns += budget->part_ns[i];
    }
    budget->firing_ns = budget->total_ns - budget->part_ns[DELAY_NOTIFICATION];
    made->report.floors = &made->floors;
    made->report.delays = &made->delays;
}

static struct made *make(struct made *made)
{
    memset(made, 0, sizeof *made);
    made->scenario = (struct scenario){
        .name = "a-scenario", .path = "my/a.yml", .time_scale = 60, .phase_count = 2};
    snprintf(made->scenario.phase[0].name, sizeof made->scenario.phase[0].name, "control");
    snprintf(made->scenario.phase[1].name, sizeof made->scenario.phase[1].name, "drift");
    make_play(made);
    add_row(&made->judgement, "good", "as wanted", JUDGE_PASS);
    add_row(&made->judgement, "a < b & \"c\" > 'd'", "x\x01y\tz", JUDGE_FAIL);
    add_row(&made->judgement, "unclear", "?", JUDGE_INVALID);
    judge_invalid(&made->judgement, "the <dog> died");
    judge_conclude(&made->judgement);
    made->episode = (struct evidence_episode){.pending_s = 1,
                                              .firing_s = 1.5,
                                              .resolved_s = NAN,
                                              .notified_s = INFINITY,
                                              .resolved_notified_s = NAN};
    made->alert = (struct evidence_alert){
        .rule = &rule, .objective = NAN, .count = 1, .episode = &made->episode};
    made->evidence = (struct evidence){.alert_count = 1, .alert = &made->alert};
    made->reconciliation = (struct reconciliation){.done = true, .count = 1, .lost = 3};
    made->reconciliation.row[0] = (struct reconcile_row){.name = "lists", .target = NAN};
    made->versions = json_pack("{s:s}", "driftdrill", "0");
    made->options = json_object();
    made->report = (struct report){.scenario = &made->scenario,
                                   .judgement = &made->judgement,
                                   .evidence = &made->evidence,
                                   .reconciliation = &made->reconciliation,
                                   .play = &made->play,
                                   .seed = 5,
                                   .folder = "results/x",
                                   .data_name = "ml-latest-small",
                                   .data_fingerprint = 0xabc,
                                   .target_version = "r 1",
                                   .versions = made->versions,
                                   .options = made->options,
                                   .started_wall_ns = 1};
    snprintf(made->path, sizeof made->path, "/tmp/driftdrill-report-%d", (int)getpid());
    return made;
}

static void unmake(struct made *made)
{
    engine_result_deinit(&made->play.engine);
    json_decref(made->versions);
    json_decref(made->options);
    unlink(made->path);
}

static json_t *write_and_read_json(struct made *made)
{
    struct error error = {0};
    json_error_t fault;
    cr_assert_eq(report_write_json(&made->report, made->path, &error), ERR_OK, "%s", error.text);
    json_t *verdict = json_load_file(made->path, JSON_REJECT_DUPLICATES, &fault);
    cr_assert_not_null(verdict, "%s", fault.text);
    return verdict;
}

static const char *text_at(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text == NULL ? "" : text;
}

Test(report, the_verdict_has_every_part_a_reader_needs)
{
    static const char *const keys[] = {
        "verdict",    "interrupted",      "scenario",     "scenario_file",
        "seed",       "started",          "ended_s",      "time_scale",
        "data",       "target",           "expectations", "invalid_because",
        "alerts",     "phases",           "load",         "reconciliation",
        "lost",       "retrained_s",      "options",      "versions",
        "objectives", "data_fingerprint", "floors",       "not_applicable"};
    struct made made;
    json_t *verdict = write_and_read_json(make(&made));
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        cr_expect_not_null(json_object_get(verdict, keys[i]), "%s", keys[i]);
    }
    cr_expect_str_eq(text_at(verdict, "verdict"), "invalid");
    cr_expect_str_eq(text_at(verdict, "data_fingerprint"), "0000000000000abc");
    const json_t *rows = json_object_get(verdict, "expectations");
    cr_assert_eq(json_array_size(rows), 3);
    cr_expect_str_eq(text_at(json_array_get(rows, 1), "name"), "a < b & \"c\" > 'd'");
    cr_expect_str_eq(text_at(json_array_get(rows, 1), "outcome"), "fail");
    cr_expect_str_eq(text_at(json_array_get(rows, 2), "outcome"), "invalid");
    cr_expect_str_eq(
        json_string_value(json_array_get(json_object_get(verdict, "invalid_because"), 0)),
        "the <dog> died");
    json_decref(verdict);
    unmake(&made);
}

Test(report, what_is_not_applicable_is_listed_with_its_reason)
{
    struct made made;
    struct buf text;
    make(&made);
    struct applicable *applicable = mem_zalloc(1, sizeof *applicable);
    applicable->count = 1;
    snprintf(applicable->gap[0].name, sizeof applicable->gap[0].name, "A <silent>");
    snprintf(applicable->gap[0].why, sizeof applicable->gap[0].why, "no \"x\"");
    made.report.applicable = applicable;
    json_t *verdict = write_and_read_json(&made);
    const json_t *gaps = json_object_get(verdict, "not_applicable");
    cr_assert_eq(json_array_size(gaps), 1);
    cr_expect_str_eq(text_at(json_array_get(gaps, 0), "name"), "A <silent>");
    cr_expect_str_eq(text_at(json_array_get(gaps, 0), "why"), "no \"x\"");
    json_decref(verdict);
    cr_assert_eq(report_write_junit(&made.report, made.path, NULL), ERR_OK);
    buf_init(&text, 1u << 20);
    cr_assert_eq(file_read(made.path, &text, NULL), ERR_OK);
    cr_expect_not_null(strstr(text.data, "tests=\"5\" failures=\"1\" errors=\"2\" skipped=\"1\""));
    cr_expect_not_null(strstr(text.data, "name=\"A &lt;silent&gt;\"><skipped message=\"not "
                                         "applicable: no &quot;x&quot;\"/>"));
    buf_deinit(&text);
    mem_free(applicable);
    unmake(&made);
}

Test(report, what_did_not_happen_is_null)
{
    struct made made;
    json_t *verdict = write_and_read_json(make(&made));
    const json_t *alert = json_array_get(json_object_get(verdict, "alerts"), 0);
    const json_t *episode = json_array_get(json_object_get(alert, "episodes"), 0);
    cr_expect_eq(json_real_value(json_object_get(episode, "firing_s")), 1.5);
    cr_expect(json_is_null(json_object_get(episode, "resolved_s")));
    cr_expect(json_is_null(json_object_get(episode, "notified_s")), "infinite");
    cr_expect(json_is_null(json_object_get(alert, "objective")));
    cr_expect(json_is_null(json_object_get(alert, "onset_s")), "nothing was injected");
    cr_expect(json_is_null(json_object_get(verdict, "retrained_s")));
    cr_expect(json_is_null(json_object_get(verdict, "objectives")));
    const json_t *empty = json_array_get(json_object_get(verdict, "phases"), 1);
    cr_expect(json_is_null(json_object_get(empty, "conversion")), "no lists in it");
    const json_t *row = json_array_get(json_object_get(verdict, "reconciliation"), 0);
    cr_expect(json_is_null(json_object_get(row, "target")), "not dropped");
    json_decref(verdict);
    unmake(&made);
}

/* A path, and a text that was cut in the middle of a character. */
Test(report, bytes_that_are_not_utf8_do_not_lose_the_verdict)
{
    struct made made;
    make(&made);
    snprintf(made.scenario.path, sizeof made.scenario.path,
             "donn\xe9"
             "es/a.yml");
    snprintf(made.judgement.row[0].observed, sizeof made.judgement.row[0].observed, "cut \xc3");
    made.report.data_name = "\xff";
    json_t *verdict = write_and_read_json(&made);
    cr_expect_str_eq(text_at(verdict, "scenario_file"), "donn?es/a.yml");
    cr_expect_str_eq(text_at(verdict, "data"), "?");
    cr_expect_str_eq(
        text_at(json_array_get(json_object_get(verdict, "expectations"), 0), "observed"), "cut ?");
    json_decref(verdict);
    unmake(&made);
}

Test(report, a_text_from_anywhere_becomes_json)
{
    json_t *null = report_text(NULL), *text = report_text("caf\xc3\xa9 \xe9");
    cr_expect(json_is_null(null));
    cr_expect_str_eq(json_string_value(text), "caf\xc3\xa9 ?");
    json_decref(null);
    json_decref(text);
}

static void read_junit(struct made *made, struct buf *text)
{
    struct error error = {0};
    buf_init(text, 1u << 20);
    cr_assert_eq(report_write_junit(&made->report, made->path, &error), ERR_OK, "%s", error.text);
    cr_assert_eq(file_read(made->path, text, NULL), ERR_OK);
}

static int count_of(const char *text, const char *word)
{
    int count = 0;
    for (const char *at = text; (at = strstr(at, word)) != NULL; at += strlen(word)) {
        count++;
    }
    return count;
}

Test(report, junit_counts_what_it_holds)
{
    struct made made;
    struct buf text;
    read_junit(make(&made), &text);
    cr_expect_not_null(strstr(text.data, "tests=\"4\" failures=\"1\" errors=\"2\" skipped=\"0\""),
                       "%s", text.data);
    cr_expect_eq(count_of(text.data, "<testcase "), 4);
    cr_expect_eq(count_of(text.data, "</testcase>"), 4);
    cr_expect_eq(count_of(text.data, "<failure "), 1);
    cr_expect_eq(count_of(text.data, "<error "), 2);
    buf_deinit(&text);
    unmake(&made);
}

Test(report, junit_escapes_what_xml_forbids)
{
    struct made made;
    struct buf text;
    make(&made);
    snprintf(made.judgement.row[0].name, sizeof made.judgement.row[0].name, "\xe9t\xc3\xa9");
    read_junit(&made, &text);
    cr_expect_not_null(strstr(text.data, "name=\"a &lt; b &amp; &quot;c&quot; &gt; 'd'\""), "%s",
                       text.data);
    cr_expect_not_null(strstr(text.data, ">xy\tz</failure>"), "the control character is dropped");
    cr_expect_not_null(strstr(text.data, "the &lt;dog&gt; died"));
    cr_expect_not_null(strstr(text.data, "name=\"?t\xc3\xa9\""), "only what is not UTF-8");
    buf_deinit(&text);
    unmake(&made);
}

Test(report, a_folder_that_is_not_there_is_an_error)
{
    struct made made;
    struct error error = {0};
    make(&made);
    cr_expect_eq(report_write_json(&made.report, "/tmp/no/such/folder/v.json", &error), ERR_IO);
    cr_expect_not_null(strstr(error.where, "no/such/folder"));
    cr_expect_eq(report_write_junit(&made.report, "/tmp/no/such/folder/j.xml", NULL), ERR_IO);
    unmake(&made);
}

/* What the terminal shows, read back from a file in place of stdout. */
static void print_to(struct made *made, struct buf *text)
{
    cr_assert_not_null(freopen(made->path, "w", stdout));
    report_print(&made->report);
    fflush(stdout);
    buf_init(text, 1u << 20);
    cr_assert_eq(file_read(made->path, text, NULL), ERR_OK);
}

Test(report, the_table_gives_each_observation_a_line_in_its_column)
{
    struct made made;
    struct buf text;
    make(&made);
    snprintf(made.judgement.row[0].observed, sizeof made.judgement.row[0].observed, "one; two");
    print_to(&made, &text);
    const char *one = strstr(text.data, "one\n");
    const char *header = strstr(text.data, "outcome"), *column = strstr(text.data, "observed");
    cr_assert(one != NULL && header != NULL && column != NULL, "%s", text.data);
    const char *row = one;
    while (row[-1] != '\n') {
        row--;
    }
    cr_expect_eq(one - row, column - header, "under its heading");
    const char *two = strstr(one, "two\n");
    cr_assert_not_null(two);
    cr_expect_eq(two - (one + strlen("one\n")), column - header);
    cr_expect_not_null(strstr(text.data, "invalid: the <dog> died\n"));
    cr_expect_not_null(strstr(text.data, "verdict: invalid"));
    cr_expect_not_null(strstr(text.data, "evidence: results/x"));
    buf_deinit(&text);
    unmake(&made);
}

/* As wide as a line of the table may be, and with what it must hold. */
static void expect_table(struct made *made, const char *const *wanted, size_t count)
{
    struct buf text;
    print_to(made, &text);
    for (size_t i = 0; i < count; i++) {
        cr_expect_not_null(strstr(text.data, wanted[i]), "'%s' is not in\n%s", wanted[i],
                           text.data);
    }
    const char *line = strstr(text.data, "delay, s");
    for (; line != NULL && line[1] != '\0' && line < text.data + text.len;) {
        size_t width = strcspn(line, "\n");
        cr_expect(width <= 100, "%zu columns: %.*s", width, (int)width, line);
        line += width + 1;
    }
    buf_deinit(&text);
}

Test(report, delays_stand_beside_their_floors_in_a_hundred_columns)
{
    static const char *const wanted[] = {
        "1.9 (2.1)             -   never (3.7)", "14.0      14.7",
        "    = sampling 3.4 + scrape 0.1 + evaluation 0.2 + window 7.8 + for 2.5 + "
        "notification 0.7\n",
        "    no floor ratings: too few <lists>\n",
        "one false alarm in 30 production days; x 60 in production\n"};
    static const struct rules_alert long_rule = {
        .name = "AnAlertWithANameThatIsLongerThanAnybodyWouldLikeToReadInATable", .group = "drift"};
    struct made made;
    make(&made);
    make_delay(&made);
    expect_table(&made, wanted, sizeof wanted / sizeof wanted[0]);
    made.alert.rule = &long_rule;
    expect_table(&made, wanted, 1);
    unmake(&made);
}

Test(report, an_alert_without_a_floor_shows_what_is_known)
{
    static const char *const without[] = {"    no floor: the quantity does not move\n"};
    static const char *const none[] = {"    = window 7.8 + for 2.5 + notification 0.7\n"};
    struct made made;
    make(&made);
    make_delay(&made);
    made.floors.row[0].exists = false;
    snprintf(made.floors.row[0].why, FLOORS_WHY_SIZE, "the quantity does not move");
    expect_table(&made, without, 1);
    made.delays.budget[0].has_floor = false;
    made.delays.budget[0].floors = NULL;
    expect_table(&made, none, 1);
    unmake(&made);
}

Test(report, the_verdict_holds_delays_and_floors)
{
    struct made made;
    make(&made);
    make_delay(&made);
    json_t *verdict = write_and_read_json(&made);
    const json_t *delay =
        json_object_get(json_array_get(json_object_get(verdict, "alerts"), 0), "delay");
    const json_t *floors = json_object_get(delay, "floors");
    cr_assert(json_is_object(delay) && json_is_object(floors));
    cr_expect_float_eq(json_real_value(json_object_get(delay, "delay_s")), 14.7, 1e-6);
    cr_expect_float_eq(json_real_value(json_object_get(delay, "firing_delay_s")), 14.0, 1e-6);
    cr_expect_float_eq(json_real_value(json_object_get(delay, "production_s")), 882, 1e-6);
    double sum = 0;
    const char *name;
    json_t *part;
    json_object_foreach(json_object_get(delay, "budget"), name, part)
    {
        sum += json_real_value(part);
    }
    cr_expect_float_eq(sum, 14.7, 1e-6);
    const json_t *everything = json_object_get(floors, "everything");
    cr_expect_float_eq(json_real_value(json_object_get(everything, "production_s")), 114, 1e-6);
    const json_t *exported = json_object_get(floors, "exported");
    cr_expect(json_is_null(json_object_get(exported, "delay_s")), "never reached");
    cr_expect_float_eq(json_real_value(json_object_get(exported, "production_s")), 222, 1e-6);
    cr_expect_str_eq(text_at(json_object_get(floors, "ratings"), "why"), "too few <lists>");
    cr_expect_eq(json_array_size(json_object_get(json_object_get(verdict, "floors"), "rows")), 1);
    json_decref(verdict);
    unmake(&made);
}

Test(report, junit_has_the_delays_as_properties)
{
    static const struct rules_alert odd = {.name = "Low<\"", .group = "drift"};
    struct made made;
    struct buf text;
    make(&made);
    make_delay(&made);
    made.alert.rule = &odd;
    read_junit(&made, &text);
    cr_expect_not_null(
        strstr(text.data, "<property name=\"Low&lt;&quot;.delay_s\" value=\"14.700\"/>"), "%s",
        text.data);
    cr_expect_not_null(strstr(text.data, ".floor.everything_s\" value=\"1.900\"/>"));
    cr_expect_null(strstr(text.data, ".floor.ratings_s"), "it does not exist");
    cr_expect_null(strstr(text.data, "nan"));
    cr_expect_eq(count_of(text.data, ".budget."), DELAY_PARTS);
    cr_expect_lt(strstr(text.data, "</properties>"), strstr(text.data, "<testcase"));
    buf_deinit(&text);
    unmake(&made);
}
