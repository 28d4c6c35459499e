#include "recommender/process_info.h"

#include <dirent.h>
#include <stdio.h>
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

void process_info_read(struct process_info *out)
{
    *out = (struct process_info){.open_fds = open_descriptors()};
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
