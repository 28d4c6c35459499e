/* Target files: what was compiled writes requests within their bounds, and reads any answer. */
#include "load/target.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static const char *const answers[] = {
    "[]",      "[1,2,3]", "{\"films\":[{\"id\":1}]}", "{\"a\":{\"b\":[\"1\",\"u2\"]},\"id\":\"x\"}",
    "nothing",
};

static void ask_state(const struct target *target, const char *answer)
{
    const struct target_training *training = target_training(target);
    char state[4];
    if (training->url != NULL) {
        assert(target_retrain(target)->url != NULL && training->done != NULL);
        bool told = target_training_state(target, answer, strlen(answer), state, sizeof state);
        assert(!told || strlen(state) < sizeof state);
    }
}

/* The longest there are: what is compiled must have room for them. */
static void use(const struct target *target)
{
    char id[TARGET_REQUEST_ID_SIZE], url[2048];
    struct exchange *exchange = calloc(1, sizeof *exchange);
    struct step_list list;
    assert(exchange != NULL);
    memset(id, '\x7f', sizeof id - 1);
    id[sizeof id - 1] = '\0';
    const struct target_request request = {.user_id = INT32_MAX,
                                           .movie_id = INT32_MAX,
                                           .half_stars = 10,
                                           .rank = INT32_MAX,
                                           .sequence = UINT64_MAX,
                                           .unix_ns = INT64_MAX,
                                           .request_id = id};
    assert(target_fill_list(target, &request, exchange));
    assert(exchange->path_len < sizeof exchange->path && exchange->path[0] == '/');
    assert(strlen(exchange->path) == exchange->path_len);
    assert(exchange->body_len < sizeof exchange->body);
    assert(target_exchange_url(target, exchange, url, sizeof url));
    bool filled = target_fill_rating(target, &request, exchange);
    assert(filled == target_has(target)->ratings);
    assert(exchange->path_len < sizeof exchange->path);
    assert(exchange->body_len < sizeof exchange->body);
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        bool good = target_read_list(target, answers[i], strlen(answers[i]), &list, id, sizeof id);
        assert(good || list.count == 0);
        ask_state(target, answers[i]);
    }
    free(exchange);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    json_t *document = NULL;
    struct yaml_lines *lines = NULL;
    struct target *target = NULL;
    struct faults faults;
    if (yaml_read_text("fuzz", (const char *)bytes, len, &document, &lines, NULL) != ERR_OK) {
        return 0;
    }
    faults_init(&faults);
    const struct target_block block = {
        .file = "fuzz", .lines = lines, .value = document, .path = ""};
    enum err code = target_from_json(&block, NULL, 10, &target, &faults, NULL);
    assert((code == ERR_OK) == (target != NULL) && (code == ERR_OK) == (faults.count == 0));
    if (target != NULL) {
        use(target);
    }
    faults_deinit(&faults);
    target_free(target);
    yaml_lines_free(lines);
    json_decref(document);
    return 0;
}
