#include "load/target_check.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/version.h"
#include "load/curl_failure.h"
#include "load/curl_lines.h"
#include "load/target_int.h"
#include "load/transport_pick.h"

#include <curl/curl.h>
#include <inttypes.h>
#include <string.h>

#define ANSWER_MAX_BYTES ((size_t)1 << 20)
#define SHOWN_BYTES 400
#define SHOWN_PLACES 10

void target_reply_deinit(struct target_reply *reply)
{
    buf_deinit(&reply->body);
}

/* ---- asking ---- */

static size_t take_bytes(char *bytes, size_t size, size_t count, void *context)
{
    struct buf *body = context;
    return buf_add(body, bytes, size * count) ? size * count : 0;
}

static void set_up(CURL *easy, const struct exchange *exchange, const char *url, long timeout_ms,
                   struct buf *body, char *reason)
{
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    if (!transport_proxied(exchange->shape->base_url)) { /* else libcurl looks at the environment */
        curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
    }
    if (curl_ca_file() != NULL) {
        curl_easy_setopt(easy, CURLOPT_CAINFO, curl_ca_file());
    }
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, timeout_ms);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, reason);
    curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "driftdrill/" DRIFTDRILL_VERSION);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_bytes);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, body);
    if (exchange->shape->has_body) {
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, exchange->body);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)exchange->body_len);
    }
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, exchange->shape->method);
}

enum err target_ask(const struct exchange *exchange, long timeout_ms, struct target_reply *reply,
                    struct error *error)
{
    char url[sizeof exchange->path + 256], reason[CURL_ERROR_SIZE] = "";
    struct curl_slist *headers = NULL;
    CURL *easy = curl_easy_init();
    enum err code = ERR_OK;
    reply->status = 0;
    buf_init(&reply->body, ANSWER_MAX_BYTES);
    (void)snprintf(url, sizeof url, "%s%s", exchange->shape->base_url, exchange->path);
    if (easy == NULL || !curl_add_shape_lines(&headers, exchange->shape) ||
        !curl_add_lines(&headers, exchange->header)) {
        code = error_set(error, ERR_MEMORY, exchange->shape->base_url, 0, "no HTTP client");
    } else {
        set_up(easy, exchange, url, timeout_ms, &reply->body, reason);
        curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
        CURLcode result = curl_easy_perform(easy);
        curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &reply->status);
        if (result != CURLE_OK) {
            code = error_set(error, result == CURLE_OPERATION_TIMEDOUT ? ERR_TIMEOUT : ERR_NETWORK,
                             exchange->shape->base_url, 0, "%s",
                             reason[0] != '\0' ? reason : curl_easy_strerror(result));
            reply->status = 0;
        }
    }
    curl_slist_free_all(headers);
    curl_easy_cleanup(easy);
    return code;
}

/* What an answer should have been and is not. */
static enum err read_reply(const struct target *target, const char *url,
                           const struct target_reply *reply, struct step_list *list,
                           char *request_id, struct error *error)
{
    struct target_problem problem;
    if (!target_accepts(target, TARGET_LIST, reply->status)) {
        return error_set(error, ERR_NETWORK, url, 0, "answered with status %ld", reply->status);
    }
    if (!target_explain_list(target, reply->body.len > 0 ? reply->body.data : "", reply->body.len,
                             list, NULL, request_id, TARGET_REQUEST_ID_SIZE, &problem)) {
        return error_set(error, ERR_NETWORK, url, 0, "the answer is no list, byte %zu: %s",
                         problem.offset, problem.text);
    }
    return ERR_OK;
}

static struct target_request sample_request(int32_t user_id)
{
    return (struct target_request){.user_id = user_id,
                                   .unix_ns = clock_wall_ns(),
                                   .sequence = (uint64_t)clock_mono_ns(),
                                   .movie_id = 1,
                                   .half_stars = 8,
                                   .rank = 1};
}

enum err target_ask_list(const struct target *target, int32_t user_id, long timeout_ms,
                         struct step_list *list, char *request_id, struct error *error)
{
    char url[512], id[TARGET_REQUEST_ID_SIZE];
    struct exchange *exchange = mem_zalloc(1, sizeof *exchange);
    struct target_request request = sample_request(user_id);
    struct target_reply reply;
    (void)target_fill_list(target, &request, exchange);
    (void)target_exchange_url(target, exchange, url, sizeof url);
    enum err code = target_ask(exchange, timeout_ms, &reply, error);
    if (code == ERR_OK) {
        code = read_reply(target, url, &reply, list, id, error);
    }
    if (code == ERR_OK && request_id != NULL) {
        (void)text_copy(request_id, TARGET_REQUEST_ID_SIZE, id);
    }
    target_reply_deinit(&reply);
    mem_free(exchange);
    return code;
}

/* ---- showing ---- */

/* Bytes as far as they are worth showing, unprintable ones as dots. */
static void show_bytes(FILE *out, const char *bytes, size_t len)
{
    size_t shown = len < SHOWN_BYTES ? len : SHOWN_BYTES;
    for (size_t i = 0; i < shown; i++) {
        unsigned char byte = (unsigned char)bytes[i];
        (void)fputc(byte < 0x20 || byte == 0x7f ? '.' : byte, out);
    }
    (void)fprintf(out, "%s\n", len > shown ? " ..." : "");
}

/* Names only: values may be secrets. */
static void show_headers(FILE *out, const char *headers)
{
    while (*headers != '\0') {
        size_t len = strcspn(headers, "\r");
        (void)fprintf(out, "          %.*s: ...\n", (int)strcspn(headers, ":"), headers);
        headers += headers[len] == '\0' ? len : len + 2;
    }
}

static void show_request(const struct target *target, const char *what,
                         const struct exchange *exchange, FILE *out)
{
    char url[sizeof exchange->path + 256];
    (void)target_exchange_url(target, exchange, url, sizeof url);
    (void)fprintf(out, "%-9s %s %s\n", what, exchange->shape->method, url);
    show_headers(out, exchange->shape->headers);
    if (target->plan->call[exchange->endpoint].body_has_secret) {
        (void)fputs("          (a body with something of the environment)\n", out);
    } else if (exchange->body_len > 0) {
        (void)fputs("          ", out);
        show_bytes(out, exchange->body, exchange->body_len);
    }
}

static void show_ability(FILE *out, const char *what, bool has)
{
    (void)fprintf(out, "  %-10s %s\n", what, has ? "yes" : "no");
}

static void show_retrain(const struct target *target, FILE *out)
{
    const struct target_retrain *retrain = target_retrain(target);
    if (retrain->command != NULL) {
        (void)fputs("retrain   ", out);
        for (size_t i = 0; retrain->command[i] != NULL; i++) {
            (void)fprintf(out, "%s%s", i > 0 ? " " : "", retrain->command[i]);
        }
        (void)fputc('\n', out);
    } else if (retrain->url != NULL) {
        (void)fprintf(out, "retrain   %s %s\n", retrain->method, retrain->shown);
        if (target_training(target)->url != NULL) {
            (void)fprintf(out, "          GET %s\n", target_training(target)->shown);
        }
    }
}

void target_describe(const struct target *target, FILE *out)
{
    struct exchange *exchange = mem_zalloc(1, sizeof *exchange);
    struct target_request request = sample_request(1);
    const struct target_has *has = target_has(target);
    const char *metrics = target_metrics_shown(target);
    (void)fprintf(out, "target    %s\n", target_name(target));
    if (target_fill_list(target, &request, exchange)) {
        show_request(target, "list", exchange, out);
    }
    request.request_id = has->request_id ? "1" : "";
    if (target_fill_rating(target, &request, exchange)) {
        show_request(target, "rating", exchange, out);
    }
    show_retrain(target, out);
    (void)fprintf(out, "metrics   %s\n", metrics != NULL ? metrics : "none");
    (void)fputs("has\n", out);
    show_ability(out, "ratings", has->ratings);
    show_ability(out, "request id", has->request_id);
    show_ability(out, "sources", has->sources);
    show_ability(out, "scores", has->scores);
    show_ability(out, "rank", has->rank);
    show_ability(out, "retraining", has->retrain);
    show_ability(out, "metrics", has->metrics);
    show_ability(out, "repeats", has->repeats);
    mem_free(exchange);
}

static void show_text(FILE *out, const char *what, const struct scan_text *text)
{
    if (text->bytes != NULL) {
        (void)fprintf(out, "  %s %.*s", what, (int)(text->len < 60 ? text->len : 60), text->bytes);
    }
}

static void show_places(const struct target *target, const struct pick_answer *answer, FILE *out)
{
    (void)fprintf(out, "films     %" PRId32 "\n", answer->count);
    for (int32_t i = 0; i < answer->count && i < SHOWN_PLACES; i++) {
        int32_t id = answer->film_id[i];
        if (id > 0) {
            (void)fprintf(out, "  %2" PRId32 ". film %" PRId32, i + 1, id);
        } else {
            (void)fprintf(out, "  %2" PRId32 ". no film's id", i + 1);
        }
        if (target->catalogue != NULL && id > 0) {
            int32_t index = catalogue_index(target->catalogue, id);
            (void)fprintf(out, "  %s", index >= 0 ? target->catalogue->title[index] : "(unknown)");
        }
        show_text(out, "score", &answer->score[i]);
        show_text(out, "source", &answer->source[i]);
        (void)fputc('\n', out);
    }
    if (answer->count > SHOWN_PLACES) {
        (void)fprintf(out, "      and %" PRId32 " more\n", answer->count - SHOWN_PLACES);
    }
    if (answer->request_id.bytes != NULL) {
        (void)fprintf(out, "request   %.*s\n", (int)answer->request_id.len,
                      answer->request_id.bytes);
    }
}

static enum err show_answer(const struct target *target, const char *url,
                            const struct target_reply *reply, FILE *out, struct error *error)
{
    struct pick_answer answer = {.request_id_max = TARGET_REQUEST_ID_SIZE - 1};
    (void)fprintf(out, "answer    status %ld, %zu bytes\n          ", reply->status,
                  reply->body.len);
    const char *text = reply->body.len > 0 ? reply->body.data : "";
    show_bytes(out, text, reply->body.len);
    if (!target_accepts(target, TARGET_LIST, reply->status)) {
        return error_set(error, ERR_NETWORK, url, 0, "answered with status %ld", reply->status);
    }
    if (!pick_read(target->pick, text, reply->body.len, &answer)) {
        return error_set(error, ERR_NETWORK, url, 0, "the answer is no list, byte %zu: %s",
                         answer.offset, answer.problem);
    }
    show_places(target, &answer, out);
    return ERR_OK;
}

enum err target_probe(const struct target *target, const struct target_probe *probe, FILE *out,
                      struct error *error)
{
    char url[512];
    struct exchange *exchange = mem_zalloc(1, sizeof *exchange);
    struct target_request request = sample_request(probe->user_id);
    struct target_reply reply;
    (void)target_fill_list(target, &request, exchange);
    (void)target_exchange_url(target, exchange, url, sizeof url);
    show_request(target, "probe", exchange, out);
    int64_t start_ns = clock_mono_ns();
    enum err code = target_ask(exchange, probe->timeout_ms, &reply, error);
    if (code == ERR_OK) {
        (void)fprintf(out, "took      %.1f ms\n", (double)(clock_mono_ns() - start_ns) / 1e6);
        code = show_answer(target, url, &reply, out, error);
    }
    target_reply_deinit(&reply);
    mem_free(exchange);
    return code;
}
