#include "base/clock.h"
#include "command/run_control.h"
#include "small_world.h"

#include <criterion/criterion.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

Test(run_control, commands_are_read)
{
    static const struct {
        const char *line;
        bool good;
        enum run_command_kind kind;
        double value;
    } rows[] = {
        {"rate 120", true, RUN_COMMAND_RATE, 120},
        {"rate   0.5", true, RUN_COMMAND_RATE, 0.5},
        {"factor 2.5", true, RUN_COMMAND_FACTOR, 2.5},
        {"factor 0", true, RUN_COMMAND_FACTOR, 0},
        {"step +10", true, RUN_COMMAND_STEP, 1.1},
        {"step 10%", true, RUN_COMMAND_STEP, 1.1},
        {"step -25%", true, RUN_COMMAND_STEP, 0.75},
        {"step -100", true, RUN_COMMAND_STEP, 0},
        {"hold", true, RUN_COMMAND_HOLD, 0},
        {"resume", true, RUN_COMMAND_RESUME, 0},
        {"status", true, RUN_COMMAND_STATUS, 0},
        {"stop", true, RUN_COMMAND_STOP, 0},
        {"", false, RUN_COMMAND_STOP, 0},
        {" stop", false, RUN_COMMAND_STOP, 0},
        {"STOP", false, RUN_COMMAND_STOP, 0},
        {"stop now", false, RUN_COMMAND_STOP, 0},
        {"rate", false, RUN_COMMAND_STOP, 0},
        {"rate -1", false, RUN_COMMAND_STOP, 0},
        {"rate 1e12", false, RUN_COMMAND_STOP, 0},
        {"rate ten", false, RUN_COMMAND_STOP, 0},
        {"rate 1 2", false, RUN_COMMAND_STOP, 0},
        {"factor 1001", false, RUN_COMMAND_STOP, 0},
        {"factor nan", false, RUN_COMMAND_STOP, 0},
        {"step -101", false, RUN_COMMAND_STOP, 0},
        {"step +-10", false, RUN_COMMAND_STOP, 0},
        {"step %", false, RUN_COMMAND_STOP, 0},
        {"speed 3", false, RUN_COMMAND_STOP, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct run_command command = {0};
        const char *problem = NULL;
        cr_expect_eq(run_command_read(rows[i].line, &command, &problem), rows[i].good, "'%s'",
                     rows[i].line);
        if (rows[i].good) {
            cr_expect_eq(command.kind, rows[i].kind, "'%s'", rows[i].line);
            cr_expect_float_eq(command.value, rows[i].value, 1e-12, "'%s'", rows[i].line);
        } else {
            cr_expect_not_null(problem, "'%s'", rows[i].line);
        }
    }
}

/* An engine whose people never get an answer in time, since the fake's clock stands still while
 * the script waits for the end of the test. */
struct stage {
    struct small_world world;
    struct run_control *control;
    struct run_controlled run;
    atomic_bool over;
    char folder[32], path[64];
    int fd;
};

static struct stage stage;

static void stand_still(void *context, const struct fake_request *request,
                        struct fake_answer *answer)
{
    atomic_bool *over = context;
    (void)request;
    (void)answer;
    while (!atomic_load(over)) {
        clock_sleep_ns(CLOCK_NS_PER_MS);
    }
}

static void set_up(void)
{
    struct error error = {0};
    (void)snprintf(stage.folder, sizeof stage.folder, "%s", "/tmp/driftdrill-XXXXXX");
    cr_assert_not_null(mkdtemp(stage.folder));
    (void)snprintf(stage.path, sizeof stage.path, "%s/control", stage.folder);
    cr_assert_eq(run_control_open(stage.path, &stage.control, &error), ERR_OK, "%s", error.text);
    small_world_init(&stage.world);
    stage.world.script.answer = stand_still;
    stage.world.script.context = &stage.over;
    fake_transport_use(&stage.world.script);
    small_world_must(engine_start(&stage.world.plan, &stage.run.engine, &error), &error);
    stage.run.rate_per_s = 50;
    stage.run.start_mono_ns = clock_mono_ns();
    stage.fd = -1;
}

static void tear_down(void)
{
    struct engine_result result;
    atomic_store(&stage.over, true);
    engine_stop(stage.run.engine);
    engine_join(stage.run.engine, &result);
    engine_result_deinit(&result);
    small_world_deinit(&stage.world);
    run_control_close(stage.control);
    struct stat status;
    cr_expect_neq(stat(stage.path, &status), 0, "the socket is gone");
    if (stage.fd >= 0) {
        close(stage.fd);
    }
    rmdir(stage.folder);
}

TestSuite(run_control_live, .init = set_up, .fini = tear_down);

static int connected(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", stage.path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    cr_assert_eq(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

/* Sends a line, lets the run see it and returns the answer. */
static const char *ask(const char *line, enum run_control_event *event)
{
    static char text[1024];
    ssize_t got = -1;
    stage.fd = stage.fd < 0 ? connected() : stage.fd;
    cr_assert_eq(send(stage.fd, line, strlen(line), 0), (ssize_t)strlen(line));
    *event = RUN_CONTROL_NOTHING;
    for (int i = 0; i < 1000 && got < 0; i++) {
        *event = run_control_wait(stage.control, &stage.run, 5 * CLOCK_NS_PER_MS);
        got = recv(stage.fd, text, sizeof text - 1, MSG_DONTWAIT);
    }
    cr_assert_gt(got, 0, "%s was not answered", line);
    text[got] = '\0';
    return text;
}

Test(run_control_live, the_rate_follows_the_socket)
{
    static const struct {
        const char *line;
        double factor;
        const char *part;
    } rows[] = {
        {"status\n", 1, "\"ok\":true"},
        {"rate 100\n", 2, "\"rate\":100,"},
        {"step -50%\r\n", 1, "\"factor\":1,"},
        {"resume\n", 1, "nothing is held"},
        {"factor 3\n", 3, "\"ok\":true"},
        {"hold\n", 0, "\"rate\":0,"},
        {"hold\n", 0, "\"ok\":true"},
        {"step +10\n", 0, "\"ok\":false"},
        {"resume\n", 3, "\"rate\":150,"},
        {"rate 1e9\n", 3, "more than a thousand times"},
        {"nonsense\n", 3, "expected rate, factor"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        enum run_control_event event;
        const char *said = ask(rows[i].line, &event);
        cr_expect_eq(event, RUN_CONTROL_NOTHING);
        cr_expect(strstr(said, rows[i].part) != NULL, "%s: %s", rows[i].line, said);
        cr_expect_eq(engine_rate_factor(stage.run.engine), rows[i].factor, "%s: %g", rows[i].line,
                     engine_rate_factor(stage.run.engine));
    }
}

Test(run_control_live, stop_ends_the_run)
{
    enum run_control_event event;
    const char *said = ask("stop\n", &event);
    cr_expect(strstr(said, "\"ok\":true") != NULL);
    cr_expect_eq(event, RUN_CONTROL_STOP);
}

Test(run_control_live, a_line_without_end_is_hung_up_on)
{
    char endless[300];
    enum run_control_event event;
    memset(endless, 'x', sizeof endless - 1);
    endless[sizeof endless - 1] = '\0';
    cr_expect(strstr(ask(endless, &event), "shorter") != NULL);
    for (int i = 0; i < 5; i++) { /* and the run goes on */
        cr_expect_eq(run_control_wait(stage.control, &stage.run, 1000000), RUN_CONTROL_NOTHING);
    }
}

Test(run_control_live, only_the_owner_may_connect_and_nobody_takes_the_place)
{
    struct stat status;
    struct error error = {0};
    struct run_control *second = NULL;
    cr_assert_eq(stat(stage.path, &status), 0);
    cr_expect_eq(status.st_mode & 0777, 0700);
    cr_expect_eq(run_control_open(stage.path, &second, &error), ERR_USAGE);
    cr_expect_str_eq(error.text, "another run listens there");
    cr_expect_eq(stat(stage.path, &status), 0, "still there");
}

Test(run_control_live, signals_change_the_rate_and_end_the_run)
{
    kill(getpid(), SIGUSR1);
    run_control_wait(stage.control, &stage.run, 20 * CLOCK_NS_PER_MS);
    cr_expect_float_eq(engine_rate_factor(stage.run.engine), 1.1, 1e-12);
    kill(getpid(), SIGUSR2);
    run_control_wait(stage.control, &stage.run, 20 * CLOCK_NS_PER_MS);
    cr_expect_float_eq(engine_rate_factor(stage.run.engine), 0.99, 1e-12);
    kill(getpid(), SIGTERM);
    cr_expect_eq(run_control_wait(stage.control, &stage.run, 20 * CLOCK_NS_PER_MS),
                 RUN_CONTROL_INTERRUPTED);
}

Test(run_control, places_for_a_socket_are_checked)
{
    struct error error = {0};
    struct run_control *control = NULL;
    char folder[] = "/tmp/driftdrill-XXXXXX", path[64], long_path[200];
    cr_assert_not_null(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/file", folder);
    FILE *file = fopen(path, "w");
    fclose(file);
    cr_expect_eq(run_control_open(path, &control, &error), ERR_USAGE);
    cr_expect_str_eq(error.text, "is there and no socket");
    unlink(path);
    memset(long_path, 'a', sizeof long_path - 1);
    long_path[sizeof long_path - 1] = '\0';
    cr_expect_eq(run_control_open(long_path, &control, NULL), ERR_USAGE);
    cr_expect_eq(run_control_open("", &control, NULL), ERR_USAGE);
    /* A socket whose owner died is replaced. */
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    int dead = socket(AF_UNIX, SOCK_STREAM, 0);
    cr_assert_eq(bind(dead, (struct sockaddr *)&address, sizeof address), 0);
    close(dead);
    cr_expect_eq(run_control_open(path, &control, &error), ERR_OK);
    run_control_close(control);
    cr_expect_eq(rmdir(folder), 0, "nothing is left behind");
}
