#include "base/log.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>

Test(log, one_line_with_its_component_and_level, .init = cr_redirect_stderr)
{
    log_write(LOG_INFO, "stack", "ready");
    log_write(LOG_WARN, "stack", "port %d\nis taken", 9090);
    log_write(LOG_ERROR, "drill", "stopped");
    fflush(stderr);
    cr_assert_stderr_eq_str("driftdrill: stack: ready\n"
                            "driftdrill: stack: warning: port 9090 is taken\n"
                            "driftdrill: drill: error: stopped\n");
}
