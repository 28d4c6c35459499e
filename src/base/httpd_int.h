/* Inside the HTTP server: what its files share. Everybody else includes httpd.h. */
#ifndef BASE_HTTPD_INT_H
#define BASE_HTTPD_INT_H

#include "base/httpd.h"
#include "base/httpd_links.h"

#include <microhttpd.h>
#include <pthread.h>

#define HTTPD_URI_MAX_BYTES (1 << 16)

struct httpd {
    struct MHD_Daemon *daemon;
    httpd_handler *handler;
    void *context;
    void (*let_go)(void *context);
    bool tell_refused;
    size_t body_max_bytes, reply_max_bytes;
    struct links links;
    pthread_mutex_t mutex; /* guards the fields below */
    pthread_cond_t quiet;  /* one of the counts fell */
    unsigned held;         /* requests held and not sent */
    unsigned unfinished;   /* requests that were held and are not completed */
    bool stopping;
    char url[300];
};

/* A connection and its request under way; the name is that of its public face. */
struct httpd_held {
    struct link link;
    struct httpd *httpd;
    struct MHD_Connection *connection;
    bool loopback;

    struct buf uri, body;
    size_t received_bytes; /* of the body, kept or dropped */
    bool begun;            /* the head was read */
    bool handled;          /* the handler was called */
    bool held, sent;
    struct httpd_request request;
    struct httpd_reply reply; /* of a held request, once sent */
};

/* Queues the reply for its connection; takes the reply's body over. MHD_NO closes the connection.
 */
enum MHD_Result httpd_deliver(struct httpd_held *exchange, struct httpd_reply *reply);

#endif
