#include "base/buf.h"
#include "base/fileio.h"
#include "base/mem.h"
#include "load/ledger.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MS INT64_C(1000000)
#define SECOND INT64_C(1000000000)

Test(ledger, window_takes_whole_buckets_inside_it)
{
    static const struct {
        int64_t from_ms, to_ms, lists;
    } rows[] = {
        {0, 1000, 10},  {100, 1000, 9}, {99, 1000, 9},   {1, 1000, 9}, {0, 999, 9},
        {0, 901, 9},    {250, 450, 1},  {201, 299, 0},   {0, 0, 0},    {500, 300, 0},
        {-700, 200, 2}, {-5, -1, 0},    {900, 99999, 1},
    };
    struct ledger *ledger = ledger_new(SECOND, NULL, 0);
    for (int i = 0; i < 10; i++) {
        ledger_observed_at(ledger, i * 100 * MS + 99 * MS)->lists++;
    }
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ledger_counts counts =
            ledger_window(ledger, rows[i].from_ms * MS, rows[i].to_ms * MS);
        cr_expect_eq(counts.lists, rows[i].lists, "row %zu: %lld", i, (long long)counts.lists);
    }
    cr_expect_eq(ledger_total(ledger).lists, 10);
    ledger_free(ledger);
}

Test(ledger, observed_time_grows_beyond_the_end)
{
    struct ledger *ledger = ledger_new(SECOND, NULL, 0);
    ledger_observed_at(ledger, 700 * SECOND)->rated = 3;
    ledger_observed_at(ledger, -SECOND)->rated = 2;
    cr_expect_eq(ledger_window(ledger, 700 * SECOND, 701 * SECOND).rated, 3);
    cr_expect_eq(ledger_window(ledger, 0, SECOND).rated, 2);
    cr_expect_eq(ledger_total(ledger).rated, 5);
    ledger_free(ledger);
}

Test(ledger, exhausted_memory_is_counted_and_loses_no_count)
{
    struct ledger *ledger = ledger_new(SECOND, NULL, 0);
    mem_fail_after(1);
    ledger_observed_at(ledger, 700 * SECOND)->lists++;
    mem_fail_after(0);
    cr_expect_eq(ledger->lost, 1);
    cr_expect_eq(ledger_total(ledger).lists, 1);
    ledger_free(ledger);
}

Test(ledger, nominal_time_falls_into_its_phase)
{
    static const int64_t starts[] = {0, 20 * SECOND, 60 * SECOND};
    static const struct {
        int64_t at_ns;
        int phase;
    } rows[] = {{-1, 0},          {0, 0},           {20 * SECOND - 1, 0},
                {20 * SECOND, 1}, {60 * SECOND, 2}, {999 * SECOND, 2}};
    struct ledger *ledger = ledger_new(90 * SECOND, starts, 3);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        cr_expect_eq(ledger_nominal_at(ledger, rows[i].at_ns), &ledger->nominal[rows[i].phase],
                     "row %zu", i);
    }
    ledger_free(ledger);
}

Test(ledger, ratios_follow_from_the_counts)
{
    struct ledger_counts counts = {.lists = 10};
    ledger_count_rating(&counts, 1, 10);
    ledger_count_rating(&counts, 4, 6);
    ledger_count_rating(&counts, 3, 5);
    cr_expect_eq(counts.rated, 3);
    cr_expect_eq(counts.converted, 2, "2.5 stars do not convert");
    cr_expect_eq(counts.rank, 8);
    cr_expect_eq(counts.stars[9], 1);
    cr_expect_eq(ledger_ratings(&counts), 3);
    cr_expect_float_eq(ledger_conversion(&counts), 0.2, 1e-12);
    cr_expect_float_eq(ledger_reciprocal_rank(&counts), (1 + 0.25 + 1.0 / 3) / 10, 1e-9);
    cr_expect_float_eq(counts.reciprocal_rank_squares, 1 + 0.0625 + 1.0 / 9, 1e-9);
    cr_expect_float_eq(ledger_mean_rating(&counts), 3.5, 1e-12);
    struct ledger_counts nothing = {0};
    cr_expect(isnan(ledger_conversion(&nothing)));
    cr_expect(isnan(ledger_reciprocal_rank(&nothing)));
    cr_expect(isnan(ledger_mean_rating(&nothing)));
}

/* Without the grid, sums of thirds and sevenths depend on the order in the last bits. */
Test(ledger, reciprocal_ranks_add_up_to_the_same_in_any_order)
{
    struct ledger_counts up = {0}, down = {0}, parts[4] = {{0}}, merged = {0};
    for (int32_t i = 0; i < 6400; i++) {
        ledger_count_rating(&up, i % 64 + 1, 7);
        ledger_count_rating(&down, 64 - i % 64, 7);
        ledger_count_rating(&parts[i % 4], i % 64 + 1, 7);
    }
    for (int i = 3; i >= 0; i--) {
        ledger_counts_add(&merged, &parts[i]);
    }
    cr_expect(up.reciprocal_rank == down.reciprocal_rank);
    cr_expect(up.reciprocal_rank == merged.reciprocal_rank);
    cr_expect(up.reciprocal_rank_squares == down.reciprocal_rank_squares);
    cr_expect(up.reciprocal_rank_squares == merged.reciprocal_rank_squares);
}

Test(ledger, digest_depends_on_every_part_of_a_step_but_not_on_the_order)
{
    static const struct ledger_step base = {
        .person = 3, .step = 2, .list = 99, .rank = 4, .half_stars = 7, .outcome = LEDGER_RATED};
    struct ledger_step other[6];
    struct ledger *one = ledger_new(0, NULL, 0), *two = ledger_new(0, NULL, 0);
    for (int i = 0; i < 6; i++) {
        other[i] = base;
    }
    other[0].person = 4;
    other[1].step = 3;
    other[2].list = 100;
    other[3].rank = 5;
    other[4].half_stars = 8;
    other[5].outcome = LEDGER_POST_FAILED;
    ledger_add_step(one, &base);
    uint64_t alone = one->digest;
    for (int i = 0; i < 6; i++) {
        two->digest = 0;
        ledger_add_step(two, &other[i]);
        cr_expect_neq(two->digest, alone, "part %d", i);
    }
    two->digest = 0;
    for (int i = 0; i < 6; i++) {
        ledger_add_step(one, &other[i]);
        ledger_add_step(two, &other[5 - i]);
    }
    ledger_add_step(two, &base);
    cr_expect_eq(one->digest, two->digest);
    static const int32_t ab[] = {1, 2}, ba[] = {2, 1}, with_unknown[] = {1, -1};
    cr_expect_neq(ledger_list_hash(ab, 2), ledger_list_hash(ba, 2));
    cr_expect_neq(ledger_list_hash(ab, 2), ledger_list_hash(ab, 1));
    cr_expect_neq(ledger_list_hash(ab, 2), ledger_list_hash(with_unknown, 2));
    ledger_free(one);
    ledger_free(two);
}

Test(ledger, merging_adds_everything)
{
    static const int64_t starts[] = {0, SECOND};
    struct ledger *into = ledger_new(2 * SECOND, starts, 2), *from = ledger_new(0, starts, 2);
    ledger_observed_at(into, 300 * MS)->lists = 1;
    ledger_observed_at(from, 300 * MS)->lists = 2;
    ledger_observed_at(from, 90 * SECOND)->lists = 4;
    ledger_nominal_at(from, SECOND)->post_failed = 5;
    into->visits = 1;
    from->visits = from->visits_delayed = from->steps = from->steps_late = 10;
    from->steps_unsent = from->lost = 3;
    from->digest = UINT64_MAX;
    into->digest = 2;
    ledger_merge(into, from, NULL);
    cr_expect_eq(ledger_window(into, 300 * MS, 400 * MS).lists, 3);
    cr_expect_eq(ledger_total(into).lists, 7);
    cr_expect_eq(into->nominal[1].post_failed, 5);
    cr_expect_eq(into->nominal[0].post_failed, 0);
    cr_expect_eq(into->visits, 11);
    cr_expect_eq(into->visits_delayed + into->steps + into->steps_late, 30);
    cr_expect_eq(into->steps_unsent + into->lost, 6);
    cr_expect_eq(into->digest, 1);
    ledger_free(into);
    ledger_free(from);
}

static uint8_t source(struct ledger *ledger, const char *spelled)
{
    struct scan_text text = {spelled, strlen(spelled)};
    return ledger_source(ledger, &text);
}

Test(ledger, sources_are_known_by_what_they_spell)
{
    struct ledger *ledger = ledger_new(0, NULL, 0);
    static const struct scan_text none = {NULL, 0};
    char longest[LEDGER_SOURCE_SIZE + 1];
    cr_expect_eq(source(ledger, "base"), 0);
    cr_expect_eq(source(ledger, "b\\u0061se"), 0);
    cr_expect_eq(source(ledger, "caf\xc3\xa9"), 1);
    cr_expect_eq(source(ledger, "caf\\u00e9"), 1);
    cr_expect_eq(source(ledger, ""), 2, "an empty name is a name");
    cr_expect_eq(ledger_source(ledger, &none), LEDGER_UNNAMED);
    cr_expect_eq(ledger->source_count, 3);
    cr_expect_eq(ledger->sources_dropped, 0, "no name is no fault");
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    cr_expect_eq(source(ledger, longest), LEDGER_UNNAMED);
    cr_expect_eq(source(ledger, longest + 1), 3);
    cr_expect_eq(source(ledger, "half of \\ud83c"), LEDGER_UNNAMED);
    cr_expect_eq(ledger->sources_dropped, 2);
    for (int s = ledger->source_count; s <= LEDGER_SOURCES_MAX; s++) {
        char name[16];
        (void)snprintf(name, sizeof name, "s%d", s);
        cr_expect_eq(source(ledger, name), s < LEDGER_SOURCES_MAX ? s : LEDGER_UNNAMED);
    }
    cr_expect_eq(ledger->sources_dropped, 3);
    ledger_free(ledger);
}

/* A ledger that met these sources in this order, films of source s shown s + 1 times. */
static struct ledger *met(const char *const *names, int count)
{
    struct ledger *ledger = ledger_new(0, NULL, 0);
    for (int s = 0; s < count; s++) {
        uint8_t at = source(ledger, names[s]);
        int64_t shown = names[s][0] - 'a' + 1;
        struct ledger_counts counts = {.items = shown};
        counts.items_by[at] = shown;
        counts.rated_by[at] = s;
        ledger_note(ledger, 0, 0, &counts);
        ledger->places[0].items[at][s] += shown;
        ledger->places[0].rated[at][s][9] += s;
    }
    return ledger;
}

Test(ledger, sources_are_merged_by_name_and_end_in_alphabetical_order)
{
    static const char *const one[] = {"c", "a"}, *const two[] = {"b", "c", "d"};
    struct ledger *forth = met(one, 2), *back = met(two, 3);
    struct ledger *a = met(one, 2), *b = met(two, 3);
    uint8_t map[LEDGER_SOURCE_ROWS];
    ledger_merge(forth, b, map);
    cr_expect_eq(map[0], 2, "b was new");
    cr_expect_eq(map[1], 0, "c was known");
    cr_expect_eq(map[LEDGER_UNNAMED], LEDGER_UNNAMED);
    ledger_merge(back, a, NULL);
    ledger_settle(forth, map);
    cr_expect_eq(map[0], 2, "c is the third of four");
    ledger_settle(back, NULL);
    cr_expect_eq(forth->source_count, 4);
    for (int s = 0; s < 4; s++) {
        cr_expect_eq(forth->source[s][0], 'a' + s);
        cr_expect_str_eq(forth->source[s], back->source[s]);
        cr_expect_eq(forth->nominal[0].items_by[s], (s == 2 ? 2 : 1) * (s + 1));
    }
    cr_expect_eq(memcmp(forth->places, back->places, sizeof *forth->places), 0);
    cr_expect_eq(memcmp(forth->nominal, back->nominal, sizeof *forth->nominal), 0);
    cr_expect_eq(memcmp(forth->observed, back->observed, sizeof *forth->observed), 0);
    cr_expect_eq(forth->places[0].items[2][0], 3, "c at the first place of one");
    cr_expect_eq(forth->places[0].items[2][1], 3, "... and at the second of the other");
    ledger_free(forth);
    ledger_free(back);
    ledger_free(a);
    ledger_free(b);
}

Test(ledger, sources_that_find_no_room_in_a_merge_are_told)
{
    static const char *const many[] = {"a", "b", "c", "d", "e", "f", "g", "h"}, *const more[] = {
                                                                                    "z"};
    struct ledger *into = met(many, LEDGER_SOURCES_MAX), *from = met(more, 1);
    ledger_merge(into, from, NULL);
    cr_expect_eq(into->sources_dropped, 26);
    cr_expect_eq(into->nominal[0].items_by[LEDGER_UNNAMED], 26);
    cr_expect_eq(into->places[0].items[LEDGER_UNNAMED][0], 26);
    ledger_free(into);
    ledger_free(from);
}

/* One list; its rating has 4 stars with the probability `converted`, else 3.5. */
static void count_expected(struct ledger_expected *sum, double rated, double converted,
                           double reciprocal_rank, double stars)
{
    const struct ledger_expected one = {.rated = rated,
                                        .converted = converted,
                                        .reciprocal_rank = reciprocal_rank,
                                        .stars = stars,
                                        .half_stars = {[6] = rated - converted, [7] = converted}};
    ledger_count_expected(sum, &one);
}

Test(ledger, expected_values_add_up_to_the_same_in_any_order)
{
    struct ledger_expected up = {0}, down = {0};
    for (int i = 1; i <= 5000; i++) {
        int j = 5001 - i;
        count_expected(&up, 1.0 / i, 0.3 / i, 0.1 / i, 3.7 / i);
        count_expected(&down, 1.0 / j, 0.3 / j, 0.1 / j, 3.7 / j);
    }
    cr_expect_eq(memcmp(&up, &down, sizeof up), 0);
    cr_expect_float_eq(up.half_stars[6], up.rated - up.converted, 1e-6);
    cr_expect_float_eq(up.half_stars[7], up.converted, 1e-6);
    cr_expect_float_eq(ledger_expected_conversion(&up) / ledger_expected_rated_share(&up), 0.3,
                       1e-6);
    cr_expect_float_eq(ledger_expected_mean_rating(&up), 3.7, 1e-6);
    cr_expect_float_eq(ledger_expected_reciprocal_rank(&up), 0.1 * ledger_expected_rated_share(&up),
                       1e-6);
}

Test(ledger, statuses_fall_into_classes)
{
    static const struct {
        long status;
        int class;
    } rows[] = {{0, 0},   {100, 1}, {200, 2}, {299, 2}, {302, 3},
                {429, 4}, {503, 5}, {700, 5}, {42, 5},  {-3, 5}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t by_class[LEDGER_STATUS_CLASSES] = {0};
        ledger_count_status(by_class, rows[i].status);
        cr_expect_eq(by_class[rows[i].class], 1, "%ld", rows[i].status);
    }
}

static json_int_t number(const json_t *line, const char *key)
{
    return json_integer_value(json_object_get(line, key));
}

/* Expectations of two lists in the third second, and a source whose name needs escapes. */
static void write_down_truth(struct ledger *ledger)
{
    const struct drift drift = {.count = 1,
                                .injection = {{.kind = DRIFT_CHOICE_ROTATION,
                                               .shape = DRIFT_LINEAR,
                                               .onset_ns = SECOND,
                                               .ramp_ns = 2 * SECOND,
                                               .end_ns = INT64_MAX}}};
    struct ledger_counts *counts = ledger_observed_at(ledger, 2600 * MS);
    counts->lists = 2;
    count_expected(&counts->now, 0.5, 0.25, 0.125, 2);
    count_expected(&counts->now, 0.5, 0.5, 0.25, 1.5);
    count_expected(&counts->rest, 1, 1, 1, 4.5);
    uint8_t at = source(ledger, "a \\\"b\\\\c\\u0001");
    ledger_places_at(ledger, 3 * SECOND)->items[at][1] = 5;
    ledger_places_at(ledger, 3 * SECOND)->rated[at][1][8] = 3;
    ledger_set_drift(ledger, &drift);
}

static double value_of(const json_t *line, const char *which, const char *name)
{
    const json_t *value = json_object_get(json_object_get(line, which), name);
    return json_is_null(value) ? NAN : json_real_value(value);
}

static void expect_second(const json_t *line, int second)
{
    const json_t *intensity = json_array_get(json_object_get(line, "intensity"), 0);
    static const double expected[] = {0, 0.25, 0.75};
    cr_expect_float_eq(json_real_value(intensity), expected[second], 1e-6);
    cr_expect_eq(json_object_get(line, "expected") != NULL, second == 2);
    if (second == 2) {
        cr_expect_float_eq(value_of(line, "expected", "conversion"), 0.375, 1e-9);
        cr_expect_float_eq(value_of(line, "expected", "reciprocal_rank"), 0.1875, 1e-9);
        cr_expect_float_eq(value_of(line, "expected", "mean_rating"), 3.5, 1e-9);
        cr_expect_float_eq(value_of(line, "expected", "rated_share"), 0.5, 1e-9);
        cr_expect_float_eq(value_of(line, "expected_at_rest", "mean_rating"), 4.5, 1e-9);
        const json_t *stars = json_object_get(line, "expected_stars");
        cr_expect_float_eq(json_real_value(json_array_get(stars, 7)), 0.75, 1e-3);
        cr_expect_float_eq(json_real_value(json_array_get(stars, 6)), 0.25, 1e-3);
        cr_expect_float_eq(value_of(line, "realised", "conversion"), 0.5, 1e-9);
        cr_expect_float_eq(value_of(line, "realised", "mean_rating"), 4.5, 1e-9);
        cr_expect_eq(number(line, "expected_lists"), 2);
    }
}

static void expect_sources(const json_t *line, int phase)
{
    const json_t *sources = json_object_get(line, "sources");
    cr_assert_eq(json_array_size(sources), 2);
    const json_t *named = json_array_get(sources, 0), *unnamed = json_array_get(sources, 1);
    cr_expect_str_eq(json_string_value(json_object_get(named, "source")), "a \"b\\c\x01");
    cr_expect(json_is_null(json_object_get(unnamed, "source")));
    cr_expect_eq(json_array_size(json_object_get(unnamed, "items")), 0);
    const json_t *items = json_object_get(named, "items"), *rated = json_object_get(named, "rated");
    cr_assert_eq(json_array_size(items), phase == 1 ? 2 : 0);
    if (phase == 1) {
        cr_expect_eq(json_integer_value(json_array_get(items, 1)), 5);
        cr_expect_eq(json_integer_value(json_array_get(json_array_get(rated, 1), 8)), 3);
    }
}

Test(ledger, is_written_as_one_object_a_line)
{
    static const int64_t starts[] = {0, 2 * SECOND};
    char path[] = "/tmp/driftdrill-ledger-XXXXXX";
    int fd = mkstemp(path), lines[4] = {0};
    cr_assert_geq(fd, 0);
    close(fd);
    struct ledger *ledger = ledger_new(4 * SECOND, starts, 2);
    ledger_observed_at(ledger, 100 * MS)->lists = 7;
    ledger_count_rating(ledger_observed_at(ledger, 2500 * MS), 2, 9);
    ledger_nominal_at(ledger, 3 * SECOND)->lists = 7;
    write_down_truth(ledger);
    ledger->digest = 0xabc;
    cr_assert_eq(ledger_write(ledger, path, NULL), ERR_OK);
    struct buf text;
    buf_init(&text, 1 << 20);
    cr_assert_eq(file_read(path, &text, NULL), ERR_OK);
    for (char *at = text.data, *end; at < text.data + text.len; at = end + 1) {
        end = strchr(at, '\n');
        cr_assert_not_null(end);
        json_t *line = json_loadb(at, (size_t)(end - at), 0, NULL);
        cr_assert(json_is_object(line));
        const char *kind = json_string_value(json_object_get(line, "kind"));
        if (strcmp(kind, "second") == 0) {
            cr_expect_eq(number(line, "start_s"), lines[0]);
            cr_expect_eq(number(line, "lists"), lines[0] == 0 ? 7 : lines[0] == 2 ? 2 : 0);
            cr_expect_eq(number(line, "rated"), lines[0] == 2 ? 1 : 0);
            expect_second(line, lines[0]);
            lines[0]++;
        } else if (strcmp(kind, "phase") == 0) {
            cr_expect_eq(number(line, "lists"), lines[1] == 1 ? 7 : 0);
            expect_sources(line, lines[1]);
            lines[1]++;
        } else if (strcmp(kind, "injection") == 0) {
            cr_expect_str_eq(json_string_value(json_object_get(line, "what")), "choice-rotation");
            cr_expect_float_eq(json_real_value(json_object_get(line, "onset_s")), 1, 1e-9);
            lines[3]++;
        } else {
            cr_expect_str_eq(kind, "total");
            cr_expect_str_eq(json_string_value(json_object_get(line, "digest")),
                             "0000000000000abc");
            cr_expect_eq(number(line, "converted"), 1);
            cr_expect_eq(json_array_size(json_object_get(line, "stars")), 10);
            lines[2]++;
        }
        json_decref(line);
    }
    cr_expect_eq(lines[0], 3, "seconds up to the last one in which something happened");
    cr_expect_eq(lines[1], 2);
    cr_expect_eq(lines[2], 1);
    cr_expect_eq(lines[3], 1);
    buf_deinit(&text);
    ledger_free(ledger);
    unlink(path);
}

Test(ledger, a_last_second_of_unattributed_ratings_is_written)
{
    char path[] = "/tmp/driftdrill-ledger-XXXXXX";
    int fd = mkstemp(path);
    struct ledger *ledger = ledger_new(4 * SECOND, NULL, 0);
    struct buf text;
    cr_assert_geq(fd, 0);
    close(fd);
    ledger_observed_at(ledger, 100 * MS)->lists = 1;
    ledger_observed_at(ledger, 2500 * MS)->unattributed = 1;
    cr_assert_eq(ledger_write(ledger, path, NULL), ERR_OK);
    buf_init(&text, 1 << 20);
    cr_assert_eq(file_read(path, &text, NULL), ERR_OK);
    buf_text(&text, "");
    cr_expect_not_null(strstr(text.data, "\"start_s\":2,"));
    cr_expect_null(strstr(text.data, "\"start_s\":3,"));
    buf_deinit(&text);
    ledger_free(ledger);
    unlink(path);
}

static bool ends_in(const struct ledger *ledger, int64_t end_ns, int64_t bucket_ns)
{
    return ledger->bucket_ns == bucket_ns && ledger->bucket_count * bucket_ns > end_ns;
}

Test(ledger, memory_does_not_grow_beyond_that_of_an_hour)
{
    static const struct {
        int64_t end_s, bucket_ms;
    } rows[] = {{0, 100},      {60, 100},     {3600, 100},   {3601, 1000},
                {36000, 1000}, {36001, 2000}, {86400, 3000}, {31536000, 876000}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t end_ns = rows[i].end_s * SECOND;
        struct ledger *ledger = ledger_new(end_ns, NULL, 0);
        cr_expect(ends_in(ledger, end_ns, rows[i].bucket_ms * MS), "%lld s: buckets of %lld ns",
                  (long long)rows[i].end_s, (long long)ledger->bucket_ns);
        cr_expect_leq(ledger->bucket_count, LEDGER_BUCKETS_MAX + 100);
        ledger_observed_at(ledger, end_ns)->lists = 3;
        int64_t from_ns = end_ns - end_ns % ledger->bucket_ns;
        cr_expect_eq(ledger_window(ledger, from_ns, from_ns + ledger->bucket_ns).lists, 3);
        cr_expect_eq(ledger_total(ledger).lists, 3);
        ledger_free(ledger);
    }
}

Test(ledger, a_long_one_has_a_line_a_bucket)
{
    char path[] = "/tmp/driftdrill-ledger-XXXXXX";
    int fd = mkstemp(path), lines = 0;
    struct ledger *ledger = ledger_new(86400 * SECOND, NULL, 0);
    struct buf text;
    cr_assert_geq(fd, 0);
    close(fd);
    ledger_observed_at(ledger, 10 * SECOND)->lists = 5;
    cr_assert_eq(ledger_write(ledger, path, NULL), ERR_OK);
    buf_init(&text, 1 << 20);
    cr_assert_eq(file_read(path, &text, NULL), ERR_OK);
    buf_text(&text, "");
    for (const char *at = text.data; (at = strstr(at, "\"kind\":\"second\"")) != NULL; at++) {
        lines++;
    }
    cr_expect_eq(lines, 4);
    cr_expect_not_null(strstr(text.data, "\"start_s\":9,\"lasts_s\":3,"));
    buf_deinit(&text);
    ledger_free(ledger);
    unlink(path);
}

Test(ledger, keeps_nothing_that_is_bound_to_a_drift)
{
    static const uint64_t bits[1] = {1};
    static const int32_t offer[1] = {7};
    static const float reals[4] = {1};
    static const struct drift_injection plain = {.kind = DRIFT_NEW_FILMS,
                                                 .onset_ns = SECOND,
                                                 .end_ns = 9 * SECOND,
                                                 .size = .25,
                                                 .stars_given = 3};
    struct drift drift = {.count = 1, .injection = {plain}};
    struct drift_injection *bound = &drift.injection[0];
    bound->bound = true;
    bound->members = bound->films = bound->group = bits;
    bound->goal = bound->offer_by_dim = reals;
    bound->offer = offer;
    bound->offers = 1;
    bound->offer_bar = bound->parameter = .5;
    struct ledger *ledger = ledger_new(SECOND, NULL, 0);
    ledger_set_drift(ledger, &drift);
    cr_expect_eq(ledger->drift.count, 1);
    cr_expect_eq(memcmp(&ledger->drift.injection[0], &plain, sizeof plain), 0);
    cr_expect(bound->bound && bound->offer == offer, "the drift itself keeps what it has");
    ledger_free(ledger);
}

Test(ledger, unwritable_path_is_told)
{
    struct ledger *ledger = ledger_new(0, NULL, 0);
    struct error error = {0};
    cr_expect_neq(ledger_write(ledger, "/nonexistent/folder/ledger.jsonl", &error), ERR_OK);
    cr_expect_neq(error.code, ERR_OK);
    ledger_free(ledger);
}
