/* What both kinds of stack share, and which of them is asked. */
#include "drill/stack_int.h"

#include "base/fileio.h"
#include "base/http.h"
#include "base/mem.h"
#include "base/text.h"

#include <stdio.h>

#define ANSWER_MAX_BYTES (16u << 20)
#define ANSWER_TIMEOUT_MS 1000

bool stack_fetch(const char *base_url, const char *path, struct buf *body)
{
    char url[512];
    struct http *http = http_new();
    struct http_reply reply = {0};
    buf_init(&reply.body, ANSWER_MAX_BYTES);
    snprintf(url, sizeof url, "%s%s", base_url, path);
    bool fetched =
        http_get(http, url, ANSWER_TIMEOUT_MS, &reply, NULL) == ERR_OK && reply.status == 200;
    http_free(http);
    *body = reply.body;
    return fetched;
}

json_t *stack_fetch_json(const char *base_url, const char *path)
{
    struct buf body;
    json_t *answer = NULL;
    if (stack_fetch(base_url, path, &body) && body.len > 0) {
        answer = json_loadb(body.data, body.len, 0, NULL);
    }
    buf_deinit(&body);
    return answer;
}

/* The text at object.member.version of a JSON answer, or "unknown". */
static void ask_version(const char *base_url, const char *path, const char *member, char *out,
                        size_t size)
{
    json_t *answer = stack_fetch_json(base_url, path);
    const char *version =
        json_string_value(json_object_get(json_object_get(answer, member), "version"));
    text_copy(out, size, version == NULL ? "unknown" : version);
    json_decref(answer);
}

static enum err render_rules(const struct stack_config *config, struct stack *stack,
                             struct faults *faults, struct error *error)
{
    char folder[512];
    snprintf(folder, sizeof folder, "%s/rules", config->folder);
    enum err code = file_make_folders(folder, error);
    if (code != ERR_OK) {
        return code;
    }
    return rules_render_files(config->rule_files, config->rule_file_count, config->time_scale,
                              config->scrape_ns, config->evaluation_ns, folder, &stack->rules,
                              faults, error);
}

static enum err start_all(const struct stack_config *config, struct stack *stack,
                          struct faults *faults, struct error *error)
{
    static const char external_listen[] = "127.0.0.1:9099";
    char notifications[512];
    const struct stack_external *external = config->external;
    snprintf(notifications, sizeof notifications, "%s/notifications.jsonl", config->folder);
    enum err code = render_rules(config, stack, faults, error);
    if (code == ERR_OK && external == NULL) {
        code = webhook_start(notifications, &stack->webhook, error);
    } else if (code == ERR_OK) {
        code = webhook_start_at(external->webhook_listen != NULL ? external->webhook_listen
                                                                 : external_listen,
                                notifications, &stack->webhook, error);
    }
    if (code == ERR_OK) {
        code = external == NULL ? stack_native_start(config, stack, error)
                                : stack_external_start(config, stack, faults, error);
    }
    if (code == ERR_OK) {
        ask_version(stack->prometheus_url, "/api/v1/status/buildinfo", "data",
                    stack->prometheus_version, sizeof stack->prometheus_version);
        ask_version(stack->alertmanager_url, "/api/v2/status", "versionInfo",
                    stack->alertmanager_version, sizeof stack->alertmanager_version);
    }
    return code;
}

enum err stack_start(const struct stack_config *config, struct stack **out, struct faults *faults,
                     struct error *error)
{
    struct stack *stack = mem_zalloc(1, sizeof *stack);
    enum err code = start_all(config, stack, faults, error);
    if (code != ERR_OK) {
        stack_stop(stack);
        stack = NULL;
    }
    *out = stack;
    return code;
}

const struct rules *stack_rules(const struct stack *stack)
{
    return &stack->rules;
}

struct prometheus *stack_prometheus(struct stack *stack)
{
    return stack->client;
}

struct webhook *stack_webhook(struct stack *stack)
{
    return stack->webhook;
}

const char *stack_prometheus_url(const struct stack *stack)
{
    return stack->prometheus_url;
}

const char *stack_alertmanager_url(const struct stack *stack)
{
    return stack->alertmanager_url;
}

const char *stack_prometheus_version(const struct stack *stack)
{
    return stack->prometheus_version;
}

const char *stack_alertmanager_version(const struct stack *stack)
{
    return stack->alertmanager_version;
}

bool stack_alive(struct stack *stack, char *what, size_t size)
{
    return stack->watch != NULL ? stack_external_alive(stack, what, size)
                                : stack_native_alive(stack, what, size);
}

bool stack_alive_at_end(struct stack *stack, char *what, size_t size)
{
    return stack->watch != NULL ? stack_external_alive_at_end(stack, what, size)
                                : stack_native_alive(stack, what, size);
}

bool stack_is_external(const struct stack *stack)
{
    return stack->watch != NULL;
}

double stack_failures_before(const struct stack *stack)
{
    return stack->watch != NULL ? stack_external_failures_before(stack) : 0;
}

void stack_stall(struct stack *stack, bool stalled)
{
    if (stack->watch == NULL) {
        stack_native_stall(stack, stalled);
    }
}

void stack_stop(struct stack *stack)
{
    if (stack == NULL) {
        return;
    }
    prometheus_free(stack->client);
    stack_native_stop(stack);
    stack_external_stop(stack);
    webhook_stop(stack->webhook);
    if (stack->data_folder[0] != '\0' && file_exists(stack->data_folder)) {
        file_remove_tree(stack->data_folder, NULL);
    }
    rules_deinit(&stack->rules);
    mem_free(stack);
}
