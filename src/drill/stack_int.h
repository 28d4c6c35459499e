/* Shared by stack.c (what both kinds have), stack_native.c (what the drill starts itself) and
 * stack_external.c (what runs already). */
#ifndef DRILL_STACK_INT_H
#define DRILL_STACK_INT_H

#include "base/buf.h"
#include "drill/stack.h"

#include <jansson.h>

struct child;
struct stack_watch;

struct stack {
    struct rules rules; /* as rendered for this drill */
    struct webhook *webhook;
    struct prometheus *client;
    char prometheus_url[256], alertmanager_url[256];
    char prometheus_version[64], alertmanager_version[64];
    struct child *prometheus, *alertmanager; /* native */
    char data_folder[512];                   /* native: goes with the stack; else "" */
    struct stack_watch *watch;               /* external: what is looked at; native: NULL */
};

/* One GET; true if it was answered with 200. The caller deinits body in any case. */
bool stack_fetch(const char *base_url, const char *path, struct buf *body);
/* The same of JSON: NULL, or a new reference. */
json_t *stack_fetch_json(const char *base_url, const char *path);

enum err stack_native_start(const struct stack_config *config, struct stack *stack,
                            struct error *error);
bool stack_native_alive(struct stack *stack, char *what, size_t size);
void stack_native_stall(struct stack *stack, bool stalled);
void stack_native_stop(struct stack *stack); /* accepts one that was never started */

/* The rules are rendered and the webhook listens. */
enum err stack_external_start(const struct stack_config *config, struct stack *stack,
                              struct faults *faults, struct error *error);
bool stack_external_alive(struct stack *stack, char *what, size_t size);
bool stack_external_alive_at_end(struct stack *stack, char *what, size_t size);
double stack_external_failures_before(const struct stack *stack);
void stack_external_stop(struct stack *stack); /* accepts one that was never started */

#endif
