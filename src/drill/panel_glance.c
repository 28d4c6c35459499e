#include "drill/panel_glance.h"

#include "base/mem.h"

#include <string.h>

bool panel_glance_unanswered(const struct panel_glance *glance)
{
    return !glance->ok && (glance->code == ERR_NETWORK || glance->code == ERR_TIMEOUT ||
                           glance->code == ERR_MEMORY || glance->code == ERR_INTERRUPTED);
}

void panel_glance_deinit(struct panel_glance *glance)
{
    mem_free(glance->shown);
    *glance = (struct panel_glance){0};
}

void panel_sight_deinit(struct panel_sight *sight)
{
    for (size_t i = 0; i < sight->count; i++) {
        panel_glance_deinit(&sight->glance[i]);
    }
    mem_free(sight->glance);
    panel_glance_deinit(&sight->rest);
    *sight = (struct panel_sight){0};
}

/* "dark-red" is a red. */
bool panel_colour_is(const char *shown, const char *wanted)
{
    static const char *const shades[] = {"super-light-", "semi-dark-", "light-", "dark-"};
    for (size_t i = 0; i < sizeof shades / sizeof shades[0]; i++) {
        size_t len = strlen(shades[i]);
        if (strncmp(shown, shades[i], len) == 0 && strcmp(shown + len, wanted) == 0) {
            return true;
        }
    }
    return strcmp(shown, wanted) == 0;
}
