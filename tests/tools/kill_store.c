/*
 * kill_store DRIFTDRILL DATA STORE ROUNDS SEED: the recommender is started, rated over several
 * connections, killed with SIGKILL at a random moment and started again on the same store, ROUNDS
 * times. After each death the file is read with SQLite: each rating that was answered 201 must be
 * there once, with the value of the last such answer (or of a later request that got no answer
 * any more, which may or may not be there), and no rating that was never sent. Some rounds kill
 * while the service starts. In the end the restarted service must not recommend what was rated.
 * The last line is "N rounds, M ratings answered"; exit status 0 if nothing was wrong.
 */
#include "../support/raw_http.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

enum { CLIENTS = 6, USERS_EACH = 5, FILMS_MAX = 40, STARTING_EVERY = 6, READY_MS = 60000 };

/* What is known of one person and film, in half stars; 0 = nothing. */
struct fact {
    int answered, unanswered;
};

struct client {
    const char *url;
    const int *films;
    int index;
    uint64_t random;
    long answers;
    struct fact facts[USERS_EACH][FILMS_MAX];
    bool failed;
};

struct test {
    const char *program, *data, *store;
    int films[FILMS_MAX], film_count;
    struct client clients[CLIENTS];
    uint64_t random;
};

static uint64_t draw(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 33;
}

static void sleep_ms(long ms)
{
    const struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};
    nanosleep(&time, NULL);
}

static _Noreturn void give_up(const char *what)
{
    (void)fprintf(stderr, "kill_store: %s\n", what);
    abort();
}

static void read_films(struct test *test)
{
    char path[1024], line[1024];
    (void)snprintf(path, sizeof path, "%s/movies.csv", test->data);
    FILE *file = fopen(path, "r");
    while (file != NULL && test->film_count < FILMS_MAX && fgets(line, sizeof line, file) != NULL) {
        int id = (int)strtol(line, NULL, 10);
        if (id > 0) {
            test->films[test->film_count++] = id;
        }
    }
    if (file == NULL || test->film_count < FILMS_MAX) {
        give_up("too few films");
    }
    (void)fclose(file);
}

/* ---- the service ---- */

static pid_t start(const struct test *test, int *out)
{
    int ends[2];
    if (pipe(ends) != 0) {
        give_up("no pipe");
    }
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* outlives no test that gives up */
        dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
        close(ends[1]);
        execl(test->program, test->program, "serve", "--data", test->data, "--store", test->store,
              "--listen", "127.0.0.1:0", (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    *out = ends[0];
    return pid;
}

/* The address it prints when it is ready. */
static void read_url(int from, char *url, size_t size)
{
    size_t used = 0;
    struct pollfd wait = {.fd = from, .events = POLLIN};
    while (used == 0 || url[used - 1] != '\n') {
        ssize_t got = poll(&wait, 1, READY_MS) == 1 ? read(from, url + used, size - 1 - used) : 0;
        if (got <= 0) {
            give_up("the service did not start");
        }
        used += (size_t)got;
    }
    url[used - 1] = '\0';
}

static void kill_it(pid_t pid)
{
    int status = 0;
    kill(pid, SIGKILL);
    if (waitpid(pid, &status, 0) != pid || !WIFSIGNALED(status)) {
        give_up("the service had ended before it was killed");
    }
}

/* ---- clients ---- */

static int user_id(const struct client *client, int user)
{
    return 1 + client->index * USERS_EACH + user;
}

/* Rates until the service is dead. */
static void *rate(void *context)
{
    struct client *client = context;
    int fd = raw_dial(client->url);
    for (;;) {
        char body[256], request[512], answer[1024];
        int user = (int)(draw(&client->random) % USERS_EACH);
        int film = (int)(draw(&client->random) % FILMS_MAX);
        int half_stars = 1 + (int)(draw(&client->random) % 10);
        struct fact *fact = &client->facts[user][film];
        (void)snprintf(body, sizeof body, "{\"user_id\":%d,\"movie_id\":%d,\"rating\":%.1f}",
                       user_id(client, user), client->films[film], half_stars * 0.5);
        (void)snprintf(request, sizeof request,
                       "POST /ratings/ HTTP/1.1\r\nHost: h\r\nContent-Length: %zu\r\n\r\n%s",
                       strlen(body), body);
        fact->unanswered = half_stars;
        raw_talk(fd, request, strlen(request), 1, answer, sizeof answer);
        if (answer[0] == '\0') {
            close(fd);
            return NULL;
        }
        if (strncmp(answer, "HTTP/1.1 201 ", 13) != 0) {
            (void)fprintf(stderr, "kill_store: answered %.200s\n", answer);
            client->failed = true;
            close(fd);
            return NULL;
        }
        fact->answered = half_stars;
        fact->unanswered = 0;
        client->answers++;
    }
}

/* ---- what is in the file ---- */

static sqlite3_stmt *open_rows(const char *path, sqlite3 **db)
{
    sqlite3_stmt *rows = NULL;
    if (sqlite3_open(path, db) != SQLITE_OK ||
        sqlite3_prepare_v2(*db, "SELECT user_id, movie_id, rating FROM ratings", -1, &rows, NULL) !=
            SQLITE_OK) {
        give_up(sqlite3_errmsg(*db));
    }
    return rows;
}

static int film_of(const struct test *test, int movie_id)
{
    for (int f = 0; f < FILMS_MAX; f++) {
        if (test->films[f] == movie_id) {
            return f;
        }
    }
    return -1;
}

static struct fact *fact_of(struct test *test, int user, int movie_id)
{
    int film = film_of(test, movie_id), index = user - 1;
    if (film < 0 || index < 0 || index >= CLIENTS * USERS_EACH) {
        return NULL;
    }
    return &test->clients[index / USERS_EACH].facts[index % USERS_EACH][film];
}

static int complain(const char *what, int user, int movie, int found, const struct fact *fact)
{
    (void)fprintf(stderr, "kill_store: person %d, film %d: %s: found %d, answered %d, sent %d\n",
                  user, movie, what, found, fact != NULL ? fact->answered : 0,
                  fact != NULL ? fact->unanswered : 0);
    return 1;
}

/* Compares the file with the facts and makes what was found the facts of the next round. */
static int check_rows(struct test *test)
{
    static bool seen[CLIENTS * USERS_EACH + 1][FILMS_MAX];
    int faults = 0;
    sqlite3 *db = NULL;
    sqlite3_stmt *rows = open_rows(test->store, &db);
    memset(seen, 0, sizeof seen);
    while (sqlite3_step(rows) == SQLITE_ROW) {
        int user = sqlite3_column_int(rows, 0), movie = sqlite3_column_int(rows, 1);
        int found = (int)(2 * sqlite3_column_double(rows, 2));
        struct fact *fact = fact_of(test, user, movie);
        if (fact == NULL || found == 0 || (found != fact->answered && found != fact->unanswered)) {
            faults += complain("wrong", user, movie, found, fact);
            continue;
        }
        bool *here = &seen[user][film_of(test, movie)];
        faults += *here ? complain("twice", user, movie, found, fact) : 0;
        *here = true;
        *fact = (struct fact){.answered = found};
    }
    sqlite3_finalize(rows);
    sqlite3_close(db);
    for (int user = 1; user <= CLIENTS * USERS_EACH; user++) {
        for (int film = 0; film < FILMS_MAX; film++) {
            struct fact *fact = fact_of(test, user, test->films[film]);
            if (!seen[user][film] && fact->answered != 0) {
                faults += complain("missing", user, test->films[film], 0, fact);
            }
            fact->unanswered = 0;
        }
    }
    return faults;
}

/* ---- rounds ---- */

static int play(struct test *test)
{
    pthread_t threads[CLIENTS];
    char url[256];
    int from = -1, faults = 0;
    pid_t pid = start(test, &from);
    read_url(from, url, sizeof url);
    for (int c = 0; c < CLIENTS; c++) {
        test->clients[c].url = url;
        if (pthread_create(&threads[c], NULL, rate, &test->clients[c]) != 0) {
            give_up("no thread");
        }
    }
    sleep_ms(5 + (long)(draw(&test->random) % 120));
    kill_it(pid);
    for (int c = 0; c < CLIENTS; c++) {
        pthread_join(threads[c], NULL);
        faults += test->clients[c].failed;
    }
    close(from);
    return faults + check_rows(test);
}

static int play_start(struct test *test)
{
    int from = -1;
    pid_t pid = start(test, &from);
    sleep_ms((long)(draw(&test->random) % 60));
    kill_it(pid);
    close(from);
    return check_rows(test);
}

/* What people rated before is not recommended to them after a restart. */
static int check_lists(struct test *test)
{
    char url[256], request[256], answer[65536];
    int from = -1, faults = 0;
    pid_t pid = start(test, &from);
    read_url(from, url, sizeof url);
    for (int user = 1; user <= CLIENTS * USERS_EACH; user++) {
        int fd = raw_dial(url);
        (void)snprintf(request, sizeof request,
                       "GET /recommendations/?user_id=%d&n=50 HTTP/1.0\r\n\r\n", user);
        raw_talk(fd, request, strlen(request), 1000, answer, sizeof answer);
        close(fd);
        faults += strstr(answer, "\"movie_id\":") == NULL;
        for (int film = 0; film < FILMS_MAX; film++) {
            char place[64];
            (void)snprintf(place, sizeof place, "\"movie_id\":%d,", test->films[film]);
            if (fact_of(test, user, test->films[film])->answered != 0 &&
                strstr(answer, place) != NULL) {
                faults += complain("recommended again", user, test->films[film], 0, NULL);
            }
        }
    }
    kill_it(pid);
    close(from);
    return faults;
}

int main(int count, char **arguments)
{
    static struct test test;
    if (count != 6) {
        give_up("expected DRIFTDRILL DATA STORE ROUNDS SEED");
    }
    test.program = arguments[1];
    test.data = arguments[2];
    test.store = arguments[3];
    int rounds = (int)strtol(arguments[4], NULL, 10), faults = 0;
    test.random = strtoull(arguments[5], NULL, 10);
    long answers = 0;
    read_films(&test);
    for (int c = 0; c < CLIENTS; c++) {
        test.clients[c].index = c;
        test.clients[c].films = test.films;
        test.clients[c].random = test.random + 1000 + (uint64_t)c;
    }
    for (int round = 0; round < rounds && faults == 0; round++) {
        bool starting = round % STARTING_EVERY == STARTING_EVERY - 1;
        faults += starting ? play_start(&test) : play(&test);
    }
    faults += faults == 0 ? check_lists(&test) : 0;
    for (int c = 0; c < CLIENTS; c++) {
        answers += test.clients[c].answers;
    }
    printf("%d rounds, %ld ratings answered, %d faults\n", rounds, answers, faults);
    return faults == 0 && answers > rounds ? 0 : 1;
}
