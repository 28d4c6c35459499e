/*
 * Connections opened by libcurl and used without it: it resolves names, tries addresses and agrees
 * on TLS; what follows are plain reads and writes. Never through a proxy. One connector and all its
 * links belong to one thread.
 */
#ifndef LOAD_CONNECTOR_H
#define LOAD_CONNECTOR_H

#include "base/error.h"
#include "load/transport.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct connector;
struct link; /* one connection, standing or on its way */

enum err connector_open(struct connector **out, struct error *error);
void connector_close(struct connector *connector); /* after the last link; accepts NULL */

/* Begins to connect to scheme://host[:port]; NULL if libcurl cannot even begin. `owner` comes back
 * with the link. */
struct link *connector_dial(struct connector *connector, const char *base_url, int owner);
/* Readable when connector_drive has something to do. */
int connector_fd(const struct connector *connector);
/* When connector_drive is to be called at the latest; INT64_MAX = not at all. */
int64_t connector_due_ns(const struct connector *connector);

struct connector_outcome {
    struct link *link; /* the caller's to close, whatever became of it */
    int owner;
    enum exchange_failure failure; /* EXCHANGE_ANSWERED = it stands */
    const char *reason;            /* static; NULL if it stands */
    int64_t connected_ns;          /* monotonic; 0 unless it stands */
};
/* Goes on with all connections on their way, never blocks. Writes at most `max` outcomes and
 * returns how many; called again at once if that is `max`. */
int connector_drive(struct connector *connector, struct connector_outcome *out, int max);

/* Of a standing link: its socket, for waiting only. */
int link_fd(const struct link *link);

#define LINK_AGAIN ((ssize_t)-1)  /* not now: wait for the socket */
#define LINK_BROKEN ((ssize_t)-2) /* reset, or TLS gone wrong */
/* How many bytes were taken, or one of the above. */
ssize_t link_send(struct link *link, const char *bytes, size_t len);
/* How many bytes came, 0 at the other side's end, or one of the above. `more` is set if bytes may
 * be left that the socket does not show as readable. */
ssize_t link_receive(struct link *link, char *bytes, size_t size, bool *more);
void link_close(struct connector *connector, struct link *link); /* accepts NULL */

#endif
