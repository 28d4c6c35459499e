/* What the kernel says about this process, and the process_* metrics made of it. Any thread. */
#ifndef BASE_PROCESS_INFO_H
#define BASE_PROCESS_INFO_H

#include "base/buf.h"

struct process_info {
    double cpu_s; /* user and system time used so far */
    double resident_bytes, virtual_bytes;
    double open_fds, max_fds;
    double threads;
    double received_bytes, sent_bytes; /* IP octets of the network namespace, loopback included */
};

/* What cannot be read stays 0. */
void process_info_read(struct process_info *out);
/* The families process_*, as Prometheus's own clients name them. */
void process_info_write(const struct process_info *info, double start_unix_s, struct buf *out);

#endif
