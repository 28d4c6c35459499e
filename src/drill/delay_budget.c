#include "drill/delay_budget.h"

#include "base/clock.h"

#include <math.h>
#include <string.h>

static int64_t to_ns(double s)
{
    return (int64_t)llround(s * (double)CLOCK_NS_PER_S);
}

/* The group's first evaluation at or after a moment; the moment itself if none was recorded. */
static double evaluation_after(const struct prometheus_series *heartbeat, double s)
{
    for (size_t i = 0; i < heartbeat->count; i++) {
        if (heartbeat->point[i].time_s >= s) {
            return heartbeat->point[i].time_s;
        }
    }
    return s;
}

/* An alert may be quicker than the floor of this run: its threshold may be lower, and luck is
 * always possible. No moment before `pending` may then lie after it. */
static void split(const struct evidence_episode *episode, struct delay_budget *out)
{
    double firing = episode->firing_s;
    double pending = isnan(episode->pending_s) ? firing : fmax(episode->pending_s, out->onset_s);
    double enough = out->onset_s, scraped = out->onset_s, evaluated = out->onset_s;
    const struct floors_floor *floor =
        out->floors == NULL ? NULL : &out->floors->view[FLOORS_EXPORTED];
    out->has_floor =
        floor != NULL && out->floors->exists && floor->exists && !isnan(floor->delay_s);
    if (out->has_floor) {
        enough += floor->enough_s;
        scraped += floor->delay_s;
        evaluated = evaluation_after(&out->alert->heartbeat, scraped);
    }
    out->notified = !isnan(episode->notified_s);
    const double moment[DELAY_PARTS + 1] = {out->onset_s,
                                            fmin(enough, pending),
                                            fmin(scraped, pending),
                                            fmin(evaluated, pending),
                                            pending,
                                            firing,
                                            out->notified ? fmax(episode->notified_s, firing)
                                                          : firing};
    for (int i = 0; i < DELAY_PARTS; i++) {
        out->part_ns[i] = to_ns(moment[i + 1]) - to_ns(moment[i]);
    }
    out->firing_ns = to_ns(firing) - to_ns(out->onset_s);
    out->total_ns = to_ns(moment[DELAY_PARTS]) - to_ns(out->onset_s);
}

/* When something was done for the first time, to people or to the programs; infinity if never. */
static double first_onset_s(const struct scenario *scenario)
{
    double first = INFINITY;
    for (int i = 0; i < scenario->drift.count; i++) {
        first = fmin(first, (double)scenario->drift.injection[i].onset_ns);
    }
    for (int i = 0; i < scenario->disturbance_count; i++) {
        first = fmin(first, (double)scenario->disturbance[i].at_ns);
    }
    return first / (double)CLOCK_NS_PER_S;
}

static const struct evidence_episode *first_after(const struct evidence_alert *alert, double s)
{
    for (size_t i = 0; i < alert->count; i++) {
        if (alert->episode[i].firing_s >= s) {
            return &alert->episode[i];
        }
    }
    return NULL;
}

void delay_budgets_measure(const struct scenario *scenario, const struct evidence *evidence,
                           const struct floors *floors, struct delay_budgets *out)
{
    *out = (struct delay_budgets){0};
    double first_s = first_onset_s(scenario);
    for (size_t a = 0; a < evidence->alert_count && out->count < DELAY_BUDGETS_MAX; a++) {
        const struct evidence_alert *alert = &evidence->alert[a];
        struct delay_budget budget = {.alert = alert, .onset_s = first_s};
        enum scenario_quantity quantity = scenario_quantity_named(alert->rule->quantity);
        if (quantity != SCENARIO_NO_QUANTITY && floors != NULL) {
            budget.floors = floors_find(floors, quantity, alert->objective);
        }
        if (budget.floors != NULL && budget.floors->exists) {
            budget.onset_s = budget.floors->onset_s;
        }
        const struct evidence_episode *episode = first_after(alert, budget.onset_s);
        if (episode != NULL && strcmp(alert->rule->severity, "none") != 0) {
            split(episode, &budget);
            out->budget[out->count++] = budget;
        }
    }
}

const char *delay_part_name(enum delay_part part)
{
    static const char *const names[DELAY_PARTS] = {"sampling", "scrape", "evaluation",
                                                   "window",   "for",    "notification"};
    return names[part];
}
