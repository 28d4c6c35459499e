#include "drill/svg.h"

#include "base/text.h"
#include "drill/report.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define COORDINATE_MAX 1e6
/* Mean width of a sans-serif letter against its height; a little too wide, so that texts fit. */
#define LETTER_WIDTH 0.6
#define ELLIPSIS "\xe2\x80\xa6"

/* ---- arithmetic ---- */

double svg_at(const struct svg_scale *scale, double value)
{
    double range = scale->to - scale->from;
    return range == 0 ? scale->at : scale->at + (value - scale->from) / range * scale->length;
}

size_t svg_ticks(double from, double to, size_t most, double out[SVG_TICKS_MAX], int *decimals)
{
    static const double factors[] = {1, 2, 5, 10};
    size_t count = 0;
    *decimals = 0;
    if (!isfinite(from) || !isfinite(to) || !(to > from) || most == 0 || !isfinite(to - from)) {
        return 0;
    }
    most = most < SVG_TICKS_MAX ? most : SVG_TICKS_MAX;
    double power = floor(log10((to - from) / (double)most));
    double step = INFINITY;
    for (size_t i = 0; i < 4 && !isfinite(step); i++) {
        double wide = factors[i] * pow(10, power);
        double fits = floor(to / wide + 1e-9) - ceil(from / wide - 1e-9) + 1;
        step = fits <= (double)most ? wide : step;
    }
    if (!isfinite(step) || !(step > 0)) {
        return 0;
    }
    double first = ceil(from / step - 1e-9);
    while (count < most && (first + (double)count) * step <= to + step * 1e-9) {
        out[count] = (first + (double)count) * step;
        out[count] = out[count] == 0 ? 0 : out[count]; /* no minus zero */
        count++;
    }
    double places = -floor(log10(step) + 1e-9);
    *decimals = places > 0 ? (int)fmin(places, 9) : 0;
    return count;
}

/* The lowest and the highest of points [from, to), in their order, to `into`. */
static size_t keep_extremes(struct svg_point *point, size_t from, size_t to, size_t into)
{
    size_t low = from, high = from;
    for (size_t i = from; i < to; i++) {
        low = point[i].y < point[low].y ? i : low;
        high = point[i].y > point[high].y ? i : high;
    }
    struct svg_point first = point[low < high ? low : high], last = point[low < high ? high : low];
    point[into] = first;
    if (low == high) {
        return 1;
    }
    point[into + 1] = last;
    return 2;
}

size_t svg_thin(struct svg_point *point, size_t count, double bucket)
{
    size_t kept = 0;
    assert(bucket > 0);
    for (size_t i = 0; i < count;) {
        if (isnan(point[i].y) || isnan(point[i].x)) {
            if (kept > 0 && !isnan(point[kept - 1].y)) {
                point[kept++] = (struct svg_point){NAN, NAN};
            }
            i++;
            continue;
        }
        double number = floor(point[i].x / bucket);
        size_t end = i + 1;
        while (end < count && !isnan(point[end].y) && floor(point[end].x / bucket) == number) {
            end++;
        }
        kept += keep_extremes(point, i, end, kept);
        i = end;
    }
    return kept;
}

static size_t letters(const char *text)
{
    size_t count = 0;
    for (; *text != '\0'; text++) {
        count += ((unsigned char)*text & 0xc0) != 0x80;
    }
    return count;
}

double svg_text_width(const char *text, double px)
{
    return (double)letters(text) * px * LETTER_WIDTH;
}

const char *svg_fit(const char *text, double px, double width, char *out, size_t size)
{
    assert(size > sizeof ELLIPSIS);
    double room = fmax(1, floor(width / (px * LETTER_WIDTH)));
    if ((double)letters(text) <= room && text_copy(out, size, text)) {
        return out;
    }
    size_t bytes = 0; /* up to the beginning of a character that leaves room */
    double used = 0;
    for (size_t at = 0; text[at] != '\0' && at + sizeof ELLIPSIS <= size && used < room; at++) {
        if (((unsigned char)text[at] & 0xc0) != 0x80) {
            bytes = at;
            used++;
        }
    }
    memcpy(out, text, bytes);
    memcpy(out + bytes, ELLIPSIS, sizeof ELLIPSIS);
    return out;
}

/* ---- elements ---- */

void svg_add_text(struct buf *out, const char *text)
{
    report_add_xml(out, text);
}

void svg_add_number(struct buf *out, double value)
{
    if (!isfinite(value)) {
        value = 0;
    }
    value = fmin(fmax(value, -COORDINATE_MAX), COORDINATE_MAX);
    double tenths = round(value * 10);
    if (fmod(tenths, 10) == 0) {
        buf_printf(out, "%.0f", tenths == 0 ? 0.0 : tenths / 10);
    } else {
        buf_printf(out, "%.1f", tenths / 10);
    }
}

static void add_attribute(struct buf *out, const char *name, double value)
{
    buf_printf(out, " %s=\"", name);
    svg_add_number(out, value);
    buf_text(out, "\"");
}

static void open_element(struct buf *out, const char *name, const char *class)
{
    buf_printf(out, "<%s", name);
    if (class != NULL && class[0] != '\0') {
        buf_printf(out, " class=\"%s\"", class);
    }
}

static void add_patterns(struct buf *out, const char *id)
{
    buf_printf(out,
               "<defs><pattern id=\"%s-hatch\" width=\"6\" height=\"6\" "
               "patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\">"
               "<rect class=\"near-soft\" width=\"6\" height=\"6\"/>"
               "<rect class=\"near\" width=\"2\" height=\"6\"/></pattern>",
               id);
    buf_printf(out,
               "<pattern id=\"%s-cross\" width=\"6\" height=\"6\" "
               "patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\">"
               "<rect class=\"past-soft\" width=\"6\" height=\"6\"/>"
               "<path class=\"past-line\" d=\"M0 0H6M0 0V6\"/></pattern>",
               id);
    buf_printf(out,
               "<pattern id=\"%s-dots\" width=\"6\" height=\"6\" "
               "patternUnits=\"userSpaceOnUse\"><rect class=\"soft\" width=\"6\" height=\"6\"/>"
               "<circle class=\"mute\" cx=\"2\" cy=\"2\" r=\"1\"/></pattern></defs>\n",
               id);
}

void svg_begin(struct buf *out, const struct svg_head *head)
{
    buf_text(out, "<svg");
    if (head->alone) {
        buf_text(out, " xmlns=\"http://www.w3.org/2000/svg\" xml:lang=\"en\"");
        add_attribute(out, "width", head->width);
        add_attribute(out, "height", head->height);
    }
    buf_printf(out, " id=\"%s\" class=\"chart\" role=\"img\" viewBox=\"0 0 ", head->id);
    svg_add_number(out, head->width);
    buf_text(out, " ");
    svg_add_number(out, head->height);
    buf_printf(out, "\" aria-labelledby=\"%s-title %s-desc\">\n<title id=\"%s-title\">", head->id,
               head->id, head->id);
    svg_add_text(out, head->title);
    buf_printf(out, "</title><desc id=\"%s-desc\">", head->id);
    svg_add_text(out, head->desc);
    buf_text(out, "</desc>\n");
    if (head->alone) {
        buf_text(out, "<style>\n");
        svg_style(out);
        buf_text(out, "</style>\n");
    }
    add_patterns(out, head->id);
    if (head->alone) {
        svg_rect(out, "page", &(struct svg_box){0, 0, head->width, head->height});
    }
}

void svg_end(struct buf *out)
{
    buf_text(out, "</svg>\n");
}

void svg_group(struct buf *out, const char *class, const char *tip)
{
    open_element(out, "g", class);
    buf_text(out, ">");
    if (tip != NULL && tip[0] != '\0') {
        buf_text(out, "<title>");
        svg_add_text(out, tip);
        buf_text(out, "</title>");
    }
}

void svg_group_end(struct buf *out)
{
    buf_text(out, "</g>\n");
}

static void open_text(struct buf *out, const char *class, double x, double y)
{
    open_element(out, "text", class);
    add_attribute(out, "x", x);
    add_attribute(out, "y", y);
    buf_text(out, ">");
}

void svg_text(struct buf *out, const char *class, double x, double y, const char *text)
{
    open_text(out, class, x, y);
    svg_add_text(out, text);
    buf_text(out, "</text>\n");
}

void svg_text_fit(struct buf *out, const char *class, double x, double y, double px, double width,
                  const char *text)
{
    char cut[512];
    open_text(out, class, x, y);
    if (strcmp(svg_fit(text, px, width, cut, sizeof cut), text) != 0) {
        buf_text(out, "<title>");
        svg_add_text(out, text);
        buf_text(out, "</title>");
    }
    svg_add_text(out, cut);
    buf_text(out, "</text>\n");
}

static void add_box(struct buf *out, const struct svg_box *box)
{
    add_attribute(out, "x", box->x);
    add_attribute(out, "y", box->y);
    add_attribute(out, "width", fmax(box->w, 0));
    add_attribute(out, "height", fmax(box->h, 0));
}

void svg_rect(struct buf *out, const char *class, const struct svg_box *box)
{
    open_element(out, "rect", class);
    add_box(out, box);
    buf_text(out, "/>\n");
}

void svg_rect_pattern(struct buf *out, const char *id, const char *pattern,
                      const struct svg_box *box)
{
    buf_printf(out, "<rect fill=\"url(#%s-%s)\"", id, pattern);
    add_box(out, box);
    buf_text(out, "/>\n");
}

void svg_line(struct buf *out, const char *class, double x1, double y1, double x2, double y2)
{
    open_element(out, "line", class);
    add_attribute(out, "x1", x1);
    add_attribute(out, "y1", y1);
    add_attribute(out, "x2", x2);
    add_attribute(out, "y2", y2);
    buf_text(out, "/>\n");
}

/* Corners of a shape of radius 1; the circle is not one of them. */
static const char *const shapes[SVG_SYMBOLS][2] = {
    [SVG_SQUARE] = {"-.85 -.85 .85 -.85 .85 .85 -.85 .85", "polygon"},
    [SVG_TRIANGLE] = {"0 -1.1 1 .8 -1 .8", "polygon"},
    [SVG_DIAMOND] = {"0 -1.2 1.1 0 0 1.2 -1.1 0", "polygon"},
    [SVG_CROSS] = {"-.9 -.5 -.5 -.9 0 -.4 .5 -.9 .9 -.5 .4 0 .9 .5 .5 .9 0 .4 -.5 .9 -.9 .5 -.4 0",
                   "polygon"},
    [SVG_TRIANGLE_DOWN] = {"0 1.1 1 -.8 -1 -.8", "polygon"},
    [SVG_PLUS] = {"-.3 -1 .3 -1 .3 -.3 1 -.3 1 .3 .3 .3 .3 1 -.3 1 -.3 .3 -1 .3 -1 -.3 -.3 -.3",
                  "polygon"},
    [SVG_BAR] = {"-.35 -1.2 .35 -1.2 .35 1.2 -.35 1.2", "polygon"}};

void svg_symbol(struct buf *out, enum svg_symbol symbol, const char *class, double x, double y,
                double radius)
{
    if (symbol == SVG_CIRCLE) {
        open_element(out, "circle", class);
        add_attribute(out, "cx", x);
        add_attribute(out, "cy", y);
        add_attribute(out, "r", radius);
        buf_text(out, "/>\n");
        return;
    }
    open_element(out, shapes[symbol][1], class);
    buf_text(out, " transform=\"translate(");
    svg_add_number(out, x);
    buf_text(out, " ");
    svg_add_number(out, y);
    buf_text(out, ") scale(");
    svg_add_number(out, radius);
    buf_printf(out, ")\" points=\"%s\"/>\n", shapes[symbol][0]);
}

static double tenth(double value)
{
    return round(value * 10) / 10;
}

/* Points in a row on one height say no more than the first and the last of them. */
static bool is_between_equals(const struct svg_point *point, size_t i, size_t count)
{
    return i > 0 && i + 1 < count && tenth(point[i - 1].y) == tenth(point[i].y) &&
           tenth(point[i + 1].y) == tenth(point[i].y);
}

/* Steps from point to point; the pen's position is kept as it was written. */
static void add_steps(struct buf *out, const struct svg_point *point, size_t count)
{
    struct svg_point pen = {tenth(point[0].x), tenth(point[0].y)};
    for (size_t i = 1; i < count; i++) {
        if (is_between_equals(point, i, count)) {
            continue;
        }
        double dx = tenth(point[i].x) - pen.x, dy = tenth(point[i].y) - pen.y;
        if (fabs(dy) < 0.05) {
            buf_text(out, "h");
            svg_add_number(out, dx);
        } else {
            buf_text(out, "l");
            svg_add_number(out, dx);
            buf_text(out, " ");
            svg_add_number(out, dy);
            pen.y = tenth(point[i].y);
        }
        pen.x = tenth(point[i].x);
    }
}

static void add_move(struct buf *out, double x, double y)
{
    buf_text(out, "M");
    svg_add_number(out, x);
    buf_text(out, " ");
    svg_add_number(out, y);
}

/* The next stretch without a gap at or after *from: its length, 0 at the end. */
static size_t next_stretch(const struct svg_point *point, size_t count, size_t *from)
{
    while (*from < count && (isnan(point[*from].y) || isnan(point[*from].x))) {
        (*from)++;
    }
    size_t end = *from;
    while (end < count && !isnan(point[end].y) && !isnan(point[end].x)) {
        end++;
    }
    return end - *from;
}

void svg_curve(struct buf *out, const char *class, const struct svg_point *point, size_t count)
{
    size_t from = 0, length;
    open_element(out, "path", class);
    buf_text(out, " d=\"");
    while ((length = next_stretch(point, count, &from)) > 0) {
        add_move(out, point[from].x, point[from].y);
        if (length == 1) {
            buf_text(out, "h.1");
        } else {
            add_steps(out, point + from, length);
        }
        from += length;
    }
    buf_text(out, "\"/>\n");
}

void svg_area(struct buf *out, const char *class, const struct svg_point *point, size_t count,
              double base_y)
{
    size_t from = 0, length;
    open_element(out, "path", class);
    buf_text(out, " d=\"");
    while ((length = next_stretch(point, count, &from)) > 0) {
        add_move(out, point[from].x, base_y);
        buf_text(out, "V");
        svg_add_number(out, point[from].y);
        add_steps(out, point + from, length);
        buf_text(out, "V");
        svg_add_number(out, base_y);
        buf_text(out, "z");
        from += length;
    }
    buf_text(out, "\"/>\n");
}
