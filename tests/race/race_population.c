/* Building people and writing their pasts on four threads, and the same bits as on one. Plain main,
 * because ThreadSanitizer does not run under Criterion. */
#include "base/fileio.h"
#include "drill/past_files.h"
#include "people_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PEOPLE = 300 };

static uint64_t write_with(unsigned threads, const char *folder)
{
    struct people_world world;
    people_world_small(&world, PEOPLE, threads);
    struct parallel parallel = {.threads = threads};
    struct past_files_report report;
    struct error error = {0};
    people_world_must(past_files_write(world.population, NULL, 0, 0, INT64_C(1700000000), &parallel,
                                       folder, &report, &error),
                      &error);
    past_files_report_deinit(&report);
    struct dataset written;
    struct dataset_options options = {.strict = true};
    people_world_must(dataset_load(folder, &options, &written, NULL, &error), &error);
    uint64_t fingerprint = written.fingerprint;
    dataset_deinit(&written);
    people_world_end(&world);
    return fingerprint;
}

int main(void)
{
    char folder[] = "/tmp/driftdrill-race-XXXXXX";
    if (mkdtemp(folder) == NULL) {
        return 1;
    }
    uint64_t one = write_with(1, folder), four = write_with(4, folder);
    struct error error = {0};
    (void)file_remove_tree(folder, &error);
    if (one != four) {
        (void)fprintf(stderr, "one thread and four wrote different pasts\n");
        return 1;
    }
    return 0;
}
