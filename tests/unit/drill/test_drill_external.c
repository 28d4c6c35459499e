/* What a drill asks of a service before it plays against it: who it knows, by its lists. */
#include "drill/drill_external.h"

#include "base/httpd.h"
#include "base/mem.h"
#include "people_world.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define USERS 120
#define SEEN 12
#define LENGTH 10

struct world {
    struct people_world world;
    struct scenario scenario;
    struct people people;
    struct httpd *httpd;
    int32_t first; /* of the films it lists, by their place in the catalogue */
    struct target_link *link;
    struct faults faults;
};

static void on_request(void *context, const struct httpd_request *request,
                       struct httpd_reply *reply)
{
    const struct world *world = context;
    const struct catalogue *films = &world->world.data.catalogue;
    reply->status = 200;
    if (strcmp(request->path, "/recommendations/") == 0 || strcmp(request->path, "/feed") == 0) {
        buf_text(&reply->body, "{\"recommendations\":[");
        for (int32_t i = 0; i < LENGTH; i++) {
            int32_t film = world->first + i;
            buf_printf(&reply->body, "%s{\"movie_id\":%d,\"recommender\":\"base\"}",
                       i > 0 ? "," : "", film < films->count ? films->id[film] : 999999 + i);
        }
        buf_text(&reply->body, "]}");
    } else if (strcmp(request->path, "/metrics") == 0) {
        buf_text(&reply->body, "ratings_since_training 0\n");
    } else {
        buf_text(&reply->body, "{\"status\": \"idle\", \"model_version\": 1}");
    }
}

/* Everybody has seen the first films of the catalogue. */
static void make_people(struct world *world)
{
    people_world_small(&world->world, USERS, 1);
    struct people *people = &world->people;
    people->population = world->world.population;
    people->seen_start = mem_array(USERS + 1, sizeof *people->seen_start);
    people->seen_item = mem_array((size_t)USERS * SEEN, sizeof *people->seen_item);
    for (int32_t p = 0; p <= USERS; p++) {
        people->seen_start[p] = (int64_t)p * SEEN;
    }
    for (int32_t i = 0; i < USERS * SEEN; i++) {
        people->seen_item[i] = i % SEEN;
    }
    (void)snprintf(people->past_folder, sizeof people->past_folder, "/the/past");
    world->scenario.people = USERS;
}

/* `block`: the target in JSON with its address left out, NULL = the bundled interface. */
static void set_up(struct world *world, const char *block, int32_t first)
{
    const struct httpd_config config = {.listen = "127.0.0.1:0",
                                        .threads = 1,
                                        .body_max_bytes = 4096,
                                        .reply_max_bytes = 1 << 16,
                                        .connections_max = 8};
    struct error error = {0};
    char text[512];
    *world = (struct world){.first = first};
    make_people(world);
    faults_init(&world->faults);
    cr_assert_eq(httpd_start(&world->httpd, &config, on_request, world, &error), ERR_OK);
    (void)snprintf(text, sizeof text, "{\"address\":\"%s\",%s}", httpd_url(world->httpd),
                   block != NULL ? block : "");
    const struct target_link_request request = {
        .target = block == NULL ? httpd_url(world->httpd) : NULL,
        .block = text,
        .block_file = "s.yml",
        .catalogue = population_catalogue(world->people.population),
        .list_length = LENGTH};
    cr_assert_eq(target_link_open(&request, &world->link, &world->faults, &error), ERR_OK, "%s",
                 error.text);
}

static void tear_down(struct world *world)
{
    target_link_close(world->link);
    httpd_stop(world->httpd);
    faults_deinit(&world->faults);
    mem_free(world->people.seen_start);
    mem_free(world->people.seen_item);
    people_world_end(&world->world);
}

#define FEED                                                                                       \
    "\"list\":{\"url\":\"/feed?u={user}\",\"films\":\"/recommendations\",\"film\":\"/movie_id\""

Test(drill_external, lists_tell_whether_a_target_knows_the_people)
{
    static const struct {
        const char *name, *block;
        int32_t first;
        const char *fault;  /* NULL = none */
        const char *advice; /* NULL = none */
    } rows[] = {
        {"new films", FEED "}", SEEN, NULL, NULL},
        {"rated films", FEED "}", 0, "does not know these people; train it on /the/past",
         "`repeats: true`"},
        {"rated films, as it may", FEED ",\"repeats\":true}", 0, NULL, NULL},
        {"films of other data", FEED ",\"repeats\":true}", INT32_C(1) << 20,
         "trained on other data", NULL},
        {"the bundled interface, rated films", NULL, 0, "does not know these people", NULL},
        {"the bundled interface, new films", NULL, SEEN, NULL, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct world world;
        set_up(&world, rows[i].block, rows[i].first);
        const struct drill_external_target target = {
            .scenario = &world.scenario, .people = &world.people, .link = world.link};
        drill_external_check(&target, &world.faults);
        cr_expect_eq(world.faults.count, rows[i].fault != NULL ? 1 : 0, "%s: %zu faults, %s",
                     rows[i].name, world.faults.count,
                     world.faults.count > 0 ? world.faults.list[0].text : "");
        if (rows[i].fault != NULL && world.faults.count == 1) {
            const char *text = world.faults.list[0].text;
            cr_expect_not_null(strstr(text, rows[i].fault), "%s: %s", rows[i].name, text);
            cr_expect_eq(strstr(text, "repeats") != NULL, rows[i].advice != NULL, "%s: %s",
                         rows[i].name, text);
        }
        tear_down(&world);
    }
}
