/*
 * many_people URL FIRST COUNT MOVIE: COUNT people whom nobody has seen before, from FIRST on, each
 * ask for a list and rate MOVIE, over one connection, several requests ahead of their answers.
 * Exit status 0 if every list was answered 200 and every rating 201.
 */
#include "../support/raw_http.h"

#include <stdbool.h>

enum { AHEAD = 32, REQUEST_MAX = 512, ANSWERS_MAX = 1 << 20 };

struct answers {
    char bytes[ANSWERS_MAX + 1];
    size_t len;
    long good, bad;
};

static size_t write_person(char *out, long person, const char *movie)
{
    char body[128];
    (void)snprintf(body, sizeof body, "{\"user_id\":%ld,\"movie_id\":%s,\"rating\":4}", person,
                   movie);
    return (size_t)snprintf(out, REQUEST_MAX,
                            "GET /recommendations/?user_id=%ld HTTP/1.1\r\nHost: h\r\n\r\n"
                            "POST /ratings/ HTTP/1.1\r\nHost: h\r\nContent-Length: %zu\r\n\r\n%s",
                            person, strlen(body), body);
}

/* Takes one whole answer off the front; false if there is none. */
static bool take_answer(struct answers *answers)
{
    char *end = strstr(answers->bytes, "\r\n\r\n");
    const char *length = strstr(answers->bytes, "Content-Length: ");
    if (end == NULL || length == NULL || length > end) {
        return false;
    }
    size_t whole = (size_t)(end - answers->bytes) + 4 + strtoul(length + 16, NULL, 10);
    if (answers->len < whole) {
        return false;
    }
    bool good = strncmp(answers->bytes, "HTTP/1.1 20", 11) == 0;
    *(good ? &answers->good : &answers->bad) += 1;
    if (!good && answers->bad < 3) {
        (void)fprintf(stderr, "many_people: %.*s\n", (int)whole, answers->bytes);
    }
    answers->len -= whole;
    memmove(answers->bytes, answers->bytes + whole, answers->len + 1);
    return true;
}

static void await_answers(int fd, struct answers *answers, long count)
{
    while (answers->good + answers->bad < count) {
        if (take_answer(answers)) {
            continue;
        }
        ssize_t got = recv(fd, answers->bytes + answers->len, ANSWERS_MAX - answers->len, 0);
        if (got <= 0) {
            (void)fprintf(stderr, "many_people: the server has gone\n");
            abort();
        }
        answers->len += (size_t)got;
        answers->bytes[answers->len] = '\0';
    }
}

int main(int count, char **arguments)
{
    static struct answers answers;
    static char requests[AHEAD * REQUEST_MAX];
    if (count != 5) {
        (void)fprintf(stderr, "many_people: expected URL FIRST COUNT MOVIE\n");
        return 2;
    }
    long first = strtol(arguments[2], NULL, 10), people = strtol(arguments[3], NULL, 10);
    int fd = raw_dial(arguments[1]);
    for (long done = 0; done < people; done += AHEAD) {
        size_t len = 0;
        long here = people - done < AHEAD ? people - done : AHEAD;
        for (long i = 0; i < here; i++) {
            len += write_person(requests + len, first + done + i, arguments[4]);
        }
        raw_send(fd, requests, len);
        await_answers(fd, &answers, 2 * (done + here));
    }
    close(fd);
    printf("%ld answered well, %ld not\n", answers.good, answers.bad);
    return answers.bad == 0 ? 0 : 1;
}
