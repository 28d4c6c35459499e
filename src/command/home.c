#include "base/fileio.h"
#include "base/text.h"
#include "command/command.h"

#include <limits.h>
#include <string.h>

static bool holds(const char *folder, const char *name)
{
    char path[PATH_MAX];
    return text_join_path(path, sizeof path, folder, name) && file_is_folder(path);
}

static bool is_home(const char *folder)
{
    return holds(folder, "scenarios") && holds(folder, "prometheus/rules");
}

/* Cuts the last part off; false once the path has no folder above it. */
static bool go_up(char *path)
{
    char *slash = strrchr(path, '/');
    if (slash == NULL || strcmp(path, "/") == 0) {
        return false;
    }
    slash[slash == path ? 1 : 0] = '\0';
    return true;
}

bool command_home(char *out, size_t size)
{
    char program[PATH_MAX];
    if (!file_program_path(program, sizeof program)) {
        return false;
    }
    char folder[PATH_MAX];
    text_copy(folder, sizeof folder, program);
    do {
        if (is_home(folder)) {
            return text_copy(out, size, folder);
        }
    } while (go_up(folder));
    /* Installed: PREFIX/bin beside PREFIX/share. */
    return go_up(program) && text_join_path(folder, sizeof folder, program, "share/driftdrill") &&
           is_home(folder) && text_copy(out, size, folder);
}
