/*
 * Drawing primitives: SVG elements appended to a buffer, for pictures inside a page of HTML and for
 * files of their own. Colours are classes whose values svg_style holds for light, dark and paper;
 * nothing is told by colour alone: series differ in dashes and in symbols too, states in patterns
 * and symbols. Texts may be hostile, class names and ids come from the program. Pure.
 *
 * Coordinates are pixels of the picture, y downwards, written to a tenth.
 */
#ifndef DRILL_SVG_H
#define DRILL_SVG_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>

#define SVG_TICKS_MAX 12
#define SVG_SERIES 8 /* classes s0 to s7 */

struct svg_point {
    double x, y; /* a point of NaN is a gap */
};

/* Values from..to lie on pixels at..at + length; length may be negative. */
struct svg_scale {
    double from, to, at, length;
};

struct svg_box {
    double x, y, w, h;
};

enum svg_symbol {
    SVG_CIRCLE,
    SVG_SQUARE,
    SVG_TRIANGLE,
    SVG_DIAMOND,
    SVG_CROSS,
    SVG_TRIANGLE_DOWN,
    SVG_PLUS,
    SVG_BAR,
    SVG_SYMBOLS
};

struct svg_head {
    const char *id;           /* unique in a page; letters, digits, '-' */
    const char *title, *desc; /* read out instead of the picture; any text */
    double width, height;
    bool alone; /* a file of its own: brings its style and names its language */
};

/* ---- arithmetic ---- */

double svg_at(const struct svg_scale *scale, double value); /* not cut to the scale */
/* Round values inside [from, to], at most `most` (to SVG_TICKS_MAX), 1, 2 or 5 times a power of ten
 * apart; *decimals is what they need. 0 if there is no such range. */
size_t svg_ticks(double from, double to, size_t most, double out[SVG_TICKS_MAX], int *decimals);
/* Leaves of a rising curve at most two points for every `bucket` pixels, the lowest and the highest
 * in their order, and one for each gap. In place; returns the new count. */
size_t svg_thin(struct svg_point *point, size_t count, double bucket);
/* About how wide a text of `px` is drawn. */
double svg_text_width(const char *text, double px);
/* Cuts a text with an ellipsis so that it takes about `width`; returns out. */
const char *svg_fit(const char *text, double px, double width, char *out, size_t size);

/* ---- elements ---- */

void svg_begin(struct buf *out, const struct svg_head *head);
void svg_end(struct buf *out);
void svg_add_text(struct buf *out, const char *text); /* escaped for elements and attributes */
void svg_add_number(struct buf *out, double value);   /* to a tenth, "0" for what is no number */
/* A group with a tip, closed by svg_group_end; both may be NULL. */
void svg_group(struct buf *out, const char *class, const char *tip);
void svg_group_end(struct buf *out);
void svg_text(struct buf *out, const char *class, double x, double y, const char *text);
/* The same, cut to a width, the whole text being its tip. */
void svg_text_fit(struct buf *out, const char *class, double x, double y, double px, double width,
                  const char *text);
void svg_rect(struct buf *out, const char *class, const struct svg_box *box);
/* Filled with a pattern of this picture: "hatch", "dots" or "cross". */
void svg_rect_pattern(struct buf *out, const char *id, const char *pattern,
                      const struct svg_box *box);
void svg_line(struct buf *out, const char *class, double x1, double y1, double x2, double y2);
void svg_symbol(struct buf *out, enum svg_symbol symbol, const char *class, double x, double y,
                double radius);
/* A line through the points; gaps interrupt it, a point alone becomes a dot. */
void svg_curve(struct buf *out, const char *class, const struct svg_point *point, size_t count);
/* The area between the points and a base line. */
void svg_area(struct buf *out, const char *class, const struct svg_point *point, size_t count,
              double base_y);

/* ---- looks ---- */

const char *svg_series_class(size_t index); /* "s0" ... again from the start after the last */
enum svg_symbol svg_series_symbol(size_t index);
/* The rules of all classes and their colours; once a page. */
void svg_style(struct buf *out);

#endif
