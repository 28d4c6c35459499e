/* The stub server's reading of requests: what is whole is whole with nothing behind it, and not
 * with a byte less. */
#include "base/mem.h"
#include "load/stub_request.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int holds)
{
    if (!holds) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct stub_request request = {0}, again = {0};
    size_t used = 0, used_again = 0;
    /* An allocation of just this size, so that a byte read beyond it is found. */
    char *bytes = mem_array(size > 0 ? size : 1, 1);
    memcpy(bytes, data, size);
    if (stub_request_read(bytes, size, &request, &used) == STUB_WHOLE) {
        must(used > 0 && used <= size && request.body_bytes < used);
        char *exact = mem_array(used, 1);
        memcpy(exact, bytes, used);
        must(stub_request_read(exact, used, &again, &used_again) == STUB_WHOLE);
        must(used_again == used && again.kind == request.kind && again.user == request.user &&
             again.length == request.length && again.last == request.last);
        must(stub_request_read(exact, used - 1, &again, &used_again) == STUB_UNFINISHED);
        mem_free(exact);
    }
    mem_free(bytes);
    return 0;
}
