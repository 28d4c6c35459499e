#include "drill/signs.h"

#include "base/text.h"

#include <ctype.h>
#include <math.h>
#include <regex.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define STARS 5

/* Whole words: "epsilon" is no PSI. */
static bool has_words(const char *title, const char *words)
{
    size_t len = strlen(words);
    for (const char *at = title; *at != '\0'; at++) {
        bool begins = at == title || !isalnum((unsigned char)at[-1]);
        if (begins && strncasecmp(at, words, len) == 0 && !isalnum((unsigned char)at[len])) {
            return true;
        }
    }
    return false;
}

enum scenario_quantity signs_quantity(const char *title)
{
    static const struct {
        const char *words;
        enum scenario_quantity quantity;
    } rows[] = {
        {"conversion", SCENARIO_CONVERSION},
        {"reciprocal rank", SCENARIO_RECIPROCAL_RANK},
        {"mrr", SCENARIO_RECIPROCAL_RANK},
        {"mean rating", SCENARIO_MEAN_RATING},
        {"average rating", SCENARIO_MEAN_RATING},
        {"rating distribution shift", SCENARIO_RATING_PSI},
        {"psi", SCENARIO_RATING_PSI},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (has_words(title, rows[i].words)) {
            return rows[i].quantity;
        }
    }
    return SCENARIO_NO_QUANTITY;
}

/* Does the bound of a bucket match the text of a matcher, as a value or as a regular expression? */
static bool bound_matches(const char *text, bool is_regex, const char *bound)
{
    char anchored[160];
    regex_t regex;
    if (!is_regex) {
        return strcmp(text, bound) == 0;
    }
    snprintf(anchored, sizeof anchored, "^(%s)$", text);
    if (regcomp(&regex, anchored, REG_EXTENDED | REG_NOSUB) != 0) {
        return false;
    }
    bool matches = regexec(&regex, bound, 0, NULL, 0) == 0;
    regfree(&regex);
    return matches;
}

struct le_matcher {
    char text[128]; /* as written, without quotes */
    bool is_regex, is_not;
    bool found;
};

/* How many whole stars are a bound that the matcher takes. */
static int bounds_taken(const struct le_matcher *le)
{
    int taken = 0;
    for (int stars = 1; stars <= STARS; stars++) {
        char plain[16], with_point[16];
        snprintf(plain, sizeof plain, "%d", stars);
        snprintf(with_point, sizeof with_point, "%d.0", stars);
        bool matches = bound_matches(le->text, le->is_regex, plain) ||
                       bound_matches(le->text, le->is_regex, with_point);
        taken += !le->found || matches != le->is_not;
    }
    return taken;
}

/* The matcher of `le` between the braces that begin at `open`; one that takes nothing if they are
 * not closed. */
static void read_le(const char *open, struct le_matcher *out)
{
    const char *end = strchr(open, '}');
    *out = (struct le_matcher){.found = end == NULL};
    for (const char *at = open; end != NULL && at < end; at++) {
        bool begins = strchr("{, ", at[0]) != NULL && strncmp(at + 1, "le", 2) == 0;
        const char *sign = at + 3 + (begins ? strspn(at + 3, " ") : 0);
        if (!begins || strchr("=!", *sign) == NULL) {
            continue;
        }
        const char *quote = sign + strcspn(sign, "\"'`");
        const char *close = *quote == '\0' ? NULL : strchr(quote + 1, *quote);
        out->found = true;
        if (close == NULL || (size_t)(close - quote) > sizeof out->text) {
            return;
        }
        out->is_regex = memchr(sign, '~', (size_t)(quote - sign)) != NULL;
        out->is_not = *sign == '!';
        memcpy(out->text, quote + 1, (size_t)(close - quote - 1));
        return;
    }
}

/* A selector of buckets of which several are added up. Where they are kept apart by le they are
 * not. */
static bool adds_buckets(const char *query, struct le_matcher *le)
{
    bool apart = strstr(query, "histogram_quantile") != NULL || strstr(query, "by (le") != NULL ||
                 strstr(query, "by(le") != NULL || strstr(query, ", le)") != NULL;
    for (const char *at = query; !apart && (at = strstr(at, "_bucket")) != NULL;) {
        at += strlen("_bucket");
        *le = (struct le_matcher){.found = false};
        if (*at == '{') {
            read_le(at, le);
        }
        if (bounds_taken(le) > 1) {
            return true;
        }
    }
    return false;
}

void signs_explain(enum scenario_quantity quantity, const char *query, char *out, size_t size)
{
    struct le_matcher le;
    bool counts_lists =
        strstr(query, "lists") != NULL || strstr(query, "http_requests_total") != NULL;
    bool counts_ratings = strstr(query, "rating") != NULL || strstr(query, "item_rank") != NULL;
    bool of_lists = quantity == SCENARIO_CONVERSION || quantity == SCENARIO_RECIPROCAL_RANK;
    if (adds_buckets(query, &le)) {
        snprintf(out, size,
                 "adds up cumulative buckets%s%.60s%s: a rating of 1 star is in every one of them, "
                 "one of 5 in few",
                 le.found ? " (le " : "", le.found ? le.text : "", le.found ? ")" : "");
    } else if (of_lists && !counts_lists && counts_ratings) {
        snprintf(out, size,
                 "looks at ratings alone: a list from which nobody took a film is not in it");
    } else {
        snprintf(out, size, "answers another question than its title and description");
    }
}

const char *signs_verb(double from, double to)
{
    double still = 1e-9 * fmax(fabs(from), fabs(to));
    return fabs(to - from) <= still ? "stays" : to > from ? "rises" : "falls";
}
