/* A recorded file of visits. The first byte is the number of people. What is read must hold what
 * the contract promises, and what is refused must be told. */
#include "load/recording.h"

#include <stdbool.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
    if (!holds) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct recording recording;
    struct faults faults;
    struct error error = {.code = ERR_OK};
    if (size == 0) {
        return 0;
    }
    int32_t people = data[0];
    faults_init(&faults);
    enum err code = recording_parse((const char *)data + 1, size - 1, "visits.csv", 60, people,
                                    &recording, &faults, &error);
    if (code == ERR_OK) {
        check(recording.count > 0 && faults.count == 0);
        for (int64_t i = 0; i < recording.count; i++) {
            check(recording.moment_ns[i] >= (i > 0 ? recording.moment_ns[i - 1] : 0));
            check(recording.person[i] >= -1 && recording.person[i] < people);
        }
    } else {
        check(code == ERR_INPUT && error.text[0] != '\0' && recording.count == 0);
        check(faults.count <= RECORDING_FAULTS_MAX + 1);
        for (size_t i = 0; i < faults.count; i++) {
            check(faults.list[i].line >= 1 && faults.list[i].text[0] != '\0');
        }
    }
    recording_deinit(&recording);
    faults_deinit(&faults);
    return 0;
}
