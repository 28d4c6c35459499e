/*
 * The view of a running drill on a terminal: phases with a progress bar, injections, alerts and
 * quantities against the truth, all above one axis, which is the whole drill. It is redrawn in
 * place below what has been printed, a frame a second, without changing any setting of the
 * terminal, so that nothing must be restored. Main thread.
 *
 * What it is told, it remembers by column of the axis: as little as a screen can show.
 */
#ifndef DRILL_LIVE_VIEW_H
#define DRILL_LIVE_VIEW_H

#include "base/buf.h"
#include "drill/scenario.h"
#include "load/engine.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LIVE_ALERTS_MAX 48
#define LIVE_COLUMNS_MAX 240
#define LIVE_COLUMNS_MIN 72 /* a smaller terminal gets the status line */
#define LIVE_ROWS_MIN 16
#define LIVE_QUANTITIES 3

enum live_state { LIVE_QUIET, LIVE_PENDING, LIVE_FIRING };

/* What Prometheus said at one moment. */
struct live_watched {
    size_t count; /* alerts that are pending or firing */
    struct {
        char name[128];
        bool firing;
    } alert[LIVE_ALERTS_MAX];
    double recorded[LIVE_QUANTITIES]; /* conversion, reciprocal rank, mean rating; NaN = unknown */
    double objective[LIVE_QUANTITIES];
};

struct live_now {
    int64_t drill_ns;
    struct engine_live live;
    const struct live_watched *watched; /* NULL: Prometheus was not asked, or did not answer */
};

struct live_view;

/* `scenario` is borrowed. unicode: blocks, else ASCII; colour: escape sequences for it. */
struct live_view *live_view_new(const struct scenario *scenario, bool unicode, bool colour);
void live_view_free(struct live_view *view); /* accepts NULL */
/* Remembers a moment. */
void live_view_take(struct live_view *view, const struct live_now *now);
/* A frame of at most columns x rows: whole lines, each ending with a newline. Returns how many. */
int live_view_draw(const struct live_view *view, int columns, int rows, struct buf *out);

/* One query for everything that live_watched holds. */
const char *live_view_query(void);
/* Files one sample of the answer to that query. */
void live_watched_init(struct live_watched *watched);
void live_watched_add(struct live_watched *watched, const char *series, const char *alert,
                      const char *state, double value);

/* Does this environment ask for UTF-8, and does it not refuse colour (NO_COLOR, TERM=dumb)? */
bool live_view_locale_is_utf8(const char *lc_all, const char *lc_ctype, const char *lang);
bool live_view_may_colour(const char *no_color, const char *term);

#endif
