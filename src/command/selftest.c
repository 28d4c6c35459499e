/* driftdrill selftest: is the load generator fit to measure anything on this machine? */
#include "base/document.h"
#include "base/log.h"
#include "base/option.h"
#include "base/version.h"
#include "command/command.h"
#include "command/selftest_checks.h"
#include "command/selftest_serve.h"
#include "load/descriptors.h"
#include "load/transport_pick.h"

#include <curl/curl.h>
#include <jansson.h>
#include <stdio.h>
#include <unistd.h>

static const struct option_row rows[] = {
    {"transport", OPTION_TEXT, "NAME", "auto", 0, 0, "Which one to test: auto, http1 or libcurl."},
    {"duration", OPTION_DURATION, "TIME", "3s", 0.2, 3600, "Of each of the longer measurements."},
    {"threads", OPTION_INT, "T", "1", 1, 256, "Worker threads."},
    {"connections", OPTION_INT, "N", "64", 1, 4096, "Connections a thread."},
    {"requests-per-core", OPTION_REAL, "PER_S", "10000", 0, 1e9,
     "Requests a second of processor time below which the generator fails."},
    {"seed", OPTION_INT, "S", "1", 0, 9e15, "People, visits, faults."},
    {"json", OPTION_TEXT, "FILE", NULL, 0, 0, "Write all figures here."},
    {"serve", OPTION_TEXT, "HOST:PORT", NULL, 0, 0,
     "Test nothing: run the stub server alone until a signal; the options below are its."},
    {"behaviour", OPTION_TEXT, "NAME", "null", 0, 0, "What it does (docs/selftest.md lists them)."},
    {"fault-share", OPTION_REAL, "P", "0", 0, 1, "Share of the requests that meet it; 0 = all."},
    {"service-ms", OPTION_REAL, "MS", "0", 0, 1e6, "Time each request takes."},
    {"workers", OPTION_INT, "N", "0", 0, 1000000,
     "Requests in service at once, one queue for all; 0 = however many there are."},
    {"ratings-free", OPTION_FLAG, NULL, NULL, 0, 0, "Ratings take no service time."},
    {"worse-at", OPTION_INT, "N", "0", 0, 1000000,
     "With so many requests waiting, lists are answered at once and worse; 0 = never."},
    {"stall-from", OPTION_DURATION, "TIME", "0s", 0, 31536000, "With stall: when it begins."},
    {"stall-to", OPTION_DURATION, "TIME", "1s", 0, 31536000, "With stall: when it ends."},
    {"stall-every", OPTION_DURATION, "TIME", "0s", 0, 31536000,
     "With stall: again after this time; 0 = once."},
    {"rotate", OPTION_FLAG, NULL, NULL, 0, 0, "Somebody who asks again gets another list."},
    {"data", OPTION_TEXT, "DIR", NULL, 0, 0,
     "MovieLens folder whose films are recommended; else as for run."},
    {NULL},
};

static selftest_check *const checks[] = {selftest_histogram, selftest_delay, selftest_omission,
                                         selftest_faults,    selftest_speed, selftest_pacing};
#define CHECKS (sizeof checks / sizeof checks[0])

static const char *const verdict_names[] = {
    [SELFTEST_PASS] = "pass", [SELFTEST_FAIL] = "fail", [SELFTEST_UNTOLD] = "untold"};

static enum selftest_verdict overall(const struct selftest_row *row, size_t count)
{
    enum selftest_verdict worst = SELFTEST_PASS;
    for (size_t i = 0; i < count; i++) {
        if (row[i].verdict == SELFTEST_FAIL) {
            return SELFTEST_FAIL;
        }
        worst = row[i].verdict == SELFTEST_UNTOLD ? SELFTEST_UNTOLD : worst;
    }
    return worst;
}

static json_t *to_json(const struct selftest *self, const struct selftest_row *row,
                       enum selftest_verdict verdict)
{
    json_t *list = json_array();
    for (size_t i = 0; i < CHECKS; i++) {
        json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s, s:O}", "check", row[i].what,
                                              "verdict", verdict_names[row[i].verdict], "wanted",
                                              row[i].wanted, "observed", row[i].observed, "figures",
                                              row[i].figures));
    }
    return json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:i, s:i, s:f, s:o}", "verdict",
                     verdict == SELFTEST_UNTOLD ? "invalid" : verdict_names[verdict], "version",
                     DRIFTDRILL_VERSION, "transport", self->transport_taken, "libcurl",
                     curl_version_info(CURLVERSION_NOW)->version, "processors",
                     (json_int_t)sysconf(_SC_NPROCESSORS_ONLN), "seed", (json_int_t)self->seed,
                     "people", (json_int_t)self->world.people, "threads", (int)self->threads,
                     "connections", self->connections, "duration_s",
                     (double)self->duration_ns * 1e-9, "checks", list);
}

static enum err write_json(const struct selftest *self, const struct selftest_row *row,
                           enum selftest_verdict verdict, const char *path, struct error *error)
{
    json_t *json = to_json(self, row, verdict);
    enum err code = document_write(json, 9, path, error);
    json_decref(json);
    return code;
}

static void print_row(const struct selftest_row *row)
{
    printf("%-8s %-31s %-44s %s\n", verdict_names[row->verdict], row->what, row->wanted,
           row->observed);
    (void)fflush(stdout);
}

static enum err conclude(const struct selftest *self, enum selftest_verdict verdict,
                         struct error *error)
{
    static const char *const texts[] = {[SELFTEST_PASS] = "pass: what it measures can be believed",
                                        [SELFTEST_FAIL] = "fail",
                                        [SELFTEST_UNTOLD] =
                                            "invalid: other programs were in the way"};
    printf("\nverdict: %s   (%s, %u thread%s, %d connections each, libcurl %s)\n", texts[verdict],
           self->transport_taken, self->threads, self->threads == 1 ? "" : "s", self->connections,
           curl_version_info(CURLVERSION_NOW)->version);
    switch (verdict) {
    case SELFTEST_PASS:
        return ERR_OK;
    case SELFTEST_FAIL:
        return ERR_FAILED;
    case SELFTEST_UNTOLD:
        break;
    }
    return error_set(error, ERR_INVALID, NULL, 0, "try again on a less busy machine");
}

static enum err test(struct selftest *self, const char *json_path, struct error *error)
{
    struct selftest_row row[CHECKS] = {{0}};
    /* Both ends of every connection are here. */
    enum err code = descriptors_reserve(2 * self->threads, self->connections, error);
    if (code == ERR_OK) {
        log_write(LOG_INFO, "selftest", "making people");
        code = selftest_world_make(self->seed, SELFTEST_PEOPLE, &self->world, error);
    }
    if (code == ERR_OK) {
        printf("%-8s %-31s %-44s %s\n", "outcome", "check", "wanted", "observed");
        (void)fflush(stdout);
    }
    for (size_t i = 0; i < CHECKS && code == ERR_OK; i++) {
        code = checks[i](self, &row[i], error);
        if (code == ERR_OK) {
            print_row(&row[i]);
        }
    }
    if (code == ERR_OK && json_path != NULL) {
        code = write_json(self, row, overall(row, CHECKS), json_path, error);
    }
    if (code == ERR_OK) {
        code = conclude(self, overall(row, CHECKS), error);
    }
    for (size_t i = 0; i < CHECKS; i++) {
        json_decref(row[i].figures);
    }
    selftest_world_deinit(&self->world);
    return code;
}

static enum err run(const struct options *options, struct error *error)
{
    const struct request_shape plain = {"GET", false, "http://127.0.0.1:1", ""};
    const struct request_shape *shape = &plain;
    struct selftest self = {.transport = options_text(options, "transport"),
                            .seed = (uint64_t)options_int(options, "seed"),
                            .duration_ns = options_duration_ns(options, "duration"),
                            .threads = (unsigned)options_int(options, "threads"),
                            .connections = (int)options_int(options, "connections"),
                            .requests_per_cpu_s = options_real(options, "requests-per-core")};
    if (options_is_set(options, "serve")) {
        return selftest_serve(options, error);
    }
    if (transport_pick(self.transport, &shape, 1, error) == NULL) {
        return ERR_USAGE;
    }
    return test(&self, options_text(options, "json"), error);
}

const struct command command_selftest = {
    .name = "selftest",
    .usage = "selftest [options]",
    .summary = "prove the load generator on this machine, against a server built in",
    .options = rows,
    .run = run,
};
