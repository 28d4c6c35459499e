#include "load/signer.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define COUNT(rows) (sizeof(rows) / sizeof(rows)[0])

static void hex_of(const uint8_t *digest, char *out)
{
    for (size_t i = 0; i < SIGNER_DIGEST_BYTES; i++) {
        (void)snprintf(out + 2 * i, 3, "%02x", digest[i]);
    }
}

/* The cases of RFC 2202, section 3. */
Test(signer, digests_are_those_of_the_standard)
{
    static const struct {
        uint8_t key_byte; /* repeated; 0 = key below */
        size_t key_len;
        const char *key;
        uint8_t data_byte;
        size_t data_len;
        const char *data, *digest;
    } rows[] = {
        {0x0b, 20, NULL, 0, 0, "Hi There", "b617318655057264e28bc0b6fb378c8ef146be00"},
        {0, 4, "Jefe", 0, 0, "what do ya want for nothing?",
         "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"},
        {0xaa, 20, NULL, 0xdd, 50, NULL, "125d7342b9ac11cd91a39af48aa17b4f63f175d3"},
        {0x0c, 20, NULL, 0, 0, "Test With Truncation", "4c1a03424b55e07fe7f27be1d58bb9324a9a5a04"},
        {0xaa, 80, NULL, 0, 0, "Test Using Larger Than Block-Size Key - Hash Key First",
         "aa4ae5e15272d00e95705637ce8a3b55ed402112"},
        {0xaa, 80, NULL, 0, 0,
         "Test Using Larger Than Block-Size Key and Larger Than One Block-Size Data",
         "e8e99d0f45237d786d6bbaa7965c7808bbff1a91"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct signer signer;
        uint8_t key[80], data[80], digest[SIGNER_DIGEST_BYTES];
        char hex[2 * SIGNER_DIGEST_BYTES + 1];
        memset(key, rows[i].key_byte, sizeof key);
        memset(data, rows[i].data_byte, sizeof data);
        size_t len = rows[i].data != NULL ? strlen(rows[i].data) : rows[i].data_len;
        signer_init(&signer, rows[i].key != NULL ? (const void *)rows[i].key : key, rows[i].key_len,
                    "t", "s");
        signer_digest(&signer, rows[i].data != NULL ? (const void *)rows[i].data : data, len,
                      digest);
        hex_of(digest, hex);
        cr_expect_str_eq(hex, rows[i].digest, "row %zu", i);
    }
}

/* Lengths around a block, where the padding takes one more; the digests are those of Python. */
Test(signer, padding_is_right_around_whole_blocks)
{
    static const struct {
        size_t len;
        const char *digest;
    } rows[] = {
        {0, "f42bb0eeb018ebbd4597ae7213711ec60760843f"},
        {54, "effe47db93064ca7aa85a24f115c68f14d503192"},
        {55, "096687e96b049fadf17cbe90c53f7d73fc954c0f"},
        {56, "9d0af60096ff622ec16ea621153e95fb233b6466"},
        {63, "0c4fbeb09729fed604fd74d1150420aed0a70510"},
        {64, "fdb84e5684bd82ff7a5a694d7ce049ca5c1eaa4a"},
        {119, "4628be8a7fbd7dfd8dd1595b49f028d3971cd862"},
        {120, "2978339c66825a680a5cb2ede5af29d0e97bb86a"},
    };
    struct signer signer;
    char text[128];
    memset(text, 'x', sizeof text);
    signer_init(&signer, "key", 3, "t", "s");
    for (size_t i = 0; i < COUNT(rows); i++) {
        uint8_t digest[SIGNER_DIGEST_BYTES];
        char hex[2 * SIGNER_DIGEST_BYTES + 1];
        signer_digest(&signer, text, rows[i].len, digest);
        hex_of(digest, hex);
        cr_expect_str_eq(hex, rows[i].digest, "%zu bytes", rows[i].len);
    }
}

Test(signer, time_and_signature_join_the_query)
{
    static const struct {
        const char *path, *signed_path;
    } rows[] = {
        {"/db/ratings/", "/db/ratings/?hmac_timestamp=1600000000&hmac_sign="
                         "3b23a034615c598f3476b8305c51eeb315231a5a"},
        {"/db/recomms/users/1/items/?count=5",
         "/db/recomms/users/1/items/?count=5&hmac_timestamp=1600000000&hmac_sign="
         "f88b6a8a4bc339265dcc33e5d8fadd1138d6e162"},
    };
    struct signer signer;
    signer_init(&signer, "token", 5, "hmac_timestamp", "hmac_sign");
    for (size_t i = 0; i < COUNT(rows); i++) {
        char path[256];
        size_t len = strlen(rows[i].path);
        (void)snprintf(path, sizeof path, "%s", rows[i].path);
        cr_assert(signer_sign(&signer, 1600000000, path, &len, sizeof path));
        cr_expect_str_eq(path, rows[i].signed_path);
        cr_expect_eq(len, strlen(rows[i].signed_path));
        for (size_t size = strlen(rows[i].path) + 1; size <= len; size++) {
            size_t again = strlen(rows[i].path);
            char tight[256];
            (void)snprintf(tight, sizeof tight, "%s", rows[i].path);
            cr_expect_not(signer_sign(&signer, 1600000000, tight, &again, size), "%zu", size);
        }
    }
}
