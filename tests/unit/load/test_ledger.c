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

static json_int_t number(const json_t *line, const char *key)
{
    return json_integer_value(json_object_get(line, key));
}

Test(ledger, is_written_as_one_object_a_line)
{
    static const int64_t starts[] = {0, 2 * SECOND};
    char path[] = "/tmp/driftdrill-ledger-XXXXXX";
    int fd = mkstemp(path), lines[3] = {0};
    cr_assert_geq(fd, 0);
    close(fd);
    struct ledger *ledger = ledger_new(4 * SECOND, starts, 2);
    ledger_observed_at(ledger, 100 * MS)->lists = 7;
    ledger_count_rating(ledger_observed_at(ledger, 2500 * MS), 2, 9);
    ledger_nominal_at(ledger, 3 * SECOND)->lists = 7;
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
            cr_expect_eq(number(line, "lists"), lines[0] == 0 ? 7 : 0);
            cr_expect_eq(number(line, "rated"), lines[0] == 2 ? 1 : 0);
            lines[0]++;
        } else if (strcmp(kind, "phase") == 0) {
            cr_expect_eq(number(line, "lists"), lines[1] == 1 ? 7 : 0);
            lines[1]++;
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
    buf_deinit(&text);
    ledger_free(ledger);
    unlink(path);
}

Test(ledger, unwritable_path_is_told)
{
    struct ledger *ledger = ledger_new(0, NULL, 0);
    struct error error = {0};
    cr_expect_neq(ledger_write(ledger, "/nonexistent/folder/ledger.jsonl", &error), ERR_OK);
    cr_expect_neq(error.code, ERR_OK);
    ledger_free(ledger);
}
