#include "drill/forecast.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

static void print_plays(FILE *file, const struct forecast_row *row)
{
    if (row->expectation->kind == SCENARIO_SILENT) {
        (void)fprintf(file, "silent in %d of %d plays", row->met, row->replicates);
        if (row->met < row->replicates && row->alert[0] != '\0') {
            (void)fprintf(file, " (%s)", row->alert);
        }
        return;
    }
    (void)fprintf(file, "in time in %d of %d plays", row->met, row->replicates);
    if (row->met > 0) {
        (void)fprintf(file, ", after %.1f s (%.1f to %.1f)", row->delay_s, row->least_s,
                      row->most_s);
    }
}

static void print_row(FILE *file, const struct forecast_row *row)
{
    (void)fprintf(file, "  %-8s %-56s ", forecast_verdict_name(row->verdict),
                  row->expectation->name);
    if (row->verdict == FORECAST_UNKNOWN) {
        (void)fprintf(file, "%s\n", row->why);
        return;
    }
    print_plays(file, row);
    if (row->quantity != SCENARIO_NO_QUANTITY && !isnan(row->value)) {
        (void)fprintf(file, "; %s %.4f", scenario_quantity_name(row->quantity), row->value);
        if (!isnan(row->objective)) {
            (void)fprintf(file, ", objective %.4f", row->objective);
        }
    }
    if (row->unfed > 0) {
        (void)fprintf(file, "; %d more alerts read what is not simulated", row->unfed);
    }
    (void)fputc('\n', file);
}

void forecast_print(FILE *file, const struct forecast *forecast)
{
    if (forecast->count == 0) {
        return;
    }
    (void)fprintf(file,
                  "forecast, from %" PRId64 " visits with %" PRId64 " lists, played %d times "
                  "through the rules;\nthey stand for %.3g lists/s of a service during %.3g h:\n",
                  forecast->visits, forecast->lists, forecast->replicates,
                  forecast->production_lists_per_s, forecast->production_s / 3600);
    for (int i = 0; i < forecast->count; i++) {
        print_row(file, &forecast->row[i]);
    }
}
