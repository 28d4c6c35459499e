#include "base/log.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>

Test(log, one_line_with_its_component, .init = cr_redirect_stderr)
{
    log_write(LOG_WARN, "stack", "port %d\nis taken", 9090);
    log_write(LOG_DEBUG, "stack", "not shown");
    log_set_level(LOG_DEBUG);
    log_write(LOG_DEBUG, "stack", "shown");
    log_set_level(LOG_ERROR);
    log_write(LOG_WARN, "stack", "not shown");
    fflush(stderr);
    cr_assert_stderr_eq_str("driftdrill: stack: port 9090 is taken\n"
                            "driftdrill: stack: shown\n");
}
