/*
 * Both transports against the stub server's every behaviour: what they must report, that they never
 * send a request twice, and that the next request goes out as usual. How long anything takes
 * decides nothing: deadlines only keep a broken build from hanging.
 */
#include "base/clock.h"
#include "base/mem.h"
#include "load/stub_server.h"
#include "load/target.h"
#include "load/transport.h"
#include "load/transport_pick.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#define ANSWER_MAX ((size_t)64 * 1024)
#define HANG_NS (60 * CLOCK_NS_PER_S)
#define PATIENT_MS 30000L
#define HASTY_MS 250L
#define FILMS 60
#define SLOTS_MAX 8

static const char *const transports[] = {"http1", "libcurl"};
#define TRANSPORTS (sizeof transports / sizeof transports[0])

struct client {
    const struct transport_class *class;
    struct transport *transport;
    struct request_shape list, rating;
    const struct request_shape *shapes[2];
    struct exchange *exchange; /* [SLOTS_MAX] */
};

static void client_open(struct client *client, const char *name, const char *url, int slots,
                        long timeout_ms)
{
    struct error error = {0};
    *client = (struct client){.list = {"GET", false, url, ""},
                              .rating = {"POST", true, url, "Content-Type: application/json\r\n"}};
    client->shapes[0] = &client->list;
    client->shapes[1] = &client->rating;
    client->class = transport_pick(name, client->shapes, 2, &error);
    cr_assert_not_null(client->class, "%s: %s", name, error.text);
    const struct transport_config config = {.slots = slots,
                                            .timeout_ms = timeout_ms,
                                            .shape = client->shapes,
                                            .shape_count = 2,
                                            .answer_max_bytes = ANSWER_MAX};
    cr_assert_eq(client->class->open(&config, &client->transport, &error), ERR_OK, "%s: %s", name,
                 error.text);
    client->exchange = mem_zalloc(SLOTS_MAX, sizeof *client->exchange);
    for (int i = 0; i < SLOTS_MAX; i++) {
        client->exchange[i].slot = i;
        buf_init(&client->exchange[i].answer, ANSWER_MAX);
    }
}

static void client_close(struct client *client)
{
    client->class->close(client->transport);
    for (int i = 0; i < SLOTS_MAX; i++) {
        buf_deinit(&client->exchange[i].answer);
    }
    mem_free(client->exchange);
}

static void begin_list(struct client *client, int slot, int user)
{
    struct exchange *exchange = &client->exchange[slot];
    exchange->shape = &client->list;
    exchange->path_len = (size_t)snprintf(exchange->path, sizeof exchange->path,
                                          "/recommendations/?user_id=%d&n=10", user);
    exchange->body_len = 0;
    buf_reset(&exchange->answer);
    client->class->start(client->transport, exchange);
}

static void begin_rating(struct client *client, int slot, int user)
{
    struct exchange *exchange = &client->exchange[slot];
    exchange->shape = &client->rating;
    exchange->path_len = (size_t)snprintf(exchange->path, sizeof exchange->path, "%s", "/ratings/");
    exchange->body_len = (size_t)snprintf(exchange->body, sizeof exchange->body,
                                          "{\"user_id\":%d,\"movie_id\":3,\"rating\":4.5}", user);
    buf_reset(&exchange->answer);
    client->class->start(client->transport, exchange);
}

/* At least one completion; how many. */
static int finish_some(struct client *client, struct exchange **done)
{
    int64_t deadline = clock_mono_ns() + HANG_NS;
    int count = 0;
    while (count == 0 && clock_mono_ns() < deadline) {
        count = client->class->wait(client->transport, clock_mono_ns() + CLOCK_NS_PER_S, done);
    }
    cr_assert_gt(count, 0, "nothing came back");
    return count;
}

static struct exchange *play_list(struct client *client, int user)
{
    struct exchange *done[SLOTS_MAX];
    begin_list(client, 0, user);
    cr_assert_eq(finish_some(client, done), 1);
    cr_assert_eq(done[0], &client->exchange[0]);
    return done[0];
}

static struct exchange *play_rating(struct client *client, int user)
{
    struct exchange *done[SLOTS_MAX];
    begin_rating(client, 0, user);
    cr_assert_eq(finish_some(client, done), 1);
    cr_assert_eq(done[0], &client->exchange[0]);
    return done[0];
}

static struct stub *serve(enum stub_behaviour behaviour)
{
    struct stub *stub = NULL;
    const struct stub_config config = {.behaviour = behaviour,
                                       .films = FILMS,
                                       .slow_ns = 20 * CLOCK_NS_PER_MS,
                                       .retry_after_s = 7};
    cr_assert_eq(stub_start(&stub, &config, NULL), ERR_OK);
    return stub;
}

/* Is the answer whole, and this user's list, as read by a program that has no part in either? */
static bool is_list_of(const struct exchange *exchange, int user)
{
    json_t *list = json_loadb(exchange->answer.len > 0 ? exchange->answer.data : "",
                              exchange->answer.len, 0, NULL);
    bool good = json_integer_value(json_object_get(list, "user_id")) == user &&
                json_array_size(json_object_get(list, "recommendations")) == 10;
    json_decref(list);
    return good;
}

static void expect_moments(const struct exchange *exchange, int64_t before_ns, const char *name)
{
    int64_t last = before_ns;
    const int64_t moments[] = {exchange->connected_ns, exchange->sent_ns, exchange->first_byte_ns,
                               exchange->done_ns};
    for (size_t i = 0; i < sizeof moments / sizeof moments[0]; i++) {
        if (moments[i] != 0) {
            cr_expect_geq(moments[i], last, "%s: moment %zu", name, i);
            last = moments[i];
        }
    }
    cr_expect_neq(exchange->done_ns, 0, "%s", name);
    cr_expect_leq(exchange->done_ns, clock_mono_ns(), "%s", name);
}

static int64_t requests_at(const struct stub *stub)
{
    struct stub_counts counts;
    stub_counts(stub, &counts);
    return counts.lists + counts.ratings + counts.others;
}

/* ---- one request after the other ---- */

struct row {
    enum stub_behaviour behaviour;
    long status; /* of a list; a rating gets the same but 201 for 200 */
    enum exchange_failure failure;
    bool list;  /* the body is the user's list */
    bool hasty; /* ends by the timeout only */
};

static const struct row rows[] = {
    {STUB_NULL, 200, EXCHANGE_ANSWERED, true, false},
    {STUB_SLOW, 200, EXCHANGE_ANSWERED, true, false},
    {STUB_SPLIT, 200, EXCHANGE_ANSWERED, true, false},
    {STUB_CHUNKED, 200, EXCHANGE_ANSWERED, true, false},
    {STUB_CHUNKED_SPLIT, 200, EXCHANGE_ANSWERED, true, false},
    {STUB_UNTIL_CLOSE, 200, EXCHANGE_ANSWERED, true, false},
    {STUB_INTERIM, 200, EXCHANGE_ANSWERED, true, false},
    {STUB_CLOSING, 200, EXCHANGE_ANSWERED, true, false},
    {STUB_OLD, 200, EXCHANGE_ANSWERED, true, false},
    {STUB_REDIRECT, 302, EXCHANGE_ANSWERED, false, false},
    {STUB_TOO_MANY, 429, EXCHANGE_ANSWERED, false, false},
    {STUB_UNAVAILABLE, 503, EXCHANGE_ANSWERED, false, false},
    {STUB_BROKEN, 500, EXCHANGE_ANSWERED, false, false},
    {STUB_EMPTY, 204, EXCHANGE_ANSWERED, false, false},
    {STUB_OVERSIZED, 200, EXCHANGE_TOO_LONG, false, false},
    {STUB_LONG_HEAD, 0, EXCHANGE_TOO_LONG, false, false},
    {STUB_LENGTH_LONG, 0, EXCHANGE_RESET, false, false},
    {STUB_LENGTH_HELD, 0, EXCHANGE_TIMEOUT, false, true},
    {STUB_LENGTH_SHORT, 200, EXCHANGE_ANSWERED, false, false},
    {STUB_LENGTH_TWICE, 0, EXCHANGE_PROTOCOL, false, false},
    {STUB_LENGTH_WRONG, 0, EXCHANGE_PROTOCOL, false, false},
    {STUB_CHUNK_WRONG, 0, EXCHANGE_PROTOCOL, false, false},
    {STUB_CHUNK_CUT, 0, EXCHANGE_RESET, false, false},
    {STUB_RESET, 0, EXCHANGE_RESET, false, false},
    {STUB_UNANSWERED, 0, EXCHANGE_RESET, false, false},
    {STUB_SILENT, 0, EXCHANGE_TIMEOUT, false, true},
    {STUB_NONSENSE, 0, EXCHANGE_PROTOCOL, false, false},
    {STUB_WRONG_JSON, 200, EXCHANGE_ANSWERED, false, false},
    {STUB_CUT_JSON, 200, EXCHANGE_ANSWERED, false, false},
    {STUB_NOT_JSON, 200, EXCHANGE_ANSWERED, false, false},
};
#define ROWS (sizeof rows / sizeof rows[0])

/* libcurl reports a chunk size that is no number like a connection that failed, and believes the
 * last of two lengths, behind which nothing comes. Both are no answer. */
static enum exchange_failure failure_of(const struct row *row, const char *transport)
{
    bool blurred = row->behaviour == STUB_CHUNK_WRONG || row->behaviour == STUB_LENGTH_TWICE;
    return blurred && strcmp(transport, "libcurl") == 0 ? EXCHANGE_RESET : row->failure;
}

static void expect_outcome(const struct exchange *exchange, const struct row *row,
                           enum exchange_failure failure, int64_t before, const char *name)
{
    bool answered = failure == EXCHANGE_ANSWERED;
    bool shed = row->behaviour == STUB_TOO_MANY || row->behaviour == STUB_UNAVAILABLE;
    cr_expect_eq(exchange->failure, failure, "%s: %s, %s", name,
                 exchange_failure_name(exchange->failure),
                 exchange->reason != NULL ? exchange->reason : "no reason");
    cr_expect_eq(exchange->reason == NULL, answered, "%s", name);
    cr_expect_eq(exchange->answer.failed, row->behaviour == STUB_OVERSIZED, "%s", name);
    cr_expect_eq(exchange->retry_after_s, shed ? 7 : -1, "%s: %d", name, exchange->retry_after_s);
    expect_moments(exchange, before, name);
}

/* A list, a rating, a list: each meets the fault, and none hinders the next. */
static void play_row(const char *transport, const struct row *row)
{
    char name[80];
    struct client client;
    struct stub *stub = serve(row->behaviour);
    client_open(&client, transport, stub_url(stub), 1, row->hasty ? HASTY_MS : PATIENT_MS);
    for (int turn = 0; turn < 4; turn++) {
        int user = 30 + turn;
        bool rating = turn == 1;
        int64_t before = clock_mono_ns();
        (void)snprintf(name, sizeof name, "%s, %s, request %d", transport,
                       stub_behaviour_name(row->behaviour), turn + 1);
        struct exchange *exchange = rating ? play_rating(&client, user) : play_list(&client, user);
        expect_outcome(exchange, row, failure_of(row, transport), before, name);
        bool created = rating && row->status == 200 && stub_behaviour_is_sound(row->behaviour);
        cr_expect_eq(exchange->status, created ? 201 : row->status, "%s: %ld", name,
                     exchange->status);
        if (!rating && row->failure == EXCHANGE_ANSWERED) {
            cr_expect_eq(is_list_of(exchange, user), row->list, "%s: %.*s", name,
                         (int)exchange->answer.len, exchange->answer.data);
        }
        cr_expect_eq(requests_at(stub), turn + 1, "%s: %ld requests reached the server", name,
                     (long)requests_at(stub));
    }
    client_close(&client);
    stub_stop(stub);
}

static void play_rows(const char *transport)
{
    for (size_t i = 0; i < ROWS; i++) {
        play_row(transport, &rows[i]);
    }
}

Test(conformance, http1_reports_every_behaviour)
{
    play_rows("http1");
}

Test(conformance, libcurl_reports_every_behaviour)
{
    play_rows("libcurl");
}

/* ---- connections ---- */

static void play_connections(const char *transport, enum stub_behaviour behaviour,
                             int64_t connections)
{
    struct client client;
    struct stub_counts counts;
    struct stub *stub = serve(behaviour);
    client_open(&client, transport, stub_url(stub), 1, PATIENT_MS);
    for (int turn = 0; turn < 5; turn++) {
        const struct exchange *exchange = play_list(&client, turn);
        bool kept = turn > 0 && connections == 1;
        cr_expect_eq(exchange->status, 200);
        cr_expect_eq(exchange->kept, kept, "%s, %s, turn %d", transport,
                     stub_behaviour_name(behaviour), turn);
        cr_expect_eq(exchange->connected_ns == 0, kept);
    }
    stub_counts(stub, &counts);
    cr_expect_eq(counts.connections, connections, "%s, %s: %ld", transport,
                 stub_behaviour_name(behaviour), (long)counts.connections);
    client_close(&client);
    stub_stop(stub);
}

Test(conformance, connections_are_kept_as_long_as_the_server_keeps_them)
{
    for (size_t t = 0; t < TRANSPORTS; t++) {
        play_connections(transports[t], STUB_NULL, 1);
        play_connections(transports[t], STUB_INTERIM, 1);
        play_connections(transports[t], STUB_CHUNKED, 1);
        play_connections(transports[t], STUB_CLOSING, 5);
        play_connections(transports[t], STUB_OLD, 5);
        play_connections(transports[t], STUB_UNTIL_CLOSE, 5);
        /* Bytes behind the answer belong to nobody: that connection is done for. */
        play_connections(transports[t], STUB_LENGTH_SHORT, 5);
    }
}

/* Each second request of a connection is read and closed upon: it may have taken effect. */
Test(conformance, a_request_lost_on_a_kept_connection_is_not_sent_again)
{
    for (size_t t = 0; t < TRANSPORTS; t++) {
        struct client client;
        struct stub *stub = serve(STUB_SECOND_LOST);
        client_open(&client, transports[t], stub_url(stub), 1, PATIENT_MS);
        for (int turn = 0; turn < 6; turn++) {
            const struct exchange *exchange =
                turn == 3 ? play_rating(&client, turn) : play_list(&client, turn);
            bool lost = turn % 2 != 0;
            cr_expect_eq(exchange->failure, lost ? EXCHANGE_RESET : EXCHANGE_ANSWERED, "%s, %d: %s",
                         transports[t], turn, exchange_failure_name(exchange->failure));
            cr_expect_eq(exchange->kept, lost, "%s, %d", transports[t], turn);
            cr_expect_eq(requests_at(stub), turn + 1, "%s, %d", transports[t], turn);
        }
        client_close(&client);
        stub_stop(stub);
    }
}

/* The server closes after an answer without a word. Whether the client sees that before it sends
 * the next request is chance; either way a request is answered or lost, and never sent twice. */
Test(conformance, a_server_that_hangs_up_costs_at_most_the_request_it_did_not_read)
{
    enum { TURNS = 40 };
    for (size_t t = 0; t < TRANSPORTS; t++) {
        struct client client;
        int answered = 0;
        struct stub *stub = serve(STUB_HANGING_UP);
        client_open(&client, transports[t], stub_url(stub), 1, PATIENT_MS);
        for (int turn = 0; turn < TURNS; turn++) {
            const struct exchange *exchange = play_list(&client, turn);
            bool good = exchange->failure == EXCHANGE_ANSWERED;
            answered += good;
            cr_expect(good ? is_list_of(exchange, turn) : exchange->failure == EXCHANGE_RESET,
                      "%s: %s", transports[t], exchange_failure_name(exchange->failure));
        }
        cr_expect_eq(requests_at(stub), answered, "%s", transports[t]);
        cr_expect_geq(answered, TURNS / 2, "%s: %d", transports[t], answered);
        client_close(&client);
        stub_stop(stub);
    }
}

/* ---- many at once ---- */

static void play_crowd(const char *transport, enum stub_behaviour behaviour, double share)
{
    enum { SLOTS = SLOTS_MAX, REQUESTS = 200 };
    struct client client;
    struct stub *stub = NULL;
    struct stub_counts counts;
    struct exchange *done[SLOTS];
    int started = 0, finished = 0, answered = 0;
    const struct stub_config config = {
        .behaviour = behaviour, .films = FILMS, .fault_share = share, .seed = 11};
    cr_assert_eq(stub_start(&stub, &config, NULL), ERR_OK);
    client_open(&client, transport, stub_url(stub), SLOTS, PATIENT_MS);
    for (; started < SLOTS; started++) {
        begin_list(&client, started, started);
    }
    while (finished < REQUESTS) {
        int count = finish_some(&client, done);
        for (int i = 0; i < count; i++) {
            int user = 0;
            (void)sscanf(done[i]->path, "/recommendations/?user_id=%d", &user);
            bool good = done[i]->failure == EXCHANGE_ANSWERED && done[i]->status == 200;
            answered += good;
            cr_expect(!good || is_list_of(done[i], user), "%s, %s: another's answer", transport,
                      stub_behaviour_name(behaviour));
            finished++;
            if (started < REQUESTS) {
                begin_list(&client, done[i]->slot, started++);
            }
        }
    }
    stub_counts(stub, &counts);
    cr_expect_eq(counts.lists, REQUESTS, "%s, %s: %ld", transport, stub_behaviour_name(behaviour),
                 (long)counts.lists);
    cr_expect_eq(answered, REQUESTS - counts.faulted * !stub_behaviour_is_sound(behaviour),
                 "%s, %s: %d answered, %ld faulted", transport, stub_behaviour_name(behaviour),
                 answered, (long)counts.faulted);
    client_close(&client);
    stub_stop(stub);
}

Test(conformance, faults_among_many_connections_touch_their_own_request_only)
{
    static const enum stub_behaviour behaviours[] = {
        STUB_NULL,      STUB_SPLIT,       STUB_CHUNKED_SPLIT, STUB_SLOW,     STUB_INTERIM,
        STUB_CLOSING,   STUB_RESET,       STUB_UNANSWERED,    STUB_NONSENSE, STUB_LENGTH_LONG,
        STUB_CHUNK_CUT, STUB_CHUNK_WRONG, STUB_BROKEN,        STUB_TOO_MANY, STUB_OVERSIZED,
    };
    for (size_t t = 0; t < TRANSPORTS; t++) {
        for (size_t b = 0; b < sizeof behaviours / sizeof behaviours[0]; b++) {
            play_crowd(transports[t], behaviours[b], 0.3);
        }
    }
}

Test(conformance, a_server_frozen_for_a_while_answers_all_it_was_asked)
{
    enum { SLOTS = 4 };
    for (size_t t = 0; t < TRANSPORTS; t++) {
        struct client client;
        struct exchange *done[SLOTS];
        struct stub *stub = serve(STUB_NULL);
        client_open(&client, transports[t], stub_url(stub), SLOTS, PATIENT_MS);
        stub_freeze(stub, true);
        for (int i = 0; i < SLOTS; i++) {
            begin_list(&client, i, i);
        }
        int64_t until = clock_mono_ns() + 50 * CLOCK_NS_PER_MS;
        cr_expect_eq(client.class->wait(client.transport, until, done), 0, "%s", transports[t]);
        stub_freeze(stub, false);
        for (int finished = 0; finished < SLOTS;) {
            int count = finish_some(&client, done);
            for (int i = 0; i < count; i++) {
                cr_expect(is_list_of(done[i], done[i]->slot), "%s", transports[t]);
                cr_expect_geq(done[i]->done_ns, until, "%s", transports[t]);
            }
            finished += count;
        }
        client_close(&client);
        stub_stop(stub);
    }
}

/* ---- no server ---- */

Test(conformance, where_nobody_answers_or_nobody_lives_is_told_apart)
{
    for (size_t t = 0; t < TRANSPORTS; t++) {
        char url[64];
        struct client client;
        struct stub *stub = serve(STUB_NULL);
        (void)snprintf(url, sizeof url, "%s", stub_url(stub));
        stub_stop(stub);
        client_open(&client, transports[t], url, 1, PATIENT_MS);
        for (int turn = 0; turn < 2; turn++) {
            const struct exchange *exchange = play_list(&client, 1);
            cr_expect_eq(exchange->failure, EXCHANGE_REFUSED, "%s: %s", transports[t],
                         exchange_failure_name(exchange->failure));
            cr_expect_eq(exchange->status, 0);
            cr_expect_not_null(exchange->reason);
            cr_expect_eq(exchange->sent_ns, 0);
        }
        client_close(&client);
        /* An empty label is no name, whatever the resolver thinks. */
        client_open(&client, transports[t], "http://nobody..invalid:8000", 1, PATIENT_MS);
        const struct exchange *exchange = play_list(&client, 1);
        cr_expect_eq(exchange->failure, EXCHANGE_DNS, "%s: %s", transports[t],
                     exchange_failure_name(exchange->failure));
        client_close(&client);
    }
}

/* ---- as the worker sees it ---- */

Test(conformance, only_sound_answers_are_lists_to_a_target)
{
    int32_t ids[FILMS];
    struct catalogue catalogue = {.count = FILMS, .id = ids};
    for (int i = 0; i < FILMS; i++) {
        ids[i] = i + 1;
    }
    for (size_t t = 0; t < TRANSPORTS; t++) {
        for (size_t r = 0; r < ROWS; r++) {
            struct client client;
            struct target *target = NULL;
            struct step_list list;
            char request_id[TARGET_REQUEST_ID_SIZE];
            struct stub *stub = serve(rows[r].behaviour);
            client_open(&client, transports[t], stub_url(stub), 1,
                        rows[r].hasty ? HASTY_MS : PATIENT_MS);
            cr_assert_eq(target_from_url(stub_url(stub), &catalogue, 10, &target, NULL), ERR_OK);
            const struct exchange *exchange = play_list(&client, 5);
            bool accepted = exchange->failure == EXCHANGE_ANSWERED &&
                            target_accepts(target, TARGET_LIST, exchange->status);
            bool good =
                accepted && target_read_list(target, exchange->answer.data, exchange->answer.len,
                                             &list, request_id, sizeof request_id);
            cr_expect_eq(good, rows[r].list, "%s, %s", transports[t],
                         stub_behaviour_name(rows[r].behaviour));
            if (good) {
                cr_expect_eq(list.count, 10);
                cr_expect_geq(list.item[9], 0);
                cr_expect_eq(strlen(request_id), 16);
            }
            target_free(target);
            client_close(&client);
            stub_stop(stub);
        }
    }
}
