#include "fake_transport.h"

#include "base/mem.h"
#include "base/rng.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct pending {
    struct exchange *exchange;
    struct fake_request request;
    struct fake_answer answer;
    int64_t done_ns;
    bool times_out;
};

struct transport {
    int64_t now_ns, timeout_ns;
    bool was_frozen;
    int slots, count;
    struct pending *pending; /* [slots] */
    int32_t *asked[2];       /* [users], requests so far by endpoint */
    int32_t users;
};

/* Set before the first worker thread, read by all of them. */
static const struct fake_script *script_in_use;
static struct fake_totals totals;

void fake_transport_use(const struct fake_script *script)
{
    script_in_use = script;
    atomic_store(&totals.lists, 0);
    atomic_store(&totals.ratings, 0);
    atomic_store(&totals.half_stars, 0);
    atomic_store(&totals.malformed, 0);
    atomic_store(&totals.unnamed, 0);
    atomic_store(&totals.in_flight_max, 0);
}

const struct fake_totals *fake_transport_totals(void)
{
    return &totals;
}

static bool is_post(const struct exchange *exchange)
{
    return exchange->shape->has_body;
}

static enum err fake_open(const struct transport_config *config, struct transport **out,
                          struct error *error)
{
    (void)error;
    struct transport *transport = mem_zalloc(1, sizeof *transport);
    transport->slots = config->slots;
    transport->timeout_ns = config->timeout_ms * INT64_C(1000000);
    transport->pending = mem_zalloc((size_t)config->slots, sizeof *transport->pending);
    *out = transport;
    return ERR_OK;
}

static void fake_close(struct transport *transport)
{
    mem_free(transport->pending);
    mem_free(transport->asked[0]);
    mem_free(transport->asked[1]);
    mem_free(transport);
}

static int32_t count_request(struct transport *transport, bool is_post, int32_t user_id)
{
    if (user_id >= transport->users) {
        int32_t users = user_id * 2 + 16;
        for (int i = 0; i < 2; i++) {
            transport->asked[i] = mem_resize(transport->asked[i], (size_t)users, sizeof(int32_t));
            memset(transport->asked[i] + transport->users, 0,
                   (size_t)(users - transport->users) * sizeof(int32_t));
        }
        transport->users = users;
    }
    return transport->asked[is_post][user_id]++;
}

static int32_t number_after(const char *text, const char *key)
{
    const char *at = strstr(text, key);
    return at != NULL ? (int32_t)strtol(at + strlen(key), NULL, 10) : -1;
}

static int32_t greatest_divisor(int32_t a, int32_t b)
{
    return b == 0 ? a : greatest_divisor(b, a % b);
}

const char *fake_source(int32_t user_id, int32_t rank)
{
    static const char *const names[] = {"similar", "base", "popular"};
    return names[(user_id + rank / 3) % 3];
}

/* n different films, a function of the user alone. */
static void write_list(struct buf *out, int32_t user_id, int32_t n)
{
    int32_t count = script_in_use->movie_count;
    uint64_t hash = rng_mix(0x66616b65, (uint64_t)user_id);
    int32_t first = (int32_t)(hash % (uint64_t)count);
    int32_t stride = (int32_t)((hash >> 32) % (uint64_t)count) + 1;
    while (greatest_divisor(count, stride) != 1) {
        stride++;
    }
    buf_printf(out,
               "{\"user_id\":%" PRId32 ",\"request_id\":\"for-%" PRId32 "\",\"recommendations\":[",
               user_id, user_id);
    for (int32_t rank = 1; rank <= n && rank <= count; rank++) {
        int64_t film = (first + (int64_t)(rank - 1) * stride) % count;
        buf_printf(out,
                   "%s{\"movie_id\":%" PRId32 ",\"rank\":%" PRId32
                   ",\"score\":0.5,\"recommender\":\"%s\"}",
                   rank > 1 ? "," : "", script_in_use->movie_id[film], rank,
                   fake_source(user_id, rank));
    }
    buf_text(out, "]}");
}

static void raise_maximum(_Atomic int64_t *maximum, int64_t value)
{
    int64_t seen = atomic_load(maximum);
    while (value > seen && !atomic_compare_exchange_weak(maximum, &seen, value)) {
    }
}

/* Checks a rating's body and returns its half stars, -1 if a target could not take it. */
static int rating_of(const struct exchange *exchange)
{
    char wanted_id[64];
    int32_t user_id = number_after(exchange->body, "\"user_id\":");
    int32_t whole = number_after(exchange->body, "\"rating\":");
    const char *point = strstr(exchange->body, "\"rating\":");
    snprintf(wanted_id, sizeof wanted_id, "\"request_id\":\"for-%" PRId32 "\"}", user_id);
    bool named = strstr(exchange->body, "request_id") != NULL;
    if (user_id < 1 || whole < 0 || (named && strstr(exchange->body, wanted_id) == NULL) ||
        strlen(exchange->body) != exchange->body_len) {
        return -1;
    }
    point = strchr(point, '.');
    return point != NULL ? 2 * whole + (point[1] == '5') : -1;
}

static void fake_start(struct transport *transport, struct exchange *exchange)
{
    assert(transport->count < transport->slots);
    struct pending *pending = &transport->pending[transport->count++];
    const char *where = is_post(exchange) ? exchange->body : exchange->path;
    int32_t user_id = number_after(where, is_post(exchange) ? "\"user_id\":" : "user_id=");
    if (user_id < 1 || (is_post(exchange) && rating_of(exchange) < 1)) {
        atomic_fetch_add(&totals.malformed, 1);
        user_id = user_id < 0 ? 0 : user_id;
    }
    bool unnamed = is_post(exchange) && strstr(exchange->body, "request_id") == NULL;
    atomic_fetch_add(&totals.unnamed, unnamed);
    exchange_clear(exchange);
    exchange->kept = true;
    exchange->sent_ns = transport->now_ns;
    pending->exchange = exchange;
    pending->request =
        (struct fake_request){.is_post = is_post(exchange),
                              .user_id = user_id,
                              .nth = count_request(transport, is_post(exchange), user_id),
                              .sent_ns = transport->now_ns,
                              .body = is_post(exchange) ? exchange->body : ""};
    pending->answer = (struct fake_answer){.status = is_post(exchange) ? 201 : 200,
                                           .latency_ns = script_in_use->latency_ns};
    if (script_in_use->answer != NULL) {
        script_in_use->answer(script_in_use->context, &pending->request, &pending->answer);
    }
    pending->times_out = pending->answer.latency_ns == FAKE_UNTIL_TIMEOUT ||
                         pending->answer.latency_ns >= transport->timeout_ns;
    if (pending->times_out) {
        pending->answer.latency_ns = transport->timeout_ns;
        pending->answer.status = 0;
    }
    pending->done_ns = transport->now_ns + pending->answer.latency_ns;
    raise_maximum(&totals.in_flight_max, transport->count);
}

static void answer_now(const struct pending *pending, int64_t looked_ns)
{
    struct exchange *exchange = pending->exchange;
    exchange->status = pending->answer.status;
    exchange->done_ns = pending->done_ns > looked_ns ? pending->done_ns : looked_ns;
    exchange->reason = exchange->status == 0 ? "the fake gave no answer" : NULL;
    exchange->first_byte_ns = exchange->status == 0 ? 0 : exchange->done_ns;
    if (exchange->status != 0 && pending->answer.retry_after_s > 0) {
        exchange->retry_after_s = pending->answer.retry_after_s;
    }
    if (exchange->status == 0) {
        exchange->failure = pending->times_out ? EXCHANGE_TIMEOUT : EXCHANGE_RESET;
        return;
    }
    if (pending->answer.body != NULL) {
        buf_text(&exchange->answer, pending->answer.body);
    } else if (is_post(exchange)) {
        buf_text(&exchange->answer, "{\"status\":\"ok\"}");
    } else {
        write_list(&exchange->answer, pending->request.user_id,
                   number_after(exchange->path, "&n="));
    }
    if (exchange->status / 100 == 2) {
        atomic_fetch_add(is_post(exchange) ? &totals.ratings : &totals.lists, 1);
        atomic_fetch_add(&totals.half_stars, is_post(exchange) ? rating_of(exchange) : 0);
    }
}

/* Jumps to the next completion or to until_ns, whichever comes first; never sleeps. */
static int fake_wait(struct transport *transport, int64_t until_ns, struct exchange **done)
{
    int64_t next_ns = INT64_MAX, looked_ns = transport->now_ns;
    for (int i = 0; i < transport->count; i++) {
        next_ns = transport->pending[i].done_ns < next_ns ? transport->pending[i].done_ns : next_ns;
    }
    int64_t to_ns = next_ns < until_ns ? next_ns : until_ns;
    transport->now_ns = to_ns > transport->now_ns ? to_ns : transport->now_ns;
    int finished = 0, kept = 0;
    for (int i = 0; i < transport->count; i++) {
        struct pending *pending = &transport->pending[i];
        if (pending->done_ns <= transport->now_ns) {
            answer_now(pending, looked_ns);
            done[finished++] = pending->exchange;
        } else {
            transport->pending[kept++] = *pending;
        }
    }
    transport->count = kept;
    if (!transport->was_frozen && transport->now_ns >= script_in_use->frozen_from_ns) {
        transport->was_frozen = true;
        transport->now_ns += script_in_use->frozen_ns;
    }
    return finished;
}

static int64_t fake_now(struct transport *transport)
{
    return transport->now_ns;
}

const struct transport_class transport_fake = {
    .name = "fake",
    .open = fake_open,
    .start = fake_start,
    .wait = fake_wait,
    .close = fake_close,
    .now_ns = fake_now,
};
