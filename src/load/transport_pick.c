#include "load/transport_pick.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct host {
    const char *at;
    size_t len;
};

static bool is_tls(const char *base_url)
{
    return strncasecmp(base_url, "https://", 8) == 0;
}

/* The host of an address, without port or brackets. */
static struct host host_of(const char *base_url)
{
    const char *at = strstr(base_url, "://");
    at = at != NULL ? at + 3 : base_url;
    if (*at == '[') {
        return (struct host){at + 1, strcspn(at + 1, "]/")};
    }
    return (struct host){at, strcspn(at, ":/")};
}

static bool is_loopback(struct host host)
{
    return (host.len == 9 && strncasecmp(host.at, "localhost", 9) == 0) ||
           (host.len > 4 && strncmp(host.at, "127.", 4) == 0) ||
           (host.len == 3 && strncmp(host.at, "::1", 3) == 0);
}

struct ip {
    int family; /* 0 = not an address */
    unsigned char byte[sizeof(struct in6_addr)];
};

static struct ip read_ip(const char *text, size_t len)
{
    char copy[INET6_ADDRSTRLEN];
    struct ip ip = {0};
    if (len >= sizeof copy) {
        return ip;
    }
    memcpy(copy, text, len);
    copy[len] = '\0';
    if (inet_pton(AF_INET, copy, ip.byte) == 1) {
        ip.family = AF_INET;
    } else if (inet_pton(AF_INET6, copy, ip.byte) == 1) {
        ip.family = AF_INET6;
    }
    return ip;
}

/* The number behind the slash; -1 if it is none. */
static int read_bits(const char *text, size_t len)
{
    int bits = len > 0 && len <= 3 ? 0 : -1;
    for (size_t i = 0; i < len && bits >= 0; i++) {
        bits = text[i] >= '0' && text[i] <= '9' ? 10 * bits + text[i] - '0' : -1;
    }
    return bits;
}

/* An entry covers the address that it is, or, with a slash, those that begin with as many bits. */
static bool covers_ip(const char *entry, size_t len, const struct ip *ip)
{
    const char *slash = memchr(entry, '/', len);
    size_t own_len = slash != NULL ? (size_t)(slash - entry) : len;
    struct ip own = read_ip(entry, own_len);
    int most = ip->family == AF_INET ? 32 : 128;
    int bits = slash != NULL ? read_bits(slash + 1, len - own_len - 1) : most;
    if (own.family != ip->family || bits < 0 || bits > most) {
        return false;
    }
    int rest = bits % 8;
    size_t whole = (size_t)bits / 8;
    unsigned mask = 0xff00u >> rest & 0xffu;
    return memcmp(own.byte, ip->byte, whole) == 0 &&
           (rest == 0 || ((unsigned)(own.byte[whole] ^ ip->byte[whole]) & mask) == 0);
}

/* An entry covers the host of that name and all below it. */
static bool covers_name(const char *entry, size_t len, struct host host)
{
    if (len > 0 && entry[0] == '.') {
        entry++;
        len--;
    }
    if (len == 0 || len > host.len || strncasecmp(host.at + host.len - len, entry, len) != 0) {
        return false;
    }
    return len == host.len || host.at[host.len - len - 1] == '.';
}

static const char *variable(const char *lower, const char *upper)
{
    const char *value = getenv(lower);
    if ((value == NULL || value[0] == '\0') && upper != NULL) {
        value = getenv(upper);
    }
    return value != NULL && value[0] != '\0' ? value : NULL;
}

static bool is_exempt(struct host host)
{
    static const char between[] = ", \t";
    const char *list = variable("no_proxy", "NO_PROXY");
    struct ip ip = read_ip(host.at, host.len);
    while (list != NULL && *list != '\0') {
        size_t len = strcspn(list, between);
        bool all = len == 1 && list[0] == '*';
        if (all || (ip.family != 0 ? covers_ip(list, len, &ip) : covers_name(list, len, host))) {
            return true;
        }
        list += len;
        list += strspn(list, between);
    }
    return false;
}

bool transport_proxied(const char *base_url)
{
    struct host host = host_of(base_url);
    /* HTTP_PROXY in capitals is what a CGI client may set, and is not read. */
    const char *proxy =
        is_tls(base_url) ? variable("https_proxy", "HTTPS_PROXY") : variable("http_proxy", NULL);
    proxy = proxy != NULL ? proxy : variable("all_proxy", "ALL_PROXY");
    return proxy != NULL && !is_loopback(host) && !is_exempt(host);
}

/* Why http1 cannot serve this address; NULL if it can. */
static const char *obstacle(const char *base_url)
{
    const char *authority = strstr(base_url, "://");
    if (!is_tls(base_url) && strncasecmp(base_url, "http://", 7) != 0) {
        return "is neither http:// nor https://";
    }
    if (memchr(authority + 3, '@', strcspn(authority + 3, "/")) != NULL) {
        return "names a user";
    }
    return transport_proxied(base_url) ? "is reached through a proxy" : NULL;
}

static const struct transport_class *pick_http2(const struct request_shape *const *shape,
                                                size_t count, struct error *error)
{
    for (size_t i = 0; i < count; i++) {
        if (!is_tls(shape[i]->base_url)) {
            error_set(error, ERR_USAGE, shape[i]->base_url, 0,
                      "the transport http2 needs an https:// address: over plain TCP a server "
                      "cannot agree to HTTP/2");
            return NULL;
        }
    }
    return &transport_http2;
}

const struct transport_class *transport_pick(const char *name,
                                             const struct request_shape *const *shape, size_t count,
                                             struct error *error)
{
    bool automatic = strcmp(name, "auto") == 0;
    if (strcmp(name, "libcurl") == 0) {
        return &transport_curl;
    }
    if (strcmp(name, "http2") == 0) {
        return pick_http2(shape, count, error);
    }
    if (!automatic && strcmp(name, "http1") != 0) {
        error_set(error, ERR_USAGE, NULL, 0, "no transport \"%s\" (there are: %s)", name,
                  TRANSPORT_NAMES);
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        const char *why = obstacle(shape[i]->base_url);
        if (why != NULL && automatic) {
            return &transport_curl;
        }
        if (why != NULL) {
            error_set(error, ERR_USAGE, shape[i]->base_url, 0,
                      "the address %s, which the transport http1 cannot do; libcurl can", why);
            return NULL;
        }
    }
    return &transport_http1;
}
