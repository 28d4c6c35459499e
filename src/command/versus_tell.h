/* What a comparison of two builds came to: the table on stdout, and JSON. Main thread only. */
#ifndef COMMAND_VERSUS_TELL_H
#define COMMAND_VERSUS_TELL_H

#include "base/buf.h"
#include "base/error.h"
#include "capacity/versus.h"
#include "command/versus_files.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum versus_noise { VERSUS_NOISE_NONE, VERSUS_NOISE_HALVES, VERSUS_NOISE_AGAIN };

struct versus_report {
    const struct versus_files *files;
    double confidence;
    uint64_t seed;
    struct versus_result result;
    /* A against itself: its odd runs against its even ones, or against those of --aa. */
    enum versus_noise noise_of;
    struct versus_result noise; /* valid unless VERSUS_NOISE_NONE */
    enum versus_order order;    /* of A and B */
    json_t *warnings;           /* texts; owned by the caller */
};

/* One sentence: faster, slower or no difference shown, and how that is to the noise floor. */
void versus_sentence(const struct versus_report *report, struct buf *out);
void versus_print(const struct versus_report *report);
enum err versus_write_json(const struct versus_report *report, const char *path,
                           struct error *error) __attribute__((warn_unused_result));

#endif
