/* The query of GET /recommendations/: user_id, and after a '&' n. */
#include "recommender/requests.h"

#include "base/mem.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char reason[REQUEST_REASON_SIZE] = "";
    struct list_request asked;
    char *user_id = mem_array(size + 1, 1);
    if (size > 0) {
        memcpy(user_id, data, size);
    }
    user_id[size] = '\0';
    char *n = strchr(user_id, '&');
    if (n != NULL) {
        *n++ = '\0';
    }
    if (request_read_list(user_id, n, &asked, reason)) {
        if (asked.user_id < 0 || asked.n < 1 || asked.n > 50 || (n == NULL && asked.n != 10)) {
            abort();
        }
    } else if (reason[0] == '\0') {
        abort();
    }
    mem_free(user_id);
    return 0;
}
