/*
 * A model file as bytes, to be damaged on purpose. Header-only: it needs the recommender floor.
 */
#ifndef SUPPORT_MODEL_BYTES_H
#define SUPPORT_MODEL_BYTES_H

#include "base/rng.h"
#include "recommender/section_file.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Places in the head and in an entry of the table, see section_file.h. */
enum {
    MODEL_BYTES_SIZE = 16,
    MODEL_BYTES_SECTIONS = 24,
    MODEL_BYTES_CHECKSUM = 32,
    MODEL_BYTES_TYPE = 32,
    MODEL_BYTES_COUNT = 40,
    MODEL_BYTES_OFFSET = 48,
    MODEL_BYTES_OWN_CHECKSUM = 56
};

static inline uint64_t model_bytes_u64(const unsigned char *at)
{
    uint64_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

/* Entries that lie in the bytes at all. */
static inline size_t model_bytes_sections(const unsigned char *bytes, size_t count)
{
    uint64_t sections =
        count >= SECTION_HEAD_BYTES ? model_bytes_u64(bytes + MODEL_BYTES_SECTIONS) : 0;
    size_t most =
        count >= SECTION_HEAD_BYTES ? (count - SECTION_HEAD_BYTES) / SECTION_ENTRY_BYTES : 0;
    return sections < most ? (size_t)sections : most;
}

/* The numbers of an entry; NULL if they do not lie in the bytes. */
static inline unsigned char *model_bytes_section(unsigned char *bytes, size_t count, size_t s,
                                                 size_t *size)
{
    const unsigned char *entry = bytes + SECTION_HEAD_BYTES + s * SECTION_ENTRY_BYTES;
    uint32_t type;
    memcpy(&type, entry + MODEL_BYTES_TYPE, sizeof type);
    size_t item = section_type_bytes((enum section_type)type);
    uint64_t offset = model_bytes_u64(entry + MODEL_BYTES_OFFSET);
    uint64_t numbers = model_bytes_u64(entry + MODEL_BYTES_COUNT);
    if (item == 0 || offset > count || numbers > (count - offset) / item) {
        return NULL;
    }
    *size = (size_t)numbers * item;
    return bytes + offset;
}

/* Makes all checksums and the size right again, so that only what the numbers mean is wrong. */
static inline void model_bytes_repair(unsigned char *bytes, size_t count)
{
    size_t sections = model_bytes_sections(bytes, count), size;
    if (count < SECTION_HEAD_BYTES) {
        return;
    }
    for (size_t s = 0; s < sections; s++) {
        unsigned char *entry = bytes + SECTION_HEAD_BYTES + s * SECTION_ENTRY_BYTES;
        const unsigned char *numbers = model_bytes_section(bytes, count, s, &size);
        uint64_t sum = numbers != NULL ? section_checksum(numbers, size) : 0;
        memcpy(entry + MODEL_BYTES_OWN_CHECKSUM, &sum, sizeof sum);
    }
    uint64_t whole = count;
    memcpy(bytes + MODEL_BYTES_SIZE, &whole, sizeof whole);
    uint64_t sum =
        rng_mix(section_checksum(bytes, MODEL_BYTES_CHECKSUM),
                section_checksum(bytes + SECTION_HEAD_BYTES, sections * SECTION_ENTRY_BYTES));
    memcpy(bytes + MODEL_BYTES_CHECKSUM, &sum, sizeof sum);
}

#endif
