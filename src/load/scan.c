#include "load/scan.h"

#include <string.h>

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

static int hex_digit(char byte)
{
    if (is_digit(byte)) {
        return byte - '0';
    }
    char lower = (char)(byte | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* Value of the four hexadecimal digits after \u, -1 if they are not there. */
static int32_t hex_quad(const char *at, const char *end)
{
    if (end - at < 4) {
        return -1;
    }
    int32_t value = 0;
    for (int i = 0; i < 4; i++) {
        int digit = hex_digit(at[i]);
        if (digit < 0) {
            return -1;
        }
        value = value * 16 + digit;
    }
    return value;
}

/* The character at *at with its escape undone; -1 for one that a single ASCII byte cannot be. */
static int32_t unescape(const char **at, const char *end)
{
    char byte = *(*at)++;
    if (byte != '\\') {
        return (unsigned char)byte;
    }
    char escape = *(*at)++;
    if (escape == 'u') {
        int32_t value = hex_quad(*at, end);
        *at += 4;
        return value;
    }
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    return to[strchr(from, escape) - from];
}

bool scan_text_is(const struct scan_text *text, const char *name)
{
    const char *at = text->bytes, *end = text->bytes + text->len;
    while (at < end && *name != '\0') {
        if (unescape(&at, end) != (unsigned char)*name++) {
            return false;
        }
    }
    return at == end && *name == '\0';
}

/* Joins the two halves of a character beyond 16 bits; -1 if the second does not follow. */
static int32_t join_surrogates(int32_t high, const char **at, const char *end)
{
    if (end - *at < 6 || (*at)[0] != '\\' || (*at)[1] != 'u') {
        return -1;
    }
    *at += 2;
    int32_t low = hex_quad(*at, end);
    *at += 4;
    bool pair = high < 0xdc00 && low >= 0xdc00 && low <= 0xdfff;
    return pair ? 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00) : -1;
}

/* Bytes written, at most four. */
static size_t put_utf8(int32_t point, char *out)
{
    uint32_t bits = (uint32_t)point;
    if (bits < 0x80) {
        out[0] = (char)bits;
        return 1;
    }
    size_t more = bits < 0x800 ? 1 : bits < 0x10000 ? 2 : 3;
    static const uint8_t lead[] = {0, 0xc0, 0xe0, 0xf0};
    out[0] = (char)(lead[more] | bits >> 6 * more);
    for (size_t i = 1; i <= more; i++) {
        out[i] = (char)(0x80 | (bits >> 6 * (more - i) & 0x3f));
    }
    return more + 1;
}

bool scan_text_copy(const struct scan_text *text, char *out, size_t size)
{
    const char *at = text->bytes, *end = text->bytes + text->len;
    size_t used = 0;
    while (at < end) {
        bool escaped = *at == '\\';
        int32_t point = unescape(&at, end);
        if (point >= 0xd800 && point <= 0xdfff) {
            point = join_surrogates(point, &at, end);
        }
        char bytes[4] = {(char)point};
        size_t len = escaped && point > 0 ? put_utf8(point, bytes) : 1;
        if (point <= 0 || used + len >= size) {
            out[0] = '\0';
            return false;
        }
        memcpy(out + used, bytes, len);
        used += len;
    }
    out[used] = '\0';
    return true;
}
