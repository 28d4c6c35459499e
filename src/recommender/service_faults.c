/* /admin/fault: faults on demand are begun, listed and ended. */
#include "recommender/service_int.h"

#include "base/clock.h"
#include "base/text.h"

#include <string.h>

static bool refused(const struct service *service, struct httpd_reply *reply)
{
    if (!service->faults_enabled) {
        service_refuse(reply, FORBIDDEN, "faults are off; --enable-faults turns them on");
    }
    return !service->faults_enabled;
}

void service_get_faults(struct service *service, struct httpd_reply *reply)
{
    if (!refused(service, reply)) {
        service_answer(
            reply, OK,
            json_pack("{s:o}", "faults", fault_board_list(service->faults, clock_mono_ns())));
    }
}

static json_t *complaints_json(const struct faults *complaints)
{
    json_t *errors = json_array();
    for (size_t i = 0; i < complaints->count; i++) {
        json_array_append_new(errors, json_pack("{s:s,s:s}", "path", complaints->list[i].path,
                                                "text", complaints->list[i].text));
    }
    return json_pack("{s:s,s:o}", "detail", "the body is no fault", "errors", errors);
}

static void begin_fault(struct service *service, const struct fault_spec *spec,
                        struct httpd_reply *reply)
{
    int64_t id = fault_board_add(service->faults, spec, clock_mono_ns());
    if (id == 0) {
        service_refuse(reply, CONFLICT, "too many faults are active");
        return;
    }
    json_t *fault = fault_spec_json(spec);
    json_object_set_new(fault, "id", json_integer(id));
    json_object_set_new(fault, "remaining_s", json_real(spec->duration_s));
    service_answer(reply, CREATED, fault);
}

void service_post_fault(struct service *service, const struct httpd_request *request,
                        struct httpd_reply *reply)
{
    struct fault_spec spec;
    struct faults complaints;
    if (refused(service, reply)) {
        return;
    }
    faults_init(&complaints);
    if (fault_spec_read(request->body, request->body_len, &spec, &complaints)) {
        begin_fault(service, &spec, reply);
    } else {
        service_answer(reply, UNPROCESSABLE, complaints_json(&complaints));
    }
    faults_deinit(&complaints);
}

/* What a stall holds is answered when it is ended early. */
static void release(struct service *service, int64_t id)
{
    if (service->line != NULL) {
        delay_line_release(service->line, id);
    }
}

static void answer_removed(struct httpd_reply *reply, size_t count)
{
    service_answer(reply, OK, json_pack("{s:I}", "removed", (json_int_t)count));
}

void service_delete_faults(struct service *service, struct httpd_reply *reply)
{
    int64_t ids[FAULT_ACTIVE_MAX];
    if (refused(service, reply)) {
        return;
    }
    size_t count = fault_board_clear(service->faults, clock_mono_ns(), ids);
    for (size_t i = 0; i < count; i++) {
        release(service, ids[i]);
    }
    answer_removed(reply, count);
}

void service_delete_fault(struct service *service, const struct httpd_request *request,
                          struct httpd_reply *reply)
{
    int64_t id = 0;
    if (refused(service, reply)) {
        return;
    }
    if (!text_to_i64(strrchr(request->path, '/') + 1, &id) ||
        !fault_board_remove(service->faults, id, clock_mono_ns())) {
        service_refuse(reply, NOT_FOUND, "no active fault has that id");
        return;
    }
    release(service, id);
    answer_removed(reply, 1);
}
