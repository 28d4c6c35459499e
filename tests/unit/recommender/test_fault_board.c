#include "recommender/fault_board.h"

#include "base/clock.h"
#include "base/metrics.h"

#include <criterion/criterion.h>

#define S CLOCK_NS_PER_S

static const struct fault_spec errors = {.kind = FAULT_ERRORS,
                                         .handlers = 1U << ROUTE_RATINGS,
                                         .duration_s = 10,
                                         .share = 1,
                                         .status = 500};

static int status_at(struct fault_board *board, int64_t now_ns)
{
    struct fault_plan plan;
    fault_board_plan(board, ROUTE_RATINGS, now_ns, &plan);
    return plan.status;
}

static double metric(struct fault_board *board, int64_t now_ns, const char *name, const char *kind)
{
    const struct metrics_label label = {"kind", kind};
    struct metrics_snapshot *snapshot = NULL;
    struct buf text;
    bool found = false;
    buf_init(&text, 65536);
    fault_board_write(board, now_ns, &text);
    cr_assert(metrics_parse("faults", text.data, text.len, &snapshot, NULL) == ERR_OK);
    double value = metrics_sum(snapshot, name, &label, 1, &found);
    cr_assert(found, "%s %s", name, kind);
    metrics_snapshot_free(snapshot);
    buf_deinit(&text);
    return value;
}

Test(fault_board, a_fault_ends_by_itself)
{
    struct fault_board *board = fault_board_new(1);
    cr_expect(status_at(board, 0) == 0);
    cr_expect(fault_board_add(board, &errors, 100 * S) == 1);
    cr_expect(status_at(board, 100 * S) == 500);
    cr_expect(status_at(board, 110 * S - 1) == 500);
    cr_expect(status_at(board, 110 * S) == 0);
    cr_expect(metric(board, 110 * S, "fault_applied_total", "errors") == 2);
    fault_board_free(board);
}

Test(fault_board, a_fault_is_ended_by_its_id_and_once)
{
    struct fault_board *board = fault_board_new(1);
    int64_t ids[FAULT_ACTIVE_MAX];
    cr_expect(!fault_board_remove(board, 1, 0));
    int64_t first = fault_board_add(board, &errors, 0), second = fault_board_add(board, &errors, 0);
    cr_expect(fault_board_remove(board, first, 1));
    cr_expect(!fault_board_remove(board, first, 1));
    cr_expect(status_at(board, 1) == 500, "the other is still there");
    cr_expect(!fault_board_remove(board, second, 10 * S), "it has ended already");
    int64_t third = fault_board_add(board, &errors, 20 * S);
    cr_expect(third == 3, "ids are not used again");
    cr_expect(fault_board_clear(board, 20 * S, ids) == 1 && ids[0] == third);
    cr_expect(status_at(board, 20 * S) == 0);
    fault_board_free(board);
}

Test(fault_board, so_many_are_taken_and_no_more)
{
    struct fault_board *board = fault_board_new(1);
    for (int i = 0; i < FAULT_ACTIVE_MAX; i++) {
        cr_assert(fault_board_add(board, &errors, i) > 0);
    }
    cr_expect(fault_board_add(board, &errors, FAULT_ACTIVE_MAX) == 0);
    cr_expect(metric(board, FAULT_ACTIVE_MAX, "fault_active", "errors") == FAULT_ACTIVE_MAX);
    cr_expect(fault_board_add(board, &errors, 10 * S) > 0, "the first has ended");
    fault_board_free(board);
}

Test(fault_board, faults_are_listed_with_what_remains)
{
    struct fault_board *board = fault_board_new(1);
    fault_board_add(board, &errors, 0);
    fault_board_add(board, &errors, 4 * S);
    json_t *list = fault_board_list(board, 6 * S);
    cr_assert(json_array_size(list) == 2);
    cr_expect(json_integer_value(json_object_get(json_array_get(list, 1), "id")) == 2);
    cr_expect(json_number_value(json_object_get(json_array_get(list, 0), "remaining_s")) == 4);
    cr_expect(json_number_value(json_object_get(json_array_get(list, 1), "remaining_s")) == 8);
    cr_expect_str_eq(json_string_value(json_object_get(json_array_get(list, 0), "kind")), "errors");
    json_decref(list);
    fault_board_free(board);
}

Test(fault_board, every_kind_has_its_series_from_the_start)
{
    struct fault_board *board = fault_board_new(1);
    for (int k = 0; k < FAULT_KINDS; k++) {
        const char *kind = fault_kind_name((enum fault_kind)k);
        cr_expect(metric(board, 0, "fault_active", kind) == 0);
        cr_expect(metric(board, 0, "fault_applied_total", kind) == 0);
    }
    fault_board_free(board);
}

Test(fault_board, a_stale_model_is_told_while_it_lasts)
{
    const struct fault_spec stale = {.kind = FAULT_STALE_MODEL, .duration_s = 5, .share = 1};
    struct fault_board *board = fault_board_new(1);
    cr_expect(!fault_board_stale(board, 0));
    fault_board_add(board, &stale, 0);
    cr_expect(fault_board_stale(board, 4 * S));
    cr_expect(!fault_board_stale(board, 5 * S));
    fault_board_free(board);
}

Test(fault_board, a_fault_is_there_until_it_ends_or_is_removed)
{
    struct fault_board *board = fault_board_new(1);
    cr_expect(!fault_board_has(board, 1, 0), "none yet");
    int64_t first = fault_board_add(board, &errors, 0), second = fault_board_add(board, &errors, 0);
    cr_expect(fault_board_has(board, first, 9 * S) && fault_board_has(board, second, 9 * S));
    cr_expect(fault_board_remove(board, first, 1 * S));
    cr_expect(!fault_board_has(board, first, 1 * S) && fault_board_has(board, second, 1 * S));
    cr_expect(!fault_board_has(board, second, 10 * S), "its time is over");
    fault_board_free(board);
}
