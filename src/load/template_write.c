#include "load/scan.h"
#include "load/template_int.h"

#include <assert.h>
#include <string.h>

static bool is_unreserved(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || byte == '-' || byte == '_' || byte == '.' || byte == '~';
}

char *template_put_percent(char *out, char byte)
{
    static const char hex[] = "0123456789ABCDEF";
    if (is_unreserved(byte)) {
        *out++ = byte;
        return out;
    }
    *out++ = '%';
    *out++ = hex[(unsigned char)byte >> 4];
    *out++ = hex[(unsigned char)byte & 15];
    return out;
}

static char *put_digits(char *out, uint64_t value)
{
    char digits[20];
    size_t count = 0;
    do {
        digits[count++] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    while (count > 0) {
        *out++ = digits[--count];
    }
    return out;
}

char *template_put_int(char *out, int64_t value)
{
    if (value < 0) {
        *out++ = '-';
        return put_digits(out, 0 - (uint64_t)value);
    }
    return put_digits(out, (uint64_t)value);
}

static char *put_padded(char *out, uint64_t value, int digits)
{
    for (int i = digits - 1; i >= 0; i--) {
        out[i] = (char)('0' + value % 10);
        value /= 10;
    }
    return out + digits;
}

static char *put_hex(char *out, uint64_t value)
{
    int shift = 60;
    while (shift > 0 && value >> shift == 0) {
        shift -= 4;
    }
    for (; shift >= 0; shift -= 4) {
        *out++ = "0123456789abcdef"[value >> shift & 15];
    }
    return out;
}

/* The civil date of a day counted from 1970-01-01: years are taken to begin in March, so that the
 * leap day is the last of one, and 400 of them always have 146097 days. */
static char *put_iso8601(char *out, int64_t unix_ns)
{
    int64_t ms = unix_ns > 0 ? unix_ns / 1000000 : 0;
    int64_t of_day = ms % 86400000, day = ms / 86400000 + 719468;
    int64_t era = day / 146097, of_era = day % 146097;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
    int64_t month = (5 * of_year + 2) / 153; /* 0 = March */
    int64_t calendar_year = year + era * 400 + (month >= 10);
    out = put_padded(out, (uint64_t)calendar_year % 10000, 4);
    *out++ = '-';
    out = put_padded(out, (uint64_t)(month < 10 ? month + 3 : month - 9), 2);
    *out++ = '-';
    out = put_padded(out, (uint64_t)(of_year - (153 * month + 2) / 5 + 1), 2);
    *out++ = 'T';
    out = put_padded(out, (uint64_t)(of_day / 3600000), 2);
    *out++ = ':';
    out = put_padded(out, (uint64_t)(of_day / 60000 % 60), 2);
    *out++ = ':';
    out = put_padded(out, (uint64_t)(of_day / 1000 % 60), 2);
    *out++ = '.';
    out = put_padded(out, (uint64_t)(of_day % 1000), 3);
    *out++ = 'Z';
    return out;
}

static char *put_percent_id(char *out, const char *spelled)
{
    char id[TEMPLATE_REQUEST_ID_MAX + 1];
    struct scan_text text = {.bytes = spelled, .len = strlen(spelled)};
    /* One that holds a NUL or half a character goes back as it was spelled. */
    const char *byte = scan_text_copy(&text, id, sizeof id) ? id : spelled;
    for (; *byte != '\0'; byte++) {
        out = template_put_percent(out, *byte);
    }
    return out;
}

static char *put_token(char *out, const struct template_values *values)
{
    out = put_hex(out, (uint32_t)values->user_id);
    *out++ = '-';
    out = put_hex(out, values->sequence);
    *out++ = '-';
    out = put_hex(out, values->attempt);
    *out++ = '-';
    return put_hex(out, (uint64_t)(values->unix_ns / 1000000));
}

static char *put_bytes(char *out, const char *bytes, size_t len)
{
    memcpy(out, bytes, len);
    return out + len;
}

static char *put_json_byte(char *out, char byte)
{
    unsigned char code = (unsigned char)byte;
    if (code < 0x20) {
        out = put_bytes(out, "\\u00", 4);
        *out++ = "01"[code >> 4];
        *out++ = "0123456789abcdef"[code & 15];
        return out;
    }
    if (byte == '"' || byte == '\\') {
        *out++ = '\\';
    }
    *out++ = byte;
    return out;
}

static char *put_folder(char *out, const char *folder, enum template_place place)
{
    for (const char *byte = folder != NULL ? folder : ""; *byte != '\0'; byte++) {
        if (place == TEMPLATE_JSON) {
            out = put_json_byte(out, *byte);
        } else if (place == TEMPLATE_URL) {
            out = template_put_percent(out, *byte);
        } else {
            *out++ = *byte;
        }
    }
    return out;
}

static bool has_id(const struct template_values *values)
{
    return values->request_id != NULL && values->request_id[0] != '\0';
}

static char *put_rating(char *out, const struct template *template, const struct op *op,
                        uint8_t half_stars)
{
    assert(half_stars >= 1 && half_stars <= TEMPLATE_HALF_STARS);
    const struct rating_text *text = &template->rating[half_stars - 1][op->quoted];
    return put_bytes(out, text->bytes, text->len);
}

static char *put_id(char *out, const struct op *op, const struct template_values *values)
{
    if (!has_id(values)) {
        return out;
    }
    return op->kind == OP_ID_PERCENT
               ? put_percent_id(out, values->request_id)
               : put_bytes(out, values->request_id, strlen(values->request_id));
}

/* Writes one operation; *index is moved on over a section that is left out. */
static char *put_op(char *out, const struct template *template, int *index,
                    const struct template_values *values)
{
    const struct op *op = &template->op[*index];
    switch (op->kind) {
    case OP_TEXT:
        return put_bytes(out, template->text + op->start, op->length);
    case OP_USER:
        return template_put_int(out, values->user_id);
    case OP_FILM:
        return template_put_int(out, values->film_id);
    case OP_RATING:
        return put_rating(out, template, op, values->half_stars);
    case OP_UNIX:
        return template_put_int(out, values->unix_ns / 1000000000);
    case OP_UNIX_MS:
        return template_put_int(out, values->unix_ns / 1000000);
    case OP_ISO8601:
        return put_iso8601(out, values->unix_ns);
    case OP_ID_SPELLED:
    case OP_ID_PERCENT:
        return put_id(out, op, values);
    case OP_TOKEN:
        return put_token(out, values);
    case OP_RANK:
        return template_put_int(out, values->rank);
    case OP_FOLDER:
        return put_folder(out, values->folder, template->place);
    case OP_IF_ID:
        *index += has_id(values) ? 0 : (int)op->length;
        return out;
    case OP_IF_RANK:
        *index += values->rank > 0 ? 0 : (int)op->length;
        return out;
    }
    return out;
}

size_t template_write(const struct template *template, const struct template_values *values,
                      char *out)
{
    char *at = out;
    for (int i = 0; i < template->ops; i++) {
        at = put_op(at, template, &i, values);
    }
    assert((size_t)(at - out) <= template->max_bytes);
    return (size_t)(at - out);
}
