/* Whole files: what is planted in tests/data/invalid is found, what is sound has no finding. */
#include "observe/lint_dashboard.h"
#include "observe/lint_links.h"
#include "observe/lint_rules.h"

#include "base/fileio.h"
#include "base/mem.h"
#include "invalid.h"
#include "lint_world.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define MESSAGE_BYTES 8192

static void judge_rules(const char *path, char *message, size_t size)
{
    struct lint_world world;
    struct yaml_lines *lines = NULL;
    json_t *document = NULL, *boards = json_object();
    json_t *main_board = json_load_file("grafana/dashboards/main.json", 0, NULL);
    lint_boards_add(boards, main_board);
    lint_world_init(&world, path);
    cr_assert_eq(yaml_read_file(path, &document, &lines, NULL), ERR_OK);
    lint_rules(&world.lint, path, document, lines, boards);
    lint_world_print(&world, message, size);
    json_decref(document);
    json_decref(boards);
    json_decref(main_board);
    yaml_lines_free(lines);
    lint_world_deinit(&world);
}

Test(lint_rules, every_planted_fault_is_found_with_its_line)
{
    cr_expect_eq(invalid_each("lint_rules", judge_rules), 0);
}

Test(lint_rules, sound_rules_have_no_finding)
{
    char message[MESSAGE_BYTES];
    judge_rules("tests/data/lint/rules.yml", message, sizeof message);
    cr_expect_str_empty(message, "%s", message);
}

static void judge_dashboard(const char *path, char *message, size_t size)
{
    struct lint_world world;
    struct yaml_lines *lines = NULL;
    json_error_t fault;
    json_t *copy = NULL, *seen = json_object(), *boards = json_object();
    json_t *document = json_load_file(path, 0, &fault);
    lint_world_init(&world, NULL);
    world.lint.ten_scrapes = true;
    if (document == NULL) {
        (void)snprintf(message, size, "%d not JSON: %s", fault.line, fault.text);
    } else {
        cr_assert_eq(yaml_read_file(path, &copy, &lines, NULL), ERR_OK);
        cr_expect(json_equal(copy, document), "YAML reads the JSON of %s otherwise", path);
        lint_boards_add(boards, document);
        lint_dashboard(&world.lint, path, document, lines, boards, seen);
        lint_world_print(&world, message, size);
    }
    json_decref(copy);
    json_decref(document);
    json_decref(boards);
    json_decref(seen);
    yaml_lines_free(lines);
    lint_world_deinit(&world);
}

Test(lint_dashboard, every_planted_fault_is_found_with_its_line)
{
    cr_expect_eq(invalid_each("lint_dashboard", judge_dashboard), 0);
}

Test(lint_dashboard, a_sound_dashboard_has_no_finding)
{
    char message[MESSAGE_BYTES];
    judge_dashboard("tests/data/lint/board.json", message, sizeof message);
    cr_expect_str_empty(message, "%s", message);
}

Test(lint_dashboard, two_dashboards_cannot_share_uid_or_title)
{
    struct lint_world world;
    struct yaml_lines *lines = NULL;
    json_t *copy = NULL, *seen = json_object(), *boards = json_object();
    cr_assert_eq(yaml_read_file("tests/data/lint/board.json", &copy, &lines, NULL), ERR_OK);
    lint_world_init(&world, NULL);
    lint_dashboard(&world.lint, "one.json", copy, lines, boards, seen);
    cr_expect_eq(world.faults.count, 0);
    lint_dashboard(&world.lint, "two.json", copy, lines, boards, seen);
    cr_assert_eq(world.faults.count, 2);
    cr_expect_str_eq(world.faults.list[0].text, "one.json has the uid \"lint\", too");
    cr_expect_str_eq(world.faults.list[1].text, "one.json has the title \"lint\", too");
    lint_world_deinit(&world);
    yaml_lines_free(lines);
    json_decref(copy);
    json_decref(seen);
    json_decref(boards);
}
