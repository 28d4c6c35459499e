/*
 * Inside a target: what a description says (target_file.c reads it, or target_from_url makes the
 * bundled one), what it is compiled into (target_compile.c), and what target.c runs on.
 */
#ifndef LOAD_TARGET_INT_H
#define LOAD_TARGET_INT_H

#include "base/fields.h"
#include "load/pick.h"
#include "load/signer.h"
#include "load/target.h"
#include "load/template.h"

#define TARGET_URL_BYTES 1024
#define TARGET_BODY_BYTES 4096
#define TARGET_HEADERS_BYTES 4096
#define TARGET_POINTER_BYTES 160
#define TARGET_STATUS_MAX 600
#define TARGET_COMMAND_WORDS_MAX 32
#define TARGET_BATCH_MAX 100
#define TARGET_STATES_MAX 8
#define TARGET_STATE_BYTES 64

struct target_call { /* one request as described; environment variables are in place */
    char path[96];   /* JSON pointer to it in the description, for faults */
    char method[16];
    char url[TARGET_URL_BYTES];   /* below the address: "/path?query" */
    char shown[TARGET_URL_BYTES]; /* as the file spells it, without what the environment holds */
    char body[TARGET_BODY_BYTES]; /* "" = none */
    char headers[TARGET_HEADERS_BYTES];
    bool has_secret, body_has_secret; /* url, body hold what came from the environment */
    bool accepts_any;                 /* every 2xx */
    bool accepts[TARGET_STATUS_MAX];
    enum template_time time;
};

struct target_pointers { /* [0] == '\1' = not given, because "" is a pointer, too */
    char films[TARGET_POINTER_BYTES], film[TARGET_POINTER_BYTES], source[TARGET_POINTER_BYTES],
        score[TARGET_POINTER_BYTES], sources[TARGET_POINTER_BYTES], scores[TARGET_POINTER_BYTES],
        request_id[TARGET_POINTER_BYTES];
};
#define TARGET_NO_POINTER "\1"

enum target_sign { TARGET_SIGN_NONE, TARGET_SIGN_HEADER, TARGET_SIGN_HMAC_SHA1 };

struct target_states { /* values of an answer that mean something */
    char text[TARGET_STATES_MAX][TARGET_STATE_BYTES];
    const char *list[TARGET_STATES_MAX + 1]; /* points to them, ended by NULL */
};

struct target_plan {
    char name[128];
    char address[TARGET_ENDPOINTS][256];
    struct target_call call[TARGET_ENDPOINTS];
    bool has_ratings, is_bundled;
    struct target_pointers pointers;
    bool request_id_number, cuts, repeats;
    struct template_rules rules;
    int batch;
    enum target_sign sign;
    char secret[256], time_parameter[32], parameter[32];
    bool retrain_request;
    struct target_call retrain;
    bool training_told; /* there is somewhere to ask how it goes */
    struct target_call training;
    char training_at[TARGET_POINTER_BYTES];
    struct target_states done, failed;
    char *command[TARGET_COMMAND_WORDS_MAX + 1]; /* heap, ended by NULL */
    bool has_metrics;
    char metrics_url[512], metrics_shown[512];
    json_t *metric_names; /* object ours -> theirs; NULL = all under the same names */
};

struct target_request_plan { /* a compiled request */
    char base_url[256], headers[TARGET_HEADERS_BYTES];
    struct template *path;
    struct template *body;           /* NULL = none; of a batch, one rating */
    struct template *before, *after; /* around the ratings of a batch; NULL = not of one */
};

struct target {
    struct target_plan *plan;
    int list_length;
    const struct catalogue *catalogue;
    int32_t *film_index; /* [film_index_count], by MovieLens id; -1 = none. NULL: ids too sparse */
    int32_t film_index_count;
    struct request_shape shape[TARGET_ENDPOINTS];
    const struct request_shape *shapes[TARGET_ENDPOINTS];
    size_t shape_count;
    struct target_request_plan request[TARGET_ENDPOINTS];
    struct pick *pick;
    struct signer signer;
    struct target_has has;
    struct template *retrain_body;
    struct target_retrain retrain;
    struct target_training training;
    char retrain_url[TARGET_URL_BYTES + 256], retrain_shown[TARGET_URL_BYTES + 256];
    char training_url[TARGET_URL_BYTES + 256], training_shown[TARGET_URL_BYTES + 256];
};

/* Takes the plan over, whatever comes of it. Faults are noted at their place in `fields`. NULL if
 * there were any. */
struct target *target_compile(struct target_plan *plan, const struct fields *fields,
                              const struct catalogue *catalogue, int list_length);
struct target_plan *target_plan_new(void);
void target_plan_free(struct target_plan *plan); /* accepts NULL */
/* Checks scheme://host[:port][/prefix] and takes trailing slashes away; NULL, or what is wrong. */
const char *target_clean_address(char *address);
/* A text as it is, numbers and booleans as in JSON, bounded; false for anything else. */
bool target_scalar(const json_t *value, char *out, size_t size);
/* Is the status among those a call accepts? */
bool target_call_accepts(const struct target_call *call, long status);
/* Ten ratings by name (`transform`) into JSON values; false if there is no such. */
bool target_transform(const char *name, struct template_rules *rules);

#endif
