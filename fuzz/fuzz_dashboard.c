/* Dashboard files: reading, and evaluating every panel of what was read against a Prometheus that
 * answers anything. */
#include "base/mem.h"
#include "observe/dashboard.h"
#include "observe/panel.h"

#include <math.h>
#include <stddef.h>
#include <stdint.h>

#define TEXT_BYTES_MAX 20000
#define RANGE_MS INT64_C(900000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Two series, one with a number and a NaN, one without points. */
static enum err answer(void *context, const char *expr, bool instant, double from_s, double to_s,
                       double step_s, struct prometheus_matrix *out, struct error *error)
{
    (void)context, (void)expr, (void)instant, (void)error;
    *out = (struct prometheus_matrix){.count = 2, .series = mem_zalloc(2, sizeof *out->series)};
    for (size_t i = 0; i < out->count; i++) {
        struct prometheus_series *series = &out->series[i];
        series->labels = json_pack("{s:s, s:s}", "job", i == 0 ? "a" : "b", "le", "1.5");
        series->point = mem_zalloc(2, sizeof *series->point);
        series->count = i == 0 ? 2 : 0;
        series->point[0] = (struct prometheus_point){from_s, step_s};
        series->point[1] = (struct prometheus_point){to_s, NAN};
    }
    return ERR_OK;
}

static void evaluate(const struct dashboard *dashboard, const struct dashboard_panel *panel)
{
    struct panel_view view;
    const struct panel_request request = {
        .from_ms = 1000, .to_ms = 1000 + RANGE_MS, .width_px = 600, .query = answer};
    if (panel_evaluate(dashboard, panel, &request, &view, NULL) == ERR_OK) {
        panel_view_deinit(&view);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dashboard dashboard;
    struct faults faults;
    if (size > TEXT_BYTES_MAX) {
        return 0;
    }
    faults_init(&faults);
    if (dashboard_read_text("fuzz", (const char *)data, size, &dashboard, &faults, NULL) ==
        ERR_OK) {
        for (size_t i = 0; i < dashboard.panel_count; i++) {
            evaluate(&dashboard, &dashboard.panel[i]);
        }
        dashboard_deinit(&dashboard);
    }
    faults_deinit(&faults);
    return 0;
}
