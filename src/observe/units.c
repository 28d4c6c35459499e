#include "observe/units.h"

#include "base/text.h"
#include "observe/units_int.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define SI_BASE 5 /* index of the empty prefix */

static const char *const si_prefixes[] = {"f", "p", "n", "µ", "m", "",  "k",
                                          "M", "G", "T", "P", "E", "Z", "Y"};
static const char *const binary_prefixes[] = {"", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi"};
static const char *const short_words[] = {"",       " K",     " Mil",  " Bil", " Tri",
                                          " Quadr", " Quint", " Sext", " Sept"};
static const char *const count_words[] = {"", "K", "M", "B", "T"};
static const char *const psi_words[] = {"psi", "ksi", "Mpsi"};

#define COUNT(list) ((int)(sizeof(list) / sizeof(list)[0]))

static int clamped(int value, int low, int high)
{
    return value < low ? low : value > high ? high : value;
}

/* Divides by the power of `factor` that fits, and gives the prefix of that power. Index `base` is
 * the one for numbers given as they are. NULL for what has no size. */
static const char *scale(double value, int decimals, double factor, const char *const *prefix,
                         int count, int base, struct units_value *out)
{
    if (!isfinite(value)) {
        unit_locale_text(value, decimals, out->text, sizeof out->text);
        return NULL;
    }
    int power = value == 0 ? 0 : (int)floor(log10(fabs(value)) / log10(factor));
    double divisor = pow(factor, clamped(power, -base, count - base - 1));
    unit_fixed_text(value / divisor, decimals, out->text, sizeof out->text);
    return prefix[clamped(base + power, 0, count - 1)];
}

static void format_prefixed(const struct unit *unit, double value, int decimals,
                            struct units_value *out)
{
    const char *prefix = unit->kind == UNIT_SI
                             ? scale(value, decimals, 1000, si_prefixes, COUNT(si_prefixes),
                                     SI_BASE + unit->offset, out)
                             : scale(value, decimals, 1024, binary_prefixes, COUNT(binary_prefixes),
                                     unit->offset, out);
    if (prefix != NULL) {
        (void)snprintf(out->suffix, sizeof out->suffix, " %s%s", prefix, unit->text);
    }
}

/* A count without a size gets the word that JavaScript makes of a missing prefix. */
static void format_count(const struct unit *unit, double value, int decimals,
                         struct units_value *out)
{
    const char *word = scale(value, decimals, 1000, count_words, COUNT(count_words), 0, out);
    (void)snprintf(out->suffix, sizeof out->suffix, "%s %s", word != NULL ? word : "undefined",
                   unit->text);
}

static void format_words(const char *const *words, int count, double value, int decimals,
                         struct units_value *out)
{
    const char *word = scale(value, decimals, 1000, words, count, 0, out);
    (void)text_copy(out->suffix, sizeof out->suffix, word != NULL ? word : "");
}

static void format_currency(const struct unit *unit, double value, int decimals,
                            struct units_value *out)
{
    bool behind = unit->kind == UNIT_CURRENCY_BEHIND;
    const char *word = scale(fabs(value), decimals, 1000, count_words, COUNT(count_words), 0, out);
    (void)snprintf(out->prefix, sizeof out->prefix, "%s%s", value < 0 ? "-" : "",
                   behind ? "" : unit->text);
    if (word != NULL) {
        (void)snprintf(out->suffix, sizeof out->suffix, "%s%s", word, behind ? unit->text : "");
    }
}

static void format_fixed(const struct unit *unit, double value, int decimals,
                         struct units_value *out)
{
    unit_fixed_text(value, decimals, out->text, sizeof out->text);
    if (unit->kind == UNIT_FIXED_BEFORE) {
        (void)text_copy(out->prefix, sizeof out->prefix, unit->text);
    } else if (*unit->text != '\0') {
        (void)snprintf(out->suffix, sizeof out->suffix, " %s", unit->text);
    }
}

static void format_bool(const struct unit *unit, double value, struct units_value *out)
{
    const char *slash = strchr(unit->text, '/');
    bool yes = value != 0 && !isnan(value);
    int len = slash != NULL ? (int)(slash - unit->text) : (int)strlen(unit->text);
    (void)snprintf(out->text, sizeof out->text, "%.*s", len, unit->text);
    if (!yes) {
        (void)text_copy(out->text, sizeof out->text, slash != NULL ? slash + 1 : "-");
    }
}

static void format(const struct unit *unit, double value, int decimals, struct units_value *out)
{
    switch (unit->kind) {
    case UNIT_SI:
    case UNIT_BINARY:
        format_prefixed(unit, value, decimals, out);
        break;
    case UNIT_COUNT:
        format_count(unit, value, decimals, out);
        break;
    case UNIT_SHORT:
        format_words(short_words, COUNT(short_words), value, decimals, out);
        break;
    case UNIT_PSI:
        format_words(psi_words, COUNT(psi_words), value, decimals, out);
        break;
    case UNIT_CURRENCY:
    case UNIT_CURRENCY_BEHIND:
        format_currency(unit, value, decimals, out);
        break;
    case UNIT_PERCENT:
    case UNIT_PERCENT_UNIT:
        unit_fixed_text(unit->kind == UNIT_PERCENT ? value : 100 * value, decimals, out->text,
                        sizeof out->text);
        (void)text_copy(out->suffix, sizeof out->suffix, "%");
        break;
    case UNIT_SCI:
        unit_exponential_text(value, decimals, out->text, sizeof out->text);
        break;
    case UNIT_LOCALE:
        unit_locale_text(value, decimals, out->text, sizeof out->text);
        break;
    case UNIT_BOOL:
        format_bool(unit, value, out);
        break;
    default:
        format_fixed(unit, value, decimals, out);
    }
}

/* "si:mB": the first character, if it is a prefix, is the power the number is given in. */
static struct unit custom_si(const char *text)
{
    for (int i = 0; i < COUNT(si_prefixes); i++) {
        if (i != SI_BASE && text_starts(text, si_prefixes[i])) {
            return (struct unit){"", UNIT_SI, text + strlen(si_prefixes[i]), i - SI_BASE};
        }
    }
    return (struct unit){"", UNIT_SI, text, 0};
}

/* Units that carry their own word behind a colon. */
static bool custom(const char *id, struct unit *out)
{
    static const struct {
        const char *start;
        enum unit_kind kind;
    } kinds[] = {{"prefix:", UNIT_FIXED_BEFORE},
                 {"suffix:", UNIT_FIXED},
                 {"count:", UNIT_COUNT},
                 {"currency:", UNIT_CURRENCY},
                 {"bool:", UNIT_BOOL}};
    if (text_starts(id, "si:")) {
        *out = custom_si(id + 3);
        return true;
    }
    if (text_starts(id, "currency:financial:")) {
        return false;
    }
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (text_starts(id, kinds[i].start)) {
            *out = (struct unit){"", kinds[i].kind, id + strlen(kinds[i].start), 0};
            return true;
        }
    }
    return false;
}

bool units_known(const char *unit)
{
    struct unit own;
    return *unit == '\0' || unit_find(unit) != NULL || custom(unit, &own);
}

void units_format(const char *unit, double value, int decimals, struct units_value *out)
{
    struct unit own = {"", UNIT_FIXED, unit, 0};
    const struct unit *known = unit_find(unit);
    memset(out, 0, sizeof *out);
    if (known == NULL) {
        (void)custom(unit, &own);
        known = &own;
    }
    if (unit_is_time(known->kind)) {
        unit_format_time(known->kind, value, decimals, out);
    } else {
        format(known, value, decimals, out);
    }
    text_make_utf8(out->prefix);
    text_make_utf8(out->suffix);
}

const char *units_text(const char *unit, double value, int decimals, char *out, size_t size)
{
    struct units_value parts;
    units_format(unit, value, decimals, &parts);
    (void)snprintf(out, size, "%s%s%s", parts.prefix, parts.text, parts.suffix);
    text_make_utf8(out);
    return out;
}
