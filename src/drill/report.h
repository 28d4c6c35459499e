/* The result of a drill, for people (terminal table) and machines (verdict.json, junit.xml). */
#ifndef DRILL_REPORT_H
#define DRILL_REPORT_H

#include "base/buf.h"
#include "base/error.h"
#include "drill/applicable.h"
#include "drill/delay_budget.h"
#include "drill/evidence.h"
#include "drill/floors.h"
#include "drill/judge.h"
#include "drill/objectives.h"
#include "drill/play.h"
#include "drill/reconcile.h"
#include "drill/scenario.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct panel_book;
struct report_tracks;

struct report { /* borrowed */
    const struct scenario *scenario;
    const struct judgement *judgement;
    const struct evidence *evidence;
    const struct reconciliation *reconciliation;
    const struct play_result *play;
    const struct objectives_head *objectives; /* NULL if the rules have none */
    const struct floors *floors;              /* NULL if none were measured, ... */
    const struct delay_budgets *delays;       /* ... nor any delay */
    const struct report_tracks *tracks;       /* NULL: none were collected */
    const struct panel_book *panels;          /* NULL: no dashboards were looked at */
    const struct applicable *applicable;      /* NULL: every expectation was */
    uint64_t seed;
    const char *folder;
    const char *data_name;
    uint64_t data_fingerprint;
    const char *target_version;
    const json_t *versions; /* object: program -> version */
    const json_t *options;  /* object: option -> value */
    const json_t *grafana;  /* what was asked of a Grafana; NULL = nothing */
    int64_t started_wall_ns;
};

/* A JSON text of bytes from anywhere, such as a path: what is not UTF-8 becomes '?'; null for NULL.
 */
json_t *report_text(const char *text);
/* Adds a text to XML: escaped, what is not UTF-8 as '?', without forbidden control characters. */
void report_add_xml(struct buf *out, const char *text);
/* The table of expectations, the delays and their floors, the reasons of an invalid drill, where
 * the evidence lies; stdout. */
void report_print(const struct report *report);
enum err report_write_json(const struct report *report, const char *path, struct error *error);
enum err report_write_junit(const struct report *report, const char *path, struct error *error);

#endif
