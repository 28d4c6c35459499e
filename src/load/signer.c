/*
 * SHA-1 (FIPS 180-4) and HMAC (RFC 2104). The key takes a whole block of both its hashes; the state
 * after it is kept, so that a signature of a short path costs two blocks, not four. SHA-1 is no
 * longer fit for documents, but it is what such interfaces ask for.
 */
#include "load/signer.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

#define BLOCK_BYTES 64

struct hash {
    uint32_t state[5];
    uint64_t bytes; /* whole blocks so far */
};

static const uint32_t start_state[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};

static uint32_t turn(uint32_t word, unsigned bits)
{
    return word << bits | word >> (32 - bits);
}

static void expand(const uint8_t block[BLOCK_BYTES], uint32_t word[80])
{
    for (int i = 0; i < 16; i++) {
        const uint8_t *at = block + 4 * (size_t)i;
        word[i] =
            (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | (uint32_t)at[3];
    }
    for (int i = 16; i < 80; i++) {
        word[i] = turn(word[i - 3] ^ word[i - 8] ^ word[i - 14] ^ word[i - 16], 1);
    }
}

/* The function and the constant of a round. */
static uint32_t mix(int round, uint32_t b, uint32_t c, uint32_t d)
{
    switch (round / 20) {
    case 0:
        return ((b & c) | (~b & d)) + 0x5a827999;
    case 1:
        return (b ^ c ^ d) + 0x6ed9eba1;
    case 2:
        return ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc;
    default:
        return (b ^ c ^ d) + 0xca62c1d6;
    }
}

static void add_block(struct hash *hash, const uint8_t block[BLOCK_BYTES])
{
    uint32_t word[80];
    uint32_t a = hash->state[0], b = hash->state[1], c = hash->state[2], d = hash->state[3],
             e = hash->state[4];
    expand(block, word);
    for (int i = 0; i < 80; i++) {
        uint32_t next = turn(a, 5) + mix(i, b, c, d) + e + word[i];
        e = d;
        d = c;
        c = turn(b, 30);
        b = a;
        a = next;
    }
    hash->state[0] += a;
    hash->state[1] += b;
    hash->state[2] += c;
    hash->state[3] += d;
    hash->state[4] += e;
    hash->bytes += BLOCK_BYTES;
}

/* The rest of the message with its length; ends the hash. */
static void finish(struct hash *hash, const uint8_t *bytes, size_t len,
                   uint8_t digest[SIGNER_DIGEST_BYTES])
{
    uint64_t bits = (hash->bytes + len) * 8;
    while (len >= BLOCK_BYTES) {
        add_block(hash, bytes);
        bytes += BLOCK_BYTES;
        len -= BLOCK_BYTES;
    }
    uint8_t last[2 * BLOCK_BYTES] = {0};
    size_t size = len < BLOCK_BYTES - 8 ? BLOCK_BYTES : sizeof last;
    memcpy(last, bytes, len);
    last[len] = 0x80;
    for (size_t i = 0; i < 8; i++) {
        last[size - 1 - i] = (uint8_t)(bits >> 8 * i);
    }
    for (size_t at = 0; at < size; at += BLOCK_BYTES) {
        add_block(hash, last + at);
    }
    for (size_t i = 0; i < SIGNER_DIGEST_BYTES; i++) {
        digest[i] = (uint8_t)(hash->state[i / 4] >> (24 - 8 * (i % 4)));
    }
}

static void padded_key(const uint8_t key[BLOCK_BYTES], uint8_t with, uint32_t state[5])
{
    uint8_t block[BLOCK_BYTES];
    struct hash hash = {.bytes = 0};
    memcpy(hash.state, start_state, sizeof start_state);
    for (size_t i = 0; i < BLOCK_BYTES; i++) {
        block[i] = key[i] ^ with;
    }
    add_block(&hash, block);
    memcpy(state, hash.state, sizeof hash.state);
}

void signer_init(struct signer *signer, const void *key, size_t key_len, const char *time_parameter,
                 const char *parameter)
{
    uint8_t block[BLOCK_BYTES] = {0};
    if (key_len > BLOCK_BYTES) {
        struct hash hash = {.bytes = 0};
        memcpy(hash.state, start_state, sizeof start_state);
        finish(&hash, key, key_len, block);
    } else {
        memcpy(block, key, key_len);
    }
    padded_key(block, 0x36, signer->inner);
    padded_key(block, 0x5c, signer->outer);
    (void)text_copy(signer->time_parameter, sizeof signer->time_parameter, time_parameter);
    (void)text_copy(signer->parameter, sizeof signer->parameter, parameter);
}

void signer_digest(const struct signer *signer, const void *bytes, size_t len,
                   uint8_t digest[SIGNER_DIGEST_BYTES])
{
    struct hash inner = {.bytes = BLOCK_BYTES}, outer = {.bytes = BLOCK_BYTES};
    memcpy(inner.state, signer->inner, sizeof inner.state);
    memcpy(outer.state, signer->outer, sizeof outer.state);
    finish(&inner, bytes, len, digest);
    uint8_t middle[SIGNER_DIGEST_BYTES];
    memcpy(middle, digest, sizeof middle);
    finish(&outer, middle, sizeof middle, digest);
}

bool signer_sign(const struct signer *signer, int64_t unix_s, char *path, size_t *len, size_t size)
{
    uint8_t digest[SIGNER_DIGEST_BYTES];
    size_t at = *len;
    int added =
        snprintf(path + at, size - at, "%c%s=%lld", memchr(path, '?', at) != NULL ? '&' : '?',
                 signer->time_parameter, (long long)unix_s);
    if (added < 0 || (size_t)added >= size - at) {
        return false;
    }
    at += (size_t)added;
    signer_digest(signer, path, at, digest);
    added = snprintf(path + at, size - at, "&%s=", signer->parameter);
    if (added < 0 || size - at <= (size_t)added + 2 * sizeof digest) {
        return false;
    }
    at += (size_t)added;
    for (size_t i = 0; i < sizeof digest; i++) {
        path[at++] = "0123456789abcdef"[digest[i] >> 4];
        path[at++] = "0123456789abcdef"[digest[i] & 15];
    }
    path[at] = '\0';
    *len = at;
    return true;
}
