/* From a number to what is read: value mappings first, then unit, threshold and colour mode. */
#include "base/text.h"
#include "observe/palette.h"
#include "observe/panel_int.h"
#include "observe/units.h"
#include "observe/units_int.h"

#include <math.h>
#include <string.h>

static bool is_special(const char *match, bool has_value, double value)
{
    bool nan = has_value && isnan(value);
    if (strcmp(match, "null") == 0) {
        return !has_value;
    }
    if (strcmp(match, "nan") == 0) {
        return nan;
    }
    return strcmp(match, "null+nan") == 0 && (nan || !has_value);
}

/* Patterns match text only, and what Prometheus gives are numbers. */
static bool applies(const struct dashboard_mapping *mapping, bool has_value, double value)
{
    char text[64];
    switch (mapping->type) {
    case DASHBOARD_MAP_VALUE:
        unit_number_text(value, text, sizeof text);
        return has_value && strcmp(mapping->match, text) == 0;
    case DASHBOARD_MAP_RANGE:
        return has_value && value >= mapping->from && value <= mapping->to;
    case DASHBOARD_MAP_SPECIAL:
        return is_special(mapping->match, has_value, value);
    default:
        return false;
    }
}

static const struct dashboard_mapping *find_mapping(const struct dashboard_field *field,
                                                    bool has_value, double value)
{
    for (size_t i = 0; i < field->mapping_count; i++) {
        if (applies(&field->mapping[i], has_value, value)) {
            return &field->mapping[i];
        }
    }
    return NULL;
}

/* A value that is no number says no more than it is none. */
static void write_text(const struct dashboard_field *field, bool has_value, double value,
                       struct panel_display *out)
{
    if (!has_value) {
        (void)text_copy(out->text, sizeof out->text, field->no_value);
    } else if (isnan(value)) {
        (void)text_copy(out->text, sizeof out->text, "NaN");
    } else {
        (void)units_text(field->unit, value, field->decimals, out->text, sizeof out->text);
    }
}

const char *panel_step_colour(const struct thresholds *thresholds, int step)
{
    return step >= 0 ? thresholds->step[step].colour : PALETTE_FALLBACK;
}

static const char *mode_of(const struct dashboard_field *field, enum dashboard_panel_type type)
{
    if (field->colour_mode[0] != '\0') {
        return field->colour_mode;
    }
    bool draws_lines = type == DASHBOARD_TIMESERIES || type == DASHBOARD_BARCHART ||
                       type == DASHBOARD_PIECHART || type == DASHBOARD_HISTOGRAM;
    return draws_lines ? "palette-classic" : "thresholds";
}

/* Colours blended along a scale ("continuous-...") count as the threshold's. */
static const char *colour_of(const struct dashboard_field *field, enum dashboard_panel_type type,
                             int step, size_t index, const char *name)
{
    const char *mode = mode_of(field, type);
    if (strcmp(mode, "fixed") == 0 || strcmp(mode, "shades") == 0) {
        return field->fixed_colour[0] != '\0' ? field->fixed_colour : PALETTE_FALLBACK;
    }
    if (strcmp(mode, "palette-classic") == 0) {
        return palette_classic(index);
    }
    if (strcmp(mode, "palette-classic-by-name") == 0) {
        return palette_classic_by_name(name);
    }
    return panel_step_colour(&field->thresholds, step);
}

void panel_display(const struct dashboard_field *field, enum dashboard_panel_type type,
                   const struct panel_scale *scale, bool has_value, double value, size_t index,
                   const char *name, struct panel_display *out)
{
    bool number = has_value && !isnan(value);
    const struct dashboard_mapping *mapping = find_mapping(field, has_value, value);
    memset(out, 0, sizeof *out);
    /* What is no number stands below every bound: at the base. */
    out->step = field->thresholds.count == 0 ? -1
                : number ? threshold_active(&field->thresholds, value, scale->min, scale->max)
                         : 0;
    if (mapping != NULL && mapping->has_text) {
        memcpy(out->text, mapping->text, sizeof out->text);
    } else {
        write_text(field, has_value, value, out);
    }
    out->mapped = mapping != NULL && mapping->colour[0] != '\0';
    (void)text_copy(out->colour, sizeof out->colour,
                    out->mapped ? mapping->colour : colour_of(field, type, out->step, index, name));
}
