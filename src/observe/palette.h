/*
 * Grafana's colours by name (@grafana/data createVisualizationColors). Dashboards name colours
 * ("red", "semi-dark-blue"); what they look like depends on the theme.
 */
#ifndef OBSERVE_PALETTE_H
#define OBSERVE_PALETTE_H

#include <stdbool.h>
#include <stddef.h>

#define PALETTE_FALLBACK "gray" /* where no colour was said */

/* "#F2495C" for "red". Colours that are no names of Grafana's ("#abc", "rgb(1, 2, 3)", names of the
 * web) come back as they are. */
const char *palette_hex(const char *name, bool light_theme);
/* Name of the colour that "palette-classic" gives the series of that index. */
const char *palette_classic(size_t index);
/* And "palette-classic-by-name" the series of that name. */
const char *palette_classic_by_name(const char *series);

#endif
