/*
 * One request to a target, sent at leisure: what `driftdrill check --target FILE --probe` shows,
 * and what a drill asks before it starts. Main thread only.
 */
#ifndef LOAD_TARGET_CHECK_H
#define LOAD_TARGET_CHECK_H

#include "load/target.h"

#include <stdio.h>

struct target_reply {
    long status; /* 0 = no answer; *error tells why */
    struct buf body;
};
void target_reply_deinit(struct target_reply *reply);

/* Sends what was filled into `exchange` (target_fill_list, target_fill_rating) with libcurl and
 * waits for the answer. Any status is ERR_OK. Redirects are not followed. */
enum err target_ask(const struct exchange *exchange, long timeout_ms, struct target_reply *reply,
                    struct error *error) __attribute__((warn_unused_result));
/* Asks the target for the list of one user and reads it; ERR_NETWORK if there is no answer, one
 * with a status it does not accept, or one that is no list. request_id may be NULL, else it has
 * TARGET_REQUEST_ID_SIZE bytes. */
enum err target_ask_list(const struct target *target, int32_t user_id, long timeout_ms,
                         struct step_list *list, char *request_id, struct error *error)
    __attribute__((warn_unused_result));

/* Describes the target to `out`: addresses, requests with sample values, what it has and lacks.
 * Secrets are not shown. */
void target_describe(const struct target *target, FILE *out);
struct target_probe {
    int32_t user_id;
    long timeout_ms;
};
/* Sends one list request and prints what was sent, what came and what was extracted. */
enum err target_probe(const struct target *target, const struct target_probe *probe, FILE *out,
                      struct error *error) __attribute__((warn_unused_result));

#endif
