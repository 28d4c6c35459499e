/* Answers of many shapes; the first byte chooses what is wanted of the rest. Nothing may read
 * beyond the end, and what is picked must be what a whole parser finds there. */
#include "../tests/support/pick_oracle.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct pick *pick = NULL;
    if (len == 0) {
        return 0;
    }
    const struct pick_plan *plan = &pick_oracle_plans[bytes[0] % PICK_ORACLE_PLANS];
    /* The address sanitizer sees what is read behind the NUL. */
    char *exact = malloc(len);
    if (exact == NULL || pick_new(plan, &pick, NULL) != ERR_OK) {
        abort();
    }
    memcpy(exact, bytes + 1, len - 1);
    exact[len - 1] = '\0';
    (void)pick_oracle_check(plan, pick, exact, len - 1);
    pick_free(pick);
    free(exact);
    return 0;
}
