/* What the transports do while a name is looked up. The resolver is the test's own: this program's
 * getaddrinfo stands before the C library's. */
#include "base/clock.h"
#include "load/stub_server.h"
#include "load/transport.h"

#include <criterion/criterion.h>
#include <dlfcn.h>
#include <netdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define NAME "drill.test"
#define SLOTS 16
#define ANSWER_MAX ((size_t)65536)
#define HANG_NS (60 * CLOCK_NS_PER_S)
#define HASTY_MS 100L
#define PATIENT_MS 30000L

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static bool held;
static int asked, under_way, verdict; /* verdict: an EAI_ code, 0 = the loopback address */

int getaddrinfo(const char *restrict name, const char *restrict service,
                const struct addrinfo *restrict hints, struct addrinfo **restrict out)
{
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
    if (name == NULL || strcmp(name, NAME) != 0) {
        return real(name, service, hints, out);
    }
    pthread_mutex_lock(&lock);
    asked++;
    under_way++;
    while (held) {
        pthread_cond_wait(&changed, &lock);
    }
    int code = verdict;
    under_way--;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    return code != 0 ? code : real("127.0.0.1", service, hints, out);
}

static void resolver_hold(void)
{
    pthread_mutex_lock(&lock);
    held = true;
    pthread_mutex_unlock(&lock);
}

static void resolver_release(int code)
{
    pthread_mutex_lock(&lock);
    held = false;
    verdict = code;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

static int resolver_asked(void)
{
    pthread_mutex_lock(&lock);
    int count = asked;
    pthread_mutex_unlock(&lock);
    return count;
}

/* Lookups that nobody waits for any more must be over before the program is. */
static void resolver_settle(void)
{
    pthread_mutex_lock(&lock);
    while (under_way > 0) {
        pthread_cond_wait(&changed, &lock);
    }
    pthread_mutex_unlock(&lock);
}

struct client {
    const struct transport_class *class;
    struct transport *transport;
    struct request_shape shape;
    const struct request_shape *shapes[1];
    char url[64];
    struct exchange exchange[SLOTS];
};

static void client_open(struct client *client, const struct transport_class *class,
                        const struct stub *stub, long timeout_ms)
{
    memset(client, 0, sizeof *client);
    client->class = class;
    (void)snprintf(client->url, sizeof client->url, "http://" NAME "%s",
                   strrchr(stub_url(stub), ':'));
    client->shape = (struct request_shape){.method = "GET", .base_url = client->url, .headers = ""};
    client->shapes[0] = &client->shape;
    const struct transport_config config = {.slots = SLOTS,
                                            .timeout_ms = timeout_ms,
                                            .shape = client->shapes,
                                            .shape_count = 1,
                                            .answer_max_bytes = ANSWER_MAX};
    cr_assert_eq(class->open(&config, &client->transport, NULL), ERR_OK);
    for (int i = 0; i < SLOTS; i++) {
        struct exchange *exchange = &client->exchange[i];
        exchange->slot = i;
        exchange->shape = &client->shape;
        exchange->path_len = (size_t)snprintf(exchange->path, sizeof exchange->path, "%s",
                                              "/recommendations/?user_id=1&n=10");
        buf_init(&exchange->answer, ANSWER_MAX);
    }
}

static void begin(struct client *client, int count)
{
    for (int i = 0; i < count; i++) {
        buf_reset(&client->exchange[i].answer);
        client->class->start(client->transport, &client->exchange[i]);
    }
}

static void finish(struct client *client, int count)
{
    struct exchange *done[SLOTS];
    int64_t deadline = clock_mono_ns() + HANG_NS;
    while (count > 0 && clock_mono_ns() < deadline) {
        count -= client->class->wait(client->transport, clock_mono_ns() + CLOCK_NS_PER_S, done);
    }
    cr_assert_eq(count, 0, "%d did not come back", count);
}

static void client_close(struct client *client)
{
    client->class->close(client->transport);
    for (int i = 0; i < SLOTS; i++) {
        buf_deinit(&client->exchange[i].answer);
    }
}

static struct stub *serve(void)
{
    struct stub *stub = NULL;
    const struct stub_config config = {.films = 60};
    cr_assert_eq(stub_start(&stub, &config, NULL), ERR_OK);
    return stub;
}

/* Waiting for the lookup would never end: it is let go only afterwards. */
static void hurry(const struct transport_class *class)
{
    static struct client client;
    struct stub *stub = serve();
    resolver_hold();
    client_open(&client, class, stub, HASTY_MS);
    do {
        begin(&client, 1);
        finish(&client, 1);
        cr_expect_eq(client.exchange[0].failure, EXCHANGE_TIMEOUT, "%s", client.exchange[0].reason);
    } while (resolver_asked() == 0);
    begin(&client, 1);
    client_close(&client);
    resolver_release(0);
    resolver_settle();
    stub_stop(stub);
}

Test(lookup, a_request_given_up_does_not_wait_for_its_lookup_with_http1, .timeout = 60)
{
    hurry(&transport_http1);
}

Test(lookup, a_request_given_up_does_not_wait_for_its_lookup_with_libcurl, .timeout = 60)
{
    hurry(&transport_curl);
}

Test(lookup, a_name_is_looked_up_once_for_all_who_wait)
{
    static struct client client;
    struct exchange *done[SLOTS];
    struct stub *stub = serve();
    resolver_hold();
    client_open(&client, &transport_http1, stub, PATIENT_MS);
    begin(&client, SLOTS);
    int64_t until = clock_mono_ns() + 50 * CLOCK_NS_PER_MS;
    cr_expect_eq(client.class->wait(client.transport, until, done), 0);
    resolver_release(0);
    finish(&client, SLOTS);
    for (int i = 0; i < SLOTS; i++) {
        cr_expect_eq(client.exchange[i].status, 200, "%d: %s", i, client.exchange[i].reason);
    }
    cr_expect_eq(resolver_asked(), 1, "%d", resolver_asked());
    client_close(&client);
    stub_stop(stub);
}

Test(lookup, a_name_without_an_address_is_told_to_all_who_wait)
{
    static struct client client;
    struct stub *stub = serve();
    resolver_hold();
    client_open(&client, &transport_http1, stub, PATIENT_MS);
    for (int round = 1; round <= 2; round++) {
        begin(&client, SLOTS);
        resolver_release(EAI_NONAME);
        finish(&client, SLOTS);
        for (int i = 0; i < SLOTS; i++) {
            cr_expect_eq(client.exchange[i].failure, EXCHANGE_DNS, "%d: %s", i,
                         client.exchange[i].reason);
        }
        cr_expect_eq(resolver_asked(), round, "%d", resolver_asked());
    }
    /* The name comes to life: nothing of the failures is left. */
    resolver_release(0);
    begin(&client, SLOTS);
    finish(&client, SLOTS);
    cr_expect_eq(client.exchange[0].status, 200, "%s", client.exchange[0].reason);
    cr_expect_eq(client.exchange[SLOTS - 1].status, 200, "%s", client.exchange[SLOTS - 1].reason);
    cr_expect_eq(resolver_asked(), 3, "%d", resolver_asked());
    client_close(&client);
    stub_stop(stub);
}

/* When the one that went ahead is given up, at most the newest of the others asks again. */
Test(lookup, a_resolver_that_hangs_is_not_asked_by_everybody)
{
    static struct client client;
    struct stub *stub = serve();
    resolver_hold();
    client_open(&client, &transport_http1, stub, HASTY_MS);
    begin(&client, SLOTS);
    finish(&client, SLOTS);
    for (int i = 0; i < SLOTS; i++) {
        cr_expect_eq(client.exchange[i].failure, EXCHANGE_TIMEOUT, "%d: %s", i,
                     client.exchange[i].reason);
    }
    cr_expect_leq(resolver_asked(), 2, "%d", resolver_asked());
    resolver_release(0);
    resolver_settle();
    client_close(&client);
    stub_stop(stub);
}
