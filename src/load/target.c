#include "base/fileio.h"
#include "base/mem.h"
#include "base/text.h"
#include "load/target_int.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* ---- what it is ---- */

const char *target_name(const struct target *target)
{
    return target->plan->name;
}

const char *target_address(const struct target *target, enum target_endpoint endpoint)
{
    return target->plan->address[endpoint];
}

int target_list_length(const struct target *target)
{
    return target->list_length;
}

const struct catalogue *target_catalogue(const struct target *target)
{
    return target->catalogue;
}

const struct request_shape *const *target_shapes(const struct target *target, size_t *count)
{
    *count = target->shape_count;
    return target->shapes;
}

const struct target_has *target_has(const struct target *target)
{
    return &target->has;
}

const char *target_metric(const struct target *target, const char *ours)
{
    const struct target_plan *plan = target->plan;
    if (!plan->has_metrics) {
        return NULL;
    }
    return plan->metric_names == NULL
               ? ours
               : json_string_value(json_object_get(plan->metric_names, ours));
}

const char *target_metrics_url(const struct target *target)
{
    return target->plan->has_metrics ? target->plan->metrics_url : NULL;
}

const char *target_metrics_shown(const struct target *target)
{
    return target->plan->has_metrics ? target->plan->metrics_shown : NULL;
}

const json_t *target_metric_names(const struct target *target)
{
    return target->plan->metric_names;
}

const struct target_retrain *target_retrain(const struct target *target)
{
    return &target->retrain;
}

bool target_retrain_body(const struct target *target, const char *folder, int64_t unix_ns,
                         char *out, size_t size)
{
    const struct template *template = target->retrain_body;
    struct template_values values = {.folder = folder, .unix_ns = unix_ns};
    if (template == NULL || strlen(folder) > TEMPLATE_FOLDER_MAX) {
        return false;
    }
    char *whole = mem_array(template_max_bytes(template) + 1, 1);
    size_t len = template_write(template, &values, whole);
    bool fits = len < size;
    if (fits) {
        memcpy(out, whole, len);
        out[len] = '\0';
    }
    mem_free(whole);
    return fits;
}

bool target_retrain_word(const char *word, const char *folder, char *out, size_t size)
{
    static const char hole[] = "{folder}";
    const char *at = strstr(word, hole);
    int len = at == NULL ? snprintf(out, size, "%s", word)
                         : snprintf(out, size, "%.*s%s%s", (int)(at - word), word, folder,
                                    at + sizeof hole - 1);
    return len >= 0 && (size_t)len < size;
}

/* ---- requests ---- */

static struct template_values values_of(const struct target_request *request,
                                        enum target_endpoint endpoint)
{
    return (struct template_values){.user_id = request->user_id,
                                    .film_id = request->movie_id,
                                    .half_stars = request->half_stars,
                                    .rank = request->rank,
                                    .unix_ns = request->unix_ns,
                                    .sequence = request->sequence,
                                    .attempt = (uint32_t)request->attempt * TARGET_ENDPOINTS +
                                               (uint32_t)endpoint,
                                    .request_id = request->request_id};
}

/* Everything but the body. */
static bool fill_head(const struct target *target, enum target_endpoint endpoint,
                      const struct template_values *values, struct exchange *exchange)
{
    exchange->shape = &target->shape[endpoint];
    exchange->endpoint = (int)endpoint;
    exchange->header[0] = '\0';
    exchange->header_len = exchange->body_len = 0;
    exchange->path_len = template_write(target->request[endpoint].path, values, exchange->path);
    exchange->path[exchange->path_len] = '\0';
    return target->plan->sign != TARGET_SIGN_HMAC_SHA1 ||
           signer_sign(&target->signer, values->unix_ns / 1000000000, exchange->path,
                       &exchange->path_len, sizeof exchange->path);
}

static void add_body(struct exchange *exchange, const struct template *template,
                     const struct template_values *values)
{
    if (template != NULL) {
        exchange->body_len += template_write(template, values, exchange->body + exchange->body_len);
        exchange->body[exchange->body_len] = '\0';
    }
}

bool target_fill_list(const struct target *target, const struct target_request *request,
                      struct exchange *exchange)
{
    const struct template_values values = values_of(request, TARGET_LIST);
    bool signed_right = fill_head(target, TARGET_LIST, &values, exchange);
    add_body(exchange, target->request[TARGET_LIST].body, &values);
    return signed_right;
}

int target_batch(const struct target *target)
{
    return target->plan->batch;
}

int target_fill_ratings(const struct target *target, const struct target_request *request,
                        int count, struct exchange *exchange)
{
    const struct target_request_plan *plan = &target->request[TARGET_RATING];
    if (!target->plan->has_ratings || count < 1) {
        return 0;
    }
    struct template_values values = values_of(&request[0], TARGET_RATING);
    if (!fill_head(target, TARGET_RATING, &values, exchange)) {
        return 0;
    }
    add_body(exchange, plan->before, &values);
    add_body(exchange, plan->body, &values);
    int filled = 1;
    size_t room =
        plan->before == NULL ? 0 : sizeof exchange->body - template_max_bytes(plan->after) - 2;
    while (plan->before != NULL && filled < count && filled < target->plan->batch &&
           exchange->body_len + template_max_bytes(plan->body) <= room) {
        values = values_of(&request[filled++], TARGET_RATING);
        exchange->body[exchange->body_len++] = ',';
        add_body(exchange, plan->body, &values);
    }
    add_body(exchange, plan->after, &values);
    return filled;
}

bool target_fill_rating(const struct target *target, const struct target_request *request,
                        struct exchange *exchange)
{
    return target_fill_ratings(target, request, 1, exchange) == 1;
}

/* Is something of the environment in the path itself, and not in the query alone? */
static bool is_path_secret(const struct target_call *call)
{
    const char *variable = strstr(call->shown, "${");
    return call->has_secret && variable != NULL &&
           variable < call->shown + strcspn(call->shown, "?");
}

bool target_exchange_url(const struct target *target, const struct exchange *exchange, char *out,
                         size_t size)
{
    const struct target_plan *plan = target->plan;
    const struct target_call *call = &plan->call[exchange->endpoint];
    const char *base = exchange->shape->base_url, *path = exchange->path, *prefix = "";
    bool cut = call->has_secret || plan->sign == TARGET_SIGN_HMAC_SHA1;
    size_t shown = cut ? strcspn(path, "?") : exchange->path_len;
    if (is_path_secret(call)) {
        prefix = plan->address[exchange->endpoint] + strlen(base);
        path = call->shown;
        shown = strlen(path);
    }
    int len = snprintf(out, size, "%s%s%.*s", base, prefix, (int)shown, path);
    return len >= 0 && (size_t)len < size;
}

/* ---- answers ---- */

bool target_call_accepts(const struct target_call *call, long status)
{
    return call->accepts_any ? status / 100 == 2
                             : status > 0 && status < TARGET_STATUS_MAX && call->accepts[status];
}

bool target_accepts(const struct target *target, enum target_endpoint endpoint, long status)
{
    return target_call_accepts(&target->plan->call[endpoint], status);
}

static int32_t film_of(const struct target *target, int32_t id)
{
    if (target->film_index != NULL) {
        return id < target->film_index_count ? target->film_index[id] : -1;
    }
    return id > 0 && target->catalogue != NULL ? catalogue_index(target->catalogue, id) : -1;
}

bool target_explain_list(const struct target *target, const char *body, size_t len,
                         struct step_list *list, struct target_sources *sources, char *request_id,
                         size_t request_id_size, struct target_problem *problem)
{
    struct pick_answer answer;
    size_t most =
        request_id_size < TARGET_REQUEST_ID_SIZE ? request_id_size : TARGET_REQUEST_ID_SIZE;
    answer.request_id_max = most - 1;
    list->count = 0;
    request_id[0] = '\0';
    if (!pick_read(target->pick, body, len, &answer)) {
        problem->text = answer.problem;
        problem->offset = answer.offset;
        return false;
    }
    for (int32_t i = 0; i < answer.count; i++) {
        list->item[i] = film_of(target, answer.film_id[i]);
    }
    list->count = answer.count;
    if (sources != NULL) {
        memcpy(sources->place, answer.source, (size_t)answer.count * sizeof answer.source[0]);
        memcpy(sources->score, answer.score, (size_t)answer.count * sizeof answer.score[0]);
    }
    if (answer.request_id.bytes != NULL) {
        memcpy(request_id, answer.request_id.bytes, answer.request_id.len);
        request_id[answer.request_id.len] = '\0';
    }
    return true;
}

bool target_read_list(const struct target *target, const char *body, size_t len,
                      struct step_list *list, char *request_id, size_t request_id_size)
{
    struct target_problem problem;
    return target_explain_list(target, body, len, list, NULL, request_id, request_id_size,
                               &problem);
}

/* ---- making one ---- */

bool target_is_url(const char *url_or_file)
{
    return strncasecmp(url_or_file, "http://", 7) == 0 ||
           strncasecmp(url_or_file, "https://", 8) == 0;
}

const char *target_clean_address(char *address)
{
    size_t len = strlen(address);
    if (!target_is_url(address)) {
        return "expected an address such as http://127.0.0.1:8000";
    }
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)address[i] <= ' ' || address[i] == 0x7f) {
            return "expected an address without blanks";
        }
    }
    if (strpbrk(address, "?#{}") != NULL) {
        return "expected an address without a query";
    }
    char *host = strstr(address, "://") + 3;
    size_t host_len = strcspn(host, "/");
    if (host_len == 0 || host[0] == ':') {
        return "expected a host in the address";
    }
    if (memchr(host, '@', host_len) != NULL) {
        return "user and password in an address would be written into reports; use a header";
    }
    while (len > 0 && address[len - 1] == '/') {
        address[--len] = '\0';
    }
    return NULL;
}

/* The interface of the bundled recommender (docs/recommender.md). */
static struct target_plan *bundled_plan(void)
{
    struct target_plan *plan = target_plan_new();
    struct target_call *list = &plan->call[TARGET_LIST], *rating = &plan->call[TARGET_RATING];
    struct target_pointers *at = &plan->pointers;
    plan->has_ratings = plan->is_bundled = plan->has_metrics = true;
    (void)text_copy(list->method, sizeof list->method, "GET");
    (void)text_copy(list->url, sizeof list->url, "/recommendations/?user_id={user}&n={n}");
    (void)text_copy(rating->method, sizeof rating->method, "POST");
    (void)text_copy(rating->url, sizeof rating->url, "/ratings/");
    (void)text_copy(rating->body, sizeof rating->body,
                    "{\"user_id\":{user},\"movie_id\":{film},\"rating\":{rating}"
                    "{?request_id},\"request_id\":{request_id}{/}}");
    (void)text_copy(list->shown, sizeof list->shown, list->url);
    (void)text_copy(rating->shown, sizeof rating->shown, rating->url);
    (void)text_copy(at->films, sizeof at->films, "/recommendations");
    (void)text_copy(at->film, sizeof at->film, "/movie_id");
    (void)text_copy(at->source, sizeof at->source, "/recommender");
    (void)text_copy(at->score, sizeof at->score, "/score");
    (void)text_copy(at->request_id, sizeof at->request_id, "/request_id");
    return plan;
}

enum err target_from_url(const char *url, const struct catalogue *catalogue, int list_length,
                         struct target **out, struct error *error)
{
    struct target_plan *plan = bundled_plan();
    struct faults faults;
    char *address = plan->address[TARGET_LIST];
    bool fits = text_copy(address, sizeof plan->address[TARGET_LIST], url);
    const char *wrong = fits ? target_clean_address(address) : "the address is too long";
    *out = NULL;
    if (wrong != NULL) {
        target_plan_free(plan);
        return error_set(error, ERR_USAGE, url, 0, "%s", wrong);
    }
    (void)text_copy(plan->address[TARGET_RATING], sizeof plan->address[TARGET_RATING], address);
    (void)text_copy(plan->name, sizeof plan->name, address);
    (void)snprintf(plan->metrics_url, sizeof plan->metrics_url, "%s/metrics", address);
    (void)text_copy(plan->metrics_shown, sizeof plan->metrics_shown, plan->metrics_url);
    faults_init(&faults);
    const struct fields fields = {.file = url, .faults = &faults};
    *out = target_compile(plan, &fields, catalogue, list_length);
    enum err code = ERR_OK;
    if (*out == NULL) { /* only the address can be at fault */
        code = error_set(error, ERR_USAGE, url, 0, "%s", faults.list[0].text);
    }
    faults_deinit(&faults);
    return code;
}

enum err target_open(const char *url_or_file, const struct catalogue *catalogue, int list_length,
                     struct target **out, struct faults *faults, struct error *error)
{
    return target_is_url(url_or_file)
               ? target_from_url(url_or_file, catalogue, list_length, out, error)
               : target_read(url_or_file, catalogue, list_length, out, faults, error);
}

static void free_request(struct target_request_plan *request)
{
    template_free(request->path);
    template_free(request->body);
    template_free(request->before);
    template_free(request->after);
}

void target_free(struct target *target)
{
    if (target == NULL) {
        return;
    }
    free_request(&target->request[TARGET_LIST]);
    free_request(&target->request[TARGET_RATING]);
    template_free(target->retrain_body);
    pick_free(target->pick);
    mem_free(target->film_index);
    target_plan_free(target->plan);
    mem_free(target);
}
