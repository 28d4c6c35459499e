#include "drill/report.h"
#include "drill/virtual_null.h"

#include <inttypes.h>

enum err virtual_null_verdict(const struct virtual_null *result, const char *folder,
                              struct error *error)
{
    if (result->failures > 0) {
        return error_set(error, ERR_INPUT, folder, 0,
                         "rules failed in %" PRId64 " evaluations of %.0f virtual hours: %s",
                         result->failures, result->hours, result->failure);
    }
    if (result->alarms > 0 || result->firing_hours > 0) {
        return error_set(error, ERR_FAILED, folder, 0,
                         "%" PRId64 " false alarms in %.0f virtual hours, %.2f hours of firing",
                         result->alarms, result->hours, result->firing_hours);
    }
    return ERR_OK;
}

void virtual_null_print(FILE *file, const struct virtual_null *result)
{
    (void)fprintf(file,
                  "\n%.0f virtual hours: %" PRId64 " lists, %" PRId64
                  " evaluations, conversion %.4f, mean rating %.3f\n\n"
                  "%-34s %-16s %8s %8s %12s %26s\n",
                  result->hours, result->lists, result->evaluations, result->conversion,
                  result->mean_rating, "alert", "group", "pending", "fired", "firing hours",
                  "at most, 95 % sure");
    for (size_t i = 0; i < result->alert_count; i++) {
        const struct virtual_null_alert *alert = &result->alert[i];
        (void)fprintf(file, "%-34s %-16s %8" PRId64 " %8" PRId64 " %12.2f ", alert->name,
                      alert->group, alert->pendings, alert->alarms, alert->firing_hours);
        if (alert->watches) {
            (void)fprintf(file, "%18.5f an hour\n", alert->per_hour_upper);
        } else {
            (void)fprintf(file, "%26s\n",
                          alert->fed ? "watches no quantity" : "not simulated here");
        }
    }
    (void)fprintf(file, "%-34s %-16s %8s %8" PRId64 " %12.2f\n", "any", "", "", result->alarms,
                  result->firing_hours);
    if (result->watching_count > 0) {
        (void)fprintf(file, "%-34s %-16s %8s %8" PRId64 " %12s %12.5f an alert-hour\n",
                      "any that watches a quantity", "", "", result->watching_alarms, "",
                      result->per_alert_hour_upper);
    }
    if (result->failures > 0) {
        (void)fprintf(file, "rules failed in %" PRId64 " evaluations: %s\n", result->failures,
                      result->failure);
    }
}

json_t *virtual_null_json(const struct virtual_null *result)
{
    json_t *alerts = json_array();
    for (size_t i = 0; i < result->alert_count; i++) {
        const struct virtual_null_alert *alert = &result->alert[i];
        json_array_append_new(
            alerts, json_pack("{s:s,s:s,s:b,s:b,s:I,s:I,s:f,s:f}", "alert", alert->name, "group",
                              alert->group, "simulated", alert->fed, "watches_a_quantity",
                              alert->watches, "pendings", (json_int_t)alert->pendings, "alarms",
                              (json_int_t)alert->alarms, "firing_hours", alert->firing_hours,
                              "alarms_an_hour_at_most", alert->per_hour_upper));
    }
    return json_pack(
        "{s:f,s:I,s:I,s:I,s:o,s:I,s:f,s:i,s:I,s:f,s:o,s:o}", "hours", result->hours, "lists",
        (json_int_t)result->lists, "evaluations", (json_int_t)result->evaluations,
        "failed_evaluations", (json_int_t)result->failures, "failure",
        result->failures > 0 ? report_text(result->failure) : json_null(), "alarms",
        (json_int_t)result->alarms, "firing_hours", result->firing_hours, "alerts_that_watch",
        (int)result->watching_count, "alarms_of_these", (json_int_t)result->watching_alarms,
        "alert_hours", result->alert_hours, "alarms_an_alert_hour_at_most",
        result->watching_count > 0 ? json_real(result->per_alert_hour_upper) : json_null(),
        "alerts", alerts);
}
