/*
 * Posts in parallel while snapshots are read. Every poster sends its own alerts, some twice, and
 * bodies that are none; readers check that a snapshot only ever grows at its end and that its
 * stamps do not fall. Afterwards list, file and counter must agree with what was sent.
 */
#include "observe/webhook.h"

#include "base/buf.h"
#include "base/fileio.h"
#include "base/http.h"
#include "base/mem.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { POSTERS = 4, READERS = 2, ALERTS = 60, MALFORMED = 15 };

struct shared {
    struct webhook *webhook;
    atomic_bool done;
    atomic_int faults;
};

struct poster {
    struct shared *shared;
    int number;
};

static void fault(struct shared *shared, const char *text)
{
    fprintf(stderr, "race_webhook: %s\n", text);
    atomic_fetch_add(&shared->faults, 1);
}

static void post(struct shared *shared, struct http *http, const char *body, long wanted)
{
    struct http_reply reply;
    buf_init(&reply.body, 1 << 16);
    if (http_post(http, webhook_url(shared->webhook), "application/json", body, strlen(body), 30000,
                  &reply, NULL) != ERR_OK ||
        reply.status != wanted) {
        fault(shared, "an answer is not what it should be");
    }
    buf_deinit(&reply.body);
}

static void *run_poster(void *context)
{
    const struct poster *poster = context;
    struct http *http = http_new();
    for (int i = 0; i < ALERTS; i++) {
        char body[512];
        snprintf(body, sizeof(body),
                 "{\"version\":\"4\",\"receiver\":\"r\",\"alerts\":[{\"status\":\"firing\","
                 "\"labels\":{\"alertname\":\"A%d\"},\"startsAt\":\"s%d\",\"endsAt\":\"e\","
                 "\"fingerprint\":\"f%d\"}]}",
                 poster->number, i, poster->number);
        for (int repeats = i % 3 == 0 ? 2 : 1; repeats > 0; repeats--) {
            post(poster->shared, http, body, 200);
        }
        if (i % (ALERTS / MALFORMED) == 0) {
            post(poster->shared, http, "{\"version\":\"4\"}", 400);
        }
    }
    http_free(http);
    return NULL;
}

static void *run_reader(void *context)
{
    struct shared *shared = context;
    struct webhook_notice *last = NULL, *now = NULL;
    size_t last_count = 0;
    while (!atomic_load(&shared->done)) {
        size_t count = webhook_notices(shared->webhook, &now);
        if (count < last_count ||
            (last_count > 0 && memcmp(now, last, last_count * sizeof(*now)) != 0)) {
            fault(shared, "a snapshot changed what an earlier one held");
        }
        for (size_t i = 1; i < count; i++) {
            if (now[i].received_mono_ns < now[i - 1].received_mono_ns) {
                fault(shared, "the stamps fall");
            }
        }
        if (webhook_malformed(shared->webhook) > (size_t)POSTERS * MALFORMED) {
            fault(shared, "too many malformed bodies");
        }
        mem_free(last);
        last = now;
        last_count = count;
    }
    mem_free(last);
    return NULL;
}

static void run_threads(struct shared *shared)
{
    pthread_t poster_thread[POSTERS], reader_thread[READERS];
    struct poster poster[POSTERS];
    for (int i = 0; i < READERS; i++) {
        if (pthread_create(&reader_thread[i], NULL, run_reader, shared) != 0) {
            abort();
        }
    }
    for (int i = 0; i < POSTERS; i++) {
        poster[i] = (struct poster){.shared = shared, .number = i};
        if (pthread_create(&poster_thread[i], NULL, run_poster, &poster[i]) != 0) {
            abort();
        }
    }
    for (int i = 0; i < POSTERS; i++) {
        pthread_join(poster_thread[i], NULL);
    }
    atomic_store(&shared->done, true);
    for (int i = 0; i < READERS; i++) {
        pthread_join(reader_thread[i], NULL);
    }
}

static void check_totals(struct shared *shared, const char *log)
{
    struct webhook_notice *notice = NULL;
    struct buf text;
    size_t lines = 0, count = webhook_notices(shared->webhook, &notice);
    buf_init(&text, 8 << 20);
    if (file_read(log, &text, NULL) != ERR_OK) {
        fault(shared, "the log cannot be read");
    }
    for (size_t i = 0; i < text.len; i++) {
        lines += text.data[i] == '\n';
    }
    if (count != (size_t)POSTERS * ALERTS) {
        fault(shared, "alerts were lost or kept twice");
    }
    if (lines != count) {
        fault(shared, "log and list differ");
    }
    if (webhook_malformed(shared->webhook) != (size_t)POSTERS * MALFORMED) {
        fault(shared, "malformed bodies were not counted exactly");
    }
    buf_deinit(&text);
    mem_free(notice);
}

int main(void)
{
    char folder[] = "/tmp/race_webhook_XXXXXX", log[64];
    struct shared shared = {.webhook = NULL};
    if (mkdtemp(folder) == NULL) {
        return 1;
    }
    snprintf(log, sizeof(log), "%s/log", folder);
    if (webhook_start(log, &shared.webhook, NULL) != ERR_OK) {
        return 1;
    }
    run_threads(&shared);
    check_totals(&shared, log);
    webhook_stop(shared.webhook);
    if (file_remove_tree(folder, NULL) != ERR_OK) {
        return 1;
    }
    return atomic_load(&shared.faults) == 0 ? 0 : 1;
}
