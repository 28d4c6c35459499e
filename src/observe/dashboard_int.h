/* Shared by the dashboard_*.c files only. */
#ifndef OBSERVE_DASHBOARD_INT_H
#define OBSERVE_DASHBOARD_INT_H

#include "observe/dashboard.h"

struct yaml_lines;

#define DASHBOARD_POINTER_BYTES 160 /* as in struct fault */

/* One file in work. Where a reader is passed, NULL means that nobody wants the faults. */
struct dashboard_reader {
    const char *name;
    const struct yaml_lines *lines; /* may be NULL */
    struct faults *faults;
    size_t fault_count; /* of this file */
};

void dashboard_fault(struct dashboard_reader *reader, const char *pointer, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* "above/key"; returns out. */
const char *dashboard_below(char *out, const char *above, const char *key);
const char *dashboard_below_index(char *out, const char *above, size_t index);

/* object[key] as text, `otherwise` if it is absent or null; a fault if it is something else. */
const char *dashboard_text(struct dashboard_reader *reader, const char *pointer,
                           const json_t *object, const char *key, const char *otherwise);
/* The same into a field of fixed size; too long is a fault. */
void dashboard_copy_text(struct dashboard_reader *reader, const char *pointer, const json_t *object,
                         const char *key, char *out, size_t size);
double dashboard_number(struct dashboard_reader *reader, const char *pointer, const json_t *object,
                        const char *key, double otherwise);
bool dashboard_bool(struct dashboard_reader *reader, const char *pointer, const json_t *object,
                    const char *key, bool otherwise);
/* object[key] if it is a list; NULL if it is absent or null; else a fault and NULL. */
const json_t *dashboard_list(struct dashboard_reader *reader, const char *pointer,
                             const json_t *object, const char *key);

void dashboard_field_init(struct dashboard_field *field);
/* fieldConfig.defaults at `pointer`. */
void dashboard_field_read(struct dashboard_reader *reader, const char *pointer,
                          const json_t *defaults, struct dashboard_field *out);
/* fieldConfig.overrides, for their faults alone. */
void dashboard_overrides_check(struct dashboard_reader *reader, const char *pointer,
                               const json_t *overrides);

void dashboard_panels_read(struct dashboard_reader *reader, const json_t *root,
                           struct dashboard *out);
void dashboard_panel_deinit(struct dashboard_panel *panel);
void dashboard_variables_read(struct dashboard_reader *reader, const json_t *root,
                              struct dashboard *out);
void dashboard_links_read(struct dashboard_reader *reader, const json_t *root,
                          struct dashboard *out);
void dashboard_annotations_read(struct dashboard_reader *reader, const json_t *root,
                                struct dashboard *out);
enum dashboard_panel_type dashboard_panel_type_of(const char *id);

/* The file as JSON; ERR_INPUT with a fault if it is none. */
enum err dashboard_parse(const char *name, const char *text, size_t len, json_t **out,
                         struct yaml_lines **lines, struct faults *faults, struct error *error);

#endif
