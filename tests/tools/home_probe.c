/* Prints where a program at this place finds the shipped files; for tests/tools/install-and-run. */
#include "command/command.h"

#include <limits.h>
#include <stdio.h>

int main(void)
{
    char home[PATH_MAX];
    if (!command_home(home, sizeof home)) {
        return 1;
    }
    puts(home);
    return 0;
}
