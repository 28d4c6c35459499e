/*
 * driftdrill check: everything that can be known about scenarios, rules and dashboards before a
 * drill starts anything. Rules depend on the scenario that drills them, because a window that is
 * long enough at one time scale is too short at another; so they are rendered once for every
 * scenario, into a folder that is thrown away, and what is wrong at several time scales is told
 * once.
 */
#include "base/clock.h"
#include "base/fileio.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/yaml.h"
#include "command/check_files.h"
#include "command/check_target.h"
#include "command/check_watch.h"
#include "command/command.h"
#include "command/fault_bodies.h"
#include "drill/objectives.h"
#include "drill/panels.h"
#include "drill/rule_names.h"
#include "drill/scenario.h"
#include "drill/watch_rules.h"
#include "observe/rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILES_MAX 1000
#define PATTERN_BYTES 1200

static const struct option_row rows[] = {
    {"rules", OPTION_TEXT, "GLOB", NULL, 0, 0,
     "Rule files that the scenarios are drilled with (default the rule files among FILE, else the "
     "shipped prometheus/rules)."},
    {"objectives", OPTION_TEXT, "FILE", NULL, 0, 0,
     "Objectives in place of those among the rules, as verify --calibrate wrote them."},
    {"dashboards", OPTION_TEXT, "GLOB", NULL, 0, 0,
     "Dashboards to check (default the .json files among FILE; the shipped ones without FILE)."},
    {"metrics", OPTION_TEXT, "[JOB=]FILE|URL,...", NULL, 0, 0,
     "What the targets expose (of which job): rules and dashboards may ask for nothing else."},
    {"prometheus", OPTION_TEXT, "URL", NULL, 0, 0,
     "A Prometheus: each series that a rule or panel asks for must have been there in the last "
     "hour."},
    {"target", OPTION_TEXT, "URL|FILE", NULL, 0, 0,
     "Check this target and nothing else: a target file (docs/TARGETS.md), or an address."},
    {"probe", OPTION_FLAG, NULL, NULL, 0, 0,
     "With --target: ask it for one list and show what was made of the answer."},
    {"user", OPTION_INT, "ID", "1", 0, INT32_MAX, "With --probe: whose list is asked for."},
    {NULL, OPTION_FLAG, NULL, NULL, 0, 0, NULL},
};

struct check {
    char home[512];
    struct check_list scenarios, rules;
    struct check_list
        alternatives; /* objectives for other data, which no drill has beside others */
    struct check_list dashboards;
    struct check_list known; /* shipped dashboards, which links lead to if no others are checked */
    int rendered_scenarios;
};

/* A scenario may be JSON, too. */
static bool is_dashboard(const char *path, const json_t *document)
{
    return json_object_get(document, "panels") != NULL ||
           (document == NULL && text_ends(path, ".json") && file_exists(path));
}

/* A mapping with groups is a rule file, one with panels a dashboard, whatever else it may be meant
 * for. */
static void add_named(struct check *check, const char *path)
{
    struct check_list one = {0};
    struct check_file *file = check_file_add(&one, path);
    json_t *document = check_file_read(file, NULL);
    bool rules = json_object_get(document, "groups") != NULL;
    if (is_dashboard(path, document)) {
        (void)check_file_add(&check->dashboards, path);
        check_file_free(file);
    } else {
        check_file_take(rules ? &check->rules : &check->scenarios, file);
    }
    json_decref(document);
    mem_free(one.file);
}

static enum err add_shipped(const struct check *check, const char *below, struct check_list *list,
                            struct error *error)
{
    char quoted[PATTERN_BYTES - 64], pattern[PATTERN_BYTES];
    char **paths = NULL;
    size_t count = 0;
    (void)file_glob_quote(quoted, sizeof quoted, check->home);
    snprintf(pattern, sizeof pattern, "%s/%s", quoted, below);
    enum err code = file_glob(pattern, &paths, &count, error);
    check_files_add(list, paths, count);
    file_glob_free(paths, count);
    return code;
}

static enum err add_rules(struct check *check, const char *glob, struct error *error)
{
    struct watch_rules_request request = {.home = check->home, .glob = glob};
    char **paths = NULL;
    size_t count = 0;
    enum err code = watch_rules_files(&request, &paths, &count, error);
    if (code == ERR_OK) {
        check_files_add(&check->rules, paths, count);
        file_glob_free(paths, count);
    }
    return code;
}

/* Is it objectives? What is wrong with its head, or with the file, is noted. */
static bool is_objectives(struct check_file *file)
{
    struct objectives_head head;
    struct error error = {0};
    bool is = false;
    json_decref(check_file_read(file, NULL));
    if (file->readable && objectives_read(file->path, &is, &head, &error) != ERR_OK) {
        check_file_error(file, &error);
    }
    return is;
}

/* Reads the rules; objectives among them give way to `wanted`, if that is not NULL. */
static void choose_objectives(struct check *check, const char *wanted)
{
    struct check_list kept = {0};
    for (size_t i = 0; i < check->rules.count; i++) {
        struct check_file *file = &check->rules.file[i];
        if (is_objectives(file) && wanted != NULL) {
            check_file_free(file);
        } else {
            check_file_take(&kept, file);
        }
    }
    if (wanted != NULL) {
        struct check_file *file = check_file_add(&kept, wanted);
        if (!is_objectives(file) && file->faults.count == 0) {
            file->readable = false;
            faults_add(&file->faults, file->path, 1, "",
                       "expected objectives, whose head says what they were measured on");
        }
    }
    mem_free(check->rules.file);
    check->rules = kept;
}

static enum err add_dashboards(struct check *check, const char *glob, bool all, struct error *error)
{
    static const char shipped[] = "grafana/dashboards/*.json";
    char **paths = NULL;
    size_t count = 0;
    if (glob != NULL) {
        enum err code = file_glob(glob, &paths, &count, error);
        if (code == ERR_OK && count == 0) {
            code = error_set(error, ERR_USAGE, glob, 0, "matches no dashboard");
        }
        check_files_add(&check->dashboards, paths, count);
        file_glob_free(paths, count);
        return code;
    }
    if (check->dashboards.count > 0) {
        return ERR_OK;
    }
    return add_shipped(check, shipped, all ? &check->dashboards : &check->known, error);
}

static enum err gather(struct check *check, const struct options *options, struct error *error)
{
    const char *glob = options_text(options, "rules");
    const char *objectives = options_text(options, "objectives");
    enum err code = ERR_OK;
    for (int i = 0; i < options_positional_count(options); i++) {
        add_named(check, options_positional(options, i));
    }
    if (options_positional_count(options) == 0) {
        code = add_shipped(check, "scenarios/*.yml", &check->scenarios, error);
    }
    bool shipped = glob == NULL && check->rules.count == 0;
    if (code == ERR_OK && (glob != NULL || shipped)) {
        code = add_rules(check, glob, error);
    }
    if (code == ERR_OK && shipped && options_positional_count(options) == 0) {
        code = add_shipped(check, "prometheus/objectives/*.yml", &check->alternatives, error);
    }
    if (code == ERR_OK) {
        code = add_dashboards(check, options_text(options, "dashboards"),
                              options_positional_count(options) == 0, error);
    }
    choose_objectives(check, objectives);
    for (size_t i = 0; i < check->alternatives.count; i++) {
        (void)is_objectives(&check->alternatives.file[i]);
    }
    return code;
}

/* Paths of the rule files that can be read; heap, the texts borrowed. */
static const char **readable_paths(const struct check_list *list, size_t *count)
{
    const char **paths = mem_zalloc(list->count + 1, sizeof *paths);
    *count = 0;
    for (size_t i = 0; i < list->count; i++) {
        if (list->file[i].readable) {
            paths[(*count)++] = list->file[i].path;
        }
    }
    return paths;
}

static bool has_fault(const struct faults *faults, const struct fault *wanted)
{
    for (size_t i = 0; i < faults->count; i++) {
        const struct fault *fault = &faults->list[i];
        if (fault->line == wanted->line && strcmp(fault->path, wanted->path) == 0 &&
            strcmp(fault->text, wanted->text) == 0) {
            return true;
        }
    }
    return false;
}

/* Gives each fault to the file it names, once. */
static void hand_out(const struct faults *found, struct check_list *list)
{
    for (size_t i = 0; i < found->count; i++) {
        const struct fault *fault = &found->list[i];
        struct check_file *owner = &list->file[0];
        for (size_t k = 0; k < list->count; k++) {
            /* A fault keeps only the beginning of a long path. */
            if (strncmp(list->file[k].path, fault->where, sizeof fault->where - 1) == 0) {
                owner = &list->file[k];
            }
        }
        if (!has_fault(&owner->faults, fault)) {
            faults_add(&owner->faults, fault->where, fault->line, fault->path, "%s", fault->text);
        }
    }
}

/* Renders rule files as a drill would and throws the result away. */
static enum err render(struct check_list *list, int64_t time_scale, int64_t scrape_ns,
                       int64_t evaluation_ns, struct error *error)
{
    const char *tmp = getenv("TMPDIR");
    char folder[512];
    struct rules rules;
    struct faults found;
    struct error fault = {0};
    size_t count = 0;
    snprintf(folder, sizeof folder, "%s/driftdrill-check-XXXXXX", tmp != NULL ? tmp : "/tmp");
    if (mkdtemp(folder) == NULL) {
        return error_set(error, ERR_IO, folder, 0, "cannot make a temporary folder");
    }
    faults_init(&found);
    const char **paths = readable_paths(list, &count);
    enum err code = rules_render_files(paths, count, time_scale, scrape_ns, evaluation_ns, folder,
                                       &rules, &found, &fault);
    if (code == ERR_OK) {
        rules_deinit(&rules);
    } else if (found.count > 0) {
        hand_out(&found, list);
        code = ERR_OK;
    } else {
        *error = fault;
    }
    mem_free(paths);
    faults_deinit(&found);
    (void)file_remove_tree(folder, NULL);
    return code;
}

/* Nothing is said about names while a rule file that may define them cannot be read. */
static enum err check_names(const struct check *check, const struct scenario *scenario,
                            struct check_file *file, struct error *error)
{
    struct error fault = {0};
    size_t count = 0, before = file->faults.count;
    const char **paths = readable_paths(&check->rules, &count);
    enum err code = count < check->rules.count
                        ? ERR_OK
                        : rule_names_check(paths, count, scenario, &file->faults, &fault);
    if (code != ERR_OK && file->faults.count > before) {
        code = ERR_OK;
    } else if (code != ERR_OK) {
        *error = fault;
    }
    mem_free(paths);
    return code;
}

/* Nor about panels while a dashboard cannot be read: that is told where dashboards are checked. */
static void check_panels(const struct check *check, const struct scenario *scenario,
                         struct check_file *file)
{
    const struct check_list *list =
        check->dashboards.count > 0 ? &check->dashboards : &check->known;
    struct panel_boards boards;
    struct faults unreadable;
    size_t count = 0;
    const char **paths = readable_paths(list, &count);
    faults_init(&unreadable);
    if (count == list->count &&
        panel_boards_read(paths, count, &boards, &unreadable, NULL) == ERR_OK) {
        panel_boards_check(&boards, scenario, &file->faults);
        panel_boards_deinit(&boards);
    }
    faults_deinit(&unreadable);
    mem_free(paths);
}

/* The scenario alone, its names against the rules and, if it is sound, the rules at its pace. */
static enum err check_scenario(struct check *check, struct check_file *file, struct error *error)
{
    struct scenario *scenario = mem_zalloc(1, sizeof *scenario);
    struct error fault = {0};
    enum err code = scenario_read(file->path, scenario, &file->faults, &fault);
    bool sound = code == ERR_OK;
    if (!sound && file->faults.count == 0) {
        check_file_error(file, &fault);
        code = ERR_OK;
    } else {
        code = check_names(check, scenario, file, error);
    }
    if (sound) {
        check_panels(check, scenario, file);
        fault_bodies_check(scenario, &file->faults);
    }
    if (sound && code == ERR_OK) {
        check->rendered_scenarios++;
        code = render(&check->rules, scenario->time_scale, scenario->scrape_ns,
                      scenario->evaluation_ns, error);
    }
    mem_free(scenario);
    return code;
}

static enum err check_all(struct check *check, struct error *error)
{
    const int64_t scrape_ns = 15 * CLOCK_NS_PER_S, evaluation_ns = 30 * CLOCK_NS_PER_S;
    enum err code = ERR_OK;
    for (size_t i = 0; i < check->scenarios.count && code == ERR_OK; i++) {
        if (check->scenarios.file[i].readable) {
            code = check_scenario(check, &check->scenarios.file[i], error);
        }
    }
    /* Without a scenario to render them for, rules are checked as they run in production. */
    if (code == ERR_OK && check->rendered_scenarios == 0) {
        code = render(&check->rules, 1, scrape_ns, evaluation_ns, error);
    }
    for (size_t i = 0; i < check->alternatives.count && code == ERR_OK; i++) {
        struct check_list one = {.count = 1, .file = &check->alternatives.file[i]};
        code = render(&one, 1, scrape_ns, evaluation_ns, error);
    }
    return code;
}

struct outcome {
    size_t faults, files;
    bool unusable; /* no drill could use a scenario, or read a file */
};

/* Faults and warnings to stderr, a line a file to stdout. */
static void report(const struct check_list *list, const char *what, struct outcome *outcome)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct check_file *file = &list->file[i];
        faults_print(&file->faults);
        faults_print(&file->warnings);
        if (file->faults.count == 0) {
            printf("good    %-9s %s\n", what, file->path);
        } else {
            printf("%zu fault%s %s %s\n", file->faults.count, file->faults.count == 1 ? " " : "s",
                   what, file->path);
        }
        outcome->faults += file->faults.count;
        outcome->files += file->faults.count > 0;
        outcome->unusable = outcome->unusable || !file->readable;
    }
}

static enum err conclude(const struct check *check, struct error *error)
{
    struct outcome outcome = {0};
    size_t all = check->scenarios.count + check->rules.count + check->alternatives.count +
                 check->dashboards.count;
    report(&check->scenarios, "scenario", &outcome);
    outcome.unusable = outcome.faults > 0;
    report(&check->rules, "rules", &outcome);
    report(&check->alternatives, "rules", &outcome);
    report(&check->dashboards, "dashboard", &outcome);
    (void)fflush(stdout);
    if (outcome.faults > 0) {
        return error_set(error, outcome.unusable ? ERR_INPUT : ERR_FAILED, NULL, 0,
                         "%zu fault%s in %zu of %zu files", outcome.faults,
                         outcome.faults == 1 ? "" : "s", outcome.files, all);
    }
    return ERR_OK;
}

static enum err check_watched(struct check *check, const struct options *options,
                              struct error *error)
{
    struct check_watch watch = {.home = check->home,
                                .rules = &check->rules,
                                .alternatives = &check->alternatives,
                                .dashboards = &check->dashboards,
                                .known = &check->known,
                                .metrics = options_text(options, "metrics"),
                                .prometheus = options_text(options, "prometheus")};
    return check_watchers(&watch, error);
}

static enum err run(const struct options *options, struct error *error)
{
    struct check check = {0};
    if (options_text(options, "target") != NULL) {
        return options_positional_count(options) == 0
                   ? check_target(options, error)
                   : error_set(error, ERR_USAGE, "target", 0, "checks no other files as well");
    }
    if (options_flag(options, "probe")) {
        return error_set(error, ERR_USAGE, "probe", 0, "needs --target");
    }
    if (!command_home(check.home, sizeof check.home)) {
        return error_set(error, ERR_USAGE, NULL, 0,
                         "cannot find the shipped prometheus/ and scenarios/ folders");
    }
    enum err code = gather(&check, options, error);
    if (code == ERR_OK) {
        code = check_all(&check, error);
    }
    if (code == ERR_OK) {
        code = check_watched(&check, options, error);
    }
    if (code == ERR_OK) {
        code = conclude(&check, error);
    }
    check_files_free(&check.scenarios);
    check_files_free(&check.rules);
    check_files_free(&check.alternatives);
    check_files_free(&check.dashboards);
    check_files_free(&check.known);
    return code;
}

const struct command command_check = {
    .name = "check",
    .usage = "check [FILE...] [options]",
    .summary = "validate scenarios, rule files and dashboards without starting anything, all "
               "shipped ones if none is named; or a target",
    .options = rows,
    .positionals_max = FILES_MAX,
    .run = run,
};
