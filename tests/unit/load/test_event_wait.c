/* Where the kernel, or a filter of its calls, does not give epoll_pwait2. This program's own stands
 * before the C library's and refuses as they do. */
#include "load/event_wait.h"

#include "base/clock.h"
#include "load/stub_server.h"
#include "raw_http.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdatomic.h>
#include <sys/eventfd.h>

static _Atomic int refusal = ENOSYS;

int epoll_pwait2(int epoll_fd, struct epoll_event *event, int max, const struct timespec *timeout,
                 const sigset_t *mask)
{
    (void)epoll_fd, (void)event, (void)max, (void)timeout, (void)mask;
    errno = refusal;
    return -1;
}

static const int refusals[] = {ENOSYS, EPERM};
#define REFUSALS (sizeof refusals / sizeof refusals[0])

Test(event_wait, events_come_and_moments_are_kept_without_the_one_call)
{
    for (size_t i = 0; i < REFUSALS; i++) {
        refusal = refusals[i];
        struct epoll_event event = {.events = EPOLLIN, .data.u64 = 7}, seen = {0};
        int epoll_fd = epoll_create1(EPOLL_CLOEXEC), fd = eventfd(0, EFD_CLOEXEC);
        cr_assert(epoll_fd >= 0 && fd >= 0);
        cr_assert_eq(epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event), 0);
        int64_t until = clock_mono_ns() + 5 * CLOCK_NS_PER_MS;
        cr_expect_eq(event_wait(epoll_fd, &seen, 1, until), 0);
        cr_expect_geq(clock_mono_ns(), until, "it does not wait");
        cr_expect_eq(event_wait(epoll_fd, &seen, 1, 0), 0);
        eventfd_write(fd, 1);
        cr_expect_eq(event_wait(epoll_fd, &seen, 1, INT64_MAX), 1);
        cr_expect_eq(seen.data.u64, 7);
        close(fd);
        close(epoll_fd);
    }
}

Test(event_wait, the_stub_server_serves_without_the_one_call, .timeout = 60)
{
    static const char request[] = "GET /healthz HTTP/1.1\r\nHost: stub\r\n\r\n";
    for (size_t i = 0; i < REFUSALS; i++) {
        char answer[512] = "";
        struct stub *stub = NULL;
        const struct stub_config config = {.films = 60};
        refusal = refusals[i];
        cr_assert_eq(stub_start(&stub, &config, NULL), ERR_OK);
        int fd = raw_dial(stub_url(stub));
        raw_send(fd, request, sizeof request - 1);
        raw_receive(fd, 1, answer, sizeof answer);
        cr_expect_eq(strncmp(answer, "HTTP/1.1 200", 12), 0, "%s", answer);
        close(fd);
        stub_stop(stub);
    }
}
