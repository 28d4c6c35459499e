/* What the kernel says about this process, for the process_* metrics. Any thread. */
#ifndef RECOMMENDER_PROCESS_INFO_H
#define RECOMMENDER_PROCESS_INFO_H

struct process_info {
    double cpu_s; /* user and system time used so far */
    double resident_bytes, virtual_bytes;
    double open_fds, max_fds;
    double threads;
    double received_bytes, sent_bytes; /* IP octets of the network namespace, loopback included */
};

/* What cannot be read stays 0. */
void process_info_read(struct process_info *out);

#endif
