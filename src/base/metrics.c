/*
 * Prometheus text exposition 0.0.4, the writing half. Numbers are spelled as Go's
 * FormatFloat(v, 'g', -1, 64) does: the fewest digits that read back the same, with an exponent
 * below 1e-4 and from 1e6 on. The reading half is metrics_parse.c.
 */
#include "base/metrics.h"

#include "base/text.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NUMBER_BYTES 40

/* "d.ddde+xx" with the fewest digits that read back as the same value; value is finite, not 0. */
static void shortest_scientific(double value, char *out, size_t size)
{
    /* Up to DBL_DIG digits survive a round trip, so trailing zeros of that try are all that can be
     * saved; subnormal numbers carry fewer digits, and every length is tried for them. */
    int least = fabs(value) < DBL_MIN ? 1 : DBL_DIG;
    for (int digits = least; digits <= DBL_DECIMAL_DIG; digits++) {
        double back;
        (void)snprintf(out, size, "%.*e", digits - 1, value);
        if (text_to_f64(out, &back) && back == value) {
            break;
        }
    }
    char *exponent = strchr(out, 'e');
    char *end = exponent;
    while (end > out && end[-1] == '0' && memchr(out, '.', (size_t)(end - out)) != NULL) {
        end--;
    }
    if (end[-1] == '.') {
        end--;
    }
    memmove(end, exponent, strlen(exponent) + 1);
}

/* The integers that most counters are take a short way past the search for digits. */
static const char *number_text(double value, char *out, size_t size)
{
    if (isnan(value)) {
        (void)text_copy(out, size, "NaN");
    } else if (isinf(value)) {
        (void)text_copy(out, size, value > 0 ? "+Inf" : "-Inf");
    } else if (fabs(value) < 1e6 && value == trunc(value)) {
        (void)snprintf(out, size, "%s%d", signbit(value) && value == 0 ? "-" : "", (int)value);
    } else {
        shortest_scientific(value, out, size);
        int64_t exponent = 0;
        const char *sign = strchr(out, 'e') + 1;
        (void)text_to_i64(sign + (*sign == '+'), &exponent);
        if (exponent >= -4 && exponent < 6) {
            int digits = (int)strcspn(out, "e") - (value < 0) - 2; /* behind the point */
            int decimals = (digits > 0 ? digits : 0) - (int)exponent;
            (void)snprintf(out, size, "%.*f", decimals > 0 ? decimals : 0, value);
        }
    }
    return out;
}

const char *metrics_bound_text(double bound, char *out, size_t size)
{
    char text[NUMBER_BYTES];
    bool bare = strpbrk(number_text(bound, text, sizeof text), ".eIN") == NULL;
    (void)snprintf(out, size, "%s%s", text, bare ? ".0" : "");
    return out;
}

/* HELP text and label values escape different bytes; `special` names them. */
static void add_escaped(struct buf *out, const char *text, const char *special)
{
    for (;;) {
        size_t run = strcspn(text, special);
        (void)buf_add(out, text, run);
        text += run;
        if (*text == '\0') {
            return;
        }
        char escaped[2] = {'\\', *text == '\n' ? 'n' : *text};
        (void)buf_add(out, escaped, sizeof escaped);
        text++;
    }
}

void metrics_family(struct buf *out, const char *name, const char *type, const char *help)
{
    (void)buf_printf(out, "# HELP %s ", name);
    add_escaped(out, help, "\\\n");
    (void)buf_printf(out, "\n# TYPE %s %s\n", name, type);
}

void metrics_sample(struct buf *out, const char *name, const struct metrics_label *labels,
                    size_t label_count, double value)
{
    char number[NUMBER_BYTES];
    (void)buf_text(out, name);
    for (size_t i = 0; i < label_count; i++) {
        (void)buf_printf(out, "%c%s=\"", i == 0 ? '{' : ',', labels[i].name);
        add_escaped(out, labels[i].value, "\\\"\n");
        (void)buf_text(out, "\"");
    }
    (void)buf_printf(out, "%s %s\n", label_count > 0 ? "}" : "",
                     number_text(value, number, sizeof number));
}
