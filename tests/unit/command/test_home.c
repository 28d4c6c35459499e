/* The installed layout is tested by tests/tools/install-and-run: it needs a program elsewhere. */
#include "base/fileio.h"
#include "base/text.h"
#include "command/command.h"

#include <criterion/criterion.h>
#include <limits.h>
#include <unistd.h>

Test(home, a_program_below_the_repository_finds_it_from_any_folder)
{
    char home[PATH_MAX];
    char path[PATH_MAX];
    cr_assert_eq(chdir("/"), 0);
    cr_assert(command_home(home, sizeof home));
    cr_assert(text_join_path(path, sizeof path, home, "scenarios"));
    cr_expect(file_is_folder(path), "%s", path);
    cr_assert(text_join_path(path, sizeof path, home, "src/main.c"));
    cr_expect(file_exists(path), "%s", path);
}

Test(home, a_path_that_does_not_fit_is_not_cut)
{
    char home[3];
    cr_assert_not(command_home(home, sizeof home));
}
