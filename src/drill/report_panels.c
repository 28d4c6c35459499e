#include "drill/report_panels.h"

#include "base/document.h"

#include "drill/report.h"

static json_t *series_json(const struct panel_glance *glance)
{
    json_t *list = json_array();
    for (size_t i = 0; i < glance->count; i++) {
        const struct panel_shown *shown = &glance->shown[i];
        json_array_append_new(
            list, json_pack("{s:o,s:o,s:o,s:o}", "series", report_text(shown->legend), "value",
                            document_number(shown->value), "text", report_text(shown->text),
                            "colour", report_text(shown->colour)));
    }
    return list;
}

static json_t *phases_json(const struct panel_entry *entry, const struct scenario *scenario)
{
    json_t *list = json_array();
    for (int p = 0; p < entry->phase_count; p++) {
        const struct panel_glance *glance = &entry->at_end[p];
        json_array_append_new(list, json_pack("{s:o,s:f,s:o,s:o}", "phase",
                                              report_text(scenario->phase[p].name), "at_s",
                                              glance->at_s, "error",
                                              glance->ok ? json_null() : report_text(glance->why),
                                              "shows", series_json(glance)));
    }
    return list;
}

json_t *report_panels_json(const struct panel_book *book, const struct scenario *scenario)
{
    static const char *const ways[] = {"none", "lower", "higher"};
    json_t *list = json_array();
    for (size_t i = 0; book != NULL && i < book->count; i++) {
        const struct panel_entry *entry = &book->entry[i];
        json_array_append_new(
            list, json_pack("{s:o,s:o,s:o,s:s,s:o,s:b,s:o}", "dashboard", report_text(entry->board),
                            "title", report_text(entry->panel->title), "type",
                            report_text(entry->panel->type_id), "worse", ways[entry->panel->worse],
                            "error", entry->ok ? json_null() : report_text(entry->why), "moved",
                            entry->moved, "phases", phases_json(entry, scenario)));
    }
    return list;
}
