#include "base/process_info.h"

#include "base/metrics.h"
#include "base/text.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static double seconds(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec * 1e-6;
}

static double open_descriptors(void)
{
    double count = 0;
    DIR *folder = opendir("/proc/self/fd");
    if (folder == NULL) {
        return 0;
    }
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        count += entry->d_name[0] != '.';
    }
    closedir(folder);
    return count - 1; /* without the one just used for looking */
}

static double threads(void)
{
    char line[256];
    unsigned long count = 0;
    FILE *file = fopen("/proc/self/status", "re");
    if (file != NULL) {
        while (fgets(line, sizeof line, file) != NULL &&
               sscanf(line, "Threads: %lu", &count) != 1) {
        }
        fclose(file);
    }
    return (double)count;
}

/* A pair of lines, names and values, each beginning with "IpExt:". */
static void read_octets(char *names, char *values, struct process_info *out)
{
    char *name_rest = NULL, *value_rest = NULL;
    const char *name = strtok_r(names, " \n", &name_rest);
    const char *value = strtok_r(values, " \n", &value_rest);
    while (name != NULL && value != NULL) {
        double number = 0;
        if (strcmp(name, "InOctets") == 0 && text_to_f64(value, &number)) {
            out->received_bytes = number;
        } else if (strcmp(name, "OutOctets") == 0 && text_to_f64(value, &number)) {
            out->sent_bytes = number;
        }
        name = strtok_r(NULL, " \n", &name_rest);
        value = strtok_r(NULL, " \n", &value_rest);
    }
}

/* What prometheus/client_golang takes for process_network_*_bytes_total, too. */
static void read_network(struct process_info *out)
{
    char line[1024], names[sizeof line] = "";
    FILE *file = fopen("/proc/self/net/netstat", "re");
    if (file == NULL) {
        return;
    }
    while (fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, "IpExt:", 6) == 0 && names[0] == '\0') {
            (void)text_copy(names, sizeof names, line);
        } else if (strncmp(line, "IpExt:", 6) == 0) {
            read_octets(names, line, out);
            break;
        }
    }
    fclose(file);
}

void process_info_read(struct process_info *out)
{
    *out = (struct process_info){.open_fds = open_descriptors(), .threads = threads()};
    read_network(out);
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) == 0) {
        out->cpu_s = seconds(usage.ru_utime) + seconds(usage.ru_stime);
    }
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        out->max_fds = (double)limit.rlim_cur;
    }
    FILE *file = fopen("/proc/self/statm", "re");
    if (file != NULL) {
        unsigned long total = 0, resident = 0;
        if (fscanf(file, "%lu %lu", &total, &resident) == 2) {
            double page = (double)sysconf(_SC_PAGESIZE);
            out->virtual_bytes = (double)total * page;
            out->resident_bytes = (double)resident * page;
        }
        fclose(file);
    }
}

void process_info_write(const struct process_info *info, double start_unix_s, struct buf *out)
{
    const struct {
        const char *name, *type, *help;
        double value;
    } family[] = {
        {"process_cpu_seconds_total", "counter", "User and system time used.", info->cpu_s},
        {"process_resident_memory_bytes", "gauge", "Resident memory.", info->resident_bytes},
        {"process_virtual_memory_bytes", "gauge", "Virtual memory.", info->virtual_bytes},
        {"process_open_fds", "gauge", "Open file descriptors.", info->open_fds},
        {"process_max_fds", "gauge", "Most file descriptors allowed.", info->max_fds},
        {"process_threads", "gauge", "Threads.", info->threads},
        {"process_network_receive_bytes_total", "counter",
         "Bytes received in the process's network namespace, loopback included.",
         info->received_bytes},
        {"process_network_transmit_bytes_total", "counter",
         "Bytes sent in the process's network namespace, loopback included.", info->sent_bytes},
        {"process_start_time_seconds", "gauge", "When the process started.", start_unix_s},
    };
    for (size_t i = 0; i < sizeof family / sizeof family[0]; i++) {
        metrics_family(out, family[i].name, family[i].type, family[i].help);
        metrics_sample(out, family[i].name, NULL, 0, family[i].value);
    }
}
