#include "load/event_wait.h"

#include "base/clock.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <time.h>

/* For kernels before 5.11 and for valgrind, which do not know the one call, and for containers
 * whose filter of system calls does not: nanoseconds, at the price of a second call. */
static int poll_then_wait(int epoll_fd, struct epoll_event *event, int max,
                          const struct timespec *timeout)
{
    struct pollfd set = {.fd = epoll_fd, .events = POLLIN};
    int ready = ppoll(&set, 1, timeout, NULL);
    return ready > 0 ? epoll_wait(epoll_fd, event, max, 0) : ready;
}

int event_wait(int epoll_fd, struct epoll_event *event, int max, int64_t until_mono_ns)
{
    int64_t rest = until_mono_ns > 0 ? until_mono_ns - clock_mono_ns() : 0;
    rest = rest > 0 ? rest : 0;
    struct timespec timeout = {.tv_sec = (time_t)(rest / CLOCK_NS_PER_S),
                               .tv_nsec = (long)(rest % CLOCK_NS_PER_S)};
    int ready = epoll_pwait2(epoll_fd, event, max, &timeout, NULL);
    if (ready < 0 && (errno == ENOSYS || errno == EPERM)) {
        ready = poll_then_wait(epoll_fd, event, max, &timeout);
    }
    assert(ready >= 0 || errno == EINTR);
    return ready;
}
