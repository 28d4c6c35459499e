#include "load/transport_pick.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static const char *const variables[] = {"http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY",
                                        "all_proxy",  "ALL_PROXY",  "no_proxy",    "NO_PROXY"};

static void clear_environment(void)
{
    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++) {
        unsetenv(variables[i]);
    }
}

static const struct transport_class *pick(const char *name, const char *one, const char *other,
                                          struct error *error)
{
    struct request_shape list = {.method = "GET", .base_url = one, .headers = ""};
    struct request_shape rating = {.method = "POST", .base_url = other, .headers = ""};
    const struct request_shape *shapes[] = {&list, &rating};
    return transport_pick(name, shapes, 2, error);
}

Test(transport_pick, names_choose)
{
    struct error error = {0};
    clear_environment();
    cr_expect_eq(pick("libcurl", "http://h", "http://h", &error), &transport_curl);
    cr_expect_eq(pick("http1", "http://h", "https://h", &error), &transport_http1);
    cr_expect_eq(pick("auto", "http://h", "https://h", &error), &transport_http1);
    cr_expect_eq(error.code, ERR_OK);
    cr_expect_null(pick("curl", "http://h", "http://h", &error));
    cr_expect_eq(error.code, ERR_USAGE);
    cr_expect_str_eq(error.text, "no transport \"curl\" (there are: auto, http1, libcurl, http2)");
}

Test(transport_pick, http2_is_for_encrypted_addresses)
{
    struct error error = {0};
    clear_environment();
    const struct transport_class *class = pick("http2", "https://h", "https://h:8443", &error);
    cr_assert_eq(class, &transport_http2);
    cr_expect_str_eq(class->name, "http2");
    cr_expect_null(pick("http2", "https://h", "http://h", &error));
    cr_expect_eq(error.code, ERR_USAGE);
    cr_expect_str_eq(error.where, "http://h");
}

Test(transport_pick, every_address_must_suit)
{
    static const char *const rows[] = {"ftp://h", "http://me:secret@h", "http://far"};
    clear_environment();
    setenv("http_proxy", "http://proxy:3128", 1);
    setenv("no_proxy", "h", 1);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct error error = {0};
        cr_expect_eq(pick("auto", "http://h", rows[i], &error), &transport_curl, "%s", rows[i]);
        cr_expect_eq(error.code, ERR_OK, "%s", rows[i]);
        cr_expect_null(pick("http1", "http://h", rows[i], &error), "%s", rows[i]);
        cr_expect_eq(error.code, ERR_USAGE, "%s", rows[i]);
        cr_expect_str_eq(error.where, rows[i]);
    }
    cr_expect_eq(pick("auto", "http://h/a@b", "http://h", NULL), &transport_http1);
}

Test(transport_pick, proxies_are_those_that_curl_would_use)
{
    static const struct {
        const char *variable, *value, *no_proxy, *url;
        bool proxied;
    } rows[] = {
        {"http_proxy", "http://p", NULL, "http://h", true},
        {"http_proxy", "http://p", NULL, "https://h", false},
        {"HTTP_PROXY", "http://p", NULL, "http://h", false},
        {"https_proxy", "http://p", NULL, "https://h:8443", true},
        {"HTTPS_PROXY", "http://p", NULL, "https://h", true},
        {"all_proxy", "socks5://p", NULL, "http://h", true},
        {"ALL_PROXY", "socks5://p", NULL, "https://h", true},
        {"all_proxy", "", NULL, "http://h", false},
        {"all_proxy", "http://p", "*", "http://h", false},
        {"all_proxy", "http://p", "other, example.org", "http://api.Example.org:80/x", false},
        {"all_proxy", "http://p", ".example.org", "http://example.org", false},
        {"all_proxy", "http://p", "ample.org", "http://example.org", true},
        {"all_proxy", "http://p", "api.example.org", "http://example.org", true},
        {"all_proxy", "http://p", "10.0.0.7", "http://10.0.0.7:8000", false},
        {"all_proxy", "http://p", "0.0.7", "http://10.0.0.7:8000", true},
        {"all_proxy", "http://p", "h,10.0.0.0/8", "http://10.9.8.7:8000", false},
        {"all_proxy", "http://p", "10.0.0.0/8", "http://11.9.8.7:8000", true},
        {"all_proxy", "http://p", "10.0.0.0/8", "http://host-10.example", true},
        {"all_proxy", "http://p", "192.168.16.0/20", "http://192.168.31.255", false},
        {"all_proxy", "http://p", "192.168.16.0/20", "http://192.168.32.0", true},
        {"all_proxy", "http://p", "10.0.0.7/32", "http://10.0.0.7", false},
        {"all_proxy", "http://p", "10.0.0.7/32", "http://10.0.0.6", true},
        {"all_proxy", "http://p", "0.0.0.0/0", "http://10.0.0.6", false},
        {"all_proxy", "http://p", "0.0.0.0/0", "http://[fd00::1]", true},
        {"all_proxy", "http://p", "10.0.0.0/33", "http://10.0.0.0", true},
        {"all_proxy", "http://p", "10.0.0.0/", "http://10.0.0.0", true},
        {"all_proxy", "http://p", "10.0.0.0/x", "http://10.0.0.0", true},
        {"all_proxy", "http://p", "fd00::/12", "http://[fd0f::1]:8000", false},
        {"all_proxy", "http://p", "fd00::/12", "http://[fd10::1]:8000", true},
        {"all_proxy", "http://p", "fd00::1", "http://[fd00:0::1]:8000", false},
        {"all_proxy", "http://p", NULL, "http://127.0.0.1:8000", false},
        {"all_proxy", "http://p", NULL, "http://127.8.0.1", false},
        {"all_proxy", "http://p", NULL, "http://LOCALHOST:8000/", false},
        {"all_proxy", "http://p", NULL, "http://[::1]:8000", false},
        {"all_proxy", "http://p", NULL, "http://[::2]:8000", true},
        {"all_proxy", "http://p", NULL, "http://localhost.example.org", true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        clear_environment();
        setenv(rows[i].variable, rows[i].value, 1);
        if (rows[i].no_proxy != NULL) {
            setenv("NO_PROXY", rows[i].no_proxy, 1);
        }
        cr_expect_eq(transport_proxied(rows[i].url), rows[i].proxied, "row %zu: %s", i,
                     rows[i].url);
    }
}
