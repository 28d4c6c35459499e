/* Does the process have room for its connections? Asked before the first one is opened. */
#ifndef LOAD_DESCRIPTORS_H
#define LOAD_DESCRIPTORS_H

#include "base/error.h"

#include <stdint.h>

/*
 * Makes sure that threads x connections sockets, and what a transport needs beside them while it
 * connects (three descriptors a connection in all), can be open at once: raises the soft limit on
 * open files as far as the hard one allows. ERR_USAGE with both numbers and what to do if that is
 * not enough, or if there are more connections than local ports that one address can be reached
 * from. Main thread.
 */
enum err descriptors_reserve(unsigned threads, int connections, struct error *error)
    __attribute__((warn_unused_result));

/* The same for a server, whose connections take one each. */
enum err descriptors_reserve_server(int connections, struct error *error)
    __attribute__((warn_unused_result));

struct descriptors_world { /* what the decision is made from */
    int64_t open;          /* files open now */
    int64_t soft, hard;    /* limits; INT64_MAX = none */
    int64_t ports;         /* local ports to connect from */
};

/* The decision itself: *soft receives the limit to be set, at least world->soft. Pure. */
enum err descriptors_decide(const struct descriptors_world *world, unsigned threads,
                            int connections, int64_t *soft, struct error *error)
    __attribute__((warn_unused_result));

#endif
