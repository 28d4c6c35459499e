/*
 * A sound answer is written by hand into one block: at full speed the server must not be what is
 * measured, and a formatted write of ten films would cost more than the system calls around it.
 *
 * Films are drawn with the product of two uniform numbers, so that those early in the caller's
 * order are served more often, as a recommender would; a film drawn twice moves on to the next.
 */
#include "load/stub_answer.h"

#include "base/rng.h"

#include <string.h>

#define PLACE_BYTES 96 /* the longest of a place of a list */
#define TEXT_BYTES (256 + STUB_LIST_MAX * PLACE_BYTES)
#define ANSWER_BYTES_MAX ((size_t)64 * 1024)
#define TIMES_4(text) text text text text
#define FILLER_LINES                                                                               \
    TIMES_4(TIMES_4("X-Filler: all that is gold does not glitter, who wanders\r\n"))
#define FILLER_BLANKS                                                                              \
    TIMES_4(TIMES_4("                                                                "))

struct text { /* has room for whatever is put */
    size_t len;
    char bytes[TEXT_BYTES];
};

/* An initialiser would clear all the bytes, for each answer. */
static void begin(struct text *text)
{
    text->len = 0;
}

static void put_bytes(struct text *text, const char *bytes, size_t count)
{
    memcpy(text->bytes + text->len, bytes, count);
    text->len += count;
}

#define put_literal(text, literal) put_bytes(text, literal, sizeof(literal) - 1)

static void put_number(struct text *text, uint64_t number)
{
    char reversed[20];
    int count = 0;
    do {
        reversed[count++] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    while (count > 0) {
        text->bytes[text->len++] = reversed[--count];
    }
}

static void put_hex(struct text *text, uint64_t number)
{
    for (int shift = 60; shift >= 0; shift -= 4) {
        text->bytes[text->len++] = "0123456789abcdef"[number >> shift & 15];
    }
}

/* ---- what is recommended ---- */

static int list_length(const struct stub_films *films, const struct stub_asked *asked)
{
    int64_t length = asked->request.length > 0 ? asked->request.length : films->list_length;
    length = length < STUB_LIST_MAX ? length : STUB_LIST_MAX;
    return (int)(length < films->films ? length : films->films);
}

static bool among(const int32_t *list, int count, int32_t index)
{
    for (int i = 0; i < count; i++) {
        if (list[i] == index) {
            return true;
        }
    }
    return false;
}

static void draw_films(const struct stub_films *films, const struct stub_asked *asked, int count,
                       int32_t *index)
{
    uint64_t key = rng_mix(films->seed, (uint64_t)asked->request.user);
    for (int i = 0; i < count; i++) {
        if (asked->worse) {
            index[i] = films->films - 1 - i;
            continue;
        }
        uint64_t bits = rng_mix(key, ((uint64_t)asked->turn << 8) + (uint64_t)i);
        uint64_t product = (bits >> 32) * (bits & UINT32_MAX) >> 32;
        int32_t drawn = (int32_t)(product * (uint64_t)films->films >> 32);
        while (among(index, i, drawn)) {
            drawn = drawn + 1 < films->films ? drawn + 1 : 0;
        }
        index[i] = drawn;
    }
}

static void put_list(struct text *text, const struct stub_films *films,
                     const struct stub_asked *asked)
{
    int32_t index[STUB_LIST_MAX];
    int count = list_length(films, asked);
    draw_films(films, asked, count, index);
    put_literal(text, "{\"user_id\":");
    put_number(text, (uint64_t)asked->request.user);
    put_literal(text, ",\"request_id\":\"");
    put_hex(text, rng_mix(films->seed, asked->number));
    put_literal(text, "\",\"recommendations\":[");
    for (int i = 0; i < count; i++) {
        put_literal(text, "{\"movie_id\":");
        put_number(text, (uint64_t)(films->film != NULL ? films->film[index[i]] : index[i] + 1));
        put_literal(text, ",\"rank\":");
        put_number(text, (uint64_t)i + 1);
        put_literal(text, ",\"score\":0.");
        put_number(text, (uint64_t)(9999 - 100 * i));
        put_literal(text, ",\"recommender\":");
        if (asked->worse) {
            put_literal(text, "\"popular\"},");
        } else {
            put_literal(text, "\"base\"},");
        }
    }
    text->len -= count > 0;
    put_literal(text, "]}");
}

/* Status line and body of a sound answer. */
static const char *put_sound(struct text *body, const struct stub_films *films,
                             const struct stub_asked *asked)
{
    switch (asked->request.kind) {
    case STUB_LIST:
        if (!asked->request.user_given) {
            put_literal(body, "{\"detail\":\"user_id: expected a whole number\"}");
            return "422 Unprocessable Entity";
        }
        put_list(body, films, asked);
        return "200 OK";
    case STUB_RATING:
        put_literal(body, "{\"status\":\"ok\",\"recommender\":null,\"rank\":null}");
        return "201 Created";
    case STUB_HEALTH:
        put_literal(body, "{\"status\":\"ok\"}");
        return "200 OK";
    case STUB_ELSEWHERE:
        break;
    }
    put_literal(body, "{\"detail\":\"Not Found\"}");
    return "404 Not Found";
}

/* ---- heads ---- */

static void add_head(struct buf *out, const char *version, const char *status)
{
    buf_text(out, version);
    buf_text(out, status);
    buf_text(out, "\r\nContent-Type: application/json\r\n");
}

static void add_length(struct buf *out, size_t length)
{
    struct text text;
    begin(&text);
    put_literal(&text, "Content-Length: ");
    put_number(&text, length);
    put_literal(&text, "\r\n");
    buf_add(out, text.bytes, text.len);
}

static void add_body(struct buf *out, const struct text *body)
{
    buf_text(out, "\r\n");
    buf_add(out, body->bytes, body->len);
}

/* One block for the commonest answer by far. */
static void add_whole(struct buf *out, const char *status, const struct text *body)
{
    struct text head;
    begin(&head);
    put_literal(&head, "HTTP/1.1 ");
    put_bytes(&head, status, strlen(status));
    put_literal(&head, "\r\nContent-Type: application/json\r\nContent-Length: ");
    put_number(&head, body->len);
    put_literal(&head, "\r\n\r\n");
    buf_add(out, head.bytes, head.len);
    buf_add(out, body->bytes, body->len);
}

/* In three chunks of growing size, so that their ends fall anywhere in the text. */
static void add_chunks(struct buf *out, const char *status, const struct text *body)
{
    size_t first = body->len / 7, second = body->len / 3;
    const size_t end[] = {first, first + second, body->len};
    size_t from = 0;
    add_head(out, "HTTP/1.1 ", status);
    buf_text(out, "Transfer-Encoding: chunked\r\nTrailer: X-Films\r\n\r\n");
    for (size_t i = 0; i < sizeof end / sizeof end[0]; i++) {
        buf_printf(out, i == 1 ? "%zX;note=\"a;b\"\r\n" : "%zx\r\n", end[i] - from);
        buf_add(out, body->bytes + from, end[i] - from);
        buf_text(out, "\r\n");
        from = end[i];
    }
    buf_text(out, "0\r\nX-Films: all told\r\n\r\n");
}

/* ---- answers by behaviour ---- */

static void make_framed(struct stub_answer *answer, enum stub_behaviour behaviour,
                        const char *status, const struct text *body)
{
    struct buf *out = &answer->bytes;
    switch (behaviour) {
    case STUB_UNTIL_CLOSE:
        add_head(out, "HTTP/1.1 ", status);
        buf_text(out, "Connection: close\r\n");
        add_body(out, body);
        answer->after = STUB_CLOSE;
        break;
    case STUB_INTERIM:
        buf_text(out, "HTTP/1.1 100 Continue\r\n\r\n"
                      "HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n");
        add_whole(out, status, body);
        break;
    case STUB_CLOSING:
        add_head(out, "HTTP/1.1 ", status);
        buf_text(out, "Connection: close\r\n");
        add_length(out, body->len);
        add_body(out, body);
        answer->after = STUB_CLOSE;
        break;
    case STUB_OLD:
        add_head(out, "HTTP/1.0 ", status);
        add_length(out, body->len);
        add_body(out, body);
        answer->after = STUB_CLOSE;
        break;
    case STUB_CHUNKED:
    case STUB_CHUNKED_SPLIT:
        add_chunks(out, status, body);
        break;
    default:
        add_whole(out, status, body);
    }
}

static void make_refusal(struct stub_answer *answer, const struct stub_films *films,
                         enum stub_behaviour behaviour)
{
    struct buf *out = &answer->bytes;
    if (behaviour == STUB_REDIRECT) {
        buf_text(out, "HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n");
    } else if (behaviour == STUB_EMPTY) {
        buf_text(out, "HTTP/1.1 204 No Content\r\n\r\n");
    } else if (behaviour == STUB_BROKEN) {
        buf_text(out, "HTTP/1.1 500 Internal Server Error\r\nContent-Type: text/html\r\n"
                      "Content-Length: 22\r\n\r\n<h1>It broke down</h1>");
    } else {
        buf_printf(out,
                   "HTTP/1.1 %s\r\nRetry-After: %d\r\nContent-Type: application/json\r\n"
                   "Content-Length: 19\r\n\r\n{\"detail\":\"later!\"}",
                   behaviour == STUB_TOO_MANY ? "429 Too Many Requests" : "503 Service Unavailable",
                   films->retry_after_s);
    }
}

static void make_wrong_length(struct stub_answer *answer, enum stub_behaviour behaviour,
                              const struct text *body)
{
    struct buf *out = &answer->bytes;
    add_head(out, "HTTP/1.1 ", "200 OK");
    switch (behaviour) {
    case STUB_LENGTH_LONG:
    case STUB_LENGTH_HELD:
        add_length(out, body->len + 1000);
        answer->after = behaviour == STUB_LENGTH_LONG ? STUB_CLOSE : STUB_HOLD;
        break;
    case STUB_LENGTH_SHORT:
        add_length(out, body->len / 2);
        break;
    case STUB_LENGTH_TWICE:
        add_length(out, body->len);
        add_length(out, body->len + 7);
        answer->after = STUB_CLOSE;
        break;
    case STUB_LENGTH_WRONG:
        buf_text(out, "Content-Length: plenty\r\n");
        answer->after = STUB_CLOSE;
        break;
    default:
        buf_text(out, "Transfer-Encoding: chunked\r\n\r\n");
        buf_printf(out, behaviour == STUB_CHUNK_WRONG ? "plenty%zx\r\n" : "%zx\r\n", body->len);
        buf_add(out, body->bytes, body->len);
        answer->after = STUB_CLOSE;
        return;
    }
    add_body(out, body);
}

static void make_endless(struct stub_answer *answer, enum stub_behaviour behaviour)
{
    bool head = behaviour == STUB_LONG_HEAD;
    add_head(&answer->bytes, "HTTP/1.1 ", "200 OK");
    answer->filler = head ? FILLER_LINES : FILLER_BLANKS;
    answer->filler_bytes = strlen(answer->filler);
    answer->fill_bytes = STUB_OVERSIZE_BYTES / answer->filler_bytes * answer->filler_bytes;
    answer->after = STUB_CLOSE;
    if (!head) {
        add_length(&answer->bytes, answer->fill_bytes);
        buf_text(&answer->bytes, "\r\n");
    }
}

static void make_cut(struct stub_answer *answer, enum stub_behaviour behaviour,
                     const struct text *body)
{
    struct buf *out = &answer->bytes;
    if (behaviour == STUB_NONSENSE) {
        buf_text(out, "SSH-2.0-OpenSSH_9.2\r\n");
        answer->after = STUB_CLOSE;
    } else if (behaviour == STUB_RESET) {
        add_head(out, "HTTP/1.1 ", "200 OK");
        add_length(out, body->len);
        buf_text(out, "\r\n");
        buf_add(out, body->bytes, body->len / 2);
        answer->after = STUB_RESET_NOW;
    } else {
        answer->after = behaviour == STUB_SILENT ? STUB_HOLD : STUB_CLOSE;
    }
}

static void make_wrong_json(struct stub_answer *answer, enum stub_behaviour behaviour,
                            const struct text *body)
{
    struct text wrong;
    begin(&wrong);
    if (behaviour == STUB_WRONG_JSON) {
        put_literal(&wrong, "{\"recommendations\":{\"films\":[{\"movie_id\":\"seven\"}]}}");
    } else if (behaviour == STUB_NOT_JSON) {
        put_literal(&wrong, "<html>Please log in</html>");
    } else {
        put_bytes(&wrong, body->bytes, body->len / 2);
    }
    add_whole(&answer->bytes, "200 OK", &wrong);
}

void stub_answer_init(struct stub_answer *answer)
{
    *answer = (struct stub_answer){0};
    buf_init(&answer->bytes, ANSWER_BYTES_MAX);
}

void stub_answer_deinit(struct stub_answer *answer)
{
    buf_deinit(&answer->bytes);
}

bool stub_answer_make(struct stub_answer *answer, const struct stub_films *films,
                      const struct stub_asked *asked)
{
    enum stub_behaviour behaviour = asked->behaviour;
    struct text body;
    begin(&body);
    buf_reset(&answer->bytes);
    answer->filler = NULL;
    answer->filler_bytes = answer->fill_bytes = 0;
    answer->pause_at = SIZE_MAX;
    answer->dribble = behaviour == STUB_SPLIT || behaviour == STUB_CHUNKED_SPLIT;
    answer->after = asked->request.last || behaviour == STUB_HANGING_UP ? STUB_CLOSE : STUB_KEEP;
    const char *status = put_sound(&body, films, asked);
    if (behaviour >= STUB_REDIRECT && behaviour <= STUB_EMPTY) {
        make_refusal(answer, films, behaviour);
    } else if (behaviour == STUB_OVERSIZED || behaviour == STUB_LONG_HEAD) {
        make_endless(answer, behaviour);
    } else if (behaviour >= STUB_LENGTH_LONG && behaviour <= STUB_CHUNK_CUT) {
        make_wrong_length(answer, behaviour, &body);
    } else if ((behaviour >= STUB_RESET && behaviour <= STUB_NONSENSE) ||
               behaviour == STUB_SECOND_LOST) {
        make_cut(answer, behaviour, &body);
    } else if (behaviour >= STUB_WRONG_JSON) {
        make_wrong_json(answer, behaviour, &body);
    } else {
        make_framed(answer, behaviour, status, &body);
    }
    if (behaviour == STUB_SLOW) {
        answer->pause_at = answer->bytes.len / 2;
    }
    return !answer->bytes.failed;
}
