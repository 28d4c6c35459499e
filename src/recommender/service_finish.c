/*
 * The end of a request: it is counted and its answer sent, now or, when a fault delays it, later on
 * the thread of the delay line. The work is done when the request comes, only the answer waits; so
 * a stall that ends does not find a queue of work, and order among answers is that of their ends.
 * Counted is what is sent, when it is sent, with the time it really took.
 */
#include "recommender/service_int.h"

#include "base/clock.h"
#include "base/mem.h"

struct delayed_answer {
    struct service *service;
    struct service_call call; /* without its request, which is the held one's */
    struct httpd_held *held;
    struct httpd_reply reply;
};

static void count(struct service *service, const struct service_call *call,
                  const struct httpd_request *request, const struct httpd_reply *reply)
{
    const struct http_event event = {.route = call->route,
                                     .method = call->method,
                                     .status = reply->status,
                                     .duration_ns = clock_mono_ns() - call->began_ns,
                                     .request_bytes = request->body_len,
                                     .reply_bytes = reply->body.len};
    service_metrics_http(service->metrics, &event);
}

/* Before it is sent: whoever has the answer in hand finds it counted. */
static void count_and_send(struct service *service, const struct service_call *call,
                           struct httpd_held *held, struct httpd_reply *reply)
{
    count(service, call, httpd_held_request(held), reply);
    httpd_send(held, reply);
}

static void run_delayed(void *item)
{
    struct delayed_answer *answer = item;
    count_and_send(answer->service, &answer->call, answer->held, &answer->reply);
    mem_free(answer);
}

enum err service_start_delays(struct service *service, size_t delayed_max, struct error *error)
{
    return delay_line_start(&service->line, delayed_max, run_delayed, error);
}

void service_let_go(void *context)
{
    struct service *service = context;
    if (service->line != NULL) {
        delay_line_stop(service->line);
    }
}

static int64_t due_ns(const struct fault_plan *plan)
{
    int64_t due = clock_mono_ns() + plan->delay_ns;
    return due > plan->held_until_ns ? due : plan->held_until_ns;
}

/* A stall may have been ended early between the plan, made on arrival, and the put. Whoever ends
 * one takes it off the board first and then releases what the line holds; here it is the other way
 * round, so one of the two sees the other. */
static void release_if_over(struct service *service, int64_t stall)
{
    if (stall != 0 && !fault_board_has(service->faults, stall, clock_mono_ns())) {
        delay_line_release(service->line, stall);
    }
}

/* Takes the reply's body over; false, and nothing is changed, if the line does not take it. */
static bool delay(struct service *service, const struct service_call *call, struct httpd_held *held,
                  struct httpd_reply *reply)
{
    struct delayed_answer *answer = mem_try_alloc(sizeof *answer);
    if (answer == NULL) {
        return false;
    }
    *answer =
        (struct delayed_answer){.service = service, .call = *call, .held = held, .reply = *reply};
    answer->call.request = NULL;
    int64_t stall = call->plan.held_by; /* what is put may be sent, and gone, at once */
    if (!delay_line_put(service->line, due_ns(&call->plan), stall, answer)) {
        mem_free(answer);
        return false;
    }
    release_if_over(service, stall);
    return true;
}

void service_finish_held(struct service *service, const struct service_call *call,
                         struct httpd_held *held, struct httpd_reply *reply)
{
    bool waits = call->plan.delay_ns > 0 || call->plan.held_until_ns > 0;
    if (!waits || !delay(service, call, held, reply)) {
        count_and_send(service, call, held, reply);
    }
}

void service_finish(struct service *service, const struct service_call *call,
                    struct httpd_reply *reply)
{
    bool waits = call->plan.delay_ns > 0 || call->plan.held_until_ns > 0;
    struct httpd_held *held = waits ? httpd_hold(call->request) : NULL;
    if (held == NULL) {
        count(service, call, call->request, reply);
        return;
    }
    struct httpd_reply moved = *reply;
    buf_init(&reply->body, reply->body.max);
    service_finish_held(service, call, held, &moved);
}
