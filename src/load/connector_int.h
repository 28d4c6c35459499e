/* The connector's insides: its dialers (connector_dialer.c), and who dials when (connector.c). */
#ifndef LOAD_CONNECTOR_INT_H
#define LOAD_CONNECTOR_INT_H

#include "load/connector.h"
#include "load/transport.h"

#include <curl/curl.h>

struct dialer {
    struct connector *connector;
    CURLM *multi;
    CURL *easy;
    struct link *link; /* whose connection this is, or will be; NULL = free */
    int64_t timer_ns;  /* when libcurl wants to be called; INT64_MAX = not at all */
    uint32_t index;
    bool begun;                   /* libcurl has been at it, so what it tells is of this dial */
    bool no_descriptor;           /* the kernel refused a socket for want of one */
    struct dialer *before, *next; /* among those dialing, or (next only) those free */
};

struct links {
    struct link *first, *last;
};

struct address {
    const char *base_url;
    bool is_name;           /* what has to be looked up */
    int64_t known_until_ns; /* of a name */
    struct link *ahead;     /* the dial whose lookup the others wait for */
    struct links waiting;
};

struct link {
    struct dialer *dialer; /* NULL while it waits or is lost, and once the socket is ours alone */
    int fd;                /* -1 until it stands */
    int owner;
    bool dialing; /* on its way: at a dialer, waiting or lost */
    struct address *address;
    struct links *list; /* it is in: those waiting, or those lost; NULL = none */
    struct link *before, *next;
    enum exchange_failure failure; /* of one lost */
    const char *reason;
};

struct connector {
    int epoll_fd;
    CURLSH *share;
    const char *ca_file;
    struct dialer **dialer; /* [count] */
    uint32_t count, capacity;
    struct dialer *free_dialer;
    struct dialer *first_dialing, *last_dialing;
    struct address address[TRANSPORT_SHAPES_MAX];
    int addresses;
    struct links lost; /* failed without a dialer, not told yet */
    struct link *free_link;
    int dialing;
};

/* A dialer that is free, or another one; NULL if there can be none. */
struct dialer *dialer_take(struct connector *connector);
/* Lets it begin to connect for `link`; false if libcurl cannot, and then it is free again. */
bool dialer_begin(struct dialer *dialer, struct link *link);
/* It is done with connecting, with or without success, and still the link's. */
void dialer_done(struct dialer *dialer);
/* Closes its connection, finished or not. */
void dialer_release(struct dialer *dialer);
void dialer_free(struct dialer *dialer);

#endif
