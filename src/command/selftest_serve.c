#include "command/selftest_serve.h"

#include "base/mem.h"
#include "command/command.h"
#include "command/selftest_world.h"
#include "drill/people.h"
#include "drill/play.h"
#include "load/descriptors.h"
#include "load/stub_server.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define FOR_EVER INT64_MAX
#define SERVE_CONNECTIONS 4096

static enum err bad_behaviour(const char *name, struct error *error)
{
    char names[400] = "";
    for (int i = 0; i < STUB_BEHAVIOUR_COUNT; i++) {
        size_t len = strlen(names);
        (void)snprintf(names + len, sizeof names - len, "%s%s", i > 0 ? ", " : "",
                       stub_behaviour_name((enum stub_behaviour)i));
    }
    return error_set(error, ERR_USAGE, "--behaviour", 0, "expected one of %s; got '%s'", names,
                     name);
}

static enum err read_config(const struct options *options, struct stub_config *config,
                            struct error *error)
{
    const char *behaviour = options_text(options, "behaviour");
    *config = (struct stub_config){.listen = options_text(options, "serve"),
                                   .fault_share = options_real(options, "fault-share"),
                                   .seed = (uint64_t)options_int(options, "seed"),
                                   .service_ns = llround(options_real(options, "service-ms") * 1e6),
                                   .workers = (int)options_int(options, "workers"),
                                   .ratings_free = options_flag(options, "ratings-free"),
                                   .stall_from_ns = options_duration_ns(options, "stall-from"),
                                   .stall_to_ns = options_duration_ns(options, "stall-to"),
                                   .stall_every_ns = options_duration_ns(options, "stall-every"),
                                   .rotate = options_flag(options, "rotate"),
                                   .worse_at = (int)options_int(options, "worse-at")};
    return stub_behaviour_find(behaviour, &config->behaviour) ? ERR_OK
                                                              : bad_behaviour(behaviour, error);
}

static void print_counts(const struct stub_counts *counts)
{
    printf("lists %" PRId64 ", ratings %" PRId64 ", others %" PRId64 ", faults %" PRId64
           ", malformed %" PRId64 ", connections %" PRId64 ", waiting at most %" PRId64
           ", worse lists %" PRId64 "\n",
           counts->lists, counts->ratings, counts->others, counts->faulted, counts->malformed,
           counts->connections, counts->waiting_max, counts->worse);
}

enum err selftest_serve(const struct options *options, struct error *error)
{
    char home[1024];
    struct people people = {0};
    struct stub_config config;
    struct stub *stub = NULL;
    int32_t *film = NULL;
    enum err code = read_config(options, &config, error);
    if (code == ERR_OK) {
        bool has_home = command_home(home, sizeof home);
        code =
            people_load_data(options_text(options, "data"), has_home ? home : NULL, &people, error);
    }
    if (code == ERR_OK) {
        config.films = people.data.catalogue.count;
        config.film = film = selftest_films(&people.data);
        config.connections_max = SERVE_CONNECTIONS;
        code = descriptors_reserve_server(SERVE_CONNECTIONS, error);
    }
    if (code == ERR_OK) {
        code = stub_start(&stub, &config, error);
    }
    if (code == ERR_OK) {
        struct stub_counts counts;
        printf("%s\n", stub_url(stub));
        (void)fflush(stdout);
        while (!play_interrupted(FOR_EVER)) {
        }
        stub_counts(stub, &counts);
        print_counts(&counts);
    }
    stub_stop(stub);
    mem_free(film);
    people_deinit(&people);
    return code;
}
