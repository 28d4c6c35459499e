#include "recommender/admin_gate.h"

#include <criterion/criterion.h>

Test(admin_gate, lets_in_by_loopback_or_by_token_alone)
{
    static const struct {
        const char *name, *token;
        struct admin_visitor visitor;
        int status;
    } rows[] = {
        {"loopback", NULL, {.loopback = true}, 0},
        {"another machine", NULL, {.loopback = false}, 403},
        {"another machine that says it is not", NULL, {.forwarded = "127.0.0.1"}, 403},
        {"through a proxy on this machine",
         NULL,
         {.loopback = true, .forwarded = "127.0.0.1"},
         403},
        {"a page in a browser", NULL, {.loopback = true, .origin = "http://evil.example"}, 403},
        {"a token where none is known", NULL, {.authorization = "Bearer x"}, 403},
        {"the token", "s3cret", {.authorization = "Bearer s3cret"}, 0},
        {"the token, scheme in other case", "s3cret", {.authorization = "bearer s3cret"}, 0},
        {"the token through a proxy",
         "s3cret",
         {.authorization = "Bearer s3cret", .forwarded = "10.1.2.3", .origin = "http://x"},
         0},
        {"loopback without the token", "s3cret", {.loopback = true}, 401},
        {"another scheme", "s3cret", {true, .authorization = "Basic s3cret"}, 401},
        {"no scheme", "s3cret", {true, .authorization = "s3cret"}, 401},
        {"nothing behind the scheme", "s3cret", {true, .authorization = "Bearer "}, 401},
        {"its beginning", "s3cret", {true, .authorization = "Bearer s3cre"}, 401},
        {"more than it", "s3cret", {true, .authorization = "Bearer s3crets"}, 401},
        {"it twice", "s3cret", {true, .authorization = "Bearer s3crets3cret"}, 401},
        {"another case", "s3cret", {true, .authorization = "Bearer S3cret"}, 401},
    };
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        const char *why = NULL;
        int status = admin_gate(rows[r].token, &rows[r].visitor, &why);
        cr_expect(status == rows[r].status, "%s: %d", rows[r].name, status);
        cr_expect((status != 0) == (why != NULL && why[0] != '\0'), "%s", rows[r].name);
    }
}

Test(admin_gate, tokens_are_what_a_header_can_carry)
{
    static const char *const good[] = {"a", "abc.DEF-1_2~3+4/5==", "0="};
    static const char *const bad[] = {"", "=", "a b", "a=b", "\xc3\xa4", "a\n", "a\"b"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        cr_expect(admin_token_valid(good[i]), "%s", good[i]);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        cr_expect(!admin_token_valid(bad[i]), "%s", bad[i]);
    }
}
