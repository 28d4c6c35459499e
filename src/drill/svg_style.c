/*
 * The looks of pictures. Colours are those of Okabe and Ito, which stay apart for all common kinds
 * of colour-blindness; against a dark ground the dark ones are replaced by lighter ones of the same
 * hue. Paper is always light.
 */
#include "drill/svg.h"

static const char *const classes[SVG_SERIES] = {"s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7"};

const char *svg_series_class(size_t index)
{
    return classes[index % SVG_SERIES];
}

enum svg_symbol svg_series_symbol(size_t index)
{
    return (enum svg_symbol)(index % SVG_SYMBOLS);
}

#define LIGHT                                                                                      \
    "--page:#fff;--panel:#fff;--edge:#d5d8dc;--ink:#1b1f24;--dim:#57606a;--grid:#e7e9ec;"          \
    "--soft:#eef0f2;--mute:#8a929b;--c0:#0072b2;--c1:#d55e00;--c2:#009e73;--c3:#aa4499;"           \
    "--c4:#56b4e9;--c5:#e69f00;--c6:#1b1f24;--c7:#8a6d00;--ok:#0072b2;--near:#e69f00;"             \
    "--past:#c23b00;--ok-soft:#e1eff8;--near-soft:#fdf1d8;--past-soft:#fbe3d8;--on:#fff"
#define DARK                                                                                       \
    "--page:#14171a;--panel:#1c2025;--edge:#3a4048;--ink:#e8eaed;--dim:#a5adb6;--grid:#2b3037;"    \
    "--soft:#262b31;--mute:#7d8690;--c0:#56b4e9;--c1:#ff8a3d;--c2:#2fc79b;--c3:#e19bc4;"           \
    "--c4:#9fb8ff;--c5:#f0e442;--c6:#e8eaed;--c7:#c9b36a;--ok:#56b4e9;--near:#f0b429;"             \
    "--past:#ff7a3c;--ok-soft:#1b3345;--near-soft:#40351a;--past-soft:#47271a;--on:#14171a"

void svg_style(struct buf *out)
{
    buf_text(out, ":root{color-scheme:light dark;" LIGHT "}\n"
                  "@media (prefers-color-scheme:dark){:root{" DARK "}}\n"
                  "@media print{:root{color-scheme:light;" LIGHT "}}\n");
    buf_text(out,
             ".chart text{font:12px system-ui,'Segoe UI',Helvetica,Arial,sans-serif;"
             "fill:var(--ink)}\n"
             ".chart .dim{fill:var(--dim)}.chart .small{font-size:11px}"
             ".chart .bold{font-weight:600}.chart .end{text-anchor:end}"
             ".chart .mid{text-anchor:middle}.chart .on{fill:var(--on)}\n"
             ".chart .num{font-variant-numeric:tabular-nums}\n"
             ".page{fill:var(--page)}.panel{fill:var(--panel);stroke:var(--edge)}"
             ".plot{fill:none;stroke:var(--edge)}.grid{stroke:var(--grid);fill:none}"
             ".soft{fill:var(--soft)}.mute{fill:var(--mute)}.edge{stroke:var(--edge);fill:none}"
             ".frame{fill:none;stroke:var(--dim)}\n"
             ".ok{fill:var(--ok)}.near{fill:var(--near)}.past{fill:var(--past)}"
             ".plain{fill:var(--ink)}.ok-soft{fill:var(--ok-soft)}"
             ".near-soft{fill:var(--near-soft)}.past-soft{fill:var(--past-soft)}\n"
             ".ok-line{stroke:var(--ok);fill:none}.near-line{stroke:var(--near);fill:none}"
             ".past-line{stroke:var(--past);fill:none}.plain-line{stroke:var(--mute);fill:none}"
             ".limit{stroke-dasharray:7 3;stroke-width:1.4}\n"
             ".moment{stroke:var(--dim);stroke-dasharray:2 3}"
             ".allowed{stroke:var(--ink);fill:none;stroke-width:1}\n"
             ".hollow{fill:var(--panel);stroke:var(--ink);stroke-width:1.3;vector-effect:non-"
             "scaling-stroke}\n"
             ".mark{stroke:var(--panel);stroke-width:1;vector-effect:non-scaling-stroke}\n");
    buf_text(out, ".curve{fill:none;stroke-width:1.7;stroke-linejoin:round;stroke-linecap:round}"
                  ".truth{stroke:var(--mute);stroke-width:4;stroke-opacity:.55;fill:none;"
                  "stroke-linejoin:round}.wash{fill-opacity:.25}\n");
    buf_text(out, ".chart .tiny{font-size:10px}.chart .mid-size{font-size:20px}"
                  ".chart .big{font-size:28px}.grey{fill:var(--mute)}"
                  ".curve.grey{fill:none;stroke:var(--mute)}\n");
    for (int i = 1; i <= 8; i++) {
        buf_printf(out, ".heat%d{fill:var(--c0);fill-opacity:.%02d}", i, 4 + i * 12 - 1);
    }
    static const char *const dashes[SVG_SERIES] = {"none", "7 3", "2.5 3", "9 3 2 3",
                                                   "none", "7 3", "2.5 3", "9 3 2 3"};
    for (int i = 0; i < SVG_SERIES; i++) {
        buf_printf(out, ".s%d{fill:var(--c%d)}.curve.s%d{fill:none;stroke:var(--c%d)", i, i, i, i);
        buf_printf(out, ";stroke-dasharray:%s}\n", dashes[i]);
    }
    buf_text(out, ".curve.solid{stroke-dasharray:none}.curve.dash{stroke-dasharray:7 4}"
                  ".curve.dot{stroke-dasharray:1 4}.curve.thin{stroke-width:1}"
                  ".curve.thick{stroke-width:2.6}\n");
}
