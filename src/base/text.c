#include "base/text.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NS_PER_MS INT64_C(1000000)

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static const char *skip_digits(const char *text)
{
    while (is_digit(*text)) {
        text++;
    }
    return text;
}

bool text_to_i64(const char *text, int64_t *out)
{
    const char *digits = text[0] == '-' ? text + 1 : text;
    if (!is_digit(digits[0]) || *skip_digits(digits) != '\0') {
        return false;
    }
    errno = 0;
    long long value = strtoll(text, NULL, 10);
    if (errno != 0) {
        return false;
    }
    *out = value;
    return true;
}

/* strtod would also take hexadecimal, "inf", "nan" and leading blanks. */
static bool is_decimal(const char *text)
{
    const char *at = text[0] == '-' ? text + 1 : text;
    const char *whole_end = skip_digits(at);
    bool digits = whole_end > at;
    at = whole_end;
    if (*at == '.') {
        const char *part_end = skip_digits(at + 1);
        digits = digits || part_end > at + 1;
        at = part_end;
    }
    if (!digits) {
        return false;
    }
    if (*at == 'e' || *at == 'E') {
        at++;
        at += *at == '-' || *at == '+';
        if (!is_digit(*at)) {
            return false;
        }
        at = skip_digits(at);
    }
    return *at == '\0';
}

bool text_to_f64(const char *text, double *out)
{
    if (!is_decimal(text)) {
        return false;
    }
    double value = strtod(text, NULL);
    if (!isfinite(value)) {
        return false;
    }
    *out = value;
    return true;
}

/* Longest first. Prometheus spells years, weeks and days only when they divide the rest exactly:
 * ten days are "10d", ninety minutes "1h30m". */
static const struct unit {
    const char *name;
    int64_t ms;
    bool only_exact;
} units[] = {
    {"y", INT64_C(31536000000), true}, {"w", INT64_C(604800000), true},
    {"d", INT64_C(86400000), true},    {"h", INT64_C(3600000), false},
    {"m", INT64_C(60000), false},      {"s", INT64_C(1000), false},
    {"ms", INT64_C(1), false},
};

#define UNITS (sizeof units / sizeof units[0])

/* Index of the unit that spells `name[0..length)`, UNITS if none does. */
static size_t find_unit(const char *name, size_t length)
{
    size_t i = 0;
    while (i < UNITS &&
           (strlen(units[i].name) != length || strncmp(units[i].name, name, length) != 0)) {
        i++;
    }
    return i;
}

/* Adds "<digits><unit>" to *total_ns and moves *text behind it. *next is the first unit still
 * allowed. */
static bool add_part(const char **text, size_t *next, int64_t *total_ns)
{
    const char *at = *text;
    int64_t count = 0;
    for (; is_digit(*at); at++) {
        if (__builtin_mul_overflow(count, 10, &count) ||
            __builtin_add_overflow(count, *at - '0', &count)) {
            return false;
        }
    }
    size_t length = strcspn(at, "0123456789");
    size_t unit = find_unit(at, length);
    if (at == *text || unit < *next || unit == UNITS) {
        return false;
    }
    int64_t part = 0;
    if (__builtin_mul_overflow(count, units[unit].ms * NS_PER_MS, &part) ||
        __builtin_add_overflow(*total_ns, part, total_ns)) {
        return false;
    }
    *text = at + length;
    *next = unit + 1;
    return true;
}

bool text_to_duration_ns(const char *text, int64_t *out_ns)
{
    int64_t total = 0;
    size_t next = 0;
    if (strcmp(text, "0") == 0) {
        *out_ns = 0;
        return true;
    }
    if (text[0] == '\0') {
        return false;
    }
    while (*text != '\0') {
        if (!add_part(&text, &next, &total)) {
            return false;
        }
    }
    *out_ns = total;
    return true;
}

const char *text_from_duration_ns(int64_t ns, char *out, size_t size)
{
    if (ns / NS_PER_MS == 0) {
        text_copy(out, size, "0s");
        return out;
    }
    int64_t rest = ns / NS_PER_MS;
    char text[96] = "";
    size_t used = 0;
    if (rest < 0) {
        text[used++] = '-';
        rest = -rest;
    }
    for (size_t i = 0; i < UNITS; i++) {
        int64_t count = rest / units[i].ms;
        bool spelt = count > 0 && (!units[i].only_exact || rest % units[i].ms == 0);
        if (spelt) {
            used += (size_t)snprintf(text + used, sizeof text - used, "%lld%s", (long long)count,
                                     units[i].name);
            rest -= count * units[i].ms;
        }
    }
    text_copy(out, size, text);
    return out;
}

bool text_copy(char *out, size_t size, const char *text)
{
    if (size == 0) {
        return false;
    }
    size_t length = strnlen(text, size);
    bool whole = length < size;
    if (!whole) {
        length = size - 1;
    }
    memcpy(out, text, length);
    out[length] = '\0';
    return whole;
}

/* Bytes of the UTF-8 character at `at`, 0 if there is none: no overlong form, no surrogate, nothing
 * behind U+10FFFF. */
static size_t utf8_length(const unsigned char *at)
{
    static const struct {
        unsigned char first_min, first_max, second_min, second_max;
        size_t length;
    } forms[] = {
        {0x01, 0x7f, 0, 0, 1},       {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
        {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
        {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4}};
    size_t i = 0;
    while (i < sizeof forms / sizeof forms[0] &&
           (at[0] < forms[i].first_min || at[0] > forms[i].first_max)) {
        i++;
    }
    if (i == sizeof forms / sizeof forms[0]) {
        return 0;
    }
    for (size_t k = 1; k < forms[i].length; k++) {
        unsigned char min = k == 1 ? forms[i].second_min : 0x80;
        unsigned char max = k == 1 ? forms[i].second_max : 0xbf;
        if (at[k] < min || at[k] > max) {
            return 0;
        }
    }
    return forms[i].length;
}

void text_make_utf8(char *text)
{
    while (*text != '\0') {
        size_t length = utf8_length((const unsigned char *)text);
        if (length == 0) {
            *text = '?';
            length = 1;
        }
        text += length;
    }
}

bool text_starts(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool text_ends(const char *text, const char *suffix)
{
    size_t length = strlen(text);
    size_t tail = strlen(suffix);
    return tail <= length && memcmp(text + length - tail, suffix, tail) == 0;
}

bool text_join_path(char *out, size_t size, const char *folder, const char *name)
{
    size_t length = strlen(folder);
    bool root = length > 0 && folder[0] == '/';
    while (length > 0 && folder[length - 1] == '/') {
        length--;
    }
    name += strspn(name, "/");
    const char *slash = length > 0 || root ? "/" : "";
    int wanted = snprintf(out, size, "%.*s%s%s", (int)length, folder, slash, name);
    return wanted >= 0 && (size_t)wanted < size;
}
