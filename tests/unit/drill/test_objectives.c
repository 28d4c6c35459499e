#include "drill/objectives.h"

#include "base/buf.h"
#include "base/fileio.h"
#include "base/yaml.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct objectives_head head = {.scenario = "taste-shift",
                                            .data = "ml-latest-small",
                                            .fingerprint = UINT64_C(0x00d9c42aba1cbb79),
                                            .people = 20000,
                                            .seed = 4000000000000000,
                                            .target = "driftdrill-recommender 0.1.0",
                                            .lists = 12074,
                                            .ratings = 3781,
                                            .conversion = 0.2767,
                                            .reciprocal_rank = 0.1255,
                                            .mean_rating = 3.7704,
                                            .rating_share = {.03, .08, .25, .43, .21},
                                            .item_rank = 4.25,
                                            .calibration_gap = -.0625,
                                            .without_history = .125,
                                            .source_count = 2,
                                            .source = {{"base", .0365}, {"a \"b\": {c}", .5}}};

static const char *scratch_path(void)
{
    static char path[64];
    snprintf(path, sizeof path, "/tmp/driftdrill-objectives-%d.yml", (int)getpid());
    return path;
}

static void read_text(struct buf *text)
{
    buf_init(text, 65536);
    cr_assert_eq(file_read(scratch_path(), text, NULL), ERR_OK);
}

Test(objectives, what_is_written_reads_back)
{
    struct objectives_head back;
    bool is_objectives = false;
    memset(&back, 0x55, sizeof back);
    cr_assert_eq(objectives_write(scratch_path(), &head, NULL), ERR_OK);
    cr_assert_eq(objectives_read(scratch_path(), &is_objectives, &back, NULL), ERR_OK);
    cr_expect(is_objectives);
    cr_expect_str_eq(back.scenario, head.scenario);
    cr_expect_str_eq(back.data, head.data);
    cr_expect_str_eq(back.target, head.target);
    cr_expect_eq(back.fingerprint, head.fingerprint);
    cr_expect_eq(back.people, head.people);
    cr_expect_eq(back.seed, head.seed);
    cr_expect_eq(back.lists, head.lists);
    cr_expect_eq(back.ratings, head.ratings);
    cr_expect_float_eq(back.conversion, head.conversion, 1e-4);
    cr_expect_float_eq(back.reciprocal_rank, head.reciprocal_rank, 1e-4);
    cr_expect_float_eq(back.mean_rating, head.mean_rating, 1e-4);
    for (int i = 0; i < OBJECTIVES_SHARES; i++) {
        cr_expect_float_eq(back.rating_share[i], head.rating_share[i], 1e-5);
    }
    cr_expect_float_eq(back.item_rank, head.item_rank, 1e-4);
    cr_expect_float_eq(back.calibration_gap, head.calibration_gap, 1e-4);
    cr_expect_float_eq(back.without_history, head.without_history, 1e-4);
    cr_assert_eq(back.source_count, head.source_count);
    for (int s = 0; s < head.source_count; s++) {
        cr_expect_str_eq(back.source[s].name, head.source[s].name);
        cr_expect_float_eq(back.source[s].conversion, head.source[s].conversion, 1e-5);
    }
    unlink(scratch_path());
}

static double record_value(const json_t *document, const char *record)
{
    const json_t *rules =
        json_object_get(json_array_get(json_object_get(document, "groups"), 0), "rules");
    for (size_t i = 0; i < json_array_size(rules); i++) {
        const json_t *rule = json_array_get(rules, i);
        double value = -1;
        if (strcmp(json_string_value(json_object_get(rule, "record")), record) == 0 &&
            sscanf(json_string_value(json_object_get(rule, "expr")), "vector(%lf)", &value) == 1) {
            return value;
        }
    }
    return -1;
}

Test(objectives, the_bounds_leave_their_margins)
{
    json_t *document = NULL;
    cr_assert_eq(objectives_write(scratch_path(), &head, NULL), ERR_OK);
    cr_assert_eq(yaml_read_file(scratch_path(), &document, NULL, NULL), ERR_OK,
                 "it is a rule file");
    cr_expect_float_eq(record_value(document, "objective:recommendation_conversion:min"),
                       0.75 * head.conversion, 1e-4);
    cr_expect_float_eq(record_value(document, "objective:recommendation_reciprocal_rank:min"),
                       0.78 * head.reciprocal_rank, 1e-4);
    cr_expect_float_eq(record_value(document, "objective:user_rating_mean:min"),
                       head.mean_rating - 0.25, 1e-3);
    cr_expect_float_eq(record_value(document, "objective:user_rating_psi:max"), 0.1, 1e-9);
    cr_expect_float_eq(record_value(document, "objective:user_rating_share"), head.rating_share[0],
                       1e-5, "the first of five");
    cr_expect_float_eq(record_value(document, "objective:item_rank_mean:max"), 1.1 * head.item_rank,
                       1e-4);
    cr_expect_float_eq(record_value(document, "objective:recommendation_source_psi:max"), 0.1,
                       1e-9);
    cr_expect_float_eq(record_value(document, "objective:rating_calibration_gap:rest"),
                       head.calibration_gap, 1e-4);
    cr_expect_float_eq(record_value(document, "objective:rating_calibration_gap:max"), 0.25, 1e-9);
    cr_expect_float_eq(record_value(document, "objective:recommendation_lists_without_history:max"),
                       head.without_history + 0.2, 1e-4);
    cr_expect_float_eq(record_value(document, "objective:source_conversion:min"),
                       0.6 * head.source[0].conversion, 1e-5, "the first of two");
    json_decref(document);
    unlink(scratch_path());
}

Test(objectives, what_a_target_does_not_export_has_no_objective)
{
    static const char *const records[] = {
        "objective:item_rank_mean:max", "objective:rating_calibration_gap:rest",
        "objective:rating_calibration_gap:max",
        "objective:recommendation_lists_without_history:max", "objective:source_conversion:min"};
    struct objectives_head little = head, back;
    json_t *document = NULL;
    bool is_objectives = false;
    little.item_rank = little.calibration_gap = little.without_history = NAN;
    little.source_count = 0;
    cr_assert_eq(objectives_write(scratch_path(), &little, NULL), ERR_OK);
    cr_assert_eq(objectives_read(scratch_path(), &is_objectives, &back, NULL), ERR_OK);
    cr_expect(isnan(back.item_rank) && isnan(back.calibration_gap) && isnan(back.without_history));
    cr_expect_eq(back.source_count, 0);
    cr_assert_eq(yaml_read_file(scratch_path(), &document, NULL, NULL), ERR_OK);
    for (size_t i = 0; i < sizeof records / sizeof records[0]; i++) {
        cr_expect_float_eq(record_value(document, records[i]), -1, 0, "%s", records[i]);
    }
    json_decref(document);
    unlink(scratch_path());
}

/* Writes the usual file with `find` replaced, and reads it. */
static enum err read_damaged(const char *find, const char *replace, bool *is_objectives,
                             struct error *error)
{
    struct buf text, damaged;
    struct objectives_head back;
    cr_assert_eq(objectives_write(scratch_path(), &head, NULL), ERR_OK);
    read_text(&text);
    buf_init(&damaged, 65536);
    const char *at = strstr(text.data, find);
    cr_assert_not_null(at, "%s", find);
    buf_add(&damaged, text.data, (size_t)(at - text.data));
    buf_text(&damaged, replace);
    buf_text(&damaged, at + strlen(find));
    cr_assert_eq(file_write(scratch_path(), damaged.data, damaged.len, NULL), ERR_OK);
    buf_deinit(&text);
    buf_deinit(&damaged);
    enum err code = objectives_read(scratch_path(), is_objectives, &back, error);
    unlink(scratch_path());
    return code;
}

Test(objectives, a_damaged_head_is_refused)
{
    static const struct {
        const char *find, *replace;
    } rows[] = {
        {"# data: ", "# dat: "},
        {"# fingerprint: 00d9c42aba1cbb79", "# fingerprint: 00d9c42aba1cbb7"},
        {"# fingerprint: 00d9c42aba1cbb79", "# fingerprint: -0d9c42aba1cbb79"},
        {"# fingerprint: 00d9c42aba1cbb79", "# fingerprint: 00d9c42aba1cbb790"},
        {"# people: 20000", "# people: many"},
        {"# people: 20000", "# people: 2e9999"},
        {"# people: 20000", "# people: 99999999999"},
        {"# people: 20000", "# people: -1"},
        {"# seed: 4000000000000000", "# seed: 1.5"},
        {"# lists: 12074\n", ""},
        {"# ratings: 3781", "# ratings: "},
        {"# conversion: 0.2767", "# conversion: nan"},
        {"# mean_rating: 3.7704", "# mean_rating: 0x3"},
        {"# target: driftdrill-recommender 0.1.0\n", ""},
        {"version 3\n", "version 2\n"},
        {"version 3\n", "version 4\n"},
        {"version 3\n", "version 30\n"},
        {"# item_rank: 4.2500", "# item_rank: none"},
        {"# calibration_gap: ", "# calibration: "},
        {"# lists_without_history: 0.1250", "# lists_without_history: "},
        {"# source_conversion: {", "# source_conversion: [{"},
        {"\"base\": 0.03650", "\"base\": \"0.03650\""},
        {"\"base\": 0.03650", "\"base\": 1.03650"},
        {"\"base\": 0.03650", "\"base\": 0.03650, \"base\": 0.03650"},
        {"# rating_shares: 0.03000", "# rating_shares: 0.13000"},
        {"# rating_shares: 0.03000", "# rating_shares: -.03000"},
        {"# rating_shares: 0.03000 ", "# rating_shares: "},
        {"# rating_shares: 0.03000", "# rating_shares: 0.00000 0.03000"},
        {"# rating_shares:", "# shares:"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct error error = {0};
        bool is_objectives = false;
        cr_expect_eq(read_damaged(rows[i].find, rows[i].replace, &is_objectives, &error), ERR_INPUT,
                     "'%s' for '%s'", rows[i].replace, rows[i].find);
        cr_expect_not_null(strstr(error.text, "--calibrate"), "%s", error.text);
    }
}

Test(objectives, names_longer_than_their_field_are_refused)
{
    char target[300];
    struct error error = {0};
    bool is_objectives = false;
    snprintf(target, sizeof target, "# target: %0200d", 1);
    cr_expect_eq(
        read_damaged("# target: driftdrill-recommender 0.1.0", target, &is_objectives, &error),
        ERR_INPUT);
}

Test(objectives, lines_may_end_with_carriage_returns)
{
    bool is_objectives = false;
    cr_expect_eq(read_damaged("version 3\n", "version 3\r\n", &is_objectives, NULL), ERR_OK);
    cr_expect(is_objectives);
}

Test(objectives, other_rule_files_are_not_objectives)
{
    static const char *const files[] = {"prometheus/rules/drift.yml",
                                        "prometheus/rules/infrastructure.yml"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        struct objectives_head unused;
        bool is_objectives = true;
        cr_expect_eq(objectives_read(files[i], &is_objectives, &unused, NULL), ERR_OK, "%s",
                     files[i]);
        cr_expect_not(is_objectives, "%s", files[i]);
    }
}

Test(objectives, an_absent_or_empty_file_is_none)
{
    struct objectives_head unused;
    bool is_objectives = true;
    cr_expect_neq(objectives_read("/tmp/no/such/file.yml", &is_objectives, &unused, NULL), ERR_OK);
    cr_expect_not(is_objectives);
    is_objectives = true;
    cr_assert_eq(file_write(scratch_path(), "", 0, NULL), ERR_OK);
    cr_expect_eq(objectives_read(scratch_path(), &is_objectives, &unused, NULL), ERR_OK);
    cr_expect_not(is_objectives);
    unlink(scratch_path());
}

Test(objectives, they_fit_the_same_data_people_and_target_only)
{
    cr_expect(objectives_fit(&head, head.fingerprint, head.people, head.target));
    cr_expect_not(objectives_fit(&head, head.fingerprint + 1, head.people, head.target));
    cr_expect_not(objectives_fit(&head, head.fingerprint, head.people + 1, head.target));
    cr_expect_not(
        objectives_fit(&head, head.fingerprint, head.people, "driftdrill-recommender 0.2"));
}
