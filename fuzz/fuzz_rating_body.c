/* Bodies of POST /ratings/ and POST /admin/retrain. What was read lies in its bounds; a refusal
 * gives a reason. */
#include "recommender/requests.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char reason[REQUEST_REASON_SIZE] = "";
    struct rating_request rating;
    if (request_read_rating((const char *)data, size, &rating, reason)) {
        if (rating.user_id < 0 || rating.movie_id < 0 || rating.half_stars < 1 ||
            rating.half_stars > 10 ||
            memchr(rating.request_id, '\0', sizeof rating.request_id) == NULL) {
            abort();
        }
    } else if (reason[0] == '\0') {
        abort();
    }
    struct retrain_request retrain;
    reason[0] = '\0';
    if (request_read_retrain((const char *)data, size, &retrain, reason)) {
        if (memchr(retrain.data, '\0', sizeof retrain.data) == NULL) {
            abort();
        }
    } else if (reason[0] == '\0') {
        abort();
    }
    return 0;
}
