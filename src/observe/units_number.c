/*
 * Numbers as JavaScript writes them. Its String(x) takes the fewest digits that read back as x,
 * which C has no format for: precisions are tried in turn. The digits are then laid out by
 * JavaScript's rules, without an exponent between 1e-7 and 1e21.
 */
#include "base/text.h"
#include "observe/units_int.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIGITS_MAX 17
#define DECIMALS_MAX 100 /* more than a double has; also JavaScript's limit */
#define EXACT_DIGITS 200 /* where a half shows whether it is one */
#define NUMBER_BYTES 512

/* 0.d1d2d3... * 10^point */
struct digits {
    char digit[DIGITS_MAX + 1];
    int count, point;
};

static void split(const char *exponential, struct digits *out)
{
    const char *e = strchr(exponential, 'e');
    out->count = 0;
    for (const char *c = exponential; c != e; c++) {
        if (*c != '.' && *c != '-') {
            out->digit[out->count++] = *c;
        }
    }
    out->point = (int)strtol(e + 1, NULL, 10) + 1;
    while (out->count > 1 && out->digit[out->count - 1] == '0') {
        out->count--;
    }
    out->digit[out->count] = '\0';
}

static void shortest(double value, struct digits *out)
{
    char text[64];
    for (int digits = 1; digits <= DIGITS_MAX; digits++) {
        (void)snprintf(text, sizeof text, "%.*e", digits - 1, fabs(value));
        if (strtod(text, NULL) == fabs(value)) {
            break;
        }
    }
    split(text, out);
}

/* The digits without an exponent. */
static void lay_out(const struct digits *d, const char *sign, char *out, size_t size)
{
    if (d->point <= 0) {
        (void)snprintf(out, size, "%s0.%.*s%s", sign, -d->point,
                       "0000000000000000000000000000000000000000", d->digit);
    } else if (d->point >= d->count) {
        (void)snprintf(out, size, "%s%s%.*s", sign, d->digit, d->point - d->count,
                       "0000000000000000000000000000000000000000");
    } else {
        (void)snprintf(out, size, "%s%.*s.%s", sign, d->point, d->digit, d->digit + d->point);
    }
}

static bool special_text(double value, char *out, size_t size)
{
    if (isfinite(value)) {
        return false;
    }
    (void)text_copy(out, size, isnan(value) ? "NaN" : value > 0 ? "∞" : "-∞");
    return true;
}

void unit_number_text(double value, char *out, size_t size)
{
    struct digits d;
    const char *sign = value < 0 ? "-" : "";
    if (!isfinite(value)) {
        (void)text_copy(out, size, isnan(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity");
        return;
    }
    if (value == 0) {
        (void)text_copy(out, size, "0");
        return;
    }
    shortest(value, &d);
    if (d.point > 21 || d.point < -5) {
        (void)snprintf(out, size, "%s%c%s%se%+d", sign, d.digit[0], d.count > 1 ? "." : "",
                       d.digit + 1, d.point - 1);
    } else {
        lay_out(&d, sign, out, size);
    }
}

/* Two digits behind the first that counts, three if they start low; whole numbers need none. */
static int decimals_for(double value)
{
    double size = fabs(value);
    double magnitude = floor(log(size) / 2.302585092994046);
    double decimals = 1 - magnitude;
    if (size / pow(10, -decimals) > 2.25) {
        decimals++;
    }
    if (fmod(value, 1) == 0 || decimals < 0) {
        decimals = 0;
    }
    return (int)decimals;
}

/* Halves go up, towards positive infinity. */
static double rounded(double value)
{
    double below = floor(value);
    return value - below >= 0.5 ? below + 1 : below;
}

/* The rounded number's own text, then zeros: more decimals than it has are never invented. */
static void pad(char *text, size_t size, int decimals)
{
    const char *point = strchr(text, '.');
    int have = point != NULL ? (int)strlen(point + 1) : 0;
    size_t len = strlen(text);
    if (have >= decimals || len + (size_t)decimals + 2 > size) {
        return;
    }
    if (have == 0) {
        text[len++] = '.';
    }
    memset(text + len, '0', (size_t)(decimals - have));
    text[len + (size_t)(decimals - have)] = '\0';
}

void unit_fixed_text(double value, int decimals, char *out, size_t size)
{
    if (isnan(value)) { /* as JavaScript's arithmetic has it: "NaN.00" with two decimals */
        (void)text_copy(out, size, "NaN");
        pad(out, size, decimals);
        return;
    }
    if (special_text(value, out, size)) {
        return;
    }
    if (value == 0) {
        (void)snprintf(out, size, "%.*f", decimals < 0 ? 0 : decimals, 0.0);
        return;
    }
    decimals = decimals < 0 ? decimals_for(value) : decimals;
    decimals = decimals > DECIMALS_MAX ? DECIMALS_MAX : decimals;
    double factor = decimals > 0 ? pow(10, decimals) : 1;
    unit_number_text(rounded(value * factor) / factor, out, size);
    if (strchr(out, 'e') == NULL) {
        pad(out, size, decimals);
    }
}

void unit_exponential_text(double value, int decimals, char *out, size_t size)
{
    struct digits d = {.digit = "0", .count = 1, .point = 1};
    if (special_text(value, out, size)) {
        (void)text_copy(out, size, isnan(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity");
        return;
    }
    if (decimals >= 0) {
        char text[NUMBER_BYTES];
        decimals = decimals > DECIMALS_MAX ? DECIMALS_MAX : decimals;
        /* Exact halves go away from zero in JavaScript, to the even digit in C. */
        (void)snprintf(text, sizeof text, "%.*e", EXACT_DIGITS, fabs(value));
        const char *behind = text + 2 + decimals;
        bool half = *behind == '5' && behind[1 + strspn(behind + 1, "0")] == 'e';
        (void)snprintf(text, sizeof text, "%.*e", decimals,
                       half ? nextafter(value, value > 0 ? INFINITY : -INFINITY) : value);
        char *e = strchr(text, 'e');
        long exponent = strtol(e + 1, NULL, 10);
        *e = '\0';
        (void)snprintf(out, size, "%se%+ld", text, exponent);
        return;
    }
    if (value != 0) {
        shortest(value, &d);
    }
    (void)snprintf(out, size, "%s%c%s%se%+d", value < 0 ? "-" : "", d.digit[0],
                   d.count > 1 ? "." : "", d.digit + 1, d.point - 1);
}

/* Rounds to `decimals` places, halves away from zero, on the digits themselves. */
static void round_digits(struct digits *d, int decimals)
{
    int keep = d->point + decimals;
    if (keep >= d->count) {
        return;
    }
    bool up = keep >= 0 && d->digit[keep] >= '5';
    d->count = keep < 0 ? 0 : keep;
    for (int i = d->count - 1; up && i >= 0; i--) {
        up = d->digit[i] == '9';
        d->digit[i] = up ? '0' : (char)(d->digit[i] + 1);
    }
    if (up) {
        memmove(d->digit + 1, d->digit, (size_t)d->count);
        d->digit[0] = '1';
        d->count++;
        d->point++;
    }
    while (d->count > 0 && d->digit[d->count - 1] == '0') {
        d->count--;
    }
    d->digit[d->count] = '\0';
}

static void add(char *out, size_t size, size_t *len, char c)
{
    if (*len + 1 < size) {
        out[(*len)++] = c;
    }
}

void unit_locale_text(double value, int decimals, char *out, size_t size)
{
    struct digits d = {.digit = "", .count = 0, .point = 0};
    size_t len = 0;
    if (special_text(value, out, size)) {
        return;
    }
    if (value != 0) {
        shortest(value, &d);
        round_digits(&d, decimals < 0 ? 3 : decimals);
    }
    if (value < 0 || (value == 0 && signbit(value))) {
        add(out, size, &len, '-');
    }
    for (int i = d.point > 0 ? 0 : d.point - 1; i < d.point || i < 0; i++) {
        int left = d.point - i;
        if (d.point <= 0) {
            add(out, size, &len, '0');
            break;
        }
        add(out, size, &len, i < d.count ? d.digit[i] : '0');
        if (left > 1 && left % 3 == 1) {
            add(out, size, &len, ',');
        }
    }
    if (d.count > d.point && d.count > 0) {
        add(out, size, &len, '.');
        for (int i = d.point; i < d.count; i++) {
            add(out, size, &len, i < 0 ? '0' : d.digit[i]);
        }
    }
    out[len] = '\0';
}
