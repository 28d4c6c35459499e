/*
 * A generator that runs out of descriptors in the middle of a run measures its own shortage: the
 * kernel refuses sockets, requests fail, and the target looks broken. So the need is added up
 * first, for the worst moment: all connections being opened at once, as a closed loop begins and a
 * target that comes back is met. Each is a socket then, and two descriptors for libcurl's wake-up
 * pair (http1: one a dial, kept with TLS) or for its thread that looks up a name (libcurl). Beside
 * them a transport holds an epoll descriptor or two, and a connection that is being replaced may
 * overlap with its successor.
 *
 * The soft limit is raised beyond the need where the hard one allows: what else the process opens
 * meanwhile is not foreseen.
 */
#include "load/descriptors.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/resource.h>

#define OF_A_CONNECTION 3
#define BESIDE_A_THREAD 24
#define BESIDE_ALL 32 /* files written, own metrics and those who scrape them */
/* Linux's own default range, if it cannot be read. */
#define PORTS_UNKNOWN INT64_C(28232)

enum err descriptors_decide(const struct descriptors_world *world, unsigned threads,
                            int connections, int64_t *soft, struct error *error)
{
    int64_t sockets = (int64_t)threads * connections;
    int64_t needed =
        world->open + OF_A_CONNECTION * sockets + (int64_t)threads * BESIDE_A_THREAD + BESIDE_ALL;
    *soft = world->soft;
    if (sockets > world->ports) {
        return error_set(error, ERR_USAGE, "--connections", 0,
                         "%u threads with %d connections each are %" PRId64
                         ", but connections to one address can leave from %" PRId64
                         " local ports only (net.ipv4.ip_local_port_range); take fewer, or shards "
                         "on several machines",
                         threads, connections, sockets, world->ports);
    }
    if (needed > world->hard) {
        return error_set(error, ERR_USAGE, "--connections", 0,
                         "%u threads with %d connections each need %" PRId64
                         " open files, but this process may have %" PRId64
                         "; take fewer connections or raise the limit (ulimit -Hn, LimitNOFILE)",
                         threads, connections, needed, world->hard);
    }
    if (needed > world->soft) {
        *soft = needed < world->hard / 2 ? 2 * needed : world->hard;
    }
    return ERR_OK;
}

static int64_t count_open(void)
{
    int64_t count = 0;
    DIR *folder = opendir("/proc/self/fd");
    if (folder == NULL) {
        return BESIDE_ALL;
    }
    while (readdir(folder) != NULL) {
        count++;
    }
    (void)closedir(folder);
    return count - 3; /* ".", ".." and the folder itself */
}

static int64_t count_ports(void)
{
    int64_t first = 0, last = -1;
    FILE *file = fopen("/proc/sys/net/ipv4/ip_local_port_range", "r");
    if (file == NULL) {
        return PORTS_UNKNOWN;
    }
    int read = fscanf(file, "%" SCNd64 "%" SCNd64, &first, &last);
    (void)fclose(file);
    return read == 2 && last >= first ? last - first + 1 : PORTS_UNKNOWN;
}

static int64_t as_count(rlim_t limit)
{
    return limit == RLIM_INFINITY || limit > (rlim_t)INT64_MAX ? INT64_MAX : (int64_t)limit;
}

/* What the process has and may have; false if that is not known. */
static bool look_around(struct descriptors_world *world, struct rlimit *limit)
{
    if (getrlimit(RLIMIT_NOFILE, limit) != 0) {
        return false;
    }
    *world = (struct descriptors_world){.open = count_open(),
                                        .soft = as_count(limit->rlim_cur),
                                        .hard = as_count(limit->rlim_max),
                                        .ports = count_ports()};
    return true;
}

static enum err raise_to(int64_t soft, struct rlimit *limit, struct error *error)
{
    char text[64];
    int64_t before = as_count(limit->rlim_cur);
    if (soft == before) {
        return ERR_OK;
    }
    limit->rlim_cur = (rlim_t)soft;
    if (setrlimit(RLIMIT_NOFILE, limit) != 0) {
        return error_set(error, ERR_PROCESS, NULL, 0,
                         "the limit on open files could not be raised from %" PRId64 " to %" PRId64
                         ": %s",
                         before, soft, err_errno_text(errno, text, sizeof text));
    }
    return ERR_OK;
}

enum err descriptors_reserve(unsigned threads, int connections, struct error *error)
{
    struct rlimit limit;
    struct descriptors_world world;
    int64_t soft;
    if (!look_around(&world, &limit)) {
        return ERR_OK; /* nothing is known, so nothing can be promised or refused */
    }
    enum err code = descriptors_decide(&world, threads, connections, &soft, error);
    return code == ERR_OK ? raise_to(soft, &limit, error) : code;
}

enum err descriptors_reserve_server(int connections, struct error *error)
{
    struct rlimit limit;
    struct descriptors_world world;
    if (!look_around(&world, &limit)) {
        return ERR_OK;
    }
    int64_t needed = world.open + connections + BESIDE_A_THREAD + BESIDE_ALL;
    if (needed > world.hard) {
        return error_set(error, ERR_USAGE, NULL, 0,
                         "a server of %d connections needs %" PRId64
                         " open files, but this process may have %" PRId64
                         "; raise the limit (ulimit -Hn, LimitNOFILE)",
                         connections, needed, world.hard);
    }
    return raise_to(needed > world.soft ? needed : world.soft, &limit, error);
}
