/*
 * Signatures of requests: HMAC-SHA1 of path and query, with the time, appended to the query (the
 * way of Recombee). The key's state is prepared once. Constant; any thread may sign.
 */
#ifndef LOAD_SIGNER_H
#define LOAD_SIGNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIGNER_DIGEST_BYTES 20

struct signer {
    uint32_t inner[5], outer[5]; /* SHA-1 state after the padded key */
    char time_parameter[32], parameter[32];
};

void signer_init(struct signer *signer, const void *key, size_t key_len, const char *time_parameter,
                 const char *parameter);
void signer_digest(const struct signer *signer, const void *bytes, size_t len,
                   uint8_t digest[SIGNER_DIGEST_BYTES]);
/* Appends `?time_parameter=<unix s>&parameter=<hex>` (or `&...`) to the path of *len bytes, signed
 * as it then stands before `&parameter`; false if it did not fit into `size` with a NUL. */
bool signer_sign(const struct signer *signer, int64_t unix_s, char *path, size_t *len, size_t size);

#endif
