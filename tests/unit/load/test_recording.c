#include "load/recording.h"

#include "base/mem.h"
#include "invalid.h"
#include "load/hours.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define SECOND INT64_C(1000000000)

static enum err parse(const char *text, double time_scale, struct recording *out,
                      struct faults *faults, struct error *error)
{
    faults_init(faults);
    return recording_parse(text, strlen(text), "visits.csv", time_scale, 20, out, faults, error);
}

Test(recording, reads_moments_and_people)
{
    struct recording recording;
    struct faults faults;
    struct error error = {0};
    cr_assert_eq(parse("# seconds, user id\n0\n\n 0.25 , 20\r\n90,1\n  # more\n90.000001", 60,
                       &recording, &faults, &error),
                 ERR_OK, "%s", error.text);
    cr_assert_eq(recording.count, 4);
    cr_expect_eq(recording.moment_ns[0], 0);
    cr_expect_eq(recording.person[0], -1);
    cr_expect_eq(recording.moment_ns[1], (int64_t)(.25 / 60 * 1e9));
    cr_expect_eq(recording.person[1], 19);
    cr_expect_eq(recording.moment_ns[2], 3 * SECOND / 2);
    cr_expect_eq(recording.person[2], 0);
    cr_expect_eq(recording.person[3], -1);
    cr_expect_eq(faults.count, 0);
    recording_deinit(&recording);
    faults_deinit(&faults);
}

static void tell(const char *path, char *message, size_t size)
{
    struct recording recording;
    struct faults faults;
    struct error error = {0};
    size_t used = 0;
    faults_init(&faults);
    message[0] = '\0';
    if (recording_read(path, 1, 20, &recording, &faults, &error) == ERR_OK) {
        recording_deinit(&recording);
        return;
    }
    for (size_t i = 0; i < faults.count; i++) {
        const struct fault *fault = &faults.list[i];
        used += (size_t)snprintf(message + used, size - used, "%s:%d: %s\n",
                                 strrchr(fault->where, '/') + 1, fault->line, fault->text);
        cr_assert_lt(used, size);
    }
    (void)snprintf(message + used, size - used, "%s: %s", err_text(error.code), error.text);
    faults_deinit(&faults);
}

Test(recording, malformed_lines_are_all_told)
{
    cr_expect_eq(invalid_each("recordings", tell), 0);
}

Test(recording, a_file_of_nothing_but_faults_is_not_told_for_ever)
{
    enum { LINES = RECORDING_FAULTS_MAX + 500 };
    char *text = mem_alloc(2 * LINES + 1);
    struct recording recording;
    struct faults faults;
    struct error error = {0};
    for (int i = 0; i < LINES; i++) {
        text[2 * i] = 'x';
        text[2 * i + 1] = '\n';
    }
    text[2 * LINES] = '\0';
    cr_expect_eq(parse(text, 1, &recording, &faults, &error), ERR_INPUT);
    cr_expect_eq(faults.count, RECORDING_FAULTS_MAX + 1);
    cr_expect_str_eq(faults.list[RECORDING_FAULTS_MAX].text, "500 malformed lines are not shown");
    cr_expect_eq(recording.count, 0);
    faults_deinit(&faults);
    mem_free(text);
}

Test(recording, a_missing_file_is_told)
{
    struct recording recording;
    struct faults faults;
    struct error error = {0};
    faults_init(&faults);
    cr_expect_neq(recording_read("tests/data/none.csv", 1, 20, &recording, &faults, &error),
                  ERR_OK);
    cr_expect_neq(error.code, ERR_OK);
    faults_deinit(&faults);
}

/* Two users: visits at 0 s, 10,000 s, 12,000 s and at 4,000 s. */
static int64_t times[] = {0, 60, 10000, 11800, 13601, 4000, 4001};
static int64_t starts[] = {0, 5, 7};
static const struct ratings small = {.users = 2, .count = 7, .start = starts, .time_s = times};

Test(recording, visits_of_the_data_start_after_half_an_hour_of_nothing)
{
    static const bool expected[] = {true, false, true, false, true, true, false};
    for (int64_t i = 0; i < 7; i++) {
        cr_expect_eq(hours_starts_visit(&small, i < 5 ? 0 : 1, i), expected[i], "rating %lld",
                     (long long)i);
    }
}

Test(recording, the_data_are_squeezed_into_the_drill)
{
    struct recording all, latest;
    recording_of_data(&small, 2, 100, 100 * SECOND, &all);
    cr_assert_eq(all.count, 4);
    cr_expect_eq(all.moment_ns[0], 0);
    cr_expect_float_eq((double)all.moment_ns[1] / 75e9, 4000.0 / 13601, 1e-9);
    cr_expect_float_eq((double)all.moment_ns[2] / 75e9, 10000.0 / 13601, 1e-9);
    cr_expect_float_eq((double)all.moment_ns[3], 75e9, 2, "a mean gap before the end");
    cr_expect_eq(all.person[0], 0);
    cr_expect_eq(all.person[1], 1);
    recording_of_data(&small, 2, 2, 100 * SECOND, &latest);
    cr_assert_eq(latest.count, 2, "the latest ones");
    cr_expect_eq(latest.moment_ns[0], 0);
    cr_expect_float_eq((double)latest.moment_ns[1], 50e9, 2);
    recording_deinit(&all);
    recording_deinit(&latest);
}

/* User 0 visits at 0, 10,000 and 13,601 s: by people 0, 2 and 4 if there are so many. */
Test(recording, visits_of_a_user_are_shared_with_look_alikes)
{
    static const int32_t expected[][4] = {
        {0, 1, 0, 0}, {0, 1, 2, 0}, {0, 1, 2, 0}, {0, 1, 2, 4}, {0, 1, 2, 4}};
    for (int32_t people = 2; people <= 6; people++) {
        struct recording recording;
        recording_of_data(&small, people, 100, 100 * SECOND, &recording);
        for (int i = 0; i < 4; i++) {
            cr_expect_eq(recording.person[i], expected[people - 2][i], "%d people, visit %d",
                         people, i);
        }
        recording_deinit(&recording);
    }
}

Test(recording, data_of_one_moment_or_none_do_no_harm)
{
    int64_t one_start[] = {0, 1}, time = 77;
    struct ratings one = {.users = 1, .count = 1, .start = one_start, .time_s = &time};
    struct ratings none = {0};
    struct recording recording;
    recording_of_data(&one, 1, 5, SECOND, &recording);
    cr_expect_eq(recording.count, 1);
    cr_expect_eq(recording.moment_ns[0], 0);
    recording_deinit(&recording);
    recording_of_data(&none, 1, 5, SECOND, &recording);
    cr_expect_eq(recording.count, 0);
    recording_deinit(&recording);
}
