#include "drill/scrape_job.h"

#include "base/mem.h"
#include "base/text.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static int hex_digit(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = c == '\0' ? NULL : strchr(digits, tolower((unsigned char)c));
    return at == NULL ? -1 : (int)(at - digits);
}

/* Takes percent-encoding and '+' away, in place. */
static void decode(char *text)
{
    char *to = text;
    for (const char *from = text; *from != '\0'; from++) {
        int high = *from == '%' ? hex_digit(from[1]) : -1;
        int low = high < 0 ? -1 : hex_digit(from[2]);
        bool encoded = low >= 0 && high + low > 0;
        *to++ = encoded ? (char)(high * 16 + low) : *from == '+' ? ' ' : *from;
        from += encoded ? 2 : 0;
    }
    *to = '\0';
}

/* Prometheus takes a query by names with lists of values, and would escape a '?' in a path. */
static json_t *params_of(const char *query)
{
    json_t *params = json_object();
    char *copy = mem_text(query), *rest = copy, *part;
    while ((part = strsep(&rest, "&")) != NULL) {
        char *name = strsep(&part, "=");
        if (name[0] == '\0') {
            continue;
        }
        decode(name);
        if (part != NULL) {
            decode(part);
        }
        if (json_object_get(params, name) == NULL) {
            json_object_set_new(params, name, json_array());
        }
        json_array_append_new(json_object_get(params, name), json_string(part != NULL ? part : ""));
    }
    mem_free(copy);
    return params;
}

json_t *scrape_job(const char *name, const char *metrics_url, const json_t *relabel)
{
    const char *colon = strstr(metrics_url, "://");
    const char *address = colon == NULL ? metrics_url : colon + 3;
    size_t len = strcspn(address, "/?");
    const char *path = address + len, *query = path + strcspn(path, "?");
    size_t path_len = (size_t)(query - path);
    json_t *job = json_pack("{s:s,s:[{s:[o]}]}", "job_name", name, "static_configs", "targets",
                            json_stringn(address, len));
    if (text_starts(metrics_url, "https://")) {
        json_object_set_new(job, "scheme", json_string("https"));
    }
    if (path_len > 0 && (path_len != strlen("/metrics") || !text_starts(path, "/metrics"))) {
        json_object_set_new(job, "metrics_path", json_stringn(path, path_len));
    }
    if (query[0] == '?') {
        json_object_set_new(job, "params", params_of(query + 1));
    }
    if (relabel != NULL) {
        json_object_set_new(job, "metric_relabel_configs", json_deep_copy(relabel));
    }
    return job;
}

bool scrape_job_shown(const char *url, char *out, size_t size)
{
    const char *host = strstr(url, "://");
    size_t len = host == NULL ? 0 : (size_t)(host + 3 - url) + strcspn(host + 3, "/?");
    bool whole = host == NULL || url[len] == '\0' || strcmp(url + len, "/metrics") == 0;
    (void)snprintf(out, size, "%.*s", whole ? (int)strlen(url) : (int)len, url);
    return whole;
}
